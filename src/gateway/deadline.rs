//! Deadlines on tokio's clock.

use std::time::Duration;

use tokio::time::Instant;

/// The instant that lies `duration` ahead.
pub(crate) fn after(duration: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(duration).unwrap_or(now)
}
