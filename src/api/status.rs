//! `/healthz` and `/api/v1/status`.

use axum::Json;
use axum::extract::State;

use crate::api::body::Answer;
use crate::api::caller::Caller;
use crate::api::router::Api;
use crate::control::view::status::StatusView;

/// That the server answers; for probes, without a token.
pub async fn health() -> &'static str {
    "ok\n"
}

/// How the server is.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn show(State(api): State<Api>, Caller(actor): Caller) -> Answer<StatusView> {
    Ok(Json(api.control.status(&actor)?))
}
