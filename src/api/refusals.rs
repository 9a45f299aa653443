//! `/api/v1/realms/{realm}/refusals` and `/api/v1/refusals`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::api::body::Answer;
use crate::api::caller::Caller;
use crate::api::parameters::{Asked, Page, Parameters};
use crate::api::router::Api;
use crate::control::view::refusal::RefusalView;

/// A list of refused clients.
#[derive(Serialize)]
pub struct Refusals {
    refusals: Vec<RefusalView>,
}

/// A realm's refused clients, newest first.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
    Asked(page): Asked<Page>,
) -> Answer<Refusals> {
    let realm = parameters.realm()?;
    let reading = api
        .control
        .blocking(move |control| control.refusals(&actor, Some(&realm), page.before, page.limit()));
    Ok(Json(Refusals {
        refusals: reading.await?,
    }))
}

/// Refused clients that belong to no realm, newest first.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn list_own(
    State(api): State<Api>,
    Caller(actor): Caller,
    Asked(page): Asked<Page>,
) -> Answer<Refusals> {
    let reading = api
        .control
        .blocking(move |control| control.refusals(&actor, None, page.before, page.limit()));
    Ok(Json(Refusals {
        refusals: reading.await?,
    }))
}
