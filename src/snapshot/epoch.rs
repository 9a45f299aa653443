//! Epochs: how open connections learn that what they were let in on has changed.

use std::sync::Arc;

use tokio::sync::watch;

/// The trust epoch of a realm (or of a shared host) in one environment. The number grows with every change to whom it
/// lets in; clones of one epoch, in whichever snapshot they stand, share one signal.
#[derive(Clone, Debug)]
pub struct Epoch {
    number: u64,
    signal: Arc<watch::Sender<u64>>,
}

impl Epoch {
    /// The first epoch.
    pub fn first() -> Self {
        Self {
            number: 1,
            signal: Arc::new(watch::Sender::new(1)),
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
        let mut receiver = self.signal.subscribe();
        // Announced after the snapshot with this epoch was loaded, and before this: nobody has seen that yet.
        if *receiver.borrow_and_update() > self.number {
            receiver.mark_changed();
        }
        receiver
    }

    /// Wakes whoever watches, where this epoch is later than the last announced.
    pub fn announce(&self) {
        self.signal.send_if_modified(|announced| {
            let later = *announced < self.number;
            if later {
                *announced = self.number;
            }
            later
        });
    }

    /// Wakes whoever watches, for the last time: what the epoch belonged to is gone.
    pub fn announce_end(&self) {
        self.signal.send_replace(u64::MAX);
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
}
