//! `realmgate pipeline …`

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::session::{Asking, Session};
use crate::cli::show::{self, Column};
use crate::client::path::Path;
use crate::manifest::document::PipelineBody;

/// What to do with pipelines.
#[derive(Clone, Debug, Subcommand)]
pub enum PipelineVerb {
    /// List a realm's pipelines
    List {
        /// Whose
        #[arg(long)]
        realm: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Show one pipeline
    Show {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Make or change a pipeline; what is deployed stays as it is until it is deployed again
    Save(Box<Save>),
    /// Remove a pipeline that is deployed nowhere
    Delete {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
}

/// A pipeline of a realm.
#[derive(Clone, Debug, clap::Args)]
pub struct Which {
    /// Its name
    name: String,
    /// Its major version
    #[arg(long, default_value_t = 1)]
    major: u16,
    /// Whose
    #[arg(long)]
    realm: String,
}

/// A pipeline, from a file or from flags.
#[derive(Clone, Debug, clap::Args)]
pub struct Save {
    /// Which one.
    #[command(flatten)]
    which: Which,
    /// TOML (or JSON, where the name ends in .json) with the tables trigger and handler, as in a manifest
    #[arg(long, value_name = "FILE", conflicts_with_all = ["methods", "timeout_ms", "request_size_mb", "external", "internal", "mtls", "route", "response_header", "handler", "document", "connection"])]
    file: Option<PathBuf>,
    /// Admitted methods, with commas; all where it is left out
    #[arg(long, value_delimiter = ',')]
    methods: Vec<String>,
    /// How long the answer may take, in milliseconds
    #[arg(long)]
    timeout_ms: Option<u32>,
    /// The largest request body, in MB
    #[arg(long)]
    request_size_mb: Option<u32>,
    /// Publish it on the external gateway; must be stated with --mtls
    #[arg(long, value_name = "true|false")]
    external: Option<bool>,
    /// Publish it on the internal gateway
    #[arg(long)]
    internal: bool,
    /// Publish it on the mtls gateway (mTLS enabled API)
    #[arg(long)]
    mtls: bool,
    /// An additional route, such as /products/:id; may be given several times
    #[arg(long, value_name = "ROUTE")]
    route: Vec<String>,
    /// A header of the answer; may be given several times
    #[arg(long, value_name = "NAME: VALUE")]
    response_header: Vec<String>,
    /// What answers: echo, mock or upstream
    #[arg(long, required_unless_present = "file", value_parser = ["echo", "mock", "upstream"])]
    handler: Option<String>,
    /// mock: the answer, a JSON value that may hold {{ … }} expressions
    #[arg(long, value_name = "JSON", required_if_eq("handler", "mock"))]
    document: Option<String>,
    /// upstream: the connection that calls are passed on to
    #[arg(long, required_if_eq("handler", "upstream"))]
    connection: Option<String>,
    /// upstream: hand over readable X-Client-Cert-* headers
    #[arg(long)]
    readable_identity_headers: bool,
    /// upstream: hand over X-Forwarded-Client-Cert
    #[arg(long)]
    x_forwarded_client_cert: bool,
    /// How the server is asked.
    #[command(flatten)]
    asking: Asking,
}

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("MAJOR", "/major"),
    ("REVISION", "/revision"),
    ("HANDLER", "/handler/type"),
    ("EXTERNAL", "/trigger/external"),
    ("INTERNAL", "/trigger/internal"),
    ("MTLS", "/trigger/mtls"),
    ("DEPLOYED IN", "/deployedIn"),
];

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &PipelineVerb) -> Result<(), CliError> {
    match verb {
        PipelineVerb::List { realm, asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&Path::of(&["realms", realm, "pipelines"]))?;
            let empty = "There are no pipelines yet: make one with 'realmgate pipeline save NAME'.";
            session.print(&answer, |answer| {
                show::list(show::items(answer, "/pipelines"), COLUMNS, empty)
            })
        }
        PipelineVerb::Show { which, asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&which.path())?;
            session.print(&answer, in_words)
        }
        PipelineVerb::Save(save) => {
            let body = save.body()?;
            let session = Session::open(&save.asking)?;
            let answer = session.put(&save.which.path(), &body)?;
            session.print_change(&answer, &format!("{} is saved", save.which.told()))
        }
        PipelineVerb::Delete { which, asking } => {
            let session = Session::open(asking)?;
            asking
                .yes
                .confirm(&format!("remove {}, for good", which.told()), &[])?;
            let answer = session.delete(&which.path())?;
            session.print_change(&answer, &format!("{} is gone", which.told()))
        }
    }
}

impl Which {
    fn path(&self) -> Path {
        Path::of(&[
            "realms",
            &self.realm,
            "pipelines",
            &self.name,
            &format!("v{}", self.major),
        ])
    }

    fn told(&self) -> String {
        format!(
            "pipeline {} v{} of realm {}",
            self.name, self.major, self.realm
        )
    }
}

impl Save {
    fn body(&self) -> Result<Value, CliError> {
        if let Some(path) = &self.file {
            let body: PipelineBody = files::document(path)?;
            return serde_json::to_value(&body).map_err(|source| CliError::Encode { source });
        }
        let mut trigger = Map::new();
        trigger.insert("type".to_owned(), json!("rest"));
        if !self.methods.is_empty() {
            trigger.insert("methods".to_owned(), json!(self.methods));
        }
        let given = [
            ("timeout-ms", self.timeout_ms.map(Value::from)),
            ("request-size-mb", self.request_size_mb.map(Value::from)),
            ("external", self.external.map(Value::from)),
        ];
        trigger.extend(
            given
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?))),
        );
        trigger.insert("internal".to_owned(), json!(self.internal));
        trigger.insert("mtls".to_owned(), json!(self.mtls));
        trigger.insert("routes".to_owned(), json!(self.route));
        let mut headers = Map::new();
        for header in &self.response_header {
            let wrong = || CliError::Flag {
                flag: "--response-header",
                found: header.clone(),
                expected: "a name, a colon and a value, like 'X-Served-By: realmgate'",
            };
            let (name, value) = header.split_once(':').ok_or_else(wrong)?;
            headers.insert(name.trim().to_owned(), json!(value.trim()));
        }
        trigger.insert("response-headers".to_owned(), Value::Object(headers));
        Ok(json!({ "trigger": trigger, "handler": self.handler()? }))
    }

    fn handler(&self) -> Result<Value, CliError> {
        let mut handler = Map::new();
        handler.insert("type".to_owned(), json!(self.handler));
        if let Some(document) = &self.document {
            let value: Value = serde_json::from_str(document).map_err(|_| CliError::Flag {
                flag: "--document",
                found: document.chars().take(80).collect(),
                expected: "a JSON value, like '{\"hello\": \"{{ message.client.subject }}\"}'",
            })?;
            handler.insert("document".to_owned(), value);
        }
        if let Some(connection) = &self.connection {
            handler.insert("connection".to_owned(), json!(connection));
        }
        for (key, on) in [
            ("readable-identity-headers", self.readable_identity_headers),
            ("x-forwarded-client-cert", self.x_forwarded_client_cert),
        ] {
            if on {
                handler.insert(key.to_owned(), json!(true));
            }
        }
        Ok(Value::Object(handler))
    }
}

fn in_words(answer: &Value) -> String {
    let rows = [
        ("name", "/name"),
        ("major", "/major"),
        ("revision", "/revision"),
        ("saved", "/updated"),
        ("deployed in", "/deployedIn"),
        ("methods", "/trigger/methods"),
        ("timeout (ms)", "/trigger/timeout-ms"),
        ("request size (MB)", "/trigger/request-size-mb"),
        ("external", "/trigger/external"),
        ("internal", "/trigger/internal"),
        ("mTLS enabled API", "/trigger/mtls"),
        ("routes", "/trigger/routes"),
        ("response headers", "/trigger/response-headers"),
        ("handler", "/handler/type"),
        ("document", "/handler/document"),
        ("connection", "/handler/connection"),
        ("readable identity", "/handler/readable-identity-headers"),
        ("X-Forwarded-C-C", "/handler/x-forwarded-client-cert"),
    ];
    show::sheet(answer, &rows, 0)
}
