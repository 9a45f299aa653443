//! Our own server identity: the private server authority, and what each listener shows to clients.

use std::sync::Arc;

use crate::clock::Moment;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::name::RealmName;
use crate::pki::certificate::{Certificate, InvalidCertificate};
use crate::pki::key::{KeptKey, PrivateKey};

/// Whose identity it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentitySlot {
    /// The admin listener.
    Admin,
    /// A gateway in an environment.
    Public(Gateway, Environment),
    /// A realm's own mTLS host in an environment, where the operator gave it one. Without one it shows that of the mtls
    /// gateway.
    Realm(RealmName, Environment),
}

impl IdentitySlot {
    /// The realm that it belongs to; `None` where it is the appliance's.
    pub const fn realm(&self) -> Option<&RealmName> {
        match self {
            Self::Realm(realm, _) => Some(realm),
            Self::Admin | Self::Public(..) => None,
        }
    }

    /// Where it is shown; `None` where it is shown in no environment.
    pub const fn environment(&self) -> Option<Environment> {
        match self {
            Self::Admin => None,
            Self::Public(_, environment) | Self::Realm(_, environment) => Some(*environment),
        }
    }

    /// The slots of the listeners, which always have an identity.
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
            // No label has a slash in it, so that no realm's name makes another slot of it.
            Self::Realm(realm, environment) => {
                write!(f, "{}/{environment}/{realm}", Gateway::Mtls)
            }
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

/// What a realm's own mTLS host shows in one environment. There may be thousands, so they are kept as bytes: decoded
/// certificates take several times the space, and reading a key takes longer than all else of it at start-up.
#[derive(Clone, Debug)]
pub struct RealmIdentity {
    /// At least one; the first one is shown where the client's signature schemes leave a choice.
    pub certificates: Vec<KeptCertificate>,
    /// When it was put in place.
    pub updated: Moment,
}

/// A certificate chain, leaf first, and the leaf's key, as bytes that were read once before.
#[derive(Clone, Debug)]
pub struct KeptCertificate {
    /// The DER of the certificates, leaf first, then its issuers.
    pub chain: Vec<Arc<[u8]>>,
    /// The leaf's key.
    pub key: KeptKey,
}

impl KeptCertificate {
    /// Of a chain and a key that were read.
    pub fn of(certificate: &IdentityCertificate) -> Self {
        let chain = certificate.chain.iter().map(|one| one.der().into());
        Self {
            chain: chain.collect(),
            key: KeptKey::from(&certificate.key),
        }
    }

    /// The certificates, decoded, leaf first.
    ///
    /// # Errors
    /// [`InvalidCertificate`] where one cannot be decoded any more.
    pub fn decode(&self) -> Result<Vec<Certificate>, InvalidCertificate> {
        self.chain
            .iter()
            .map(|one| Certificate::from_der(one))
            .collect()
    }
}

/// The private authority that issues the generated server identities.
#[derive(Clone, Debug)]
pub struct ServerAuthority {
    /// The certificate to hand out to clients.
    pub certificate: Certificate,
    /// Its key; sealed in the store.
    pub key: PrivateKey,
}
