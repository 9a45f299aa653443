//! What our listeners show to clients.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, put};
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use crate::api::answer::{Answer, Changed};
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::path::Path;
use crate::api::router::Api;
use crate::control::view;
use crate::domain::command::Command;
use crate::domain::identity::IdentityCertificate;
use crate::pki::secret::Secret;
use crate::pki::upload::{self, Upload};

/// Certificates as PEM (RFC 8555 §9.1).
const PEM: &str = "application/pem-certificate-chain";

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/server-identities", get(list))
        .route("/server-identities/{slot}", put(provide))
        .route("/server-ca", get(authority))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Provided {
    /// PEM, leaf first, then its issuers; the key may stand among them.
    chain: String,
    /// The leaf's private key as PEM.
    #[serde(default)]
    key: Option<String>,
    /// What the key is encrypted with.
    #[serde(default)]
    password: Option<String>,
}

async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
) -> Answer<view::ServerIdentities> {
    Ok(Json(api.control.server_identities(&actor)?))
}

async fn provide(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    Body(body): Body<Provided>,
) -> Answer<Changed> {
    let command = Command::ProvideServerIdentity {
        slot: path.slot()?,
        certificate: certificate(body)?,
    };
    api.carry_out(&actor, command).await
}

async fn authority(State(api): State<Api>, Caller(actor): Caller) -> Result<Response, ApiError> {
    let pem = api.control.server_ca(&actor)?;
    Ok(([(CONTENT_TYPE, PEM)], pem).into_response())
}

fn certificate(body: Provided) -> Result<IdentityCertificate, ApiError> {
    let password = body.password.map(Secret::new);
    let chain = read("chain", body.chain, password.as_ref())?;
    let key = match (chain.key, body.key) {
        (Some(_), Some(_)) => return Err(ApiError::TwoKeys),
        (Some(key), None) => key,
        (None, Some(given)) => read("key", given, password.as_ref())?
            .key
            .ok_or(ApiError::NoKey)?,
        (None, None) => return Err(ApiError::NoKey),
    };
    Ok(IdentityCertificate {
        chain: chain.certificates,
        key,
    })
}

fn read(
    field: &'static str,
    text: String,
    password: Option<&Secret>,
) -> Result<Upload, ApiError> {
    let text = Secret::new(text);
    upload::read(text.expose(), password).map_err(|source| ApiError::Upload { field, source })
}
