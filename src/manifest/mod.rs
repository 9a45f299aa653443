//! The manifest: what a realm is to be like, as TOML for `apply` and as JSON for the admin API.
//!
//! [`document`] holds the shapes, [`read`] reads them and names the key and the line of what is wrong, and [`plan`]
//! compares them with the catalog: it tells what would be done, in an order in which all of it or nothing can be done.
//! Everything here is pure. Files that a manifest names are fetched by [`inline`], on the side of the command line.

pub mod account;
pub mod connection;
pub mod denial;
pub mod document;
pub mod given;
pub mod inline;
pub mod installing;
pub mod invalid;
pub mod key_proof;
pub mod pipeline;
pub mod plan;
pub mod prune;
pub mod read;
pub mod step;
#[cfg(test)]
pub mod testing;
pub mod text;
pub mod trust;
pub mod wanted;
