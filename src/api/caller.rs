//! Who calls.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::api::error::ApiError;
use crate::api::router::Api;
use crate::domain::token::Actor;

/// Where a request came from: an extension that the listener puts into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Somebody whose token was checked.
pub(crate) struct Caller(pub(crate) Actor);

impl FromRequestParts<Api> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Self::Rejection> {
        let address = parts
            .extensions
            .get::<ClientAddress>()
            .map(|address| address.0.to_canonical());
        bearer(parts)
            .and_then(|secret| api.control.authenticate(secret, address))
            .map(Self)
            .ok_or(ApiError::Unauthorized)
    }
}

/// The token of the one `Authorization` header (RFC 6750 §2.1); two of them are none, since others may read the other.
fn bearer(parts: &Parts) -> Option<&str> {
    let mut given = parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return None;
    };
    let (scheme, secret) = value.to_str().ok()?.split_once(' ')?;
    let secret = secret.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty()).then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&str], expect: Option<&str>) {
        let mut request = http::Request::builder();
        for value in values {
            request = request.header(AUTHORIZATION, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(bearer(&parts), expect, "{values:?}");
    }

    #[test]
    fn a_token_is_read_from_one_bearer_header() {
        check(&["Bearer rgt_a"], Some("rgt_a"));
        check(&["bearer  rgt_a "], Some("rgt_a"));
        check(&[], None);
        check(&["Bearer"], None);
        check(&["Bearer "], None);
        check(&["Basic rgt_a"], None);
        check(&["rgt_a"], None);
        check(&["Bearer rgt_a", "Bearer rgt_b"], None);
        check(&["Bearer rgt_\u{e4}"], None);
    }
}
