//! The keys of the limits of connections, a part of [`crate::settings::table`].

use crate::settings::key::Group;
use crate::settings::table::{BYTES, CONNECTIONS, DAY_MS, MILLION, MS, count, key};

/// The group of these keys.
pub(crate) const KEYS: Group = Group {
    title: "Limits of connections (those of time and of heads hold for the admin listener too)",
    keys: &[
        key(
            "connections_max",
            count(CONNECTIONS, 1, 10 * MILLION),
            "20000",
            "How many connections the gateways hold at once, over all addresses. Each takes a file descriptor (ulimit -n).",
        ),
        key(
            "connections_per_address_max",
            count(CONNECTIONS, 1, 10 * MILLION),
            "10000",
            "How many connections one client address may hold at once.",
        ),
        key(
            "handshake_timeout_ms",
            count(MS, 100, DAY_MS),
            "10000",
            "How long a TLS handshake may take, from the accepted connection on.",
        ),
        key(
            "resumption_ms",
            count(MS, 0, 21_600_000),
            "3600000",
            "How long after a full handshake a client may resume its TLS session, which spares both sides the certificates. A session is worth nothing by itself: whoever resumes one is judged again, and any change of whom a host trusts ends its sessions. 0: each connection makes a full handshake.",
        ),
        key(
            "header_timeout_ms",
            count(MS, 100, DAY_MS),
            "10000",
            "How long a request's head may take, from its first byte to its end.",
        ),
        key(
            "header_bytes_max",
            count(BYTES, 8_192, 16 * MILLION),
            "65536",
            "The largest head of a request.",
        ),
        key(
            "header_fields_max",
            count("fields", 10, 1_000),
            "100",
            "The most header fields of a request.",
        ),
        key(
            "streams_max",
            count("streams", 1, 10_000),
            "100",
            "How many requests one HTTP/2 connection may have at once.",
        ),
        key(
            "tls_buffer_bytes_max",
            count(BYTES, 16_384, 64 * MILLION),
            "262144",
            "How much encrypted data waits for a slow reader on one connection.",
        ),
        key(
            "idle_timeout_ms",
            count(MS, 100, DAY_MS),
            "60000",
            "How long a connection without a request is kept.",
        ),
        key(
            "body_idle_timeout_ms",
            count(MS, 100, DAY_MS),
            "30000",
            "How long a body, of a request or an answer, may stand still before its connection is closed.",
        ),
        key(
            "gather_timeout_ms",
            count(MS, 1_000, DAY_MS),
            "120000",
            "How long the whole body of a call to a mock or echo may take to come in.",
        ),
        key(
            "gathered_bytes_max",
            count("bytes", 1_048_576, 1 << 40),
            "268435456",
            "The most bytes of request bodies that mocks and echoes hold in memory at once; one realm gets half of them at most. Beyond it: 503.",
        ),
        key(
            "linger_ms",
            count(MS, 0, 60_000),
            "2000",
            "How long what a client still sends is read away after an alert or an early answer, so that it arrives there.",
        ),
        key(
            "linger_bytes",
            count(BYTES, 0, 1_000 * MILLION),
            "1048576",
            "How much is read away then.",
        ),
        key(
            "cut_grace_ms",
            count(MS, 0, 60_000),
            "500",
            "How long a connection that lost its right to be there may finish what it is doing.",
        ),
        key(
            "shutdown_grace_ms",
            count(MS, 0, DAY_MS),
            "10000",
            "How long open calls may finish when the server stops.",
        ),
    ],
};
