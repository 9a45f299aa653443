//! Signatures: which algorithms count, and a meter that makes every check once and only so many of them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use webpki::aws_lc_rs as algorithms;

use crate::flaw::{Flaw, planted};
use crate::pki::certificate::{Certificate, KeyAlgorithm};
use crate::pki::der::{self, NotDer, tag};
use crate::trust::issuer::Issuer;
use crate::trust::limits::TrustLimits;

/// The algorithms with which certificates may be signed: SHA-2 with RSA (2048 to 8192 bits, PKCS#1 v1.5 and PSS) or
/// ECDSA, and Ed25519. Nothing with SHA-1.
pub const MODERN: &[&dyn SignatureVerificationAlgorithm] = &[
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P256_SHA512,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::ECDSA_P384_SHA512,
    algorithms::ECDSA_P521_SHA256,
    algorithms::ECDSA_P521_SHA384,
    algorithms::ECDSA_P521_SHA512,
    algorithms::ED25519,
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
    // RFC 4055, 5 has everyone accept the parameters absent as well.
    algorithms::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
    algorithms::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
    algorithms::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
    algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// Whether one certificate was signed with the key of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It was.
    Signed,
    /// It was not.
    NotSigned,
    /// It is signed with an algorithm that does not count.
    AlgorithmNotAccepted,
    /// The issuer's key is too short, too long or of a kind that does not count.
    KeyNotAccepted,
    /// As many signatures were checked as one judgement may check.
    Exhausted,
}

/// Checks signatures for one judgement.
///
/// Each check is done once: whoever asks again, rustls-webpki included, gets the first answer.
#[derive(Debug)]
pub struct Meter<'a> {
    algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    limits: TrustLimits,
    checks: Mutex<Vec<Check>>,
}

#[derive(Debug)]
struct Check {
    algorithm: usize,
    public_key: Box<[u8]>,
    message: Box<[u8]>,
    signature: Box<[u8]>,
    holds: bool,
}

impl<'a> Meter<'a> {
    /// A meter that has nothing spent yet.
    pub const fn new(
        algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
        limits: TrustLimits,
    ) -> Self {
        Self {
            algorithms,
            limits,
            checks: Mutex::new(Vec::new()),
        }
    }

    /// How many checks were made so far.
    pub fn spent(&self) -> usize {
        self.checks().len()
    }

    /// Whether `child` was signed with the key of `issuer`; names and everything else are not looked at.
    pub fn prove(&self, child: &Certificate, issuer: &Issuer) -> Proof {
        if !is_key_accepted(&issuer.certificate.facts().key.algorithm, &self.limits) {
            return Proof::KeyNotAccepted;
        }
        let (Ok(signed), Ok(key)) = (
            Signed::read(child.der()),
            PublicKey::read(&issuer.point.subject_public_key_info),
        ) else {
            return Proof::NotSigned;
        };
        let mut known = false;
        for (place, algorithm) in self.algorithms.iter().enumerate() {
            if algorithm.signature_alg_id().as_ref() != signed.algorithm {
                continue;
            }
            known = true;
            if algorithm.public_key_alg_id().as_ref() != key.algorithm {
                continue;
            }
            return match self.check(place, key.octets, signed.message, signed.signature) {
                Some(true) => Proof::Signed,
                Some(false) => Proof::NotSigned,
                None => Proof::Exhausted,
            };
        }
        if known {
            Proof::NotSigned
        } else {
            Proof::AlgorithmNotAccepted
        }
    }

    /// The algorithms for rustls-webpki, each going through this meter.
    pub fn metered(&self) -> Vec<Metered<'_>> {
        (0..self.algorithms.len())
            .filter_map(|place| {
                let algorithm = self.algorithms.get(place)?;
                Some(Metered {
                    meter: self,
                    place,
                    algorithm: *algorithm,
                })
            })
            .collect()
    }

    /// Whether a signature holds; `None` where the budget is used up.
    fn check(
        &self,
        algorithm: usize,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let mut checks = self.checks();
        let known = checks.iter().find(|check| {
            check.algorithm == algorithm
                && *check.signature == *signature
                && *check.public_key == *public_key
                && *check.message == *message
        });
        if let Some(known) = known {
            return Some(known.holds);
        }
        if checks.len() >= usize::try_from(self.limits.signature_checks_max).unwrap_or(usize::MAX) {
            return None;
        }
        let verified = self
            .algorithms
            .get(algorithm)?
            .verify_signature(public_key, message, signature);
        let holds = verified.is_ok() || planted(Flaw::Signatures);
        checks.push(Check {
            algorithm,
            public_key: public_key.into(),
            message: message.into(),
            signature: signature.into(),
            holds,
        });
        Some(holds)
    }

    fn checks(&self) -> MutexGuard<'_, Vec<Check>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a key is of a kind and size that is accepted.
pub fn is_key_accepted(key: &KeyAlgorithm, limits: &TrustLimits) -> bool {
    match key {
        KeyAlgorithm::Rsa { bits } => {
            (limits.rsa_bits_min.max(2048)..=limits.rsa_bits_max.min(8192)).contains(bits)
        }
        KeyAlgorithm::EcP256
        | KeyAlgorithm::EcP384
        | KeyAlgorithm::EcP521
        | KeyAlgorithm::Ed25519 => true,
        KeyAlgorithm::Other(_) => false,
    }
}

/// An algorithm whose checks go through a [`Meter`].
#[derive(Debug)]
pub struct Metered<'a> {
    meter: &'a Meter<'a>,
    place: usize,
    algorithm: &'a dyn SignatureVerificationAlgorithm,
}

impl SignatureVerificationAlgorithm for Metered<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        match self.meter.check(self.place, public_key, message, signature) {
            Some(true) => Ok(()),
            Some(false) | None => Err(InvalidSignature),
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }
}

/// The parts of a certificate (RFC 5280, 4.1).
struct Signed<'a> {
    message: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    fn read(certificate: &'a [u8]) -> Result<Self, NotDer> {
        match der::single(certificate)?
            .children_of(tag::SEQUENCE)?
            .as_slice()
        {
            [message, algorithm, signature] if algorithm.tag == tag::SEQUENCE => Ok(Self {
                message: message.whole,
                algorithm: algorithm.content,
                signature: whole_octets(signature)?,
            }),
            _ => Err(NotDer),
        }
    }
}

/// The parts of a SubjectPublicKeyInfo, whose outer tag and length were taken off.
struct PublicKey<'a> {
    algorithm: &'a [u8],
    octets: &'a [u8],
}

impl<'a> PublicKey<'a> {
    fn read(content: &'a [u8]) -> Result<Self, NotDer> {
        match der::elements(content)?.as_slice() {
            [algorithm, key] if algorithm.tag == tag::SEQUENCE => Ok(Self {
                algorithm: algorithm.content,
                octets: whole_octets(key)?,
            }),
            _ => Err(NotDer),
        }
    }
}

/// The octets of a bit string that has no unused bits.
fn whole_octets<'a>(element: &der::Element<'a>) -> Result<&'a [u8], NotDer> {
    match element.content {
        [0, octets @ ..] if element.tag == tag::BIT_STRING => Ok(octets),
        _ => Err(NotDer),
    }
}
