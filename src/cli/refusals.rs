//! `realmgate refusals`: who was refused, and why; newest first.

use clap::Subcommand;
use serde_json::Value;

use crate::cli::error::CliError;
use crate::cli::flag;
use crate::cli::session::{Asking, Session};
use crate::cli::show::{self, Column};
use crate::cli::table::plain;
use crate::client::path::Path;

/// The refusals. Listing is the only verb, and may be left out.
#[derive(Clone, Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Refusals {
    #[command(subcommand)]
    verb: Option<RefusalsVerb>,
    #[command(flatten)]
    which: Which,
}

/// What to do with the refusals.
#[derive(Clone, Debug, Subcommand)]
pub enum RefusalsVerb {
    /// List refused clients, newest first
    List(Which),
}

/// Which records.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// Of this realm; where it is left out, those that belong to no realm (operators only)
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

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(refusals: &Refusals) -> Result<(), CliError> {
    let Some(RefusalsVerb::List(which)) = &refusals.verb else {
        return list(&refusals.which);
    };
    list(which)
}

fn list(which: &Which) -> Result<(), CliError> {
    let session = Session::open(&which.asking)?;
    let path = match &which.realm {
        Some(realm) => Path::of(&["realms", realm, "refusals"]),
        None => Path::of(&["refusals"]),
    };
    let path = path
        .with(
            "limit",
            which.limit.map(|limit| limit.to_string()).as_deref(),
        )
        .with(
            "before",
            which.before.map(|before| before.to_string()).as_deref(),
        );
    let answer = session.get(&path)?;
    let empty = match which.realm {
        Some(_) => "Nobody was refused.",
        None => {
            "Nobody was refused whose realm is unknown; for those of a realm, add --realm NAME."
        }
    };
    session.print(&answer, |answer| in_words(answer, empty))
}

fn in_words(answer: &Value, empty: &str) -> String {
    let records = show::items(answer, "/refusals");
    if records.is_empty() {
        return format!("{empty}\n");
    }
    records
        .iter()
        .map(record_in_words)
        .collect::<Vec<_>>()
        .join("\n")
}

fn record_in_words(record: &Value) -> String {
    let mut text = format!(
        "{}  {}  from {}\n",
        plain(&show::text(record, "/at")),
        plain(&show::text(record, "/reason")),
        plain(&show::text(record, "/address")),
    );
    let rows = [
        ("what happened", "/sentence"),
        ("what to do", "/advice"),
        ("gateway", "/gateway"),
        ("environment", "/environment"),
        ("server name", "/serverName"),
        ("subject", "/certificate/subject"),
        ("issuer", "/certificate/issuer"),
        ("serial", "/certificate/serial"),
        ("valid from", "/certificate/notBefore"),
        ("valid until", "/certificate/notAfter"),
        ("SHA-256", "/certificate/fingerprint"),
        ("sequence", "/sequence"),
    ];
    // Where nothing more is known, the sentence is the advice.
    let told_twice = record.get("sentence") == record.get("advice");
    let rows: Vec<Column> = rows
        .into_iter()
        .filter(|(_, pointer)| !(told_twice && *pointer == "/advice"))
        .collect();
    text.push_str(&show::sheet(record, &rows, 2));
    if let Some(left_out) = record
        .pointer("/leftOut")
        .and_then(Value::as_u64)
        .filter(|count| *count > 0)
    {
        text.push_str(&format!(
            "  ({left_out} more just before this one were left out: there were too many)\n"
        ));
    }
    text
}
