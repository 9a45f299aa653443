//! Refused clients: a realm's own, and the operator's, which belong to no realm.

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use crate::api::answer::{Answer, Paged};
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::query::Page;
use crate::api::query::Parameters;
use crate::api::router::Api;
use crate::control::view::refusal::RefusalView;
use crate::domain::name::RealmName;
use crate::domain::token::Actor;

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/refusals", get(of_no_realm))
        .route("/realms/{realm}/refusals", get(of_realm))
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
