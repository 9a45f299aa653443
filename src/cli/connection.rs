//! `realmgate connection …`

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::session::{Asking, Session};
use crate::cli::show::{self, Column};
use crate::client::path::Path;
use crate::manifest::document::ConnectionBody;

/// What to do with connections.
#[derive(Clone, Debug, Subcommand)]
pub enum ConnectionVerb {
    /// List a realm's connections
    List {
        /// Whose
        #[arg(long)]
        realm: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Show one connection
    Show {
        /// Its name
        name: String,
        /// Whose
        #[arg(long)]
        realm: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Make or change a connection; what is deployed uses it at once
    Save(Box<Save>),
    /// Remove a connection that nothing uses
    Delete {
        /// Its name
        name: String,
        /// Whose
        #[arg(long)]
        realm: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
}

/// A connection, from a file or from flags.
#[derive(Clone, Debug, clap::Args)]
pub struct Save {
    /// Its name
    name: String,
    /// Whose
    #[arg(long)]
    realm: String,
    /// TOML (or JSON, where the name ends in .json) with the keys of a manifest's connection
    #[arg(long, value_name = "FILE", conflicts_with_all = ["base_url", "base_url_test", "base_url_prod", "trust_account", "connect_timeout_ms", "idle_connections_max", "idle_timeout_ms"])]
    file: Option<PathBuf>,
    /// Where it leads, in both environments
    #[arg(long, value_name = "URL", required_unless_present_any = ["file", "base_url_test", "base_url_prod"], conflicts_with_all = ["base_url_test", "base_url_prod"])]
    base_url: Option<String>,
    /// Where it leads in test
    #[arg(long, value_name = "URL")]
    base_url_test: Option<String>,
    /// Where it leads in prod
    #[arg(long, value_name = "URL")]
    base_url_prod: Option<String>,
    /// The certificate-chain account whose certificates vouch for the server; the system's CAs where it is left out
    #[arg(long, value_name = "ACCOUNT")]
    trust_account: Option<String>,
    /// How long connecting may take, in milliseconds
    #[arg(long)]
    connect_timeout_ms: Option<u32>,
    /// How many unused connections each worker keeps
    #[arg(long)]
    idle_connections_max: Option<u16>,
    /// How long an unused connection is kept, in milliseconds
    #[arg(long)]
    idle_timeout_ms: Option<u32>,
    /// How the server is asked.
    #[command(flatten)]
    asking: Asking,
}

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("REVISION", "/revision"),
    ("TEST", "/base-url/test"),
    ("PROD", "/base-url/prod"),
    ("TRUSTS", "/trust"),
    ("USED BY", "/usedBy"),
];

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &ConnectionVerb) -> Result<(), CliError> {
    match verb {
        ConnectionVerb::List { realm, asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&Path::of(&["realms", realm, "connections"]))?;
            let empty =
                "There are no connections yet: make one with 'realmgate connection save NAME'.";
            session.print(&answer, |answer| {
                show::list(show::items(answer, "/connections"), COLUMNS, empty)
            })
        }
        ConnectionVerb::Show {
            name,
            realm,
            asking,
        } => {
            let session = Session::open(asking)?;
            let answer = session.get(&Path::of(&["realms", realm, "connections", name]))?;
            session.print(&answer, in_words)
        }
        ConnectionVerb::Save(save) => {
            let body = save.body()?;
            let session = Session::open(&save.asking)?;
            let answer = session.put(
                &Path::of(&["realms", &save.realm, "connections", &save.name]),
                &body,
            )?;
            session.print_change(
                &answer,
                &format!("connection {} of realm {} is saved", save.name, save.realm),
            )
        }
        ConnectionVerb::Delete {
            name,
            realm,
            asking,
        } => {
            let session = Session::open(asking)?;
            asking.yes.confirm(
                &format!("remove connection {name} of realm {realm}, for good"),
                &[],
            )?;
            let answer = session.delete(&Path::of(&["realms", realm, "connections", name]))?;
            session.print_change(
                &answer,
                &format!("connection {name} of realm {realm} is gone"),
            )
        }
    }
}

impl Save {
    fn body(&self) -> Result<Value, CliError> {
        if let Some(path) = &self.file {
            let body: ConnectionBody = files::document(path)?;
            return serde_json::to_value(&body).map_err(|source| CliError::Encode { source });
        }
        let per_environment = || {
            let urls = [("test", &self.base_url_test), ("prod", &self.base_url_prod)];
            let there = urls.into_iter().filter_map(|(environment, url)| {
                Some((environment.to_owned(), json!(url.as_ref()?)))
            });
            Value::Object(there.collect())
        };
        let mut body = Map::new();
        let base_url = self
            .base_url
            .as_ref()
            .map_or_else(per_environment, |url| json!(url));
        body.insert("base-url".to_owned(), base_url);
        let given = [
            (
                "trust",
                self.trust_account
                    .as_ref()
                    .map(|account| json!({ "account": account })),
            ),
            (
                "connect-timeout-ms",
                self.connect_timeout_ms.map(Value::from),
            ),
            (
                "idle-connections-max",
                self.idle_connections_max.map(Value::from),
            ),
            ("idle-timeout-ms", self.idle_timeout_ms.map(Value::from)),
        ];
        body.extend(
            given
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?))),
        );
        Ok(Value::Object(body))
    }
}

fn in_words(answer: &Value) -> String {
    let rows = [
        ("name", "/name"),
        ("revision", "/revision"),
        ("saved", "/updated"),
        ("leads to (test)", "/base-url/test"),
        ("leads to (prod)", "/base-url/prod"),
        ("trusts", "/trust"),
        ("connect timeout (ms)", "/connect-timeout-ms"),
        ("idle connections", "/idle-connections-max"),
        ("idle timeout (ms)", "/idle-timeout-ms"),
        ("used by", "/usedBy"),
    ];
    show::sheet(answer, &rows, 0)
}
