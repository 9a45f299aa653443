//! The audit.

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use crate::api::answer::{Answer, Paged};
use crate::api::caller::Caller;
use crate::api::query::{Page, Parameters};
use crate::api::router::Api;
use crate::control::view::audit::AuditView;

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/audit", get(list))
}

async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Paged<AuditView>> {
    let parameters = parameters.only(&["realm", "before", "limit"])?;
    let (realm, Page { before, limit }) = (parameters.realm()?, parameters.page()?);
    let found = api
        .blocking(move |control| control.audit(&actor, realm, before, limit))
        .await?;
    Ok(Paged::of("records", found, limit, |last| last.sequence))
}
