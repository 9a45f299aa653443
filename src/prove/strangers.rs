//! Strangers: clients that show nothing, or what nobody trusts, at every mTLS host.

use rustls::AlertDescription;

use crate::domain::environment::{Environment, Gateway};
use crate::pki::authority::{Authority, Leaf};
use crate::pki::certificate::Certificate;
use crate::prove::board::Rows;
use crate::prove::entrance::Entrance;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, Stage};
use crate::prove::throwaway::{self, Validity, ca_request, client_request, showing};
use crate::prove::tls::{Shows, Version};
use crate::prove::wire::{Came, alert_name};

const REQUIRED: &[AlertDescription] = &[AlertDescription::CertificateRequired];
const UNKNOWN: &[AlertDescription] = &[AlertDescription::UnknownCA];
/// Which of the two it is depends on how far the path came before a signature did not hold.
const FORGED: &[AlertDescription] = &[AlertDescription::DecryptError, AlertDescription::UnknownCA];
const EXPIRED: &[AlertDescription] = &[AlertDescription::CertificateExpired];
const USAGE: &[AlertDescription] = &[AlertDescription::UnsupportedCertificate];

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let Some(at) = stage.door(Gateway::Mtls, rows) else {
        return Ok(());
    };
    let now = stage.validity();
    let nobody = Authority::self_signed(&ca_request("Nobody's CA", now))?;
    let stranger = nobody.issue_client(&client_request("stranger", now))?;
    let (real, left_out) = stage.hosts();
    for host in real {
        let door = Door {
            at,
            host: &host.host,
            explains: host.explains,
        };
        general(stage, rows, &door, &host.anchor, &stranger).await?;
        let what = "a client that another realm trusts";
        door.send(stage, rows, what, Some(stage.good()), UNKNOWN)
            .await?;
    }
    if left_out > 0 {
        let why = "a run goes to a few hosts only; all of them are served by the same code";
        rows.not_tried(format!("{left_out} more hosts of realms"), why);
    }
    for environment in Environment::ALL {
        let anchor = &stage.main(environment).authority.certificate;
        let own = stage.names().realm_host(environment, stage.realm());
        let shared = stage.names().shared_host(Gateway::Mtls, environment);
        for host in [own.as_str(), shared] {
            general(
                stage,
                rows,
                &Door {
                    at,
                    host,
                    explains: false,
                },
                anchor,
                &stranger,
            )
            .await?;
        }
    }
    known_but_not_good(stage, rows, at).await?;
    in_anothers_name(stage, rows, at).await
}

/// One host.
struct Door<'a> {
    at: Entrance,
    host: &'a str,
    /// Whether it tells refused clients why.
    explains: bool,
}

impl Door<'_> {
    async fn send(
        &self,
        stage: &Stage,
        rows: &mut Rows,
        what: &str,
        shows: Option<&Shows>,
        alerts: &[AlertDescription],
    ) -> Result<(), ProveError> {
        self.send_by(stage, rows, what, shows, alerts, Version::V13)
            .await
    }

    async fn send_by(
        &self,
        stage: &Stage,
        rows: &mut Rows,
        what: &str,
        shows: Option<&Shows>,
        alerts: &[AlertDescription],
        version: Version,
    ) -> Result<(), ProveError> {
        let path = stage.path(CLOSED);
        let came = stage.get(self.at, self.host, shows, version, &path).await?;
        let tried = format!("{}: {what} ({})", self.host, version.as_str());
        if self.explains {
            rows.refused_or_told(tried, format!("403, or {}", one_of(alerts)), &came);
        } else {
            rows.refused(tried, one_of(alerts), &came);
        }
        Ok(())
    }
}

/// What any host must withstand.
async fn general(
    stage: &Stage,
    rows: &mut Rows,
    door: &Door<'_>,
    anchor: &Certificate,
    stranger: &Leaf,
) -> Result<(), ProveError> {
    let now = stage.validity();
    for version in Version::ALL {
        door.send_by(stage, rows, "no certificate", None, REQUIRED, version)
            .await?;
        let shows = showing(stranger, &[]);
        let what = "a certificate of a CA that nobody installed";
        door.send_by(stage, rows, what, Some(&shows), UNKNOWN, version)
            .await?;
    }
    let own = throwaway::self_signed("Self-signed", now)?;
    door.send(
        stage,
        rows,
        "a self-signed certificate",
        Some(&own),
        UNKNOWN,
    )
    .await?;
    match throwaway::forged(anchor, now) {
        Ok(forged) => {
            for (what, shows) in &forged {
                door.send(stage, rows, what, Some(shows), FORGED).await?;
            }
        }
        Err(error) => rows.not_tried(
            format!("{}: forged certificates", door.host),
            &format!("the anchor cannot be imitated: {error}"),
        ),
    }
    Ok(())
}

/// Clients of a trusted CA that are not to be let in all the same; only our own realm's CA can issue those.
async fn known_but_not_good(
    stage: &Stage,
    rows: &mut Rows,
    at: Entrance,
) -> Result<(), ProveError> {
    let host = stage.host();
    let door = Door {
        at,
        host: &host,
        explains: false,
    };
    let ca = &stage.main(Environment::Prod).authority;
    let (past, ahead) = (stage.validity_past(), stage.validity_ahead());
    let issue = |validity: Validity| ca.issue_client(&client_request("prove-client", validity));
    let expired = showing(&issue(past)?, &[]);
    let early = showing(&issue(ahead)?, &[]);
    let server = showing(&server_leaf(ca, stage.validity())?, &[]);
    let test = &stage.main(Environment::Test).client;
    for version in Version::ALL {
        door.send_by(
            stage,
            rows,
            "an expired certificate",
            Some(&expired),
            EXPIRED,
            version,
        )
        .await?;
    }
    let what = "a certificate that is not valid yet";
    door.send(stage, rows, what, Some(&early), EXPIRED).await?;
    let what = "a server's certificate";
    door.send(stage, rows, what, Some(&server), USAGE).await?;
    let what = "a client that the realm trusts in the other environment";
    door.send(stage, rows, what, Some(test), UNKNOWN).await
}

fn server_leaf(ca: &Authority, validity: Validity) -> Result<Leaf, ProveError> {
    let (first, last) = validity.bounds();
    Ok(ca.issue_server(&["prove.invalid".to_owned()], first, last)?)
}

/// On the shared host a client is let in that any realm trusts: other realms are not there for it.
async fn in_anothers_name(stage: &Stage, rows: &mut Rows, at: Entrance) -> Result<(), ProveError> {
    let host = stage.shared_host(Gateway::Mtls);
    let (real, _) = stage.hosts();
    let another = real
        .first()
        .map_or("no-such-realm", |host| host.realm.as_str());
    let ask = async |path: &str| {
        stage
            .get(at, &host, Some(stage.good()), Version::V13, path)
            .await
    };
    let of_another = ask(&format!("/pipeline/{another}/v1/{CLOSED}")).await?;
    let of_nobody = ask("/pipeline/no-such-realm-at-all/v1/x").await?;
    let same = told(&of_another) == told(&of_nobody);
    let tried = format!("{host}: a call of realm {another} by a client that another realm trusts");
    let expected = "404, as of a realm that does not exist";
    if of_another.is_turned_away() && of_nobody.is_turned_away() {
        // Any difference tells that there is such a realm.
        rows.add(tried, expected, &of_another, same);
    } else {
        rows.turned_away(tried, expected, &of_another);
    }
    Ok(())
}

/// Status and reason: what tells one answer from another, but for the number of the call.
fn told(came: &Came) -> String {
    came.to_string()
}

fn one_of(alerts: &[AlertDescription]) -> String {
    let names: Vec<&str> = alerts.iter().map(|alert| alert_name(*alert)).collect();
    names.join(" or ")
}
