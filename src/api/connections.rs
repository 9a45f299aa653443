//! `/api/v1/realms/{realm}/connections`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use serde::Serialize;

use crate::api::body::{self, Answer, Changed};
use crate::api::caller::Caller;
use crate::api::parameters::Parameters;
use crate::api::router::Api;
use crate::control::error::ControlError;
use crate::control::view::connection::ConnectionView;
use crate::domain::command::Command;
use crate::manifest::connection;
use crate::manifest::document::ConnectionBody;
use crate::manifest::invalid::InvalidManifest;

/// A list of connections.
#[derive(Serialize)]
pub struct Connections {
    connections: Vec<ConnectionView>,
}

/// A realm's connections.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Connections> {
    Ok(Json(Connections {
        connections: api.control.connections(&actor, &parameters.realm()?)?,
    }))
}

/// One connection.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn show(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<ConnectionView> {
    Ok(Json(api.control.connection(
        &actor,
        &parameters.realm()?,
        &parameters.connection()?,
    )?))
}

/// Makes or changes a connection; what is deployed uses it at once.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn save(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
    body: Body,
) -> Answer<Changed> {
    let (realm, name) = (parameters.realm()?, parameters.connection()?);
    let body: ConnectionBody = body::document(&api, body).await?;
    let command = connection::command(&realm, &name, &body)
        .map_err(|source| InvalidManifest::Connection {
            realm,
            connection: name,
            source,
        })
        .map_err(ControlError::Manifest)?;
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}

/// Removes a connection that nothing uses.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn delete(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Changed> {
    let command = Command::DeleteConnection {
        realm: parameters.realm()?,
        name: parameters.connection()?,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}
