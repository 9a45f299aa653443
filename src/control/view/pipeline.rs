//! Pipelines, as they are told: in the manifest's words.

use serde::Serialize;

use crate::control::engine::Control;
use crate::control::view::time::Time;
use crate::domain::deployment::DeploymentKey;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::pipeline::{Pipeline, PipelineKey};
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::token::Actor;
use crate::manifest::document::PipelineBody;
use crate::manifest::pipeline;

/// A pipeline. Beside these fields stand `trigger` and `handler`, as a manifest writes them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineView {
    /// Its name.
    pub name: String,
    /// Its major version.
    pub major: u16,
    /// Counts the times it was saved.
    pub revision: u64,
    /// When it was last saved.
    pub updated: Time,
    /// The environments that it serves in.
    pub deployed_in: Vec<&'static str>,
    /// `trigger` and `handler`.
    #[serde(flatten)]
    pub body: PipelineBody,
}

impl Control {
    /// A realm's pipelines, by name and major version.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn pipelines(
        &self,
        actor: &Actor,
        realm: &RealmName,
    ) -> Result<Vec<PipelineView>, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        Ok(realm
            .pipelines
            .values()
            .map(|pipeline| view(&realm, pipeline))
            .collect())
    }

    /// One pipeline.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn pipeline(
        &self,
        actor: &Actor,
        realm: &RealmName,
        key: &PipelineKey,
    ) -> Result<PipelineView, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        let missing = || Rejection::NoPipeline {
            realm: realm.name.clone(),
            pipeline: key.clone(),
        };
        Ok(view(&realm, realm.pipelines.get(key).ok_or_else(missing)?))
    }
}

fn view(realm: &Realm, pipeline: &Pipeline) -> PipelineView {
    let serves = |environment: &Environment| {
        realm.deployments.contains_key(&DeploymentKey {
            environment: *environment,
            pipeline: pipeline.key.clone(),
        })
    };
    PipelineView {
        name: pipeline.key.name.to_string(),
        major: pipeline.key.major,
        revision: pipeline.revision,
        updated: Time(pipeline.updated),
        deployed_in: Environment::ALL
            .into_iter()
            .filter(serves)
            .map(Environment::as_str)
            .collect(),
        body: pipeline::document(pipeline),
    }
}
