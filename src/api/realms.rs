//! `/api/v1/realms`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::api::body::{Answer, Changed};
use crate::api::caller::Caller;
use crate::api::parameters::Parameters;
use crate::api::router::Api;
use crate::control::view::realm::RealmView;
use crate::domain::command::Command;

/// A list of realms.
#[derive(Serialize)]
pub struct Realms {
    realms: Vec<RealmView>,
}

/// The realms that the caller may see.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn list(State(api): State<Api>, Caller(actor): Caller) -> Answer<Realms> {
    Ok(Json(Realms {
        realms: api.control.realms(&actor),
    }))
}

/// One realm.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn show(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<RealmView> {
    Ok(Json(api.control.realm(&actor, &parameters.realm()?)?))
}

/// Makes a realm; one that is there already is a conflict.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn create(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Changed> {
    let command = Command::CreateRealm {
        realm: parameters.realm()?,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}

/// Removes a realm and everything in it.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn delete(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Changed> {
    let command = Command::DeleteRealm {
        realm: parameters.realm()?,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}

/// Switches a realm off, at once.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn suspend(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Changed> {
    let command = Command::SuspendRealm {
        realm: parameters.realm()?,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}

/// Switches a suspended realm on again.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn resume(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Changed> {
    let command = Command::ResumeRealm {
        realm: parameters.realm()?,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}
