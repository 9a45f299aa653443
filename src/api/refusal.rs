//! Refused clients: a realm's own, and the operator's, which belong to no realm.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use http::header::CONTENT_TYPE;

use crate::api::answer::{Answer, Paged};
use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::path::Path;
use crate::api::query::Page;
use crate::api::query::Parameters;
use crate::api::router::Api;
use crate::api::server_identity::PEM;
use crate::clock::Moment;
use crate::control::view::refusal::RefusalView;
use crate::control::view::refusal_group::RefusalGroups;
use crate::domain::name::RealmName;
use crate::domain::token::Actor;

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/refusals", get(of_no_realm))
        .route("/realms/{realm}/refusals", get(of_realm))
        .route("/refusals/groups", get(groups_of_no_realm))
        .route("/realms/{realm}/refusals/groups", get(groups_of_realm))
        .route("/refusals/{sequence}/chain", get(chain_of_no_realm))
        .route(
            "/realms/{realm}/refusals/{sequence}/chain",
            get(chain_of_realm),
        )
}

async fn of_no_realm(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Paged<RefusalView>> {
    let page = parameters.only(&["before", "limit"])?.page()?;
    list(&api, actor, None, page).await
}

async fn of_realm(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
) -> Answer<Paged<RefusalView>> {
    let realm = path.realm()?;
    let page = parameters.only(&["before", "limit"])?.page()?;
    list(&api, actor, Some(realm), page).await
}

async fn list(
    api: &Api,
    actor: Actor,
    realm: Option<RealmName>,
    Page { before, limit }: Page,
) -> Answer<Paged<RefusalView>> {
    let found = api
        .blocking(move |control| control.refusals(&actor, realm.as_ref(), before, limit))
        .await?;
    Ok(Paged::of("refusals", found, limit, |last| last.sequence))
}

async fn groups_of_no_realm(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<RefusalGroups> {
    let since = parameters.only(&["since"])?.since()?;
    group(&api, actor, None, since).await
}

async fn groups_of_realm(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
) -> Answer<RefusalGroups> {
    let realm = path.realm()?;
    let since = parameters.only(&["since"])?.since()?;
    group(&api, actor, Some(realm), since).await
}

async fn group(
    api: &Api,
    actor: Actor,
    realm: Option<RealmName>,
    since: Option<Moment>,
) -> Answer<RefusalGroups> {
    let found = api
        .blocking(move |control| control.refusal_groups(&actor, realm.as_ref(), since))
        .await?;
    Ok(Json(found))
}

async fn chain_of_no_realm(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
) -> Result<Response, ApiError> {
    chain(&api, actor, None, path.sequence()?).await
}

async fn chain_of_realm(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
) -> Result<Response, ApiError> {
    chain(&api, actor, Some(path.realm()?), path.sequence()?).await
}

async fn chain(
    api: &Api,
    actor: Actor,
    realm: Option<RealmName>,
    sequence: u64,
) -> Result<Response, ApiError> {
    let pem = api
        .blocking(move |control| control.refusal_chain(&actor, realm.as_ref(), sequence))
        .await?;
    Ok(([(CONTENT_TYPE, PEM)], pem).into_response())
}
