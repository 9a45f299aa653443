//! What our listeners show to clients.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, put};
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use crate::api::answer::{Answer, Changed, Listed};
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::path::Path;
use crate::api::router::Api;
use crate::control::view::server_identity::ServerIdentityView;
use crate::domain::identity::IdentitySlot;
use crate::domain::token::Actor;
use crate::pki::secret::Secret;

/// Certificates as PEM (RFC 8555 §9.1).
pub(crate) const PEM: &str = "application/pem-certificate-chain";

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/server-identities", get(list))
        .route("/server-identities/{slot}", put(provide).delete(reset))
        .route("/realms/{realm}/server-identities", get(list_own))
        .route(
            "/realms/{realm}/server-identities/{environment}",
            put(provide_own).delete(remove_own),
        )
        .route("/server-ca", get(authority))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provided {
    /// PEM, leaf first, then its issuers.
    chain: String,
    /// The leaf's private key, as PEM.
    key: String,
}

async fn list(State(api): State<Api>, Caller(actor): Caller) -> Answer<Listed<ServerIdentityView>> {
    let found = api.control.server_identities(&actor)?;
    Ok(Listed::of("serverIdentities", found))
}

async fn list_own(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
) -> Answer<Listed<ServerIdentityView>> {
    let found = api.control.realm_identities(&actor, &path.realm()?)?;
    Ok(Listed::of("serverIdentities", found))
}

async fn provide(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    Body(provided): Body<Provided>,
) -> Answer<Changed> {
    save(&api, actor, path.slot()?, provided).await
}

async fn provide_own(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    Body(provided): Body<Provided>,
) -> Answer<Changed> {
    save(&api, actor, path.own_slot()?, provided).await
}

async fn save(
    api: &Api,
    actor: Actor,
    slot: IdentitySlot,
    Provided { chain, key }: Provided,
) -> Answer<Changed> {
    let key = Secret::new(key);
    let done = api
        .blocking(move |control| control.provide_server_identity(&actor, slot, &chain, &key))
        .await?;
    Ok(Json(done.into()))
}

async fn reset(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<Changed> {
    take_away(&api, actor, path.slot()?).await
}

async fn remove_own(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<Changed> {
    take_away(&api, actor, path.own_slot()?).await
}

async fn take_away(api: &Api, actor: Actor, slot: IdentitySlot) -> Answer<Changed> {
    let done = api
        .blocking(move |control| control.reset_server_identity(&actor, &slot))
        .await?;
    Ok(Json(done.into()))
}

async fn authority(State(api): State<Api>, Caller(actor): Caller) -> Result<Response, ApiError> {
    let pem = api.control.server_ca(&actor)?.unwrap_or_default();
    Ok(([(CONTENT_TYPE, PEM)], pem).into_response())
}
