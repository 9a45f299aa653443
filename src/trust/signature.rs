//! Signatures: which algorithms count, and a meter that makes every check once and only so many of them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls_pki_types::SignatureVerificationAlgorithm;
use webpki::aws_lc_rs as algorithms;

use crate::flaw::{Flaw, planted};
use crate::pki::certificate::{Certificate, KeyAlgorithm, StatedKey};
use crate::pki::der::{self, NotDer, tag};
use crate::pki::fingerprint::Fingerprint;
use crate::pki::key_id;
use crate::trust::issuer::Issuer;
use crate::trust::limits::TrustLimits;
use crate::trust::proofs::Proofs;

/// The algorithms with which certificates may be signed: SHA-2 with RSA (2048 to 8192 bits, PKCS#1 v1.5 and PSS) or
/// ECDSA, and Ed25519. Nothing with SHA-1. The public exponent of an RSA key is odd and has 2 to 33 bits, as AWS-LC
/// demands.
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
/// Each check is done once: whoever asks again gets the first answer, and what an earlier judgement proved is known.
#[derive(Debug)]
pub struct Meter<'a> {
    algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    limits: TrustLimits,
    proofs: Option<&'a Proofs>,
    checks: Mutex<Vec<Check>>,
}

#[derive(Debug)]
struct Check {
    /// SHA-256 of what is signed, with its signature.
    signed: Fingerprint,
    /// SHA-256 of the key.
    key: Fingerprint,
    holds: bool,
}

impl<'a> Meter<'a> {
    /// A meter that has nothing spent yet.
    pub const fn new(
        algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
        limits: TrustLimits,
    ) -> Self {
        Self::knowing(algorithms, limits, None)
    }

    /// A meter that knows what earlier judgements proved.
    pub const fn knowing(
        algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
        limits: TrustLimits,
        proofs: Option<&'a Proofs>,
    ) -> Self {
        Self {
            algorithms,
            limits,
            proofs,
            checks: Mutex::new(Vec::new()),
        }
    }

    /// How many checks were made so far.
    pub fn spent(&self) -> usize {
        self.checks().len()
    }

    /// Whether no more checks can be made.
    pub fn is_exhausted(&self) -> bool {
        self.spent() >= self.checks_max()
    }

    /// The SHA-256 of the key that a certificate was proven to be signed with, now or in an earlier judgement.
    pub fn known_key(&self, child: &Certificate) -> Option<Fingerprint> {
        let signed = child.fingerprint();
        let proven = self
            .checks()
            .iter()
            .find(|check| check.holds && check.signed == signed)
            .map(|check| check.key);
        proven.or_else(|| self.proofs?.key_of(&signed))
    }

    /// The SHA-256 of each key with which the signature of a certificate was checked in this judgement.
    pub fn keys_tried(&self, child: &Certificate) -> Vec<Fingerprint> {
        let signed = child.fingerprint();
        let checks = self.checks();
        let of_child = checks.iter().filter(|check| check.signed == signed);
        of_child.map(|check| check.key).collect()
    }

    /// Whether `child` was signed with the key of `issuer`; names and everything else are not looked at.
    pub fn prove(&self, child: &Certificate, issuer: &Issuer) -> Proof {
        let facts = issuer.certificate.facts();
        if !is_key_accepted(&facts.key.algorithm, &self.limits) {
            return Proof::KeyNotAccepted;
        }
        let Ok(signed) = Signed::read(child.der()) else {
            return Proof::NotSigned;
        };
        let mut known = false;
        for algorithm in self.algorithms {
            if algorithm.signature_alg_id().as_ref() != signed.algorithm {
                continue;
            }
            known = true;
            if algorithm.public_key_alg_id().as_ref() != &*issuer.key.algorithm {
                continue;
            }
            let key = &issuer.key.octets;
            let check = || {
                algorithm
                    .verify_signature(key, signed.message, signed.signature)
                    .is_ok()
            };
            return match self.once(child.fingerprint(), facts.spki_sha256, check) {
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

    /// Whether a signature holds; `None` where the budget is used up. Which algorithm is used follows from what is signed
    /// and from the key, so that these two tell checks apart.
    fn once(
        &self,
        signed: Fingerprint,
        key: Fingerprint,
        check: impl FnOnce() -> bool,
    ) -> Option<bool> {
        let mut checks = self.checks();
        let known = checks
            .iter()
            .find(|check| check.signed == signed && check.key == key);
        if let Some(known) = known {
            return Some(known.holds);
        }
        if self
            .proofs
            .is_some_and(|proofs| proofs.key_of(&signed) == Some(key))
        {
            return Some(true);
        }
        if checks.len() >= self.checks_max() {
            return None;
        }
        let holds = check() || planted(Flaw::Signatures);
        checks.push(Check { signed, key, holds });
        Some(holds)
    }

    fn checks_max(&self) -> usize {
        usize::try_from(self.limits.signature_checks_max).unwrap_or(usize::MAX)
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

/// The parts of a certificate (RFC 5280, 4.1).
struct Signed<'a> {
    message: &'a [u8],
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Signed<'a> {
    fn read(whole: &'a [u8]) -> Result<Self, NotDer> {
        match der::single(whole)?.children_of(tag::SEQUENCE)?.as_slice() {
            [message, algorithm, signature] if algorithm.tag == tag::SEQUENCE => Ok(Self {
                message: message.whole,
                algorithm: algorithm.content,
                signature: der::whole_octets(signature)?,
            }),
            _ => Err(NotDer),
        }
    }
}

/// A public key, as signatures are checked with.
#[derive(Debug)]
pub struct PublicKey {
    /// The content of its AlgorithmIdentifier.
    algorithm: Box<[u8]>,
    octets: Box<[u8]>,
}

impl PublicKey {
    /// The subject's key of a certificate; `None` where it is not where RFC 5280, 4.1 has it.
    pub fn of(certificate: &Certificate) -> Option<Self> {
        let stated = StatedKey::read(certificate.der())?;
        // Both readers of certificates have to mean the same key.
        if Fingerprint::of(stated.whole) != certificate.facts().spki_sha256 {
            return None;
        }
        Some(Self {
            algorithm: stated.algorithm.into(),
            octets: stated.octets.into(),
        })
    }

    /// Whether a key identifier was derived from this key.
    pub fn has_id(&self, key_id: &[u8]) -> bool {
        key_id::is_derived(key_id, &self.algorithm, &self.octets)
    }
}
