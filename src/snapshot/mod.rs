//! The immutable, compiled form of everything that the data plane needs.
//!
//! [`compile::Compiler`] turns a catalog into a [`state::Snapshot`]; [`live::Live`] holds the present one and swaps it
//! whole. A change compiles only the realm that it touches; everything else is shared with the snapshot before.
//! Nothing here reads the store or a socket, and a published snapshot never changes.

pub mod admission;
pub mod client_tls;
pub mod compile;
pub mod compile_error;
pub mod deploy;
pub mod epoch;
pub mod key_schedule;
pub mod live;
pub mod possession;
pub mod realm;
pub mod route;
pub mod server_tls;
pub mod shown;
pub mod state;
pub mod ticketer;
pub mod trusting;
pub mod verifier;
