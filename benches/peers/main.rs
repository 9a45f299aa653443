//! What a call costs here and at nginx and haproxy: CPU time of the server's processes per operation.
//!
//! ```text
//! benches/run peers                                        # builds the `dist` binary, then all of it
//! cargo bench --bench peers -- --server BIN --openssl36 DIR --rounds 5 --seconds 2
//! cargo bench --bench peers -- --peers nginx --loads handshake,h1 --json FILE --svg FILE
//! ```
//!
//! Servers have core 0 and one worker; the generator and a plain-HTTP upstream, which are this program again, share
//! core 1. In each round each load is run against each target in turn, so that a ratio is always of two that have seen
//! the same machine. Before anything is measured each target has to show that it forwards the client's subject and
//! refuses a client without a certificate.
//!
//! The JSON (`--json`) has these keys; the format's number grows when one of them changes its meaning:
//!
//! | key | |
//! | --- | --- |
//! | `format` | 1 |
//! | `rounds`, `seconds` | how often, and how long each time |
//! | `targets[]` | `name`, `version`; `leftOut` says why it was not measured, or is null |
//! | `loads[]` | a row of the table: `name`, `what`, `unit` (`µs`, `s/GB`, `KiB`) |
//! | `loads[].figures.TARGET` | `median`, `least`, `greatest`, and `rounds`, where a round without a figure is null |
//! | `loads[].ratios.PEER` | realmgate to that peer, paired by round: `median`, `least`, `greatest` |
//! | `loads[].goals[]` | `peer` (null where the goal is a figure), `atMost`, `reached` (null: not measured), `met` |
//! | `notes[]` | what else came up: failed calls, figures that do not add up |
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "what goes wrong in a measurement ends it"
)]

mod client;
mod generator;
mod idle;
mod loads;
mod options;
mod pki;
#[allow(dead_code, reason = "the other benches use the rest")]
#[path = "../plot.rs"]
mod plot;
mod process;
mod readings;
mod realmgate_server;
mod report;
mod runner;
mod servers;
mod statistics;
mod upstream;
mod wire;

use crate::options::Options;

fn main() {
    // Cargo adds `--bench`.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    match words.first().map(String::as_str) {
        Some(upstream::PROCESS) => return upstream::run(),
        Some(generator::PROCESS) => return generator::run(&words[1]),
        _ => {}
    }
    let options = match Options::parse(&words) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}");
            std::process::exit(2);
        }
    };
    let report = runner::run(&options);
    print!("\n{}", report.markdown());
    if let Some(path) = &options.json {
        std::fs::write(path, report.json()).unwrap();
    }
    if let Some(path) = &options.svg {
        std::fs::write(path, report.svg()).unwrap();
    }
}
