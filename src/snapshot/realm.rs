//! The compiled form of one realm.

use std::sync::Arc;

use crate::domain::environment::PerEnvironment;
use crate::domain::name::RealmName;
use crate::snapshot::client_tls::Targets;
use crate::snapshot::epoch::Epoch;
use crate::snapshot::route::RouteTable;
use crate::snapshot::server_tls::MutualTls;
use crate::snapshot::shown::ShownIdentity;
use crate::snapshot::trusting::CompiledFrom;
use crate::trust::set::TrustSet;

/// Whether a realm serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Open,
    /// An operator switched it off.
    Suspended,
    /// It did not compile at start-up, and stays shut until a change makes it compile.
    Closed {
        /// Why.
        why: String,
    },
}

/// One realm, compiled.
pub struct RealmSnapshot {
    /// Its name.
    pub name: RealmName,
    /// Whether it serves.
    pub standing: Standing,
    /// What it has in each environment.
    pub environments: PerEnvironment<RealmEnvironment>,
    /// The outgoing targets, to be found again by the next compilation.
    pub targets: Targets,
}

impl RealmSnapshot {
    /// Whether it serves.
    pub fn is_open(&self) -> bool {
        self.standing == Standing::Open
    }
}

/// What a realm has in one environment.
pub struct RealmEnvironment {
    /// Its mTLS endpoint, which exists only once an installation is done.
    pub mtls: Option<MtlsEndpoint>,
    /// Its deployed routes, on all gateways.
    pub routes: Arc<RouteTable>,
    /// Moves with every change to whom its mTLS endpoint lets in.
    pub epoch: Epoch,
}

/// A realm's own mTLS host.
#[derive(Clone)]
pub struct MtlsEndpoint {
    /// Whom it lets in.
    pub trust: Arc<TrustSet>,
    /// TLS of the realm's own host.
    pub tls: MutualTls,
    /// What it was compiled from: the next compilation keeps it where that is the same.
    pub(crate) compiled_from: CompiledFrom,
    pub(crate) identity: Arc<ShownIdentity>,
}

/// Whether there may be connections that were let on to be told why they are refused, and must not be any more.
pub(crate) fn stops_explaining(was: Option<&MtlsEndpoint>, is: Option<&MtlsEndpoint>) -> bool {
    let explains = |endpoint: Option<&MtlsEndpoint>| {
        endpoint.is_some_and(|endpoint| endpoint.tls.gatekeeper.explains())
    };
    explains(was) && !explains(is)
}
