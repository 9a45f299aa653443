//! The bounds of all calls out.

/// The bounds that hold for the whole process, whatever a realm's connections say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboundLimits {
    /// How many connections may be open at once, idle ones included.
    pub connections_max: usize,
    /// How many of them may lead to one target.
    pub connections_per_target_max: usize,
    /// How many calls may wait at once for a connection to become free.
    pub waiting_calls_max: usize,
    /// How long a call waits for one, in milliseconds, before it is refused.
    pub wait_timeout_ms: u32,
    /// How many addresses of one name are tried; the resolver's first ones.
    pub addresses_max: usize,
}

impl Default for OutboundLimits {
    fn default() -> Self {
        Self {
            connections_max: 8_192,
            connections_per_target_max: 1_024,
            waiting_calls_max: 4_096,
            wait_timeout_ms: 1_000,
            addresses_max: 8,
        }
    }
}
