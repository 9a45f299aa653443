use proptest::prelude::*;

use super::*;
use crate::clock::Moment;
use crate::pki::authority::{Authority, AuthorityRequest, ClientRequest, Leaf};
use crate::pki::certificate::{KeyAlgorithm, to_pem};
use crate::pki::key::KeyChoice;
use crate::pki::openssl::Openssl;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn root(common_name: &str) -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: common_name.to_owned(),
        organization: None,
        not_before: Moment::parse("2020-01-01").unwrap(),
        not_after: Moment::parse("2060-01-01").unwrap(),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

fn client(issuer: &Authority) -> Leaf {
    issuer
        .issue_client(&ClientRequest {
            common_name: "client-1".to_owned(),
            organization: None,
            sans: Vec::new(),
            not_before: Moment::parse("2020-01-01").unwrap(),
            not_after: Moment::parse("2060-01-01").unwrap(),
            key: KeyChoice::EcP256,
        })
        .unwrap()
}

fn key_pem(key: &PrivateKey) -> String {
    key.to_pkcs8_pem().expose_str().unwrap().to_owned()
}

fn error(bytes: impl AsRef<[u8]>) -> InvalidUpload {
    read(bytes.as_ref(), None).unwrap_err()
}

fn foreign(what: Foreign, line: Option<usize>) -> InvalidUpload {
    InvalidUpload::Foreign { what, line }
}

/// A revocation list, as PEM.
fn crl(openssl: &Openssl) -> String {
    openssl.run("req -x509 -nodes -newkey ed25519 -keyout k.pem -out c.pem -subj /CN=x");
    openssl.put("db", "");
    openssl.put(
        "conf",
        "[ca]\ndefault_ca=x\n[x]\ndatabase=db\ndefault_md=default\ndefault_crl_days=30\n",
    );
    openssl.text("ca -config conf -gencrl -keyfile k.pem -cert c.pem")
}

#[test]
fn reads_a_mixture_of_pem_blocks() {
    let openssl = Openssl::new();
    let (one, two) = (root("one"), root("two"));
    let leaf = client(&one);
    let text = format!(
        "subject=x\n{}\n{}-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{}{}",
        leaf.certificate.to_pem(),
        key_pem(&leaf.key),
        two.certificate.to_pem(),
        crl(&openssl),
    );
    let upload = read(text.as_bytes(), Some(&secret("ignored"))).unwrap();
    assert_eq!(
        upload.certificates,
        [leaf.certificate.clone(), two.certificate]
    );
    assert!(upload.key.unwrap().belongs_to(&leaf.certificate));
    assert_eq!(upload.crls.len(), 1);
}

#[test]
fn reads_single_der_objects() {
    let openssl = Openssl::new();
    let one = root("one");
    let upload = read(one.certificate.der(), None).unwrap();
    assert_eq!(
        (&*upload.certificates, upload.key.is_none()),
        (&[one.certificate.clone()][..], true)
    );
    let upload = read(one.key.pkcs8(), None).unwrap();
    assert!(upload.key.unwrap().belongs_to(&one.certificate));
    openssl.put("r.pem", crl(&openssl));
    let list = openssl.run("crl -in r.pem -outform DER");
    assert_eq!(read(&list, None).unwrap().crls, [list]);
    openssl.put("e.pem", key_pem(&one.key));
    let encrypted = openssl.run("pkcs8 -topk8 -in e.pem -outform DER -passout pass:x");
    let upload = read(&encrypted, Some(&secret("x"))).unwrap();
    assert!(upload.key.unwrap().belongs_to(&one.certificate));
    assert_eq!(error(&encrypted), InvalidUpload::PasswordNeeded);
}

#[test]
fn orders_a_pkcs_12_file_from_the_leaf_up() {
    let openssl = Openssl::new();
    let (top, stranger) = (root("top"), root("stranger"));
    let middle = Authority::subordinate(
        &top,
        &AuthorityRequest {
            common_name: "middle".to_owned(),
            organization: None,
            not_before: Moment::parse("2020-01-01").unwrap(),
            not_after: Moment::parse("2060-01-01").unwrap(),
            path_length: None,
            key: KeyChoice::EcP384,
        },
    )
    .unwrap();
    let leaf = client(&middle);
    let chain = [&stranger, &top, &middle]
        .map(|authority| authority.certificate.to_pem())
        .concat();
    openssl.put(
        "all.pem",
        format!("{}{}{chain}", key_pem(&leaf.key), leaf.certificate.to_pem()),
    );
    let file = openssl.run("pkcs12 -export -in all.pem -passout pass:x");
    let upload = read(&file, Some(&secret("x"))).unwrap();
    let subjects: Vec<&str> = upload
        .certificates
        .iter()
        .map(|one| one.facts().subject.as_str())
        .collect();
    assert_eq!(
        subjects,
        ["CN=client-1", "CN=middle", "CN=top", "CN=stranger"]
    );
    assert!(upload.key.unwrap().belongs_to(&leaf.certificate));
    assert_eq!(error(&file), InvalidUpload::PasswordNeeded);
    assert_eq!(
        read(&file, Some(&secret(""))).unwrap_err(),
        InvalidUpload::PasswordNeeded
    );
    assert_eq!(
        read(&file, Some(&secret("y"))).unwrap_err(),
        InvalidUpload::WrongPassword
    );
    assert_eq!(error(&file[..file.len() - 5]), InvalidUpload::NotRecognised);
}

#[test]
fn opens_encrypted_pem_keys() {
    let openssl = Openssl::new();
    let one = root("one");
    openssl.put("k.pem", key_pem(&one.key));
    let text = openssl.text("pkcs8 -topk8 -in k.pem -passout pass:x");
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    let upload = read(text.as_bytes(), Some(&secret("x"))).unwrap();
    assert!(upload.key.unwrap().belongs_to(&one.certificate));
    assert_eq!(error(&text), InvalidUpload::PasswordNeeded);
    assert_eq!(
        read(text.as_bytes(), Some(&secret("y"))).unwrap_err(),
        InvalidUpload::WrongPassword
    );
    let old = openssl.text("ec -in k.pem -aes128 -passout pass:x");
    assert!(old.contains("Proc-Type"));
    assert_eq!(
        read(old.as_bytes(), Some(&secret("x"))).unwrap_err(),
        InvalidUpload::OldKeyEncryption { line: 1 }
    );
}

#[test]
fn names_what_was_given_by_mistake() {
    let openssl = Openssl::new();
    openssl.run("req -x509 -nodes -newkey rsa:2048 -keyout k.pem -out c.pem -subj /CN=x");
    openssl.run("req -new -key k.pem -out r.pem -subj /CN=x");
    openssl.run("crl2pkcs7 -nocrl -certfile c.pem -out p7.pem");
    let cases = [
        ("req -in r.pem", Foreign::SigningRequest, Some(1)),
        ("req -in r.pem -outform DER", Foreign::SigningRequest, None),
        ("x509 -in c.pem -noout -pubkey", Foreign::PublicKey, Some(1)),
        (
            "pkey -in k.pem -pubout -outform DER",
            Foreign::PublicKey,
            None,
        ),
        (
            "rsa -in k.pem -RSAPublicKey_out",
            Foreign::PublicKey,
            Some(1),
        ),
        (
            "rsa -in k.pem -RSAPublicKey_out -outform DER",
            Foreign::PublicKey,
            None,
        ),
        ("pkcs7 -in p7.pem", Foreign::Pkcs7, Some(1)),
        ("pkcs7 -in p7.pem -outform DER", Foreign::Pkcs7, None),
        (
            "x509 -in c.pem -trustout",
            Foreign::TrustedCertificate,
            Some(1),
        ),
    ];
    for (command, what, line) in cases {
        assert_eq!(
            error(openssl.run(command)),
            foreign(what, line),
            "{command}"
        );
    }
    let base64 = to_pem("X", root("one").certificate.der())
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect::<String>();
    let texts = [
        (
            "\n-----BEGIN OPENSSH PRIVATE KEY-----\naGk=\n-----END OPENSSH PRIVATE KEY-----",
            Foreign::OpenSshKey,
            Some(2),
        ),
        ("ssh-ed25519 AAAA me@host", Foreign::SshPublicKey, None),
        (
            "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----",
            Foreign::SshPublicKey,
            None,
        ),
        (base64.as_str(), Foreign::BareBase64, None),
        ("<!DOCTYPE html><p>Sign in", Foreign::Markup, None),
    ];
    for (text, what, line) in texts {
        assert_eq!(error(text), foreign(what, line), "{text}");
    }
    assert_eq!(
        error(b"\xfe\xed\xfe\xed\0\0\0\x02"),
        foreign(Foreign::JavaKeyStore, None)
    );
    assert_eq!(
        error("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==\n-----END PGP PUBLIC KEY BLOCK-----"),
        InvalidUpload::Pem(InvalidPem::OpenPgp { line: 1 })
    );
    assert_eq!(
        error("-----BEGIN DH PARAMETERS-----\naGk=\n-----END DH PARAMETERS-----"),
        InvalidUpload::UnknownBlock {
            line: 1,
            label: "DH PARAMETERS".to_owned()
        }
    );
}

#[test]
fn says_which_certificate_is_wrong() {
    let (one, two) = (
        root("one").certificate.to_pem(),
        root("two").certificate.to_pem(),
    );
    assert_eq!(
        error(format!("{one}{two}{one}")),
        InvalidUpload::DuplicateCertificate {
            position: 3,
            first: 1
        }
    );
    let broken = to_pem("CERTIFICATE", b"\x30\x00");
    assert_eq!(
        error(format!("{one}{broken}{two}")),
        InvalidUpload::Certificate {
            position: 2,
            source: InvalidCertificate::Undecodable
        }
    );
    let lines: Vec<&str> = two.lines().collect();
    let cut = lines[..lines.len() - 1].join("\n");
    let line = one.lines().count() + 1;
    assert_eq!(
        error(format!("{one}{cut}")),
        InvalidUpload::Pem(InvalidPem::Truncated {
            line,
            label: "CERTIFICATE".to_owned()
        })
    );
    let der = root("one").certificate.der().to_vec();
    let longer = [der.as_slice(), &[0]].concat();
    assert_eq!(
        error(longer),
        InvalidUpload::Certificate {
            position: 1,
            source: InvalidCertificate::TrailingBytes { bytes: 1 }
        }
    );
}

#[test]
fn says_what_is_wrong_with_a_key() {
    let openssl = Openssl::new();
    let (one, two) = (root("one"), root("two"));
    assert_eq!(
        error(key_pem(&one.key) + &key_pem(&two.key)),
        InvalidUpload::TwoKeys
    );
    assert_eq!(
        error(to_pem("PRIVATE KEY", b"\x30\x00")),
        InvalidUpload::Key(InvalidKey::NotAKey)
    );
    let short = openssl.run("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024");
    let algorithm = KeyAlgorithm::Rsa { bits: 1024 };
    assert_eq!(
        error(short),
        InvalidUpload::Key(InvalidKey::Unsupported { algorithm })
    );
}

#[test]
fn says_which_revocation_list_is_wrong() {
    let good = crl(&Openssl::new());
    let broken = to_pem("X509 CRL", root("one").certificate.der());
    assert_eq!(
        error(format!("{good}{broken}")),
        InvalidUpload::Crl { position: 2 }
    );
}

#[test]
fn refuses_what_holds_nothing_or_too_much() {
    for nothing in [
        &b""[..],
        b" \r\n\t ",
        b"-----BEGIN EC PARAMETERS-----\nBgA=\n-----END EC PARAMETERS-----",
    ] {
        assert_eq!(error(nothing), InvalidUpload::EmptyUpload);
    }
    for unknown in ["hello", "0 s:CN = x", "PK\u{3}\u{4}", "0\u{5}hello"] {
        assert_eq!(error(unknown), InvalidUpload::NotRecognised, "{unknown:?}");
    }
    let (bytes, limit) = (UPLOAD_BYTES_MAX + 1, UPLOAD_BYTES_MAX);
    assert_eq!(
        error(vec![b' '; bytes]),
        InvalidUpload::TooLarge { bytes, limit }
    );
    let leading_zero = format!("0 s:CN = x\n{}", root("one").certificate.to_pem());
    assert_eq!(
        read(leading_zero.as_bytes(), None)
            .unwrap()
            .certificates
            .len(),
        1
    );
}

#[test]
fn refuses_a_pkcs_12_file_that_is_too_large_or_holds_too_much() {
    let openssl = Openssl::new();
    let one = root("one").certificate;
    openssl.put("k.pem", key_pem(&root("two").key));
    openssl.put("many.pem", one.to_pem().repeat(257));
    let many = openssl.run("pkcs12 -export -nokeys -in many.pem -passout pass: -certpbe NONE");
    assert_eq!(
        error(&many),
        InvalidUpload::TooManyCertificates {
            count: 257,
            limit: 256
        }
    );
    openssl.put("two.pem", one.to_pem().repeat(2));
    let twice = openssl.run("pkcs12 -export -nokeys -in two.pem -passout pass:");
    assert_eq!(
        error(twice),
        InvalidUpload::DuplicateCertificate {
            position: 2,
            first: 1
        }
    );
    openssl.put("huge.pem", one.to_pem().repeat(700));
    let huge = openssl.run("pkcs12 -export -nokeys -in huge.pem -passout pass:");
    let (bytes, limit) = (huge.len(), p12::P12_BYTES_MAX);
    assert_eq!(
        error(huge),
        InvalidUpload::Pkcs12(InvalidP12::TooLarge { bytes, limit })
    );
    let unsupported = openssl.run("pkcs12 -export -nokeys -in two.pem -passout pass: -macalg sm3");
    assert_eq!(
        error(unsupported),
        InvalidUpload::Pkcs12(InvalidP12::Unsupported)
    );
}

#[test]
fn every_message_is_a_plain_sentence_that_says_what_to_do() {
    let errors = [
        (
            error(""),
            "nothing was given: give certificates as PEM, DER or PKCS#12",
        ),
        (
            foreign(Foreign::SigningRequest, Some(4)),
            "line 4: this is a certificate signing request, not a certificate: send it to your CA, and give the \
             certificate that it issues",
        ),
        (
            foreign(Foreign::JavaKeyStore, None),
            "this is a Java key store: convert it with `keytool -importkeystore -deststoretype PKCS12`",
        ),
        (
            InvalidUpload::Certificate {
                position: 2,
                source: InvalidCertificate::TrailingBytes { bytes: 3 },
            },
            "certificate 2 is not usable: 3 bytes follow the certificate: export it again, alone or as PEM",
        ),
        (
            InvalidUpload::DuplicateCertificate {
                position: 3,
                first: 1,
            },
            "certificate 3 is the same as certificate 1: give each certificate once",
        ),
    ];
    for (error, expected) in errors {
        assert_eq!(error.to_string(), expected);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(input in proptest::collection::vec(any::<u8>(), 0..300), password in any::<Option<String>>()) {
        let _ = read(&input, password.map(Secret::new).as_ref());
    }

    #[test]
    fn no_der_of_any_outline_makes_it_panic(
        first in prop::sample::select(vec![0x02_u8, 0x03, 0x04, 0x06, 0x30, 0xa0]),
        second in prop::sample::select(vec![0x02_u8, 0x03, 0x04, 0x06, 0x30, 0xa0]),
        contents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 2..9),
    ) {
        let parts: Vec<Vec<u8>> = contents
            .iter()
            .enumerate()
            .map(|(place, content)| der::encode(if place == 0 { first } else { second }, &[content]))
            .collect();
        let _ = read(&der::encode(tag::SEQUENCE, &[&parts.concat()]), Some(&secret("x")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_change_of_an_upload_makes_it_panic(
        which in 0..samples().len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = samples()[which].clone();
        for (place, octet) in changes {
            let place = place.index(bytes.len());
            bytes[place] = octet;
        }
        let _ = read(&bytes, Some(&secret("x")));
    }
}

/// One upload of each kind, made once. Their passwords are hashed once only, so that many can be tried.
fn samples() -> &'static [Vec<u8>] {
    static SAMPLES: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    SAMPLES.get_or_init(|| {
        let openssl = Openssl::new();
        let one = root("one");
        openssl.put("k.pem", key_pem(&one.key));
        openssl.put("c.pem", one.certificate.to_pem());
        let export = "pkcs12 -export -inkey k.pem -in c.pem -passout pass:x";
        vec![
            openssl.run(&format!("{export} -iter 1")),
            openssl.run(&format!("{export} -iter 1 -nomac")),
            openssl.run(&format!("{export} -iter 1 -nomac -legacy")),
            openssl.run(&format!("{export} -nomac -certpbe NONE -keypbe NONE")),
            openssl.run("pkcs8 -topk8 -in k.pem -outform DER -iter 1 -passout pass:x"),
            openssl.run("pkcs8 -topk8 -in k.pem -outform DER -scrypt -scrypt_N 2 -passout pass:x"),
            openssl.run("ec -in k.pem -outform DER"),
            openssl.run("genpkey -algorithm RSA -outform DER"),
            one.key.pkcs8().to_vec(),
            one.certificate.der().to_vec(),
            format!(
                "{}{}{}",
                one.certificate.to_pem(),
                key_pem(&one.key),
                crl(&openssl)
            )
            .into_bytes(),
        ]
    })
}
