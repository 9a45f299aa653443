//! The audit: one record for each change, stored in the same transaction.

use std::net::IpAddr;

use crate::clock::Moment;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;

/// What a change was, as the domain tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFact {
    /// What was done: noun and verb, for example `installation.install`.
    pub action: &'static str,
    /// In which realm, where it concerns one.
    pub realm: Option<RealmName>,
    /// In which environment, where it concerns one.
    pub environment: Option<Environment>,
    /// To what: the name of the thing.
    pub object: String,
    /// Facts worth keeping, such as fingerprints; never a secret.
    pub detail: Vec<(&'static str, String)>,
}

/// An audit record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its place in the audit, from 1, without gaps.
    pub sequence: u64,
    /// The catalog's revision that the change made.
    pub revision: u64,
    /// When.
    pub at: Moment,
    /// Who.
    pub actor: String,
    /// The actor's role.
    pub role: String,
    /// From where.
    pub address: Option<IpAddr>,
    /// What was done.
    pub action: String,
    /// In which realm.
    pub realm: Option<RealmName>,
    /// In which environment.
    pub environment: Option<Environment>,
    /// To what.
    pub object: String,
    /// Facts worth keeping.
    pub detail: Vec<(String, String)>,
}
