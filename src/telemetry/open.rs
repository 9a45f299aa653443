//! The connections of clients that showed a certificate, as long as they are open: who they are, and when what let them
//! in ends by itself.
//!
//! A connection comes in and goes out once, and takes one of many locks for it; its calls take none. There are never
//! more entries than connections that the gateway admits.
//!
//! Ends are kept in order, so that looking for those that have come costs nothing where there are none. They are moments
//! of the wall clock, and are compared with it each time anew: neither a machine that slept nor a clock that was set puts
//! one off. Where the clock was set back, everybody is asked once, since some may not be valid yet.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::Moment;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::trust::judge::Verified;

/// How often ends are looked for.
pub const SWEEP_EVERY: Duration = Duration::from_millis(500);

/// How many realms are remembered as called on one connection of a shared host; beyond it the first is forgotten.
const CALLED_MAX: usize = 16;
const SHARDS: usize = 64;

/// The open connections of verified clients. One per process.
#[derive(Debug)]
pub struct OpenConnections {
    next: AtomicU64,
    open: AtomicUsize,
    /// When ends were last looked for.
    swept: AtomicI64,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    clients: HashMap<u64, Arc<OpenClient>>,
    /// Of the connections that have not come to their end.
    ends: BTreeSet<(Moment, u64)>,
}

/// One open connection.
#[derive(Debug)]
pub struct OpenClient {
    /// Its number, unlike that of any other connection of this process.
    pub id: u64,
    /// The realm whose own host it is on; `None` on the environment's shared host.
    pub realm: Option<RealmName>,
    /// The environment.
    pub environment: Environment,
    /// Where the client calls from.
    pub address: IpAddr,
    /// Since when it is open.
    pub since: Moment,
    /// `http/1.1` or `h2`.
    pub protocol: &'static str,
    /// The client, as verified in the handshake.
    pub verified: Arc<Verified>,
    called: Mutex<Vec<RealmName>>,
    due: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

/// What is known of a connection when it comes in.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As [`OpenClient::realm`].
    pub realm: Option<RealmName>,
    /// The environment.
    pub environment: Environment,
    /// Where the client calls from.
    pub address: IpAddr,
    /// The present moment.
    pub since: Moment,
    /// `http/1.1` or `h2`.
    pub protocol: &'static str,
    /// The client, as verified in the handshake.
    pub verified: Arc<Verified>,
}

impl Default for OpenConnections {
    fn default() -> Self {
        Self {
            next: AtomicU64::new(1),
            open: AtomicUsize::new(0),
            swept: AtomicI64::new(i64::MIN),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }
}

impl OpenConnections {
    /// Takes a connection in; it is out when the answer is dropped.
    pub fn enter(self: &Arc<Self>, entry: Entry) -> Registered {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let ends = entry.verified.ends();
        let client = Arc::new(OpenClient {
            id,
            realm: entry.realm,
            environment: entry.environment,
            address: entry.address,
            since: entry.since,
            protocol: entry.protocol,
            verified: entry.verified,
            called: Mutex::default(),
            due: AtomicBool::new(false),
            waker: Mutex::default(),
        });
        let mut shard = self.shard(id);
        shard.clients.insert(id, Arc::clone(&client));
        shard.ends.insert((ends, id));
        drop(shard);
        self.open.fetch_add(1, Ordering::Relaxed);
        Registered {
            open: Arc::clone(self),
            client,
            ends,
        }
    }

    /// The connections that a realm's trust is about: those on its own host, and those on the environment's shared one
    /// that called the realm.
    pub fn of_environment(
        &self,
        realm: &RealmName,
        environment: Environment,
    ) -> Vec<Arc<OpenClient>> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = lock(shard);
            let of_realm = |client: &&Arc<OpenClient>| {
                client.environment == environment
                    && match &client.realm {
                        Some(own) => own == realm,
                        None => client.has_called(realm),
                    }
            };
            found.extend(shard.clients.values().filter(of_realm).cloned());
        }
        found
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<OpenClient>> {
        let mut all = Vec::new();
        for shard in &self.shards {
            all.extend(lock(shard).clients.values().cloned());
        }
        all
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Wakes the connections whose end has come, and all of them where the clock was set back. Answers how many.
    pub fn sweep(&self, now: Moment) -> usize {
        let before = self.swept.swap(now.unix_millis(), Ordering::Relaxed);
        let set_back = now.unix_millis() < before;
        let mut woken = 0_usize;
        for shard in &self.shards {
            let due = if set_back {
                lock(shard).clients.values().cloned().collect()
            } else {
                lock(shard).take_due(now)
            };
            woken = woken.saturating_add(due.len());
            // Without the lock: connections that are woken take it.
            for client in due {
                client.ring();
            }
        }
        woken
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder lies below the array's length"
    )]
    fn shard(&self, id: u64) -> MutexGuard<'_, Shard> {
        let place = usize::try_from(id.rem_euclid(SHARDS as u64)).unwrap_or(0);
        lock(&self.shards[place])
    }
}

impl Shard {
    fn take_due(&mut self, now: Moment) -> Vec<Arc<OpenClient>> {
        let mut due = Vec::new();
        while let Some((_, id)) = self.ends.first().filter(|(end, _)| *end <= now).copied() {
            self.ends.pop_first();
            due.extend(self.clients.get(&id).cloned());
        }
        due
    }
}

impl OpenClient {
    /// Whether a realm was called on it.
    pub fn has_called(&self, realm: &RealmName) -> bool {
        lock(&self.called).contains(realm)
    }

    /// The realms that were called on it, on a shared host.
    pub fn called(&self) -> Vec<RealmName> {
        lock(&self.called).clone()
    }

    /// A realm is called on it. Only to be told when that is news: it takes a lock of this connection's own.
    pub fn calls(&self, realm: &RealmName) {
        let mut called = lock(&self.called);
        if called.contains(realm) {
            return;
        }
        if called.len() >= CALLED_MAX {
            called.remove(0);
        }
        called.push(realm.clone());
    }

    /// Ready once its end has come, as often as it comes.
    pub fn poll_due(&self, cx: &Context<'_>) -> Poll<()> {
        let mut waker = lock(&self.waker);
        if self.due.swap(false, Ordering::AcqRel) {
            return Poll::Ready(());
        }
        if !waker
            .as_ref()
            .is_some_and(|known| known.will_wake(cx.waker()))
        {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    fn ring(&self) {
        let waker = {
            let waker = lock(&self.waker);
            // With the lock, so that whoever looks sees either this or leaves whom to wake.
            self.due.store(true, Ordering::Release);
            waker.clone()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A place among the open connections, given up when dropped.
#[derive(Debug)]
pub struct Registered {
    open: Arc<OpenConnections>,
    client: Arc<OpenClient>,
    ends: Moment,
}

impl Registered {
    /// The connection.
    pub const fn client(&self) -> &Arc<OpenClient> {
        &self.client
    }

    /// What lets it in now ends at another moment: it is woken then.
    pub fn ends_at(&mut self, ends: Moment) {
        let mut shard = self.open.shard(self.client.id);
        shard.ends.remove(&(self.ends, self.client.id));
        shard.ends.insert((ends, self.client.id));
        self.ends = ends;
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let id = self.client.id;
        let mut shard = self.open.shard(id);
        shard.ends.remove(&(self.ends, id));
        let client = shard.clients.remove(&id);
        drop(shard);
        drop(client);
        self.open.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Each of these values is whole between any two statements, so what a panicking thread left behind is used on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
