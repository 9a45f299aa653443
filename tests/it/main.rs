//! What realmgate promises, tried from outside; one module per behaviour.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test that goes wrong says so by ending"
)]

mod admin;
mod api;
mod bad_input;
mod calls;
mod client_rules;
mod clients_seen;
mod command_line;
mod control;
mod crash;
mod crl_upkeep;
mod denials;
mod devices;
mod docs;
mod explaining;
mod foundry;
mod fuzzed;
mod handshakes;
mod intake;
mod network_rules;
mod path_cases;
mod prove;
mod realm_identities;
mod refusals;
mod resumption;
mod revocation;
mod scale;
mod serving;
mod story;
mod support;
mod tester;
mod tidy;
mod triggers;
mod trust_changes;
mod upstream;
