use super::*;
use crate::pki::openssl::Openssl;

const CHOICES: [(KeyChoice, &str); 4] = [
    (KeyChoice::EcP256, "EC P-256"),
    (KeyChoice::EcP384, "EC P-384"),
    (KeyChoice::Rsa2048, "RSA 2048"),
    (KeyChoice::Ed25519, "Ed25519"),
];

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

#[test]
fn makes_keys_that_openssl_reads() {
    let openssl = Openssl::new();
    for (choice, name) in CHOICES {
        let key = PrivateKey::generate(choice).unwrap();
        assert_eq!(key.algorithm().to_string(), name);
        openssl.put("k.pem", key.to_pkcs8_pem().expose());
        assert_eq!(
            openssl.text("pkey -in k.pem -noout -check").trim(),
            "Key is valid",
            "{name}"
        );
        let read = PrivateKey::from_der(key.pkcs8()).unwrap();
        assert_eq!(
            (read.pkcs8(), &read.public_key),
            (key.pkcs8(), &key.public_key)
        );
    }
}

#[test]
fn two_keys_are_never_the_same() {
    for (choice, name) in CHOICES {
        let (one, two) = (
            PrivateKey::generate(choice).unwrap(),
            PrivateKey::generate(choice).unwrap(),
        );
        assert_ne!(one.public_key, two.public_key, "{name}");
    }
}

#[test]
fn reads_every_form_that_openssl_writes() {
    let openssl = Openssl::new();
    let cases = [
        ("RSA -pkeyopt rsa_keygen_bits:2048", "RSA 2048"),
        ("RSA -pkeyopt rsa_keygen_bits:3072", "RSA 3072"),
        ("EC -pkeyopt ec_paramgen_curve:P-256", "EC P-256"),
        ("EC -pkeyopt ec_paramgen_curve:P-384", "EC P-384"),
        ("EC -pkeyopt ec_paramgen_curve:P-521", "EC P-521"),
        ("ED25519", "Ed25519"),
    ];
    for (kind, name) in cases {
        openssl.run(&format!("genpkey -algorithm {kind} -out k.pem"));
        openssl.run("req -x509 -new -key k.pem -subj /CN=x -outform DER -out c.der");
        let certificate = Certificate::from_der(&openssl.get("c.der")).unwrap();
        for form in [
            "pkey -in k.pem -outform DER -traditional",
            "pkcs8 -topk8 -nocrypt -in k.pem -outform DER",
        ] {
            let key = PrivateKey::from_der(&openssl.run(form)).unwrap();
            assert_eq!(key.algorithm().to_string(), name, "{form}");
            assert!(key.belongs_to(&certificate), "{name} {form}");
            assert!(
                rustls::crypto::aws_lc_rs::sign::any_supported_type(&key.der()).is_ok(),
                "{name}"
            );
        }
        let other = PrivateKey::generate(KeyChoice::EcP256).unwrap();
        assert!(!other.belongs_to(&certificate));
    }
}

#[test]
fn reads_a_sec_1_key_that_does_not_name_its_curve() {
    let openssl = Openssl::new();
    for curve in ["P-256", "P-384", "P-521"] {
        openssl.run(&format!(
            "ecparam -genkey -name {curve} -noout -outform DER -out k.der"
        ));
        let whole = openssl.get("k.der");
        let parts = der::single(&whole)
            .unwrap()
            .children_of(tag::SEQUENCE)
            .unwrap();
        let without = der::encode(
            tag::SEQUENCE,
            &[parts[0].whole, parts[1].whole, parts[3].whole],
        );
        let key = PrivateKey::from_der(&without).unwrap();
        assert_eq!(key.algorithm().to_string(), format!("EC {curve}"));
        assert_eq!(
            key.public_key,
            PrivateKey::from_der(&whole).unwrap().public_key
        );
    }
}

#[test]
fn opens_encrypted_keys() {
    let openssl = Openssl::new();
    openssl.run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k.pem");
    let plain = PrivateKey::from_der(&openssl.run("pkey -in k.pem -outform DER")).unwrap();
    let ways = [
        "-v2 aes-256-cbc",
        "-v2 aes-128-cbc -v2prf hmacWithSHA512",
        "-v2 aes-192-cbc -iter 50000",
        "-v1 PBE-SHA1-3DES",
        "-scrypt",
    ];
    for way in ways {
        let command =
            format!("pkcs8 -topk8 -in k.pem -outform DER {way} -passout 'pass:pässword 1'");
        let encrypted = openssl.run(&command);
        let key = PrivateKey::from_encrypted_der(&encrypted, &secret("pässword 1"));
        assert_eq!(
            key.map(|key| key.public_key),
            Ok(plain.public_key.clone()),
            "{way}"
        );
        assert_eq!(
            PrivateKey::from_der(&encrypted).unwrap_err(),
            InvalidKey::PasswordNeeded,
            "{way}"
        );
        let wrong = PrivateKey::from_encrypted_der(&encrypted, &secret("password"));
        assert_eq!(wrong.unwrap_err(), InvalidKey::WrongPassword, "{way}");
        let binary = PrivateKey::from_encrypted_der(&encrypted, &Secret::from_bytes(vec![0xff]));
        assert_eq!(binary.unwrap_err(), InvalidKey::WrongPassword, "{way}");
    }
}

#[test]
fn says_when_an_encryption_is_not_read() {
    let openssl = Openssl::new();
    openssl.run("genpkey -algorithm ED25519 -out k.pem");
    for way in [
        "-v2 aes-256-cbc -v2prf hmacWithSHA1",
        "-v2 des3",
        "-v2 aria-256-cbc",
    ] {
        let encrypted = openssl.run(&format!(
            "pkcs8 -topk8 -in k.pem -outform DER {way} -passout pass:x"
        ));
        let read = PrivateKey::from_encrypted_der(&encrypted, &secret("x"));
        assert_eq!(
            read.unwrap_err(),
            InvalidKey::UnsupportedEncryption,
            "{way}"
        );
    }
    let slow = openssl.run("pkcs8 -topk8 -in k.pem -outform DER -iter 1000001 -passout pass:x");
    let read = PrivateKey::from_encrypted_der(&slow, &secret("x"));
    assert_eq!(read.unwrap_err(), InvalidKey::UnsupportedEncryption);
    let read = PrivateKey::from_encrypted_der(b"\x30\x00", &secret("x"));
    assert_eq!(read.unwrap_err(), InvalidKey::UnsupportedEncryption);
}

#[test]
fn hostile_scrypt_parameters_are_an_error() {
    let openssl = Openssl::new();
    openssl.run("genpkey -algorithm ED25519 -out k.pem");
    let scrypt =
        openssl.run("pkcs8 -topk8 -in k.pem -outform DER -passout pass:x -scrypt -scrypt_N 2");
    let place = scrypt
        .windows(6)
        .position(|part| part == b"\x02\x01\x02\x02\x01\x08")
        .unwrap();
    for (cost, block_size) in [(0, 8), (3, 8), (0x80, 8), (2, 0)] {
        let mut hostile = scrypt.clone();
        hostile[place + 2] = cost;
        hostile[place + 5] = block_size;
        let read = PrivateKey::from_encrypted_der(&hostile, &secret("x"));
        assert_eq!(
            read.unwrap_err(),
            InvalidKey::UnsupportedEncryption,
            "{cost} {block_size}"
        );
    }
    let mut greedy = openssl.run("pkcs8 -topk8 -in k.pem -outform DER -passout pass:x -scrypt");
    let place = greedy
        .windows(4)
        .position(|part| part == b"\x40\x00\x02\x01")
        .unwrap();
    greedy[place + 4] = 0x7f;
    assert_eq!(p12::scrypt_memory(&greedy), Some(16_384 * 0x7f * 128));
    let read = PrivateKey::from_encrypted_der(&greedy, &secret("x"));
    assert_eq!(read.unwrap_err(), InvalidKey::UnsupportedEncryption);
}

#[test]
fn refuses_keys_that_cannot_be_used() {
    let openssl = Openssl::new();
    let cases = [
        ("RSA -pkeyopt rsa_keygen_bits:1024", "RSA 1024"),
        (
            "EC -pkeyopt ec_paramgen_curve:secp256k1",
            "unknown (1.3.132.0.10)",
        ),
        ("X25519", "unknown (1.3.101.110)"),
        ("ED448", "unknown (1.3.101.113)"),
        (
            "RSA-PSS -pkeyopt rsa_keygen_bits:2048",
            "unknown (1.2.840.113549.1.1.10)",
        ),
    ];
    for (kind, name) in cases {
        let der = openssl.run(&format!("genpkey -algorithm {kind} -outform DER"));
        let error = PrivateKey::from_der(&der).unwrap_err();
        let InvalidKey::Unsupported { algorithm } = &error else {
            panic!("{kind}: {error:?}")
        };
        assert_eq!(algorithm.to_string(), name);
    }
}

#[test]
fn refuses_a_key_whose_parts_do_not_belong_together() {
    for (choice, name) in CHOICES {
        let mut damaged = PrivateKey::generate(choice).unwrap().pkcs8().to_vec();
        let place = match choice {
            // In the middle of the second prime, and in the public key.
            KeyChoice::Rsa2048 => damaged.len() / 2,
            KeyChoice::EcP256 | KeyChoice::EcP384 => damaged.len() - 3,
            KeyChoice::Ed25519 => 20,
        };
        damaged[place] ^= 1;
        match (choice, PrivateKey::from_der(&damaged)) {
            // Any 32 bytes are an Ed25519 key.
            (KeyChoice::Ed25519, Ok(_)) => {}
            (_, Err(InvalidKey::Inconsistent { algorithm })) => {
                assert_eq!(algorithm.to_string(), name)
            }
            (_, other) => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn refuses_what_is_no_key() {
    let cases: [&[u8]; 6] = [
        b"",
        b"\x30\x00",
        b"\x02\x01\x00",
        b"\x30\x03\x02\x01\x00",
        b"-----BEGIN",
        &[0x30; 99],
    ];
    for case in cases {
        assert_eq!(
            PrivateKey::from_der(case).unwrap_err(),
            InvalidKey::NotAKey,
            "{case:?}"
        );
    }
    let huge = InvalidKey::TooLarge {
        bytes: 16_385,
        limit: 16_384,
    };
    assert_eq!(PrivateKey::from_der(&[0x30; 16_385]).unwrap_err(), huge);
    assert_eq!(
        PrivateKey::from_encrypted_der(&[0x30; 16_385], &secret("x")).unwrap_err(),
        huge
    );
}

#[test]
fn is_not_printed() {
    let key = PrivateKey::generate(KeyChoice::Ed25519).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey(Ed25519, …)");
}
