//! Names: server names that lead nowhere, or are none.

use std::sync::Arc;

use crate::domain::environment::Gateway;
use crate::prove::board::Rows;
use crate::prove::entrance::Entrance;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, OPEN, Stage};
use crate::prove::tls::Version;
use crate::prove::wire::{self, Came};

const LEADS_NOWHERE: &str = "alert unrecognized_name";

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let Some(at) = stage.door(Gateway::Mtls, rows) else {
        return Ok(());
    };
    let own = stage.host();
    let shared = stage.shared_host(Gateway::Mtls);
    let domain = stage.names().domain();
    let address = at.at.ip().to_string();
    let mut nowhere = vec![
        ("a name of nobody's", "nobody.invalid".to_owned()),
        ("the domain itself", domain.to_owned()),
        (
            "a realm that does not exist",
            format!("no-such-realm-at-all.{shared}"),
        ),
        ("a label below a realm's host", format!("x.{own}")),
        ("a realm below the external gateway", {
            let external = stage.shared_host(Gateway::External);
            format!("{}.{external}", stage.realm())
        }),
        ("no name (an IP address instead)", address),
    ];
    if let Some(host) = stage.without_installation() {
        nowhere.push(("a realm without installation", host.to_owned()));
    }
    for (what, name) in &nowhere {
        for version in Version::ALL {
            for (who, shows) in [
                ("nothing to show", None),
                ("a trusted certificate", Some(stage.good())),
            ] {
                let came = stage
                    .get(at, name, shows, version, &stage.path(OPEN))
                    .await?;
                let tried = format!("{what}: {name}, {who} ({})", version.as_str());
                rows.refused(tried, LEADS_NOWHERE, &came);
            }
        }
    }
    odd(stage, rows, at).await?;
    spelled_in_capitals(stage, rows, at).await
}

/// Names that no library would ask for. Some can be read as a host's (rustls takes a trailing dot off): then it is that
/// host, with its demand for a certificate. TLS 1.2 lets that be seen.
async fn odd(stage: &Stage, rows: &mut Rows, at: Entrance) -> Result<(), ProveError> {
    let shared = stage.shared_host(Gateway::Mtls);
    let own = stage.host();
    let config = Arc::new(stage.client(None, Version::V12)?);
    let names = [
        ("a wildcard", format!("*.{shared}")),
        ("a trailing dot", format!("{own}.")),
        ("a leading dot", format!(".{own}")),
        ("a NUL", format!("{own}\0.x")),
        ("a space", format!("{} .{shared}", stage.realm())),
        ("a slash", format!("{}/x.{shared}", stage.realm())),
        ("letters beyond ASCII", format!("\u{e4}.{shared}")),
    ];
    for (what, name) in names {
        let came = wire::hello(at, &config, name.as_bytes()).await;
        let tried = format!("{what} in the name: {}", name.escape_debug());
        let expected = "a fatal alert, or the demand for a certificate";
        if matches!(came, Came::WentOn { demanding: true }) {
            rows.add(tried, expected, &came, true);
        } else {
            rows.refused(tried, expected, &came);
        }
    }
    Ok(())
}

/// The case of a name plays no part: it is the same host, with the same demand for a certificate.
async fn spelled_in_capitals(
    stage: &Stage,
    rows: &mut Rows,
    at: Entrance,
) -> Result<(), ProveError> {
    let own = stage.host();
    let capitals = own.to_ascii_uppercase();
    let path = stage.path(CLOSED);
    let came = stage.get(at, &capitals, None, Version::V13, &path).await?;
    let tried = format!("{capitals}: no certificate");
    rows.refused(tried, "alert certificate_required", &came);
    Ok(())
}
