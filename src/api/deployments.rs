//! `/api/v1/realms/{realm}/deployments`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::api::body::{Answer, Changed};
use crate::api::caller::Caller;
use crate::api::parameters::Parameters;
use crate::api::router::Api;
use crate::control::view::deployment::DeploymentView;
use crate::domain::command::Command;

/// A list of deployments.
#[derive(Serialize)]
pub struct Deployments {
    deployments: Vec<DeploymentView>,
}

/// What a realm has deployed, with its calls.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Deployments> {
    Ok(Json(Deployments {
        deployments: api.control.deployments(&actor, &parameters.realm()?)?,
    }))
}

/// Puts a pipeline to work as it is now.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn deploy(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Changed> {
    let command = Command::Deploy {
        realm: parameters.realm()?,
        key: parameters.deployment()?,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}

/// Takes a pipeline out of work.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn undeploy(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Changed> {
    let command = Command::Undeploy {
        realm: parameters.realm()?,
        key: parameters.deployment()?,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}
