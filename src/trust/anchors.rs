//! Whom to ask: the anchors of one realm, or of all realms on a shared host.

use std::sync::Arc;

use crate::clock::Moment;
use crate::pki::fingerprint::Fingerprint;
use crate::trust::index::{Key, Slot};
use crate::trust::issuer::Issuer;
use crate::trust::set::TrustSet;
use crate::trust::shared::SharedTrust;

/// The anchors that a judgement is made by.
#[derive(Clone, Copy, Debug)]
pub enum Anchors<'a> {
    /// Those of one realm.
    Set(&'a TrustSet),
    /// Those of all realms of an environment.
    Shared(&'a SharedTrust),
}

impl<'a> From<&'a TrustSet> for Anchors<'a> {
    fn from(set: &'a TrustSet) -> Self {
        Self::Set(set)
    }
}

impl<'a> From<&'a Arc<TrustSet>> for Anchors<'a> {
    fn from(set: &'a Arc<TrustSet>) -> Self {
        Self::Set(set)
    }
}

impl<'a> From<&'a SharedTrust> for Anchors<'a> {
    fn from(shared: &'a SharedTrust) -> Self {
        Self::Shared(shared)
    }
}

impl<'a> From<&Self> for Anchors<'a> {
    fn from(anchors: &Self) -> Self {
        *anchors
    }
}

/// The most groups of owners of a shared host that are looked at for one key. More than the signature checks that one
/// judgement may make, so that it only ever bounds the search among owners who brought nothing new.
const GROUPS_MAX: usize = 128;
/// The most issuers of one slot that are looked at, of which a few reach a signature check.
const ISSUERS_LOOKED_AT_MAX: usize = 256;
/// The most issuers of one slot that are proposed.
const ISSUERS_PER_SLOT_MAX: usize = 8;
/// The most issuers that are proposed for one key.
const CANDIDATES_MAX: usize = 128;

/// An issuer that is worth a signature check, and where it was filed, to find out who pays for the check.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The issuer.
    pub issuer: Arc<Issuer>,
    /// The key under which it was found.
    pub key: Key,
    /// The slot in which it was found.
    pub slot: Fingerprint,
}

impl Anchors<'_> {
    /// The issuers that are filed under a key: the owners' first ones, then their second ones, and so on, so that
    /// nobody's come last because somebody else has many. Within a slot those within their validity come first.
    pub fn candidates(&self, key: Key, now: Moment) -> Vec<Candidate> {
        let rows: Vec<(Fingerprint, Vec<&Arc<Issuer>>)> = match self {
            Self::Set(set) => set
                .slot(&key)
                .into_iter()
                .map(|slot| (slot.id, best(slot, now)))
                .collect(),
            Self::Shared(shared) => shared
                .groups(key)
                .take(GROUPS_MAX)
                .map(|slot| (slot.id, best(slot, now)))
                .collect(),
        };
        let in_turn = (0..ISSUERS_PER_SLOT_MAX).flat_map(|turn| {
            rows.iter()
                .filter_map(move |(slot, issuers)| issuers.get(turn).map(|issuer| (*slot, *issuer)))
        });
        let candidates = in_turn.map(|(slot, issuer)| Candidate {
            issuer: Arc::clone(issuer),
            key,
            slot,
        });
        candidates.take(CANDIDATES_MAX).collect()
    }

    /// Whether the certificate with this SHA-256 is an anchor.
    pub fn has_anchor(&self, fingerprint: &Fingerprint) -> bool {
        match self {
            Self::Set(set) => set.has_anchor(fingerprint),
            Self::Shared(shared) => shared.has_anchor(fingerprint),
        }
    }

    /// Whether anything is filed under a key.
    pub fn has(&self, key: Key) -> bool {
        match self {
            Self::Set(set) => set.slot(&key).is_some(),
            Self::Shared(shared) => shared.has(key),
        }
    }

    /// The account that brought an anchor; empty where that depends on the realm.
    pub fn account(&self, fingerprint: &Fingerprint) -> Arc<str> {
        match self {
            Self::Set(set) => set
                .anchor(fingerprint)
                .map_or_else(|| Arc::from(""), |anchor| Arc::clone(&anchor.account)),
            Self::Shared(_) => Arc::from(""),
        }
    }

    /// The first owner of a candidate that `may_pay`; `None` where none does. One realm's set has one owner, without
    /// a name.
    pub fn payer(&self, candidate: &Candidate, may_pay: impl Fn(&str) -> bool) -> Option<Arc<str>> {
        match self {
            Self::Set(_) => may_pay("").then(|| Arc::from("")),
            Self::Shared(shared) => {
                // Few owners can be out of budget at a time, because the checks of one judgement are few.
                let owners = shared
                    .owners(candidate.key, candidate.slot)
                    .take(GROUPS_MAX);
                owners.into_iter().find(|owner| may_pay(owner)).cloned()
            }
        }
    }
}

fn best(slot: &Slot, now: Moment) -> Vec<&Arc<Issuer>> {
    let looked_at = || slot.issuers.iter().take(ISSUERS_LOOKED_AT_MAX);
    let is_valid = |issuer: &&Arc<Issuer>| issuer.certificate.facts().is_valid_at(now);
    let valid = looked_at().filter(is_valid);
    let other = looked_at().filter(|issuer| !is_valid(issuer));
    valid.chain(other).take(ISSUERS_PER_SLOT_MAX).collect()
}
