//! `realmgate refusals`: who was refused, and why; newest first.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::Value;

use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::flag;
use crate::cli::session::{Asking, Session, say};
use crate::cli::show::{self, Column};
use crate::cli::table::plain;
use crate::client::path::Path;

/// The refusals. Without a verb they are listed.
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
    /// Group refused clients by cause and client: what there is to do, each thing once
    Groups {
        /// Of this realm; where it is left out, those that belong to no realm (operators only)
        #[arg(long, value_parser = flag::realm)]
        realm: Option<String>,
        /// Only those since this moment, such as 2027-01-31 or 2027-01-31T12:00:00Z
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Print the certificates that a refused client showed (PEM), its own first
    Chain {
        /// The sequence number of the refusal ('refusals' and 'refusals groups' name it)
        #[arg(value_parser = clap::value_parser!(u64).range(1..))]
        number: u64,
        /// Of this realm; where it is left out, of those that belong to no realm (operators only)
        #[arg(long, value_parser = flag::realm)]
        realm: Option<String>,
        /// Write them to this file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
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
    match &refusals.verb {
        None => list(&refusals.which),
        Some(RefusalsVerb::List(which)) => list(which),
        Some(RefusalsVerb::Groups {
            realm,
            since,
            asking,
        }) => {
            let session = Session::open(asking)?;
            let path = path(realm.as_deref(), &["groups"]).with("since", since.as_deref());
            let answer = session.get(&path)?;
            session.print(&answer, |answer| groups_in_words(answer, realm.as_deref()))
        }
        Some(RefusalsVerb::Chain {
            number,
            realm,
            out,
            asking,
        }) => {
            let session = Session::open(asking)?;
            let pem = session.get_text(&path(realm.as_deref(), &[&number.to_string(), "chain"]))?;
            match out {
                None => say(&pem),
                Some(file) => {
                    let write = |source| CliError::Write {
                        path: file.clone(),
                        source,
                    };
                    let reserved = files::reserve_private(file, asking.yes)?;
                    reserved.fill(pem.as_bytes()).map_err(write)?;
                    say(&format!("Done: the chain is in {}.\n", file.display()))
                }
            }
        }
    }
}

/// The path of a journal, or of something of it.
fn path(realm: Option<&str>, of_it: &[&str]) -> Path {
    let mut segments = match realm {
        Some(realm) => vec!["realms", realm, "refusals"],
        None => vec!["refusals"],
    };
    segments.extend(of_it);
    Path::of(&segments)
}

fn list(which: &Which) -> Result<(), CliError> {
    let session = Session::open(&which.asking)?;
    let path = path(which.realm.as_deref(), &[])
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
        ("certificates sent", "/chainCertificates"),
        ("not kept of them", "/chainLeftOut"),
        ("sequence", "/sequence"),
    ];
    // Where nothing more is known, the sentence is the advice.
    let told_twice = record.get("sentence") == record.get("advice");
    let rows: Vec<Column> = rows
        .into_iter()
        .filter(|(_, pointer)| !(told_twice && *pointer == "/advice"))
        .filter(|(_, pointer)| record.pointer(pointer).and_then(Value::as_u64) != Some(0))
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

fn groups_in_words(answer: &Value, realm: Option<&str>) -> String {
    let groups = show::items(answer, "/groups");
    if groups.is_empty() {
        return "Nobody was refused.\n".to_owned();
    }
    let groups = groups.iter().map(|group| group_in_words(group, realm));
    let mut text = groups.collect::<Vec<_>>().join("\n");
    if answer.pointer("/complete").and_then(Value::as_bool) == Some(false) {
        text.push_str(&format!(
            "\nThere are older ones that are not in here: these are the latest {}.\n",
            show::text(answer, "/records")
        ));
    }
    text
}

fn group_in_words(group: &Value, realm: Option<&str>) -> String {
    let count = show::text(group, "/count");
    let mut text = format!(
        "{}  {count}×  last {}\n",
        plain(&show::text(group, "/reason")),
        plain(&show::text(group, "/last")),
    );
    let rows = [
        ("what happened", "/sentence"),
        ("what to do", "/advice"),
        ("environment", "/environment"),
        ("issuer", "/issuer"),
        ("subject", "/subject"),
        ("SHA-256", "/fingerprint"),
        ("first", "/first"),
        ("addresses", "/addresses"),
        ("more addresses", "/moreAddresses"),
        ("left out", "/leftOut"),
    ];
    let told_twice = group.get("sentence") == group.get("advice");
    let rows: Vec<Column> = rows
        .into_iter()
        .filter(|(_, pointer)| !(told_twice && *pointer == "/advice"))
        .filter(|(_, pointer)| group.pointer(pointer).and_then(Value::as_u64) != Some(0))
        .collect();
    text.push_str(&show::sheet(group, &rows, 2));
    if let Some(sequence) = group.pointer("/chainSequence").and_then(Value::as_u64) {
        let realm = realm.map_or_else(String::new, |realm| format!(" --realm {realm}"));
        text.push_str(&format!(
            "  What it sent: realmgate refusals chain {sequence}{realm}\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_group_tells_how_often_what_to_do_and_where_the_chain_is() {
        let group = json!({"reason": "unknown-issuer", "count": 8, "leftOut": 6, "last": "2027-06-01T12:00:00Z",
            "first": "2027-06-01T11:00:00Z", "issuer": "CN=Other CA", "subject": "CN=a", "moreAddresses": 0,
            "addresses": ["192.0.2.1", "192.0.2.2"], "sentence": "It is so.", "advice": "You: do.", "chainSequence": 3});
        let text = groups_in_words(&json!({"groups": [group], "complete": true}), Some("acme"));
        for expect in [
            "unknown-issuer  8×  last 2027-06-01T12:00:00Z\n",
            "addresses      192.0.2.1, 192.0.2.2\n",
            "left out       6\n",
            "  What it sent: realmgate refusals chain 3 --realm acme\n",
        ] {
            assert!(text.contains(expect), "{expect}\n{text}");
        }
        assert!(!text.contains("more addresses") && !text.contains("older ones"));
        let text = groups_in_words(&json!({"groups": [], "complete": true}), None);
        assert_eq!(text, "Nobody was refused.\n");
    }
}
