//! Calls out: a streaming HTTP/1.1 client with pools of its own, for `upstream` handlers and the egress gateway.
//!
//! [`pool::Pools`] keeps open connections per compiled target, so that a connection is never used under another
//! identity or another trust than it was made with. Every address is checked by [`guard::OutgoingGuard`] when a
//! connection is made; a call on a pooled connection asks no resolver, takes no lock that another worker holds, and
//! copies no body. What goes wrong is told as an [`error::OutboundError`], for logs and for the gateway to translate;
//! this room knows neither statuses nor reason codes, nor the store, nor who called.

pub mod alarm;
pub mod body;
pub mod budget;
pub mod call;
pub mod download;
pub mod driver;
pub mod error;
pub mod guard;
pub mod limits;
pub mod link;
pub mod outgoing;
pub mod pool;
pub mod resolve;
pub mod tls_failure;
#[cfg(test)]
pub mod upstream;
pub mod wire;
