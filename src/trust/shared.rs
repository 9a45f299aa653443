//! What a shared host accepts: the trust anchors of all realms of an environment.

use std::cmp::Ordering;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::pki::fingerprint::Fingerprint;
use crate::trust::index::{Key, Slot};
use crate::trust::set::TrustSet;

/// The union of the trust sets of many owners (realms). Cloning it is cheap, and so is changing one owner's part.
///
/// Owners that brought the very same issuers for a key lie side by side and are seen as one, so that a CA that a
/// thousand realms trust is tried once. Where an anchor is filed by itself ([`Key::anchor`]), owners lie side by side
/// who demand the same of its clients, so that each policy is asked once (see [`crate::trust::demands`]).
#[derive(Clone, Debug, Default)]
pub struct SharedTrust {
    filed: OrdSet<Filed>,
    owners: OrdMap<Arc<str>, Arc<TrustSet>>,
}

/// What one owner has filed under one key. There are some for each realm's anchor, so the slot's id is not held beside it.
#[derive(Clone, Debug)]
struct Filed {
    key: Key,
    slot: Arc<Slot>,
    owner: Arc<str>,
}

impl Filed {
    /// Where what is filed under a key begins: from the slot with this id on.
    fn beginning(key: Key, id: Fingerprint) -> Self {
        let issuers = Box::default();
        Self {
            key,
            slot: Arc::new(Slot { id, issuers }),
            owner: Arc::from(""),
        }
    }

    fn place(&self) -> (&Key, &Fingerprint, &str) {
        (&self.key, &self.slot.id, &self.owner)
    }
}

impl Ord for Filed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Filed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Filed {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Filed {}

impl SharedTrust {
    /// The union in which `owner` has `after` in place of `before`. Costs O(anchors of that owner), whatever the
    /// others have.
    #[must_use]
    pub fn with(
        &self,
        owner: &Arc<str>,
        before: Option<&Arc<TrustSet>>,
        after: Option<&Arc<TrustSet>>,
    ) -> Self {
        let mut changed = self.clone();
        changed.put(owner, before, after);
        changed
    }

    /// Puts `after` in the place of `before`, as [`SharedTrust::with`] does, in this very union.
    pub fn put(
        &mut self,
        owner: &Arc<str>,
        before: Option<&Arc<TrustSet>>,
        after: Option<&Arc<TrustSet>>,
    ) {
        let filed = |key: &Key, slot: &Arc<Slot>| Filed {
            key: *key,
            slot: Arc::clone(slot),
            owner: Arc::clone(owner),
        };
        for (key, slot) in before.iter().flat_map(|set| set.slots()) {
            self.filed.remove(&filed(key, slot));
        }
        for (key, slot) in after.iter().flat_map(|set| set.slots()) {
            self.filed.insert(filed(key, slot));
        }
        match after {
            Some(set) => self.owners.insert(Arc::clone(owner), Arc::clone(set)),
            None => self.owners.remove(owner),
        };
    }

    /// Whether nobody has an anchor here.
    pub fn is_empty(&self) -> bool {
        self.filed.is_empty()
    }

    /// Whether anybody has something filed under a key.
    pub fn has(&self, key: Key) -> bool {
        self.groups(key).next().is_some()
    }

    /// Whether the certificate with this SHA-256 is an anchor of any owner.
    pub fn has_anchor(&self, fingerprint: &Fingerprint) -> bool {
        self.has(Key::anchor(fingerprint))
    }

    /// Whether an owner of this anchor demands just this of its clients.
    pub fn has_rulebook(&self, anchor: &Fingerprint, rulebook: Fingerprint) -> bool {
        self.owners(Key::anchor(anchor), rulebook).next().is_some()
    }

    /// The trust set of the first owner of one group.
    pub fn first_owner(&self, key: Key, slot: Fingerprint) -> Option<&Arc<TrustSet>> {
        self.owners.get(self.owners(key, slot).next()?)
    }

    /// Some of the owners of an anchor, `max` at most.
    pub fn owners_of_anchor(&self, fingerprint: &Fingerprint, max: usize) -> Vec<Arc<str>> {
        let key = Key::anchor(fingerprint);
        let owners = self.groups(key).flat_map(|slot| self.owners(key, slot.id));
        owners.take(max).cloned().collect()
    }

    /// What is filed under a key: once for all owners with the same contents.
    pub fn groups(&self, key: Key) -> impl Iterator<Item = &Arc<Slot>> {
        let mut next = Some(Fingerprint::from_bytes([0; 32]));
        std::iter::from_fn(move || {
            let from = Filed::beginning(key, next.take()?);
            let first = self.filed.range(from..).next()?;
            if first.key != key {
                return None;
            }
            next = successor(&first.slot.id);
            Some(&first.slot)
        })
    }

    /// The owners of one group, in order.
    pub fn owners(&self, key: Key, slot: Fingerprint) -> impl Iterator<Item = &Arc<str>> {
        let from = Filed::beginning(key, slot);
        self.filed
            .range(from..)
            .take_while(move |filed| filed.key == key && filed.slot.id == slot)
            .map(|filed| &filed.owner)
    }
}

/// The next fingerprint in their order.
fn successor(fingerprint: &Fingerprint) -> Option<Fingerprint> {
    let mut bytes = *fingerprint.as_bytes();
    for byte in bytes.iter_mut().rev() {
        match byte.checked_add(1) {
            Some(more) => {
                *byte = more;
                return Some(Fingerprint::from_bytes(bytes));
            }
            None => *byte = 0,
        }
    }
    None
}
