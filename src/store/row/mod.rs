//! Rows: the stored form of each noun, in types of its own, apart from the domain's.
//!
//! A row is one byte of version, a tag that binds it to its place, and a MessagePack map with named fields. Each version
//! of a row type stays readable for good: a change of its shape is a new version beside the old one, and the files in
//! `tests/golden/store` hold every version to its word. What a row refers to by name is checked again when it is loaded.

pub mod account;
pub mod audit;
pub mod codec;
pub mod connection;
pub mod crl;
pub mod crl_source;
pub mod denial;
pub mod deployment;
pub mod identity;
pub mod installation;
pub mod pipeline;
pub mod realm;
pub mod refusal;
pub mod seen;
pub mod token;
pub mod trigger;
pub mod trust_policy;
