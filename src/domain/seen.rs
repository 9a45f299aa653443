//! Clients that were seen: who came, by which anchor, when first and when last; what every change of trust is weighed by.

use std::net::IpAddr;

use crate::clock::Moment;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::pki::fingerprint::Fingerprint;

/// The most bytes of certificates that are kept of one client.
pub const CHAIN_BYTES_MAX: usize = 16 * 1024;

/// A client that a realm let in.
///
/// As a sighting it tells what was seen since the last one; in the store, what was seen in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenClient {
    /// Who let it in.
    pub realm: RealmName,
    /// Where.
    pub environment: Environment,
    /// SHA-256 of its certificate.
    pub fingerprint: Fingerprint,
    /// Its subject; empty where it is named in the alternative names only.
    pub subject: String,
    /// Its alternative names, the first of them.
    pub sans: Vec<String>,
    /// Its issuer.
    pub issuer: String,
    /// Its serial number, lower-case hexadecimal.
    pub serial: String,
    /// SHA-256 of its public key.
    pub spki_sha256: Fingerprint,
    /// The last second of its certificate's validity.
    pub not_after: Moment,
    /// SHA-256 of the trust anchor that vouched for it last.
    pub anchor: Fingerprint,
    /// That anchor's subject.
    pub anchor_subject: String,
    /// The account that brought the anchor.
    pub account: String,
    /// Its certificates as presented, DER, its own first.
    pub chain: Vec<Vec<u8>>,
    /// Whether it presented more than is kept ([`CHAIN_BYTES_MAX`]): it cannot be judged again by what is there.
    pub chain_cut: bool,
    /// When it was first seen.
    pub first: Moment,
    /// When it was last seen: a handshake, or a connection that was still open.
    pub last: Moment,
    /// How many handshakes it made, resumed ones among them.
    pub handshakes: u64,
    /// How many of them were full ones.
    pub full_handshakes: u64,
    /// Where it called from last.
    pub address: IpAddr,
    /// The version of TLS that it spoke last: `TLSv1.3` or `TLSv1.2`.
    pub tls: String,
    /// The protocol that it spoke last: `h2` or `http/1.1`.
    pub protocol: String,
}

impl SeenClient {
    /// What is known after a later sighting of the same client, whose words count where they differ.
    #[must_use]
    pub fn and_then(&self, later: Self) -> Self {
        Self {
            first: self.first.min(later.first),
            last: self.last.max(later.last),
            handshakes: self.handshakes.saturating_add(later.handshakes),
            full_handshakes: self.full_handshakes.saturating_add(later.full_handshakes),
            ..later
        }
    }
}

/// By what sightings of a client are told apart, within its realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeenKey {
    /// Where.
    pub environment: Environment,
    /// SHA-256 of the client's certificate.
    pub fingerprint: Fingerprint,
    /// SHA-256 of the trust anchor that vouches for it.
    pub anchor: Fingerprint,
}

/// How much use there is of a trust anchor in one environment of a realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchorUse {
    /// SHA-256 of the anchor.
    pub anchor: Fingerprint,
    /// How many full handshakes it vouched for.
    pub handshakes: u64,
    /// When the first client of it was seen.
    pub first: Moment,
    /// When the last one was.
    pub last: Moment,
}

/// How many clients are kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenLimits {
    /// The most clients of one realm; those that were not seen for longest go.
    pub per_realm_max: u64,
    /// After how many days without a sighting a client is forgotten.
    pub days: u32,
}

impl Default for SeenLimits {
    fn default() -> Self {
        Self {
            per_realm_max: 10_000,
            days: 400,
        }
    }
}
