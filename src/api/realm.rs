//! Realms.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::{get, post};

use crate::api::answer::{Answer, Changed, Listed};
use crate::api::body::NoBody;
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::router::Api;
use crate::control::view::realm::RealmView;
use crate::domain::command::Command;

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/realms", get(list))
        .route("/realms/{realm}", get(show).put(create).delete(delete))
        .route("/realms/{realm}/suspend", post(suspend))
        .route("/realms/{realm}/resume", post(resume))
}

async fn list(State(api): State<Api>, Caller(actor): Caller) -> Answer<Listed<RealmView>> {
    Ok(Listed::of("realms", api.control.realms(&actor)))
}

async fn show(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<RealmView> {
    Ok(Json(api.control.realm(&actor, &path.realm()?)?))
}

async fn create(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    _: NoBody,
) -> Answer<Changed> {
    let realm = path.realm()?;
    api.carry_out(actor, Command::CreateRealm { realm }).await
}

async fn delete(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<Changed> {
    let realm = path.realm()?;
    api.carry_out(actor, Command::DeleteRealm { realm }).await
}

async fn suspend(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    _: NoBody,
) -> Answer<Changed> {
    let realm = path.realm()?;
    api.carry_out(actor, Command::SuspendRealm { realm }).await
}

async fn resume(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    _: NoBody,
) -> Answer<Changed> {
    let realm = path.realm()?;
    api.carry_out(actor, Command::ResumeRealm { realm }).await
}
