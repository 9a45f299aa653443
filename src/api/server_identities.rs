//! `/api/v1/server-identities` and `/api/v1/server-ca`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};

use crate::api::body::{self, Answer, Changed};
use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::parameters::Parameters;
use crate::api::router::Api;
use crate::control::view::server_identity::ServerIdentityView;
use crate::pki::secret::Secret;

/// What all listeners show.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerIdentities {
    server_identities: Vec<ServerIdentityView>,
}

/// A real certificate and its key, as PEM.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provided {
    chain: String,
    key: String,
}

/// What every listener shows.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn list(State(api): State<Api>, Caller(actor): Caller) -> Answer<ServerIdentities> {
    Ok(Json(ServerIdentities {
        server_identities: api.control.server_identities(&actor)?,
    }))
}

/// Puts a real certificate and its key in place.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn provide(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
    body: Body,
) -> Answer<Changed> {
    let slot = parameters.slot()?;
    let Provided { chain, key } = body::document(&api, body).await?;
    let key = Secret::new(key);
    let providing = api
        .control
        .blocking(move |control| control.provide_server_identity(&actor, slot, &chain, &key));
    Ok(Changed::answer(&providing.await?))
}

/// The certificate of our own server authority, as PEM.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn authority(
    State(api): State<Api>,
    Caller(actor): Caller,
) -> Result<impl IntoResponse, ApiError> {
    let pem = api.control.server_ca(&actor)?.ok_or(ApiError::NoSuchPath)?;
    Ok(([(CONTENT_TYPE, "application/x-pem-file")], pem))
}
