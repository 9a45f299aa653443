//! Bringing the server to what manifests say.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::post;
use serde::Deserialize;

use crate::api::answer::Answer;
use crate::api::body::LargeBody;
use crate::api::caller::Caller;
use crate::api::router::Api;
use crate::control::service::{Applied, ApplyOptions};
use crate::manifest::document::Document;

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/apply", post(apply))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wanted {
    documents: Vec<Document>,
    /// Whether the plan alone is wanted.
    #[serde(default)]
    dry_run: bool,
    /// Whether things that the documents do not name go, inside the realms that they name.
    #[serde(default)]
    prune: bool,
}

async fn apply(
    State(api): State<Api>,
    Caller(actor): Caller,
    LargeBody(wanted): LargeBody<Wanted>,
) -> Answer<Applied> {
    let options = ApplyOptions {
        dry_run: wanted.dry_run,
        prune: wanted.prune,
    };
    let applied = api.control.apply(&actor, wanted.documents, options).await?;
    Ok(Json(applied))
}
