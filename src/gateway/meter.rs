//! How a request's body is getting on: shared by the body, by whoever waits for the answer, and by the access record.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::gateway::refusal::Refusal;

/// Measures one request body.
#[derive(Debug)]
pub struct Meter {
    watch: Stopwatch,
    bytes: AtomicU64,
    /// Microseconds of `watch` when the body last moved.
    moved: AtomicU64,
    /// Whether the client was asked for more and has not sent it yet.
    asked: AtomicBool,
    state: AtomicU8,
}

/// Where a body stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BodyState {
    /// More may come.
    Flowing,
    /// Its last byte was handed on.
    Complete,
    /// It went over the trigger's limit.
    TooLarge,
    /// It broke off, or was not framed as HTTP frames bodies.
    Broken,
}

/// What there is to do for whoever waits for an answer.
#[derive(Debug)]
pub enum Patience {
    /// Wait so long, then look again.
    Wait(Duration),
    /// Give up.
    Over(Refusal),
}

impl Meter {
    /// Begins now, with nothing read.
    pub fn new() -> Self {
        Self {
            watch: Stopwatch::start(),
            bytes: AtomicU64::new(0),
            moved: AtomicU64::new(0),
            asked: AtomicBool::new(false),
            state: AtomicU8::new(BodyState::Flowing as u8),
        }
    }

    /// So many bytes came.
    pub fn came(&self, bytes: usize) {
        self.bytes
            .fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.moved.store(self.now(), Ordering::Relaxed);
        self.asked.store(false, Ordering::Relaxed);
    }

    /// More was asked for, and is not there yet.
    pub fn waits_for_client(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// The body is over, in whatever way.
    pub fn over(&self, state: BodyState) {
        self.moved.store(self.now(), Ordering::Relaxed);
        self.state.store(state as u8, Ordering::Release);
    }

    /// How many bytes came.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Where the body stands.
    pub fn state(&self) -> BodyState {
        let state = self.state.load(Ordering::Acquire);
        [BodyState::Complete, BodyState::TooLarge, BodyState::Broken]
            .into_iter()
            .find(|known| *known as u8 == state)
            .unwrap_or(BodyState::Flowing)
    }

    /// How long ago the body moved last.
    pub fn still_for(&self) -> Duration {
        Duration::from_micros(
            self.now()
                .saturating_sub(self.moved.load(Ordering::Relaxed)),
        )
    }

    /// How long to wait for an answer's head that may take `timeout` from the body's last byte, where the body itself
    /// may stand still for `idle`.
    pub fn patience(&self, timeout: Duration, idle: Duration) -> Patience {
        let still = self.still_for();
        match self.state() {
            BodyState::Flowing => match idle.checked_sub(still).filter(|left| !left.is_zero()) {
                // The body may end at any time, and the timeout begin then: no longer than that at a stretch.
                Some(left) => Patience::Wait(left.min(timeout)),
                None if self.asked.load(Ordering::Relaxed) => Patience::Over(Refusal::BodyStalled),
                None => Patience::Over(Refusal::Timeout),
            },
            BodyState::Complete => {
                match timeout.checked_sub(still).filter(|left| !left.is_zero()) {
                    Some(left) => Patience::Wait(left),
                    None => Patience::Over(Refusal::Timeout),
                }
            }
            BodyState::TooLarge => Patience::Over(Refusal::BodyTooLarge),
            BodyState::Broken => Patience::Over(Refusal::BodyBroken),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.watch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn a_body_on_its_way_is_given_idle_time_and_a_complete_one_the_timeout() {
        let meter = Meter::new();
        assert!(matches!(meter.patience(LONG, LONG), Patience::Wait(_)));
        assert!(matches!(
            meter.patience(Duration::ZERO, LONG),
            Patience::Wait(Duration::ZERO)
        ));
        assert!(matches!(
            meter.patience(LONG, Duration::ZERO),
            Patience::Over(Refusal::Timeout)
        ));
        meter.waits_for_client();
        assert!(matches!(
            meter.patience(LONG, Duration::ZERO),
            Patience::Over(Refusal::BodyStalled)
        ));
        meter.came(7);
        assert!(matches!(
            meter.patience(LONG, Duration::ZERO),
            Patience::Over(Refusal::Timeout)
        ));
        meter.over(BodyState::Complete);
        assert!(
            matches!(meter.patience(LONG, Duration::ZERO), Patience::Wait(left) if left <= LONG)
        );
        assert!(matches!(
            meter.patience(Duration::ZERO, LONG),
            Patience::Over(Refusal::Timeout)
        ));
        assert_eq!(meter.bytes(), 7);
    }

    #[test]
    fn a_body_that_failed_says_how() {
        let meter = Meter::new();
        meter.over(BodyState::TooLarge);
        assert!(matches!(
            meter.patience(LONG, LONG),
            Patience::Over(Refusal::BodyTooLarge)
        ));
        meter.over(BodyState::Broken);
        assert!(matches!(
            meter.patience(LONG, LONG),
            Patience::Over(Refusal::BodyBroken)
        ));
        assert_eq!(meter.state(), BodyState::Broken);
    }
}
