//! Deployments, as they are told: with their calls.

use serde::Serialize;

use crate::control::engine::Control;
use crate::control::view::time::Time;
use crate::domain::deployment::Deployment;
use crate::domain::name::RealmName;
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::token::Actor;
use crate::snapshot::state::Snapshot;

/// A pipeline at work.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentView {
    /// Where.
    pub environment: &'static str,
    /// The pipeline's name.
    pub pipeline: String,
    /// Its major version.
    pub major: u16,
    /// The pipeline's revision that serves.
    pub revision: u64,
    /// The pipeline's revision that was saved last: another one serves only after deploying again.
    pub saved_revision: Option<u64>,
    /// Since when.
    pub at: Time,
    /// Who deployed it.
    pub by: String,
    /// What answers.
    pub handler: &'static str,
    /// Calls since the server's start, by class of status.
    pub calls: CallsView,
}

/// Calls since the server's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallsView {
    /// Answered with 1xx: handed over to another protocol.
    #[serde(rename = "1xx")]
    pub informational: u64,
    /// Answered with 2xx.
    #[serde(rename = "2xx")]
    pub successful: u64,
    /// Answered with 3xx.
    #[serde(rename = "3xx")]
    pub redirected: u64,
    /// Answered with 4xx.
    #[serde(rename = "4xx")]
    pub client_errors: u64,
    /// Answered with 5xx.
    #[serde(rename = "5xx")]
    pub server_errors: u64,
}

impl Control {
    /// What a realm has deployed.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn deployments(
        &self,
        actor: &Actor,
        realm: &RealmName,
    ) -> Result<Vec<DeploymentView>, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        let snapshot = self.live.load_full();
        Ok(realm
            .deployments
            .values()
            .map(|deployment| view(&realm, deployment, &snapshot))
            .collect())
    }
}

fn view(realm: &Realm, deployment: &Deployment, snapshot: &Snapshot) -> DeploymentView {
    let key = &deployment.key;
    DeploymentView {
        environment: key.environment.as_str(),
        pipeline: key.pipeline.name.to_string(),
        major: key.pipeline.major,
        revision: deployment.pipeline.revision,
        saved_revision: realm
            .pipelines
            .get(&key.pipeline)
            .map(|saved| saved.revision),
        at: Time(deployment.at),
        by: deployment.by.clone(),
        handler: deployment.pipeline.handler.as_str(),
        calls: calls(realm, deployment, snapshot).unwrap_or_default(),
    }
}

fn calls(realm: &Realm, deployment: &Deployment, snapshot: &Snapshot) -> Option<CallsView> {
    let environment = snapshot
        .realms
        .get(&realm.name)?
        .environments
        .get(deployment.key.environment);
    let base_path =
        crate::domain::publishing::base_path(realm.name.as_str(), &deployment.key.pipeline);
    let compiled = environment.routes.find(&base_path)?;
    let [
        informational,
        successful,
        redirected,
        client_errors,
        server_errors,
    ] = compiled.deployed.counters.by_class();
    Some(CallsView {
        informational,
        successful,
        redirected,
        client_errors,
        server_errors,
    })
}
