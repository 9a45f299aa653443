//! Installations: asking for trust, and the operator's answer.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::{get, post};
use serde::Deserialize;

use crate::api::answer::{Answer, Changed, Listed};
use crate::api::body::{Body, NoBody};
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::query::Parameters;
use crate::api::router::Api;
use crate::control::view::installation::{InstallationFilter, InstallationSheet, InstallationView};
use crate::domain::command::Command;
use crate::domain::environment::InvalidWord;

pub(crate) fn routes() -> Router<Api> {
    let one = "/realms/{realm}/installations/{environment}/{account}";
    Router::new()
        .route("/realms/{realm}/installations", get(list))
        .route(one, get(show))
        .route(&format!("{one}/request"), post(request))
        .route(&format!("{one}/install"), post(install))
        .route(&format!("{one}/reject"), post(reject))
        .route(&format!("{one}/remove"), post(remove))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reviewed {
    /// The account's revision that the operator was shown.
    revision: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TurnedDown {
    /// For the realm's people to read.
    reason: String,
}

async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
) -> Answer<Listed<InstallationView>> {
    let parameters = parameters.only(&["environment", "account", "state"])?;
    let filter = InstallationFilter {
        environment: parameters.environment()?,
        account: parameters.account()?,
        state: parameters.word("state", state)?,
    };
    let found = api.control.installations(&actor, &path.realm()?, &filter)?;
    Ok(Listed::of("installations", found))
}

/// Reads the word of a state.
fn state(text: &str) -> Result<String, InvalidWord> {
    match text {
        "requested" | "installed" | "retiring" | "rejected" | "removed" => Ok(text.to_owned()),
        _ => Err(InvalidWord {
            what: "state",
            allowed: "requested, installed, retiring, rejected or removed",
        }),
    }
}

async fn show(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
) -> Answer<InstallationSheet> {
    let (realm, environment) = (path.realm()?, path.environment()?);
    let found = api
        .control
        .installation(&actor, &realm, environment, &path.account()?)?;
    Ok(Json(found))
}

async fn request(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    _: NoBody,
) -> Answer<Changed> {
    let command = Command::RequestInstallation {
        realm: path.realm()?,
        environment: path.environment()?,
        account: path.account()?,
    };
    api.carry_out(actor, command).await
}

async fn install(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
    Body(Reviewed { revision }): Body<Reviewed>,
) -> Answer<Changed> {
    let command = Command::Install {
        realm: path.realm()?,
        environment: path.environment()?,
        account: path.account()?,
        revision,
    };
    api.carry_out_cutting(actor, command, parameters.cut()?)
        .await
}

async fn reject(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    Body(TurnedDown { reason }): Body<TurnedDown>,
) -> Answer<Changed> {
    let command = Command::RejectInstallation {
        realm: path.realm()?,
        environment: path.environment()?,
        account: path.account()?,
        reason,
    };
    api.carry_out(actor, command).await
}

async fn remove(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
    _: NoBody,
) -> Answer<Changed> {
    let command = Command::RemoveInstallation {
        realm: path.realm()?,
        environment: path.environment()?,
        account: path.account()?,
    };
    api.carry_out_cutting(actor, command, parameters.cut()?)
        .await
}
