//! `realmgate connection …`

use std::path::{Path as FilePath, PathBuf};

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::flag;
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
        #[arg(long, value_parser = flag::realm)]
        realm: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Show one connection
    Show {
        /// Its name
        #[arg(value_parser = flag::some_name)]
        name: String,
        /// Whose
        #[arg(long, value_parser = flag::realm)]
        realm: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Make or change a connection; what is not given stays as it is, and what is deployed uses it at once
    Save(Box<Save>),
    /// Remove a connection that nothing uses
    Delete {
        /// Its name
        #[arg(value_parser = flag::some_name)]
        name: String,
        /// Whose
        #[arg(long, value_parser = flag::realm)]
        realm: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
}

/// A connection, from a file or from flags. Of one that is there already, flags change what they name and nothing else; a
/// file takes the place of all of it.
#[derive(Clone, Debug, clap::Args)]
pub struct Save {
    /// Its name
    #[arg(value_parser = flag::connection)]
    name: String,
    /// Whose
    #[arg(long, value_parser = flag::realm)]
    realm: String,
    /// All of it: TOML (or JSON, where the name ends in .json) with the keys of a manifest's connection
    #[arg(long, value_name = "FILE", conflicts_with_all = ["base_url", "base_url_test", "base_url_prod", "trust_account", "connect_timeout_ms", "idle_connections_max", "idle_timeout_ms"])]
    file: Option<PathBuf>,
    /// Where it leads, in both environments
    #[arg(long, value_name = "URL", value_parser = flag::base_url, conflicts_with_all = ["base_url_test", "base_url_prod"])]
    base_url: Option<String>,
    /// Where it leads in test
    #[arg(long, value_name = "URL", value_parser = flag::base_url)]
    base_url_test: Option<String>,
    /// Where it leads in prod
    #[arg(long, value_name = "URL", value_parser = flag::base_url)]
    base_url_prod: Option<String>,
    /// The certificate-chain account whose certificates vouch for the server; a new connection trusts the system's CAs
    /// where it is left out
    #[arg(long, value_name = "ACCOUNT", value_parser = flag::account)]
    trust_account: Option<String>,
    /// Trust the system's CAs rather than an account
    #[arg(long, conflicts_with_all = ["trust_account", "file"])]
    trust_system: bool,
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
            let path = Path::of(&["realms", &save.realm, "connections", &save.name]);
            let of_file = save.file.as_deref().map(of_file).transpose()?;
            let session = Session::open(&save.asking)?;
            let body = match of_file {
                Some(body) => body,
                None => save.change(&session.find(&path)?.unwrap_or_default())?,
            };
            let answer = session.put(&path, &body)?;
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

fn of_file(path: &FilePath) -> Result<Value, CliError> {
    let body: ConnectionBody = files::document(path)?;
    serde_json::to_value(&body).map_err(|source| CliError::Encode { source })
}

impl Save {
    /// The connection as it is to be; `present` is the one that is there, or null.
    fn change(&self, present: &Value) -> Result<Value, CliError> {
        let trust = match &self.trust_account {
            Some(account) => Some(json!({ "account": account })),
            None => self.trust_system.then(|| json!("system")),
        };
        let given = [
            ("base-url", self.base_url(present)),
            ("trust", trust),
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
        let mut body = Map::new();
        for (key, value) in given {
            if let Some(value) = value.or_else(|| present.get(key).cloned()) {
                body.insert(key.to_owned(), value);
            }
        }
        if body.contains_key("base-url") {
            Ok(Value::Object(body))
        } else {
            Err(CliError::NoBaseUrl {
                name: self.name.clone(),
            })
        }
    }

    fn base_url(&self, present: &Value) -> Option<Value> {
        if let Some(url) = &self.base_url {
            return Some(json!(url));
        }
        let given = [("test", &self.base_url_test), ("prod", &self.base_url_prod)];
        if given.iter().all(|(_, url)| url.is_none()) {
            return None;
        }
        let mut urls = match present.get("base-url") {
            Some(Value::Object(urls)) => urls.clone(),
            Some(url @ Value::String(_)) => ["test", "prod"]
                .map(|environment| (environment.to_owned(), url.clone()))
                .into_iter()
                .collect(),
            Some(_) | None => Map::new(),
        };
        for (environment, url) in given {
            if let Some(url) = url {
                urls.insert(environment.to_owned(), json!(url));
            }
        }
        Some(Value::Object(urls))
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
