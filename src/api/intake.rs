//! How trust comes in and goes: retiring it, proving its keys, promoting and restoring it.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::post;
use serde::Deserialize;

use crate::api::answer::{Answer, Changed};
use crate::api::body::{Body, NoBody};
use crate::api::caller::Caller;
use crate::api::path::Path;
use crate::api::router::Api;
use crate::clock::Moment;
use crate::control::executing::Run;
use crate::control::moving::{Move, Moved};
use crate::control::view::challenge::ChallengeSheet;
use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::name::AccountName;
use crate::manifest::key_proof::KeyProofBody;
use crate::manifest::text::Text;

pub(crate) fn routes() -> Router<Api> {
    let one = "/realms/{realm}/installations/{environment}/{account}";
    Router::new()
        .route(&format!("{one}/retire"), post(retire))
        .route(&format!("{one}/keep"), post(keep))
        .route(&format!("{one}/challenge"), post(challenge))
        .route(&format!("{one}/key-proofs"), post(prove))
        .route("/realms/{realm}/promote", post(promote))
        .route("/realms/{realm}/restore", post(restore))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Announced {
    /// Until when the certificates are to stay.
    #[serde(default)]
    until: Option<Text<Moment>>,
}

async fn retire(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    Body(Announced { until }): Body<Announced>,
) -> Answer<Changed> {
    let command = Command::RetireInstallation {
        realm: path.realm()?,
        environment: path.environment()?,
        account: path.account()?,
        until: until.map(|until| until.0),
    };
    api.carry_out(actor, command).await
}

async fn keep(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    _: NoBody,
) -> Answer<Changed> {
    let command = Command::KeepInstallation {
        realm: path.realm()?,
        environment: path.environment()?,
        account: path.account()?,
    };
    api.carry_out(actor, command).await
}

async fn challenge(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    _: NoBody,
) -> Answer<ChallengeSheet> {
    let (realm, environment, account) = (path.realm()?, path.environment()?, path.account()?);
    let sheet = api
        .control
        .challenge(actor, realm, environment, account)
        .await?;
    Ok(Json(sheet))
}

async fn prove(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    Body(body): Body<KeyProofBody>,
) -> Answer<Changed> {
    let (realm, environment, account) = (path.realm()?, path.environment()?, path.account()?);
    let done = api
        .control
        .prove_key(actor, realm, environment, account, body)
        .await?;
    Ok(Json(done.into()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Promotion {
    /// Of this account only.
    account: Option<Text<AccountName>>,
    /// Whether only what would change is wanted.
    #[serde(default)]
    dry_run: bool,
    /// Whether somebody saw what would change, and said yes.
    #[serde(default)]
    confirmed: bool,
    /// The revision that came with what they saw: where something was changed since, nothing is carried out.
    revision: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Restoration {
    /// Where.
    environment: Text<Environment>,
    /// Of this account only.
    account: Option<Text<AccountName>>,
    /// Whether only what would change is wanted.
    #[serde(default)]
    dry_run: bool,
    /// Whether somebody saw what would change, and said yes.
    #[serde(default)]
    confirmed: bool,
    /// The revision that came with what they saw: where something was changed since, nothing is carried out.
    revision: Option<u64>,
}

async fn promote(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    Body(wanted): Body<Promotion>,
) -> Answer<Moved> {
    let promotion = Move::Promote {
        account: wanted.account.map(|account| account.0),
    };
    let run = run(wanted.dry_run, wanted.confirmed, wanted.revision);
    let moved = api
        .control
        .relocate(actor, path.realm()?, promotion, run)
        .await?;
    Ok(Json(moved))
}

async fn restore(
    State(api): State<Api>,
    Caller(actor): Caller,
    path: Path,
    Body(wanted): Body<Restoration>,
) -> Answer<Moved> {
    let restoration = Move::Restore {
        environment: wanted.environment.0,
        account: wanted.account.map(|account| account.0),
    };
    let run = run(wanted.dry_run, wanted.confirmed, wanted.revision);
    let moved = api
        .control
        .relocate(actor, path.realm()?, restoration, run)
        .await?;
    Ok(Json(moved))
}

const fn run(dry_run: bool, confirmed: bool, seen: Option<u64>) -> Run {
    match (dry_run, confirmed) {
        (true, _) => Run::Plan,
        (false, false) => Run::Apply,
        (false, true) => Run::ApplyConfirmed { seen },
    }
}
