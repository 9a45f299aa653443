//! The bodies of requests: bounded, JSON, and read with errors that name the field and the place.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use http_body::Body as _;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::api::error::ApiError;
use crate::api::limits::BODY_BYTES_MAX;
use crate::api::router::Api;
use crate::manifest::read;
use crate::pki::secret::Secret;

/// A JSON body of at most [`BODY_BYTES_MAX`].
pub(crate) struct Body<T>(pub(crate) T);

/// A JSON body as large as `apply` may send.
pub(crate) struct LargeBody<T>(pub(crate) T);

/// No body, or the empty object that some clients send all the same.
pub(crate) struct NoBody;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<T: DeserializeOwned> FromRequest<Api> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Self::Rejection> {
        check_type(request.headers())?;
        let bytes = gather(request, BODY_BYTES_MAX, api).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<Api> for LargeBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Self::Rejection> {
        check_type(request.headers())?;
        let bytes = gather(request, api.limits.apply_bytes_max, api).await?;
        parse(&bytes).map(Self)
    }
}

impl FromRequest<Api> for NoBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Self::Rejection> {
        let headers = request.headers().clone();
        let bytes = gather(request, BODY_BYTES_MAX, api).await?;
        if bytes.is_empty() {
            return Ok(Self);
        }
        check_type(&headers)?;
        parse::<Nothing>(&bytes).map(|Nothing {}| Self)
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let is_json = |value: &HeaderValue| {
        let essence = value
            .to_str()
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/json")
    };
    match headers.get(CONTENT_TYPE) {
        Some(value) if is_json(value) => Ok(()),
        Some(_) | None => Err(ApiError::MediaType),
    }
}

fn parse<T: DeserializeOwned>(bytes: &Secret) -> Result<T, ApiError> {
    read::json(bytes.expose()).map_err(ApiError::Body)
}

/// Reads a body of at most `most` bytes. It may hold passwords and keys, so it is overwritten once it was read.
async fn gather(request: Request, most: usize, api: &Api) -> Result<Secret, ApiError> {
    let patience = Duration::from_millis(u64::from(api.limits.body_idle_timeout_ms));
    let mut body = request.into_body();
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > most {
        return Err(ApiError::BodyTooLarge { most });
    }
    let mut bytes = Vec::with_capacity(announced);
    loop {
        let next = tokio::time::timeout(patience, body.frame())
            .await
            .map_err(|_| ApiError::BodyTooSlow)?;
        let Some(frame) = next else {
            return Ok(Secret::from_bytes(bytes));
        };
        let frame = frame.map_err(|_| ApiError::BodyBroke)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > most.saturating_sub(bytes.len()) {
            return Err(ApiError::BodyTooLarge { most });
        }
        bytes.extend_from_slice(&data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_read() {
        let check = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            check_type(&headers).is_ok()
        };
        assert!(check("application/json"));
        assert!(check("Application/JSON; charset=utf-8"));
        assert!(!check("text/plain"));
        assert!(!check("application/json-seq"));
        assert!(!check("application/x-www-form-urlencoded"));
        assert!(check_type(&HeaderMap::new()).is_err());
    }
}
