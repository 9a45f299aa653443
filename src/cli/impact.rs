//! `realmgate impact`: whom a change of trust would cut.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ArgGroup;
use serde_json::{Value, json};

use crate::cli::apply;
use crate::cli::error::CliError;
use crate::cli::flag;
use crate::cli::session::{Asking, Session, say, warnings_in_words};
use crate::cli::show;
use crate::cli::table::{Table, plain};
use crate::client::path::Path;

/// What ends with this status would cut somebody.
const CUTS: u8 = 3;

/// Tell whom a change of trust would cut, before it is made
///
/// The clients of the last days and those that are connected are judged by what is trusted before and after it. Nothing
/// is changed. Exit status: 0 where nobody would be cut, 3 where somebody would, 1 where it could not be told.
#[derive(Clone, Debug, clap::Args)]
#[command(group(ArgGroup::new("change").required(true).multiple(true).args(["install", "remove", "manifest"])))]
pub struct Impact {
    /// Whose
    #[arg(long, value_parser = flag::realm)]
    realm: String,
    /// Where
    #[arg(long, value_parser = ["test", "prod"])]
    environment: String,
    /// As if this account's certificates were installed; may be repeated
    #[arg(long, value_name = "ACCOUNT", value_parser = flag::account)]
    install: Vec<String>,
    /// As if this account's installation were removed; may be repeated
    #[arg(long, value_name = "ACCOUNT", value_parser = flag::account)]
    remove: Vec<String>,
    /// As if this manifest were applied first
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// How far back clients are looked for (30 unless stated)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: Option<u32>,
    /// How the server is asked.
    #[command(flatten)]
    asking: Asking,
}

/// Carries it out: exit status 0 where nobody would be cut, 3 where somebody would, 1 where it could not be told.
pub fn main(impact: &Impact) -> ExitCode {
    match run(impact) {
        Ok(answer) if count(&answer, "/cutCount") == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(CUTS),
        Err(error) => {
            eprintln!("realmgate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(impact: &Impact) -> Result<Value, CliError> {
    let mut change = json!({ "install": impact.install, "remove": impact.remove });
    if let (Some(manifest), Some(change)) = (&impact.manifest, change.as_object_mut()) {
        change.insert("manifest".to_owned(), apply::document(manifest)?);
    }
    let session = Session::open(&impact.asking)?;
    let days = impact.days.map(|days| days.to_string());
    let path = path(&impact.realm, &impact.environment).with("days", days.as_deref());
    let answer = session.post(&path, &change)?;
    if session.json() {
        say(&format!("{answer:#}\n"))?;
    } else {
        say(&in_words(&answer))?;
    }
    Ok(answer)
}

/// Where the impact of a change is asked for.
pub(crate) fn path(realm: &str, environment: &str) -> Path {
    Path::of(&["realms", realm, "impact", environment])
}

/// Whom a change would cut, a line each, at most so many; the others are counted.
pub(crate) fn cut_in_words(clients: &[Value], count: u64, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = clients
        .iter()
        .take(most)
        .map(|client| {
            let connected = match client.pointer("/connections").and_then(Value::as_u64) {
                None | Some(0) => String::new(),
                Some(1) => ", connected now".to_owned(),
                Some(open) => format!(", connected {open} times now"),
            };
            let last = show::some_text(client, "/last");
            let last = last.map_or(String::new(), |last| format!(", last seen {last}"));
            format!(
                "{} is let in no more{last}{connected}",
                plain(&name(client))
            )
        })
        .collect();
    let named = u64::try_from(lines.len()).unwrap_or(u64::MAX);
    let more = count.saturating_sub(named);
    if more > 0 {
        lines.push(format!("and {more} more clients are let in no more"));
    }
    lines
}

/// What people call a client.
fn name(client: &Value) -> String {
    let subject = show::some_text(client, "/subject").filter(|subject| !subject.is_empty());
    subject
        .or_else(|| show::some_text(client, "/sans/0"))
        .unwrap_or_else(|| format!("SHA-256 {}", show::text(client, "/fingerprint")))
}

/// What a question says of clients that are cut.
pub(crate) fn cutting(count: u64) -> String {
    let clients = if count == 1 { "client" } else { "clients" };
    format!("which cuts {count} {clients} seen of late ('realmgate impact' names them)")
}

pub(crate) fn count(answer: &Value, pointer: &str) -> u64 {
    answer
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

fn in_words(answer: &Value) -> String {
    let mut text = String::new();
    let cut = show::items(answer, "/cut");
    if !cut.is_empty() {
        let mut table = Table::new(&["WOULD BE CUT", "ACCOUNT", "LAST SEEN", "OPEN", "REASON"]);
        for client in cut {
            let cells =
                ["/account", "/last", "/connections", "/reason"].map(|one| show::text(client, one));
            table.push([name(client)].into_iter().chain(cells));
        }
        text.push_str(&table.to_text());
        text.push('\n');
    }
    let moved = show::items(answer, "/moved");
    if !moved.is_empty() {
        let mut table = Table::new(&["WOULD MOVE", "FROM", "TO", "LAST SEEN", "OPEN"]);
        for client in moved {
            let cells = ["/from/account", "/to/account", "/last", "/connections"]
                .map(|one| show::text(client, one));
            table.push([name(client)].into_iter().chain(cells));
        }
        text.push_str(&table.to_text());
        text.push('\n');
    }
    text.push_str(&format!(
        "Of the clients of the last {} days: {} cut, {} moved, {} kept, {} refused already{}. Connections that would end: {}.\n",
        count(answer, "/days"),
        count(answer, "/cutCount"),
        count(answer, "/movedCount"),
        count(answer, "/kept"),
        count(answer, "/alreadyRefused"),
        match count(answer, "/unjudged") {
            0 => String::new(),
            unjudged => format!(", {unjudged} unknown (they showed more certificates than are kept)"),
        },
        count(answer, "/connectionsCut"),
    ));
    if answer.pointer("/endpointGoes") == Some(&Value::Bool(true)) {
        text.push_str("The last anchor goes: there is no mTLS endpoint any more.\n");
    }
    text.push_str(&warnings_in_words(answer));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_it_cuts_is_named_by_what_there_is() {
        let clients = [
            json!({"subject": "CN=a", "last": "2027-01-31T00:00:00Z", "connections": 2}),
            json!({"subject": "", "sans": ["DNS:b.example"], "last": null, "connections": 1}),
            json!({"subject": "", "sans": [], "fingerprint": "00ff", "connections": 0}),
        ];
        assert_eq!(
            cut_in_words(&clients, 12, 10),
            [
                "CN=a is let in no more, last seen 2027-01-31T00:00:00Z, connected 2 times now",
                "DNS:b.example is let in no more, connected now",
                "SHA-256 00ff is let in no more",
                "and 9 more clients are let in no more",
            ]
        );
        assert!(cut_in_words(&[], 0, 10).is_empty());
    }

    #[test]
    fn an_impact_is_told_with_names_and_counts() {
        let answer = json!({
            "days": 30, "cutCount": 1, "movedCount": 1, "kept": 3, "alreadyRefused": 0, "unjudged": 0,
            "connectionsCut": 2, "endpointGoes": true, "warnings": ["mind the gap"],
            "cut": [{"subject": "CN=a", "account": "dgb-mtls-old", "last": "2027-01-31T00:00:00Z",
                     "connections": 2, "reason": "anchor-removed"}],
            "moved": [{"subject": "CN=b", "from": {"account": "dgb-mtls-old"}, "to": {"account": "dgb-mtls-new"},
                       "last": "2027-01-30T00:00:00Z", "connections": 0}],
        });
        let text = in_words(&answer);
        for expect in [
            "CN=a          dgb-mtls-old  2027-01-31T00:00:00Z  2     anchor-removed\n",
            "CN=b        dgb-mtls-old  dgb-mtls-new  2027-01-30T00:00:00Z  0\n",
            "Of the clients of the last 30 days: 1 cut, 1 moved, 3 kept, 0 refused already. Connections that would end: 2.\n",
            "The last anchor goes: there is no mTLS endpoint any more.\nNote: mind the gap\n",
        ] {
            assert!(text.contains(expect), "{expect}\n{text}");
        }
    }
}
