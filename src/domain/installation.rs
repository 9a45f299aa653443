//! Installations: putting an account's certificates to work as a realm's trust anchors in one environment.

use std::fmt;

use crate::clock::Moment;
use crate::domain::environment::Environment;
use crate::domain::key_proof::{Challenge, KeyProof};
use crate::domain::name::AccountName;
use crate::pki::certificate::Certificate;
use crate::pki::fingerprint::Fingerprint;

/// An installation's number within its realm, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstallationId(pub u64);

impl fmt::Display for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Where an installation stands. `requested` → `installed` or `rejected`; `installed` ↔ `retiring`; both → `removed`.
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
    /// Its certificates are trust anchors, and it is announced that they will go.
    Retiring {
        /// Since when they are at work.
        installed_at: Moment,
        /// Who put them to work.
        installed_by: String,
        /// When it was announced.
        at: Moment,
        /// Who announced it.
        by: String,
        /// Until when they are to stay, where that is told. They stay on until somebody removes them.
        until: Option<Moment>,
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
        /// Since when it had been at work; `None` where it never was.
        installed_at: Option<Moment>,
    },
}

impl InstallationState {
    /// The word used everywhere.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Installed { .. } => "installed",
            Self::Retiring { .. } => "retiring",
            Self::Rejected { .. } => "rejected",
            Self::Removed { .. } => "removed",
        }
    }

    /// Whether its certificates are trust anchors now.
    pub const fn is_at_work(&self) -> bool {
        match self {
            Self::Installed { .. } | Self::Retiring { .. } => true,
            Self::Requested | Self::Rejected { .. } | Self::Removed { .. } => false,
        }
    }
}

/// How an installation came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InstallationOrigin {
    /// It was asked for, and reviewed.
    #[default]
    Request,
    /// It is what that installation of `test` is, in `prod`.
    Promotion(InstallationId),
    /// It is what that installation was before it went.
    Restoration(InstallationId),
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
    /// How it came about.
    pub origin: InstallationOrigin,
    /// The random part of what the keys of its CAs have to answer, once somebody asked for it.
    pub challenge: Option<Challenge>,
    /// Whose keys were proven.
    pub proofs: Vec<KeyProof>,
}

impl Installation {
    /// When it was put to work, where it ever was.
    pub const fn installed_at(&self) -> Option<Moment> {
        match &self.state {
            InstallationState::Installed { at, .. } => Some(*at),
            InstallationState::Retiring { installed_at, .. } => Some(*installed_at),
            InstallationState::Removed { installed_at, .. } => *installed_at,
            InstallationState::Requested | InstallationState::Rejected { .. } => None,
        }
    }

    /// When it was taken out of work, or withdrawn.
    pub const fn removed_at(&self) -> Option<Moment> {
        match &self.state {
            InstallationState::Removed { at, .. } => Some(*at),
            InstallationState::Requested
            | InstallationState::Installed { .. }
            | InstallationState::Retiring { .. }
            | InstallationState::Rejected { .. } => None,
        }
    }

    /// Whether it was proven that the registrant holds the key of that certificate.
    pub fn is_proven(&self, sha256: &Fingerprint) -> bool {
        self.proofs.iter().any(|proof| proof.anchor == *sha256)
    }
}
