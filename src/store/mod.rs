//! What survives a restart: the catalog, its audit and the refusal journal, in one redb file.
//!
//! [`db::Store`] turns a committed change into rows, and rows back into a catalog. Every change is one durable
//! transaction that holds the rows, the audit records and the revision together, so that a crash leaves either all of it
//! or nothing. Rows are types of their own with a version of their own ([`row`]), each bound by a keyed tag to its place;
//! secrets in them are sealed ([`seal`]) under the master key ([`master_key`]).
//!
//! Invariants: nothing is acknowledged before it is synced; nothing is stored half; a row that was moved, changed or
//! written by a newer realmgate is an error, never a guess. This room takes no decisions and reads no clock; its calls
//! block, so `control` makes them on a thread of its own.

pub mod backend;
pub mod committing;
pub mod db;
pub mod error;
pub mod journaling;
pub mod loading;
pub mod master_key;
pub mod reading;
pub mod row;
pub mod seal;
pub mod seen;
pub mod tables;
#[cfg(test)]
mod workshop;
