//! Outgoing targets: a connection in one environment, with the TLS configuration that it is called with.

use std::fmt;
use std::sync::{Arc, OnceLock};

use http::HeaderValue;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use crate::domain::address::{BaseUrl, Scheme};
use crate::domain::connection::{Connection, ConnectionLimits, ServerTrust};
use crate::domain::environment::{Environment, PerEnvironment};
use crate::domain::name::{ConnectionName, RealmName};
use crate::domain::realm::Realm;

/// An outgoing target, ready to be called.
pub struct Target {
    /// Tells it from every other target, former forms of itself included: pools are kept by it.
    pub id: u64,
    /// Whose it is.
    pub realm: RealmName,
    /// Which connection.
    pub connection: ConnectionName,
    /// Where it leads.
    pub url: BaseUrl,
    /// What stands in `Host`.
    pub authority: HeaderValue,
    /// How TLS is spoken, where it is.
    pub tls: Option<TargetTls>,
    /// Its bounds.
    pub limits: ConnectionLimits,
    /// The revisions of the connection and of the trust account that it was compiled from.
    pub(crate) compiled_from: (u64, u64),
}

/// A realm's targets, in the order of their connections' names.
#[derive(Debug, Default)]
pub struct Targets(Vec<(ConnectionName, PerEnvironment<Option<Arc<Target>>>)>);

impl Targets {
    /// The target of a connection, where it leads somewhere in `environment`.
    pub fn find(&self, name: &ConnectionName, environment: Environment) -> Option<&Arc<Target>> {
        let place = self.0.binary_search_by(|(other, _)| other.cmp(name)).ok()?;
        self.0
            .get(place)
            .and_then(|(_, compiled)| compiled.get(environment).as_ref())
    }

    /// Adds the targets of a connection whose name comes after all others'.
    pub(crate) fn push(
        &mut self,
        name: ConnectionName,
        compiled: PerEnvironment<Option<Arc<Target>>>,
    ) {
        self.0.push((name, compiled));
    }
}

/// How TLS is spoken with a target.
#[derive(Clone)]
pub struct TargetTls {
    /// Whom we trust, and what we offer. ALPN is `http/1.1`.
    pub config: Arc<ClientConfig>,
    /// The name that its certificate must bear.
    pub server_name: ServerName<'static>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Target({} of {}, {})",
            self.connection, self.realm, self.url
        )
    }
}

/// Makes the TLS configurations of targets.
pub struct ClientTls {
    provider: Arc<CryptoProvider>,
    nobody: Arc<ClientConfig>,
    system: OnceLock<Arc<ClientConfig>>,
}

impl ClientTls {
    /// Offers what `provider` has.
    ///
    /// # Errors
    /// [`rustls::Error`] where the provider can speak neither TLS 1.3 nor 1.2.
    pub fn new(provider: Arc<CryptoProvider>) -> Result<Self, rustls::Error> {
        let nobody = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        Ok(Self {
            provider,
            nobody: speaking_http1(nobody),
            system: OnceLock::new(),
        })
    }

    /// Compiles a connection for one environment; `None` where it leads nowhere there.
    ///
    /// # Errors
    /// [`InvalidTarget`] where the trust account has no usable certificates, or the host is no server name.
    pub fn compile(
        &self,
        realm: &Realm,
        connection: &Connection,
        environment: Environment,
        id: u64,
    ) -> Result<Option<Target>, InvalidTarget> {
        let Some(url) = connection.base_url.get(environment) else {
            return Ok(None);
        };
        let invalid = |what| InvalidTarget {
            connection: connection.name.clone(),
            environment,
            what,
        };
        let authority = HeaderValue::try_from(url.authority()).map_err(|_| invalid(Fault::Host))?;
        let tls = match url.scheme() {
            Scheme::Http => None,
            Scheme::Https => {
                let config = match &connection.trust {
                    ServerTrust::SystemRoots => self.system_roots(),
                    ServerTrust::Account(account) => {
                        let chain = realm
                            .accounts
                            .get(account)
                            .and_then(|account| account.chain(environment));
                        let (certificates, _) = chain.ok_or_else(|| invalid(Fault::NoTrust))?;
                        let ders = certificates
                            .iter()
                            .map(|certificate| CertificateDer::from(certificate.der()));
                        self.trusting(ders).ok_or_else(|| invalid(Fault::NoTrust))?
                    }
                };
                let bare = url
                    .host()
                    .trim_start_matches('[')
                    .trim_end_matches(']')
                    .to_owned();
                let server_name = ServerName::try_from(bare).map_err(|_| invalid(Fault::Host))?;
                Some(TargetTls {
                    config,
                    server_name,
                })
            }
        };
        Ok(Some(Target {
            id,
            realm: realm.name.clone(),
            connection: connection.name.clone(),
            url: url.clone(),
            authority,
            tls,
            limits: connection.limits,
            compiled_from: Self::revisions(realm, connection),
        }))
    }

    /// What a target compiled from `connection` would be compiled from.
    pub(crate) fn revisions(realm: &Realm, connection: &Connection) -> (u64, u64) {
        let account = match &connection.trust {
            ServerTrust::SystemRoots => 0,
            ServerTrust::Account(account) => realm
                .accounts
                .get(account)
                .map_or(0, |account| account.revision),
        };
        (connection.revision, account)
    }

    /// Reads the system's roots once, at the first connection that needs them.
    pub fn system_roots(&self) -> Arc<ClientConfig> {
        let config = self.system.get_or_init(|| {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(%error, "some of the system's root certificates could not be read");
            }
            self.trusting(found.certs.into_iter()).unwrap_or_else(|| {
                // Every call then fails with *unknown issuer*, which says what is missing.
                tracing::warn!("the system has no root certificates: calls to https targets that rely on them will fail");
                Arc::clone(&self.nobody)
            })
        });
        Arc::clone(config)
    }

    fn trusting<'a>(
        &self,
        certificates: impl Iterator<Item = CertificateDer<'a>>,
    ) -> Option<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates);
        if added == 0 {
            return None;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::clone(&self.provider),
        )
        .build()
        .ok()?;
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .ok()?
            .with_webpki_verifier(verifier)
            .with_no_client_auth();
        Some(speaking_http1(config))
    }
}

fn speaking_http1(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Why a connection cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("connection '{connection}' cannot be used in {environment}: {what}")]
pub struct InvalidTarget {
    /// Which connection.
    pub connection: ConnectionName,
    /// Where.
    pub environment: Environment,
    /// What is wrong.
    pub what: Fault,
}

/// What is wrong with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its trust account has no usable certificate there.
    #[error("its trust account has no usable CA certificate there; save one")]
    NoTrust,
    /// Its host cannot be the name of a server.
    #[error("its host cannot be the name of a server; correct the base URL")]
    Host,
}
