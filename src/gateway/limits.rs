//! The bounds of live traffic.

/// Every bound of the gateway, named with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayLimits {
    /// From accepting a connection to the end of its TLS handshake, in milliseconds.
    pub handshake_timeout_ms: u32,
    /// From the first byte of a request's head to its last, in milliseconds.
    pub header_timeout_ms: u32,
    /// The largest request head, in bytes.
    pub header_bytes_max: u32,
    /// The most header fields of a request.
    pub header_fields_max: u16,
    /// How long a connection without a request is kept, in milliseconds.
    pub idle_timeout_ms: u32,
    /// How long a request or answer body may stand still, in milliseconds.
    pub body_idle_timeout_ms: u32,
    /// How long the body of a request may take that a handler needs whole, in milliseconds.
    pub gather_timeout_ms: u32,
    /// The most bytes of such bodies that are held at once; one realm gets half of them at most.
    pub gathered_bytes_max: u64,
    /// After an alert or an early answer: how long what the client still sends is read away, in milliseconds.
    pub linger_ms: u32,
    /// After an alert or an early answer: how much of what the client still sends is read away, in bytes.
    pub linger_bytes: u32,
    /// The most open connections of the process.
    pub connections_max: u32,
    /// The most open connections from one address.
    pub connections_per_address_max: u32,
    /// The most HTTP/2 streams of one connection at a time.
    pub streams_max: u32,
    /// The most encrypted bytes that wait for a slow reader on one connection.
    pub tls_buffer_bytes_max: u32,
    /// The same while an answer flows in bulk; at most the usual where there is no difference to be made.
    pub tls_bulk_bytes_max: u32,
    /// What all connections together may hold beyond [`GatewayLimits::tls_buffer_bytes_max`], in bytes.
    pub tls_bulk_total_bytes_max: u64,
    /// How long requests of a client that is no longer entitled may go on, in milliseconds.
    pub cut_grace_ms: u32,
    /// How long requests may go on when the server shuts down, in milliseconds.
    pub shutdown_grace_ms: u32,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            handshake_timeout_ms: 10_000,
            header_timeout_ms: 10_000,
            header_bytes_max: 65_536,
            header_fields_max: 100,
            idle_timeout_ms: 60_000,
            body_idle_timeout_ms: 30_000,
            gather_timeout_ms: 120_000,
            gathered_bytes_max: 268_435_456,
            linger_ms: 2_000,
            linger_bytes: 1_048_576,
            connections_max: 20_000,
            connections_per_address_max: 10_000,
            streams_max: 100,
            tls_buffer_bytes_max: 262_144,
            tls_bulk_bytes_max: 1_048_576,
            tls_bulk_total_bytes_max: 67_108_864,
            cut_grace_ms: 500,
            shutdown_grace_ms: 10_000,
        }
    }
}
