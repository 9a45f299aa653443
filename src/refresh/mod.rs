//! What keeps revocation lists fresh: URLs that operators approved are asked again and again, and a folder is looked at.
//!
//! [`run`] is the only task; what it starts is bounded in number, bytes and time, so that a hostile server costs little and
//! delays nobody else's sources. [`fetch`] asks one source, redirects included; [`folder`] reads what was dropped;
//! [`schedule`] says when again. What came is handed to `control`, which decides whether it is taken in: this room knows
//! no rule of trust, and nothing of the gateways.

pub mod fetch;
pub mod folder;
pub mod limits;
pub mod run;
pub mod schedule;
