//! What earlier judgements leave to later ones: which key signed a certificate, and how often a search was in vain.

use crate::pki::fingerprint::Fingerprint;
use crate::trust::cache::Cache;

/// Facts about certificates, whoever trusts them: a signature that held once always does.
#[derive(Debug)]
pub struct Proofs {
    keys: Cache<Fingerprint>,
    /// Kept apart: everybody can have a search end in vain, only trusted clients have anything proven.
    attempts: Cache<u32>,
}

impl Proofs {
    /// A memory for about so many certificates; 0 remembers nothing.
    pub fn new(certificates_max: usize) -> Self {
        Self {
            keys: Cache::new(certificates_max),
            attempts: Cache::new(certificates_max),
        }
    }

    /// The SHA-256 of the SubjectPublicKeyInfo whose key signed the certificate with this SHA-256.
    pub fn key_of(&self, certificate: &Fingerprint) -> Option<Fingerprint> {
        self.keys.get(certificate)
    }

    /// Remembers which key signed a certificate.
    pub fn learn(&self, certificate: Fingerprint, key: Fingerprint) {
        if self.key_of(&certificate) != Some(key) {
            self.keys.put(certificate, key);
        }
    }

    /// How many searches for the issuer of this client's certificate ended for want of signature checks.
    pub fn attempts(&self, leaf: &Fingerprint) -> u32 {
        self.attempts.get(leaf).unwrap_or(0)
    }

    /// Remembers how many did.
    pub fn set_attempts(&self, leaf: Fingerprint, attempts: u32) {
        if self.attempts(&leaf) != attempts {
            self.attempts.put(leaf, attempts);
        }
    }
}
