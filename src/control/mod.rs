//! The single way to change anything, and the read models.
//!
//! Every change goes authorise → apply (pure, on a copy of the catalog) → compile (only what it touches) → commit
//! (durable, with its audit) → publish. What cannot be compiled is not stored; what was stored is always published;
//! there is one writer at a time, and readers never wait for it. Who may do and see what is decided in
//! [`authorise`] alone. Nothing here knows of HTTP; what it answers with are the types of [`view`].
//!
//! Calls that write, or that read the store, block: the asynchronous ones put that on a thread of its own.

pub mod address;
pub mod authorise;
pub mod cutting;
pub mod engine;
pub mod error;
pub mod executing;
pub mod foreseeing;
pub mod identities;
pub mod impact;
pub mod intake;
pub mod moving;
pub mod proving;
pub mod recovery;
pub mod refreshing;
pub mod seeing;
pub mod testing;
pub mod tokens;
pub mod turns;
pub mod upkeep;
pub mod view;
pub mod weighed;
