//! Second door: a pipeline that the mtls gateway alone has is found by no other name and address.

use crate::domain::environment::{Environment, Gateway};
use crate::prove::board::Rows;
use crate::prove::entrance::Entrance;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, OPEN, Stage, get};
use crate::prove::tls::{Shows, Version};
use crate::prove::wire::{self, request};

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let (closed, open) = (stage.path(CLOSED), stage.path(OPEN));
    for gateway in [Gateway::External, Gateway::Internal] {
        let Some(_) = stage.door(gateway, rows) else {
            continue;
        };
        for at in stage.doors(gateway) {
            for environment in Environment::ALL {
                let host = stage.names().shared_host(gateway, environment);
                for (who, shows) in callers(stage) {
                    let came = stage.get(at, host, shows, Version::V13, &closed).await?;
                    let tried = format!("{host} at {at}: the mTLS-only pipeline, {who}");
                    rows.turned_away(tried, "404", &came);
                }
                // The host of the realm in the request, behind a handshake that asked for no certificate.
                let dial = stage.dial(at, host, None, Version::V13)?;
                let own = stage.names().realm_host(environment, stage.realm());
                let absolute = format!("https://{own}{closed}");
                let bytes = request("GET", &absolute, &[&format!("Host: {own}")], "");
                for bytes in [get(&own, &closed), bytes] {
                    let came = wire::call(&dial, &bytes).await;
                    let tried = format!("{host} at {at}: a request for {own}");
                    rows.turned_away(tried, "no 200", &came);
                }
            }
        }
    }
    by_every_address(stage, rows, &closed).await?;
    if let Some(at) = stage.door(Gateway::Mtls, rows) {
        for host in [stage.host(), stage.shared_host(Gateway::Mtls)] {
            let good = Some(stage.good());
            let came = stage.get(at, &host, good, Version::V13, &open).await?;
            let tried = format!("{host}: a pipeline that the regular gateways alone have");
            rows.turned_away(tried, "404", &came);
        }
    }
    Ok(())
}

/// The names of the mtls gateway at every address that is listened on, without a certificate.
async fn by_every_address(stage: &Stage, rows: &mut Rows, closed: &str) -> Result<(), ProveError> {
    for listener in stage.listeners() {
        let at = Entrance::to(listener);
        let reached = Gateway::ALL
            .into_iter()
            .any(|gateway| stage.doors(gateway).any(|door| door == at));
        if !reached {
            let why = listener
                .gateways
                .first()
                .map(|gateway| stage.why_shut(*gateway));
            let tried = format!("the names of the mtls gateway at {at}");
            rows.not_tried(tried, &why.unwrap_or_default());
            continue;
        }
        for environment in Environment::ALL {
            let own = stage.names().realm_host(environment, stage.realm());
            let shared = stage.names().shared_host(Gateway::Mtls, environment);
            for host in [own.as_str(), shared] {
                let came = stage.get(at, host, None, Version::V13, closed).await?;
                let tried = format!("{host} at {at}: the mTLS-only pipeline, nothing to show");
                rows.turned_away(tried, "no 200", &came);
            }
        }
    }
    Ok(())
}

fn callers(stage: &Stage) -> [(&'static str, Option<&Shows>); 2] {
    [
        ("nothing to show", None),
        ("a trusted certificate", Some(stage.good())),
    ]
}
