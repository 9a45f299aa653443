//! The admin listener: TLS and HTTP around the API's router, within bounds of its own.
//!
//! It serves few people on a trusted network, so it is simpler than the gateway: one task per connection, one address,
//! no client certificates. It shares nothing with the data plane but the snapshot, which holds its TLS configuration.

pub mod client_io;
pub mod connection;
pub mod limits;
pub mod listener;
pub mod unread;
