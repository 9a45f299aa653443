//! Process-wide counters of the data plane, bumped without a lock and read whenever somebody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::trust::reason::Reason;

const REASONS: usize = Reason::ALL.len();

/// How two sides came to trust each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// By their certificates.
    Full,
    /// By a session of theirs that they resumed.
    Resumed,
}

/// The counters. Each only ever grows, but for the connections that are open now.
#[derive(Debug)]
pub struct Counters {
    connections_accepted: AtomicU64,
    connections_open: AtomicU64,
    connections_cut: AtomicU64,
    handshakes_completed: AtomicU64,
    handshakes_resumed: AtomicU64,
    refused: [AtomicU64; REASONS],
    panics_caught: AtomicU64,
    access_records_dropped: AtomicU64,
}

/// The counters as they stood at one time; each is exact, but they are not read at the same instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountersSnapshot {
    /// Connections accepted since the start.
    pub connections_accepted: u64,
    /// Connections open now.
    pub connections_open: u64,
    /// Connections cut because what they were let in on is gone.
    pub connections_cut: u64,
    /// Handshakes that were completed since the start.
    pub handshakes_completed: u64,
    /// How many of them resumed a session.
    pub handshakes_resumed: u64,
    /// Refused handshakes and calls since the start, for each reason in the order of [`Reason::ALL`].
    pub refused: Vec<(Reason, u64)>,
    /// Panics that were caught; each cost one connection.
    pub panics_caught: u64,
    /// Access records that were lost because they could not be written fast enough, or at all.
    pub access_records_dropped: u64,
}

impl Counters {
    /// All counters at zero.
    pub fn new() -> Self {
        Self {
            connections_accepted: AtomicU64::new(0),
            connections_open: AtomicU64::new(0),
            connections_cut: AtomicU64::new(0),
            handshakes_completed: AtomicU64::new(0),
            handshakes_resumed: AtomicU64::new(0),
            refused: std::array::from_fn(|_| AtomicU64::new(0)),
            panics_caught: AtomicU64::new(0),
            access_records_dropped: AtomicU64::new(0),
        }
    }

    /// Counts an accepted connection, which is open until what is returned here is dropped.
    pub fn connection_accepted(self: &Arc<Self>) -> OpenConnection {
        add(&self.connections_accepted, 1);
        add(&self.connections_open, 1);
        OpenConnection(Arc::clone(self))
    }

    /// Counts a connection that was cut because what it was let in on is gone.
    pub fn connection_cut(&self) {
        add(&self.connections_cut, 1);
    }

    /// Counts a completed handshake.
    pub fn handshake_completed(&self, handshake: Handshake) {
        add(&self.handshakes_completed, 1);
        if handshake == Handshake::Resumed {
            add(&self.handshakes_resumed, 1);
        }
    }

    /// Counts a refused handshake or call.
    pub fn refused(&self, reason: Reason) {
        if let Some(counter) = self.refused.get(reason as usize) {
            add(counter, 1);
        }
    }

    /// Counts a panic that was caught.
    pub fn panic_caught(&self) {
        add(&self.panics_caught, 1);
    }

    /// Counts access records that were lost.
    pub fn access_records_dropped(&self, records: u64) {
        add(&self.access_records_dropped, records);
    }

    /// All counters as they stand.
    pub fn snapshot(&self) -> CountersSnapshot {
        let refused = Reason::ALL.into_iter().zip(self.refused.iter().map(read));
        CountersSnapshot {
            connections_accepted: read(&self.connections_accepted),
            connections_open: read(&self.connections_open),
            connections_cut: read(&self.connections_cut),
            handshakes_completed: read(&self.handshakes_completed),
            handshakes_resumed: read(&self.handshakes_resumed),
            refused: refused.collect(),
            panics_caught: read(&self.panics_caught),
            access_records_dropped: read(&self.access_records_dropped),
        }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

/// Stands for one open connection; dropping it counts the connection as closed, also where a panic unwinds.
#[derive(Debug)]
#[must_use = "the connection counts as closed once this is dropped"]
pub struct OpenConnection(Arc<Counters>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections_open.fetch_sub(1, Ordering::Relaxed);
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_counter_of_its_own() {
        let counters = Counters::new();
        for (position, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, position, "{reason}");
            for _ in 0..=position {
                counters.refused(reason);
            }
        }
        let expected: Vec<_> = Reason::ALL.into_iter().zip(1..).collect();
        assert_eq!(counters.snapshot().refused, expected);
    }

    #[test]
    fn a_connection_is_open_until_its_guard_is_dropped_even_by_a_panic() {
        let counters = Arc::new(Counters::new());
        let first = counters.connection_accepted();
        let inner = Arc::clone(&counters);
        let panicked = std::thread::spawn(move || {
            let _open = inner.connection_accepted();
            panic!("a connection's task fails");
        });
        assert!(panicked.join().is_err());
        let seen = counters.snapshot();
        assert_eq!((seen.connections_accepted, seen.connections_open), (2, 1));
        drop(first);
        assert_eq!(counters.snapshot().connections_open, 0);
    }

    #[test]
    fn counts_what_it_is_told() {
        let counters = Counters::default();
        counters.connection_cut();
        counters.handshake_completed(Handshake::Full);
        counters.handshake_completed(Handshake::Resumed);
        counters.panic_caught();
        counters.access_records_dropped(7);
        let seen = counters.snapshot();
        let told = [
            seen.connections_cut,
            seen.handshakes_completed,
            seen.handshakes_resumed,
            seen.panics_caught,
            seen.access_records_dropped,
        ];
        assert_eq!(told, [1, 2, 1, 1, 7]);
    }
}
