//! What a realm asks of its clients beyond a chain to one of its anchors, in one environment.

use std::collections::{BTreeMap, BTreeSet};

use crate::pki::fingerprint::Fingerprint;

/// A realm's trust policy in one environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustPolicy {
    /// Where there are any, only clients with one of these are let in.
    pub pins: BTreeSet<Pin>,
    /// Revocation, for anchors that have no entry of their own.
    pub revocation: Revocation,
    /// Revocation, by the SHA-256 of the anchor.
    pub by_anchor: BTreeMap<Fingerprint, Revocation>,
    /// With what certificates may be signed.
    pub signatures: Signatures,
}

impl TrustPolicy {
    /// Revocation, for the clients of an anchor.
    pub fn of_anchor(&self, anchor: &Fingerprint) -> &Revocation {
        self.by_anchor.get(anchor).unwrap_or(&self.revocation)
    }
}

/// A client's certificate that is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pin {
    /// By the SHA-256 of the certificate.
    Certificate(Fingerprint),
    /// By the SHA-256 of its SubjectPublicKeyInfo, which outlives a renewal with the same key.
    Key(Fingerprint),
}

/// How revocation lists decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revocation {
    /// Which certificates of a path are looked up.
    pub scope: RevocationScope,
    /// What an out-of-date list is worth.
    pub out_of_date: OutOfDate,
}

/// Which certificates of a path are looked up in revocation lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationScope {
    /// None.
    #[default]
    Off,
    /// The client's own.
    Leaf,
    /// All but the anchor.
    Chain,
}

/// What a revocation list is worth after its nextUpdate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutOfDate {
    /// Nothing: the client is refused.
    #[default]
    Refuse,
    /// As much as before, for so many hours.
    AllowHours(u32),
    /// As much as before.
    Allow,
}

/// With what certificates may be signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signatures {
    /// SHA-2 with RSA, ECDSA or Ed25519, within the limits on key sizes.
    #[default]
    Modern,
    /// As modern, without RSA PKCS#1 v1.5 and without RSA keys under 3,072 bits.
    Strict,
}
