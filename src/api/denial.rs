//! Deny lists.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::{delete, get};

use crate::api::answer::{Answer, Changed, Listed};
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::query::Parameters;
use crate::api::router::Api;
use crate::control::view::denial::DenialView;
use crate::domain::command::Command;
use crate::manifest::denial::DenyDocument;

pub(crate) fn routes() -> Router<Api> {
    let all = "/realms/{realm}/denials/{environment}";
    Router::new()
        .route(all, get(list).post(add))
        .route(&format!("{all}/{{id}}"), delete(remove))
}

async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
) -> Answer<Listed<DenialView>> {
    let found = api
        .control
        .denials(&actor, &path.realm()?, path.environment()?)?;
    Ok(Listed::of("denials", found))
}

async fn add(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
    Body(body): Body<DenyDocument>,
) -> Answer<Changed> {
    let (realm, environment) = (path.realm()?, path.environment()?);
    let cutting = parameters.cut()?;
    let done = api
        .blocking(move |control| control.deny(&actor, &realm, environment, &body, cutting))
        .await?;
    Ok(Json(done.into()))
}

async fn remove(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<Changed> {
    let command = Command::Allow {
        realm: path.realm()?,
        environment: path.environment()?,
        id: path.id()?,
    };
    api.carry_out(actor, command).await
}
