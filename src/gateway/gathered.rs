//! How much memory gathered request bodies take, in all and by realm.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::name::RealmName;
use crate::gateway::refusal::Refusal;

/// What all gathered bodies of the process share. Clones share it too. Only calls with a body take the lock, once for
/// each piece that arrives, and none across a wait.
#[derive(Clone, Debug, Default)]
pub struct Gathered(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    bytes: u64,
    by_realm: HashMap<RealmName, u64>,
}

/// What one body takes; given back when dropped.
#[derive(Debug)]
pub struct Share {
    gathered: Gathered,
    realm: RealmName,
    bytes_max: u64,
    bytes: u64,
}

impl Gathered {
    /// A share of `realm` in the `bytes_max` bytes that there are for all; one realm gets half of them at most.
    pub fn share(&self, realm: &RealmName, bytes_max: u64) -> Share {
        Share {
            gathered: self.clone(),
            realm: realm.clone(),
            bytes_max,
            bytes: 0,
        }
    }

    /// How many bytes are taken.
    pub fn bytes(&self) -> u64 {
        self.taken().bytes
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Takes as many bytes more.
    ///
    /// # Errors
    /// [`Refusal::Overload`] where there are no more, in all or for this realm.
    pub fn take(&mut self, bytes: usize) -> Result<(), Refusal> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if bytes == 0 {
            return Ok(());
        }
        let mut taken = self.gathered.taken();
        let in_all = taken.bytes.saturating_add(bytes);
        let of_realm = taken
            .by_realm
            .get(&self.realm)
            .map_or(bytes, |before| before.saturating_add(bytes));
        if in_all > self.bytes_max || of_realm > self.bytes_max / 2 {
            return Err(Refusal::Overload);
        }
        taken.bytes = in_all;
        taken.by_realm.insert(self.realm.clone(), of_realm);
        self.bytes = self.bytes.saturating_add(bytes);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut taken = self.gathered.taken();
        taken.bytes = taken.bytes.saturating_sub(self.bytes);
        if let Entry::Occupied(mut of_realm) = taken.by_realm.entry(self.realm.clone()) {
            let left = of_realm.get().saturating_sub(self.bytes);
            if left == 0 {
                of_realm.remove();
            } else {
                of_realm.insert(left);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::testing::realm;

    #[test]
    fn a_realm_gets_half_and_gives_it_back() {
        let gathered = Gathered::default();
        let mut acme = gathered.share(&realm("acme"), 100);
        let mut also_acme = gathered.share(&realm("acme"), 100);
        let mut globex = gathered.share(&realm("globex"), 100);
        acme.take(30).unwrap();
        also_acme.take(20).unwrap();
        assert!(matches!(also_acme.take(1), Err(Refusal::Overload)));
        globex.take(50).unwrap();
        let mut third = gathered.share(&realm("initech"), 100);
        assert!(matches!(third.take(1), Err(Refusal::Overload)));
        drop(acme);
        third.take(30).unwrap();
        drop((also_acme, globex, third));
        assert_eq!(gathered.bytes(), 0);
        assert!(gathered.taken().by_realm.is_empty());
    }
}
