//! The read models: what people and programs are told, as plain data. Secrets have no place in them.
//!
//! Each noun has a file with its shapes and the questions that `control` answers about it. Names of fields are those of
//! the admin API, in camelCase; pipelines and connections are told in the manifest's own words.

pub mod account;
pub mod audit;
pub mod call;
pub mod certificate;
pub mod challenge;
pub mod client;
pub mod connection;
pub mod crl;
pub mod crl_coverage;
pub mod crl_source;
pub mod denial;
pub mod deployment;
pub mod endpoint;
pub mod installation;
pub mod pipeline;
pub mod realm;
pub mod refusal;
pub mod refusal_group;
pub mod server_identity;
pub mod status;
pub mod tester;
pub mod time;
pub mod token;
pub mod trust;
