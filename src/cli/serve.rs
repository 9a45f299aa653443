//! `realmgate serve`

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::app::files;
use crate::app::running::Running;
use crate::app::start;
use crate::app::stop::StopSignals;
use crate::cli::config::SettingFlags;
use crate::cli::error::CliError;
use crate::clock::Clock;
use crate::demo::ready::Ready;
use crate::settings::warnings;
use crate::telemetry::log::LogFormat;

/// How the server is run.
#[derive(Clone, Debug, clap::Args)]
pub struct Serve {
    /// The settings.
    #[command(flatten)]
    settings: SettingFlags,
    /// Write a JSON file that tells programs what is where, once everything listens (docs/ready-file.md)
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Carries it out: serves until SIGINT or SIGTERM.
///
/// # Errors
/// [`CliError`].
pub fn run(serve: &Serve, clock: &Clock) -> Result<(), CliError> {
    let settings = serve.settings.settle()?;
    let data_dir_from = serve.settings.data_dir_from()?;
    start::start_log(&settings.log, clock)?;
    let told = warnings::of(&settings);
    let signals = StopSignals::catch()?;
    if let Some(stale) = &serve.ready_file {
        let removed = files::remove(stale);
        removed.map_err(|source| CliError::Write {
            path: stale.clone(),
            source,
        })?;
    }
    let format = settings.log.format;
    let running = start::start(settings, clock)?;
    // Of a server that does not start, its error is what matters.
    start::warn(&told);
    match format {
        LogFormat::Text => eprint!("{}", account(&running, &data_dir_from)),
        LogFormat::Json => running.log_account(),
    }
    if let Some(path) = &serve.ready_file {
        Ready::of_server(&running).write(path)?;
    }
    signals.wait();
    running.shut_down();
    Ok(())
}

/// Where everything is, and what the first start made.
fn account(running: &Running, data_dir_from: &str) -> String {
    let mut text = String::from("realmgate serves\n");
    for (gateway, address) in running.gateways() {
        let _ = writeln!(text, "  {:<9} {address}", gateway.as_str());
    }
    let _ = writeln!(text, "  {:<9} {}", "admin", running.admin_url());
    let _ = writeln!(
        text,
        "  {:<9} {}{data_dir_from}",
        "data",
        running.data_dir().display()
    );
    if running.is_first_start() {
        let _ = writeln!(
            text,
            "First start. It made\n  the store         {}\n  the master key    {}\n  operator token    {}\n  admin CA          {}\n  server CA         {}\n\
             Keep a copy of the master key elsewhere: without it nothing in the store can be read. To begin:\n  realmgate realm create NAME --data-dir {}",
            running.store_file().display(),
            running.master_key_told(),
            running.operator_token_file().display(),
            running.admin_ca_file().display(),
            running.server_ca_file().display(),
            running.data_dir().display(),
        );
    }
    text
}
