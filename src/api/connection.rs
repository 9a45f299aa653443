//! Connections.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::get;

use crate::api::answer::{Answer, Changed, Listed};
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::path::Path;
use crate::api::router::Api;
use crate::control::error::ControlError;
use crate::control::view::connection::ConnectionView;
use crate::domain::command::Command;
use crate::domain::rejection::Rejection;
use crate::manifest::connection;
use crate::manifest::document::ConnectionBody;
use crate::manifest::invalid::InvalidManifest;

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/realms/{realm}/connections", get(list))
        .route(
            "/realms/{realm}/connections/{connection}",
            get(show).put(save).delete(delete),
        )
}

async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
) -> Answer<Listed<ConnectionView>> {
    let found = api.control.connections(&actor, &path.realm()?)?;
    Ok(Listed::of("connections", found))
}

async fn show(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<ConnectionView> {
    let found = api
        .control
        .connection(&actor, &path.realm()?, &path.connection()?);
    Ok(Json(found.map_err(|rejection| absent(rejection.into()))?))
}

async fn save(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    Body(body): Body<ConnectionBody>,
) -> Answer<Changed> {
    let (realm, name) = (path.realm()?, path.connection()?);
    let command = connection::command(&realm, &name, &body).map_err(|source| {
        InvalidManifest::Connection {
            realm,
            connection: name,
            source,
        }
    })?;
    api.carry_out(actor, command).await
}

async fn delete(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<Changed> {
    let command = Command::DeleteConnection {
        realm: path.realm()?,
        name: path.connection()?,
    };
    api.carry_out(actor, command).await.map_err(absent)
}

/// A connection that a pipeline names and that is not there makes the pipeline invalid; one that the path names is
/// plainly not found.
fn absent(error: ApiError) -> ApiError {
    if let ApiError::Control(ControlError::Rejected(rejection @ Rejection::NoConnection { .. })) =
        error
    {
        ApiError::Absent(rejection)
    } else {
        error
    }
}
