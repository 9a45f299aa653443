//! Waiting for conditions, with a deadline.

use std::time::Duration;

/// Asks `condition` again and again until it holds.
///
/// # Panics
/// Where it does not hold within `seconds`; `what` says what was waited for.
pub fn until(what: &str, seconds: u64, mut condition: impl FnMut() -> bool) {
    let tries = seconds * 50;
    for _ in 0..tries {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited {seconds} s in vain: {what}");
}
