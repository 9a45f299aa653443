//! Explain: a host that tells refused clients why lets them no further than that, whatever they ask for.

use crate::prove::entrance::Entrance;
use std::sync::Arc;

use rustls::AlertDescription;

use crate::domain::command::Command;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::trust_policy::{HandshakePolicy, TrustPolicy};
use crate::pki::authority::Authority;
use crate::prove::board::Rows;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, Stage, get};
use crate::prove::throwaway::{ca_request, client_request, showing};
use crate::prove::tls::{Shows, Version};
use crate::prove::wire::{self, Came, alert_name, request};

const ENVIRONMENT: Environment = Environment::Test;

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let Some(at) = stage.door(Gateway::Mtls, rows) else {
        return Ok(());
    };
    let nobody = Authority::self_signed(&ca_request("Nobody's CA", stage.validity()))?;
    let stranger = nobody.issue_client(&client_request("stranger", stage.validity()))?;
    let stranger = showing(&stranger, &[]);
    let clients = [
        ("no certificate", None, &["no-certificate"][..]),
        (
            "a certificate of a CA that nobody installed",
            Some(&stranger),
            // Its CA bears the name of the house that the anchors bear.
            &["unknown-issuer", "incomplete-chain"],
        ),
    ];
    save(stage, HandshakePolicy::Explain).await?;
    let host = stage.names().realm_host(ENVIRONMENT, stage.realm());
    for (what, shows, reasons) in clients {
        for version in Version::ALL {
            tell_apart(stage, rows, (at, &host), (what, shows, reasons), version).await?;
        }
    }
    let path = stage.path(CLOSED);
    let good = &stage.main(ENVIRONMENT).client;
    let came = stage
        .get(at, &host, Some(good), Version::V13, &path)
        .await?;
    let tried = format!("{host}: a trusted client, while refusals are explained");
    rows.served(tried, "200", &came, came.is_status(&[200]));
    let shared = stage.names().shared_host(Gateway::Mtls, ENVIRONMENT);
    refused(stage, rows, (at, shared), "while the realm's own explains").await?;
    save(stage, HandshakePolicy::Strict).await?;
    refused(stage, rows, (at, &host), "after refusals are strict again").await
}

/// One client, in one version of TLS, and everything that it asks for.
async fn tell_apart(
    stage: &Stage,
    rows: &mut Rows,
    (at, host): (Entrance, &str),
    (what, shows, reasons): (&str, Option<&Shows>, &[&str]),
    version: Version,
) -> Result<(), ProveError> {
    let dial = stage.dial(at, host, shows, version)?;
    for (how, bytes) in requests(stage, host) {
        let came = wire::call(&dial, &bytes).await;
        let tried = format!("{host}: {what}, {how} ({})", version.as_str());
        let held = came.is_refused() || told(&came, reasons);
        rows.add(tried, format!("403 {}", reasons.join(" or ")), &came, held);
    }
    Ok(())
}

/// What a client asks for that would rather not be told.
fn requests(stage: &Stage, host: &str) -> Vec<(&'static str, Vec<u8>)> {
    let path = stage.path(CLOSED);
    let own = format!("Host: {host}");
    let shared = format!(
        "Host: {}",
        stage.names().shared_host(Gateway::Mtls, ENVIRONMENT)
    );
    let absolute = format!("https://{host}{path}");
    let around = format!("/pipeline/{}/v1/none/..%2f{CLOSED}", stage.realm());
    vec![
        ("a pipeline", get(host, &path)),
        ("the root", get(host, "/")),
        ("an absolute target", request("GET", &absolute, &[&own], "")),
        ("another host", request("GET", &path, &[&shared], "")),
        ("two hosts", request("GET", &path, &[&own, &shared], "")),
        ("an encoded path", get(host, &around)),
        ("another realm", get(host, "/pipeline/no-such-realm/v1/x")),
        ("another method", request("BREW", &path, &[&own], "")),
        (
            "a body",
            request("POST", &path, &[&own, "Content-Length: 2"], "{}"),
        ),
    ]
}

/// Whether it is the one answer that a refused client gets.
fn told(came: &Came, reasons: &[&str]) -> bool {
    match came {
        Came::Answer(answer) => {
            answer.status == 403 && reasons.iter().any(|reason| answer.body.contains(reason))
        }
        Came::Unreachable(_)
        | Came::Alert(_)
        | Came::Closed
        | Came::Silence
        | Came::Broke(_)
        | Came::WentOn { .. } => false,
    }
}

/// A client without a certificate at a host that is strict.
async fn refused(
    stage: &Stage,
    rows: &mut Rows,
    (at, host): (Entrance, &str),
    when: &str,
) -> Result<(), ProveError> {
    let path = stage.path(CLOSED);
    let came = stage.get(at, host, None, Version::V13, &path).await?;
    let tried = format!("{host}: no certificate, {when}");
    rows.refused(
        tried,
        alert_name(AlertDescription::CertificateRequired),
        &came,
    );
    Ok(())
}

async fn save(stage: &Stage, handshake: HandshakePolicy) -> Result<(), ProveError> {
    let policy = TrustPolicy {
        handshake,
        ..TrustPolicy::default()
    };
    let command = Command::SaveTrustPolicy {
        realm: stage.realm().clone(),
        environment: ENVIRONMENT,
        policy: Arc::new(policy),
    };
    stage.proof().carry_out(vec![command]).await?;
    Ok(())
}
