//! The snapshot itself.

use std::sync::Arc;

use imbl::HashMap;
use rustls::ServerConfig;

use crate::domain::endpoint::NamePlan;
use crate::domain::environment::{Environment, Gateway, PerEnvironment};
use crate::domain::name::RealmName;
use crate::snapshot::epoch::Epoch;
use crate::snapshot::realm::{RealmEnvironment, RealmSnapshot};
use crate::snapshot::server_tls::MutualTls;
use crate::snapshot::shown::Shown;
use crate::trust::shared::SharedTrust;
use crate::trust::verdicts::Verdicts;

/// Everything that the data plane needs, as of one revision of the catalog.
#[derive(Clone)]
pub struct Snapshot {
    /// The catalog's revision that it was compiled from.
    pub revision: u64,
    /// The host names.
    pub names: Arc<NamePlan>,
    /// Every realm.
    pub realms: HashMap<RealmName, Arc<RealmSnapshot>>,
    /// What all realms share.
    pub shared: PerEnvironment<Arc<SharedHosts>>,
    /// What the admin listener shows to its clients.
    pub admin_tls: Arc<ServerConfig>,
    /// Judges clients, and remembers whom it accepted.
    pub verdicts: Arc<Verdicts>,
    /// The prepared server identities, for the next compilation.
    pub(crate) shown: Arc<Shown>,
}

/// The hosts of one environment that all realms share.
pub struct SharedHosts {
    /// TLS of the external gateway.
    pub external: Arc<ServerConfig>,
    /// TLS of the internal gateway.
    pub internal: Arc<ServerConfig>,
    /// TLS of the shared mTLS host: lets in whom any realm trusts.
    pub mtls: MutualTls,
    /// The union of all realms' anchors.
    pub trust: Arc<SharedTrust>,
    /// Moves with every change to any realm's anchors in this environment.
    pub epoch: Epoch,
}

impl SharedHosts {
    /// TLS of a gateway's shared host.
    pub fn tls(&self, gateway: Gateway) -> &Arc<ServerConfig> {
        match gateway {
            Gateway::External => &self.external,
            Gateway::Internal => &self.internal,
            Gateway::Mtls => self.mtls.config(),
        }
    }
}

impl Snapshot {
    /// The realm of that name, where it is open.
    pub fn open_realm(&self, name: &str) -> Option<&Arc<RealmSnapshot>> {
        self.realms.get(name).filter(|realm| realm.is_open())
    }

    /// What an open realm has in `environment`.
    pub fn realm(&self, name: &str, environment: Environment) -> Option<&RealmEnvironment> {
        self.open_realm(name)
            .map(|realm| realm.environments.get(environment))
    }
}
