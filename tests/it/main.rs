//! What realmgate promises, tried from outside; one module per behaviour.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that goes wrong says so by ending"
)]

mod admin;
mod api;
mod docs;
mod tidy;
