//! What is asked of certificates before they become anchors, besides an operator's review: proof of their keys, and
//! handshakes in `test`. It is looked at where changes are carried out, whichever way they come, so that thinking a
//! change through stays pure.

use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::domain::catalog::Catalog;
use crate::domain::change::Touched;
use crate::domain::environment::Environment;
use crate::domain::installation::{Installation, InstallationOrigin, InstallationState};
use crate::domain::intake::IntakeObjection;
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::pki::certificate::Certificate;

impl Control {
    /// Whether every certificate that is an anchor in `next`, and was none of that realm and environment in `before`, came
    /// the way that the settings ask for. What is restored was let in once, and is not asked again.
    ///
    /// # Errors
    /// [`Rejection::Intake`] for the first installation that may not be; [`ControlError::Store`].
    pub(crate) fn check_intake(
        &self,
        before: &Catalog,
        next: &Catalog,
        touched: &[Touched],
    ) -> Result<(), ControlError> {
        for row in touched {
            let Touched::Installation(name, id) = row else {
                continue;
            };
            let Some(realm) = next.realms.get(name).filter(|_| !name.is_reserved()) else {
                continue;
            };
            let Some(installation) = realm.installations.get(id) else {
                continue;
            };
            let restored = matches!(installation.origin, InstallationOrigin::Restoration(_));
            if installation.state.is_at_work() && !restored {
                let former = before.realms.get(name);
                self.check_installation(former.map(AsRef::as_ref), realm, installation)?;
            }
        }
        Ok(())
    }

    fn check_installation(
        &self,
        former: Option<&Realm>,
        realm: &Realm,
        installation: &Installation,
    ) -> Result<(), ControlError> {
        let environment = installation.environment;
        let is_new = |of: &&Certificate| {
            former.is_none_or(|former| !former.has_anchor(environment, &of.fingerprint()))
        };
        let new: Vec<&Certificate> = installation.certificates.iter().filter(is_new).collect();
        if self.intake.ca_key_proof.holds_in(environment) {
            let unproven = new
                .iter()
                .filter(|of| !installation.is_proven(&of.fingerprint()));
            let subjects: Vec<String> = unproven.map(|of| of.facts().subject.clone()).collect();
            if !subjects.is_empty() {
                return Err(ControlError::Rejected(Rejection::Intake(
                    IntakeObjection::KeyNotProven {
                        realm: realm.name.clone(),
                        account: installation.account.clone(),
                        environment,
                        subjects,
                    },
                )));
            }
        }
        let required = self.intake.prod_handshakes_required;
        if required > 0 && environment == Environment::Prod {
            let mut seen = Vec::new();
            for anchor in new {
                let has = self.handshakes_in_test(realm, anchor)?;
                if has < required {
                    seen.push((anchor.facts().subject.clone(), has));
                }
            }
            if !seen.is_empty() {
                return Err(ControlError::Rejected(Rejection::Intake(
                    IntakeObjection::TooFewHandshakes {
                        account: installation.account.clone(),
                        required,
                        seen,
                    },
                )));
            }
        }
        Ok(())
    }

    /// How many handshakes clients of that anchor made in the realm's `test`. Those of the last second may not be counted.
    fn handshakes_in_test(&self, realm: &Realm, anchor: &Certificate) -> Result<u64, ControlError> {
        let sha256 = anchor.fingerprint();
        let known = self
            .store
            .anchor_use(&realm.name, Environment::Test, &sha256)?;
        Ok(known.map_or(0, |known| known.handshakes))
    }

    /// Tells in the log which installations were to be gone by now, so that they are not forgotten.
    pub(crate) fn warn_of_overdue_retirements(&self) {
        let now = self.now();
        let catalog = self.catalog();
        let all = catalog.realms.values().flat_map(|realm| {
            let installations = realm.installations.values();
            installations.map(move |installation| (realm, installation))
        });
        for (realm, installation) in all {
            if let InstallationState::Retiring {
                until: Some(until), ..
            } = &installation.state
                && *until <= now
            {
                tracing::warn!(
                    realm = %realm.name,
                    environment = %installation.environment,
                    account = %installation.account,
                    until = %until,
                    "an installation is still at work that was to be removed by now: remove it with 'realmgate \
                     installation remove', or give it another time with 'realmgate installation retire'"
                );
            }
        }
    }
}
