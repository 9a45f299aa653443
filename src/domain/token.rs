//! Access tokens, the roles they bear, and the actor behind a command.

use std::net::IpAddr;

use crate::clock::Moment;
use crate::domain::name::{RealmName, TokenName};
use crate::pki::fingerprint::Fingerprint;

/// What somebody may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The appliance's operations team: everything.
    Operator,
    /// One realm's own people: everything inside of it, but installing trust.
    RealmAdmin(RealmName),
    /// Reads everything, changes nothing.
    Auditor,
}

impl Role {
    /// The word used everywhere: `operator`, `realm-admin` or `auditor`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::RealmAdmin(_) => "realm-admin",
            Self::Auditor => "auditor",
        }
    }

    /// The realm that the role is confined to.
    pub const fn realm(&self) -> Option<&RealmName> {
        match self {
            Self::Operator | Self::Auditor => None,
            Self::RealmAdmin(realm) => Some(realm),
        }
    }
}

/// An access token. The secret itself is shown once and kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its name.
    pub name: TokenName,
    /// What its bearer may do.
    pub role: Role,
    /// SHA-256 of the secret, which has 256 bits of its own, so that no slow hash is needed.
    pub hash: Fingerprint,
    /// When it was made.
    pub created: Moment,
    /// When it ends, where it does.
    pub expires: Option<Moment>,
}

/// Who asks for a change, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The token's name, or `system` for what the server does by itself.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The address that the request came from.
    pub address: Option<IpAddr>,
}

impl Actor {
    /// The server itself, at start-up and in upkeep.
    pub fn system() -> Self {
        Self {
            name: "system".to_owned(),
            role: Role::Operator,
            address: None,
        }
    }
}
