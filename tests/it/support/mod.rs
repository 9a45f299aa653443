//! What the end-to-end tests share: the real binary, started as a user starts it, and real clients.

pub mod clients;
pub mod demo;
pub mod server;
pub mod tls;
pub mod wait;
