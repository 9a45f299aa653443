//! `realmgate crl …`

use std::path::{Path as FilePath, PathBuf};

use clap::Subcommand;

use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::flag;
use crate::cli::session::{Asking, Session};
use crate::cli::show::{self, Column};
use crate::cli::trust::Place;
use crate::client::path::Path;
use crate::manifest::inline;
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
        CrlVerb::List { place, asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&place.path("crls"))?;
            let empty = "There are no revocation lists yet: add one with 'realmgate crl add FILE'.";
            session.print(&answer, |answer| {
                show::list(show::items(answer, "/crls"), COLUMNS, empty)
            })
        }
        CrlVerb::Add {
            lists,
            place,
            asking,
        } => {
            let names: Vec<String> = lists
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            let body = inline::crls(&names, |name| files::bytes(FilePath::new(name))).map_err(
                |source| CliError::Crl {
                    source: Box::new(source),
                },
            )?;
            let body = serde_json::to_value(&body).map_err(|source| CliError::Encode { source })?;
            let session = Session::open(asking)?;
            let answer = session.post(&place.path("crls"), &body)?;
            let done = format!("the revocation lists of {} are added", place.told());
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
