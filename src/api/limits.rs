//! The bounds of the API.

/// The largest body of every request but `apply`, in bytes.
pub const BODY_BYTES_MAX: usize = 1_048_576;

/// The bounds that are settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiLimits {
    /// The largest body of `apply`, in bytes.
    pub apply_bytes_max: usize,
    /// How long a request's body may stand still, in milliseconds.
    pub body_idle_timeout_ms: u32,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            apply_bytes_max: 64 << 20,
            body_idle_timeout_ms: 30_000,
        }
    }
}
