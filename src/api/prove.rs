//! Attacking ourselves.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::post;
use serde::Deserialize;

use crate::api::answer::Answer;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::router::Api;
use crate::prove::board::{Board, Class};
use crate::prove::run;

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/prove", post(prove))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The classes to try; all of them where it is left out or empty.
    #[serde(default)]
    classes: Vec<String>,
}

async fn prove(
    State(api): State<Api>,
    Caller(actor): Caller,
    Body(Wanted { classes }): Body<Wanted>,
) -> Answer<Board> {
    let classes: Vec<Class> = classes
        .iter()
        .map(|name| {
            Class::parse(name).map_err(|source| ApiError::Class {
                name: name.clone(),
                source,
            })
        })
        .collect::<Result<_, _>>()?;
    // Where the caller goes away this is dropped, which ends the run and clears it away.
    let board = Box::pin(run::run(&api.control, actor, &classes)).await?;
    Ok(Json(board))
}
