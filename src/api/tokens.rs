//! `/api/v1/tokens`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use crate::api::body::{self, Answer, Changed};
use crate::api::caller::Caller;
use crate::api::error::ApiError;
use crate::api::parameters::{self, Parameters};
use crate::api::router::Api;
use crate::control::view::time::Time;
use crate::control::view::token::TokenView;
use crate::domain::command::Command;
use crate::domain::environment::InvalidWord;
use crate::domain::name::TokenName;
use crate::domain::token::Role;

/// A list of tokens.
#[derive(Serialize)]
pub struct Tokens {
    tokens: Vec<TokenView>,
}

/// The token that is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    role: String,
    realm: Option<String>,
    expires: Option<String>,
}

/// A new token, with its secret: shown this once.
#[derive(Serialize)]
pub struct Created {
    #[serde(flatten)]
    changed: Changed,
    name: String,
    role: &'static str,
    realm: Option<String>,
    expires: Option<Time>,
    token: String,
}

/// All tokens, without their secrets.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn list(State(api): State<Api>, Caller(actor): Caller) -> Answer<Tokens> {
    Ok(Json(Tokens {
        tokens: api.control.tokens(&actor)?,
    }))
}

/// Makes a token.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn create(State(api): State<Api>, Caller(actor): Caller, body: Body) -> Answer<Created> {
    let wanted: Wanted = body::document(&api, body).await?;
    let name = parameters::parsed("name", TokenName::parse(&wanted.name))?;
    let role = role(&wanted)?;
    let expires = parameters::moment("expires", wanted.expires.as_deref())?;
    let (done, secret) = api
        .control
        .create_token(actor, name.clone(), role.clone(), expires)
        .await?;
    let Json(changed) = Changed::answer(&done);
    Ok(Json(Created {
        changed,
        name: name.to_string(),
        role: role.as_str(),
        realm: role.realm().map(ToString::to_string),
        expires: expires.map(Time),
        token: secret.expose_str().unwrap_or_default().to_owned(),
    }))
}

/// Ends a token.
///
/// # Errors
/// As [`crate::api::error`] tells.
pub async fn revoke(
    State(api): State<Api>,
    Caller(actor): Caller,
    parameters: Parameters,
) -> Answer<Changed> {
    let command = Command::RevokeToken {
        name: parameters.token()?,
    };
    Ok(Changed::answer(
        &api.control.execute(actor, vec![command]).await?,
    ))
}

fn role(wanted: &Wanted) -> Result<Role, ApiError> {
    let realm = parameters::realm(wanted.realm.as_deref())?;
    let wrong = |name, message: &str| {
        Err(ApiError::Parameter {
            name,
            message: message.to_owned(),
        })
    };
    match (wanted.role.as_str(), realm) {
        ("operator", None) => Ok(Role::Operator),
        ("auditor", None) => Ok(Role::Auditor),
        ("realm-admin", Some(realm)) => Ok(Role::RealmAdmin(realm)),
        ("realm-admin", None) => wrong("realm", "a realm-admin's token names its realm: give one"),
        ("operator" | "auditor", Some(_)) => wrong(
            "realm",
            "only a realm-admin's token is confined to a realm: leave it out",
        ),
        (_, _) => parameters::parsed(
            "role",
            Err(InvalidWord {
                what: "role",
                allowed: "operator, realm-admin or auditor",
            }),
        ),
    }
}
