//! `/api/v1/realms/{realm}/accounts`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use serde::Serialize;

use crate::api::body::{self, Answer, Changed};
use crate::api::caller::Caller;
use crate::api::parameters::Parameters;
use crate::api::router::Api;
use crate::control::view::account::{AccountSheet, AccountView};
use crate::domain::command::Command;
use crate::manifest::document::AccountBody;

/// A list of accounts.
#[derive(Serialize)]
pub struct Accounts {
    accounts: Vec<AccountView>,
}

/// A realm's accounts.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Accounts> {
    Ok(Json(Accounts {
        accounts: api.control.accounts(&actor, &parameters.realm()?)?,
    }))
}

/// One account, without its secrets.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn show(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<AccountSheet> {
    Ok(Json(api.control.account(
        &actor,
        &parameters.realm()?,
        &parameters.account()?,
    )?))
}

/// Makes or changes an account.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn save(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
    body: Body,
) -> Answer<Changed> {
    let (realm, name) = (parameters.realm()?, parameters.account()?);
    let body: AccountBody = body::document(&api, body).await?;
    let saving = api
        .control
        .blocking(move |control| control.save_account(&actor, &realm, &name, &body));
    Ok(Changed::answer(&saving.await?))
}

/// Removes an account that nothing uses.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn delete(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Changed> {
    let command = Command::DeleteAccount {
        realm: parameters.realm()?,
        name: parameters.account()?,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}
