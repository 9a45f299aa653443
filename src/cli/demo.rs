//! `realmgate demo`

use std::path::PathBuf;

use crate::cli::error::CliError;
use crate::cli::session::say;
use crate::clock::Clock;
use crate::demo::run::{self, Options};

/// Where the demo goes.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoFlags {
    /// Keep everything in this directory, to go on there another time; a temporary one where it is left out
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The first of five ports on 127.0.0.1: mtls, external, internal, admin, the demo's own service; 0: any free ones
    #[arg(long, value_name = "N", default_value_t = 9443)]
    port_base: u16,
    /// Write a JSON file that tells programs what is where, once everything listens (docs/ready-file.md)
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Carries it out: serves until Ctrl-C.
///
/// # Errors
/// [`CliError`].
pub fn run(flags: &DemoFlags, clock: &Clock) -> Result<(), CliError> {
    let options = Options {
        directory: flags.dir.clone(),
        port_base: flags.port_base,
        ready_file: flags.ready_file.clone(),
    };
    Ok(run::run(&options, clock, |text| {
        // A terminal that went away does not end the demo.
        let _ = say(text);
    })?)
}
