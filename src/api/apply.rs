//! `/api/v1/apply`: manifests.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::api::body::{self, Answer};
use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::router::Api;
use crate::control::error::ControlError;
use crate::control::executing::Run;
use crate::manifest::document::Document;
use crate::manifest::plan::Unnamed;
use crate::manifest::read;
use crate::manifest::step::Step;

/// Manifests, and what is to become of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wanted {
    documents: Vec<Document>,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    prune: bool,
}

/// What came of it.
#[derive(Serialize)]
pub struct Applied {
    plan: Vec<StepView>,
    applied: bool,
    revision: u64,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct StepView {
    verb: &'static str,
    noun: &'static str,
    realm: String,
    name: String,
    environment: Option<&'static str>,
    detail: String,
}

/// Plans manifests and, unless it is a dry run, carries them out: all of it or nothing.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn apply(State(api): State<Api>, Caller(actor): Caller, body: Body) -> Answer<Applied> {
    let bytes = body::bytes(&api, body, api.limits.apply_bytes_max).await?;
    // Reading so much would keep other requests waiting.
    let reading = tokio::task::spawn_blocking(move || read::json::<Wanted>(&bytes));
    let wanted = reading
        .await
        .map_err(|_| ApiError::Control(ControlError::Interrupted))??;
    let run = if wanted.dry_run {
        Run::Plan
    } else {
        Run::Apply
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
    Ok(Json(Applied {
        plan: applied.steps.into_iter().map(view).collect(),
        applied: applied.applied,
        revision: applied.revision,
        warnings: body::sentences(&applied.warnings),
    }))
}

fn view(step: Step) -> StepView {
    StepView {
        verb: step.verb.as_str(),
        noun: step.noun.as_str(),
        realm: step.realm.to_string(),
        name: step.name,
        environment: step.environment.map(|environment| environment.as_str()),
        detail: step.detail,
    }
}
