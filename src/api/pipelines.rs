//! `/api/v1/realms/{realm}/pipelines`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use serde::Serialize;

use crate::api::body::{self, Answer, Changed};
use crate::api::caller::Caller;
use crate::api::parameters::Parameters;
use crate::api::router::Api;
use crate::control::error::ControlError;
use crate::control::view::pipeline::PipelineView;
use crate::domain::command::Command;
use crate::manifest::document::PipelineBody;
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::pipeline;

/// A list of pipelines.
#[derive(Serialize)]
pub struct Pipelines {
    pipelines: Vec<PipelineView>,
}

/// A realm's pipelines.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Pipelines> {
    Ok(Json(Pipelines {
        pipelines: api.control.pipelines(&actor, &parameters.realm()?)?,
    }))
}

/// One pipeline.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn show(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<PipelineView> {
    Ok(Json(api.control.pipeline(
        &actor,
        &parameters.realm()?,
        &parameters.pipeline()?,
    )?))
}

/// Makes or changes a pipeline; what is deployed stays as it is.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn save(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
    body: Body,
) -> Answer<Changed> {
    let (realm, key) = (parameters.realm()?, parameters.pipeline()?);
    let body: PipelineBody = body::document(&api, body).await?;
    let command = pipeline::command(&realm, &key, &body)
        .map_err(|source| InvalidManifest::Pipeline {
            realm,
            pipeline: key,
            source,
        })
        .map_err(ControlError::Manifest)?;
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}

/// Removes a pipeline that is deployed nowhere.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn delete(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Changed> {
    let command = Command::DeletePipeline {
        realm: parameters.realm()?,
        key: parameters.pipeline()?,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}
