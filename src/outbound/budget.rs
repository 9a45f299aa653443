//! How many connections are open, in all and to each target, and who waits for one.
//!
//! Only making and closing connections comes here, so one lock for all workers does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::outbound::error::Bound;
use crate::outbound::limits::OutboundLimits;

/// The count of all open connections.
#[derive(Debug)]
pub struct Budget {
    limits: OutboundLimits,
    counts: Mutex<Counts>,
    waiting: AtomicUsize,
    room: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    open: usize,
    gates: HashMap<u64, Arc<Gate>>,
}

/// What calls to one target wait at. Kept as long as connections to it are open or calls wait.
#[derive(Debug)]
pub struct Gate {
    target: u64,
    open: AtomicUsize,
    waiting: AtomicUsize,
    freed: Notify,
    budget: Arc<Budget>,
}

/// The right to have one connection open; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    gate: Arc<Gate>,
}

/// A call's place among those that wait for a connection to one target; given up when dropped.
#[derive(Debug)]
pub struct Turn {
    gate: Arc<Gate>,
}

impl Budget {
    /// Nothing is open yet.
    pub fn new(limits: OutboundLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            counts: Mutex::default(),
            waiting: AtomicUsize::new(0),
            room: Notify::new(),
        })
    }

    /// How many connections are open, those that are being made or closed included.
    pub fn open(&self) -> usize {
        self.counts().open
    }

    /// Takes the right to one more connection to `target`.
    ///
    /// # Errors
    /// [`Bound`]: the one that stands against it.
    pub fn reserve(self: &Arc<Self>, target: u64) -> Result<Slot, Bound> {
        let mut counts = self.counts();
        if counts.open >= self.limits.connections_max {
            return Err(Bound::Process {
                connections_max: self.limits.connections_max,
            });
        }
        let gate = self.gate(&mut counts, target);
        let connections_max = self.limits.connections_per_target_max;
        if gate.open.load(Ordering::Relaxed) >= connections_max {
            return Err(Bound::Target { connections_max });
        }
        gate.open.fetch_add(1, Ordering::Relaxed);
        counts.open = counts.open.saturating_add(1);
        Ok(Slot { gate })
    }

    /// Takes a place among those that wait.
    ///
    /// # Errors
    /// [`Bound::Waiting`] where too many wait already.
    pub fn wait(self: &Arc<Self>, target: u64) -> Result<Turn, Bound> {
        let calls_max = self.limits.waiting_calls_max;
        let mut counts = self.counts();
        if self.waiting.load(Ordering::Relaxed) >= calls_max {
            return Err(Bound::Waiting { calls_max });
        }
        let gate = self.gate(&mut counts, target);
        self.waiting.fetch_add(1, Ordering::SeqCst);
        gate.waiting.fetch_add(1, Ordering::SeqCst);
        Ok(Turn { gate })
    }

    fn gate(self: &Arc<Self>, counts: &mut Counts, target: u64) -> Arc<Gate> {
        let gate = counts.gates.entry(target).or_insert_with(|| {
            Arc::new(Gate {
                target,
                open: AtomicUsize::new(0),
                waiting: AtomicUsize::new(0),
                freed: Notify::new(),
                budget: Arc::clone(self),
            })
        });
        Arc::clone(gate)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Nothing panics while it is held; if something did, the counts would still be whole.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    /// A connection to this target can be had again: wakes a call that waits for one, and one that waits for any.
    pub fn freed(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.freed.notify_one();
        }
        if self.budget.waiting.load(Ordering::SeqCst) > 0 {
            self.budget.room.notify_one();
        }
    }

    fn forget_unused(&self, counts: &mut Counts) {
        let unused =
            self.open.load(Ordering::Relaxed) == 0 && self.waiting.load(Ordering::Relaxed) == 0;
        if unused {
            counts.gates.remove(&self.target);
        }
    }
}

impl Slot {
    /// Where calls to the same target wait.
    pub const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        {
            let mut counts = self.gate.budget.counts();
            counts.open = counts.open.saturating_sub(1);
            self.gate.open.fetch_sub(1, Ordering::Relaxed);
            self.gate.forget_unused(&mut counts);
        }
        self.gate.freed();
    }
}

impl Turn {
    /// Waits until `bound`, which stood against a connection, may have changed. What changes between looking and
    /// waiting is not missed: it leaves a token that ends the wait at once.
    pub async fn changed(&self, bound: Bound) {
        match bound {
            Bound::Target { .. } => self.gate.freed.notified().await,
            Bound::Process { .. } | Bound::Waiting { .. } => {
                tokio::select! {
                    () = self.gate.freed.notified() => {}
                    () = self.gate.budget.room.notified() => {}
                }
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let budget = &self.gate.budget;
        let mut counts = budget.counts();
        budget.waiting.fetch_sub(1, Ordering::SeqCst);
        self.gate.waiting.fetch_sub(1, Ordering::SeqCst);
        self.gate.forget_unused(&mut counts);
    }
}
