//! `realmgate realm …`

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::error::CliError;
use crate::cli::flag;
use crate::cli::session::{Asking, Session};
use crate::cli::show::{self, Column};
use crate::client::path::Path;

/// What to do with realms.
#[derive(Clone, Debug, Subcommand)]
pub enum RealmVerb {
    /// List the realms
    List {
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Show one realm
    Show {
        /// Its name
        #[arg(value_parser = flag::realm)]
        name: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Make a realm
    Create {
        /// Its name: 1 to 40 of a-z, 0-9 and -
        #[arg(value_parser = flag::realm)]
        name: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Switch a realm off at once: nothing of it answers, open connections are cut
    Suspend {
        /// Its name
        #[arg(value_parser = flag::realm)]
        name: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Switch a suspended realm on again
    Resume {
        /// Its name
        #[arg(value_parser = flag::realm)]
        name: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Remove a realm and everything in it
    Delete {
        /// Its name
        #[arg(value_parser = flag::realm)]
        name: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
}

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("STATE", "/state"),
    ("MTLS IN", "/mtls"),
    ("REQUESTS", "/requests"),
    ("ACCOUNTS", "/accounts"),
    ("PIPELINES", "/pipelines"),
    ("DEPLOYMENTS", "/deployments"),
];

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &RealmVerb) -> Result<(), CliError> {
    match verb {
        RealmVerb::List { asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&Path::of(&["realms"]))?;
            let empty = "There are no realms yet: make one with 'realmgate realm create NAME'.";
            session.print(&answer, |answer| {
                show::list(show::items(answer, "/realms"), COLUMNS, empty)
            })
        }
        RealmVerb::Show { name, asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&Path::of(&["realms", name]))?;
            session.print(&answer, in_words)
        }
        RealmVerb::Create { name, asking } => {
            let session = Session::open(asking)?;
            let answer = session.put(&Path::of(&["realms", name]), &json!({}))?;
            session.print_change(&answer, &format!("realm {name} is there"))
        }
        RealmVerb::Suspend { name, asking } => {
            let session = Session::open(asking)?;
            let affected = affected(&session, name)?;
            asking.yes.confirm(
                &format!("switch realm {name} off: nothing of it would answer any more"),
                &affected,
            )?;
            let answer = session.post(&Path::of(&["realms", name, "suspend"]), &json!({}))?;
            session.print_change(&answer, &format!("realm {name} is switched off"))
        }
        RealmVerb::Resume { name, asking } => {
            let session = Session::open(asking)?;
            let answer = session.post(&Path::of(&["realms", name, "resume"]), &json!({}))?;
            session.print_change(&answer, &format!("realm {name} is switched on"))
        }
        RealmVerb::Delete { name, asking } => {
            let session = Session::open(asking)?;
            let affected = affected(&session, name)?;
            asking.yes.confirm(
                &format!("remove realm {name} and everything in it, for good"),
                &affected,
            )?;
            let answer = session.delete(&Path::of(&["realms", name]))?;
            session.print_change(&answer, &format!("realm {name} is gone"))
        }
    }
}

fn in_words(answer: &Value) -> String {
    let rows = [
        ("name", "/name"),
        ("state", "/state"),
        ("closed", "/closed"),
        ("made", "/created"),
        ("mTLS in", "/mtls"),
        ("accounts", "/accounts"),
        ("installations", "/installations"),
        ("requests that wait", "/requests"),
        ("connections", "/connections"),
        ("pipelines", "/pipelines"),
        ("deployments", "/deployments"),
    ];
    show::sheet(answer, &rows, 0)
}

/// Who would notice.
fn affected(session: &Session, name: &str) -> Result<Vec<String>, CliError> {
    let realm = session.get(&Path::of(&["realms", name]))?;
    let rows = [
        ("deployments", "/deployments"),
        ("accounts", "/accounts"),
        ("mTLS in", "/mtls"),
    ];
    Ok(show::sheet(&realm, &rows, 0)
        .lines()
        .map(str::to_owned)
        .collect())
}
