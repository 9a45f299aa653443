//! Installations: putting an account's certificates to work as a realm's trust anchors in one environment.

use std::fmt;

use crate::clock::Moment;
use crate::domain::environment::Environment;
use crate::domain::name::AccountName;
use crate::pki::certificate::Certificate;

/// An installation's number within its realm, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstallationId(pub u64);

impl fmt::Display for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Where an installation stands. `requested` → `installed` or `rejected`; `installed` → `removed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstallationState {
    /// It waits for an operator.
    Requested,
    /// Its certificates are trust anchors.
    Installed {
        /// Since when.
        at: Moment,
        /// Who put them to work.
        by: String,
    },
    /// An operator said no.
    Rejected {
        /// When.
        at: Moment,
        /// Who.
        by: String,
        /// Why, in the operator's words.
        reason: String,
    },
    /// It was at work, or waited, and is no more.
    Removed {
        /// When.
        at: Moment,
        /// Who.
        by: String,
        /// The installation that took its place, where one did.
        superseded_by: Option<InstallationId>,
    },
}

impl InstallationState {
    /// The word used everywhere.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Installed { .. } => "installed",
            Self::Rejected { .. } => "rejected",
            Self::Removed { .. } => "removed",
        }
    }
}

/// The act, and its record, of putting an account's certificates to work.
#[derive(Clone, Debug)]
pub struct Installation {
    /// Its number.
    pub id: InstallationId,
    /// Where.
    pub environment: Environment,
    /// Whose certificates.
    pub account: AccountName,
    /// The account's revision that they were taken from.
    pub account_revision: u64,
    /// The exact certificates: what was reviewed is what is trusted.
    pub certificates: Vec<Certificate>,
    /// Intermediates that help to build paths, not trusted by themselves.
    pub helpers: Vec<Certificate>,
    /// Where it stands.
    pub state: InstallationState,
    /// When it was asked for.
    pub requested_at: Moment,
    /// Who asked.
    pub requested_by: String,
}
