//! What would be after a change, without making it.

use std::sync::Arc;

use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::executing::{self, Prepared};
use crate::domain::catalog::{Catalog, Circumstances};
use crate::domain::change::Warning;
use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::name::{AccountName, RealmName};
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::token::Actor;
use crate::manifest::denial;
use crate::manifest::document::ChangeDocument;
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::plan::{self, Unnamed};

/// A change that is only thought of.
pub struct Foreseen {
    realm: RealmName,
    /// What is.
    pub before: Arc<Catalog>,
    /// What would be.
    pub after: Catalog,
    /// What whoever makes the change will be told.
    pub warnings: Vec<Warning>,
}

impl Control {
    /// What would be after `change` of what `realm` trusts in `environment`, as if an operator made it now. Whoever sees
    /// the realm may ask: nothing is changed, and nothing but the realm is looked at.
    ///
    /// # Errors
    /// [`ControlError`]: the actor does not see the realm, or the change could not be made.
    pub fn foresee(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
        change: &ChangeDocument,
    ) -> Result<Foreseen, ControlError> {
        self.seen_realm(actor, realm)?;
        let before = self.catalog();
        let operator = Actor::system();
        let around = Circumstances {
            actor: &operator,
            now: self.now(),
            rules: &self.rules,
        };
        let mut foreseen = Foreseen {
            realm: realm.clone(),
            after: Catalog::clone(&before),
            before,
            warnings: Vec::new(),
        };
        if let Some(manifest) = &change.manifest {
            if let Some(other) = manifest.realm.iter().find(|told| told.name.0 != *realm) {
                return Err(ControlError::ForeseenElsewhere {
                    realm: realm.clone(),
                    other: other.name.0.clone(),
                });
            }
            let documents = std::slice::from_ref(manifest);
            let mut plan = plan::plan(
                &foreseen.after,
                documents,
                &operator.role,
                Unnamed::Stay,
                &self.rules,
                around.now,
            )?;
            foreseen.then(&plan.take_commands(), around)?;
        }
        for account in &change.install {
            let present = foreseen.after.realm(realm)?;
            let commands = installing(present, environment, &account.0)?;
            foreseen.then(&commands, around)?;
        }
        for account in &change.remove {
            let command = Command::RemoveInstallation {
                realm: realm.clone(),
                environment,
                account: account.0.clone(),
            };
            foreseen.then(&[command], around)?;
        }
        let denied = denial::all(&change.deny).map_err(|source| InvalidManifest::Trust {
            realm: realm.clone(),
            environment,
            source,
        })?;
        for (what, document) in denied.into_iter().zip(&change.deny) {
            let command = Command::Deny {
                realm: realm.clone(),
                environment,
                what,
                reason: document.reason.0.clone(),
                until: document.until.as_ref().map(|until| until.0),
            };
            foreseen.then(&[command], around)?;
        }
        Ok(foreseen)
    }
}

impl Foreseen {
    /// The realm as it is.
    ///
    /// # Errors
    /// [`Rejection`] where it is gone.
    pub fn realm_before(&self) -> Result<&Arc<Realm>, Rejection> {
        self.before.realm(&self.realm)
    }

    /// The realm as it would be.
    ///
    /// # Errors
    /// [`Rejection`] where it would be gone.
    pub fn realm(&self) -> Result<&Arc<Realm>, Rejection> {
        self.after.realm(&self.realm)
    }

    fn then(&mut self, commands: &[Command], around: Circumstances<'_>) -> Result<(), Rejection> {
        let Prepared { next, warnings, .. } = executing::prepare(&self.after, commands, around)?;
        self.after = next;
        self.warnings.extend(warnings);
        Ok(())
    }
}

/// What installs the certificates of an account: those that wait, else those that it has now.
fn installing(
    realm: &Realm,
    environment: Environment,
    account: &AccountName,
) -> Result<Vec<Command>, Rejection> {
    let install = |revision| Command::Install {
        realm: realm.name.clone(),
        environment,
        account: account.clone(),
        revision,
    };
    if let Some(waiting) = realm.requested(environment, account) {
        return Ok(vec![install(waiting.account_revision)]);
    }
    let present = realm
        .accounts
        .get(account)
        .ok_or_else(|| Rejection::NoAccount {
            realm: realm.name.clone(),
            account: account.clone(),
        })?;
    let request = Command::RequestInstallation {
        realm: realm.name.clone(),
        environment,
        account: account.clone(),
    };
    Ok(vec![request, install(present.revision)])
}
