//! Accounts.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::get;

use crate::api::answer::{Answer, Changed, Listed};
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::router::Api;
use crate::control::view::account::{AccountSheet, AccountView};
use crate::domain::command::Command;
use crate::manifest::document::AccountBody;

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/realms/{realm}/accounts", get(list))
        .route(
            "/realms/{realm}/accounts/{account}",
            get(show).put(save).delete(delete),
        )
}

async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
) -> Answer<Listed<AccountView>> {
    let found = api.control.accounts(&actor, &path.realm()?)?;
    Ok(Listed::of("accounts", found))
}

async fn show(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<AccountSheet> {
    let found = api
        .control
        .account(&actor, &path.realm()?, &path.account()?)?;
    Ok(Json(found))
}

/// What is stored is needed to carry out `keep`, so that control makes the command, while nobody else writes.
async fn save(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    Body(body): Body<AccountBody>,
) -> Answer<Changed> {
    let (realm, name) = (path.realm()?, path.account()?);
    let done = api
        .blocking(move |control| control.save_account(&actor, &realm, &name, &body))
        .await?;
    Ok(Json(done.into()))
}

async fn delete(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<Changed> {
    let command = Command::DeleteAccount {
        realm: path.realm()?,
        name: path.account()?,
    };
    api.carry_out(actor, command).await
}
