//! Our own server identity: the private server authority, and what each listener shows to clients.

use crate::clock::Moment;
use crate::domain::environment::{Environment, Gateway};
use crate::pki::certificate::Certificate;
use crate::pki::key::PrivateKey;

/// Whose identity it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentitySlot {
    /// The admin listener.
    Admin,
    /// A gateway in an environment.
    Public(Gateway, Environment),
}

impl IdentitySlot {
    /// All slots.
    pub fn all() -> impl Iterator<Item = Self> {
        let public = Gateway::ALL.into_iter().flat_map(|gateway| {
            Environment::ALL
                .into_iter()
                .map(move |environment| Self::Public(gateway, environment))
        });
        std::iter::once(Self::Admin).chain(public)
    }
}

impl std::fmt::Display for IdentitySlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Admin => f.write_str("admin"),
            Self::Public(gateway, environment) => write!(f, "{gateway}/{environment}"),
        }
    }
}

/// Where an identity comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Issued by our own server authority; made anew when the host names change or its end comes near.
    Generated,
    /// Put in place by the operator; never touched by us.
    Provided,
}

/// A certificate chain, leaf first, and the leaf's key.
#[derive(Clone, Debug)]
pub struct IdentityCertificate {
    /// Leaf first, then its issuers.
    pub chain: Vec<Certificate>,
    /// The leaf's key.
    pub key: PrivateKey,
}

/// What a listener shows to clients: one certificate per kind of key.
#[derive(Clone, Debug)]
pub struct ServerIdentity {
    /// Whose it is.
    pub slot: IdentitySlot,
    /// Where it comes from.
    pub origin: Origin,
    /// At least one; the first one is shown where the client's signature schemes leave a choice.
    pub certificates: Vec<IdentityCertificate>,
    /// When it was put in place.
    pub updated: Moment,
}

/// The private authority that issues the generated server identities.
#[derive(Clone, Debug)]
pub struct ServerAuthority {
    /// The certificate to hand out to clients.
    pub certificate: Certificate,
    /// Its key; sealed in the store.
    pub key: PrivateKey,
}
