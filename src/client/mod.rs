//! Speaks to the admin API of a running server, over TLS, with a token.
//!
//! [`reached`] finds out where the server is, who asks and whom to trust; [`admin`] asks. The command line and the demo
//! are its users: like any other client, they know the server by its API alone.

pub mod admin;
pub mod error;
pub mod path;
pub mod reached;
