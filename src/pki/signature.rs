//! Keys and signatures of certificates: what they are called, and whether they hold.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::certificate::X509Certificate;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use crate::pki::certificate::{Certificate, InvalidCertificate, KeyAlgorithm, StatedKey};
use crate::pki::der::{self, tag};

/// The kind of a public key.
///
/// # Errors
/// [`InvalidCertificate::UndecodableKey`] where its parts do not fit its algorithm.
pub fn key_algorithm(key: &SubjectPublicKeyInfo<'_>) -> Result<KeyAlgorithm, InvalidCertificate> {
    let parameters = key
        .algorithm
        .parameters
        .as_ref()
        .filter(|any| any.tag().0 == u32::from(tag::OID));
    let curve = parameters.and_then(|any| der::oid_text(any.data));
    from_oids(
        &dotted(&key.algorithm),
        curve.as_deref(),
        &key.subject_public_key.data,
    )
    .ok_or(InvalidCertificate::UndecodableKey)
}

/// The kind of a key from its algorithm, its curve and, for RSA, the RSAPublicKey; `None` where they do not fit.
pub fn from_oids(algorithm: &str, curve: Option<&str>, public_key: &[u8]) -> Option<KeyAlgorithm> {
    match algorithm {
        "1.2.840.113549.1.1.1" => Some(KeyAlgorithm::Rsa {
            bits: modulus_bits(public_key)?,
        }),
        // An elliptic curve whose parameters are written out is not told by a name.
        "1.2.840.10045.2.1" => Some(match curve {
            Some("1.2.840.10045.3.1.7") => KeyAlgorithm::EcP256,
            Some("1.3.132.0.34") => KeyAlgorithm::EcP384,
            Some("1.3.132.0.35") => KeyAlgorithm::EcP521,
            Some(other) => KeyAlgorithm::Other(other.to_owned()),
            None => KeyAlgorithm::Other(algorithm.to_owned()),
        }),
        "1.3.101.112" => Some(KeyAlgorithm::Ed25519),
        other => Some(KeyAlgorithm::Other(other.to_owned())),
    }
}

/// The name of a signature algorithm in OpenSSL's words, else its OID, dotted.
pub fn algorithm_name(algorithm: &AlgorithmIdentifier<'_>) -> String {
    let oid = dotted(algorithm);
    let name = match oid.as_str() {
        "1.2.840.113549.1.1.2" => "md2WithRSAEncryption",
        "1.2.840.113549.1.1.3" => "md4WithRSAEncryption",
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.113549.1.1.14" => "sha224WithRSAEncryption",
        "1.2.840.113549.1.1.10" => match pss_digest(algorithm) {
            Some(digest) => return format!("rsassaPss-with-{}", digest.name()),
            None => "rsassaPss",
        },
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
        "1.2.840.10045.4.3.1" => "ecdsa-with-SHA224",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.2.840.10040.4.3" => "dsaWithSHA1",
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        _ => return oid,
    };
    name.to_owned()
}

/// Whether an algorithm of [`algorithm_name`] rests on a broken digest.
pub fn is_weak(name: &str) -> bool {
    name.starts_with("md") || name.starts_with("sha1With") || name.ends_with("SHA1")
}

/// Whether `child` carries a signature made with the key of `signer`, whose kind is `key`.
pub fn verifies(
    child: &X509Certificate<'_>,
    signer: &X509Certificate<'_>,
    key: &KeyAlgorithm,
) -> bool {
    let public_key = &signer.tbs_certificate.subject_pki.subject_public_key.data;
    holds(
        &child.signature_algorithm,
        key,
        public_key,
        child.tbs_certificate.as_ref(),
        &child.signature_value.data,
    )
}

/// Whether `signature` was made over `message` with the key whose kind is `key` and whose octets are `public_key`.
pub fn holds(
    algorithm: &AlgorithmIdentifier<'_>,
    key: &KeyAlgorithm,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    verification(algorithm, key).is_some_and(|algorithm| {
        UnparsedPublicKey::new(algorithm, public_key)
            .verify(message, signature)
            .is_ok()
    })
}

/// Whether the signature `given` was made over `message` with the key of `signer`: RSA (PKCS#1 v1.5, or PSS with a salt as long as
/// its digest), ECDSA or Ed25519, and SHA-256, SHA-384 or SHA-512. Which of them is not told, so all that fit the key are
/// tried.
pub fn signed_with(signer: &Certificate, message: &[u8], given: &[u8]) -> bool {
    let Some(stated) = StatedKey::read(signer.der()) else {
        return false;
    };
    let algorithms: &[&'static dyn VerificationAlgorithm] = match &signer.facts().key.algorithm {
        KeyAlgorithm::Rsa { .. } => &[
            &signature::RSA_PKCS1_2048_8192_SHA256,
            &signature::RSA_PKCS1_2048_8192_SHA384,
            &signature::RSA_PKCS1_2048_8192_SHA512,
            &signature::RSA_PSS_2048_8192_SHA256,
            &signature::RSA_PSS_2048_8192_SHA384,
            &signature::RSA_PSS_2048_8192_SHA512,
        ],
        KeyAlgorithm::EcP256 => &[
            &signature::ECDSA_P256_SHA256_ASN1,
            &signature::ECDSA_P256_SHA384_ASN1,
            &signature::ECDSA_P256_SHA512_ASN1,
        ],
        KeyAlgorithm::EcP384 => &[
            &signature::ECDSA_P384_SHA256_ASN1,
            &signature::ECDSA_P384_SHA384_ASN1,
            &signature::ECDSA_P384_SHA512_ASN1,
        ],
        KeyAlgorithm::EcP521 => &[
            &signature::ECDSA_P521_SHA256_ASN1,
            &signature::ECDSA_P521_SHA384_ASN1,
            &signature::ECDSA_P521_SHA512_ASN1,
        ],
        KeyAlgorithm::Ed25519 => &[&signature::ED25519],
        KeyAlgorithm::Other(_) => &[],
    };
    let holds = |algorithm: &&'static dyn VerificationAlgorithm| {
        let key = UnparsedPublicKey::new(*algorithm, stated.octets);
        key.verify(message, given).is_ok()
    };
    algorithms.iter().any(holds)
}

#[derive(Clone, Copy)]
enum Digest {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
        }
    }
}

fn verification(
    algorithm: &AlgorithmIdentifier<'_>,
    key: &KeyAlgorithm,
) -> Option<&'static dyn VerificationAlgorithm> {
    use KeyAlgorithm::{EcP256, EcP384, EcP521, Ed25519, Rsa};
    Some(match (dotted(algorithm).as_str(), key) {
        ("1.2.840.113549.1.1.11", Rsa { .. }) => &signature::RSA_PKCS1_2048_8192_SHA256,
        ("1.2.840.113549.1.1.12", Rsa { .. }) => &signature::RSA_PKCS1_2048_8192_SHA384,
        ("1.2.840.113549.1.1.13", Rsa { .. }) => &signature::RSA_PKCS1_2048_8192_SHA512,
        ("1.2.840.113549.1.1.10", Rsa { .. }) => match pss_digest(algorithm)? {
            Digest::Sha1 => return None,
            Digest::Sha256 => &signature::RSA_PSS_2048_8192_SHA256,
            Digest::Sha384 => &signature::RSA_PSS_2048_8192_SHA384,
            Digest::Sha512 => &signature::RSA_PSS_2048_8192_SHA512,
        },
        ("1.2.840.10045.4.3.2", EcP256) => &signature::ECDSA_P256_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", EcP256) => &signature::ECDSA_P256_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", EcP256) => &signature::ECDSA_P256_SHA512_ASN1,
        ("1.2.840.10045.4.3.2", EcP384) => &signature::ECDSA_P384_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", EcP384) => &signature::ECDSA_P384_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", EcP384) => &signature::ECDSA_P384_SHA512_ASN1,
        ("1.2.840.10045.4.3.2", EcP521) => &signature::ECDSA_P521_SHA256_ASN1,
        ("1.2.840.10045.4.3.3", EcP521) => &signature::ECDSA_P521_SHA384_ASN1,
        ("1.2.840.10045.4.3.4", EcP521) => &signature::ECDSA_P521_SHA512_ASN1,
        ("1.3.101.112", Ed25519) => &signature::ED25519,
        _ => return None,
    })
}

fn pss_digest(algorithm: &AlgorithmIdentifier<'_>) -> Option<Digest> {
    let parameters = RsaSsaPssParams::try_from(algorithm.parameters.as_ref()?).ok()?;
    Some(
        match der::oid_text(parameters.hash_algorithm_oid().as_bytes())?.as_str() {
            "1.3.14.3.2.26" => Digest::Sha1,
            "2.16.840.1.101.3.4.2.1" => Digest::Sha256,
            "2.16.840.1.101.3.4.2.2" => Digest::Sha384,
            "2.16.840.1.101.3.4.2.3" => Digest::Sha512,
            _ => return None,
        },
    )
}

fn modulus_bits(public_key: &[u8]) -> Option<u32> {
    let parts = der::single(public_key)
        .ok()?
        .children_of(tag::SEQUENCE)
        .ok()?;
    let [modulus, exponent] = parts.as_slice() else {
        return None;
    };
    if modulus.tag != tag::INTEGER || exponent.tag != tag::INTEGER {
        return None;
    }
    let zeros: u32 = {
        let octets = modulus
            .content
            .iter()
            .take_while(|octet| **octet == 0)
            .count();
        let first = modulus.content.get(octets)?;
        u32::try_from(octets)
            .ok()?
            .checked_mul(8)?
            .checked_add(first.leading_zeros())?
    };
    u32::try_from(modulus.content.len())
        .ok()?
        .checked_mul(8)?
        .checked_sub(zeros)
}

fn dotted(algorithm: &AlgorithmIdentifier<'_>) -> String {
    let octets = algorithm.algorithm.as_bytes();
    der::oid_text(octets)
        .unwrap_or_else(|| format!("#{}", der::hex(octets.get(..64).unwrap_or(octets))))
}

#[cfg(test)]
mod tests;
