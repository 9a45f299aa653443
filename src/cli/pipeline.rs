//! `realmgate pipeline …`

use std::path::{Path as FilePath, PathBuf};

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::flag;
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
        #[arg(long, value_parser = flag::realm)]
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
    /// Make or change a pipeline; what is not given stays as it is, and what is deployed until it is deployed again
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
    #[arg(value_parser = flag::pipeline)]
    name: String,
    /// Its major version
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    major: u16,
    /// Whose
    #[arg(long, value_parser = flag::realm)]
    realm: String,
}

/// A pipeline, from a file or from flags. Of one that is there already, flags change what they name and nothing else; a
/// file takes the place of all of it.
#[derive(Clone, Debug, clap::Args)]
pub struct Save {
    /// Which one.
    #[command(flatten)]
    which: Which,
    /// All of it: TOML (or JSON, where the name ends in .json) with the tables trigger and handler, as in a manifest
    #[arg(long, value_name = "FILE", conflicts_with_all = ["trigger_type", "request_content_types", "response_content_types", "methods", "timeout_ms", "request_size_mb", "external", "internal", "mtls", "client_rule", "route", "response_header", "handler", "document", "connection", "readable_identity_headers", "x_forwarded_client_cert"])]
    file: Option<PathBuf>,
    /// Its trigger's type; a new pipeline's is rest where it is left out
    #[arg(long = "type", value_name = "TYPE", value_parser = ["rest", "http"])]
    trigger_type: Option<String>,
    /// http: content types of requests that are admitted, with commas, such as application/json or image/*
    /// (*/*: all of them)
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = flag::media_range)]
    request_content_types: Vec<String>,
    /// http: content types that answers may have, with commas; application/json where it is left out
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = flag::media_range)]
    response_content_types: Vec<String>,
    /// Admitted methods, with commas; a new pipeline admits all where it is left out
    #[arg(long, value_delimiter = ',', value_parser = flag::method)]
    methods: Vec<String>,
    /// How long the answer may take, in milliseconds
    #[arg(long, value_parser = flag::timeout_ms)]
    timeout_ms: Option<u32>,
    /// The largest request body, in MB
    #[arg(long, value_parser = flag::request_size_mb)]
    request_size_mb: Option<u32>,
    /// Publish it on the external gateway; must be stated where --mtls is new
    #[arg(long, value_name = "true|false")]
    external: Option<bool>,
    /// Publish it on the internal gateway (--internal=false: no longer)
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    internal: Option<bool>,
    /// Publish it on the mtls gateway: mTLS enabled API (--mtls=false: no longer)
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    mtls: Option<bool>,
    /// Which verified clients may call on the mtls gateway: a CEL expression over the facts of docs/client-rules.md, such
    /// as 'client.cn.exists(cn, cn.startsWith("svc-"))' ('' takes the rule away)
    #[arg(long, value_name = "CEL", value_parser = flag::client_rule)]
    client_rule: Option<String>,
    /// An additional route, such as /products/:id; may be given several times, and takes the place of all former ones
    #[arg(long, value_name = "ROUTE", value_parser = flag::route)]
    route: Vec<String>,
    /// A header of the answer; may be given several times, and takes the place of all former ones
    #[arg(long, value_name = "NAME: VALUE")]
    response_header: Vec<String>,
    /// What answers: echo, mock or upstream
    #[arg(long, value_parser = ["echo", "mock", "upstream"])]
    handler: Option<String>,
    /// mock: the answer, a JSON value that may hold {{ … }} expressions
    #[arg(long, value_name = "JSON")]
    document: Option<String>,
    /// upstream: the connection that calls are passed on to
    #[arg(long, value_parser = flag::connection)]
    connection: Option<String>,
    /// upstream: hand over readable X-Client-Cert-* headers (…=false: no longer)
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    readable_identity_headers: Option<bool>,
    /// upstream: hand over X-Forwarded-Client-Cert (…=false: no longer)
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    x_forwarded_client_cert: Option<bool>,
    /// How the server is asked.
    #[command(flatten)]
    asking: Asking,
}

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("MAJOR", "/major"),
    ("REVISION", "/revision"),
    ("TRIGGER", "/trigger/type"),
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
            let of_file = save.file.as_deref().map(of_file).transpose()?;
            let session = Session::open(&save.asking)?;
            let body = match of_file {
                Some(body) => body,
                None => save.change(&session.find(&save.which.path())?.unwrap_or_default())?,
            };
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

fn of_file(path: &FilePath) -> Result<Value, CliError> {
    let body: PipelineBody = files::document(path)?;
    serde_json::to_value(&body).map_err(|source| CliError::Encode { source })
}

impl Save {
    /// The pipeline as it is to be; `present` is the one that is there, or null.
    fn change(&self, present: &Value) -> Result<Value, CliError> {
        Ok(json!({ "trigger": self.trigger(present)?, "handler": self.handler(present)? }))
    }

    fn trigger(&self, present: &Value) -> Result<Value, CliError> {
        let mtls_before = present.pointer("/trigger/mtls") == Some(&json!(true));
        if self.mtls == Some(true) && !mtls_before && self.external.is_none() {
            return Err(CliError::ExternalNotStated);
        }
        let mut trigger = object(present, "/trigger");
        let before = trigger
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("rest");
        let kind = self.trigger_type.as_deref().unwrap_or(before).to_owned();
        if kind == "rest" {
            // What only an http trigger has goes with its type.
            trigger.remove("request-content-types");
            trigger.remove("response-content-types");
        }
        trigger.insert("type".to_owned(), json!(kind));
        let listed = |types: &[String]| (!types.is_empty()).then(|| json!(types));
        let methods = (!self.methods.is_empty()).then(|| json!(self.methods));
        let routes = (!self.route.is_empty()).then(|| json!(self.route));
        let given = [
            ("request-content-types", listed(&self.request_content_types)),
            (
                "response-content-types",
                listed(&self.response_content_types),
            ),
            ("methods", methods),
            ("timeout-ms", self.timeout_ms.map(Value::from)),
            ("request-size-mb", self.request_size_mb.map(Value::from)),
            ("external", self.external.map(Value::from)),
            ("internal", self.internal.map(Value::from)),
            ("mtls", self.mtls.map(Value::from)),
            ("routes", routes),
            ("response-headers", self.response_headers()?),
        ];
        set(&mut trigger, given);
        match self.client_rule.as_deref() {
            Some("") => {
                trigger.remove("client-rule");
            }
            Some(rule) => {
                trigger.insert("client-rule".to_owned(), json!(rule));
            }
            None => {}
        }
        Ok(Value::Object(trigger))
    }

    fn response_headers(&self) -> Result<Option<Value>, CliError> {
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
        Ok((!headers.is_empty()).then_some(Value::Object(headers)))
    }

    fn handler(&self, present: &Value) -> Result<Value, CliError> {
        let before = present.pointer("/handler/type").and_then(Value::as_str);
        let Some(kind) = self.handler.as_deref().or(before) else {
            return Err(CliError::NoHandler {
                pipeline: self.which.told(),
            });
        };
        let mut handler = if before == Some(kind) {
            object(present, "/handler")
        } else {
            Map::new()
        };
        let given = [
            ("type", Some(json!(kind))),
            ("document", self.document()?),
            ("connection", self.connection.clone().map(Value::from)),
            (
                "readable-identity-headers",
                self.readable_identity_headers.map(Value::from),
            ),
            (
                "x-forwarded-client-cert",
                self.x_forwarded_client_cert.map(Value::from),
            ),
        ];
        set(&mut handler, given);
        let needs = match kind {
            "mock" => Some(("document", "--document")),
            "upstream" => Some(("connection", "--connection")),
            _ => None,
        };
        match needs {
            Some((key, flag)) if !handler.contains_key(key) => Err(CliError::HandlerLacks {
                handler: kind.to_owned(),
                flag,
            }),
            Some(_) | None => Ok(Value::Object(handler)),
        }
    }

    fn document(&self) -> Result<Option<Value>, CliError> {
        let Some(document) = &self.document else {
            return Ok(None);
        };
        let value = serde_json::from_str(document).map_err(|_| CliError::Flag {
            flag: "--document",
            found: document.chars().take(80).collect(),
            expected: "a JSON value, like '{\"hello\": \"{{ message.client.subject }}\"}'",
        })?;
        Ok(Some(value))
    }
}

fn object(value: &Value, pointer: &str) -> Map<String, Value> {
    let object = value.pointer(pointer).and_then(Value::as_object);
    object.cloned().unwrap_or_default()
}

fn set<const N: usize>(object: &mut Map<String, Value>, given: [(&str, Option<Value>); N]) {
    for (key, value) in given {
        if let Some(value) = value {
            object.insert(key.to_owned(), value);
        }
    }
}

fn in_words(answer: &Value) -> String {
    let rows = [
        ("name", "/name"),
        ("major", "/major"),
        ("revision", "/revision"),
        ("saved", "/updated"),
        ("deployed in", "/deployedIn"),
        ("trigger", "/trigger/type"),
        ("request types", "/trigger/request-content-types"),
        ("response types", "/trigger/response-content-types"),
        ("methods", "/trigger/methods"),
        ("timeout (ms)", "/trigger/timeout-ms"),
        ("request size (MB)", "/trigger/request-size-mb"),
        ("external", "/trigger/external"),
        ("internal", "/trigger/internal"),
        ("mTLS enabled API", "/trigger/mtls"),
        ("client rule", "/trigger/client-rule"),
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
