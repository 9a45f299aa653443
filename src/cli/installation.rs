//! `realmgate installation …`

use std::path::PathBuf;

use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

use crate::cli::ask::Yes;
use crate::cli::certificate;
use crate::cli::error::CliError;
use crate::cli::flag;
use crate::cli::impact;
use crate::cli::session::{Asking, Session};
use crate::cli::show::{self, Column};
use crate::cli::table::plain;
use crate::cli::{key_proof, moving};
use crate::client::path::Path;
use crate::pki::fingerprint::Fingerprint;

/// What to do with installations.
#[derive(Clone, Debug, Subcommand)]
pub enum InstallationVerb {
    /// List installations, past and present
    List {
        /// Whose
        #[arg(long, value_parser = flag::realm)]
        realm: String,
        /// Only those of this environment
        #[arg(long, value_parser = ["test", "prod"])]
        environment: Option<String>,
        /// Only those of this account
        #[arg(long, value_parser = flag::account)]
        account: Option<String>,
        /// Only those in this state
        #[arg(long, value_parser = ["requested", "installed", "retiring", "rejected", "removed"])]
        state: Option<String>,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Show an installation: every certificate decoded, what there is to know, and how to install it
    Show {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Ask an operator to install an account's certificates
    Request {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Put the requested certificates to work as trust anchors
    Install {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// The account's revision that you reviewed ('installation show' names it)
        #[arg(long)]
        revision: u64,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Turn a request down
    Reject {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// Why, for the realm's people to read
        #[arg(long)]
        reason: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Take the certificates out of work at once, or withdraw the request
    Remove {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Announce that the certificates will go; they stay at work until they are removed
    Retire {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// Until when they are to stay, like 2027-06-30 or 2027-06-30T12:00:00Z
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Take that announcement back
    Keep {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Show how to prove that you hold the keys of the CAs, with the commands for openssl
    Challenge {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// Write the texts to be signed into this directory, a file for each CA
        #[arg(long, value_name = "DIRECTORY")]
        out: Option<PathBuf>,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Prove that you hold the key of a CA: with a signature over its challenge, or a certificate that bears it
    ProveKey {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// The proof.
        #[command(flatten)]
        proof: Proof,
        /// The SHA-256 of the CA's certificate; left out, whichever of the account's it is a proof of
        #[arg(long, value_name = "SHA256", value_parser = flag::sha256)]
        ca: Option<Fingerprint>,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Install in prod what is installed in test: shows what changes, then asks
    Promote {
        /// Whose
        #[arg(long, value_parser = flag::realm)]
        realm: String,
        /// Only the certificates of this account
        #[arg(long, value_parser = flag::account)]
        account: Option<String>,
        /// Only show what would change
        #[arg(long)]
        dry_run: bool,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Bring back what was installed before the latest change: shows what changes, then asks
    Restore {
        /// Whose
        #[arg(long, value_parser = flag::realm)]
        realm: String,
        /// Where
        #[arg(long, value_parser = ["test", "prod"])]
        environment: String,
        /// Only the certificates of this account
        #[arg(long, value_parser = flag::account)]
        account: Option<String>,
        /// Only show what would change
        #[arg(long)]
        dry_run: bool,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
}

/// A proof: one of the two.
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Proof {
    /// The signature over the challenge, as openssl wrote it; '-' is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<PathBuf>,
    /// A certificate (PEM or DER) that the CA issued over the challenge; '-' is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
}

/// An account's installation in an environment.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// Whose
    #[arg(long, value_parser = flag::realm)]
    realm: String,
    /// Where
    #[arg(long, value_parser = ["test", "prod"])]
    environment: String,
    /// Which account
    #[arg(long, value_parser = flag::account)]
    account: String,
}

/// How many clients that a removal cuts are named.
const CUT_NAMED_MAX: usize = 10;

const COLUMNS: &[Column] = &[
    ("ENVIRONMENT", "/environment"),
    ("ACCOUNT", "/account"),
    ("STATE", "/state"),
    ("UNTIL", "/until"),
    ("REVISION", "/accountRevision"),
    ("REQUESTED", "/requestedAt"),
    ("BY", "/requestedBy"),
    ("SUBJECTS", "/subjects"),
];

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &InstallationVerb) -> Result<(), CliError> {
    match verb {
        InstallationVerb::List {
            realm,
            environment,
            account,
            state,
            asking,
        } => {
            let session = Session::open(asking)?;
            let path = Path::of(&["realms", realm, "installations"])
                .with("environment", environment.as_deref())
                .with("account", account.as_deref())
                .with("state", state.as_deref());
            let answer = session.get(&path)?;
            let empty =
                "There are no such installations: 'realmgate installation request' asks for one.";
            session.print(&answer, |answer| {
                show::list(show::items(answer, "/installations"), COLUMNS, empty)
            })
        }
        InstallationVerb::Show { which, asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&which.path(None))?;
            session.print(&answer, |answer| in_words(answer, which))
        }
        InstallationVerb::Request { which, asking } => {
            let session = Session::open(asking)?;
            let answer = session.post(&which.path(Some("request")), &json!({}))?;
            session.print_change(
                &answer,
                &format!("the installation of {} is requested", which.told()),
            )
        }
        InstallationVerb::Install {
            which,
            revision,
            asking,
        } => {
            let session = Session::open(asking)?;
            let (path, body) = (which.path(Some("install")), json!({ "revision": revision }));
            let deed = format!("install {}", which.told());
            let answer = session.change_asking((&Method::POST, &path, &body), asking.yes, &deed)?;
            session.print_change(&answer, &format!("{} is installed", which.told()))
        }
        InstallationVerb::Reject {
            which,
            reason,
            asking,
        } => {
            let session = Session::open(asking)?;
            let answer = session.post(&which.path(Some("reject")), &json!({ "reason": reason }))?;
            session.print_change(
                &answer,
                &format!("the request for {} is rejected", which.told()),
            )
        }
        InstallationVerb::Remove { which, asking } => {
            let session = Session::open(asking)?;
            let remove = which.path(Some("remove"));
            let cut = if asking.yes.yes {
                "any".to_owned()
            } else {
                which.ask_to_remove(&session, asking.yes)?
            };
            let answer = session.post(&remove.with("cut", Some(&cut)), &json!({}))?;
            session.print_change(&answer, &format!("{} is removed", which.told()))
        }
        InstallationVerb::Retire {
            which,
            until,
            asking,
        } => {
            let session = Session::open(asking)?;
            let answer = session.post(&which.path(Some("retire")), &json!({ "until": until }))?;
            session.print_change(
                &answer,
                &format!(
                    "{} is retiring, and its clients are let in until it is removed",
                    which.told()
                ),
            )
        }
        InstallationVerb::Keep { which, asking } => {
            let session = Session::open(asking)?;
            let answer = session.post(&which.path(Some("keep")), &json!({}))?;
            session.print_change(&answer, &format!("{} stays installed", which.told()))
        }
        InstallationVerb::Challenge { which, out, asking } => {
            key_proof::challenge(which, out.as_deref(), asking)
        }
        InstallationVerb::ProveKey {
            which,
            proof,
            ca,
            asking,
        } => key_proof::prove(which, proof, *ca, asking),
        InstallationVerb::Promote {
            realm,
            account,
            dry_run,
            asking,
        } => moving::promote(realm, account.as_deref(), *dry_run, asking),
        InstallationVerb::Restore {
            realm,
            environment,
            account,
            dry_run,
            asking,
        } => moving::restore(realm, environment, account.as_deref(), *dry_run, asking),
    }
}

impl Which {
    #[cfg(test)]
    pub(crate) fn of(realm: &str, environment: &str, account: &str) -> Self {
        Self {
            realm: realm.to_owned(),
            environment: environment.to_owned(),
            account: account.to_owned(),
        }
    }

    pub(crate) fn path(&self, verb: Option<&str>) -> Path {
        let mut segments = vec![
            "realms",
            &self.realm,
            "installations",
            &self.environment,
            &self.account,
        ];
        segments.extend(verb);
        Path::of(&segments)
    }

    pub(crate) fn told(&self) -> String {
        format!(
            "account {} of realm {} in {}",
            self.account, self.realm, self.environment
        )
    }

    /// Asks before clients are cut, by name; answers with how many those are.
    fn ask_to_remove(&self, session: &Session, yes: Yes) -> Result<String, CliError> {
        let mut affected = self.affected(session)?;
        let impact = impact::path(&self.realm, &self.environment);
        let impact = session.post(&impact, &json!({ "remove": [self.account] }))?;
        let count = impact::count(&impact, "/cutCount");
        let cut = show::items(&impact, "/cut");
        affected.extend(impact::cut_in_words(cut, count, CUT_NAMED_MAX));
        // Without a terminal nobody sees the names: `realmgate impact` has them.
        let deed = match count {
            0 => format!("remove {}", self.told()),
            _ => format!("remove {}, {}", self.told(), impact::cutting(count)),
        };
        yes.confirm(&deed, &affected)?;
        Ok(count.to_string())
    }

    fn affected(&self, session: &Session) -> Result<Vec<String>, CliError> {
        let shown = session.get(&self.path(None))?;
        let anchors = show::items(&shown, "/certificates").iter();
        Ok(anchors
            .map(|anchor| {
                format!(
                    "clients of {} are let in no more",
                    plain(&show::text(anchor, "/subject"))
                )
            })
            .collect())
    }
}

fn in_words(answer: &Value, which: &Which) -> String {
    let rows = [
        ("realm", "/realm"),
        ("environment", "/environment"),
        ("account", "/account"),
        ("revision", "/accountRevision"),
        ("state", "/state"),
        ("requested", "/requestedAt"),
        ("by", "/requestedBy"),
        ("decided", "/decidedAt"),
        ("decided by", "/decidedBy"),
        ("reason", "/reason"),
        ("until", "/until"),
        ("promoted from", "/promotes"),
        ("restores", "/restores"),
    ];
    let mut text = show::sheet(answer, &rows, 0);
    text.push('\n');
    text.push_str(&certificate::all_in_words(
        show::items(answer, "/certificates"),
        "Certificate",
        0,
    ));
    text.push_str(&certificate::all_in_words(
        show::items(answer, "/helpers"),
        "Helper",
        0,
    ));
    let remarks = show::items(answer, "/remarks");
    if remarks.is_empty() {
        text.push_str("\nNothing to remark.\n");
    } else {
        text.push_str("\nTo know before installing:\n");
        for remark in remarks {
            text.push_str(&format!(
                "  - {}\n",
                plain(remark.as_str().unwrap_or_default())
            ));
        }
    }
    text.push_str(&proofs(answer));
    let changes = [
        ("Anchor that would be new", "/difference/added"),
        ("Anchor that would go", "/difference/removed"),
        ("Helper that would be new", "/difference/helpersAdded"),
        ("Helper that would go", "/difference/helpersRemoved"),
    ];
    for (label, pointer) in changes {
        for certificate in show::items(answer, pointer) {
            let (subject, fingerprint) = (
                show::text(certificate, "/subject"),
                show::text(certificate, "/fingerprint"),
            );
            text.push_str(&format!("{label}: {} ({fingerprint})\n", plain(&subject)));
        }
    }
    text.push_str(&history(answer));
    if show::text(answer, "/state") == "requested" {
        text.push_str(&format!(
            "\nAn operator installs exactly these certificates with:\n  {}\nand turns the request down with:\n  {}\n",
            command(
                which,
                &format!(
                    "install --revision {}",
                    show::text(answer, "/accountRevision")
                )
            ),
            command(which, "reject --reason 'WHY'"),
        ));
    }
    text
}

/// Of which of its CAs the key was proven.
fn proofs(answer: &Value) -> String {
    let proven = show::items(answer, "/proven");
    let lines = show::items(answer, "/certificates")
        .iter()
        .filter(|certificate| {
            certificate
                .get("fingerprint")
                .is_some_and(|fingerprint| proven.contains(fingerprint))
        })
        .map(|certificate| {
            format!(
                "Proven: the registrant holds the key of {}\n",
                plain(&show::text(certificate, "/subject"))
            )
        });
    lines.collect()
}

/// What became of earlier requests.
fn history(answer: &Value) -> String {
    let before = show::items(answer, "/history")
        .iter()
        .filter(|other| other.get("id") != answer.get("id"));
    let lines = before.map(|other| {
        let decided = show::some_text(other, "/decidedAt")
            .map(|at| format!(" at {at}"))
            .unwrap_or_default();
        format!(
            "Before: revision {}, {}{decided}\n",
            show::text(other, "/accountRevision"),
            show::text(other, "/state")
        )
    });
    lines.collect()
}

pub(crate) fn command(which: &Which, verb: &str) -> String {
    let (verb, rest) = verb.split_once(' ').unwrap_or((verb, ""));
    format!(
        "realmgate installation {verb} --realm {} --environment {} --account {} {rest}",
        which.realm, which.environment, which.account
    )
}
