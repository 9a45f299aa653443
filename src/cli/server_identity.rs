//! `realmgate server-identity …`: the certificates that our listeners show.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::certificate;
use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::flag;
use crate::cli::session::{Asking, Session, say};
use crate::cli::show::{self, Column};
use crate::client::path::Path;
use crate::pki::upload;

/// What to do with server identities.
#[derive(Clone, Debug, Subcommand)]
pub enum ServerIdentityVerb {
    /// List what each listener shows to clients, and what realms' own mTLS hosts do
    List {
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Show one identity with its certificates
    Show {
        /// Which: admin, or a gateway and an environment, like mtls-prod or external-test
        slot: String,
        /// That of this realm's own mTLS host
        #[arg(long, value_parser = flag::realm)]
        realm: Option<String>,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Put a real certificate and its key in place; served from the next handshake on
    Save {
        /// Which: admin, or a gateway and an environment, like mtls-prod or external-test
        #[arg(value_parser = flag::slot)]
        slot: String,
        /// On this realm's own mTLS host only (slot mtls-test or mtls-prod)
        #[arg(long, value_parser = flag::realm)]
        realm: Option<String>,
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
    /// Go back to a certificate made here, of our own server CA; a realm's host to that of the mtls gateway; served from the
    /// next handshake on
    Reset {
        /// Which: admin, or a gateway and an environment, like mtls-prod or external-test
        #[arg(value_parser = flag::slot)]
        slot: String,
        /// On this realm's own mTLS host only (slot mtls-test or mtls-prod)
        #[arg(long, value_parser = flag::realm)]
        realm: Option<String>,
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
    ("REALM", "/realm"),
    ("ORIGIN", "/origin"),
    ("SUBJECT", "/subject"),
    ("ENDS", "/notAfter"),
    ("SHA-256", "/fingerprint"),
];

/// What to do after the admin listener's certificate has changed: commands may not trust it.
const ADMIN_CHANGED: &str = "\
From now on commands on other machines need a CA file that vouches for it: give them REALMGATE_ADMIN_CA anew.\n\
On this machine admin-ca.pem in the data directory is made anew at the next start of the server.\n\
Where no command gets through any more, --admin-url with a name that is in the certificate does, and then\n  \
realmgate server-identity reset admin\n";

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
        ServerIdentityVerb::Show {
            slot,
            realm,
            asking,
        } => {
            let session = Session::open(asking)?;
            let all = match realm {
                Some(realm) => Path::of(&["realms", realm, "server-identities"]),
                None => Path::of(&["server-identities"]),
            };
            let answer = session.get(&all)?;
            let found = show::items(&answer, "/serverIdentities")
                .iter()
                .find(|item| {
                    show::text(item, "/slot") == *slot
                        && (realm.is_some() || item.get("realm").is_none())
                });
            let found = found.ok_or_else(|| CliError::NoSlot { slot: slot.clone() })?;
            session.print(found, in_words)
        }
        ServerIdentityVerb::Save {
            slot,
            realm,
            chain,
            key_file,
            asking,
        } => {
            let path = place(slot, realm.as_deref())?;
            let chain_text = files::text(chain)?;
            let body = json!({ "chain": chain_text, "key": files::text(key_file)? });
            let session = Session::open(asking)?;
            if slot == "admin" {
                ask_about_names(&session, &chain_text, asking)?;
            }
            let answer = session.put(&path, &body)?;
            session.print_change(
                &answer,
                &format!(
                    "{} shows the certificate from {}",
                    whose(slot, realm.as_deref()),
                    chain.display()
                ),
            )?;
            if slot == "admin" && !session.json() {
                say(ADMIN_CHANGED)?;
            }
            Ok(())
        }
        ServerIdentityVerb::Reset {
            slot,
            realm,
            asking,
        } => {
            let path = place(slot, realm.as_deref())?;
            let session = Session::open(asking)?;
            let (affected, shows) = match realm {
                None => (
                    "clients must trust our own server CA again ('realmgate server-identity ca')"
                        .to_owned(),
                    "a certificate of our own server CA".to_owned(),
                ),
                Some(realm) => (
                    format!("clients of realm {realm} must trust what {slot} shows"),
                    format!("the certificate of {slot}"),
                ),
            };
            let whose = whose(slot, realm.as_deref());
            asking.yes.confirm(
                &format!("end the use of the certificate that {whose} shows now"),
                &[affected],
            )?;
            let answer = session.delete(&path)?;
            session.print_change(&answer, &format!("{whose} shows {shows}"))
        }
        ServerIdentityVerb::Ca { asking } => {
            let session = Session::open(asking)?;
            say(&session.get_text(&Path::of(&["server-ca"]))?)
        }
    }
}

/// A realm has a host of its own on the mtls gateway only.
fn place(slot: &str, realm: Option<&str>) -> Result<Path, CliError> {
    let Some(realm) = realm else {
        return Ok(Path::of(&["server-identities", slot]));
    };
    match slot.strip_prefix("mtls-") {
        Some(environment) => Ok(Path::of(&[
            "realms",
            realm,
            "server-identities",
            environment,
        ])),
        None => Err(CliError::NoRealmsSlot {
            slot: slot.to_owned(),
        }),
    }
}

fn whose(slot: &str, realm: Option<&str>) -> String {
    match realm {
        Some(realm) => format!("the host of realm {realm} on {slot}"),
        None => slot.to_owned(),
    }
}

/// A certificate of the admin listener that does not name the server as we reach it would lock us out.
fn ask_about_names(session: &Session, chain: &str, asking: &Asking) -> Result<(), CliError> {
    let uploaded = upload::read(chain.as_bytes(), None).ok();
    let leaf = uploaded
        .as_ref()
        .and_then(|found| found.certificates.first());
    let Some(host) = leaf.and_then(|leaf| session.unnamed_host(leaf.der())) else {
        return Ok(());
    };
    let affected = "reach it by a name that is in the certificate from then on (--admin-url)";
    asking.yes.confirm(
        &format!(
            "let the server show a certificate that does not name '{host}', by which you reach it"
        ),
        &[affected.to_owned()],
    )
}

fn in_words(identity: &Value) -> String {
    let mut text = show::sheet(
        identity,
        &[
            ("slot", "/slot"),
            ("realm", "/realm"),
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
