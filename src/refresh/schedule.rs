//! When a source is asked again.

use std::time::Duration;

use crate::clock::Moment;

/// The shortest time between two attempts, unless `every` is shorter still.
const SOONEST: Duration = Duration::from_secs(60);
/// How long after a first failure.
const FIRST_RETRY: Duration = Duration::from_secs(10);
/// How long after many failures, at most.
const LATEST_RETRY: Duration = Duration::from_secs(3_600);
/// How often a source is asked, where possible, before the list that it gave last ends.
const TRIES_BEFORE_END: u32 = 4;

/// After a good attempt: `every` later, or after half of what remains until `end` where that is sooner.
pub fn after_success(now: Moment, every: Duration, end: Option<Moment>, roll: u64) -> Moment {
    let wait = end.map_or(every, |end| {
        let half = end.since(now).checked_div(2).unwrap_or_default();
        half.max(SOONEST).min(every)
    });
    now.plus(spread(wait, roll))
}

/// After the `failures`th failure in a row: later each time, at most an hour, and often enough before `end`.
pub fn after_failure(
    now: Moment,
    every: Duration,
    failures: u32,
    end: Option<Moment>,
    roll: u64,
) -> Moment {
    let first = FIRST_RETRY.min(every);
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(20));
    let mut wait = first.saturating_mul(doubled).min(LATEST_RETRY);
    if let Some(end) = end.filter(|end| *end > now) {
        let share = end
            .since(now)
            .checked_div(TRIES_BEFORE_END)
            .unwrap_or_default();
        wait = wait.min(share.max(first));
    }
    now.plus(spread(wait, roll))
}

/// Takes up to a tenth away, so that many sources are not asked in the same instant.
fn spread(wait: Duration, roll: u64) -> Duration {
    let tenth = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) / 10;
    let less = roll.checked_rem(tenth.saturating_add(1)).unwrap_or(0);
    wait.saturating_sub(Duration::from_millis(less))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const NOW: Moment = Moment::from_unix_millis(1_800_000_000_000);

    fn seconds(next: Moment) -> u64 {
        next.since(NOW).as_secs()
    }

    #[test]
    fn a_source_is_asked_each_hour_and_sooner_where_its_list_ends() {
        let cases = [
            (None, 3_600),
            (Some(HOUR * 100), 3_600),
            (Some(HOUR), 1_800),
            (Some(Duration::from_secs(100)), 60),
        ];
        for (left, expect) in cases {
            let end = left.map(|left| NOW.plus(left));
            assert_eq!(
                seconds(after_success(NOW, HOUR, end, 0)),
                expect,
                "{left:?}"
            );
        }
        assert_eq!(
            seconds(after_success(NOW, HOUR, Some(NOW.minus(HOUR)), 0)),
            60
        );
        let often = Duration::from_secs(2);
        assert_eq!(seconds(after_success(NOW, often, Some(NOW), 0)), 2);
    }

    #[test]
    fn a_source_that_fails_is_asked_less_and_less_but_often_enough_before_its_list_ends() {
        let after = |failures, left: Option<Duration>| {
            let end = left.map(|left| NOW.plus(left));
            seconds(after_failure(NOW, HOUR, failures, end, 0))
        };
        let waits: Vec<u64> = [1, 2, 3, 9, 10, 99, u32::MAX]
            .map(|failures| after(failures, None))
            .into();
        assert_eq!(waits, [10, 20, 40, 2_560, 3_600, 3_600, 3_600]);
        assert_eq!(after(9, Some(HOUR)), 900);
        assert_eq!(after(9, Some(Duration::from_secs(4))), 10);
    }

    #[test]
    fn attempts_are_spread_and_never_later_than_they_should() {
        for roll in 0..1_000 {
            let next = seconds(after_success(NOW, HOUR, None, roll * 7_919));
            assert!((3_240..=3_600).contains(&next), "{next}");
        }
    }
}
