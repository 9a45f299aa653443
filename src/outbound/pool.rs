//! Open connections that wait for the next call, kept per worker and target.

use std::collections::HashMap;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::clock::Stopwatch;
use crate::outbound::budget::Budget;
use crate::outbound::guard::OutgoingGuard;
use crate::outbound::limits::OutboundLimits;
use crate::outbound::link::Link;

/// How many targets are looked at for a connection to close, when room is needed for another.
const EVICTION_SAMPLE: usize = 64;

/// The pools of all workers, for requests with bodies of type `B`. Cloning is cheap and gives the same pools.
///
/// Each worker thread works on a shard of its own, whether the workers are runtimes of one thread each or the threads
/// of one runtime; only a call that finds no room looks into the others'.
pub struct Pools<B> {
    inner: Arc<Inner<B>>,
}

struct Inner<B> {
    first: Arc<Shard<B>>,
    others: Box<[Arc<Shard<B>>]>,
    budget: Arc<Budget>,
    guard: OutgoingGuard,
    limits: OutboundLimits,
}

/// The idle connections of one worker.
pub struct Shard<B> {
    state: Mutex<State<B>>,
}

struct State<B> {
    /// By target; the connection that was used last stands last.
    idle: HashMap<u64, Vec<Idle<B>>>,
    /// Seconds that the sweeps have seen pass. Time is not read per call.
    second: u64,
}

struct Idle<B> {
    link: Link<B>,
    since: u64,
}

impl<B> Clone for Pools<B> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<B> Pools<B> {
    /// Empty pools for so many worker threads.
    pub fn new(limits: OutboundLimits, guard: OutgoingGuard, workers: NonZeroUsize) -> Self {
        let others = (1..workers.get()).map(|_| Arc::new(Shard::new())).collect();
        let budget = Budget::new(limits);
        let first = Arc::new(Shard::new());
        Self {
            inner: Arc::new(Inner {
                first,
                others,
                budget,
                guard,
                limits,
            }),
        }
    }

    /// How many connections are open, those in use included.
    pub fn open(&self) -> usize {
        self.inner.budget.open()
    }

    /// How many connections are idle.
    pub fn idle(&self) -> usize {
        self.inner
            .shards()
            .map(|shard| shard.idle())
            .fold(0, usize::saturating_add)
    }

    /// Sweeps once a second until the pools are gone; to be run as a task of its own.
    pub fn sweeper(&self) -> impl Future<Output = ()> + Send + use<B>
    where
        B: Send + 'static,
    {
        let inner = Arc::downgrade(&self.inner);
        async move {
            let watch = Stopwatch::start();
            let mut ticks = interval(Duration::from_secs(1));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let second = watch.elapsed().as_secs();
                let Some(inner) = inner.upgrade() else { return };
                inner.shards().for_each(|shard| shard.sweep(second));
            }
        }
    }

    /// The count of open connections.
    pub(super) fn budget(&self) -> &Arc<Budget> {
        &self.inner.budget
    }

    /// Which addresses may be called.
    pub(super) fn guard(&self) -> &OutgoingGuard {
        &self.inner.guard
    }

    /// The bounds.
    pub(super) fn limits(&self) -> &OutboundLimits {
        &self.inner.limits
    }

    /// The shard of the thread that asks.
    pub(super) fn shard(&self) -> &Arc<Shard<B>> {
        let Inner { first, others, .. } = &*self.inner;
        let number = worker_number()
            .checked_rem(others.len().saturating_add(1))
            .unwrap_or(0);
        number
            .checked_sub(1)
            .and_then(|other| others.get(other))
            .unwrap_or(first)
    }

    /// Takes an idle connection to `target` out of whichever worker's pool has one.
    pub(super) fn take_anywhere(&self, target: u64) -> Option<Link<B>> {
        self.inner.shards().find_map(|shard| shard.take(target))
    }

    /// Closes an idle connection to make room for another: the one that has been idle longest, of a few.
    pub(super) fn evict(&self) {
        let _ = self.inner.shards().any(|shard| shard.evict());
    }
}

impl<B> Inner<B> {
    fn shards(&self) -> impl Iterator<Item = &Arc<Shard<B>>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl<B> Shard<B> {
    fn new() -> Self {
        Self {
            state: Mutex::new(State {
                idle: HashMap::new(),
                second: 0,
            }),
        }
    }

    /// Takes the connection to `target` that was used last and is ready.
    pub(super) fn take(&self, target: u64) -> Option<Link<B>> {
        let mut state = self.state();
        let idle = state.idle.get_mut(&target)?;
        let mut place = idle.len();
        while let Some(one) = place.checked_sub(1).and_then(|last| idle.get_mut(last)) {
            place = place.saturating_sub(1);
            one.link.settle();
            if one.link.is_ready() {
                return Some(idle.remove(place).link);
            }
            // The task of one that goes on apart may have yet to see the end of the last exchange.
            if one.link.is_closed() || !one.link.is_apart() {
                idle.remove(place);
            }
        }
        None
    }

    /// Keeps a connection whose exchange is over, if another can follow on it and there is room.
    pub(super) fn put(&self, mut link: Link<B>) {
        link.settle();
        let goes_on = link.is_ready() || (link.is_apart() && !link.is_closed());
        if !goes_on || !link.is_request_sent() {
            return;
        }
        let mut state = self.state();
        let since = state.second;
        let idle = state.idle.entry(link.target()).or_default();
        if idle.len() >= link.idle_max() {
            idle.retain_mut(|idle| !idle.is_closed());
        }
        if idle.len() < link.idle_max() {
            // Whoever is woken looks here next, and waits for the lock.
            link.gate().freed();
            idle.push(Idle { link, since });
        }
    }

    /// Closes what has been idle for too long by `second`, and forgets what is closed.
    pub(super) fn sweep(&self, second: u64) {
        let mut state = self.state();
        state.second = second;
        state.idle.retain(|_, idle| {
            idle.retain_mut(|idle| !idle.is_closed() && !idle.is_over(second));
            !idle.is_empty()
        });
    }

    fn idle(&self) -> usize {
        self.state()
            .idle
            .values()
            .map(Vec::len)
            .fold(0, usize::saturating_add)
    }

    /// Closes the connection that has been idle longest, of a few. Returns whether there was one.
    fn evict(&self) -> bool {
        let mut state = self.state();
        let sample = state.idle.iter().take(EVICTION_SAMPLE);
        let firsts = sample.filter_map(|(target, idle)| Some((idle.first()?.since, *target)));
        let Some((_, target)) = firsts.min() else {
            return false;
        };
        let Some(idle) = state.idle.get_mut(&target) else {
            return false;
        };
        idle.remove(0);
        if idle.is_empty() {
            state.idle.remove(&target);
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State<B>> {
        // Nothing panics while it is held; if something did, the pool would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Idle<B> {
    fn is_over(&self, second: u64) -> bool {
        // One second was under way when it was put here; only the whole ones after it count.
        let whole_seconds = second.saturating_sub(self.since).saturating_sub(1);
        let idle_ms = whole_seconds.saturating_mul(1_000);
        let timeout = idle_ms >= u64::from(self.link.idle_timeout_ms());
        // One that is still not ready waits for something that nobody wants.
        let stuck = whole_seconds > 0 && !self.link.is_ready();
        timeout || stuck
    }

    fn is_closed(&mut self) -> bool {
        self.link.settle();
        self.link.is_closed()
    }
}

/// A number for the thread that asks: the first to ask is 0.
fn worker_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}
