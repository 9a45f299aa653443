//! The steps of a plan.

use std::fmt;

use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;

/// What becomes of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// It is made.
    Create,
    /// It is changed.
    Change,
    /// It is removed.
    Delete,
    /// It is already as the manifest says.
    Unchanged,
}

impl Verb {
    /// The word used everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A kind of thing that a manifest tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noun {
    /// A realm.
    Realm,
    /// An account.
    Account,
    /// An installation.
    Installation,
    /// A trust policy.
    Trust,
    /// A revocation list.
    Crl,
    /// A denial.
    Denial,
    /// What revocation lists are fetched from.
    CrlSource,
    /// A connection.
    Connection,
    /// A pipeline.
    Pipeline,
    /// A deployment.
    Deployment,
}

impl Noun {
    /// The word used everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Realm => "realm",
            Self::Account => "account",
            Self::Installation => "installation",
            Self::Trust => "trust",
            Self::Crl => "crl",
            Self::Denial => "denial",
            Self::CrlSource => "crl-source",
            Self::Connection => "connection",
            Self::Pipeline => "pipeline",
            Self::Deployment => "deployment",
        }
    }
}

impl fmt::Display for Noun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One step of a plan: what becomes of one thing, and the commands that do it.
#[derive(Clone, Debug)]
pub struct Step {
    /// What becomes of it.
    pub verb: Verb,
    /// What kind of thing it is.
    pub noun: Noun,
    /// In which realm.
    pub realm: RealmName,
    /// Its name.
    pub name: String,
    /// In which environment, where it concerns one.
    pub environment: Option<Environment>,
    /// A few words on what is done, for people; empty where the verb says it all.
    pub detail: String,
    /// Whether a person should say yes to it first: it installs certificates that the manifest itself does not hold,
    /// suspends a realm, asks less of clients or removes something.
    pub needs_confirmation: bool,
    /// What does it; empty where nothing is to be done.
    pub commands: Vec<Command>,
}
