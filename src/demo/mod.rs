//! The demo: everything of a small installation, made up, in one command.
//!
//! It makes a customer's PKI to be thrown away, starts the server on loopback, and then sets two realms up through the
//! admin API, like any other client. It is the one place of the product that issues client certificates.

pub mod content;
pub mod error;
pub mod pki;
pub mod ready;
pub mod run;
pub mod service;
pub mod tell;
