//! Live traffic in: listeners, handshakes, connections, calls.
//!
//! Who gets in is decided in one place per question: which realm is this ([`handshake`]), is this client trusted
//! (`trust`, asked inside the handshake), may it call this (`policy`). The gateway knows the present snapshot and
//! nothing else: it can serve with the store's file gone.

pub mod activity;
pub mod admission;
pub mod client_io;
pub mod connection;
pub mod handshake;
pub mod limits;
pub mod listener;
pub mod refused;
pub mod server;
