//! What answers have in common.

use axum::response::Json;
use serde::Serialize;

use crate::api::error::ApiError;
use crate::control::service::Done;

/// The answer to a question, or why there is none.
pub(crate) type Answer<T> = Result<Json<T>, ApiError>;

/// What a change came to.
#[derive(Debug, Serialize)]
pub(crate) struct Changed {
    /// Whether there was anything to do.
    changed: bool,
    /// The catalog's revision.
    revision: u64,
    /// What there is to know about it, a sentence each.
    warnings: Vec<String>,
}

impl From<Done> for Changed {
    fn from(done: Done) -> Self {
        Self {
            changed: done.changed,
            revision: done.revision,
            warnings: done.warnings.iter().map(ToString::to_string).collect(),
        }
    }
}
