use super::*;
use crate::pki::openssl::Openssl;

const KEYS: [KeyChoice; 4] = [
    KeyChoice::EcP256,
    KeyChoice::EcP384,
    KeyChoice::Rsa2048,
    KeyChoice::Ed25519,
];

fn moment(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn authority(common_name: &str, key: KeyChoice) -> AuthorityRequest {
    AuthorityRequest {
        common_name: common_name.to_owned(),
        organization: Some("Acme".to_owned()),
        not_before: moment("2020-01-01"),
        not_after: moment("2060-01-01"),
        path_length: None,
        key,
    }
}

fn client(key: KeyChoice) -> ClientRequest {
    ClientRequest {
        common_name: "client-1".to_owned(),
        organization: Some("Acme".to_owned()),
        sans: [
            "DNS:a.example",
            "IP:10.0.0.1",
            "IP:::1",
            "URI:spiffe://acme/1",
            "email:a@b.example",
        ]
        .map(str::to_owned)
        .to_vec(),
        not_before: moment("2020-01-01"),
        not_after: moment("2050-01-01"),
        key,
    }
}

fn server(names: &[&str]) -> ServerRequest {
    ServerRequest {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        not_before: moment("2020-01-01"),
        not_after: moment("2050-01-01"),
        key: KeyChoice::EcP256,
    }
}

#[test]
fn openssl_accepts_chains_of_every_kind_of_key() {
    let openssl = Openssl::new();
    for key in KEYS {
        let root = Authority::self_signed(&authority("Root", key)).unwrap();
        let middle = root.subordinate(&authority("Middle", key)).unwrap();
        openssl.put("root.pem", root.certificate.to_pem());
        openssl.put("middle.pem", middle.certificate.to_pem());
        let leaves = [
            ("sslclient", middle.issue_client(&client(key)).unwrap()),
            (
                "sslserver",
                middle
                    .issue_server_for(&ServerRequest {
                        key,
                        ..server(&["*.a.example"])
                    })
                    .unwrap(),
            ),
        ];
        for (purpose, leaf) in leaves {
            openssl.put("leaf.pem", leaf.certificate.to_pem());
            openssl.run(&format!(
                "verify -x509_strict -check_ss_sig -purpose {purpose} -CAfile root.pem -untrusted middle.pem leaf.pem"
            ));
            assert!(leaf.key.belongs_to(&leaf.certificate), "{key:?}");
        }
    }
}

#[test]
fn openssl_reads_the_names_that_were_asked_for() {
    let openssl = Openssl::new();
    let root = Authority::self_signed(&authority("Root", KeyChoice::EcP256)).unwrap();
    let leaf = root.issue_client(&client(KeyChoice::EcP256)).unwrap();
    openssl.put("leaf.pem", leaf.certificate.to_pem());
    let told = openssl.text(
        "x509 -in leaf.pem -noout -subject -nameopt RFC2253 -ext subjectAltName,extendedKeyUsage",
    );
    for expected in [
        "subject=CN=client-1,O=Acme",
        "DNS:a.example, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1, URI:spiffe://acme/1, email:a@b.example",
        "TLS Web Client Authentication",
    ] {
        assert!(told.contains(expected), "{told}");
    }
    assert_eq!(
        leaf.certificate.facts().sans,
        client(KeyChoice::EcP256).sans
    );
}

#[test]
fn a_path_length_is_kept() {
    let request = AuthorityRequest {
        path_length: Some(0),
        ..authority("Root", KeyChoice::EcP256)
    };
    let root = Authority::self_signed(&request).unwrap();
    let constraints = root.certificate.facts().basic_constraints.unwrap();
    assert_eq!((constraints.ca, constraints.path_length), (true, Some(0)));
}

#[test]
fn a_server_certificate_is_named_after_its_first_name() {
    let root = Authority::self_signed(&authority("Root", KeyChoice::EcP256)).unwrap();
    let names = [
        "api2.gate.localhost".to_owned(),
        "*.api2.gate.localhost".to_owned(),
        "10.0.0.1".to_owned(),
    ];
    let leaf = root
        .issue_server(&names, moment("2020-01-01"), moment("2021-01-01"))
        .unwrap();
    let facts = leaf.certificate.facts();
    assert_eq!(facts.subject, "CN=api2.gate.localhost");
    assert_eq!(
        facts.sans,
        [
            "DNS:api2.gate.localhost",
            "DNS:*.api2.gate.localhost",
            "IP:10.0.0.1"
        ]
    );
    assert!(facts.allows_server_auth() && !facts.allows_client_auth());
    assert_eq!(facts.not_after, moment("2021-01-01"));
    let long = format!("{}.example", "a".repeat(60));
    let leaf = root.issue_server_for(&server(&[&long])).unwrap();
    assert_eq!(leaf.certificate.facts().subject, "");
    assert_eq!(leaf.certificate.facts().sans, [format!("DNS:{long}")]);
}

#[test]
fn serial_numbers_are_random_and_16_octets_long() {
    let root = Authority::self_signed(&authority("Root", KeyChoice::EcP256)).unwrap();
    let serials: std::collections::HashSet<String> = (0..20)
        .map(|_| {
            root.issue_client(&client(KeyChoice::EcP256))
                .unwrap()
                .certificate
                .facts()
                .serial
                .clone()
        })
        .collect();
    assert_eq!(serials.len(), 20);
    assert!(
        serials
            .iter()
            .all(|serial| serial.len() == 32 && "4567".contains(&serial[..1]))
    );
}

#[test]
fn validity_reaches_from_the_first_to_the_last_year_that_can_be_told() {
    for (not_before, not_after) in [
        ("1950-01-01", "2049-12-31T23:59:59Z"),
        ("0001-01-01", "9999-12-31T23:59:59Z"),
    ] {
        let request = AuthorityRequest {
            not_before: moment(not_before),
            not_after: moment(not_after),
            ..authority("Root", KeyChoice::EcP256)
        };
        let facts = Authority::self_signed(&request)
            .unwrap()
            .certificate
            .facts()
            .clone();
        assert_eq!(
            (facts.not_before, facts.not_after),
            (request.not_before, request.not_after)
        );
    }
    let request = AuthorityRequest {
        not_after: Moment::MAX,
        ..authority("Root", KeyChoice::EcP256)
    };
    let facts = Authority::self_signed(&request)
        .unwrap()
        .certificate
        .facts()
        .clone();
    assert_eq!(facts.not_after, moment("9999-12-31T23:59:59Z"));
}

#[test]
fn a_stored_authority_issues_again() {
    let root = Authority::self_signed(&authority("Root", KeyChoice::EcP384)).unwrap();
    let certificate = Certificate::from_der(root.certificate.der()).unwrap();
    let key = PrivateKey::from_der(root.key.pkcs8()).unwrap();
    let loaded = Authority::load(certificate, key).unwrap();
    let leaf = loaded.issue_client(&client(KeyChoice::Ed25519)).unwrap();
    assert!(signed_by(&leaf.certificate, &root.certificate));
}

#[test]
fn an_authority_made_by_openssl_issues_too() {
    let openssl = Openssl::new();
    openssl.run(
        "req -x509 -nodes -newkey rsa:2048 -keyout k.pem -out c.der -outform DER -days 30 \
         -subj '/C=CH/DC=example/O=Müller/CN=Root' -utf8 -addext subjectKeyIdentifier=01:02:03",
    );
    let key = PrivateKey::from_der(&openssl.run("pkey -in k.pem -outform DER")).unwrap();
    let root = Authority::load(Certificate::from_der(&openssl.get("c.der")).unwrap(), key).unwrap();
    let leaf = root
        .issue_client(&client(KeyChoice::EcP256))
        .unwrap()
        .certificate;
    assert_eq!(leaf.facts().issuer, "CN=Root,O=Müller,DC=example,C=CH");
    assert_eq!(
        leaf.facts().authority_key_id.as_deref(),
        Some(&[1, 2, 3][..])
    );
}

#[test]
fn refuses_to_load_what_is_no_authority() {
    let root = Authority::self_signed(&authority("Root", KeyChoice::EcP256)).unwrap();
    let other = Authority::self_signed(&authority("Other", KeyChoice::EcP256)).unwrap();
    let leaf = root.issue_client(&client(KeyChoice::EcP256)).unwrap();
    let subject = "CN=client-1,O=Acme".to_owned();
    assert_eq!(
        Authority::load(leaf.certificate, leaf.key).unwrap_err(),
        AuthorityError::NotAnAuthority { subject }
    );
    let subject = "CN=Root,O=Acme".to_owned();
    assert_eq!(
        Authority::load(root.certificate, other.key).unwrap_err(),
        AuthorityError::KeyMismatch { subject }
    );
    let openssl = Openssl::new();
    openssl.run(
        "req -x509 -nodes -newkey ed25519 -keyout k.pem -out c.der -outform DER -subj /CN=x \
         -addext keyUsage=digitalSignature",
    );
    let key = PrivateKey::from_der(&openssl.run("pkey -in k.pem -outform DER")).unwrap();
    let certificate = Certificate::from_der(&openssl.get("c.der")).unwrap();
    assert!(matches!(
        Authority::load(certificate, key),
        Err(AuthorityError::NotAnAuthority { .. })
    ));
}

#[test]
fn refuses_to_issue_under_a_name_that_it_would_not_repeat() {
    let openssl = Openssl::new();
    openssl.run(
        "req -x509 -nodes -newkey ed25519 -keyout k.pem -out c.der -outform DER -subj '/OU=a/OU=b/CN=Root'",
    );
    let key = PrivateKey::from_der(&openssl.run("pkey -in k.pem -outform DER")).unwrap();
    let root = Authority::load(Certificate::from_der(&openssl.get("c.der")).unwrap(), key).unwrap();
    let error = root.issue_client(&client(KeyChoice::EcP256)).unwrap_err();
    assert_eq!(
        error,
        AuthorityError::IssuerName {
            subject: "CN=Root,OU=b,OU=a".to_owned()
        }
    );
}

#[test]
fn refuses_names_that_cannot_be_in_a_certificate() {
    let root = Authority::self_signed(&authority("Root", KeyChoice::EcP256)).unwrap();
    let long = format!("{}.example", "a.".repeat(130));
    for name in [
        "",
        "a b",
        "a..b",
        ".a",
        "a.",
        "*",
        "a.*.b",
        "*.*.a",
        "ä.example",
        "a/b",
        "a\0b",
        &long,
    ] {
        let error = root.issue_server_for(&server(&[name])).unwrap_err();
        assert_eq!(
            error,
            AuthorityError::InvalidName {
                name: name.to_owned()
            }
        );
    }
    assert_eq!(
        root.issue_server_for(&server(&[])).unwrap_err(),
        AuthorityError::NoNames
    );
    for san in [
        "a.example",
        "DNS:",
        "IP:10.0.0",
        "URI:",
        "URI:a b",
        "email:ä@b",
        "dirName:CN=x",
        "",
    ] {
        let request = ClientRequest {
            sans: vec![san.to_owned()],
            ..client(KeyChoice::EcP256)
        };
        let error = root.issue_client(&request).unwrap_err();
        assert!(
            matches!(error, AuthorityError::InvalidName { .. }),
            "{san}: {error:?}"
        );
    }
}

#[test]
fn refuses_a_validity_that_ends_before_it_starts() {
    let request = AuthorityRequest {
        not_after: moment("2019-12-31"),
        ..authority("Root", KeyChoice::EcP256)
    };
    let (not_before, not_after) = (request.not_before, request.not_after);
    assert_eq!(
        Authority::self_signed(&request).unwrap_err(),
        AuthorityError::InvalidValidity {
            not_before,
            not_after
        }
    );
    for millis in [i64::MAX, i64::MIN, 253_402_300_800_000] {
        let not_after = Moment::from_unix_millis(millis);
        let request = AuthorityRequest {
            not_after,
            ..authority("Root", KeyChoice::EcP256)
        };
        assert!(matches!(
            Authority::self_signed(&request),
            Err(AuthorityError::InvalidValidity { .. })
        ));
    }
}
