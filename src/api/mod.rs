//! The admin API, `/api/v1`: JSON to commands, read models to JSON.
//!
//! One file per noun, each thin: texts become typed names, documents and commands here, and everything else is decided
//! by `control`. Who calls is in [`caller`], what an error becomes in [`error`], and what every answer has in common in
//! [`finish`].

pub mod accounts;
pub mod apply;
pub mod audit;
pub mod body;
pub mod caller;
pub mod connections;
pub mod deployments;
pub mod endpoints;
pub mod error;
pub mod finish;
pub mod installations;
pub mod parameters;
pub mod pipelines;
pub mod realms;
pub mod refusals;
pub mod router;
pub mod server_identities;
pub mod status;
pub mod tokens;
