//! Identity headers: whatever a client writes into them, in whatever spelling, no pipeline sees it.

use serde_json::Value;

use crate::domain::environment::Gateway;
use crate::prove::board::Rows;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, OPEN, Stage};
use crate::prove::tls::Version;
use crate::prove::wire::{self, request};

/// What a pipeline must not see.
const MARK: &str = "spoofed-by-prove";

/// Names that pipelines behind some program take for the gateway's word.
const NAMES: [&str; 26] = [
    "Client-Cert",
    "client-cert",
    "CLIENT-CERT",
    "Client_Cert",
    "client.cert",
    "Client~Cert",
    "Client-Cert-Chain",
    "Client_Cert_Chain",
    "client-cert_chain",
    "X-Client-Cert",
    "X_Client_Cert",
    "X-Client-Cert-Subject",
    "X_Client_Cert_Subject",
    "X-Client_Cert-Fingerprint",
    "x.client.cert.serial",
    "X-Client-Cert-Anything",
    "X-Forwarded-Client-Cert",
    "X_Forwarded_Client_Cert",
    "x-forwarded_client-cert",
    "X-Forwarded-For",
    "X_Forwarded_For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "Forwarded",
    "FORWARDED",
];

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let own = stage.host();
    let places = [
        (Gateway::Mtls, own, Some(stage.good()), CLOSED),
        (
            Gateway::Mtls,
            stage.shared_host(Gateway::Mtls),
            Some(stage.good()),
            CLOSED,
        ),
        (
            Gateway::External,
            stage.shared_host(Gateway::External),
            None,
            OPEN,
        ),
        (
            Gateway::Internal,
            stage.shared_host(Gateway::Internal),
            None,
            OPEN,
        ),
    ];
    for (gateway, host, shows, pipeline) in places {
        let Some(at) = stage.door(gateway, rows) else {
            continue;
        };
        let dial = stage.dial(at, &host, shows, Version::V13)?;
        let path = stage.path(pipeline);
        let client = shows
            .and_then(|shows| shows.chain.first())
            .map(|leaf| leaf.fingerprint().to_string());
        let host_line = format!("Host: {host}");
        for name in NAMES {
            let line = format!("{name}: {MARK}");
            let bytes = request("GET", &path, &[&host_line, &line], "");
            let came = wire::call(&dial, &bytes).await;
            let held = came
                .body()
                .is_some_and(|body| is_clean(body, client.as_deref()));
            rows.served(format!("{host}: header {name}"), EXPECTED, &came, held);
        }
        let trailers: String = NAMES
            .iter()
            .map(|name| format!("{name}: {MARK}\r\n"))
            .collect();
        let lines = [
            host_line.as_str(),
            "Transfer-Encoding: chunked",
            "Trailer: Client-Cert, X-Forwarded-Client-Cert",
        ];
        let bytes = request(
            "POST",
            &path,
            &lines,
            &format!("1\r\nx\r\n0\r\n{trailers}\r\n"),
        );
        let came = wire::call(&dial, &bytes).await;
        let held = came
            .body()
            .is_some_and(|body| is_clean(body, client.as_deref()));
        rows.served(
            format!("{host}: all of them as trailers"),
            EXPECTED,
            &came,
            held,
        );
    }
    Ok(())
}

const EXPECTED: &str = "200, the header unseen and the client told by its certificate alone";

/// Whether the message that a pipeline got knows the client by its certificate, and nothing of what was written.
fn is_clean(body: &str, client: Option<&str>) -> bool {
    let message: Value = serde_json::from_str(body).unwrap_or_default();
    let told = message
        .pointer("/client/fingerprint")
        .and_then(Value::as_str);
    message.is_object() && told == client && !body.contains(MARK)
}
