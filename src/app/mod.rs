//! The composition root: makes every part, hands each what it needs, and ends them in order.
//!
//! [`start`] starts a server by its settings and [`running`] is one that runs. Tests and the demo start it like `serve`
//! does, on port 0 where they like. Nothing here decides anything about a call or a change.

pub mod error;
pub mod files;
pub mod handout;
pub mod master_key;
pub mod recovery;
pub mod running;
pub mod start;
pub mod stop;
