//! realmgate publishes HTTP APIs over mutual TLS, for many tenants, from one executable on one host.
//!
//! `docs/architecture.md` tells which room does what, and who may know whom.

#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        reason = "a test that overflows says so by ending"
    )
)]

pub mod admin;
pub mod api;
pub mod app;
pub mod cli;
pub mod client;
pub mod clock;
pub mod control;
pub mod demo;
pub mod domain;
pub mod flaw;
pub mod gateway;
pub mod manifest;
pub mod outbound;
pub mod pki;
pub mod prove;
pub mod refresh;
pub mod rule;
pub mod settings;
pub mod snapshot;
pub mod store;
pub mod telemetry;
pub mod trust;
