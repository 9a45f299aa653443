//! Why a catalog cannot be compiled.

use std::sync::Arc;

use crate::domain::environment::Environment;
use crate::domain::name::{ConnectionName, RealmName};
use crate::snapshot::client_tls::InvalidTarget;
use crate::snapshot::route::RouteConflict;
use crate::snapshot::shown::InvalidIdentity;
use crate::trust::set::InvalidTrustSet;

/// Why a catalog cannot be compiled.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CompileError {
    /// What is stored of a realm cannot be read, so nobody knows whom it trusts.
    #[error(
        "realm {realm} stays closed, since {why}: stop realmgate and restore its store from a backup"
    )]
    Unreadable {
        /// Whose.
        realm: RealmName,
        /// What cannot be read, and why.
        why: Arc<str>,
    },
    /// A realm's certificates cannot be put to work.
    #[error("the trust of realm {realm} in {environment} cannot be put to work: {source}")]
    Trust {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Why.
        source: InvalidTrustSet,
    },
    /// Two routes conflict.
    #[error("realm {realm}: {source}")]
    Route {
        /// Whose.
        realm: RealmName,
        /// Why.
        source: RouteConflict,
    },
    /// A connection cannot be used.
    #[error("realm {realm}: {source}")]
    Target {
        /// Whose.
        realm: RealmName,
        /// Why.
        source: InvalidTarget,
    },
    /// A deployed pipeline leads to a connection that leads nowhere.
    #[error("realm {realm}: connection '{connection}' leads nowhere in {environment}")]
    NoTarget {
        /// Whose.
        realm: RealmName,
        /// Which.
        connection: ConnectionName,
        /// Where.
        environment: Environment,
    },
    /// A server identity cannot be shown.
    #[error(transparent)]
    Identity(#[from] InvalidIdentity),
}
