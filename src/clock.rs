//! The only source of time.
//!
//! Everyone else is handed a [`Moment`] (wall-clock time, for validity and records) or a [`Stopwatch`] (monotonic
//! time, for durations). Nothing else in the crate reads a clock, so that a test can set one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in wall-clock time: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// The last moment that can be told; stands for "never ends".
    pub const MAX: Self = Self(253_402_300_799_999);
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The moment that lies `millis` milliseconds after the Unix epoch.
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The moment that lies `seconds` seconds after the Unix epoch.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down; 0 for moments before it.
    pub const fn unix_seconds(self) -> u64 {
        if self.0 < 0 {
            0
        } else {
            self.0.unsigned_abs() / 1000
        }
    }

    /// This moment moved `duration` later.
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This moment moved `duration` earlier.
    pub fn minus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// How long from `earlier` to this moment; zero if `earlier` is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads an RFC 3339 timestamp, or a bare date (its first moment, UTC).
    ///
    /// # Errors
    /// [`InvalidMoment`] where the text is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidMoment> {
        let whole = if text.len() == 10 {
            format!("{text}T00:00:00Z")
        } else {
            text.to_owned()
        };
        let parsed = OffsetDateTime::parse(&whole, &Rfc3339).map_err(|_| InvalidMoment)?;
        let millis = parsed
            .unix_timestamp_nanos()
            .checked_div(1_000_000)
            .ok_or(InvalidMoment)?;
        i64::try_from(millis).map(Self).map_err(|_| InvalidMoment)
    }
}

impl std::fmt::Display for Moment {
    /// RFC 3339 in UTC; milliseconds only where there are any.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nanos = i128::from(self.0).saturating_mul(1_000_000);
        match OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .ok()
            .and_then(|t| t.format(&Rfc3339).ok())
        {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} ms after the epoch", self.0),
        }
    }
}

/// A text that is no moment.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a time: write it like 2027-01-31 or 2027-01-31T12:00:00Z")]
pub struct InvalidMoment;

/// Tells the time: the machine's, or one that a test sets.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until [`Clock::set`] moves it; for tests.
    pub fn manual(start: Moment) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// Moves a manual clock; the machine's clock stays as it is.
    pub fn set(&self, moment: Moment) {
        match &self.0 {
            Source::System => {}
            Source::Manual(millis) => millis.store(moment.0, Ordering::SeqCst),
        }
    }

    /// The present moment.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the wall clock"
    )]
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::System => {
                let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
                    Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
                    Err(before) => i64::try_from(before.duration().as_millis())
                        .map_or(i64::MIN, i64::wrapping_neg),
                };
                Moment(millis)
            }
            Source::Manual(millis) => Moment(millis.load(Ordering::SeqCst)),
        }
    }
}

/// Measures a duration on the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the monotonic clock"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// How long ago it was started.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_rfc_3339() {
        let moment = Moment::parse("2027-01-31T12:00:00Z").unwrap();
        assert_eq!(moment.to_string(), "2027-01-31T12:00:00Z");
        assert_eq!(
            Moment::parse("2027-01-31").unwrap().to_string(),
            "2027-01-31T00:00:00Z"
        );
        assert_eq!(Moment::parse("31.1.2027"), Err(InvalidMoment));
        for early in [
            "1969-12-31T23:59:59.5Z",
            "1950-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(Moment::parse(early).unwrap().to_string(), early);
        }
    }

    #[test]
    fn a_manual_clock_stands_still_until_set() {
        let clock = Clock::manual(Moment::EPOCH);
        assert_eq!(clock.now(), Moment::EPOCH);
        clock.set(Moment::from_unix_seconds(7));
        assert_eq!(clock.now().unix_seconds(), 7);
    }
}
