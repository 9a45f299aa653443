//! The nouns of realmgate and their rules.
//!
//! Everything here is plain data and pure functions: a [`catalog::Catalog`] holds the whole configuration, a
//! [`command::Command`] asks for a change, and [`catalog::Catalog::apply`] either carries it out and tells what it
//! touched, or answers with a [`rejection::Rejection`]. Nothing here knows of sockets, files, TLS or time, other than
//! the moment it is handed.

pub mod account;
pub mod address;
pub mod audit;
pub mod catalog;
pub mod change;
pub mod command;
pub mod connection;
pub mod crl_source;
pub mod denial;
pub mod denying;
pub mod deployment;
pub mod endpoint;
pub mod environment;
pub mod granting;
pub mod identifying;
pub mod identity;
pub mod installation;
pub mod installing;
pub mod intake;
pub mod keeping;
pub mod key_proof;
pub mod media_type;
pub mod moving;
pub mod name;
pub mod network;
pub mod pipeline;
pub mod proving;
pub mod publishing;
pub mod realm;
pub mod refusal;
pub mod register;
pub mod rejection;
pub mod retiring;
pub mod review;
pub mod revocation;
pub mod seen;
pub mod sourcing;
pub mod template;
pub mod token;
pub mod trigger;
pub mod trust_policy;
pub mod trusting;
