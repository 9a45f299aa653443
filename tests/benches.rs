//! The parts of the benches that can be wrong unnoticed, with their tests: what draws and what reckons.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the benches use what the tests here do not"
)]

#[path = "../benches/plot.rs"]
mod plot;
