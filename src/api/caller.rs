//! Who calls: the bearer of a token.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::api::error::ApiError;
use crate::api::router::Api;
use crate::domain::token::Actor;

/// Where the request came from; the listener puts it into the request.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

/// Who calls. A handler that takes one is reached by bearers of a valid token only.
pub struct Caller(pub Actor);

impl FromRequestParts<Api> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .ok_or(ApiError::TokenMissing)?;
        let text = header.to_str().map_err(|_| ApiError::TokenUnknown)?;
        let (scheme, token) = text.split_once(' ').ok_or(ApiError::TokenMissing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ApiError::TokenMissing);
        }
        let address = parts
            .extensions
            .get::<ClientAddress>()
            .map(|address| address.0);
        api.control
            .authenticate(token.trim(), address)
            .map(Self)
            .ok_or(ApiError::TokenUnknown)
    }
}
