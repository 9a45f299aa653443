//! Endpoint sheets.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::get;

use crate::api::answer::Answer;
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::query::Parameters;
use crate::api::router::Api;
use crate::control::view;

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/realms/{realm}/endpoints", get(list))
}

async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
) -> Answer<view::Endpoints> {
    let environment = parameters.only(&["environment"])?.environment()?;
    let found = api.control.endpoints(&actor, &path.realm()?, environment)?;
    Ok(Json(found))
}
