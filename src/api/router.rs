//! All routes.

use axum::Router;
use axum::middleware;
use axum::routing::get;

use crate::api::envelope;
use crate::api::error::ApiError;
use crate::api::limits::ApiLimits;
use crate::api::{
    account, apply, audit, connection, deployment, endpoint, installation, pipeline, realm,
    refusal, server_identity, status, token,
};
use crate::control::service::Control;

/// What every route needs.
#[derive(Clone)]
pub struct Api {
    pub(crate) control: Control,
    pub(crate) limits: ApiLimits,
}

/// The API over `control`. Whoever serves it puts a [`crate::api::caller::ClientAddress`] into each request, for the
/// audit.
pub fn router(control: Control, limits: ApiLimits) -> Router {
    let v1 = Router::new()
        .merge(status::routes())
        .merge(realm::routes())
        .merge(account::routes())
        .merge(installation::routes())
        .merge(pipeline::routes())
        .merge(deployment::routes())
        .merge(connection::routes())
        .merge(endpoint::routes())
        .merge(refusal::routes())
        .merge(token::routes())
        .merge(audit::routes())
        .merge(server_identity::routes())
        .merge(apply::routes());
    Router::new()
        .route("/healthz", get(status::healthz))
        .nest("/api/v1", v1)
        .fallback(async || ApiError::NoRoute)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(middleware::from_fn(envelope::wrap))
        .with_state(Api { control, limits })
}
