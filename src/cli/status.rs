//! `realmgate status`

use crate::cli::error::CliError;
use crate::cli::session::{Asking, Session};
use crate::cli::show;
use crate::client::path::Path;

/// How the server is.
#[derive(Clone, Debug, clap::Args)]
pub struct Status {
    /// How the server is asked.
    #[command(flatten)]
    asking: Asking,
}

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(status: &Status) -> Result<(), CliError> {
    let session = Session::open(&status.asking)?;
    let answer = session.get(&Path::of(&["status"]))?;
    let rows = [
        ("version", "/version"),
        ("domain", "/domain"),
        ("revision", "/revision"),
        ("realms", "/realms"),
        ("closed realms", "/closedRealms"),
        ("up since (ms)", "/uptimeMs"),
    ];
    session.print(&answer, |answer| show::sheet(answer, &rows, 0))
}
