//! TLS configurations of our listeners.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use rustls::compress::CompressionCache;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert, StoresServerSessions,
};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{ConfigBuilder, KeyLog, NoKeyLog, ServerConfig, WantsVerifier, version};

use crate::clock::Clock;
use crate::domain::environment::{Environment, Gateway, PerEnvironment};
use crate::domain::identity::{IdentitySlot, RealmIdentity, ServerIdentity};
use crate::domain::name::RealmName;
use crate::domain::trust_policy::RecordBytes;
use crate::flaw::{Flaw, planted};
use crate::pki::certificate::Certificate;
use crate::pki::key::InvalidKey;
use crate::snapshot::ticketer::{Host, Ticketer};
use crate::snapshot::verifier::{CaNames, ClientVerifier, Gatekeeper, Trusting};
use crate::trust::limits::TrustLimits;
use crate::trust::verdicts::Verdicts;

/// The cryptography that we speak TLS with: aws-lc-rs, its modern suites, hybrid key exchange first.
pub fn provider() -> CryptoProvider {
    use aws_lc_rs::kx_group::{SECP256R1, SECP384R1, X25519, X25519MLKEM768};
    CryptoProvider {
        kx_groups: vec![X25519MLKEM768, X25519, SECP256R1, SECP384R1],
        ..aws_lc_rs::default_provider()
    }
}

/// How many tickets a client gets after a handshake. One: it holds the client's chain (1.2 KiB with one
/// certificate, sealed in 15 µs), and may be shown as often as the client likes, so a second one would only double what
/// each handshake sends.
const TICKETS: usize = 1;

/// TLS of a host of the mtls gateway, and who decides on its clients. Clones share one configuration.
#[derive(Clone)]
pub struct MutualTls {
    /// Asked by the configuration in full handshakes; to be asked after resumed ones.
    pub gatekeeper: Arc<Gatekeeper>,
    config: Arc<OnDemand>,
}

/// A configuration that is put together for the first client: nothing can fail then, and ten thousand hosts need not
/// have theirs in memory before anybody comes.
struct OnDemand {
    made: OnceLock<Arc<ServerConfig>>,
    tls: Arc<ServerTls>,
    environment: Environment,
    realm: Option<RealmName>,
    identity: Arc<ShownIdentity>,
    record_bytes: Option<RecordBytes>,
}

impl MutualTls {
    /// What connections are accepted with.
    pub fn config(&self) -> &Arc<ServerConfig> {
        let from = &*self.config;
        from.made.get_or_init(|| {
            let host = Host {
                gateway: Gateway::Mtls,
                environment: from.environment,
                realm: from.realm.as_ref(),
            };
            let (tls, gatekeeper) = (&from.tls, Arc::clone(&self.gatekeeper));
            tls.demanding(host, &from.identity, gatekeeper, from.record_bytes)
        })
    }
}

#[cfg(test)]
impl MutualTls {
    /// The same with another configuration.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut config = ServerConfig::clone(self.config());
        change(&mut config);
        let from = &self.config;
        Self {
            gatekeeper: Arc::clone(&self.gatekeeper),
            config: Arc::new(OnDemand {
                made: OnceLock::from(Arc::new(config)),
                tls: Arc::clone(&from.tls),
                environment: from.environment,
                realm: from.realm.clone(),
                identity: Arc::clone(&from.identity),
                record_bytes: from.record_bytes,
            }),
        }
    }
}

impl fmt::Debug for MutualTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MutualTls")
    }
}

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
    /// ([`ready_to_show`]); here its keys are looked at from outside only.
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
pub(crate) fn ready_to_show(
    identity: &RealmIdentity,
) -> Result<Vec<Arc<CertifiedKey>>, rustls::Error> {
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

pub(crate) fn invalid(slot: &IdentitySlot, source: rustls::Error) -> InvalidIdentity {
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

/// Makes server configurations.
pub(crate) struct ServerTls {
    pub(crate) provider: Arc<CryptoProvider>,
    /// What every configuration begins with.
    pub(crate) beginning: ConfigBuilder<ServerConfig, WantsVerifier>,
    pub(crate) clock: Clock,
    pub(crate) verdicts: Arc<Verdicts>,
    pub(crate) limits: TrustLimits,
    /// How long after its full handshake a session can be resumed; zero: not at all.
    pub(crate) resumption: Duration,
}

/// What every configuration begins with: our cryptography, our clock, TLS 1.3 and 1.2.
///
/// # Errors
/// [`rustls::Error`] where the cryptography can speak neither.
pub(crate) fn beginning(
    provider: &Arc<CryptoProvider>,
    clock: &Clock,
) -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, rustls::Error> {
    let time = Arc::new(OurTime(clock.clone()));
    ServerConfig::builder_with_details(Arc::clone(provider), time)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
}

impl ServerTls {
    /// For the admin listener: no client certificate is asked for, and no session resumed.
    pub(crate) fn admin(&self, identity: &Arc<ShownIdentity>) -> Arc<ServerConfig> {
        Arc::new(self.without_client_certificate(identity))
    }

    /// For a host of the regular gateways: no client certificate is asked for.
    pub(crate) fn regular(
        &self,
        host: Host<'_>,
        identity: &Arc<ShownIdentity>,
    ) -> Arc<ServerConfig> {
        let mut config = self.without_client_certificate(identity);
        self.resume(host, &mut config);
        Arc::new(config)
    }

    /// For a host of the mtls gateway, the realm's own or the shared one: a client certificate that `trusting` trusts is
    /// demanded. The records that it sends have `record_bytes` of content at most; `None`: as much as TLS allows.
    pub(crate) fn mutual(
        self: &Arc<Self>,
        environment: Environment,
        realm: Option<&RealmName>,
        identity: &Arc<ShownIdentity>,
        trusting: Trusting,
        record_bytes: Option<RecordBytes>,
    ) -> MutualTls {
        let verdicts = Arc::clone(&self.verdicts);
        let tells = matches!(
            trusting,
            Trusting::Realm {
                ca_names: CaNames::Told,
                ..
            }
        );
        let mutual = MutualTls {
            gatekeeper: Arc::new(Gatekeeper::new(trusting, verdicts, self.limits)),
            config: Arc::new(OnDemand {
                made: OnceLock::new(),
                tls: Arc::clone(self),
                environment,
                realm: realm.cloned(),
                identity: Arc::clone(identity),
                record_bytes,
            }),
        };
        if tells {
            // It is logged where they are too many: at the change that made them so.
            mutual.config();
        }
        mutual
    }

    fn demanding(
        &self,
        host: Host<'_>,
        identity: &Arc<ShownIdentity>,
        gatekeeper: Arc<Gatekeeper>,
        record_bytes: Option<RecordBytes>,
    ) -> Arc<ServerConfig> {
        let verifier = ClientVerifier::new(gatekeeper, Arc::clone(&self.provider));
        let config = self
            .beginning
            .clone()
            .with_client_cert_verifier(Arc::new(verifier))
            .with_cert_resolver(Arc::clone(identity) as Arc<dyn ResolvesServerCert>);
        let mut config = finish(config);
        config.max_fragment_size = record_bytes.map(fragment_size);
        self.resume(host, &mut config);
        Arc::new(config)
    }

    fn without_client_certificate(&self, identity: &Arc<ShownIdentity>) -> ServerConfig {
        let config = self
            .beginning
            .clone()
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(identity) as Arc<dyn ResolvesServerCert>);
        finish(config)
    }

    /// Has sessions of this very configuration resumed, where the settings allow it.
    fn resume(&self, host: Host<'_>, config: &mut ServerConfig) {
        if planted(Flaw::Tickets) {
            share_tickets(config);
        } else if !self.resumption.is_zero() {
            let ticketer = Ticketer::new(host, self.clock.clone(), self.resumption);
            config.ticketer = Arc::new(ticketer);
            config.send_tls13_tickets = TICKETS;
        }
    }
}

/// No session is kept here, no early data is taken, and no ticket is sent before [`ServerTls::resume`] says so.
fn finish(mut config: ServerConfig) -> ServerConfig {
    /// What every configuration has and none needs for itself, in memory once.
    static NO_SESSIONS: LazyLock<Arc<dyn StoresServerSessions>> =
        LazyLock::new(|| Arc::new(NoServerSessionStorage {}));
    static NO_KEY_LOG: LazyLock<Arc<dyn KeyLog>> = LazyLock::new(|| Arc::new(NoKeyLog {}));
    static NO_COMPRESSIONS: LazyLock<Arc<CompressionCache>> =
        LazyLock::new(|| Arc::new(CompressionCache::Disabled));

    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.session_storage = Arc::clone(&NO_SESSIONS);
    config.key_log = Arc::clone(&NO_KEY_LOG);
    // No certificate is ever compressed.
    config.cert_compression_cache = Arc::clone(&NO_COMPRESSIONS);
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config
}

/// rustls counts the header of a record with its content.
fn fragment_size(content: RecordBytes) -> usize {
    usize::from(content.get()).saturating_add(RECORD_HEADER_BYTES)
}

/// Type, version and length (RFC 8446 §5.1).
const RECORD_HEADER_BYTES: usize = 5;

/// What must never be: one ticket key for all hosts. Nothing but [`Flaw::Tickets`] leads here.
fn share_tickets(config: &mut ServerConfig) {
    static SHARED: OnceLock<Option<Arc<dyn ProducesTickets>>> = OnceLock::new();
    if let Some(shared) = SHARED.get_or_init(|| aws_lc_rs::Ticketer::new().ok()) {
        config.ticketer = Arc::clone(shared);
        config.send_tls13_tickets = 2;
    }
}

/// Our clock, as rustls asks it.
#[derive(Debug)]
struct OurTime(Clock);

impl TimeProvider for OurTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            self.0.now().unix_seconds(),
        )))
    }
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
