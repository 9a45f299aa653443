//! What revocation lists are fetched from, and which issuers they cover.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::{get, post};

use crate::api::answer::{Answer, Changed, Listed};
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::router::Api;
use crate::control::view::crl_coverage::CoverageView;
use crate::control::view::crl_source::CrlSourceView;
use crate::domain::command::Command;
use crate::manifest::document::CrlSourceBody;

pub(crate) fn routes() -> Router<Api> {
    let all = "/realms/{realm}/crl-sources/{environment}";
    Router::new()
        .route(all, get(list))
        .route(
            &format!("{all}/{{source}}"),
            get(show).put(save).delete(delete),
        )
        .route(&format!("{all}/{{source}}/fetch"), post(fetch))
        .route("/realms/{realm}/crl-coverage/{environment}", get(coverage))
}

async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
) -> Answer<Listed<CrlSourceView>> {
    let found = api
        .control
        .crl_sources(&actor, &path.realm()?, path.environment()?)?;
    Ok(Listed::of("sources", found))
}

async fn show(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<CrlSourceView> {
    let (realm, environment, name) = (path.realm()?, path.environment()?, path.crl_source()?);
    let found = api.control.crl_source(&actor, &realm, environment, &name)?;
    Ok(Json(found))
}

async fn save(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    Body(body): Body<CrlSourceBody>,
) -> Answer<Changed> {
    let command = Command::SaveCrlSource {
        realm: path.realm()?,
        environment: path.environment()?,
        name: path.crl_source()?,
        url: body.url.0,
    };
    api.carry_out(actor, command).await
}

async fn delete(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<Changed> {
    let command = Command::DeleteCrlSource {
        realm: path.realm()?,
        environment: path.environment()?,
        name: path.crl_source()?,
    };
    api.carry_out(actor, command).await
}

/// Answers once the source was asked, with what came of it.
async fn fetch(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<CrlSourceView> {
    let (realm, environment, name) = (path.realm()?, path.environment()?, path.crl_source()?);
    api.control
        .fetch_crl_now(&actor, &realm, environment, &name)
        .await?;
    let found = api.control.crl_source(&actor, &realm, environment, &name)?;
    Ok(Json(found))
}

/// Checks signatures, so that it takes its time.
async fn coverage(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
) -> Answer<CoverageView> {
    let (realm, environment) = (path.realm()?, path.environment()?);
    let found = api
        .blocking(move |control| Ok(control.crl_coverage(&actor, &realm, environment)?))
        .await?;
    Ok(Json(found))
}
