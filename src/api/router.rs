//! The router: which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post, put};

use crate::api::error::ApiError;
use crate::api::{
    accounts, apply, audit, connections, deployments, endpoints, finish, installations, pipelines,
    realms, refusals, server_identities, status, tokens,
};
use crate::control::engine::Control;

/// The bounds of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiLimits {
    /// The largest manifest, in bytes.
    pub apply_bytes_max: usize,
    /// The largest other body, in bytes.
    pub body_bytes_max: usize,
    /// How long a request's body may take, in milliseconds.
    pub body_timeout_ms: u32,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            apply_bytes_max: 64 << 20,
            body_bytes_max: 2 << 20,
            body_timeout_ms: 60_000,
        }
    }
}

/// What every handler has at hand.
#[derive(Clone)]
pub struct Api {
    /// Where everything is decided.
    pub control: Arc<Control>,
    /// The bounds.
    pub limits: ApiLimits,
}

/// The whole API. The listener that serves it puts a [`crate::api::caller::ClientAddress`] into each request.
pub fn router(control: Arc<Control>, limits: ApiLimits) -> Router {
    let api = Api { control, limits };
    let finishing = middleware::from_fn_with_state(api.clone(), finish::finish);
    Router::new()
        .route("/healthz", get(status::health))
        .route("/api/v1/status", get(status::show))
        .route("/api/v1/apply", post(apply::apply))
        .route("/api/v1/tokens", get(tokens::list).post(tokens::create))
        .route(
            "/api/v1/tokens/{token}",
            axum::routing::delete(tokens::revoke),
        )
        .route("/api/v1/audit", get(audit::list))
        .route("/api/v1/refusals", get(refusals::list_own))
        .route("/api/v1/server-ca", get(server_identities::authority))
        .route("/api/v1/server-identities", get(server_identities::list))
        .route(
            "/api/v1/server-identities/{slot}",
            put(server_identities::provide),
        )
        .route("/api/v1/realms", get(realms::list))
        .route(
            "/api/v1/realms/{realm}",
            get(realms::show).put(realms::create).delete(realms::delete),
        )
        .route("/api/v1/realms/{realm}/suspend", post(realms::suspend))
        .route("/api/v1/realms/{realm}/resume", post(realms::resume))
        .nest("/api/v1/realms/{realm}", in_realm())
        .fallback(no_such_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(finishing)
        .with_state(api)
}

fn in_realm() -> Router<Api> {
    let installation = "/installations/{environment}/{account}";
    Router::new()
        .route("/accounts", get(accounts::list))
        .route(
            "/accounts/{account}",
            get(accounts::show)
                .put(accounts::save)
                .delete(accounts::delete),
        )
        .route("/installations", get(installations::list))
        .route(installation, get(installations::show))
        .route(
            &format!("{installation}/request"),
            post(installations::request),
        )
        .route(
            &format!("{installation}/install"),
            post(installations::install),
        )
        .route(
            &format!("{installation}/reject"),
            post(installations::reject),
        )
        .route(
            &format!("{installation}/remove"),
            post(installations::remove),
        )
        .route("/pipelines", get(pipelines::list))
        .route(
            "/pipelines/{name}/{major}",
            get(pipelines::show)
                .put(pipelines::save)
                .delete(pipelines::delete),
        )
        .route("/deployments", get(deployments::list))
        .route(
            "/deployments/{environment}/{name}/{major}",
            put(deployments::deploy).delete(deployments::undeploy),
        )
        .route("/connections", get(connections::list))
        .route(
            "/connections/{connection}",
            get(connections::show)
                .put(connections::save)
                .delete(connections::delete),
        )
        .route("/endpoints", get(endpoints::list))
        .route("/refusals", get(refusals::list))
}

async fn no_such_path() -> ApiError {
    ApiError::NoSuchPath
}

async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}
