//! Whom to ask: the anchors of one realm, or of all realms on a shared host.

use std::sync::Arc;

use crate::clock::Moment;
use crate::pki::fingerprint::Fingerprint;
use crate::trust::index::{Key, Slot};
use crate::trust::issuer::Issuer;
use crate::trust::limits::TrustLimits;
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

/// The most groups of owners of a shared host that are looked at for one key: those whose turn it is, where there are
/// more.
const GROUPS_MAX: usize = 1024;
/// The most groups that take turns.
const GROUPS_IN_TURN_MAX: usize = 8 * GROUPS_MAX;
/// The most owners of one group that are asked who pays.
const PAYERS_MAX: usize = 128;
/// The most issuers of one slot that are proposed, those within their validity first.
const ISSUERS_LOOKED_AT_MAX: usize = 256;
/// The most of them on a shared host.
const ISSUERS_PER_SLOT_MAX: usize = 8;

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
    ///
    /// The `attempt` is how many searches were in vain before: later ones begin where those ended.
    pub fn candidates(
        &self,
        key: Key,
        now: Moment,
        attempt: u32,
        limits: &TrustLimits,
    ) -> Box<dyn Iterator<Item = Candidate> + '_> {
        let attempt = usize::try_from(attempt).unwrap_or(usize::MAX);
        let step = |checks: u32| {
            let checks = usize::try_from(checks).unwrap_or(usize::MAX);
            attempt.saturating_mul(checks)
        };
        let past_issuers = step(limits.signature_checks_per_owner_max);
        let candidate = move |slot: &Slot, issuer: &Arc<Issuer>| Candidate {
            issuer: Arc::clone(issuer),
            key,
            slot: slot.id,
        };
        match *self {
            Self::Set(set) => {
                let of_slot = set.slot(&key).into_iter().flat_map(move |slot| {
                    in_order(slot, now, past_issuers).map(move |issuer| candidate(slot, issuer))
                });
                Box::new(of_slot)
            }
            Self::Shared(shared) => {
                let past_groups = if attempt == 0 {
                    0
                } else {
                    let groups = shared.groups(key).take(GROUPS_IN_TURN_MAX).count();
                    step(limits.signature_checks_max)
                        .checked_rem(groups)
                        .unwrap_or(0)
                };
                let in_turn = (0..ISSUERS_PER_SLOT_MAX).flat_map(move |turn| {
                    let groups = shared.groups(key).skip(past_groups);
                    let groups = groups.chain(shared.groups(key).take(past_groups));
                    groups.take(GROUPS_MAX).filter_map(move |slot| {
                        let issuer = in_order(slot, now, past_issuers).nth(turn)?;
                        Some(candidate(slot, issuer))
                    })
                });
                Box::new(in_turn)
            }
        }
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
                    .take(PAYERS_MAX);
                owners.into_iter().find(|owner| may_pay(owner)).cloned()
            }
        }
    }
}

/// The issuers of a slot, those before `past` at the end, and before all those that are within their validity.
fn in_order(slot: &Slot, now: Moment, past: usize) -> impl Iterator<Item = &Arc<Issuer>> {
    let past = past.checked_rem(slot.issuers.len()).unwrap_or(0);
    let looked_at = move || {
        let issuers = slot.issuers.iter();
        let later = issuers.clone().skip(past);
        later.chain(issuers.take(past)).take(ISSUERS_LOOKED_AT_MAX)
    };
    let is_valid = move |issuer: &Arc<Issuer>| issuer.certificate.facts().is_valid_at(now);
    let valid = looked_at().filter(move |issuer| is_valid(issuer));
    valid.chain(looked_at().filter(move |issuer| !is_valid(issuer)))
}
