//! The audit.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::get;

use crate::api::answer::Answer;
use crate::api::caller::Caller;
use crate::api::query::Parameters;
use crate::api::router::Api;
use crate::control::service::AuditFilter;
use crate::control::view;

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/audit", get(list))
}

async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<view::Audit> {
    let parameters = parameters.only(&["realm", "before", "limit"])?;
    let page = parameters.page()?;
    let filter = AuditFilter {
        realm: parameters.realm()?,
        before: page.before,
        limit: page.limit,
    };
    Ok(Json(api.control.audit(&actor, filter).await?))
}
