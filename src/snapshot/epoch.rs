//! Epochs: how open connections learn that what they were let in on has changed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The trust epoch of a realm (or of a shared host) in one environment. The number grows with every change to whom it
/// lets in; clones of one epoch, in whichever snapshot they stand, share one signal.
#[derive(Clone, Debug)]
pub struct Epoch {
    number: u64,
    signal: Arc<Mutex<Signal>>,
}

/// What was announced last, and who is to be woken. The channel is made for the first who watches: most realms have no
/// connection most of the time.
#[derive(Debug)]
struct Signal {
    announced: u64,
    watched: Option<watch::Sender<u64>>,
}

impl Epoch {
    /// The first epoch.
    pub fn first() -> Self {
        Self {
            number: 1,
            signal: Arc::new(Mutex::new(Signal {
                announced: 1,
                watched: None,
            })),
        }
    }

    /// The epoch after this one. Nobody is told before [`Epoch::announce`].
    pub fn next(&self) -> Self {
        Self {
            number: self.number.saturating_add(1),
            signal: Arc::clone(&self.signal),
        }
    }

    /// Its number.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// A receiver that wakes when a later epoch is announced.
    pub fn watch(&self) -> watch::Receiver<u64> {
        let mut signal = self.signal();
        let announced = signal.announced;
        let watched = signal
            .watched
            .get_or_insert_with(|| watch::Sender::new(announced));
        let mut receiver = watched.subscribe();
        // Announced after the snapshot with this epoch was loaded, and before this: nobody has seen that yet.
        if announced > self.number {
            receiver.mark_changed();
        }
        receiver
    }

    /// Wakes whoever watches, where this epoch is later than the last announced.
    pub fn announce(&self) {
        let mut signal = self.signal();
        if signal.announced < self.number {
            signal.announce(self.number);
        }
    }

    /// Wakes whoever watches, for the last time: what the epoch belonged to is gone.
    pub fn announce_end(&self) {
        self.signal().announce(u64::MAX);
    }

    /// Nothing can panic while it is held, so a poisoned one is whole.
    fn signal(&self) -> MutexGuard<'_, Signal> {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signal {
    fn announce(&mut self, number: u64) {
        self.announced = number;
        if let Some(watched) = &self.watched {
            watched.send_replace(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_begins_to_watch_an_epoch_that_is_over_is_woken_at_once() {
        let first = Epoch::first();
        let seen_in_time = first.watch();
        let second = first.next();
        second.announce();
        assert!(seen_in_time.has_changed().unwrap());
        assert!(first.watch().has_changed().unwrap());
        assert!(!second.watch().has_changed().unwrap());
        second.announce_end();
        assert!(second.watch().has_changed().unwrap());
    }

    #[test]
    fn what_was_announced_to_nobody_is_known_to_who_watches_later() {
        let first = Epoch::first();
        let second = first.next();
        second.announce();
        assert!(first.watch().has_changed().unwrap());
        assert!(!second.watch().has_changed().unwrap());
        first.announce();
        assert!(!second.watch().has_changed().unwrap());
        second.announce_end();
        assert!(second.watch().has_changed().unwrap());
    }
}
