//! Trust policies.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::get;

use crate::api::answer::{Answer, Changed};
use crate::api::body::LargeBody;
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::query::Parameters;
use crate::api::router::Api;
use crate::control::view::trust::TrustSheet;
use crate::manifest::document::TrustBody;

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/realms/{realm}/trust/{environment}", get(show).put(save))
}

async fn show(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<TrustSheet> {
    let found = api
        .control
        .trust_policy(&actor, &path.realm()?, path.environment()?)?;
    Ok(Json(found))
}

/// What is left out stays as it is, so that control makes the command, while nobody else writes.
async fn save(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
    LargeBody(body): LargeBody<TrustBody>,
) -> Answer<Changed> {
    let (realm, environment) = (path.realm()?, path.environment()?);
    let cutting = parameters.cut()?;
    let done = api
        .blocking(move |control| {
            control.save_trust_policy(&actor, &realm, environment, &body, cutting)
        })
        .await?;
    Ok(Json(done.into()))
}
