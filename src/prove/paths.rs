//! Paths: what could be read as another path than it looks is refused, and never leads to a pipeline.

use crate::domain::environment::Gateway;
use crate::prove::board::Rows;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, OPEN, Stage};
use crate::prove::tls::Version;
use crate::prove::wire::{self, request};

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let places = [
        (Gateway::Mtls, stage.host(), Some(stage.good()), CLOSED),
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
    ];
    for (gateway, host, shows, pipeline) in places {
        let Some(at) = stage.door(gateway, rows) else {
            continue;
        };
        let dial = stage.dial(at, &host, shows, Version::V13)?;
        for target in targets(stage, pipeline) {
            let lines = [format!("Host: {host}")];
            let bytes = request("GET", &target, &[&lines[0]], "");
            let came = wire::call(&dial, &bytes).await;
            let tried = format!("{host}{}", target.escape_debug());
            // hyper closes a connection whose request line cannot be read.
            rows.turned_away(tried, "400 or 404", &came);
        }
    }
    Ok(())
}

/// Each leads to `pipeline` in the eyes of some program.
fn targets(stage: &Stage, pipeline: &str) -> Vec<String> {
    let realm = stage.realm();
    let base = format!("/pipeline/{realm}/v1");
    let capital = pipeline.to_ascii_uppercase();
    vec![
        format!("{base}/none/../{pipeline}"),
        format!("{base}/none/%2e%2e/{pipeline}"),
        format!("{base}/none/%2E./{pipeline}"),
        format!("{base}/none/.%2e/{pipeline}"),
        format!("{base}/./{pipeline}"),
        format!("{base}/%2e/{pipeline}"),
        format!("{base}//{pipeline}"),
        format!("//pipeline/{realm}/v1/{pipeline}"),
        format!("{base}%2f{pipeline}"),
        format!("{base}/%2f{pipeline}"),
        format!("{base}%2F{pipeline}"),
        format!("{base}%5c{pipeline}"),
        format!("{base}\\{pipeline}"),
        format!("{base}/none/..\\{pipeline}"),
        format!("{base}/none/..%5c{pipeline}"),
        format!("{base}/{pipeline};x=1"),
        format!("{base};x=1/{pipeline}"),
        format!("{base}/none/..;/{pipeline}"),
        format!("{base}/{pipeline}%00"),
        format!("{base}/{pipeline}%00.txt"),
        format!("{base}/{pipeline}\0"),
        format!("{base}/{capital}"),
        format!("/PIPELINE/{realm}/v1/{pipeline}"),
        format!("/pipeline/{realm}/V1/{pipeline}"),
        format!(
            "/pipeline/{}/v1/{pipeline}",
            realm.as_str().to_ascii_uppercase()
        ),
        format!("/pipeline/no-such-realm-at-all/../{realm}/v1/{pipeline}"),
        format!("/../pipeline/{realm}/v1/{pipeline}"),
        format!("{base}/{pipeline}%"),
        format!("{base}/{pipeline}%zz"),
        format!("{base}/{pipeline}/"),
        format!("{base}/{pipeline}%0d%0aX-Spoofed:%201"),
        format!("{base}/%252e%252e/v1/{pipeline}"),
        format!("pipeline/{realm}/v1/{pipeline}"),
    ]
}
