//! A bounded memory that many threads share and none waits for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError, TryLockError};

use crate::pki::fingerprint::Fingerprint;

const SHARDS: usize = 16;

/// Values by SHA-256, the oldest forgotten first. What another thread is just busy with counts as forgotten, so that
/// nobody waits.
#[derive(Debug)]
pub struct Cache<V> {
    shards: [Mutex<Shard<V>>; SHARDS],
    shard_max: usize,
}

#[derive(Debug)]
struct Shard<V> {
    values: HashMap<Fingerprint, V>,
    /// The keys of `values`, the oldest first.
    order: VecDeque<Fingerprint>,
}

impl<V: Clone> Cache<V> {
    /// A memory for about so many values; 0 remembers nothing.
    pub fn new(values_max: usize) -> Self {
        let shard = |_| {
            Mutex::new(Shard {
                values: HashMap::new(),
                order: VecDeque::new(),
            })
        };
        Self {
            shards: std::array::from_fn(shard),
            shard_max: values_max.div_ceil(SHARDS),
        }
    }

    /// The value of a key, where it is remembered.
    pub fn get(&self, key: &Fingerprint) -> Option<V> {
        self.with_shard(key, |shard| shard.values.get(key).cloned())?
    }

    /// Remembers a value, in place of the key's former one.
    pub fn put(&self, key: Fingerprint, value: V) {
        self.with_shard(&key, |shard| {
            if let Some(known) = shard.values.get_mut(&key) {
                *known = value;
                return;
            }
            if shard.order.len() >= self.shard_max
                && let Some(oldest) = shard.order.pop_front()
            {
                shard.values.remove(&oldest);
            }
            shard.order.push_back(key);
            shard.values.insert(key, value);
        });
    }

    fn with_shard<R>(
        &self,
        key: &Fingerprint,
        use_it: impl FnOnce(&mut Shard<V>) -> R,
    ) -> Option<R> {
        if self.shard_max == 0 {
            return None;
        }
        let [first, ..] = key.as_bytes();
        let shard = self.shards.get(usize::from(*first) % SHARDS)?;
        let mut shard = match shard.try_lock() {
            Ok(shard) => shard,
            Err(TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(use_it(&mut shard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> Fingerprint {
        Fingerprint::of(&number.to_be_bytes())
    }

    #[test]
    fn remembers_the_latest_and_never_more_than_it_may() {
        let cache = Cache::new(160);
        for number in 0..1_000 {
            cache.put(key(number), number);
            cache.put(key(number), number + 1);
            assert_eq!(cache.get(&key(number)), Some(number + 1));
        }
        let kept = (0..1_000).filter(|number| cache.get(&key(*number)).is_some());
        assert_eq!(kept.count(), 160);
    }

    #[test]
    fn remembers_nothing_where_it_may_hold_nothing() {
        let cache = Cache::new(0);
        cache.put(key(1), 1);
        assert_eq!(cache.get(&key(1)), None);
    }

    #[test]
    fn waits_for_nobody() {
        let cache = Cache::new(16);
        cache.put(key(1), 1);
        let held: Vec<_> = cache.shards.iter().map(|shard| shard.lock()).collect();
        assert_eq!(cache.get(&key(1)), None);
        cache.put(key(1), 2);
        drop(held);
        assert_eq!(cache.get(&key(1)), Some(1));
    }
}
