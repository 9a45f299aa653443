//! Deadlines on tokio's clock.

use std::time::Duration;

use tokio::time::Instant;

use crate::gateway::limits::GatewayLimits;

/// The instant that lies `duration` ahead.
pub(crate) fn after(duration: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(duration).unwrap_or(now)
}

/// The instant by which the handshake of a connection that is accepted now has to be done.
pub(crate) fn of_handshake(limits: &GatewayLimits) -> Instant {
    after(Duration::from_millis(u64::from(
        limits.handshake_timeout_ms,
    )))
}
