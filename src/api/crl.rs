//! Revocation lists.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::{delete, get};

use crate::api::answer::{Answer, Changed, Listed};
use crate::api::body::LargeBody;
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::router::Api;
use crate::control::view::crl::CrlView;
use crate::domain::command::Command;
use crate::manifest::document::CrlsBody;

pub(crate) fn routes() -> Router<Api> {
    let all = "/realms/{realm}/crls/{environment}";
    Router::new()
        .route(all, get(list).post(add))
        .route(&format!("{all}/{{sha256}}"), delete(remove))
}

/// Checks signatures, so that it takes its time.
async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
) -> Answer<Listed<CrlView>> {
    let (realm, environment) = (path.realm()?, path.environment()?);
    let found = api
        .blocking(move |control| Ok(control.crls(&actor, &realm, environment)?))
        .await?;
    Ok(Listed::of("crls", found))
}

async fn add(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    LargeBody(body): LargeBody<CrlsBody>,
) -> Answer<Changed> {
    let (realm, environment) = (path.realm()?, path.environment()?);
    let done = api
        .blocking(move |control| control.add_crls(&actor, &realm, environment, &body))
        .await?;
    Ok(Json(done.into()))
}

async fn remove(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<Changed> {
    let command = Command::RemoveCrl {
        realm: path.realm()?,
        environment: path.environment()?,
        sha256: path.sha256()?,
    };
    api.carry_out(actor, command).await
}
