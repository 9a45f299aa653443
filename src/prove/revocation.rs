//! Revocation: where an anchor asks for lists, a client is let in by a list that is there and counts, and not otherwise.

use std::sync::Arc;
use std::time::Duration;

use rustls::AlertDescription;

use crate::domain::command::Command;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::trust_policy::{AnchorException, OutOfDate, RevocationScope, TrustPolicy};
use crate::domain::trusting::Intake;
use crate::pki::crl::Crl;
use crate::pki::issued_crl::{self, CrlRequest};
use crate::prove::board::Rows;
use crate::prove::entrance::Entrance;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, Stage};
use crate::prove::throwaway::{client_request, showing};
use crate::prove::tls::{Shows, Version};
use crate::prove::wire::alert_name;

const HOUR: Duration = Duration::from_secs(3600);
const REVOKED: &[AlertDescription] = &[AlertDescription::CertificateRevoked];
/// Of a client of which nothing is known.
const UNKNOWN: &[AlertDescription] = &[AlertDescription::CertificateUnknown];

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let Some(at) = stage.door(Gateway::Mtls, rows) else {
        return Ok(());
    };
    let now = stage.now();
    let source = stage.revoking();
    let ca = &source.authority;
    let good = &source.client;
    let revoked = ca.issue_client(&client_request("revoked", stage.validity()))?;
    let bad = showing(&revoked, &[]);
    let list = |number, from, until| {
        issued_crl::issue(
            ca,
            &CrlRequest {
                number,
                this_update: from,
                next_update: until,
                revoked: &[&revoked.certificate],
            },
        )
    };
    stage
        .proof()
        .carry_out(vec![asking_for_lists(stage)])
        .await?;
    let door = Door { stage, at };
    door.refused(rows, "a client whose CA has no list", good, UNKNOWN)
        .await?;
    let old = list(1, now.minus(HOUR).minus(HOUR), now.minus(HOUR))?;
    stage.proof().carry_out(vec![saved(stage, old)]).await?;
    let what = "a client that is not on its CA's list, which is out of date";
    door.refused(rows, what, good, UNKNOWN).await?;
    let present = list(2, now.minus(HOUR), now.plus(HOUR))?;
    stage.proof().carry_out(vec![saved(stage, present)]).await?;
    door.refused(rows, "a revoked client", &bad, REVOKED)
        .await?;
    for host in door.hosts() {
        let path = stage.path(CLOSED);
        let came = stage
            .get(at, &host, Some(good), Version::V13, &path)
            .await?;
        let tried = format!("{host}: a client that is not on its CA's list");
        rows.served(tried, "200", &came, came.is_status(&[200]));
    }
    Ok(())
}

/// Lists are asked for of one anchor alone, so that the clients of the others stay what they are.
fn asking_for_lists(stage: &Stage) -> Command {
    let exception = AnchorException {
        scope: Some(RevocationScope::Leaf),
        out_of_date: Some(OutOfDate::Refuse),
    };
    let anchor = stage.revoking().authority.certificate.fingerprint();
    let mut policy = TrustPolicy::default();
    policy.exceptions.insert(anchor, exception);
    Command::SaveTrustPolicy {
        realm: stage.realm().clone(),
        environment: Environment::Prod,
        policy: Arc::new(policy),
    }
}

fn saved(stage: &Stage, crl: Crl) -> Command {
    Command::SaveCrl {
        realm: stage.realm().clone(),
        environment: Environment::Prod,
        crl,
        intake: Intake::AmongOthers,
    }
}

struct Door<'a> {
    stage: &'a Stage,
    at: Entrance,
}

impl Door<'_> {
    fn hosts(&self) -> [String; 2] {
        [self.stage.host(), self.stage.shared_host(Gateway::Mtls)]
    }

    async fn refused(
        &self,
        rows: &mut Rows,
        what: &str,
        shows: &Shows,
        alerts: &[AlertDescription],
    ) -> Result<(), ProveError> {
        for host in self.hosts() {
            for version in Version::ALL {
                let path = self.stage.path(CLOSED);
                let came = self
                    .stage
                    .get(self.at, &host, Some(shows), version, &path)
                    .await?;
                let names: Vec<&str> = alerts.iter().map(|alert| alert_name(*alert)).collect();
                let tried = format!("{host}: {what} ({})", version.as_str());
                // With few signatures to check, a shared host may leave it to the request: nothing is answered then.
                rows.turned_away(tried, names.join(" or "), &came);
            }
        }
        Ok(())
    }
}
