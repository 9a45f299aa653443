//! `realmgate endpoint …`: the sheet to hand to those who call.

use clap::Subcommand;
use serde_json::Value;

use crate::cli::error::CliError;
use crate::cli::flag;
use crate::cli::session::{Asking, Session};
use crate::cli::show;
use crate::cli::table::{Table, plain};
use crate::client::path::Path;

/// What to do with endpoints.
#[derive(Clone, Debug, Subcommand)]
pub enum EndpointVerb {
    /// List the URLs of what a realm has deployed
    List {
        /// Whose
        #[arg(long, value_parser = flag::realm)]
        realm: String,
        /// Only those of this environment
        #[arg(long, value_parser = ["test", "prod"])]
        environment: Option<String>,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Show the endpoint sheet: hosts, URLs, server certificate, calls to paste
    Show {
        /// Whose
        #[arg(long, value_parser = flag::realm)]
        realm: String,
        /// Only that of this environment
        #[arg(long, value_parser = ["test", "prod"])]
        environment: Option<String>,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
}

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &EndpointVerb) -> Result<(), CliError> {
    let (EndpointVerb::List {
        realm,
        environment,
        asking,
    }
    | EndpointVerb::Show {
        realm,
        environment,
        asking,
    }) = verb;
    let session = Session::open(asking)?;
    let path =
        Path::of(&["realms", realm, "endpoints"]).with("environment", environment.as_deref());
    let answer = session.get(&path)?;
    session.print(
        &answer,
        match verb {
            EndpointVerb::List { .. } => urls_in_words,
            EndpointVerb::Show { .. } => sheets_in_words,
        },
    )
}

fn urls_in_words(answer: &Value) -> String {
    let mut table = Table::new(&["ENVIRONMENT", "PIPELINE", "GATEWAY", "URL"]);
    for sheet in show::items(answer, "/endpoints") {
        for pipeline in show::items(sheet, "/pipelines") {
            for (gateway, url) in urls(pipeline) {
                let name = format!(
                    "{} v{}",
                    show::text(pipeline, "/name"),
                    show::text(pipeline, "/major")
                );
                table.push([
                    show::text(sheet, "/environment"),
                    name,
                    gateway.to_owned(),
                    url,
                ]);
            }
        }
    }
    if table.is_empty() {
        "Nothing of this realm can be called yet.\n".to_owned()
    } else {
        table.to_text()
    }
}

fn urls(pipeline: &Value) -> impl Iterator<Item = (&'static str, String)> {
    [
        ("mtls", "/mtlsUrl"),
        ("mtls, shared", "/sharedMtlsUrl"),
        ("external", "/externalUrl"),
        ("internal", "/internalUrl"),
    ]
    .into_iter()
    .filter_map(|(gateway, pointer)| Some((gateway, show::some_text(pipeline, pointer)?)))
}

fn sheets_in_words(answer: &Value) -> String {
    let sheets = show::items(answer, "/endpoints").iter().map(sheet_in_words);
    sheets.collect::<Vec<_>>().join("\n")
}

fn sheet_in_words(sheet: &Value) -> String {
    let mut text = format!("== {} ==\n", show::text(sheet, "/environment"));
    let rows = [
        ("mTLS", "/mtls"),
        ("mTLS host", "/mtlsHost"),
        ("shared mTLS host", "/sharedMtlsHost"),
        ("external host", "/externalHost"),
        ("internal host", "/internalHost"),
        ("server certificate", "/serverCertificate/subject"),
        ("valid until", "/serverCertificate/notAfter"),
        ("SHA-256", "/serverCertificate/fingerprintColons"),
        ("", "/serverCertificate/fingerprint"),
    ];
    text.push_str(&show::sheet(sheet, &rows, 0));
    if let Some(note) = show::some_text(sheet, "/note") {
        text.push_str(&format!("{}\n", plain(&note)));
    }
    for pipeline in show::items(sheet, "/pipelines") {
        text.push_str(&format!(
            "\n{} v{}\n",
            show::text(pipeline, "/name"),
            show::text(pipeline, "/major")
        ));
        for (gateway, url) in urls(pipeline) {
            text.push_str(&format!("  {gateway:<12}  {}\n", plain(&url)));
        }
    }
    if let Some(calls) = sheet.pointer("/calls").and_then(Value::as_object) {
        for (tool, call) in calls {
            text.push_str(&format!("\n-- {tool} --\n{}\n", lines(call)));
        }
    }
    let unresolved = [
        ("In the hosts file", "/hostsFileLine"),
        ("Or for curl", "/resolveFlag"),
    ];
    let there: Vec<String> = unresolved
        .into_iter()
        .filter_map(|(label, pointer)| {
            Some(format!(
                "  {label}: {}\n",
                plain(&show::some_text(sheet, pointer)?)
            ))
        })
        .collect();
    if !there.is_empty() {
        text.push_str(&format!(
            "\nWhere the host names do not resolve:\n{}",
            there.concat()
        ));
    }
    text
}

fn lines(call: &Value) -> String {
    let text = call.as_str().unwrap_or_default();
    // A tab is a control character to `plain`; in a program it is an indent.
    let indented = |line: &str| plain(&line.replace('\t', "    "));
    text.lines().map(indented).collect::<Vec<_>>().join("\n")
}
