//! Installations, as they are told: with everything that an operator reviews.

use std::sync::Arc;

use serde::Serialize;

use crate::clock::Moment;
use crate::control::engine::Control;
use crate::control::view::certificate::CertificateView;
use crate::control::view::time::Time;
use crate::domain::environment::Environment;
use crate::domain::installation::{Installation, InstallationOrigin, InstallationState};
use crate::domain::name::{AccountName, RealmName};
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::review;
use crate::domain::token::Actor;
use crate::pki::certificate::Certificate;

/// An installation in a list.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallationView {
    /// Its number within the realm.
    pub id: u64,
    /// Where.
    pub environment: &'static str,
    /// Whose certificates.
    pub account: String,
    /// The account's revision that they were taken from: what `install` names.
    pub account_revision: u64,
    /// `requested`, `installed`, `retiring`, `rejected` or `removed`.
    pub state: &'static str,
    /// The subjects of its certificates.
    pub subjects: Vec<String>,
    /// When it was asked for.
    pub requested_at: Time,
    /// Who asked.
    pub requested_by: String,
    /// When it was installed, retired, rejected or removed.
    pub decided_at: Option<Time>,
    /// Who did that.
    pub decided_by: Option<String>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// The installation that took its place, where one did.
    pub superseded_by: Option<u64>,
    /// Since when it is at work, or was.
    pub installed_at: Option<Time>,
    /// Until when it is to stay, where it retires and that is told.
    pub until: Option<Time>,
    /// The installation of `test` that it was promoted from, where it was.
    pub promotes: Option<u64>,
    /// The former installation that it brought back, where it did.
    pub restores: Option<u64>,
    /// The SHA-256 of each certificate whose key was proven.
    pub proven: Vec<String>,
}

/// An installation with everything that an operator reviews: the request where one waits, else what is installed, else
/// the last one that was.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallationSheet {
    /// Whose.
    pub realm: String,
    /// What a list tells of it.
    #[serde(flatten)]
    pub installation: InstallationView,
    /// Its certificates, decoded.
    pub certificates: Vec<CertificateView>,
    /// Intermediates that only help to build paths.
    pub helpers: Vec<CertificateView>,
    /// What there is to know before it is installed.
    pub remarks: Vec<String>,
    /// How it differs from what is installed of the account now; `null` where nothing is, or where it is just that.
    pub difference: Option<Difference>,
    /// The account's revision now, where the account is still there.
    pub saved_revision: Option<u64>,
    /// All installations of the account in the environment, latest first.
    pub history: Vec<InstallationView>,
}

/// How a request differs from what is installed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Anchors that would be new.
    pub added: Vec<CertificateView>,
    /// Anchors that would go.
    pub removed: Vec<CertificateView>,
    /// Helpers that would be new.
    pub helpers_added: Vec<CertificateView>,
    /// Helpers that would go.
    pub helpers_removed: Vec<CertificateView>,
}

/// Which installations are asked for; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct InstallationFilter {
    /// Where.
    pub environment: Option<Environment>,
    /// Whose certificates.
    pub account: Option<AccountName>,
    /// The word of their state.
    pub state: Option<String>,
}

impl Control {
    /// A realm's installations, latest first.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn installations(
        &self,
        actor: &Actor,
        realm: &RealmName,
        filter: &InstallationFilter,
    ) -> Result<Vec<InstallationView>, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        let wanted = realm.installations.values().rev().filter(|of| {
            filter
                .environment
                .is_none_or(|environment| environment == of.environment)
                && filter
                    .account
                    .as_ref()
                    .is_none_or(|account| *account == of.account)
                && filter
                    .state
                    .as_ref()
                    .is_none_or(|state| *state == of.state.as_str())
        });
        Ok(wanted.map(|installation| view(installation)).collect())
    }

    /// The installation of an account in an environment.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn installation(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
        account: &AccountName,
    ) -> Result<InstallationSheet, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        let history: Vec<&Arc<Installation>> = realm
            .installations
            .values()
            .rev()
            .filter(|of| of.environment == environment && of.account == *account)
            .collect();
        let Some(last) = history.first() else {
            return Err(nothing(&realm, environment, account));
        };
        let installed = realm.installed_of(environment, account);
        let told = realm
            .requested(environment, account)
            .or(installed)
            .unwrap_or(last);
        let compared = installed.filter(|installed| told.id != installed.id);
        let remarks = review::remark(&told.certificates, self.now());
        Ok(InstallationSheet {
            realm: realm.name.to_string(),
            installation: view(told),
            certificates: CertificateView::all(&told.certificates),
            helpers: CertificateView::all(&told.helpers),
            remarks: remarks.iter().map(ToString::to_string).collect(),
            difference: compared.map(|installed| difference(installed, told)),
            saved_revision: realm.accounts.get(account).map(|account| account.revision),
            history: history
                .into_iter()
                .map(|installation| view(installation))
                .collect(),
        })
    }
}

fn nothing(realm: &Realm, environment: Environment, account: &AccountName) -> Rejection {
    if realm.accounts.contains_key(account) {
        Rejection::NothingInstalled {
            account: account.clone(),
            environment,
        }
    } else {
        Rejection::NoAccount {
            realm: realm.name.clone(),
            account: account.clone(),
        }
    }
}

fn difference(installed: &Installation, requested: &Installation) -> Difference {
    let only_in = |these: &[Certificate], those: &[Certificate]| {
        let new = these.iter().filter(|this| {
            those
                .iter()
                .all(|that| that.fingerprint() != this.fingerprint())
        });
        new.map(CertificateView::of).collect()
    };
    Difference {
        added: only_in(&requested.certificates, &installed.certificates),
        removed: only_in(&installed.certificates, &requested.certificates),
        helpers_added: only_in(&requested.helpers, &installed.helpers),
        helpers_removed: only_in(&installed.helpers, &requested.helpers),
    }
}

fn view(installation: &Installation) -> InstallationView {
    let (decided, reason, superseded_by) = match &installation.state {
        InstallationState::Requested => (None, None, None),
        InstallationState::Installed { at, by } => (Some((*at, by)), None, None),
        InstallationState::Retiring { at, by, .. } => (Some((*at, by)), None, None),
        InstallationState::Rejected { at, by, reason } => {
            (Some((*at, by)), Some(reason.clone()), None)
        }
        InstallationState::Removed {
            at,
            by,
            superseded_by,
            ..
        } => (Some((*at, by)), None, superseded_by.map(|id| id.0)),
    };
    InstallationView {
        id: installation.id.0,
        environment: installation.environment.as_str(),
        account: installation.account.to_string(),
        account_revision: installation.account_revision,
        state: installation.state.as_str(),
        subjects: installation
            .certificates
            .iter()
            .map(|of| of.facts().subject.clone())
            .collect(),
        requested_at: Time(installation.requested_at),
        requested_by: installation.requested_by.clone(),
        decided_at: decided.map(|(at, _)| Time(at)),
        decided_by: decided.map(|(_, by)| by.clone()),
        reason,
        superseded_by,
        installed_at: installation.installed_at().map(Time),
        until: until(&installation.state).map(Time),
        promotes: match installation.origin {
            InstallationOrigin::Promotion(id) => Some(id.0),
            InstallationOrigin::Request | InstallationOrigin::Restoration(_) => None,
        },
        restores: match installation.origin {
            InstallationOrigin::Restoration(id) => Some(id.0),
            InstallationOrigin::Request | InstallationOrigin::Promotion(_) => None,
        },
        proven: installation
            .proofs
            .iter()
            .map(|proof| proof.anchor.to_string())
            .collect(),
    }
}

const fn until(state: &InstallationState) -> Option<Moment> {
    match state {
        InstallationState::Retiring { until, .. } => *until,
        InstallationState::Requested
        | InstallationState::Installed { .. }
        | InstallationState::Rejected { .. }
        | InstallationState::Removed { .. } => None,
    }
}
