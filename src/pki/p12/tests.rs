use super::*;
use crate::clock::Moment;
use crate::pki::authority::{Authority, AuthorityRequest, ClientRequest, Leaf};
use crate::pki::key::KeyChoice;
use crate::pki::openssl::Openssl;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn chain(key: KeyChoice) -> (Leaf, Vec<Certificate>) {
    let request = |common_name: &str| AuthorityRequest {
        common_name: common_name.to_owned(),
        organization: Some("Acme".to_owned()),
        not_before: Moment::parse("2020-01-01").unwrap(),
        not_after: Moment::parse("2060-01-01").unwrap(),
        path_length: None,
        key,
    };
    let root = Authority::self_signed(&request("Root")).unwrap();
    let middle = root.subordinate(&request("Middle")).unwrap();
    let leaf = middle
        .issue_client(&ClientRequest {
            common_name: "client-1".to_owned(),
            organization: None,
            sans: Vec::new(),
            not_before: Moment::parse("2020-01-01").unwrap(),
            not_after: Moment::parse("2060-01-01").unwrap(),
            key,
        })
        .unwrap();
    (leaf, vec![middle.certificate, root.certificate])
}

/// The certificates and the key that `openssl pkcs12` prints, as DER.
fn printed(openssl: &Openssl, options: &str) -> (Vec<Vec<u8>>, Vec<u8>) {
    let text = openssl.run(&format!("pkcs12 -in a.p12 -nodes {options}"));
    let blocks = crate::pki::pem::read(&text).unwrap();
    let (keys, certificates): (Vec<_>, Vec<_>) = blocks
        .into_iter()
        .partition(|block| block.label == "PRIVATE KEY");
    (
        certificates
            .into_iter()
            .map(|block| block.der.to_vec())
            .collect(),
        keys[0].der.to_vec(),
    )
}

#[test]
fn openssl_opens_what_is_written() {
    let openssl = Openssl::new();
    for key in [
        KeyChoice::EcP256,
        KeyChoice::EcP384,
        KeyChoice::Rsa2048,
        KeyChoice::Ed25519,
    ] {
        let (leaf, issuers) = chain(key);
        let file = write(
            &leaf.certificate,
            &issuers,
            &leaf.key,
            "pässword 1",
            "client ä",
        )
        .unwrap();
        openssl.put("a.p12", &file);
        let (certificates, private) = printed(&openssl, "-passin 'pass:pässword 1'");
        let expected: Vec<&[u8]> = std::iter::once(&leaf.certificate)
            .chain(&issuers)
            .map(Certificate::der)
            .collect();
        assert_eq!(certificates, expected, "{key:?}");
        assert!(
            PrivateKey::from_der(&private)
                .unwrap()
                .belongs_to(&leaf.certificate),
            "{key:?}"
        );
        let refused = openssl.try_run("pkcs12 -in a.p12 -nodes -passin pass:other");
        assert!(!refused.status.success());
        let leaf_only =
            openssl.text("pkcs12 -in a.p12 -nodes -clcerts -nokeys -passin 'pass:pässword 1'");
        assert_eq!(leaf_only.matches("BEGIN CERTIFICATE").count(), 1);
    }
}

#[test]
fn reads_what_it_writes() {
    let (leaf, issuers) = chain(KeyChoice::EcP256);
    for password in ["secret", ""] {
        let file = write(&leaf.certificate, &issuers, &leaf.key, password, "x").unwrap();
        assert!(is_p12(&file));
        let contents = read(&file, Some(&secret(password))).unwrap();
        assert_eq!(contents.certificates.len(), 3);
        assert_eq!(contents.certificates[0], leaf.certificate.der());
        assert!(
            PrivateKey::from_der(&contents.keys[0])
                .unwrap()
                .belongs_to(&leaf.certificate)
        );
    }
}

#[test]
fn reads_every_way_in_which_openssl_exports() {
    let openssl = Openssl::new();
    let (leaf, issuers) = chain(KeyChoice::Rsa2048);
    openssl.put("k.pem", leaf.key.to_pkcs8_pem().expose());
    openssl.put("c.pem", leaf.certificate.to_pem());
    openssl.put(
        "ca.pem",
        format!("{}{}", issuers[0].to_pem(), issuers[1].to_pem()),
    );
    let ways = [
        "",
        "-legacy",
        "-certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1",
        "-certpbe NONE -keypbe AES-128-CBC",
        "-certpbe NONE -keypbe NONE",
        "-nomac",
        "-macalg sha512 -iter 20000",
        "-name 'clïent 1' -caname middle",
    ];
    for way in ways {
        let command = format!(
            "pkcs12 -export -inkey k.pem -in c.pem -certfile ca.pem -passout pass:sécret {way}"
        );
        let file = openssl.run(&command);
        let contents =
            read(&file, Some(&secret("sécret"))).unwrap_or_else(|error| panic!("{way}: {error}"));
        assert_eq!(
            (contents.certificates.len(), contents.keys.len()),
            (3, 1),
            "{way}"
        );
        assert_eq!(contents.certificates[0], leaf.certificate.der(), "{way}");
        assert!(
            PrivateKey::from_der(&contents.keys[0])
                .unwrap()
                .belongs_to(&leaf.certificate),
            "{way}"
        );
    }
    let without = openssl.run("pkcs12 -export -nokeys -in ca.pem -passout pass:");
    let contents = read(&without, None).unwrap();
    assert_eq!((contents.certificates.len(), contents.keys.len()), (2, 0));
}

#[test]
fn says_why_a_file_cannot_be_opened() {
    let (leaf, issuers) = chain(KeyChoice::EcP256);
    let file = write(&leaf.certificate, &issuers, &leaf.key, "secret", "x").unwrap();
    let fails =
        |file: &[u8], password: Option<&Secret>| read(file, password).map(|_| ()).unwrap_err();
    assert_eq!(fails(&file, None), InvalidP12::PasswordNeeded);
    assert_eq!(
        fails(&file, Some(&secret("Secret"))),
        InvalidP12::WrongPassword
    );
    assert_eq!(fails(&file, Some(&secret("😀"))), InvalidP12::WrongPassword);
    assert_eq!(
        fails(&file, Some(&Secret::from_bytes(vec![0xff]))),
        InvalidP12::WrongPassword
    );
    assert_eq!(
        fails(&file[..file.len() - 1], Some(&secret("secret"))),
        InvalidP12::Damaged
    );
    let huge = vec![0x30; P12_BYTES_MAX + 1];
    let expected = InvalidP12::TooLarge {
        bytes: P12_BYTES_MAX + 1,
        limit: P12_BYTES_MAX,
    };
    assert_eq!(fails(&huge, None), expected);
    let openssl = Openssl::new();
    openssl.put("k.pem", leaf.key.to_pkcs8_pem().expose());
    openssl.put("c.pem", leaf.certificate.to_pem());
    let export = "pkcs12 -export -inkey k.pem -in c.pem -passout pass:secret";
    for way in [
        "-certpbe CAMELLIA-256-CBC",
        "-keypbe DES-EDE3-CBC",
        "-macalg sm3",
    ] {
        let file = openssl.run(&format!("{export} {way}"));
        assert_eq!(
            fails(&file, Some(&secret("secret"))),
            InvalidP12::Unsupported,
            "{way}"
        );
    }
}

#[test]
fn refuses_scrypt() {
    let (leaf, _) = chain(KeyChoice::EcP256);
    let mut file = write(&leaf.certificate, &[], &leaf.key, "x", "x").unwrap();
    let place = file.len() / 2;
    file[place..place + 9].copy_from_slice(&OID_SCRYPT);
    assert_eq!(
        read(&file, Some(&secret("x"))).map(|_| ()),
        Err(InvalidP12::Unsupported)
    );
}

#[test]
fn says_what_it_cannot_write() {
    let (leaf, _) = chain(KeyChoice::EcP256);
    let write =
        |password, alias| write(&leaf.certificate, &[], &leaf.key, password, alias).map(|_| ());
    assert_eq!(write("😀", "x"), Err(P12Failure::Characters));
    assert_eq!(write("x", "😀"), Err(P12Failure::Characters));
    assert_eq!(write("密码", "客户"), Ok(()));
}

#[test]
fn knows_a_file_by_its_outline() {
    let (leaf, _) = chain(KeyChoice::EcP256);
    for other in [
        leaf.certificate.der(),
        leaf.key.pkcs8(),
        b"",
        b"\x30\x03\x02\x01\x03",
        b"\x30\x05\x02\x01\x03\x30\x00",
    ] {
        assert!(!is_p12(other));
    }
}
