//! `realmgate server-identity …`: the certificates that our listeners show.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::certificate;
use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::session::{Asking, Session, say};
use crate::cli::show::{self, Column};
use crate::client::path::Path;

/// What to do with server identities.
#[derive(Clone, Debug, Subcommand)]
pub enum ServerIdentityVerb {
    /// List what each listener shows to clients
    List {
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Show one identity with its certificates
    Show {
        /// Which: admin, or a gateway and an environment, like mtls-prod or external-test
        slot: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Put a real certificate and its key in place; served from the next handshake on
    Save {
        /// Which: admin, or a gateway and an environment, like mtls-prod or external-test
        slot: String,
        /// The certificate and its issuers, as PEM, leaf first
        #[arg(long, value_name = "FILE")]
        chain: PathBuf,
        /// Its private key, as PEM
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Print the certificate of our own server CA (PEM), to hand out to clients
    Ca {
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
}

const COLUMNS: &[Column] = &[
    ("SLOT", "/slot"),
    ("ORIGIN", "/origin"),
    ("SUBJECT", "/subject"),
    ("ENDS", "/notAfter"),
    ("SHA-256", "/fingerprint"),
];

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &ServerIdentityVerb) -> Result<(), CliError> {
    match verb {
        ServerIdentityVerb::List { asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&Path::of(&["server-identities"]))?;
            session.print(&answer, |answer| {
                show::list(
                    show::items(answer, "/serverIdentities"),
                    COLUMNS,
                    "There are no server identities.",
                )
            })
        }
        ServerIdentityVerb::Show { slot, asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&Path::of(&["server-identities"]))?;
            let found = show::items(&answer, "/serverIdentities")
                .iter()
                .find(|item| show::text(item, "/slot") == *slot);
            let found = found.ok_or_else(|| CliError::NoSlot { slot: slot.clone() })?;
            session.print(found, in_words)
        }
        ServerIdentityVerb::Save {
            slot,
            chain,
            key_file,
            asking,
        } => {
            let body = json!({ "chain": files::text(chain)?, "key": files::text(key_file)? });
            let session = Session::open(asking)?;
            let answer = session.put(&Path::of(&["server-identities", slot]), &body)?;
            session.print_change(
                &answer,
                &format!("{slot} shows the certificate from {}", chain.display()),
            )
        }
        ServerIdentityVerb::Ca { asking } => {
            let session = Session::open(asking)?;
            say(&session.get_text(&Path::of(&["server-ca"]))?)
        }
    }
}

fn in_words(identity: &Value) -> String {
    let mut text = show::sheet(
        identity,
        &[
            ("slot", "/slot"),
            ("origin", "/origin"),
            ("since", "/updated"),
        ],
        0,
    );
    text.push_str(&certificate::all_in_words(
        show::items(identity, "/certificates"),
        "Certificate",
        0,
    ));
    text
}
