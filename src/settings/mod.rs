//! What was configured: typed, with every key in one table.
//!
//! [`table`] has each key's name, kind, default and text, once; `config print` and
//! `docs/configuration.md` are made from it. [`given`] gathers what was written where (defaults, file, environment,
//! flags; the later one wins) and [`settled`] makes typed settings of it, handed out room by room. Nothing here knows
//! how a setting is used.

pub mod error;
pub mod given;
pub mod key;
pub mod print;
pub mod rules;
pub mod settled;
pub mod table;
pub mod warnings;
