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
        let mut admitted = self.admit_relayed()?;
        admitted.count_for(address).then_some(admitted)
    }

    /// Lets a connection in whose client is not known yet, where the process has room; it counts for no address.
    pub fn admit_relayed(self: &Arc<Self>) -> Option<Admitted> {
        if self.open.fetch_add(1, Ordering::Relaxed) >= self.connections_max {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Admitted {
            admission: Arc::clone(self),
            address: None,
        })
    }

    /// How many connections are open.
    pub fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    fn enter(&self, address: IpAddr) -> bool {
        let mut addresses = self.shard(address);
        let count = addresses.entry(address).or_insert(0);
        let room = *count < self.per_address_max;
        if room {
            *count = count.saturating_add(1);
        }
        room
    }

    fn leave(&self, address: IpAddr) {
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
    address: Option<IpAddr>,
}

impl Admitted {
    /// Counts the connection for `address` from now on. Whether that has room for one more: if not, the connection has to
    /// be closed.
    pub fn count_for(&mut self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let room = self.admission.enter(address);
        if room && let Some(before) = self.address.replace(address) {
            self.admission.leave(before);
        }
        room
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if let Some(address) = self.address {
            self.admission.leave(address);
        }
        self.admission.open.fetch_sub(1, Ordering::Relaxed);
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
    fn a_relayed_connection_counts_for_its_client_once_that_is_known() {
        let admission = admission(3, 1);
        let proxy: IpAddr = "10.0.0.5".parse().unwrap();
        let (a, b): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let mut first = admission.admit_relayed().unwrap();
        let mut second = admission.admit_relayed().unwrap();
        assert_eq!(admission.open(), 2);
        assert!(first.count_for(a));
        assert!(!second.count_for(a));
        assert!(second.count_for(b));
        assert!(admission.admit(proxy).is_some());
        let _third = admission.admit_relayed().unwrap();
        assert!(admission.admit_relayed().is_none());
        drop(first);
        assert!(admission.shard(a).get(&a).is_none());
        drop(second);
        assert_eq!(admission.open(), 1);
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
