//! Live traffic in: listeners, handshakes, connections, calls.
//!
//! Who gets in is decided in one place per question: which realm is this ([`handshake`]), is this client trusted
//! (`trust`, asked inside the handshake), is it still, and by the realm that it calls ([`entitlement`]), may it call
//! this ([`policy`]). [`exchange`] takes a request through these to a handler and to exactly one access record. The
//! gateway knows the present snapshot and nothing else: it can serve with the store's file gone.

pub mod activity;
pub mod admission;
pub mod answer;
pub mod authority;
pub mod bulk;
pub mod call;
pub mod client;
pub mod client_io;
pub mod client_rule;
pub mod connection;
pub mod content;
pub mod cutting;
pub mod deadline;
pub mod entitlement;
pub mod exchange;
pub mod explained;
pub mod forwarding;
pub mod gathered;
pub mod handlers;
pub mod handshake;
pub mod headers;
pub mod in_flight;
pub mod limits;
pub mod lingering;
pub mod listener;
pub mod message;
pub mod meter;
pub mod path;
pub mod peer;
pub mod policy;
pub mod proxy_protocol;
pub mod refusal;
pub mod refused;
pub mod reply;
pub mod request_body;
pub mod request_id;
pub mod response_headers;
pub mod resting;
pub mod seen;
pub mod server;
#[cfg(test)]
pub mod testing;
pub mod worker;
