//! Access tokens.

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::{delete, get};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::api::answer::{Answer, Changed, Listed};
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::path::Path;
use crate::api::router::Api;
use crate::clock::Moment;
use crate::control::view::token::TokenView;
use crate::domain::command::Command;
use crate::domain::name::{RealmName, TokenName};
use crate::domain::token::Role;

pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/tokens", get(list).post(create))
        .route("/tokens/{token}", delete(revoke))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
    role: RoleWord,
    #[serde(default)]
    realm: Option<String>,
    #[serde(default)]
    expires: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RoleWord {
    Operator,
    RealmAdmin,
    Auditor,
}

/// A token that was made: the only time that its secret is seen.
#[derive(Serialize)]
struct Made {
    #[serde(flatten)]
    changed: Changed,
    name: String,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    realm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    token: String,
}

async fn list(State(api): State<Api>, Caller(actor): Caller) -> Answer<Listed<TokenView>> {
    Ok(Listed::of("tokens", api.control.tokens(&actor)?))
}

async fn create(
    State(api): State<Api>,
    Caller(actor): Caller,
    Body(body): Body<NewToken>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    let name = TokenName::parse(&body.name).map_err(|source| ApiError::Name {
        field: "name",
        source,
    })?;
    let role = role(body.role, body.realm.as_deref())?;
    let expires = body
        .expires
        .as_deref()
        .map(Moment::parse)
        .transpose()
        .map_err(|source| ApiError::Moment {
            field: "expires",
            source,
        })?;
    let (done, secret) = api
        .control
        .create_token(actor, name.clone(), role.clone(), expires)
        .await?;
    let made = Made {
        changed: done.into(),
        name: name.to_string(),
        role: role.as_str(),
        realm: role.realm().map(ToString::to_string),
        expires: expires.map(|moment| moment.to_string()),
        token: secret.expose_str().unwrap_or_default().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

fn role(word: RoleWord, realm: Option<&str>) -> Result<Role, ApiError> {
    match (word, realm) {
        (RoleWord::Operator, None) => Ok(Role::Operator),
        (RoleWord::Auditor, None) => Ok(Role::Auditor),
        (RoleWord::RealmAdmin, Some(realm)) => RealmName::parse(realm)
            .map(Role::RealmAdmin)
            .map_err(|source| ApiError::Name {
                field: "realm",
                source,
            }),
        (RoleWord::RealmAdmin, None) => Err(ApiError::RealmMissing),
        (RoleWord::Operator | RoleWord::Auditor, Some(_)) => Err(ApiError::RealmSurplus),
    }
}

async fn revoke(State(api): State<Api>, Caller(actor): Caller, path: Path) -> Answer<Changed> {
    let name = path.token()?;
    api.carry_out(actor, Command::RevokeToken { name }).await
}
