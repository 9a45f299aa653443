//! Endpoint sheets.

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use crate::api::answer::{Answer, Listed};
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::query::Parameters;
use crate::api::router::Api;
use crate::control::view::endpoint::EndpointSheet;

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/realms/{realm}/endpoints", get(list))
}

async fn list(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    parameters: Parameters,
) -> Answer<Listed<EndpointSheet>> {
    let environment = parameters.only(&["environment"])?.environment()?;
    let found = api.control.endpoints(&actor, &path.realm()?, environment)?;
    Ok(Listed::of("endpoints", found))
}
