//! A realm and everything that belongs to it.

use std::sync::{Arc, LazyLock};

use imbl::OrdMap;

use crate::clock::Moment;
use crate::domain::account::Account;
use crate::domain::connection::Connection;
use crate::domain::crl_source::CrlSource;
use crate::domain::denial::Denial;
use crate::domain::deployment::{Deployment, DeploymentKey};
use crate::domain::environment::{Environment, PerEnvironment};
use crate::domain::identity::RealmIdentity;
use crate::domain::installation::{Installation, InstallationId, InstallationState};
use crate::domain::name::{AccountName, ConnectionName, CrlSourceName, RealmName};
use crate::domain::pipeline::{Pipeline, PipelineKey};
use crate::domain::register::Register;
use crate::domain::revocation::RevocationList;
use crate::domain::trust_policy::TrustPolicy;
use crate::pki::fingerprint::Fingerprint;

/// Whether a realm may be called at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RealmState {
    /// It serves what it has deployed.
    Active,
    /// Switched off by an operator: nothing of it answers anywhere, and open connections are cut.
    Suspended,
}

/// A tenant. Cheap to clone: its maps share their structure.
#[derive(Clone, Debug)]
pub struct Realm {
    /// Its name.
    pub name: RealmName,
    /// Whether it may be called.
    pub state: RealmState,
    /// When it was made.
    pub created: Moment,
    /// The number that the next installation takes.
    pub next_installation: u64,
    /// Its accounts.
    pub accounts: Register<AccountName, Arc<Account>>,
    /// Its installations, past and present.
    pub installations: Register<InstallationId, Arc<Installation>>,
    /// What it asks of its clients beyond a chain to one of its anchors.
    pub trust_policies: PerEnvironment<Arc<TrustPolicy>>,
    /// Its revocation lists, by SHA-256.
    pub crls: PerEnvironment<OrdMap<Fingerprint, Arc<RevocationList>>>,
    /// What it lets in no more, by [`crate::domain::denial::Denied::id`].
    pub denials: PerEnvironment<OrdMap<Fingerprint, Arc<Denial>>>,
    /// What its revocation lists are fetched from.
    pub crl_sources: PerEnvironment<OrdMap<CrlSourceName, Arc<CrlSource>>>,
    /// Its pipelines.
    pub pipelines: Register<PipelineKey, Arc<Pipeline>>,
    /// What is deployed where.
    pub deployments: Register<DeploymentKey, Arc<Deployment>>,
    /// Its outgoing targets.
    pub connections: Register<ConnectionName, Arc<Connection>>,
    /// What its own mTLS host shows, where it is not the identity of the mtls gateway.
    pub server_identities: PerEnvironment<Option<Arc<RealmIdentity>>>,
    /// What of it cannot be read in the store, and why. Nobody knows then whom it trusts: it serves nothing, and takes
    /// no changes, which would be made of half of it.
    pub unreadable: Option<Arc<str>>,
}

/// What realms ask that were never told to ask anything else: one for all of them.
static USUAL_POLICY: LazyLock<Arc<TrustPolicy>> = LazyLock::new(Arc::default);

impl Realm {
    /// A realm with nothing in it.
    pub fn new(name: RealmName, created: Moment) -> Self {
        Self {
            name,
            state: RealmState::Active,
            created,
            next_installation: 1,
            accounts: Register::new(),
            installations: Register::new(),
            trust_policies: PerEnvironment::build(|_| Arc::clone(&USUAL_POLICY)),
            crls: PerEnvironment::default(),
            denials: PerEnvironment::default(),
            crl_sources: PerEnvironment::default(),
            pipelines: Register::new(),
            deployments: Register::new(),
            connections: Register::new(),
            server_identities: PerEnvironment::default(),
            unreadable: None,
        }
    }

    /// The installations at work in `environment`, those that are retiring included.
    pub fn installed(&self, environment: Environment) -> impl Iterator<Item = &Arc<Installation>> {
        self.installations.values().filter(move |installation| {
            installation.environment == environment && installation.state.is_at_work()
        })
    }

    /// Whether an installation at work in `environment` brought this anchor.
    pub fn has_anchor(&self, environment: Environment, sha256: &Fingerprint) -> bool {
        self.installed(environment)
            .flat_map(|installation| &installation.certificates)
            .any(|certificate| certificate.fingerprint() == *sha256)
    }

    /// Whether mutual TLS is at work in `environment`: at least one installation is.
    pub fn has_mtls(&self, environment: Environment) -> bool {
        self.installed(environment).next().is_some()
    }

    /// The request that waits for an operator, of one account in one environment.
    pub fn requested(
        &self,
        environment: Environment,
        account: &AccountName,
    ) -> Option<&Arc<Installation>> {
        self.installations.values().find(|installation| {
            installation.environment == environment
                && &installation.account == account
                && matches!(installation.state, InstallationState::Requested)
        })
    }

    /// The installation at work, of one account in one environment.
    pub fn installed_of(
        &self,
        environment: Environment,
        account: &AccountName,
    ) -> Option<&Arc<Installation>> {
        self.installed(environment)
            .find(|installation| &installation.account == account)
    }
}
