//! Chain confusion: a good certificate somewhere in a chain says nothing about the one in front.

use rustls::AlertDescription;
use serde_json::Value;

use crate::domain::environment::{Environment, Gateway};
use crate::pki::authority::{Authority, Leaf};
use crate::prove::board::Rows;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, Stage};
use crate::prove::throwaway::{ca_request, client_request, showing};
use crate::prove::tls::Version;

const UNKNOWN: &[AlertDescription] = &[AlertDescription::UnknownCA];
/// An issuer that is no CA.
const NOT_A_CA: &[AlertDescription] = &[AlertDescription::CertificateUnknown];

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let Some(at) = stage.door(Gateway::Mtls, rows) else {
        return Ok(());
    };
    let now = stage.validity();
    let ca = &stage.main(Environment::Prod).authority;
    let nobody = Authority::self_signed(&ca_request("Nobody's CA", now))?;
    let stranger = nobody.issue_client(&client_request("prove-client", now))?;
    let good: Leaf = ca.issue_client(&client_request("prove-client", now))?;
    let no_ca = Authority {
        certificate: good.certificate.clone(),
        key: good.key.clone(),
    };
    let grandchild = no_ca.issue_client(&client_request("grandchild", now))?;
    let tries = [
        (
            "a stranger's certificate, followed by a trusted client's",
            showing(&stranger, &[&good.certificate]),
            UNKNOWN,
        ),
        (
            "a stranger's certificate, followed by a trusted client's and its CA's",
            showing(&stranger, &[&good.certificate, &ca.certificate]),
            UNKNOWN,
        ),
        (
            "a stranger's certificate, its CA's, then a trusted client's and its CA's",
            showing(
                &stranger,
                &[&nobody.certificate, &good.certificate, &ca.certificate],
            ),
            UNKNOWN,
        ),
        (
            "a certificate that a trusted client issued, followed by that client's",
            showing(&grandchild, &[&good.certificate]),
            NOT_A_CA,
        ),
    ];
    for host in [stage.host(), stage.shared_host(Gateway::Mtls)] {
        for version in Version::ALL {
            for (what, shows, alerts) in &tries {
                let came = stage
                    .get(at, &host, Some(shows), version, &stage.path(CLOSED))
                    .await?;
                let names: Vec<&str> = alerts
                    .iter()
                    .map(|alert| crate::prove::wire::alert_name(*alert))
                    .collect();
                let tried = format!("{host}: {what} ({})", version.as_str());
                rows.refused(tried, names.join(" or "), &came);
            }
        }
        let followed = showing(&good, &[&stranger.certificate, &nobody.certificate]);
        let came = stage
            .get(
                at,
                &host,
                Some(&followed),
                Version::V13,
                &stage.path(CLOSED),
            )
            .await?;
        let own = good.certificate.fingerprint().to_string();
        let held = came.body().is_some_and(|body| fingerprint(body) == own);
        rows.served(
            format!("{host}: a trusted client's certificate, followed by a stranger's"),
            "200, as the trusted client",
            &came,
            held,
        );
    }
    Ok(())
}

/// Whom the pipeline was told the client is.
fn fingerprint(body: &str) -> String {
    let message: Value = serde_json::from_str(body).unwrap_or_default();
    let found = message
        .pointer("/client/fingerprint")
        .and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}
