//! `realmgate crl …`

use std::collections::BTreeSet;
use std::path::{Path as FilePath, PathBuf};

use clap::Subcommand;
use serde_json::Value;

use crate::cli::crl_source::{self, CrlSourceVerb};
use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::flag;
use crate::cli::session::{Asking, Session};
use crate::cli::show::{self, Column};
use crate::cli::trust::Place;
use crate::client::error::ClientError;
use crate::client::path::Path;
use crate::manifest::document::CrlsBody;
use crate::manifest::{inline, trust};
use crate::pki::fingerprint::Fingerprint;

/// What to do with revocation lists.
#[derive(Clone, Debug, Subcommand)]
pub enum CrlVerb {
    /// List a realm's revocation lists
    List {
        /// Where.
        #[command(flatten)]
        place: Place,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Add revocation lists; a later edition takes the place of earlier ones
    Add {
        /// The lists (PEM, several in one file where you like, or DER); '-' is standard input
        #[arg(required = true, value_name = "FILE")]
        lists: Vec<PathBuf>,
        /// Where.
        #[command(flatten)]
        place: Place,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Fetch revocation lists by itself
    #[command(subcommand)]
    Source(CrlSourceVerb),
    /// Show which issuers have which lists, from where and until when
    Coverage {
        /// Where.
        #[command(flatten)]
        place: Place,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Remove a revocation list
    Remove {
        /// Where.
        #[command(flatten)]
        place: Place,
        /// Which one ('crl list' names it)
        #[arg(long, value_name = "SHA256", value_parser = flag::sha256)]
        sha256: Fingerprint,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
}

const COLUMNS: &[Column] = &[
    ("ISSUER", "/issuer"),
    ("NUMBER", "/number"),
    ("ISSUED", "/thisUpdate"),
    ("NEXT", "/nextUpdate"),
    ("ENTRIES", "/entries"),
    ("ONLY", "/scope"),
    ("STATE", "/state"),
    ("SIGNATURE", "/signature"),
    ("SHA-256", "/sha256"),
];

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &CrlVerb) -> Result<(), CliError> {
    match verb {
        CrlVerb::Source(verb) => crl_source::run(verb),
        CrlVerb::Coverage { place, asking } => crl_source::coverage(place, asking),
        CrlVerb::List { place, asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&place.path("crls"))?;
            let empty = format!(
                "There are no revocation lists yet: add one with 'realmgate crl add FILE {}'.",
                place.flags()
            );
            session.print(&answer, |answer| {
                show::list(show::items(answer, "/crls"), COLUMNS, &empty)
            })
        }
        CrlVerb::Add {
            lists,
            place,
            asking,
        } => {
            let mut given = Vec::with_capacity(lists.len());
            let mut all = CrlsBody::default();
            for path in lists {
                let of = read(path)?;
                all.crls.extend_from_slice(&of.crls);
                all.crls_base64.extend_from_slice(&of.crls_base64);
                given.push((path.display().to_string(), of));
            }
            let body = serde_json::to_value(&all).map_err(|source| CliError::Encode { source })?;
            let session = Session::open(asking)?;
            let crls = place.path("crls");
            let before = session.get(&crls)?;
            let answer = session
                .post(&crls, &body)
                .map_err(|error| of_file(error, &given))?;
            let after = session.get(&crls)?;
            let done = added(&before, &after, &place.told());
            session.print_change(&answer, &done)
        }
        CrlVerb::Remove {
            place,
            sha256,
            asking,
        } => {
            let session = Session::open(asking)?;
            let path: Path = place.path_of("crls", &sha256.to_string());
            let deed = format!("remove a revocation list of {}", place.told());
            let affected = "clients that it revokes are let in, or all of its issuer are refused, as \
                            the trust policy says";
            asking.yes.confirm(&deed, &[affected.to_owned()])?;
            let answer = session.delete(&path)?;
            let done = format!("a revocation list of {} is gone", place.told());
            session.print_change(&answer, &done)
        }
    }
}

fn read(path: &FilePath) -> Result<CrlsBody, CliError> {
    let name = [path.display().to_string()];
    inline::crls(&name, |_| files::bytes(path)).map_err(|source| CliError::Crl {
        source: Box::new(source),
    })
}

/// The server names the issuer of the list that it refuses; whoever gave several files wants to know which of them.
fn of_file(error: CliError, given: &[(String, CrlsBody)]) -> CliError {
    let CliError::Client(ClientError::Api {
        status,
        code,
        message,
        cut,
    }) = error
    else {
        return error;
    };
    let is_about = |body: &CrlsBody| {
        let lists = trust::lists(body).unwrap_or_default();
        lists
            .iter()
            .any(|list| message.contains(&format!("list of {} ", list.facts().issuer)))
    };
    let mut about = given.iter().filter(|(_, body)| is_about(body));
    let message = match (about.next(), about.next()) {
        (Some((file, _)), None) => format!("{file}: {message}"),
        (Some(_) | None, _) => message,
    };
    CliError::Client(ClientError::Api {
        status,
        code,
        message,
        cut,
    })
}

/// What was added and replaced, by the lists that were there before and are there now.
fn added(before: &Value, after: &Value, place: &str) -> String {
    let (were, are) = (show::items(before, "/crls"), show::items(after, "/crls"));
    let sha256 = |list: &Value| show::text(list, "/sha256");
    let lacking = |lists: &[Value], others: &[Value]| -> Vec<String> {
        let others: BTreeSet<String> = others.iter().map(sha256).collect();
        let lacking = lists.iter().filter(|list| !others.contains(&sha256(list)));
        lacking
            .map(|list| {
                let (issuer, number) = (show::text(list, "/issuer"), show::text(list, "/number"));
                format!("{issuer} number {number}")
            })
            .collect()
    };
    let (new, gone) = (lacking(are, were), lacking(were, are));
    let count = match new.as_slice() {
        [] => return format!("the revocation lists of {place} are added"),
        [one] => format!("1 revocation list of {place} is added ({one})"),
        some => format!(
            "{} revocation lists of {place} are added ({})",
            some.len(),
            some.join("; ")
        ),
    };
    if gone.is_empty() {
        count
    } else {
        format!("{count}, in place of {}", gone.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_added_and_replaced_is_told() {
        let list = |number: u8| json!({"issuer": "CN=A", "number": number.to_string(), "sha256": number.to_string()});
        let lists = |numbers: &[u8]| {
            let lists: Vec<Value> = numbers.iter().map(|number| list(*number)).collect();
            json!({ "crls": lists })
        };
        let cases: [(&[u8], &[u8], &str); 4] = [
            (&[1], &[1], "the revocation lists of x are added"),
            (&[], &[1], "1 revocation list of x is added (CN=A number 1)"),
            (
                &[1],
                &[1, 2, 3],
                "2 revocation lists of x are added (CN=A number 2; CN=A number 3)",
            ),
            (
                &[1],
                &[2],
                "1 revocation list of x is added (CN=A number 2), in place of CN=A number 1",
            ),
        ];
        for (before, after, expect) in cases {
            assert_eq!(added(&lists(before), &lists(after), "x"), expect);
        }
    }
}
