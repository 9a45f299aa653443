//! What our listeners, and realms' own hosts, show to clients.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::domain::catalog::Catalog;
use crate::domain::change::Touched;
use crate::domain::environment::{Environment, PerEnvironment};
use crate::domain::identity::{IdentitySlot, RealmIdentity, ServerIdentity};
use crate::domain::realm::Realm;
use crate::pki::certificate::Certificate;
use crate::pki::key::InvalidKey;
use crate::snapshot::realm::MtlsEndpoint;

/// What all listeners show.
pub(crate) struct Shown {
    pub(crate) admin: Arc<ShownIdentity>,
    pub(crate) external: PerEnvironment<Arc<ShownIdentity>>,
    pub(crate) internal: PerEnvironment<Arc<ShownIdentity>>,
    pub(crate) mtls: PerEnvironment<Arc<ShownIdentity>>,
}

/// What a listener, or a realm's own host, shows.
pub(crate) enum ShownIdentity {
    /// Ready to be shown.
    Ready(Vec<Arc<CertifiedKey>>),
    /// Made ready at the first handshake: reading a key takes longer than all else of a realm at start-up.
    Own(OwnIdentity),
}

/// What a realm's own host shows.
pub(crate) struct OwnIdentity {
    of: Arc<RealmIdentity>,
    ready: OnceLock<Vec<Arc<CertifiedKey>>>,
}

impl ShownIdentity {
    /// Prepares an identity.
    pub(crate) fn prepare(identity: &ServerIdentity) -> Result<Arc<Self>, InvalidIdentity> {
        let mut shown = Vec::with_capacity(identity.certificates.len());
        for of in &identity.certificates {
            let chain = of.chain.iter().map(Certificate::der);
            let ready = certified(chain, &of.key.der());
            shown.push(ready.map_err(|source| invalid(&identity.slot, source))?);
        }
        if shown.is_empty() {
            return Err(InvalidIdentity::Missing {
                slot: identity.slot.clone(),
            });
        }
        Ok(Arc::new(Self::Ready(shown)))
    }

    /// A realm's own identity, to be prepared when it is first shown. Whether it can be was seen when it was put in place
    /// ([`check`]); here its keys are looked at from outside only.
    pub(crate) fn own(
        slot: &IdentitySlot,
        of: &Arc<RealmIdentity>,
    ) -> Result<Arc<Self>, InvalidIdentity> {
        if of.certificates.is_empty() || of.certificates.iter().any(|kept| kept.chain.is_empty()) {
            return Err(InvalidIdentity::Missing { slot: slot.clone() });
        }
        for kept in &of.certificates {
            kept.key.kind().map_err(|source| InvalidIdentity::NoKey {
                slot: slot.clone(),
                source,
            })?;
        }
        Ok(Arc::new(Self::Own(OwnIdentity {
            of: Arc::clone(of),
            ready: OnceLock::new(),
        })))
    }

    /// Whether it is that very identity of a realm.
    pub(crate) fn is(&self, of: &Arc<RealmIdentity>) -> bool {
        match self {
            Self::Ready(_) => false,
            Self::Own(own) => Arc::ptr_eq(&own.of, of),
        }
    }

    fn ready(&self) -> &[Arc<CertifiedKey>] {
        match self {
            Self::Ready(ready) => ready,
            Self::Own(own) => own.ready.get_or_init(|| {
                ready_to_show(&own.of).unwrap_or_else(|error| {
                    tracing::error!(%error, "a realm's own server key cannot be used");
                    Vec::new()
                })
            }),
        }
    }
}

/// The certificates of a realm's own identity, with their keys read.
///
/// # Errors
/// [`rustls::Error`] where a key cannot be used.
fn ready_to_show(identity: &RealmIdentity) -> Result<Vec<Arc<CertifiedKey>>, rustls::Error> {
    let kept = identity.certificates.iter();
    kept.map(|kept| certified(kept.chain.iter().map(AsRef::as_ref), &kept.key.der()))
        .collect()
}

/// The key is only borrowed, so that no copy of it is left behind.
fn certified<'a>(
    chain: impl Iterator<Item = &'a [u8]>,
    key: &PrivateKeyDer<'_>,
) -> Result<Arc<CertifiedKey>, rustls::Error> {
    let key = aws_lc_rs::sign::any_supported_type(key)?;
    let chain = chain.map(|one| CertificateDer::from(one.to_vec()));
    Ok(Arc::new(CertifiedKey::new(chain.collect(), key)))
}

fn invalid(slot: &IdentitySlot, source: rustls::Error) -> InvalidIdentity {
    InvalidIdentity::Key {
        slot: slot.clone(),
        source,
    }
}

impl fmt::Debug for ShownIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownIdentity")
    }
}

impl ResolvesServerCert for ShownIdentity {
    /// The first certificate whose key can sign by a scheme that the client offers.
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes = client_hello.signature_schemes();
        let ready = self.ready();
        let fitting = ready
            .iter()
            .find(|shown| shown.key.choose_scheme(schemes).is_some());
        fitting.or_else(|| ready.first()).cloned()
    }
}

/// What a realm's own host shows: an identity of its own where it has one, else that of the mtls gateway.
pub(crate) fn of_realm(
    realm: &Realm,
    environment: Environment,
    former: Option<&MtlsEndpoint>,
    shown: &Shown,
) -> Result<Arc<ShownIdentity>, InvalidIdentity> {
    let Some(own) = realm.server_identities.get(environment) else {
        return Ok(Arc::clone(shown.mtls.get(environment)));
    };
    let kept = former.filter(|former| former.identity.is(own));
    match kept {
        Some(former) => Ok(Arc::clone(&former.identity)),
        None => ShownIdentity::own(&IdentitySlot::Realm(realm.name.clone(), environment), own),
    }
}

/// Whether the realms' own identities that a change puts in place can be shown: nothing else may be stored.
pub(crate) fn check(next: &Catalog, touched: &[Touched]) -> Result<(), InvalidIdentity> {
    for row in touched {
        if let Touched::ServerIdentity(slot @ IdentitySlot::Realm(realm, environment)) = row
            && let Some(realm) = next.realms.get(realm)
            && let Some(own) = realm.server_identities.get(*environment)
        {
            ready_to_show(own).map_err(|source| invalid(slot, source))?;
        }
    }
    Ok(())
}

/// Why an identity cannot be shown.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InvalidIdentity {
    /// There is none.
    #[error("there is no server certificate for {slot}")]
    Missing {
        /// Whose.
        slot: IdentitySlot,
    },
    /// Its key cannot be used.
    #[error("the server key for {slot} cannot be used: {source}")]
    Key {
        /// Whose.
        slot: IdentitySlot,
        /// Why.
        source: rustls::Error,
    },
    /// What is kept as its key is none that can be used.
    #[error("the server key for {slot} cannot be used: {source}")]
    NoKey {
        /// Whose.
        slot: IdentitySlot,
        /// Why.
        source: InvalidKey,
    },
}
