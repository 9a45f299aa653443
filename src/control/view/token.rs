//! Access tokens, as they are told: never their secrets.

use serde::Serialize;

use crate::control::authorise::{self, Matter};
use crate::control::engine::Control;
use crate::control::view::time::Time;
use crate::domain::rejection::Rejection;
use crate::domain::token::{Actor, Token};

/// An access token.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    /// Its name.
    pub name: String,
    /// What its bearer may do.
    pub role: &'static str,
    /// The realm that it is confined to.
    pub realm: Option<String>,
    /// When it was made.
    pub created: Time,
    /// When it ends, where it does.
    pub expires: Option<Time>,
    /// Whether it has ended.
    pub expired: bool,
}

impl Control {
    /// All tokens, by name.
    ///
    /// # Errors
    /// [`Rejection::Forbidden`] for a realm's admins.
    pub fn tokens(&self, actor: &Actor) -> Result<Vec<TokenView>, Rejection> {
        authorise::read(actor, Matter::Tokens)?;
        let now = self.now();
        let view = |token: &Token| TokenView {
            name: token.name.to_string(),
            role: token.role.as_str(),
            realm: token.role.realm().map(ToString::to_string),
            created: Time(token.created),
            expires: token.expires.map(Time),
            expired: token.expires.is_some_and(|end| end <= now),
        };
        Ok(self
            .catalog
            .load()
            .tokens
            .values()
            .map(|token| view(token))
            .collect())
    }
}
