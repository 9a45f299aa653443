//! Pipelines.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::get;

use crate::api::answer::{Answer, Changed, Listed};
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::router::Api;
use crate::control::view::pipeline::PipelineView;
use crate::domain::command::Command;
use crate::manifest::document::PipelineBody;
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::pipeline;

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/realms/{realm}/pipelines", get(list))
        .route(
            "/realms/{realm}/pipelines/{pipeline}/{version}",
            get(show).put(save).delete(delete),
        )
}

async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
) -> Answer<Listed<PipelineView>> {
    let found = api.control.pipelines(&actor, &path.realm()?)?;
    Ok(Listed::of("pipelines", found))
}

async fn show(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<PipelineView> {
    let found = api
        .control
        .pipeline(&actor, &path.realm()?, &path.pipeline()?)?;
    Ok(Json(found))
}

async fn save(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    Body(body): Body<PipelineBody>,
) -> Answer<Changed> {
    let (realm, key) = (path.realm()?, path.pipeline()?);
    let command =
        pipeline::command(&realm, &key, &body).map_err(|source| InvalidManifest::Pipeline {
            realm,
            pipeline: key,
            source,
        })?;
    api.carry_out(actor, command).await
}

async fn delete(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<Changed> {
    let command = Command::DeletePipeline {
        realm: path.realm()?,
        key: path.pipeline()?,
    };
    api.carry_out(actor, command).await
}
