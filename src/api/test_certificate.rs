//! The certificate tester.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::post;
use serde::Deserialize;

use crate::api::answer::Answer;
use crate::api::body::LargeBody;
use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::path::Path;
use crate::api::router::Api;
use crate::clock::Moment;
use crate::control::testing::Question;
use crate::control::view::tester::TestedView;
use crate::manifest::document::ChangeDocument;
use crate::pki::secret::Secret;

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/realms/{realm}/test-certificate/{environment}", post(test))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wanted {
    /// PEM, the client's certificate first.
    chain: Option<String>,
    /// PEM or DER, in base64.
    chain_base64: Option<String>,
    /// Another moment than now.
    at: Option<String>,
    /// A change that is thought of.
    change: Option<ChangeDocument>,
}

async fn test(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    LargeBody(wanted): LargeBody<Wanted>,
) -> Answer<TestedView> {
    let (realm, environment) = (path.realm()?, path.environment()?);
    // Somebody may send a private key by mistake: it is overwritten once it was refused.
    let (chain, chain_base64) = (
        wanted.chain.map(Secret::new),
        wanted.chain_base64.map(Secret::new),
    );
    let at = wanted.at.as_deref().map(Moment::parse).transpose();
    let question = Question {
        chain,
        chain_base64,
        at: at.map_err(|source| ApiError::Moment {
            field: "at",
            source,
        })?,
        change: wanted.change,
    };
    let found = api
        .blocking(move |control| control.test_certificate(&actor, &realm, environment, &question))
        .await?;
    Ok(Json(found))
}
