//! Refused clients: a realm's own, and the operator's, which belong to no realm.

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
    Router::new()
        .route("/refusals", get(of_no_realm))
        .route("/realms/{realm}/refusals", get(of_realm))
}

async fn of_no_realm(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<view::Refusals> {
    let page = parameters.only(&["before", "limit"])?.page()?;
    let found = api.control.refusals(&actor, None, page.before, page.limit);
    Ok(Json(found.await?))
}

async fn of_realm(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
) -> Answer<view::Refusals> {
    let realm = path.realm()?;
    let page = parameters.only(&["before", "limit"])?.page()?;
    let found = api
        .control
        .refusals(&actor, Some(&realm), page.before, page.limit);
    Ok(Json(found.await?))
}
