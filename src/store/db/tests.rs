#![expect(
    clippy::arithmetic_side_effects,
    reason = "small numbers of the tests' own"
)]

mod faults;
mod golden;
mod history;
mod journals;
mod opening;
mod places;
mod power_cut;
mod seen;
mod speed;
