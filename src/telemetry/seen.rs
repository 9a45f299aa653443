//! Clients that were let in: what the data plane tells of them, until `control` stores it.
//!
//! A client is told of at each handshake, and only counted where it was told of already. Each realm has a bounded number
//! of clients of its own here; those beyond it go unseen, and are counted. The reserved realm's are not kept.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Moment;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::seen::{CHAIN_BYTES_MAX, SeenKey};
use crate::telemetry::counters::Handshake;
use crate::trust::judge::Verified;

const SHARDS: usize = 16;

/// How much waits at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientsSeenLimits {
    /// Clients that wait per realm.
    pub pending_per_realm: usize,
    /// Clients that wait in all. Beyond it a realm keeps [`ClientsSeenLimits::pending_crowded`] only.
    pub pending_total: usize,
    /// Clients that wait per realm while too many wait in all.
    pub pending_crowded: usize,
}

impl Default for ClientsSeenLimits {
    fn default() -> Self {
        Self {
            pending_per_realm: 4096,
            pending_total: 8192,
            pending_crowded: 16,
        }
    }
}

/// What the data plane saw of a client.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// When.
    pub at: Moment,
    /// Who let it in.
    pub realm: &'a RealmName,
    /// Where.
    pub environment: Environment,
    /// The client, as that realm verified it.
    pub verified: &'a Verified,
    /// The handshake that it just made; `None` where it made none, but is there still.
    pub handshake: Option<Handshake>,
    /// Where it calls from.
    pub address: IpAddr,
    /// `TLSv1.3` or `TLSv1.2`.
    pub tls: &'static str,
    /// As ALPN names it.
    pub protocol: &'static str,
}

/// What was seen of a client since the last time.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// Who let it in.
    pub realm: RealmName,
    /// Where.
    pub environment: Environment,
    /// The client; its chain cut down to [`CHAIN_BYTES_MAX`].
    pub verified: Verified,
    /// Whether the chain was cut down.
    pub chain_cut: bool,
    /// How many handshakes it made.
    pub handshakes: u64,
    /// How many of them were full ones.
    pub full_handshakes: u64,
    /// When it was first seen.
    pub first: Moment,
    /// When it was last seen.
    pub last: Moment,
    /// Where it called from last.
    pub address: IpAddr,
    /// `TLSv1.3` or `TLSv1.2`.
    pub tls: &'static str,
    /// As ALPN names it.
    pub protocol: &'static str,
}

/// Takes what the data plane sees of clients, and keeps it until it is drained.
#[derive(Debug)]
pub struct ClientsSeen {
    limits: ClientsSeenLimits,
    hasher: RandomState,
    waiting: AtomicUsize,
    unseen: AtomicU64,
    shards: [Mutex<Shard>; SHARDS],
}

/// The clients that wait, of the realms whose hash falls here.
type Shard = HashMap<RealmName, HashMap<SeenKey, Sighting>>;

impl ClientsSeen {
    /// Nobody was seen yet.
    pub fn new(limits: ClientsSeenLimits) -> Self {
        Self {
            limits,
            hasher: RandomState::new(),
            waiting: AtomicUsize::new(0),
            unseen: AtomicU64::new(0),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Takes a sighting. Never waits longer than it takes to count it.
    pub fn saw(&self, seen: Seen<'_>) {
        if seen.realm.is_reserved() {
            return;
        }
        let identity = &seen.verified.identity;
        let key = SeenKey {
            environment: seen.environment,
            fingerprint: identity.fingerprint,
            anchor: identity.anchor,
        };
        let crowded = self.waiting() >= self.limits.pending_total;
        let mut shard = lock(self.shard(seen.realm));
        let clients = match shard.get_mut(seen.realm) {
            Some(clients) => clients,
            None => shard.entry(seen.realm.clone()).or_default(),
        };
        let room = if crowded {
            self.limits.pending_crowded
        } else {
            self.limits.pending_per_realm
        };
        let has_room = clients.len() < room;
        match clients.entry(key) {
            Entry::Occupied(entry) => entry.into_mut().again(&seen),
            Entry::Vacant(entry) if has_room => {
                entry.insert(Sighting::of(&seen));
                self.waiting.fetch_add(1, Ordering::Relaxed);
            }
            Entry::Vacant(_) => {
                self.unseen.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Takes out everything that waits, the earliest sightings first.
    pub fn drain(&self) -> Vec<Sighting> {
        let mut drained: Vec<Sighting> = Vec::new();
        for shard in &self.shards {
            let taken = std::mem::take(&mut *lock(shard));
            for clients in taken.into_values() {
                self.waiting.fetch_sub(clients.len(), Ordering::Relaxed);
                drained.extend(clients.into_values());
            }
        }
        drained.sort_by_key(|sighting| sighting.last);
        drained
    }

    /// How many clients wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many sightings there was no room for, since this was last asked.
    pub fn take_unseen(&self) -> u64 {
        self.unseen.swap(0, Ordering::Relaxed)
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder lies below the array's length"
    )]
    fn shard(&self, realm: &RealmName) -> &Mutex<Shard> {
        let hash = self.hasher.hash_one(realm).rem_euclid(SHARDS as u64);
        &self.shards[usize::try_from(hash).unwrap_or(0)]
    }
}

impl Default for ClientsSeen {
    fn default() -> Self {
        Self::new(ClientsSeenLimits::default())
    }
}

impl Sighting {
    fn of(seen: &Seen<'_>) -> Self {
        let (verified, chain_cut) = bounded(seen.verified);
        let mut sighting = Self {
            realm: seen.realm.clone(),
            environment: seen.environment,
            verified,
            chain_cut,
            handshakes: 0,
            full_handshakes: 0,
            first: seen.at,
            last: seen.at,
            address: seen.address,
            tls: seen.tls,
            protocol: seen.protocol,
        };
        sighting.again(seen);
        sighting
    }

    fn again(&mut self, seen: &Seen<'_>) {
        if let Some(handshake) = seen.handshake {
            self.handshakes = self.handshakes.saturating_add(1);
            if handshake == Handshake::Full {
                self.full_handshakes = self.full_handshakes.saturating_add(1);
            }
        }
        self.first = self.first.min(seen.at);
        self.last = self.last.max(seen.at);
        self.address = seen.address;
        self.tls = seen.tls;
        self.protocol = seen.protocol;
    }
}

/// The client, with its certificates as presented where they are no more than [`CHAIN_BYTES_MAX`], else its own only.
fn bounded(verified: &Verified) -> (Verified, bool) {
    let bytes: usize = verified.chain.iter().map(|der| der.len()).sum();
    let mut bounded = verified.clone();
    let chain_cut = bytes > CHAIN_BYTES_MAX;
    if chain_cut {
        bounded.chain = verified.chain.iter().take(1).cloned().collect();
        bounded.intermediates = std::iter::empty().collect();
    }
    (bounded, chain_cut)
}

/// A shard is whole between any two statements, so what a panicking thread left behind is used on.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::pki::authority::{Authority, AuthorityRequest, ClientRequest};
    use crate::pki::key::KeyChoice;
    use crate::trust::judge;
    use crate::trust::limits::TrustLimits;
    use crate::trust::set::{TrustSet, TrustSource};

    const HOUR: Duration = Duration::from_secs(3600);

    fn now() -> Moment {
        Moment::from_unix_seconds(1_900_000_000)
    }

    /// So many clients of one CA; each presents `beside` more copies of it.
    fn clients(count: usize, beside: usize) -> Vec<Verified> {
        let ca = Authority::self_signed(&AuthorityRequest {
            common_name: "Root".to_owned(),
            organization: None,
            not_before: now().minus(HOUR),
            not_after: now().plus(HOUR),
            path_length: None,
            key: KeyChoice::EcP256,
        })
        .unwrap();
        let set = TrustSet::build(TrustSource {
            anchors: vec![(ca.certificate.clone(), "dgb-mtls-a".into())],
            ..TrustSource::default()
        })
        .unwrap();
        let limits = TrustLimits {
            chain_certificates_max: 100,
            ..TrustLimits::default()
        };
        let client = |number| {
            let leaf = ca.issue_client(&ClientRequest {
                common_name: format!("client-{number}"),
                organization: None,
                sans: Vec::new(),
                not_before: now().minus(HOUR),
                not_after: now().plus(HOUR),
                key: KeyChoice::EcP256,
            });
            let mut chain = vec![leaf.unwrap().certificate.der().to_vec().into()];
            chain.extend((0..beside).map(|_| ca.certificate.der().to_vec().into()));
            judge::judge(&set, &chain, now(), &limits).unwrap()
        };
        (0..count).map(client).collect()
    }

    fn saw(table: &ClientsSeen, of: &str, verified: &Verified, handshake: Option<Handshake>) {
        table.saw(Seen {
            at: now(),
            realm: &RealmName::parse(of).unwrap(),
            environment: Environment::Prod,
            verified,
            handshake,
            address: "192.0.2.1".parse().unwrap(),
            tls: "TLSv1.3",
            protocol: "h2",
        });
    }

    #[test]
    fn a_client_that_comes_again_is_counted_and_handed_out_once() {
        let (table, clients) = (ClientsSeen::default(), clients(2, 0));
        for handshake in [Some(Handshake::Full), Some(Handshake::Resumed), None] {
            saw(&table, "acme", &clients[0], handshake);
        }
        saw(&table, "acme", &clients[1], Some(Handshake::Full));
        saw(&table, "globex", &clients[0], None);
        assert_eq!(table.waiting(), 3);
        let mut told: Vec<_> = table
            .drain()
            .into_iter()
            .map(|one| {
                (
                    one.realm.to_string(),
                    one.verified.identity.subject.clone(),
                    one.handshakes,
                    one.full_handshakes,
                )
            })
            .collect();
        told.sort_unstable();
        let expect = [
            ("acme", "CN=client-0", 2, 1),
            ("acme", "CN=client-1", 1, 1),
            ("globex", "CN=client-0", 0, 0),
        ];
        assert_eq!(
            told,
            expect.map(|(realm, subject, all, full)| (realm.into(), subject.into(), all, full))
        );
        assert!(table.drain().is_empty());
        assert_eq!(table.waiting(), 0);
    }

    #[test]
    fn one_realms_crowd_leaves_room_for_the_others_and_is_counted() {
        let table = ClientsSeen::new(ClientsSeenLimits {
            pending_per_realm: 4,
            pending_total: 5,
            pending_crowded: 1,
        });
        let clients = clients(6, 0);
        for client in &clients {
            saw(&table, "acme", client, Some(Handshake::Full));
        }
        for realm in ["globex", "initech"] {
            saw(&table, realm, &clients[0], Some(Handshake::Full));
            saw(&table, realm, &clients[0], Some(Handshake::Full));
        }
        saw(&table, "initech", &clients[1], Some(Handshake::Full));
        let drained = table.drain();
        let of = |realm: &str| {
            let of = drained.iter().filter(|one| one.realm.as_str() == realm);
            of.map(|one| one.handshakes).collect::<Vec<_>>()
        };
        assert_eq!(of("acme"), [1, 1, 1, 1]);
        assert_eq!((of("globex"), of("initech")), (vec![2], vec![2]));
        assert_eq!((table.take_unseen(), table.take_unseen()), (3, 0));
    }

    #[test]
    fn of_a_chain_that_is_too_long_the_clients_own_certificate_is_kept() {
        let table = ClientsSeen::default();
        let (short, long) = (clients(1, 3), clients(1, 50));
        saw(&table, "acme", &short[0], None);
        saw(&table, "globex", &long[0], None);
        for one in table.drain() {
            let is_long = one.realm.as_str() == "globex";
            assert_eq!(one.chain_cut, is_long);
            assert_eq!(one.verified.chain.len(), if is_long { 1 } else { 4 });
        }
    }

    #[test]
    fn the_reserved_realms_clients_are_not_kept() {
        let table = ClientsSeen::default();
        table.saw(Seen {
            at: now(),
            realm: &RealmName::reserved(),
            environment: Environment::Prod,
            verified: &clients(1, 0)[0],
            handshake: None,
            address: "192.0.2.1".parse().unwrap(),
            tls: "TLSv1.3",
            protocol: "h2",
        });
        assert_eq!((table.waiting(), table.drain().len()), (0, 0));
    }
}
