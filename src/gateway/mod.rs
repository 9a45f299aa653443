//! Live traffic in: from an accepted connection to the answer of a call.
//!
//! [`exchange::serve`] takes a request from its head to its answer: [`authority`], [`path`], [`entitlement`], then
//! [`policy`], which yields the permit that the [`handlers`] need. The gateway knows only the snapshot: it serves with the
//! store's file gone, and nothing here can change what is configured.

pub mod authority;
pub mod headers;
pub mod path;
