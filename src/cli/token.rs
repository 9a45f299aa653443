//! `realmgate token …`

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::app::files::Reserved;
use crate::app::recovery;
use crate::cli::config::SettingFlags;
use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::flag;
use crate::cli::session::{Asking, Session, say};
use crate::cli::show::{self, Column};
use crate::client::error::ClientError;
use crate::client::path::Path as ApiPath;
use crate::clock::{Clock, Moment};

/// What to do with access tokens.
#[derive(Clone, Debug, Subcommand)]
pub enum TokenVerb {
    /// List the access tokens; their secrets are kept nowhere
    List {
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Make an access token; it is shown once
    Create {
        /// Its name, for lists and the audit; made up where it is left out
        #[arg(value_parser = flag::token)]
        name: Option<String>,
        /// What its bearer may do
        #[arg(long, value_parser = ["operator", "realm-admin", "auditor"])]
        role: String,
        /// Whose admin (realm-admin only)
        #[arg(long, required_if_eq("role", "realm-admin"), value_parser = flag::realm)]
        realm: Option<String>,
        /// When it ends: a number of days like 30d, or a moment like 2027-01-31T12:00:00Z; never where it is left out
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
        /// Write the token to this file, readable by you alone, rather than show it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// End an access token at once
    Delete {
        /// Its name
        #[arg(value_parser = flag::some_name)]
        name: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Make a new operator token when the old one is lost; the server must be stopped, the master key at hand
    Recover {
        /// Where the data directory is.
        #[command(flatten)]
        settings: SettingFlags,
        /// Write the token to this new file; operator.token in the data directory where it is left out
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("ROLE", "/role"),
    ("REALM", "/realm"),
    ("MADE", "/created"),
    ("ENDS", "/expires"),
    ("ENDED", "/expired"),
];

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &TokenVerb, clock: &Clock) -> Result<(), CliError> {
    match verb {
        TokenVerb::List { asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&ApiPath::of(&["tokens"]))?;
            session.print(&answer, |answer| {
                show::list(
                    show::items(answer, "/tokens"),
                    COLUMNS,
                    "There are no tokens.",
                )
            })
        }
        TokenVerb::Create {
            name,
            role,
            realm,
            expires,
            out,
            asking,
        } => {
            let name = name
                .clone()
                .unwrap_or_else(|| made_up(role, realm.as_deref()));
            let mut body = Map::new();
            body.insert("name".to_owned(), json!(name));
            body.insert("role".to_owned(), json!(role));
            if let Some(realm) = realm {
                body.insert("realm".to_owned(), json!(realm));
            }
            if let Some(expires) = expires {
                body.insert(
                    "expires".to_owned(),
                    json!(end("--expires", expires, clock.now())?.to_string()),
                );
            }
            let session = Session::open(asking)?;
            let ask = || session.post(&ApiPath::of(&["tokens"]), &Value::Object(body));
            match out {
                Some(path) => {
                    // First, so that there is never a token that nobody has.
                    let file = files::reserve_private(path, asking.yes)?;
                    keep(&session, &name, ask()?, path, file)
                }
                None => show_once(&session, &ask()?),
            }
        }
        TokenVerb::Delete { name, asking } => {
            let session = Session::open(asking)?;
            let affected = format!(
                "who uses it can do nothing any more: if it is yours ({}), neither can you",
                session.token_file().display()
            );
            asking
                .yes
                .confirm(&format!("end the token {name} at once"), &[affected])?;
            let answer = session.delete(&ApiPath::of(&["tokens", name]))?;
            session.print_change(&answer, &format!("the token {name} is no more"))?;
            warn_if_it_was_ours(&session);
            Ok(())
        }
        TokenVerb::Recover { settings, out } => {
            let settings = settings.settle()?;
            let path = recovery::new_operator_token(&settings, out.as_deref(), clock)?;
            say(&format!("A new operator token is in {}.\n", path.display()))
        }
    }
}

/// Writes the token to a file rather than show it.
fn keep(
    session: &Session,
    name: &str,
    mut answer: Value,
    path: &Path,
    file: Reserved,
) -> Result<(), CliError> {
    let secret = show::text(&answer, "/token");
    if let Err(source) = file.fill(format!("{secret}\n").as_bytes()) {
        session.delete(&ApiPath::of(&["tokens", name]))?;
        return Err(CliError::Write {
            path: path.to_owned(),
            source,
        });
    }
    if let Value::Object(fields) = &mut answer {
        fields.remove("token");
    }
    session.print_change(
        &answer,
        &format!(
            "the token is in {}: it is kept nowhere else",
            path.display()
        ),
    )
}

fn warn_if_it_was_ours(session: &Session) {
    let asked = session.get(&ApiPath::of(&["status"]));
    if let Err(CliError::Client(ClientError::Unauthorized { path })) = asked {
        eprintln!(
            "Note: {} holds the token that was just ended: commands that use it are refused from now on",
            path.display()
        );
    }
}

/// The token alone goes to standard output, so that it can be sent to where it is wanted.
fn show_once(session: &Session, answer: &Value) -> Result<(), CliError> {
    session.print(answer, |answer| {
        format!("{}\n", show::text(answer, "/token"))
    })?;
    eprintln!(
        "Keep it now: it is shown this once and kept nowhere. Commands read it from a file (REALMGATE_TOKEN_FILE)."
    );
    Ok(())
}

fn made_up(role: &str, realm: Option<&str>) -> String {
    let unique = uuid::Uuid::new_v4().simple().to_string();
    let short: String = unique.chars().take(8).collect();
    match realm {
        Some(realm) => format!("{realm}-{short}"),
        None => format!("{role}-{short}"),
    }
}

/// When something ends: a number of days from now, such as `30d`, or a moment.
pub(crate) fn end(flag: &'static str, text: &str, now: Moment) -> Result<Moment, CliError> {
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<u32>().ok())
        .filter(|days| *days > 0);
    match days {
        Some(days) => Ok(now.plus(Duration::from_secs(u64::from(days).saturating_mul(86_400)))),
        None => Moment::parse(text).map_err(|source| CliError::Expires {
            flag,
            found: text.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_number_of_days_or_a_moment() {
        let now = Moment::parse("2027-01-01").unwrap();
        assert_eq!(
            end("--expires", "30d", now).unwrap().to_string(),
            "2027-01-31T00:00:00Z"
        );
        assert_eq!(
            end("--expires", "2027-05-01T12:00:00Z", now)
                .unwrap()
                .to_string(),
            "2027-05-01T12:00:00Z"
        );
        for wrong in ["0d", "-1d", "30", "soon", "d", ""] {
            assert!(
                matches!(end("--expires", wrong, now), Err(CliError::Expires { .. })),
                "{wrong}"
            );
        }
    }
}
