use proptest::prelude::*;
use rcgen::{CertificateParams, DnType, KeyPair};

use super::*;
use crate::pki::authority::{Authority, AuthorityRequest, ClientRequest};
use crate::pki::der::tag;
use crate::pki::key::KeyChoice;
use crate::pki::openssl::Openssl;

fn authority(key: KeyChoice) -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: "Acme Root".to_owned(),
        organization: Some("Acme".to_owned()),
        not_before: Moment::parse("2026-01-01").unwrap(),
        not_after: Moment::parse("2056-01-01").unwrap(),
        path_length: Some(1),
        key,
    })
    .unwrap()
}

fn client() -> ClientRequest {
    ClientRequest {
        common_name: "client-1".to_owned(),
        organization: None,
        sans: vec![
            "DNS:client-1.acme.example".to_owned(),
            "URI:spiffe://acme/1".to_owned(),
        ],
        not_before: Moment::parse("2026-01-01").unwrap(),
        not_after: Moment::parse("2027-01-31T12:00:00Z").unwrap(),
        key: KeyChoice::EcP256,
    }
}

#[test]
fn tells_what_a_root_says() {
    let root = authority(KeyChoice::EcP384).certificate;
    let facts = root.facts();
    assert_eq!(facts.version, 3);
    assert_eq!(
        (facts.subject.as_str(), &facts.issuer),
        ("CN=Acme Root,O=Acme", &facts.subject)
    );
    assert_eq!(facts.not_before, Moment::parse("2026-01-01").unwrap());
    assert_eq!(facts.not_after, Moment::parse("2056-01-01").unwrap());
    assert_eq!(facts.key.to_string(), "EC P-384");
    assert_eq!(facts.signature_algorithm, "ecdsa-with-SHA384");
    assert_eq!(
        facts.basic_constraints,
        Some(BasicConstraints {
            ca: true,
            path_length: Some(1)
        })
    );
    assert_eq!(facts.key_usage.unwrap().names(), ["keyCertSign", "cRLSign"]);
    assert_eq!(
        (
            facts.extended_key_usage.as_ref(),
            facts.allows_client_auth()
        ),
        (None, true)
    );
    assert!(facts.self_issued && facts.is_ca() && root.is_self_signed());
    assert!(facts.sans.is_empty() && facts.unknown_critical.is_empty());
    assert_eq!(root.fingerprint(), Fingerprint::of(root.der()));
}

#[test]
fn tells_what_a_client_says() {
    let root = authority(KeyChoice::EcP256);
    let leaf = root.issue_client(&client()).unwrap().certificate;
    let facts = leaf.facts();
    assert_eq!(
        (facts.subject.as_str(), facts.issuer.as_str()),
        ("CN=client-1", "CN=Acme Root,O=Acme")
    );
    assert_eq!(facts.raw_issuer, root.certificate.facts().raw_subject);
    assert_eq!(
        facts.not_after,
        Moment::parse("2027-01-31T12:00:00Z").unwrap()
    );
    assert_eq!(
        facts.basic_constraints,
        Some(BasicConstraints {
            ca: false,
            path_length: None
        })
    );
    assert_eq!(facts.key_usage.unwrap().names(), ["digitalSignature"]);
    assert_eq!(
        facts.extended_key_usage.as_deref(),
        Some(&["clientAuth".to_owned()][..])
    );
    assert!(facts.allows_client_auth() && !facts.allows_server_auth() && !facts.is_ca());
    assert_eq!(
        facts.sans,
        ["DNS:client-1.acme.example", "URI:spiffe://acme/1"]
    );
    assert_eq!(
        facts.authority_key_id,
        root.certificate.facts().subject_key_id
    );
    assert!(facts.authority_key_id.is_some() && facts.subject_key_id.is_some());
    assert!(!facts.self_issued && !leaf.is_self_signed());
}

#[test]
fn is_valid_through_its_last_second() {
    let facts = authority(KeyChoice::EcP256)
        .issue_client(&client())
        .unwrap()
        .certificate
        .facts()
        .clone();
    let cases = [
        ("2025-12-31T23:59:59.999Z", false),
        ("2026-01-01T00:00:00Z", true),
        ("2027-01-31T12:00:00.999Z", true),
        ("2027-01-31T12:00:01Z", false),
    ];
    for (moment, valid) in cases {
        assert_eq!(
            facts.is_valid_at(Moment::parse(moment).unwrap()),
            valid,
            "{moment}"
        );
    }
}

#[test]
fn agrees_with_openssl() {
    let openssl = Openssl::new();
    let cases = [
        ("rsa:2048", "-sha256", "RSA 2048", "sha256WithRSAEncryption"),
        ("rsa:2048", "-sha512", "RSA 2048", "sha512WithRSAEncryption"),
        (
            "rsa:2048",
            "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1",
            "RSA 2048",
            "rsassaPss-with-SHA256",
        ),
        (
            "ec -pkeyopt ec_paramgen_curve:P-256",
            "-sha384",
            "EC P-256",
            "ecdsa-with-SHA384",
        ),
        (
            "ec -pkeyopt ec_paramgen_curve:P-384",
            "-sha384",
            "EC P-384",
            "ecdsa-with-SHA384",
        ),
        (
            "ec -pkeyopt ec_paramgen_curve:P-521",
            "-sha512",
            "EC P-521",
            "ecdsa-with-SHA512",
        ),
        ("ed25519", "", "Ed25519", "Ed25519"),
    ];
    let subject =
        "'/C=CH/O=A, \"B\" + <C>;D\\\\E/OU=#1/OU=Zürich 東京/serialNumber=7/CN= client 1 '";
    for (key, digest, kind, algorithm) in cases {
        openssl.run(&format!(
            "req -x509 -utf8 -nodes -newkey {key} {digest} -keyout k.pem -out c.pem -days 30 -subj {subject} \
             -addext 'subjectAltName=DNS:a.example,IP:10.0.0.1,email:a@b.example,URI:urn:x' \
             -addext 'keyUsage=critical,digitalSignature,keyCertSign' -addext 'extendedKeyUsage=clientAuth,1.2.3.4' \
             -addext 'nameConstraints=critical,permitted;DNS:.example,excluded;IP:10.0.0.0/255.0.0.0' \
             -addext 'crlDistributionPoints=URI:http://crl.example/a.crl'"
        ));
        let der = openssl.run("x509 -in c.pem -outform DER");
        let certificate = Certificate::from_der(&der).unwrap();
        let facts = certificate.facts();
        let told = openssl.text(
            "x509 -in c.pem -noout -subject -serial -fingerprint -sha256 -dates -dateopt iso_8601 \
             -nameopt RFC2253,-esc_msb,utf8",
        );
        let expected = format!(
            "subject={}\nserial={}\nsha256 Fingerprint={}\nnotBefore={}\nnotAfter={}\n",
            facts.subject,
            facts.serial.to_uppercase(),
            certificate.fingerprint().colons(),
            facts.not_before.to_string().replace('T', " "),
            facts.not_after.to_string().replace('T', " "),
        );
        assert_eq!(told, expected);
        assert_eq!(
            (
                facts.key.to_string().as_str(),
                facts.signature_algorithm.as_str()
            ),
            (kind, algorithm)
        );
        assert!(certificate.is_self_signed(), "{kind} {algorithm}");
        assert_eq!(
            facts.sans,
            [
                "DNS:a.example",
                "IP:10.0.0.1",
                "email:a@b.example",
                "URI:urn:x"
            ]
        );
        assert_eq!(
            facts.key_usage.unwrap().names(),
            ["digitalSignature", "keyCertSign"]
        );
        assert_eq!(
            facts.extended_key_usage.as_ref().unwrap(),
            &["clientAuth", "1.2.3.4"]
        );
        let constraints = facts.rare().name_constraints.as_ref().unwrap();
        assert_eq!(
            (&*constraints.permitted, &*constraints.excluded),
            (
                &["DNS:.example".to_owned()][..],
                &["IP:10.0.0.0/8".to_owned()][..],
            )
        );
        assert_eq!(
            facts.rare().crl_distribution_points,
            ["URI:http://crl.example/a.crl"]
        );
        assert_eq!(
            certificate.to_pem().into_bytes(),
            openssl.run("x509 -in c.pem")
        );
        let key_pin = openssl.run("x509 -in c.pem -noout -pubkey");
        openssl.put("p.pem", key_pin);
        let spki = openssl.run("pkey -pubin -in p.pem -outform DER");
        assert_eq!(facts.spki_sha256, Fingerprint::of(&spki));
    }
}

#[test]
fn knows_who_signed() {
    for key in [
        KeyChoice::EcP256,
        KeyChoice::EcP384,
        KeyChoice::Ed25519,
        KeyChoice::Rsa2048,
    ] {
        let (root, other) = (authority(key), authority(key));
        let leaf = root.issue_client(&client()).unwrap().certificate;
        assert!(signed_by(&leaf, &root.certificate), "{key:?}");
        assert!(
            !signed_by(&leaf, &other.certificate) && !signed_by(&root.certificate, &leaf),
            "{key:?}"
        );
        let mut forged = leaf.der().to_vec();
        let place = forged
            .windows(8)
            .position(|part| part == b"client-1")
            .unwrap();
        forged[place] = b'k';
        assert!(
            !signed_by(&Certificate::from_der(&forged).unwrap(), &root.certificate),
            "{key:?}"
        );
    }
}

#[test]
fn writes_serial_numbers() {
    let cases: [(&[u8], &str); 9] = [
        (&[5], "05"),
        (&[0], "00"),
        (&[], "00"),
        (&[0, 0xff], "ff"),
        (&[0x0a, 0xbc], "0abc"),
        (&[0xff], "-01"),
        (&[0x80], "-80"),
        (&[0xff, 0x00], "-0100"),
        (&[0, 0, 1], "01"),
    ];
    for (octets, expected) in cases {
        assert_eq!(serial(octets), expected, "{octets:?}");
    }
}

#[test]
fn refuses_bytes_that_are_not_exactly_one_certificate() {
    let der = authority(KeyChoice::EcP256).certificate.der().to_vec();
    let mut longer = der.clone();
    longer.extend([0, 0]);
    assert_eq!(
        Certificate::from_der(&longer),
        Err(InvalidCertificate::TrailingBytes { bytes: 2 })
    );
    let huge = vec![0x30; 65_537];
    assert_eq!(
        Certificate::from_der(&huge),
        Err(InvalidCertificate::TooLarge {
            bytes: 65_537,
            limit: 65_536
        })
    );
    for broken in [
        &der[..der.len() - 1],
        &der[1..],
        b"",
        b"\x30\x00",
        b"-----BEGIN CERTIFICATE-----",
    ] {
        assert_eq!(
            Certificate::from_der(broken),
            Err(InvalidCertificate::Undecodable)
        );
    }
}

#[test]
fn refuses_a_certificate_that_contradicts_itself() {
    let der = authority(KeyChoice::EcP256).certificate.der().to_vec();
    // The last OID ecdsa-with-SHA256 is the one that is not signed; make it SHA384.
    let oid = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    let place = der.windows(8).rposition(|part| part == oid).unwrap();
    let mut changed = der;
    changed[place + 7] = 3;
    assert_eq!(
        Certificate::from_der(&changed),
        Err(InvalidCertificate::AlgorithmsDiffer)
    );
}

#[test]
fn refuses_a_key_that_cannot_be_decoded() {
    let mut der = authority(KeyChoice::Rsa2048).certificate.der().to_vec();
    let start = [0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01];
    let place = der.windows(8).position(|part| part == start).unwrap();
    der[place + 4] = tag::OCTET_STRING;
    assert_eq!(
        Certificate::from_der(&der),
        Err(InvalidCertificate::UndecodableKey)
    );
}

#[test]
fn knows_a_self_issued_name_in_another_encoding() {
    let openssl = Openssl::new();
    openssl.run(
        "req -x509 -nodes -newkey ed25519 -keyout k.pem -out c.der -outform DER -subj /CN=acme",
    );
    let mut der = openssl.get("c.der");
    let place = der
        .windows(6)
        .position(|part| part == b"\x0c\x04acme")
        .unwrap();
    der[place..place + 6].copy_from_slice(b"\x13\x04ACME");
    let certificate = Certificate::from_der(&der).unwrap();
    let facts = certificate.facts();
    assert_eq!(
        (facts.issuer.as_str(), facts.subject.as_str()),
        ("CN=ACME", "CN=acme")
    );
    assert!(facts.self_issued && !certificate.is_self_signed());
}

#[test]
fn a_certificate_of_version_1_is_read() {
    let openssl = Openssl::new();
    openssl.run("req -new -nodes -newkey ed25519 -keyout k.pem -out r.pem -subj /CN=old");
    openssl.run("x509 -req -in r.pem -signkey k.pem -out c.der -outform DER");
    let certificate = Certificate::from_der(&openssl.get("c.der")).unwrap();
    assert_eq!(
        (
            certificate.facts().version,
            certificate.facts().basic_constraints
        ),
        (1, None)
    );
}

#[test]
fn certificates_are_compared_by_their_bytes() {
    let (one, two) = (
        authority(KeyChoice::EcP256).certificate,
        authority(KeyChoice::EcP256).certificate,
    );
    assert_eq!(Certificate::from_der(one.der()).unwrap(), one);
    assert_ne!(one, two);
    let set: std::collections::HashSet<_> = [one.clone(), two, one].into_iter().collect();
    assert_eq!(set.len(), 2);
}

#[test]
fn names_do_not_break_the_debug_text() {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "a\r\nb\u{202e}");
    let der = params
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap()
        .der()
        .to_vec();
    let certificate = Certificate::from_der(&der).unwrap();
    assert!(format!("{certificate:?}").starts_with(r"Certificate(CN=a\0D\0Ab\E2\80\AE, "));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_make_it_panic(input in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Certificate::from_der(&input);
    }

    #[test]
    fn no_change_of_a_certificate_makes_it_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut der = sample().to_vec();
        for (place, octet) in changes {
            let place = place.index(der.len());
            der[place] = octet;
        }
        if let Some(cut) = cut {
            let cut = cut.index(der.len());
            let end = cut.saturating_add(3).min(der.len());
            der.drain(cut..end);
        }
        if let Ok(certificate) = Certificate::from_der(&der) {
            let facts = certificate.facts();
            prop_assert!(!facts.subject.chars().any(crate::pki::printable::is_unsafe));
            let _ = (certificate.is_self_signed(), certificate.to_pem(), format!("{facts:?}"));
        }
    }
}

/// A certificate with every extension that is decoded, made once.
fn sample() -> &'static [u8] {
    static SAMPLE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    SAMPLE.get_or_init(|| {
        let openssl = Openssl::new();
        openssl.run(
            "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout k.pem -out c.der -outform DER \
             -subj '/O=Acme/CN=sample' -addext subjectAltName=DNS:a.example,IP:10.0.0.1,otherName:1.2.3.4;UTF8:upn \
             -addext keyUsage=critical,keyCertSign -addext extendedKeyUsage=clientAuth \
             -addext 'nameConstraints=critical,permitted;DNS:.example,excluded;IP:10.0.0.0/255.0.0.0' \
             -addext crlDistributionPoints=URI:http://crl.example/a.crl",
        );
        openssl.get("c.der")
    })
}
