//! The calls in flight on one connection, and whether they may go on.
//!
//! A call is let in by its realm when its head is there, and may then run for hours. The connection's driver asks again
//! from time to time ([`InFlight::look_after`]) and cuts what is not entitled any more, or what its client leaves unread.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::domain::name::RealmName;
use crate::gateway::cutting;
use crate::gateway::entitlement;
use crate::gateway::peer::{Peer, Protocol};
use crate::gateway::refusal::Refusal;
use crate::gateway::worker::Worker;

/// How often the calls in flight of one connection are looked after.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(250);

tokio::task_local! {
    /// The flight that [`abandonable`] made for the task.
    static OF_THIS_TASK: Arc<Flight>;
}

/// The calls in flight on one connection.
#[derive(Debug, Default)]
pub struct InFlight(Mutex<Vec<Arc<Flight>>>);

/// One call in flight. Times are milliseconds since it began, plus one; 0 stands for "not now".
#[derive(Debug)]
pub struct Flight {
    watch: Stopwatch,
    realm: OnceLock<RealmName>,
    /// Since when a part of the answer is the client's to read.
    handed_out: AtomicU64,
    /// Since when its realm does not let it in any more.
    lost: AtomicU64,
    /// The last revision of the catalog that let it in, plus one.
    upheld: AtomicU64,
    /// The first revision that did not, since [`Flight::lost`].
    lost_by: AtomicU64,
    cut: OnceLock<Refusal>,
    abandoned: AtomicBool,
    /// Of the one task that serves the call.
    waker: Mutex<Option<Waker>>,
}

impl InFlight {
    /// A call has entered `realm`. To be given back by [`InFlight::leaves`].
    pub(crate) fn enters(&self, realm: &RealmName) -> Arc<Flight> {
        let flight = OF_THIS_TASK
            .try_with(Arc::clone)
            .unwrap_or_else(|_| Arc::new(Flight::new()));
        // A task serves one call, so that nobody has set it before.
        let _ = flight.realm.set(realm.clone());
        self.flights().push(Arc::clone(&flight));
        flight
    }

    /// A call is over.
    pub(crate) fn leaves(&self, flight: &Arc<Flight>) {
        let mut flights = self.flights();
        if let Some(place) = flights.iter().position(|one| Arc::ptr_eq(one, flight)) {
            flights.swap_remove(place);
        }
    }

    /// Cuts the calls that may not go on, and tells of each where its connection lives on. Answers whether one of them does not end although it was cut: its client does
    /// not read.
    pub(crate) fn look_after(&self, worker: &Worker, peer: &Peer, lives_on: bool) -> bool {
        let flights = self.flights().clone();
        if flights.is_empty() {
            return false;
        }
        let grace = Duration::from_millis(u64::from(worker.limits.cut_grace_ms));
        let idle = Duration::from_millis(u64::from(worker.limits.body_idle_timeout_ms));
        let snapshot = worker.live.load();
        let now = worker.clock.now();
        let streams = peer.tls.protocol == Protocol::H2;
        let mut stuck = false;
        for flight in flights {
            if flight.cut.get().is_some() {
                flight.abandon();
                stuck = true;
                continue;
            }
            // In HTTP/1.1 it is seen at the socket whether a client reads.
            let unread = flight.since(&flight.handed_out).filter(|_| streams);
            if unread.is_some_and(|unread| unread >= idle) {
                flight.cut(Refusal::Timeout);
                flight.abandon();
                stuck = true;
                continue;
            }
            let Some(realm) = flight.realm.get() else {
                continue;
            };
            match entitlement::may_go_on(&snapshot, peer, realm, now) {
                Ok(()) => flight.is_upheld_by(snapshot.revision),
                Err(refusal) => {
                    let lost = flight.is_lost_by(snapshot.revision);
                    if lost >= grace && lives_on {
                        cutting::tell_call(worker, peer, realm, &refusal, flight.between());
                    }
                    if lost >= grace {
                        flight.cut(refusal);
                    }
                }
            }
        }
        stuck
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.flights().is_empty()
    }

    fn flights(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Flight>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    fn new() -> Self {
        Self {
            watch: Stopwatch::start(),
            realm: OnceLock::new(),
            handed_out: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            upheld: AtomicU64::new(0),
            lost_by: AtomicU64::new(0),
            cut: OnceLock::new(),
            abandoned: AtomicBool::new(false),
            waker: Mutex::default(),
        }
    }

    /// A part of the answer is on its way: nothing goes on before the client has taken it.
    pub(crate) fn hands_out(&self) {
        self.handed_out.store(self.now(), Ordering::Relaxed);
    }

    /// The client has taken all that there is so far.
    pub(crate) fn waits_for_more(&self) {
        if self.handed_out.load(Ordering::Relaxed) != 0 {
            self.handed_out.store(0, Ordering::Relaxed);
        }
    }

    /// Why it was cut, where it was.
    pub(crate) fn why_cut(&self) -> Option<&Refusal> {
        self.cut.get()
    }

    /// Ready once it is cut.
    pub(crate) fn poll_cut(&self, cx: &Context<'_>) -> Poll<&Refusal> {
        self.wakes(cx.waker());
        self.cut.get().map_or(Poll::Pending, Poll::Ready)
    }

    fn cut(&self, why: Refusal) {
        let _ = self.cut.set(why);
        self.wake();
    }

    fn is_upheld_by(&self, revision: u64) {
        self.lost.store(0, Ordering::Relaxed);
        let revision = revision.saturating_add(1);
        self.upheld.store(revision, Ordering::Relaxed);
    }

    /// Its realm does not let it in. Answers since how long.
    fn is_lost_by(&self, revision: u64) -> Duration {
        self.since(&self.lost).unwrap_or_else(|| {
            self.lost.store(self.now(), Ordering::Relaxed);
            self.lost_by.store(revision, Ordering::Relaxed);
            Duration::ZERO
        })
    }

    /// The last revision that is known to have let it in, and the first that did not.
    fn between(&self) -> (Option<u64>, u64) {
        let upheld = self.upheld.load(Ordering::Relaxed).checked_sub(1);
        (upheld, self.lost_by.load(Ordering::Relaxed))
    }

    fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.wake();
    }

    fn wakes(&self, waker: &Waker) {
        let mut known = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }

    fn wake(&self) {
        let waker = self
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn since(&self, moment: &AtomicU64) -> Option<Duration> {
        let moment = moment.load(Ordering::Relaxed);
        (moment != 0).then(|| Duration::from_millis(self.now().saturating_sub(moment)))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.watch.elapsed().as_millis())
            .unwrap_or(u64::MAX)
            .saturating_add(1)
    }
}

/// Waits for `work`, but no longer than its call may go on. It is given pinned: a future that is given to another by
/// value has room in it twice.
///
/// # Errors
/// Why the call was cut.
pub(crate) async fn unless_cut<T>(
    flight: Option<&Flight>,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> Result<T, Refusal> {
    poll_fn(|cx| {
        if let Poll::Ready(done) = work.as_mut().poll(cx) {
            return Poll::Ready(Ok(done));
        }
        match flight.map(|flight| flight.poll_cut(cx)) {
            Some(Poll::Ready(why)) => Poll::Ready(Err(why.clone())),
            Some(Poll::Pending) | None => Poll::Pending,
        }
    })
    .await
}

/// A task that serves one call, and is dropped where it was cut and does not end: hyper asks no HTTP/2 answer for more
/// while its client lets nothing through, so that the answer cannot end itself.
pub(crate) async fn abandonable(task: Pin<Box<impl Future>>) {
    let flight = Arc::new(Flight::new());
    let served = OF_THIS_TASK.scope(Arc::clone(&flight), task);
    let mut served = pin!(served);
    poll_fn(|cx| {
        if flight.abandoned.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if served.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        flight.wakes(cx.waker());
        if flight.abandoned.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}
