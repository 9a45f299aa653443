//! `/api/v1/audit`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::api::body::Answer;
use crate::api::caller::Caller;
use crate::api::parameters::{self, Asked, Page};
use crate::api::router::Api;
use crate::control::view::audit::AuditView;

/// A list of changes.
#[derive(Serialize)]
pub struct Audit {
    audit: Vec<AuditView>,
}

/// Which ones are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    realm: Option<String>,
    limit: Option<usize>,
    before: Option<u64>,
}

/// Changes, newest first.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    Asked(which): Asked<Which>,
) -> Answer<Audit> {
    let realm = parameters::realm(which.realm.as_deref())?;
    let page = Page {
        limit: which.limit,
        before: which.before,
    };
    let reading = api
        .control
        .blocking(move |control| control.audit(&actor, realm, page.before, page.limit()));
    Ok(Json(Audit {
        audit: reading.await?,
    }))
}
