//! `realmgate audit`: who changed what, when; newest first.

use clap::Subcommand;

use crate::cli::error::CliError;
use crate::cli::flag;
use crate::cli::session::{Asking, Session};
use crate::cli::show::{self, Column};
use crate::client::path::Path;

/// The audit. Listing is the only verb, and may be left out.
#[derive(Clone, Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Audit {
    #[command(subcommand)]
    verb: Option<AuditVerb>,
    #[command(flatten)]
    which: Which,
}

/// What to do with the audit.
#[derive(Clone, Debug, Subcommand)]
pub enum AuditVerb {
    /// List changes, newest first
    List(Which),
}

/// Which records.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// Only those of this realm
    #[arg(long, value_parser = flag::realm)]
    realm: Option<String>,
    /// How many at most
    #[arg(long)]
    limit: Option<u32>,
    /// Only those before this sequence number, to read on
    #[arg(long, value_name = "SEQUENCE")]
    before: Option<u64>,
    /// How the server is asked.
    #[command(flatten)]
    asking: Asking,
}

const COLUMNS: &[Column] = &[
    ("SEQ", "/sequence"),
    ("WHEN", "/at"),
    ("WHO", "/actor"),
    ("ROLE", "/role"),
    ("FROM", "/address"),
    ("WHAT", "/action"),
    ("REALM", "/realm"),
    ("ENVIRONMENT", "/environment"),
    ("OBJECT", "/object"),
    ("DETAIL", "/detail"),
];

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(audit: &Audit) -> Result<(), CliError> {
    let Some(AuditVerb::List(which)) = &audit.verb else {
        return list(&audit.which);
    };
    list(which)
}

fn list(which: &Which) -> Result<(), CliError> {
    let session = Session::open(&which.asking)?;
    let path = Path::of(&["audit"])
        .with("realm", which.realm.as_deref())
        .with(
            "limit",
            which.limit.map(|limit| limit.to_string()).as_deref(),
        )
        .with(
            "before",
            which.before.map(|before| before.to_string()).as_deref(),
        );
    let answer = session.get(&path)?;
    session.print(&answer, |answer| {
        show::list(
            show::items(answer, "/records"),
            COLUMNS,
            "No changes are recorded here.",
        )
    })
}
