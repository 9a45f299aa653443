//! Whether and how the server is.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::get;

use crate::api::answer::Answer;
use crate::api::caller::Caller;
use crate::api::router::Api;
use crate::control::view::status::StatusView;

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/status", get(show))
}

/// Says that the server answers; for health checks, without a token.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

async fn show(State(api): State<Api>, Caller(actor): Caller) -> Answer<StatusView> {
    Ok(Json(api.control.status(&actor)?))
}
