//! Why a manifest cannot be carried out.

use crate::domain::environment::Environment;
use crate::domain::name::{AccountName, ConnectionName, RealmName};
use crate::domain::pipeline::PipelineKey;
use crate::domain::rejection::Rejection;
use crate::manifest::account::InvalidAccount;
use crate::manifest::connection::InvalidConnection;
use crate::manifest::denial::InvalidDenial;
use crate::manifest::pipeline::InvalidPipeline;
use crate::manifest::step::Noun;
use crate::manifest::trust::InvalidTrust;

/// Why a manifest, or one document of it, cannot be carried out. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidManifest {
    /// Something stands in it twice.
    #[error("realm {realm}: {noun} '{name}' is there twice: leave one of them out")]
    Twice {
        /// Whose.
        realm: RealmName,
        /// What kind of thing it is.
        noun: Noun,
        /// Its name.
        name: String,
    },
    /// A realm's state is given twice, and differs.
    #[error("realm {realm}: its state is given twice, and differs: leave one of them out")]
    StateTwice {
        /// Which.
        realm: RealmName,
    },
    /// A time to go, of what is not to go.
    #[error(
        "realm {realm}, installation '{account}' in {environment}: 'until' goes with state = \"retiring\" only: write that too, or leave 'until' out"
    )]
    UntilWithoutRetiring {
        /// Whose.
        realm: RealmName,
        /// Which account.
        account: AccountName,
        /// Where.
        environment: Environment,
    },
    /// An account that cannot be.
    #[error("realm {realm}, account '{account}', {source}")]
    Account {
        /// Whose.
        realm: RealmName,
        /// Which.
        account: AccountName,
        /// Why.
        source: InvalidAccount,
    },
    /// A trust policy or a revocation list that cannot be.
    #[error("realm {realm}, trust in {environment}: {source}")]
    Trust {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Why.
        source: InvalidTrust,
    },
    /// An entry of a deny list that cannot be.
    #[error("realm {realm}, deny list in {environment}: {source}")]
    Denial {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// Why.
        source: InvalidDenial,
    },
    /// A connection that cannot be.
    #[error("realm {realm}, connection '{connection}': {source}")]
    Connection {
        /// Whose.
        realm: RealmName,
        /// Which.
        connection: ConnectionName,
        /// Why.
        source: InvalidConnection,
    },
    /// A pipeline that cannot be.
    #[error("realm {realm}, pipeline {pipeline}: {source}")]
    Pipeline {
        /// Whose.
        realm: RealmName,
        /// Which.
        pipeline: PipelineKey,
        /// Why.
        source: InvalidPipeline,
    },
    /// The domain refuses a step.
    #[error("realm {realm}, {noun} '{name}': {source}")]
    Rejected {
        /// Whose.
        realm: RealmName,
        /// What kind of thing it is.
        noun: Noun,
        /// Its name.
        name: String,
        /// Why.
        source: Rejection,
    },
}
