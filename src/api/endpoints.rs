//! `/api/v1/realms/{realm}/endpoints`: the endpoint sheets.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::api::body::Answer;
use crate::api::caller::Caller;
use crate::api::parameters::{self, Asked, Parameters};
use crate::api::router::Api;
use crate::control::view::endpoint::EndpointSheet;

/// A sheet per environment.
#[derive(Serialize)]
pub struct Endpoints {
    endpoints: Vec<EndpointSheet>,
}

/// Which ones are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    environment: Option<String>,
}

/// A realm's endpoint sheets.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
    Asked(which): Asked<Which>,
) -> Answer<Endpoints> {
    let environment = parameters::environment(which.environment.as_deref())?;
    Ok(Json(Endpoints {
        endpoints: api
            .control
            .endpoints(&actor, &parameters.realm()?, environment)?,
    }))
}
