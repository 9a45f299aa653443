//! TLS configurations of our listeners.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use rustls::compress::CompressionCache;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::UnixTime;
use rustls::server::{
    NoServerSessionStorage, ProducesTickets, ResolvesServerCert, StoresServerSessions,
};
use rustls::time_provider::TimeProvider;
use rustls::{ConfigBuilder, KeyLog, NoKeyLog, ServerConfig, WantsVerifier, version};

use crate::clock::Clock;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::name::RealmName;
use crate::domain::trust_policy::RecordBytes;
use crate::flaw::{Flaw, planted};
use crate::snapshot::key_schedule;
use crate::snapshot::shown::ShownIdentity;
use crate::snapshot::ticketer::{Host, Ticketer};
use crate::snapshot::verifier::{CaNames, ClientVerifier, Gatekeeper, Trusting};
use crate::trust::limits::TrustLimits;
use crate::trust::verdicts::Verdicts;

/// The cryptography that we speak TLS with: aws-lc-rs, its modern suites, hybrid key exchange first.
pub fn provider() -> CryptoProvider {
    use aws_lc_rs::kx_group::{SECP256R1, SECP384R1, X25519, X25519MLKEM768};
    CryptoProvider {
        kx_groups: vec![X25519MLKEM768, X25519, SECP256R1, SECP384R1],
        cipher_suites: key_schedule::cipher_suites(),
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
