//! Private keys: RSA, ECDSA on P-256, P-384 and P-521, and Ed25519.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

use crate::pki::certificate::{self, Certificate, KeyAlgorithm};
use crate::pki::der::{self, Element, tag};
use crate::pki::secret::Secret;
use crate::pki::{p12, signature};

/// The longest key that is read, in bytes of DER.
pub const KEY_BYTES_MAX: usize = 16 * 1024;

/// A private key. It is overwritten when dropped, and never printed.
#[derive(Clone)]
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public_key: Vec<u8>,
    algorithm: KeyAlgorithm,
}

impl PartialEq for PrivateKey {
    /// Two private keys are the same where their public halves are.
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.public_key == other.public_key
    }
}

/// The kinds of key that can be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyChoice {
    /// ECDSA on P-256.
    #[default]
    EcP256,
    /// ECDSA on P-384.
    EcP384,
    /// RSA with 2,048 bits.
    Rsa2048,
    /// Ed25519, which browsers and some TLS libraries do not accept in certificates.
    Ed25519,
}

/// Bytes that are no private key that can be put to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// More than [`KEY_BYTES_MAX`].
    #[error(
        "the key has {bytes} bytes, more than the {limit} that are read: check that it is a private key"
    )]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        limit: usize,
    },
    /// No known structure of a private key.
    #[error(
        "this is not a private key in PKCS#8, PKCS#1 or SEC 1 form: convert it with `openssl pkey -in FILE`"
    )]
    NotAKey,
    /// A key of a kind or size that cannot be used.
    #[error(
        "a key of the kind {algorithm} cannot be used: use RSA with 2048 to 8192 bits, EC P-256, P-384, P-521 or Ed25519"
    )]
    Unsupported {
        /// Which kind.
        algorithm: KeyAlgorithm,
    },
    /// A key whose parts contradict each other.
    #[error("the {algorithm} key is damaged, its parts do not belong together: export it again")]
    Inconsistent {
        /// Which kind it says it is.
        algorithm: KeyAlgorithm,
    },
    /// An encrypted key, and no password.
    #[error("the private key is encrypted: give its password too")]
    PasswordNeeded,
    /// An encrypted key, and not its password.
    #[error("the password does not open the private key: check it and try again")]
    WrongPassword,
    /// An encryption that is not read.
    #[error(
        "the private key is encrypted in a way that is not read: convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE`"
    )]
    UnsupportedEncryption,
}

/// No key could be made or used to sign: the cryptographic library failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the cryptographic library could not make or use a key: check the machine's source of randomness"
)]
pub struct KeyFailure;

impl PrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`KeyFailure`] where the cryptographic library fails.
    pub fn generate(choice: KeyChoice) -> Result<Self, KeyFailure> {
        let pair = match choice {
            KeyChoice::EcP256 => {
                Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?)
            }
            KeyChoice::EcP384 => {
                Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).map_err(failed)?)
            }
            KeyChoice::Rsa2048 => {
                Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?)
            }
            KeyChoice::Ed25519 => Pair::Ed(Ed25519KeyPair::generate().map_err(failed)?),
        };
        Self::of_pair(&pair)
    }

    /// Reads a key that is not encrypted: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC 1 (RFC 5915).
    ///
    /// # Errors
    /// [`InvalidKey`]; an encrypted PKCS#8 key is [`InvalidKey::PasswordNeeded`].
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidKey> {
        if der.len() > KEY_BYTES_MAX {
            return Err(InvalidKey::TooLarge {
                bytes: der.len(),
                limit: KEY_BYTES_MAX,
            });
        }
        let algorithm = match structure(der).ok_or(InvalidKey::NotAKey)? {
            Structure::Plain(algorithm) => algorithm,
            Structure::Encrypted => return Err(InvalidKey::PasswordNeeded),
        };
        let pair = match &algorithm {
            KeyAlgorithm::Rsa { bits: 2048..=8192 } => RsaKeyPair::from_pkcs8(der)
                .or_else(|_| RsaKeyPair::from_der(der))
                .ok()
                .map(Pair::Rsa),
            KeyAlgorithm::EcP256 => ec_pair(&ECDSA_P256_SHA256_ASN1_SIGNING, der),
            KeyAlgorithm::EcP384 => ec_pair(&ECDSA_P384_SHA384_ASN1_SIGNING, der),
            KeyAlgorithm::EcP521 => ec_pair(&ECDSA_P521_SHA512_ASN1_SIGNING, der),
            KeyAlgorithm::Ed25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
                .ok()
                .map(Pair::Ed),
            KeyAlgorithm::Rsa { .. } | KeyAlgorithm::Other(_) => {
                return Err(InvalidKey::Unsupported { algorithm });
            }
        };
        let key = pair.and_then(|pair| Self::of_pair(&pair).ok());
        key.ok_or(InvalidKey::Inconsistent { algorithm })
    }

    /// Reads an encrypted PKCS#8 key (RFC 5958, EncryptedPrivateKeyInfo).
    ///
    /// # Errors
    /// [`InvalidKey`], with [`InvalidKey::WrongPassword`] also where the content was damaged: nothing tells the two
    /// apart.
    pub fn from_encrypted_der(der: &[u8], password: &Secret) -> Result<Self, InvalidKey> {
        if der.len() > KEY_BYTES_MAX {
            return Err(InvalidKey::TooLarge {
                bytes: der.len(),
                limit: KEY_BYTES_MAX,
            });
        }
        let plain = p12::open_encrypted_key(der, password)?;
        Self::from_der(&plain)
    }

    /// The key as PEM of its PKCS#8 form, label `PRIVATE KEY`.
    pub fn to_pkcs8_pem(&self) -> Secret {
        Secret::new(certificate::to_pem("PRIVATE KEY", &self.pkcs8))
    }

    /// The key for rustls, always in PKCS#8 form.
    pub fn der(&self) -> PrivateKeyDer<'_> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.pkcs8.as_slice()))
    }

    /// Its kind and size.
    pub fn algorithm(&self) -> &KeyAlgorithm {
        &self.algorithm
    }

    /// Whether it is the key of this certificate.
    pub fn belongs_to(&self, certificate: &Certificate) -> bool {
        let Ok((_, parsed)) = X509Certificate::from_der(certificate.der()) else {
            return false;
        };
        self.algorithm == certificate.facts().key.algorithm
            && *parsed.tbs_certificate.subject_pki.subject_public_key.data == *self.public_key
    }

    /// The PKCS#8 form.
    pub(crate) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    fn of_pair(pair: &Pair) -> Result<Self, KeyFailure> {
        let (pkcs8, public_key) = match pair {
            Pair::Rsa(pair) => (
                Zeroizing::new(pair.as_der().map_err(failed)?.as_ref().to_vec()),
                pair.public_key().as_ref().to_vec(),
            ),
            Pair::Ec(pair) => (
                Zeroizing::new(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()),
                pair.public_key().as_ref().to_vec(),
            ),
            Pair::Ed(pair) => (
                Zeroizing::new(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()),
                pair.public_key().as_ref().to_vec(),
            ),
        };
        match structure(&pkcs8) {
            Some(Structure::Plain(algorithm)) => Ok(Self {
                pkcs8,
                public_key,
                algorithm,
            }),
            Some(Structure::Encrypted) | None => Err(KeyFailure),
        }
    }

    fn pair(&self) -> Result<Pair, KeyFailure> {
        let der = self.pkcs8.as_slice();
        match &self.algorithm {
            KeyAlgorithm::Rsa { .. } => RsaKeyPair::from_pkcs8(der).ok().map(Pair::Rsa),
            KeyAlgorithm::EcP256 => ec_pair(&ECDSA_P256_SHA256_ASN1_SIGNING, der),
            KeyAlgorithm::EcP384 => ec_pair(&ECDSA_P384_SHA384_ASN1_SIGNING, der),
            KeyAlgorithm::EcP521 => ec_pair(&ECDSA_P521_SHA512_ASN1_SIGNING, der),
            KeyAlgorithm::Ed25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
                .ok()
                .map(Pair::Ed),
            KeyAlgorithm::Other(_) => None,
        }
        .ok_or(KeyFailure)
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({}, …)", self.algorithm)
    }
}

/// A private key that was read once before, as bytes: reading it checks that its parts belong together, which takes longer
/// than is good where there are thousands that wait for their use. Overwritten when dropped, and never printed.
#[derive(Clone)]
pub struct KeptKey(Zeroizing<Vec<u8>>);

impl KeptKey {
    /// The PKCS#8 form of a key, as it was kept.
    pub(crate) const fn kept(pkcs8: Zeroizing<Vec<u8>>) -> Self {
        Self(pkcs8)
    }

    /// The key for rustls.
    pub fn der(&self) -> PrivateKeyDer<'_> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.0.as_slice()))
    }

    /// What kind of key it states to be. The secret parts are not looked at.
    ///
    /// # Errors
    /// [`InvalidKey`] where it is none that can be used.
    pub fn kind(&self) -> Result<KeyAlgorithm, InvalidKey> {
        let algorithm = match structure(&self.0).ok_or(InvalidKey::NotAKey)? {
            Structure::Plain(algorithm) => algorithm,
            Structure::Encrypted => return Err(InvalidKey::PasswordNeeded),
        };
        match algorithm {
            KeyAlgorithm::Rsa { bits: 2048..=8192 }
            | KeyAlgorithm::EcP256
            | KeyAlgorithm::EcP384
            | KeyAlgorithm::EcP521
            | KeyAlgorithm::Ed25519 => Ok(algorithm),
            KeyAlgorithm::Rsa { .. } | KeyAlgorithm::Other(_) => {
                Err(InvalidKey::Unsupported { algorithm })
            }
        }
    }

    /// The PKCS#8 form.
    pub(crate) fn pkcs8(&self) -> &[u8] {
        &self.0
    }
}

impl From<&PrivateKey> for KeptKey {
    fn from(key: &PrivateKey) -> Self {
        Self(key.pkcs8.clone())
    }
}

impl std::fmt::Debug for KeptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeptKey(…)")
    }
}

/// A key made ready to sign certificates and requests. It keeps no copy of the key outside the cryptographic library.
pub(crate) struct Signer {
    pair: Pair,
    algorithm: &'static rcgen::SignatureAlgorithm,
    public_key: Vec<u8>,
}

impl Signer {
    pub(crate) fn new(key: &PrivateKey) -> Result<Self, KeyFailure> {
        let algorithm: &rcgen::SignatureAlgorithm = match &key.algorithm {
            KeyAlgorithm::Rsa { .. } => &rcgen::PKCS_RSA_SHA256,
            KeyAlgorithm::EcP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyAlgorithm::EcP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyAlgorithm::EcP521 => &rcgen::PKCS_ECDSA_P521_SHA512,
            KeyAlgorithm::Ed25519 => &rcgen::PKCS_ED25519,
            KeyAlgorithm::Other(_) => return Err(KeyFailure),
        };
        Ok(Self {
            pair: key.pair()?,
            algorithm,
            public_key: key.public_key.clone(),
        })
    }
}

impl rcgen::PublicKeyData for Signer {
    fn der_bytes(&self) -> &[u8] {
        &self.public_key
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.algorithm
    }
}

impl rcgen::SigningKey for Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signed = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signed)
                    .map_err(|_| rcgen::Error::RemoteKeyError)?;
                Ok(signed)
            }
            Pair::Ec(pair) => {
                let signed = pair
                    .sign(&random, message)
                    .map_err(|_| rcgen::Error::RemoteKeyError)?;
                Ok(signed.as_ref().to_vec())
            }
            Pair::Ed(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

enum Structure {
    Plain(KeyAlgorithm),
    Encrypted,
}

/// What kind of key the bytes state to be, without a look at the secret parts.
fn structure(der: &[u8]) -> Option<Structure> {
    let parts = der::single(der).ok()?.children_of(tag::SEQUENCE).ok()?;
    let plain = match parts.as_slice() {
        [algorithm, content]
            if (algorithm.tag, content.tag) == (tag::SEQUENCE, tag::OCTET_STRING) =>
        {
            return Some(Structure::Encrypted);
        }
        [version, algorithm, content, ..]
            if (version.tag, algorithm.tag, content.tag)
                == (tag::INTEGER, tag::SEQUENCE, tag::OCTET_STRING) =>
        {
            pkcs8_algorithm(algorithm, content)?
        }
        [_, _, _, _, _, _, _, _, _] => pkcs1_algorithm(&parts)?,
        [version, content, more @ ..]
            if (version.tag, content.tag) == (tag::INTEGER, tag::OCTET_STRING) =>
        {
            sec1_algorithm(content, more)
        }
        _ => return None,
    };
    Some(Structure::Plain(plain))
}

fn pkcs8_algorithm(algorithm: &Element<'_>, content: &Element<'_>) -> Option<KeyAlgorithm> {
    let parts = der::elements(algorithm.content).ok()?;
    let oid = parts
        .first()
        .filter(|oid| oid.tag == tag::OID)
        .and_then(|oid| der::oid_text(oid.content))?;
    let curve = parts
        .get(1)
        .filter(|curve| curve.tag == tag::OID)
        .and_then(|curve| der::oid_text(curve.content));
    if oid == "1.2.840.113549.1.1.1" {
        return pkcs1_algorithm(
            &der::single(content.content)
                .ok()?
                .children_of(tag::SEQUENCE)
                .ok()?,
        );
    }
    signature::from_oids(&oid, curve.as_deref(), &[])
}

fn pkcs1_algorithm(parts: &[Element<'_>]) -> Option<KeyAlgorithm> {
    let [_, modulus, exponent, ..] = parts else {
        return None;
    };
    let public_key = der::encode(tag::SEQUENCE, &[modulus.whole, exponent.whole]);
    signature::from_oids("1.2.840.113549.1.1.1", None, &public_key)
}

/// The curve is told by its parameters, or, where they are left out, by the length of the key.
fn sec1_algorithm(content: &Element<'_>, more: &[Element<'_>]) -> KeyAlgorithm {
    let stated = more
        .iter()
        .find(|part| part.tag == tag::CONTEXT_0)
        .and_then(|part| der::single(part.content).ok())
        .filter(|curve| curve.tag == tag::OID)
        .and_then(|curve| der::oid_text(curve.content));
    let ec = "1.2.840.10045.2.1";
    let by_length = || match content.content.len() {
        32 => KeyAlgorithm::EcP256,
        48 => KeyAlgorithm::EcP384,
        66 => KeyAlgorithm::EcP521,
        _ => KeyAlgorithm::Other(ec.to_owned()),
    };
    match stated {
        Some(curve) => signature::from_oids(ec, Some(&curve), &[]).unwrap_or_else(by_length),
        None => by_length(),
    }
}

fn ec_pair(curve: &'static EcdsaSigningAlgorithm, der: &[u8]) -> Option<Pair> {
    EcdsaKeyPair::from_private_key_der(curve, der)
        .ok()
        .map(Pair::Ec)
}

fn failed(_: aws_lc_rs::error::Unspecified) -> KeyFailure {
    KeyFailure
}

#[cfg(test)]
mod tests;
