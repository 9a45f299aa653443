//! Deployments.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, put};

use crate::api::answer::{Answer, Changed, Listed};
use crate::api::body::NoBody;
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::query::Parameters;
use crate::api::router::Api;
use crate::control::view::deployment::DeploymentView;
use crate::domain::command::Command;

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/realms/{realm}/deployments", get(list))
        .route(
            "/realms/{realm}/deployments/{environment}/{pipeline}/{version}",
            put(deploy).delete(undeploy),
        )
}

async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
) -> Answer<Listed<DeploymentView>> {
    let environment = parameters.only(&["environment"])?.environment()?;
    let mut found = api.control.deployments(&actor, &path.realm()?)?;
    if let Some(wanted) = environment {
        found.retain(|deployment| deployment.environment == wanted.as_str());
    }
    Ok(Listed::of("deployments", found))
}

async fn deploy(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    _: NoBody,
) -> Answer<Changed> {
    let command = Command::Deploy {
        realm: path.realm()?,
        key: path.deployment()?,
    };
    api.carry_out(actor, command).await
}

async fn undeploy(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<Changed> {
    let command = Command::Undeploy {
        realm: path.realm()?,
        key: path.deployment()?,
    };
    api.carry_out(actor, command).await
}
