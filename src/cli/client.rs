//! `realmgate client …`

use clap::Subcommand;
use serde_json::Value;

use crate::cli::error::CliError;
use crate::cli::flag;
use crate::cli::session::{Asking, Session};
use crate::cli::show::{self, Column};
use crate::client::path::Path;
use crate::pki::fingerprint::Fingerprint;

/// What to do with clients.
#[derive(Clone, Debug, Subcommand)]
pub enum ClientVerb {
    /// List the clients that were let in, those seen last first
    List {
        /// Whose
        #[arg(long, value_parser = flag::realm)]
        realm: String,
        /// Only those of this environment
        #[arg(long, value_parser = ["test", "prod"])]
        environment: Option<String>,
        /// Only those that this anchor (its SHA-256) vouched for last
        #[arg(long, value_name = "SHA256", value_parser = flag::sha256)]
        anchor: Option<Fingerprint>,
        /// Only those seen at this time or later, like 2027-01-31
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Only those behind this place, to read on: what the page before said
        #[arg(long, value_name = "PLACE")]
        before: Option<String>,
        /// How many at most
        #[arg(long)]
        limit: Option<u32>,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// List the connections of clients that are open now, the oldest first
    Connections {
        /// Whose
        #[arg(long, value_parser = flag::realm)]
        realm: String,
        /// Only those of this environment
        #[arg(long, value_parser = ["test", "prod"])]
        environment: Option<String>,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
}

const CLIENTS: &[Column] = &[
    ("ENVIRONMENT", "/environment"),
    ("SUBJECT", "/subject"),
    ("ACCOUNT", "/account"),
    ("ANCHOR", "/anchorSubject"),
    ("FIRST", "/first"),
    ("LAST", "/last"),
    ("EXPIRES", "/notAfter"),
    ("HANDSHAKES", "/handshakes"),
    ("OPEN", "/connections"),
];

const CONNECTIONS: &[Column] = &[
    ("ENVIRONMENT", "/environment"),
    ("HOST", "/host"),
    ("SUBJECT", "/subject"),
    ("ACCOUNT", "/account"),
    ("ADDRESS", "/address"),
    ("SINCE", "/since"),
    ("PROTOCOL", "/protocol"),
];

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &ClientVerb) -> Result<(), CliError> {
    match verb {
        ClientVerb::List {
            realm,
            environment,
            anchor,
            since,
            before,
            limit,
            asking,
        } => {
            let session = Session::open(asking)?;
            let anchor = anchor.map(|anchor| anchor.to_string());
            let limit = limit.map(|limit| limit.to_string());
            let path = Path::of(&["realms", realm, "clients"])
                .with("environment", environment.as_deref())
                .with("anchor", anchor.as_deref())
                .with("since", since.as_deref())
                .with("before", before.as_deref())
                .with("limit", limit.as_deref());
            let answer = session.get(&path)?;
            session.print(&answer, clients_in_words)
        }
        ClientVerb::Connections {
            realm,
            environment,
            asking,
        } => {
            let session = Session::open(asking)?;
            let path = Path::of(&["realms", realm, "clients", "connections"])
                .with("environment", environment.as_deref());
            let answer = session.get(&path)?;
            session.print(&answer, connections_in_words)
        }
    }
}

fn clients_in_words(answer: &Value) -> String {
    let empty = "No such client was let in yet.";
    let mut text = show::list(show::items(answer, "/clients"), CLIENTS, empty);
    if let Some(next) = show::some_text(answer, "/next") {
        text.push_str(&format!("There may be more: --before '{next}' reads on.\n"));
    }
    text
}

fn connections_in_words(answer: &Value) -> String {
    let shown = show::items(answer, "/connections");
    let mut text = show::list(shown, CONNECTIONS, "No client is connected.");
    let count = answer.pointer("/count").and_then(Value::as_u64);
    let left_out = count
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(0)
        .saturating_sub(shown.len());
    if left_out > 0 {
        text.push_str(&format!("{left_out} more are not shown.\n"));
    }
    text
}
