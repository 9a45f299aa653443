//! All routes.

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::response::Json;
use axum::routing::get;

use crate::api::answer::{Answer, Changed};
use crate::api::envelope;
use crate::api::error::ApiError;
use crate::api::limits::ApiLimits;
use crate::api::{
    account, apply, audit, client, connection, crl, crl_source, denial, deployment, endpoint,
    installation, intake, pipeline, prove, realm, refusal, server_identity, status,
    test_certificate, token, trust,
};
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::impact::Cutting;
use crate::domain::command::Command;
use crate::domain::token::Actor;

/// What every route needs.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) control: Arc<Control>,
    pub(crate) limits: ApiLimits,
}

/// The API over `control`. Whoever serves it puts a [`crate::api::caller::ClientAddress`] into each request, for the
/// audit.
pub fn router(control: Arc<Control>, limits: ApiLimits) -> Router {
    let v1 = Router::new()
        .merge(status::routes())
        .merge(realm::routes())
        .merge(account::routes())
        .merge(installation::routes())
        .merge(intake::routes())
        .merge(trust::routes())
        .merge(crl::routes())
        .merge(test_certificate::routes())
        .merge(denial::routes())
        .merge(crl_source::routes())
        .merge(pipeline::routes())
        .merge(deployment::routes())
        .merge(connection::routes())
        .merge(endpoint::routes())
        .merge(refusal::routes())
        .merge(client::routes())
        .merge(token::routes())
        .merge(audit::routes())
        .merge(server_identity::routes())
        .merge(prove::routes())
        .merge(apply::routes());
    Router::new()
        .route("/healthz", get(status::healthz))
        .nest("/api/v1", v1)
        .fallback(async || ApiError::NoRoute)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(middleware::from_fn(envelope::wrap))
        .with_state(Api { control, limits })
}

impl Api {
    /// Has a command carried out.
    pub(crate) async fn carry_out(&self, actor: Actor, command: Command) -> Answer<Changed> {
        let done = self.control.execute(actor, vec![command]).await?;
        Ok(Json(done.into()))
    }

    /// Has a command carried out, by somebody who may know of clients that it cuts.
    pub(crate) async fn carry_out_cutting(
        &self,
        actor: Actor,
        command: Command,
        cutting: Cutting,
    ) -> Answer<Changed> {
        let commands = vec![command];
        let done = self
            .control
            .execute_cutting(actor, commands, cutting)
            .await?;
        Ok(Json(done.into()))
    }

    /// Has control do something that blocks.
    pub(crate) async fn blocking<T, F>(&self, act: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&Control) -> Result<T, ControlError> + Send + 'static,
    {
        Ok(self.control.blocking(act).await?)
    }
}
