//! Client rules: CEL expressions that say which verified clients may call.
//!
//! A rule is a pure function of [`facts::Facts`]. It is read and checked where it is saved ([`check`]), so that little is
//! left that can go wrong when it is asked; what does go wrong then is a refusal. Everything about it is bounded: its text
//! before the parser sees it, its expressions after that, and its work, together with the size of the facts, before it is
//! evaluated. The room knows neither certificates nor realms, and nobody else knows CEL.

pub mod check;
pub mod client_rule;
pub mod facts;
pub mod invalid;
