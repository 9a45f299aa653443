//! Calls to upstreams on real sockets.

mod pooling;
mod stale;
mod streaming;
mod tls;
