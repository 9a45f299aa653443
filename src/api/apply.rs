//! Bringing the server to what manifests say.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::post;
use serde::{Deserialize, Serialize};

use crate::api::answer::Answer;
use crate::api::body::LargeBody;
use crate::api::caller::Caller;
use crate::api::router::Api;
use crate::control::executing::{Applied, Run};
use crate::manifest::document::Document;
use crate::manifest::plan::Unnamed;
use crate::manifest::step::Step;

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/apply", post(apply))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wanted {
    documents: Vec<Document>,
    /// Whether the plan alone is wanted.
    #[serde(default)]
    dry_run: bool,
    /// Whether things that the documents do not name go, inside the realms that they name.
    #[serde(default)]
    prune: bool,
    /// Whether somebody saw the steps of the plan that need confirmation, and said yes.
    #[serde(default)]
    confirmed: bool,
    /// The revision that came with the plan they saw: where something was changed since, nothing is carried out.
    revision: Option<u64>,
}

/// What came of it.
#[derive(Serialize)]
struct Outcome {
    plan: Vec<PlannedStep>,
    applied: bool,
    revision: u64,
    warnings: Vec<String>,
}

/// What becomes of one thing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlannedStep {
    verb: &'static str,
    noun: &'static str,
    realm: String,
    name: String,
    environment: Option<&'static str>,
    detail: String,
    needs_confirmation: bool,
}

async fn apply(
    State(api): State<Api>,
    Caller(actor): Caller,
    LargeBody(wanted): LargeBody<Wanted>,
) -> Answer<Outcome> {
    let run = match (wanted.dry_run, wanted.confirmed) {
        (true, _) => Run::Plan,
        (false, false) => Run::Apply,
        (false, true) => Run::ApplyConfirmed {
            seen: wanted.revision,
        },
    };
    let unnamed = if wanted.prune {
        Unnamed::Go
    } else {
        Unnamed::Stay
    };
    let applied = api
        .control
        .apply(actor, wanted.documents, run, unnamed)
        .await?;
    Ok(Json(applied.into()))
}

impl From<Applied> for Outcome {
    fn from(applied: Applied) -> Self {
        Self {
            plan: applied.steps.into_iter().map(PlannedStep::from).collect(),
            applied: applied.applied,
            revision: applied.revision,
            warnings: applied.warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<Step> for PlannedStep {
    fn from(step: Step) -> Self {
        Self {
            verb: step.verb.as_str(),
            noun: step.noun.as_str(),
            realm: step.realm.to_string(),
            name: step.name,
            environment: step.environment.map(|environment| environment.as_str()),
            detail: step.detail,
            needs_confirmation: step.needs_confirmation,
        }
    }
}
