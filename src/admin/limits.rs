//! The bounds of the admin listener.

use std::time::Duration;

/// How much, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdminLimits {
    /// The most open connections.
    pub connections_max: usize,
    /// From accepting a connection to the end of its TLS handshake, in milliseconds.
    pub handshake_timeout_ms: u32,
    /// How long a request's head may take, and how long a connection may wait for its first one, in milliseconds.
    pub header_timeout_ms: u32,
    /// The largest request head, in bytes.
    pub header_bytes_max: u32,
    /// The most HTTP/2 streams of one connection at a time.
    pub streams_max: u32,
    /// How long a connection on which nothing moves is kept, in milliseconds.
    pub idle_timeout_ms: u32,
    /// How long calls may go on when their connection is to end, in milliseconds.
    pub shutdown_grace_ms: u32,
    /// After an early answer: how long what the client still sends is read away, in milliseconds.
    pub linger_ms: u32,
    /// After an early answer: how much of what the client still sends is read away, in bytes.
    pub linger_bytes: u32,
}

impl AdminLimits {
    /// `linger_ms` as a duration.
    pub(crate) fn linger(&self) -> Duration {
        Duration::from_millis(u64::from(self.linger_ms))
    }
}

impl Default for AdminLimits {
    fn default() -> Self {
        Self {
            connections_max: 100,
            handshake_timeout_ms: 10_000,
            header_timeout_ms: 10_000,
            header_bytes_max: 65_536,
            streams_max: 16,
            idle_timeout_ms: 60_000,
            shutdown_grace_ms: 10_000,
            linger_ms: 2_000,
            linger_bytes: 4 << 20,
        }
    }
}
