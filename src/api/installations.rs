//! `/api/v1/realms/{realm}/installations`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::api::body::{self, Answer, Changed};
use crate::api::caller::Caller;
use crate::api::parameters::{self, Asked, Parameters};
use crate::api::router::Api;
use crate::control::view::installation::{InstallationFilter, InstallationSheet, InstallationView};
use crate::domain::command::Command;

/// A list of installations.
#[derive(Serialize)]
pub struct Installations {
    installations: Vec<InstallationView>,
}

/// Which ones are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    environment: Option<String>,
    account: Option<String>,
    state: Option<String>,
}

/// Names what was reviewed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reviewed {
    revision: u64,
}

/// Says why not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Because {
    reason: String,
}

/// A realm's installations, latest first.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
    Asked(which): Asked<Which>,
) -> Answer<Installations> {
    let filter = InstallationFilter {
        environment: parameters::environment(which.environment.as_deref())?,
        account: parameters::account(which.account.as_deref())?,
        state: which.state,
    };
    Ok(Json(Installations {
        installations: api
            .control
            .installations(&actor, &parameters.realm()?, &filter)?,
    }))
}

/// The installation of an account in an environment, with all that is reviewed.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn show(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<InstallationSheet> {
    let (realm, environment, account) = (
        parameters.realm()?,
        parameters.environment()?,
        parameters.account()?,
    );
    Ok(Json(api.control.installation(
        &actor,
        &realm,
        environment,
        &account,
    )?))
}

/// Asks an operator to install an account's certificates.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn request(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Changed> {
    let (realm, environment, account) = (
        parameters.realm()?,
        parameters.environment()?,
        parameters.account()?,
    );
    let command = Command::RequestInstallation {
        realm,
        environment,
        account,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}

/// Installs what was requested, as it was reviewed.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn install(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
    body: Body,
) -> Answer<Changed> {
    let (realm, environment, account) = (
        parameters.realm()?,
        parameters.environment()?,
        parameters.account()?,
    );
    let Reviewed { revision } = body::document(&api, body).await?;
    let command = Command::Install {
        realm,
        environment,
        account,
        revision,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}

/// Turns a request down.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn reject(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
    body: Body,
) -> Answer<Changed> {
    let (realm, environment, account) = (
        parameters.realm()?,
        parameters.environment()?,
        parameters.account()?,
    );
    let Because { reason } = body::document(&api, body).await?;
    let command = Command::RejectInstallation {
        realm,
        environment,
        account,
        reason,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}

/// Takes certificates out of work, or withdraws the request.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn remove(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Changed> {
    let (realm, environment, account) = (
        parameters.realm()?,
        parameters.environment()?,
        parameters.account()?,
    );
    let command = Command::RemoveInstallation {
        realm,
        environment,
        account,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}
