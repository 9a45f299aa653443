//! Revocation lists (RFC 5280, 5), decoded strictly.

use std::sync::Arc;

use crate::clock::Moment;
use crate::pki::distribution::IssuingDistributionPoint;
use crate::pki::fingerprint::Fingerprint;

/// A decoded revocation list. Cloning it is cheap; two are equal when their bytes are.
#[derive(Clone)]
pub struct Crl(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    fingerprint: Fingerprint,
    facts: CrlFacts,
}

/// What a revocation list says of itself. Texts are bounded and escaped (see [`crate::pki::printable`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlFacts {
    /// Issuer as RFC 4514 text.
    pub issuer: String,
    /// Issuer as the DER of its Name.
    pub raw_issuer: Vec<u8>,
    /// When it was issued.
    pub this_update: Moment,
    /// Until when the next one is to be expected. RFC 5280 demands it; a list without it is always out of date.
    pub next_update: Option<Moment>,
    /// Its number, big-endian without leading zeros; `None` where the list has none.
    pub number: Option<Vec<u8>>,
    /// Of a delta list: the number of the complete list that it adds to, big-endian without leading zeros.
    pub delta_base: Option<Vec<u8>>,
    /// Key identifier of the issuer.
    pub authority_key_id: Option<Vec<u8>>,
    /// What part of the certificates it speaks of; `None` means all of its issuer's.
    pub scope: Option<IssuingDistributionPoint>,
    /// Critical extensions of the list or of any of its entries that are not understood here, as dotted OIDs: such a
    /// list says nothing reliable (RFC 5280, 5.2 and 5.3).
    pub unknown_critical: Vec<String>,
    /// How the issuer signed, in OpenSSL's words (`ecdsa-with-SHA256`), else a dotted OID.
    pub signature_algorithm: String,
}

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedCertificate<'a> {
    /// Serial number, as the content octets of its DER INTEGER.
    pub raw_serial: &'a [u8],
    /// When it was revoked.
    pub revoked_at: Moment,
    /// reasonCode (RFC 5280, 5.3.1): 0 unspecified … 6 certificateHold, 8 removeFromCRL … 10 aACompromise.
    pub reason: Option<u8>,
    /// Whose certificate it is, as the DER of the Name: certificateIssuer of this entry or of the last one before it
    /// that had it, else the list's issuer (RFC 5280, 5.3.3).
    pub raw_issuer: &'a [u8],
}

impl Crl {
    /// What it says of itself.
    pub fn facts(&self) -> &CrlFacts {
        &self.0.facts
    }

    /// Its DER.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// SHA-256 of its DER.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }
}

impl PartialEq for Crl {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Crl {}

impl std::fmt::Debug for Crl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crl({}, {})", self.facts().issuer, self.fingerprint())
    }
}
