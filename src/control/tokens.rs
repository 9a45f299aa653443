//! Access tokens: their secrets, and who bears them.

use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Moment;
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::executing::Done;
use crate::domain::command::Command;
use crate::domain::name::TokenName;
use crate::domain::token::{Actor, Role};
use crate::pki::fingerprint::Fingerprint;
use crate::pki::secret::Secret;

/// What the secret of every token begins with, so that it is recognised where it does not belong.
pub const PREFIX: &str = "rgt_";

const SECRET_BYTES: usize = 32;
/// Longer texts are no tokens of ours.
const TOKEN_BYTES_MAX: usize = 128;

/// A new token's secret: `rgt_` and 32 random bytes in base64url.
///
/// # Errors
/// [`ControlError::Random`].
pub fn generate() -> Result<Secret, ControlError> {
    let mut bytes = [0_u8; SECRET_BYTES];
    rand::fill(&mut bytes).map_err(|_| ControlError::Random)?;
    Ok(Secret::new(format!(
        "{PREFIX}{}",
        URL_SAFE_NO_PAD.encode(bytes)
    )))
}

/// What is stored of a token's secret: its SHA-256. The secret has 256 bits of its own, so that no slow hash is needed,
/// and looking the hash up tells nothing of secrets that are alike.
pub fn hash(secret: &Secret) -> Fingerprint {
    Fingerprint::of(secret.expose())
}

impl Control {
    /// Who bears `token`, calling from `address`; `None` where it is unknown, revoked or has ended.
    pub fn authenticate(&self, token: &str, address: Option<IpAddr>) -> Option<Actor> {
        if !token.starts_with(PREFIX) || token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let hash = Fingerprint::of(token.as_bytes());
        let catalog = self.catalog.load();
        let token = catalog.token_by_hash(&hash, self.clock.now())?;
        Some(Actor {
            name: token.name.to_string(),
            role: token.role.clone(),
            address,
        })
    }

    /// Makes a token, and answers with its secret: it is kept nowhere.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn create_token(
        self: &Arc<Self>,
        actor: Actor,
        name: TokenName,
        role: Role,
        expires: Option<Moment>,
    ) -> Result<(Done, Secret), ControlError> {
        let secret = generate()?;
        let command = Command::CreateToken {
            name,
            role,
            hash: hash(&secret),
            expires,
        };
        let done = self.execute(actor, vec![command]).await?;
        Ok((done, secret))
    }

    /// Takes the secret of the first operator's token, which its caller has kept already. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn admit_operator(&self, name: TokenName, secret: &Secret) -> Result<Done, ControlError> {
        let command = Command::CreateToken {
            name,
            role: Role::Operator,
            hash: hash(secret),
            expires: None,
        };
        self.execute_blocking(&Actor::system(), &[command])
    }
}
