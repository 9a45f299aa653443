use crate::pki::certificate::Certificate;
use crate::pki::openssl::Openssl;

#[test]
fn names_keys_and_signatures_that_it_does_not_use() {
    let openssl = Openssl::new();
    let cases = [
        (
            "rsa:1024 -sha1",
            "RSA 1024",
            "sha1WithRSAEncryption",
            true,
            true,
        ),
        (
            "rsa:1024 -md5",
            "RSA 1024",
            "md5WithRSAEncryption",
            true,
            true,
        ),
        (
            "rsa:2048 -sha1 -sigopt rsa_padding_mode:pss",
            "RSA 2048",
            "rsassaPss-with-SHA1",
            false,
            true,
        ),
        (
            "ec -pkeyopt ec_paramgen_curve:secp256k1",
            "unknown (1.3.132.0.10)",
            "ecdsa-with-SHA256",
            false,
            false,
        ),
        (
            "ec -pkeyopt ec_paramgen_curve:P-256 -sha1",
            "EC P-256",
            "ecdsa-with-SHA1",
            false,
            true,
        ),
        ("ed448", "unknown (1.3.101.113)", "Ed448", false, false),
        (
            "rsa-pss -sha256",
            "unknown (1.2.840.113549.1.1.10)",
            "rsassaPss-with-SHA256",
            false,
            false,
        ),
    ];
    for (key, kind, algorithm, weak_key, weak_signature) in cases {
        openssl.run(&format!(
            "req -x509 -nodes -newkey {key} -keyout k.pem -out c.der -outform DER -subj /CN=x"
        ));
        let certificate = Certificate::from_der(&openssl.get("c.der")).unwrap();
        let facts = certificate.facts();
        assert_eq!(
            (
                facts.key.to_string().as_str(),
                facts.signature_algorithm.as_str()
            ),
            (kind, algorithm)
        );
        assert_eq!(
            (facts.key.algorithm.is_weak(), facts.has_weak_signature()),
            (weak_key, weak_signature),
            "{key}"
        );
        assert!(!certificate.is_self_signed(), "{key}");
    }
}
