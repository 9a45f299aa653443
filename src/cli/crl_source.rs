//! `realmgate crl source …` and `realmgate crl coverage`

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::flag;
use crate::cli::session::{Asking, Session};
use crate::cli::show::{self, Column};
use crate::cli::table::{Table, plain};
use crate::cli::trust::Place;
use crate::client::path::Path;

/// What to do with the sources of revocation lists.
#[derive(Clone, Debug, Subcommand)]
pub enum CrlSourceVerb {
    /// Approve a URL that revocation lists are fetched from, or change it (operators only)
    Add {
        /// What to call it
        #[arg(value_parser = flag::crl_source)]
        name: String,
        /// Where the CA publishes its list (http:// or https://)
        #[arg(long, value_name = "URL", value_parser = flag::crl_url)]
        url: String,
        /// Where.
        #[command(flatten)]
        place: Place,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// List what a realm's revocation lists come from, and how that goes; files of the folder included
    List {
        /// Where.
        #[command(flatten)]
        place: Place,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Fetch from a source no more; the lists that it gave stay
    Remove {
        /// Which one
        #[arg(value_parser = flag::crl_source)]
        name: String,
        /// Where.
        #[command(flatten)]
        place: Place,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Fetch from a source now, and say what came of it
    Fetch {
        /// Which one
        #[arg(value_parser = flag::crl_source)]
        name: String,
        /// Where.
        #[command(flatten)]
        place: Place,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
}

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("KIND", "/kind"),
    ("STATE", "/state"),
    ("LAST", "/lastAttempt"),
    ("LAST GOOD", "/lastSuccess"),
    ("NEXT", "/nextAttempt"),
    ("FAILURES", "/failures"),
    ("URL", "/url"),
];

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &CrlSourceVerb) -> Result<(), CliError> {
    match verb {
        CrlSourceVerb::Add {
            name,
            url,
            place,
            asking,
        } => {
            let session = Session::open(asking)?;
            let path = place.path_of("crl-sources", name);
            let answer = session.put(&path, &json!({ "url": url }))?;
            let done = format!("{} fetches revocation lists from {url}", place.told());
            session.print_change(&answer, &done)
        }
        CrlSourceVerb::List { place, asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&place.path("crl-sources"))?;
            let empty = format!(
                "There are no sources yet: approve one with 'realmgate crl source add NAME --url URL {}'.",
                place.flags()
            );
            session.print(&answer, |answer| {
                list(show::items(answer, "/sources"), &empty)
            })
        }
        CrlSourceVerb::Remove {
            name,
            place,
            asking,
        } => {
            let session = Session::open(asking)?;
            let deed = format!("fetch from {name} no more for {}", place.told());
            let affected = "the lists that it gave stay, and end";
            asking.yes.confirm(&deed, &[affected.to_owned()])?;
            let answer = session.delete(&place.path_of("crl-sources", name))?;
            let done = format!("{} fetches from {name} no more", place.told());
            session.print_change(&answer, &done)
        }
        CrlSourceVerb::Fetch {
            name,
            place,
            asking,
        } => {
            let session = Session::open(asking)?;
            let path: Path = place.path_below("crl-sources", name, "fetch");
            let answer = session.post(&path, &json!({}))?;
            session.print(&answer, |answer| {
                let (state, told) = (show::text(answer, "/state"), show::text(answer, "/told"));
                format!("{state}: {}\n", plain(&told))
            })
        }
    }
}

/// Shows which issuers have which lists, and until when.
///
/// # Errors
/// [`CliError`].
pub fn coverage(place: &Place, asking: &Asking) -> Result<(), CliError> {
    let session = Session::open(asking)?;
    let answer = session.get(&place.path("crl-coverage"))?;
    session.print(&answer, covered)
}

fn list(items: &[Value], empty: &str) -> String {
    let mut text = show::list(items, COLUMNS, empty);
    for item in items {
        if item.get("failing") == Some(&Value::Bool(true)) {
            let (name, told) = (show::text(item, "/name"), show::text(item, "/told"));
            text.push_str(&format!("\n{}: {}\n", plain(&name), plain(&told)));
        }
    }
    text
}

fn covered(answer: &Value) -> String {
    let issuers = show::items(answer, "/issuers");
    if issuers.is_empty() {
        return "Nothing is installed, so that there is nothing to cover.\n".to_owned();
    }
    let mut table = Table::new(&[
        "ISSUER", "KIND", "ASKED", "STATE", "UNTIL", "LIST", "ISSUED", "NEXT", "ONLY", "FROM",
    ]);
    for issuer in issuers {
        let row = ["/subject", "/kind", "/revocation", "/state", "/until"];
        let mut head = row.map(|pointer| show::text(issuer, pointer));
        let lists = show::items(issuer, "/lists");
        if lists.is_empty() {
            let nothing = std::iter::repeat_n("-".to_owned(), 5);
            table.push(head.clone().into_iter().chain(nothing));
        }
        for list in lists {
            let kind = match list.get("delta") {
                Some(Value::Bool(true)) => "delta ",
                _ => "",
            };
            let number = format!("{kind}{}", show::text(list, "/number"));
            let rest = ["/thisUpdate", "/nextUpdate", "/scope", "/sources"];
            let rest = rest.map(|pointer| show::text(list, pointer));
            table.push(head.clone().into_iter().chain([number]).chain(rest));
            head = std::array::from_fn(|_| String::new());
        }
    }
    let mut text = table.to_text();
    for warning in show::items(answer, "/warnings") {
        let warning = warning.as_str().unwrap_or_default();
        text.push_str(&format!("\nWarning: {}\n", plain(warning)));
    }
    text
}
