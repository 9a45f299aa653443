//! Bodies: read within bounds, answered as JSON.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::error::ApiError;
use crate::api::router::Api;
use crate::control::executing::Done;
use crate::domain::change::Warning;
use crate::manifest::read;

/// An answer, or an error that becomes one.
pub type Answer<T> = Result<Json<T>, ApiError>;

/// What came of a change.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// Whether anything changed.
    pub changed: bool,
    /// The catalog's revision now.
    pub revision: u64,
    /// What its sender should know, a sentence each.
    pub warnings: Vec<String>,
}

impl Changed {
    /// The answer to a change.
    pub fn answer(done: &Done) -> Json<Self> {
        Json(Self {
            changed: done.changed,
            revision: done.revision,
            warnings: sentences(&done.warnings),
        })
    }
}

/// Warnings as sentences.
pub fn sentences(warnings: &[Warning]) -> Vec<String> {
    warnings.iter().map(ToString::to_string).collect()
}

/// Reads a JSON document of ordinary size.
///
/// # Errors
/// [`ApiError`].
pub async fn document<T: DeserializeOwned>(api: &Api, body: Body) -> Result<T, ApiError> {
    let bytes = bytes(api, body, api.limits.body_bytes_max).await?;
    Ok(read::json(&bytes)?)
}

/// Reads at most `most` bytes.
///
/// # Errors
/// [`ApiError::BodyTooLarge`] and [`ApiError::BodyBroken`].
pub async fn bytes(api: &Api, body: Body, most: usize) -> Result<Bytes, ApiError> {
    let patience = Duration::from_millis(api.limits.body_timeout_ms.into());
    let reading = tokio::time::timeout(patience, Limited::new(body, most).collect());
    match reading.await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::BodyTooLarge { most }),
        Ok(Err(_)) | Err(_) => Err(ApiError::BodyBroken),
    }
}
