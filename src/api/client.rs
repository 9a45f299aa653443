//! Clients that were let in, those that are connected, and what a change would do to them.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::{get, post};

use crate::api::answer::Answer;
use crate::api::body::LargeBody;
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::query::Parameters;
use crate::api::router::Api;
use crate::control::impact::DAYS_DEFAULT;
use crate::control::view::client::{
    ClientFilter, ClientPlace, ClientsView, ConnectionsView, ImpactView,
};
use crate::manifest::document::ChangeDocument;

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/realms/{realm}/clients", get(list))
        .route("/realms/{realm}/clients/connections", get(connections))
        .route("/realms/{realm}/impact/{environment}", post(impact))
}

async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
) -> Answer<ClientsView> {
    let parameters = parameters.only(&["environment", "anchor", "since", "before", "limit"])?;
    let realm = path.realm()?;
    let filter = ClientFilter {
        environment: parameters.environment()?,
        anchor: parameters.fingerprint("anchor")?,
        since: parameters.moment("since")?,
        before: parameters.word("before", ClientPlace::parse)?,
        limit: parameters.limit()?,
    };
    let found = api
        .blocking(move |control| control.clients(&actor, &realm, &filter))
        .await?;
    Ok(Json(found))
}

async fn connections(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
) -> Answer<ConnectionsView> {
    let environment = parameters.only(&["environment"])?.environment()?;
    let realm = path.realm()?;
    let found = api
        .blocking(move |control| control.client_connections(&actor, &realm, environment))
        .await?;
    Ok(Json(found))
}

async fn impact(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
    LargeBody(change): LargeBody<ChangeDocument>,
) -> Answer<ImpactView> {
    let days = parameters.only(&["days"])?.days()?.unwrap_or(DAYS_DEFAULT);
    let (realm, environment) = (path.realm()?, path.environment()?);
    let view = api
        .blocking(move |control| {
            let impact = control.impact(&actor, &realm, environment, &change, days)?;
            Ok(ImpactView::of(&realm, environment, impact))
        })
        .await?;
    Ok(Json(view))
}
