//! Hostile certificates: whatever a client writes into them costs a bounded amount, and is never told raw.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::domain::environment::{Environment, Gateway};
use crate::pki::authority::{Authority, ClientRequest};
use crate::pki::certificate::Certificate;
use crate::pki::printable::is_unsafe;
use crate::prove::board::Rows;
use crate::prove::entrance::Entrance;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, Stage};
use crate::prove::throwaway::{ca_request, client_request, showing};
use crate::prove::tls::{Shows, Version};
use crate::prove::wire::Came;

/// How long the server may think about one client.
const THINKING_MAX: Duration = Duration::from_secs(2);
/// More certificates than any setting allows.
const MANY: usize = 101;
/// As many alternative names as go into one certificate that is still read.
const SANS: usize = 1_000;

/// Names that mean something to some program.
const NAMES: [&str; 8] = [
    "nul\0byte",
    "line\r\nX-Injected: 1",
    "line\nrealmgate: all is well",
    "\u{1b}[2Jterminal",
    "<script>alert(1)</script>",
    "right\u{202e}to left",
    "\"},{\"realm\":\"x",
    "{{ message.client.subject }}",
];

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let Some(at) = stage.door(Gateway::Mtls, rows) else {
        return Ok(());
    };
    many_names(stage, rows, at).await?;
    many_certificates(stage, rows, at).await?;
    names_with_a_meaning(stage, rows, at).await
}

/// A refusal or an answer, soon.
async fn soon(
    stage: &Stage,
    rows: &mut Rows,
    at: Entrance,
    what: &str,
    shows: &Shows,
) -> Result<(), ProveError> {
    for host in [stage.host(), stage.shared_host(Gateway::Mtls)] {
        let begun = Instant::now();
        let path = stage.path(CLOSED);
        let came = stage
            .get(at, &host, Some(shows), Version::V13, &path)
            .await?;
        let soon = begun.elapsed() < THINKING_MAX;
        let tried = format!("{host}: {what}");
        rows.add(
            tried,
            "refused within 2 s",
            &came,
            soon && came.is_refused(),
        );
    }
    Ok(())
}

async fn many_names(stage: &Stage, rows: &mut Rows, at: Entrance) -> Result<(), ProveError> {
    let nobody = Authority::self_signed(&ca_request("Nobody's CA", stage.validity()))?;
    let request = ClientRequest {
        sans: (0..SANS)
            .map(|number| format!("DNS:name-{number}.prove.invalid"))
            .collect(),
        ..client_request("many names", stage.validity())
    };
    let shows = showing(&nobody.issue_client(&request)?, &[]);
    let what = format!("a stranger's certificate with {SANS} alternative names");
    soon(stage, rows, at, &what, &shows).await?;
    let trusted = &stage.main(Environment::Prod).authority;
    let shows = showing(&trusted.issue_client(&request)?, &[]);
    let begun = Instant::now();
    let host = stage.host();
    let path = stage.path(CLOSED);
    let came = stage
        .get(at, &host, Some(&shows), Version::V13, &path)
        .await?;
    let soon = begun.elapsed() < THINKING_MAX;
    let tried = format!("{host}: a trusted certificate with {SANS} alternative names");
    let held = soon && (came.is_refused() || came.is_status(&[200]));
    rows.add(tried, "refused or served, within 2 s", &came, held);
    Ok(())
}

async fn many_certificates(stage: &Stage, rows: &mut Rows, at: Entrance) -> Result<(), ProveError> {
    let request = ca_request("Cross-signed CA", stage.validity());
    let mut last = Authority::self_signed(&request)?;
    let mut crossed = vec![last.certificate.clone()];
    while crossed.len() < MANY {
        last = last.subordinate(&request)?;
        crossed.push(last.certificate.clone());
    }
    let all: Vec<&Certificate> = crossed.iter().collect();
    let below = last.issue_client(&client_request("lost", stage.validity()))?;
    let few = all.get(..9).unwrap_or_default();
    let what = "a stranger behind 9 CAs of one name that signed each other";
    soon(stage, rows, at, what, &showing(&below, few)).await?;
    let what = format!("a stranger behind {MANY} CAs of one name that signed each other");
    soon(stage, rows, at, &what, &showing(&below, &all)).await?;
    let trusted = &stage.main(Environment::Prod).authority;
    let client = trusted.issue_client(&client_request("prove-client", stage.validity()))?;
    let what = format!("a trusted certificate, followed by {MANY} others");
    soon(stage, rows, at, &what, &showing(&client, &all)).await?;
    let request = ClientRequest {
        sans: (0..SANS)
            .map(|number| format!("DNS:name-{number}.prove.invalid"))
            .collect(),
        ..client_request("long", stage.validity())
    };
    let long = last.issue_client(&request)?.certificate;
    let longer: Vec<&Certificate> = std::iter::repeat_n(&long, 4).collect();
    let what = "a trusted certificate, followed by more than 64 KiB of others";
    soon(stage, rows, at, what, &showing(&client, &longer)).await
}

async fn names_with_a_meaning(
    stage: &Stage,
    rows: &mut Rows,
    at: Entrance,
) -> Result<(), ProveError> {
    let nobody = Authority::self_signed(&ca_request("Nobody's\r\nCA", stage.validity()))?;
    let trusted = &stage.main(Environment::Prod).authority;
    let (host, path) = (stage.host(), stage.path(CLOSED));
    for name in NAMES {
        let request = client_request(name, stage.validity());
        let shows = showing(&nobody.issue_client(&request)?, &[]);
        let came = stage
            .get(at, &host, Some(&shows), Version::V13, &path)
            .await?;
        let tried = format!("{host}: a stranger called {name:?}");
        rows.refused(tried, "alert unknown_ca or bad_certificate", &came);
        let shows = showing(&trusted.issue_client(&request)?, &[]);
        let came = stage
            .get(at, &host, Some(&shows), Version::V13, &path)
            .await?;
        let tried = format!("{host}: a trusted client called {name:?}");
        let expected = "refused, or 200 with the name in plain characters";
        let held = came.is_refused() || is_told_plainly(&came);
        rows.add(tried, expected, &came, held);
    }
    let told = stage.proof().refusals(100).await?;
    let mut texts: Vec<String> = Vec::new();
    for refusal in &told {
        texts.push(refusal.sentence.clone());
        if let Some(certificate) = &refusal.certificate {
            texts.extend([certificate.subject.clone(), certificate.issuer.clone()]);
        }
    }
    let raw = texts
        .iter()
        .filter(|text| text.chars().any(is_unsafe))
        .count();
    let shown = told.iter().filter(|one| one.certificate.is_some()).count();
    let came = format!("{shown} certificates in the journal, {raw} texts with raw characters");
    let tried = "the journal of refused clients, read back";
    if shown == 0 && raw == 0 {
        rows.not_tried(
            tried,
            "the journal tells of no certificate, which a setting may cause",
        );
    } else {
        let expected = "those certificates, in plain characters";
        rows.tell(tried, expected, &came, raw == 0);
    }
    Ok(())
}

/// Whether the pipeline was told the client's name in characters that mean nothing.
fn is_told_plainly(came: &Came) -> bool {
    let message: Value = came
        .body()
        .and_then(|body| serde_json::from_str(body).ok())
        .unwrap_or_default();
    let subject = message.pointer("/client/subject").and_then(Value::as_str);
    subject.is_some_and(|subject| !subject.chars().any(is_unsafe))
}
