//! Admission: how many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::gateway::limits::GatewayLimits;

const SHARDS: usize = 64;

/// Counts open connections. One per process.
pub struct Admission {
    open: AtomicU32,
    addresses: Vec<Mutex<HashMap<IpAddr, u32>>>,
    hasher: std::collections::hash_map::RandomState,
    connections_max: u32,
    per_address_max: u32,
}

impl Admission {
    /// Nobody is in yet.
    pub fn new(limits: &GatewayLimits) -> Self {
        Self {
            open: AtomicU32::new(0),
            addresses: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: std::collections::hash_map::RandomState::new(),
            connections_max: limits.connections_max,
            per_address_max: limits.connections_per_address_max,
        }
    }

    /// Lets a connection from `address` in, where the bounds allow; it counts until the answer is dropped.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Admitted> {
        if self.open.fetch_add(1, Ordering::Relaxed) >= self.connections_max {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let address = address.to_canonical();
        let admitted = {
            let mut addresses = self.shard(address);
            let count = addresses.entry(address).or_insert(0);
            let room = *count < self.per_address_max;
            if room {
                *count = count.saturating_add(1);
            }
            room
        };
        if admitted {
            return Some(Admitted {
                admission: Arc::clone(self),
                address,
            });
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
        None
    }

    /// How many connections are open.
    pub fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    fn leave(&self, address: IpAddr) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        if let Entry::Occupied(mut entry) = self.shard(address).entry(address) {
            let left = entry.get().saturating_sub(1);
            if left == 0 {
                entry.remove();
            } else {
                entry.insert(left);
            }
        }
    }

    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "the remainder is below the number of shards, which is not zero"
    )]
    fn shard(&self, address: IpAddr) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        let place = self.hasher.hash_one(address) as usize % SHARDS;
        self.addresses[place]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that counts as open until this is dropped.
pub struct Admitted {
    admission: Arc<Admission>,
    address: IpAddr,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.leave(self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(connections_max: u32, connections_per_address_max: u32) -> Arc<Admission> {
        let limits = GatewayLimits {
            connections_max,
            connections_per_address_max,
            ..GatewayLimits::default()
        };
        Arc::new(Admission::new(&limits))
    }

    #[test]
    fn an_address_gets_its_share_and_no_more() {
        let admission = admission(10, 2);
        let (a, mapped): (IpAddr, IpAddr) = (
            "10.0.0.1".parse().unwrap(),
            "::ffff:10.0.0.1".parse().unwrap(),
        );
        let first = admission.admit(a).unwrap();
        let _second = admission.admit(mapped).unwrap();
        assert!(admission.admit(a).is_none());
        assert!(admission.admit("10.0.0.2".parse().unwrap()).is_some());
        drop(first);
        assert!(admission.admit(a).is_some());
    }

    #[test]
    fn the_process_has_a_bound_of_its_own() {
        let admission = admission(1, 5);
        let only = admission.admit("10.0.0.1".parse().unwrap()).unwrap();
        assert!(admission.admit("10.0.0.2".parse().unwrap()).is_none());
        drop(only);
        assert_eq!(admission.open(), 0);
        assert!(admission.shard("10.0.0.1".parse().unwrap()).is_empty());
    }
}
