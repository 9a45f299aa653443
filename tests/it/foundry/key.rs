//! Keys of all kinds, good and weak, and the ways to sign with them.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding,
};
use realmgate::pki::der::hex;

use crate::foundry::asn1::{NULL, bit_string, explicit, integer, oid, sequence};

/// Kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    P256,
    P384,
    P521,
    Ed25519,
    Rsa2048,
    Rsa3072,
    /// Too short; made and used by openssl.
    Rsa1024,
    /// A curve that is not for TLS; only the public half, it cannot sign.
    Secp256k1,
}

/// Ways to sign. What the library does not offer (SHA-1, MD5, a digest of another length than the curve's), openssl
/// does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    EcdsaSha256,
    EcdsaSha384,
    EcdsaSha512,
    Ed25519,
    RsaSha256,
    RsaSha512,
    RsaPssSha256,
    EcdsaSha1,
    RsaSha1,
    RsaMd5,
}

/// A key. Cloning it is cheap.
#[derive(Clone)]
pub struct Key(Arc<Inner>);

struct Inner {
    kind: Kind,
    public: Vec<u8>,
    /// PKCS #8; empty where there is none. Of RSA 1024, PEM.
    private: Vec<u8>,
}

impl Key {
    /// A fresh key. RSA keys are slow to make: of each size there are a few, given out in turn.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::P256 => ecdsa(kind, &signature::ECDSA_P256_SHA256_ASN1_SIGNING),
            Kind::P384 => ecdsa(kind, &signature::ECDSA_P384_SHA384_ASN1_SIGNING),
            Kind::P521 => ecdsa(kind, &signature::ECDSA_P521_SHA512_ASN1_SIGNING),
            Kind::Ed25519 => {
                let pair = Ed25519KeyPair::generate().unwrap();
                let public = pair.public_key().as_ref().to_vec();
                let private = pair.to_pkcs8v1().unwrap().as_ref().to_vec();
                Self::of(kind, public, private)
            }
            Kind::Rsa2048 => pooled(&RSA_2048, || rsa(kind, KeySize::Rsa2048)),
            Kind::Rsa3072 => pooled(&RSA_3072, || rsa(kind, KeySize::Rsa3072)),
            Kind::Rsa1024 => RSA_1024.get_or_init(rsa_by_openssl).clone(),
            Kind::Secp256k1 => {
                let public = [&[4], [7; 64].as_slice()].concat();
                Self::of(kind, public, Vec::new())
            }
        }
    }

    fn of(kind: Kind, public: Vec<u8>, private: Vec<u8>) -> Self {
        Self(Arc::new(Inner {
            kind,
            public,
            private,
        }))
    }

    /// PKCS #8, where a TLS client can sign with it.
    pub fn pkcs8(&self) -> Option<&[u8]> {
        let usable = !matches!(self.0.kind, Kind::Rsa1024 | Kind::Secp256k1);
        usable.then_some(&self.0.private)
    }

    /// The SubjectPublicKeyInfo.
    pub fn info(&self) -> Vec<u8> {
        let curve = |curve: &str| sequence(&[&oid("1.2.840.10045.2.1"), &oid(curve)]);
        let algorithm = match self.0.kind {
            Kind::P256 => curve("1.2.840.10045.3.1.7"),
            Kind::P384 => curve("1.3.132.0.34"),
            Kind::P521 => curve("1.3.132.0.35"),
            Kind::Secp256k1 => curve("1.3.132.0.10"),
            Kind::Ed25519 => sequence(&[&oid("1.3.101.112")]),
            Kind::Rsa1024 | Kind::Rsa2048 | Kind::Rsa3072 => {
                sequence(&[&oid("1.2.840.113549.1.1.1"), &NULL])
            }
        };
        sequence(&[&algorithm, &bit_string(&self.0.public)])
    }

    /// A key identifier.
    pub fn id(&self) -> Vec<u8> {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.0.public);
        digest.as_ref()[..20].to_vec()
    }

    /// How it signs unless told otherwise.
    pub fn usual_signing(&self) -> Signing {
        match self.0.kind {
            Kind::P256 | Kind::Secp256k1 => Signing::EcdsaSha256,
            Kind::P384 => Signing::EcdsaSha384,
            Kind::P521 => Signing::EcdsaSha512,
            Kind::Ed25519 => Signing::Ed25519,
            Kind::Rsa1024 | Kind::Rsa2048 | Kind::Rsa3072 => Signing::RsaSha256,
        }
    }

    /// Signs.
    pub fn sign(&self, signing: Signing, message: &[u8]) -> Vec<u8> {
        match signing {
            Signing::EcdsaSha256 if self.0.kind == Kind::P256 => {
                self.sign_ecdsa(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, message)
            }
            Signing::EcdsaSha384 if self.0.kind == Kind::P384 => {
                self.sign_ecdsa(&signature::ECDSA_P384_SHA384_ASN1_SIGNING, message)
            }
            Signing::EcdsaSha512 if self.0.kind == Kind::P521 => {
                self.sign_ecdsa(&signature::ECDSA_P521_SHA512_ASN1_SIGNING, message)
            }
            Signing::EcdsaSha256 => self.by_openssl("sha256", message),
            Signing::EcdsaSha384 => self.by_openssl("sha384", message),
            Signing::EcdsaSha512 => self.by_openssl("sha512", message),
            Signing::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&self.0.private).unwrap();
                pair.sign(message).as_ref().to_vec()
            }
            Signing::RsaSha256 if self.0.kind == Kind::Rsa1024 => {
                self.by_openssl("sha256", message)
            }
            Signing::RsaSha256 => self.sign_rsa(&signature::RSA_PKCS1_SHA256, message),
            Signing::RsaSha512 => self.sign_rsa(&signature::RSA_PKCS1_SHA512, message),
            Signing::RsaPssSha256 => self.sign_rsa(&signature::RSA_PSS_SHA256, message),
            Signing::EcdsaSha1 | Signing::RsaSha1 => self.by_openssl("sha1", message),
            Signing::RsaMd5 => self.by_openssl("md5", message),
        }
    }

    fn sign_ecdsa(&self, algorithm: &'static EcdsaSigningAlgorithm, message: &[u8]) -> Vec<u8> {
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &self.0.private).unwrap();
        let signature = pair.sign(&SystemRandom::new(), message).unwrap();
        signature.as_ref().to_vec()
    }

    fn sign_rsa(&self, padding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
        let pair = rsa::KeyPair::from_pkcs8(&self.0.private).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(padding, &SystemRandom::new(), message, &mut signature)
            .unwrap();
        signature
    }

    fn by_openssl(&self, digest: &str, message: &[u8]) -> Vec<u8> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        std::fs::write(&file, &self.0.private).unwrap();
        let form = if self.0.kind == Kind::Rsa1024 {
            "PEM"
        } else {
            "DER"
        };
        let file = file.display().to_string();
        let digest = format!("-{digest}");
        openssl(
            &["dgst", &digest, "-keyform", form, "-sign", &file],
            message,
        )
    }
}

impl Signing {
    /// The AlgorithmIdentifier.
    pub fn identifier(self) -> Vec<u8> {
        let rsa = |last: u8| sequence(&[&oid(&format!("1.2.840.113549.1.1.{last}")), &NULL]);
        match self {
            Self::EcdsaSha1 => sequence(&[&oid("1.2.840.10045.4.1")]),
            Self::EcdsaSha256 => sequence(&[&oid("1.2.840.10045.4.3.2")]),
            Self::EcdsaSha384 => sequence(&[&oid("1.2.840.10045.4.3.3")]),
            Self::EcdsaSha512 => sequence(&[&oid("1.2.840.10045.4.3.4")]),
            Self::Ed25519 => sequence(&[&oid("1.3.101.112")]),
            Self::RsaMd5 => rsa(4),
            Self::RsaSha1 => rsa(5),
            Self::RsaSha256 => rsa(11),
            Self::RsaSha512 => rsa(13),
            Self::RsaPssSha256 => {
                let sha256 = sequence(&[&oid("2.16.840.1.101.3.4.2.1"), &NULL]);
                let mask = sequence(&[&oid("1.2.840.113549.1.1.8"), &sha256]);
                let parameters = sequence(&[
                    &explicit(0, &[&sha256]),
                    &explicit(1, &[&mask]),
                    &explicit(2, &[&integer(32)]),
                ]);
                sequence(&[&oid("1.2.840.113549.1.1.10"), &parameters])
            }
        }
    }
}

/// How many RSA keys of one size there are.
const POOL: usize = 3;

static RSA_2048: Mutex<(Vec<Key>, usize)> = Mutex::new((Vec::new(), 0));
static RSA_3072: Mutex<(Vec<Key>, usize)> = Mutex::new((Vec::new(), 0));
static RSA_1024: OnceLock<Key> = OnceLock::new();

fn pooled(pool: &Mutex<(Vec<Key>, usize)>, make: impl Fn() -> Key) -> Key {
    let mut pool = pool.lock().unwrap();
    let (keys, next) = &mut *pool;
    if keys.len() < POOL {
        keys.push(make());
    }
    let key = keys[*next % POOL].clone();
    *next += 1;
    key
}

fn ecdsa(kind: Kind, algorithm: &'static EcdsaSigningAlgorithm) -> Key {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let public = pair.public_key().as_ref().to_vec();
    Key::of(kind, public, pair.to_pkcs8v1().unwrap().as_ref().to_vec())
}

fn rsa(kind: Kind, size: KeySize) -> Key {
    let pair = rsa::KeyPair::generate(size).unwrap();
    let public = pair.public_key().as_ref().to_vec();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    Key::of(kind, public, private.as_ref().to_vec())
}

fn rsa_by_openssl() -> Key {
    let private = openssl(&["genrsa", "1024"], b"");
    let public = openssl(&["rsa", "-RSAPublicKey_out", "-outform", "DER"], &private);
    Key::of(Kind::Rsa1024, public, private)
}

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// SHA-256 in hexadecimal digits, as pins are written.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}
