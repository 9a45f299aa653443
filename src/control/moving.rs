//! Promoting trust from `test` to `prod`, and restoring what was: shown first, then carried out.

use std::sync::{Arc, PoisonError};

use serde::Serialize;

use crate::control::authorise;
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::executing::{self, Prepared, Run};
use crate::control::impact::Cutting;
use crate::domain::catalog::{Catalog, Circumstances};
use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::installation::{Installation, InstallationState};
use crate::domain::intake::IntakeObjection;
use crate::domain::name::{AccountName, RealmName};
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::token::Actor;
use crate::pki::certificate::Certificate;

/// What is to be moved.
#[derive(Clone, Debug)]
pub enum Move {
    /// What is installed in `test`, and does not retire there, goes to `prod`.
    Promote {
        /// Of one account only, whether it retires or not.
        account: Option<AccountName>,
    },
    /// What was before the latest change comes back.
    Restore {
        /// Where.
        environment: Environment,
        /// Of one account only.
        account: Option<AccountName>,
    },
}

/// What a move does, or did.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    /// Whose trust.
    pub realm: String,
    /// Where it changes.
    pub environment: &'static str,
    /// What becomes of each account's anchors; accounts whose anchors stay as they are, are left out.
    pub accounts: Vec<MovedAccount>,
    /// Why it could not be carried out now, where that is known; `null` where nothing stands in the way.
    pub hindrance: Option<String>,
    /// Whether it was carried out.
    pub applied: bool,
    /// The catalog's revision.
    pub revision: u64,
    /// What there is to know about it.
    pub warnings: Vec<String>,
}

/// What becomes of one account's anchors.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MovedAccount {
    /// Which account.
    pub account: String,
    /// Anchors that come.
    pub added: Vec<MovedAnchor>,
    /// Anchors that go.
    pub removed: Vec<MovedAnchor>,
    /// Anchors that stay.
    pub unchanged: Vec<MovedAnchor>,
}

/// An anchor, as far as it has to be known again.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MovedAnchor {
    /// Its subject.
    pub subject: String,
    /// Its SHA-256.
    pub fingerprint: String,
}

impl Control {
    /// Promotes or restores, or shows what that would do.
    ///
    /// # Errors
    /// [`ControlError`]; [`ControlError::MoveUnconfirmed`] where nobody said yes to it.
    pub async fn relocate(
        self: &Arc<Self>,
        actor: Actor,
        realm: RealmName,
        wanted: Move,
        run: Run,
    ) -> Result<Moved, ControlError> {
        self.blocking(move |control| control.relocate_blocking(&actor, &realm, &wanted, run))
            .await
    }

    fn relocate_blocking(
        &self,
        actor: &Actor,
        realm: &RealmName,
        wanted: &Move,
        run: Run,
    ) -> Result<Moved, ControlError> {
        let _writer = match run {
            Run::Plan => None,
            Run::Apply | Run::ApplyConfirmed { .. } => {
                Some(self.writer.lock().unwrap_or_else(PoisonError::into_inner))
            }
        };
        let (before, now) = (self.catalog(), self.now());
        // Whoever may not see the realm learns nothing of it.
        self.seen_realm(actor, realm)?;
        let commands = commands(before.realm(realm)?, wanted)?;
        for command in &commands {
            authorise::command(actor, command)?;
        }
        let around = Circumstances {
            actor,
            now,
            rules: &self.rules,
        };
        let Prepared {
            next,
            touched,
            warnings,
            ..
        } = executing::prepare(&before, &commands, around)?;
        let hindrance = match self.check_intake(&before, &next, &touched) {
            Ok(()) => None,
            Err(ControlError::Rejected(rejection)) => Some(rejection),
            Err(failed) => return Err(failed),
        };
        let environment = wanted.environment();
        let mut moved = Moved {
            realm: realm.to_string(),
            environment: environment.as_str(),
            accounts: accounts(&before, &next, realm, environment),
            hindrance: hindrance.as_ref().map(ToString::to_string),
            applied: false,
            revision: before.revision,
            warnings: warnings.iter().map(ToString::to_string).collect(),
        };
        // Whoever confirms has seen it, and others wait meanwhile.
        if run == Run::Plan
            && let Some(cuts) = self.cuts_in_words(&before, &next, &touched)?
        {
            moved.warnings.push(cuts);
        }
        match run {
            Run::Plan => return Ok(moved),
            Run::Apply if !touched.is_empty() => {
                return Err(ControlError::MoveUnconfirmed {
                    realm: realm.clone(),
                });
            }
            Run::ApplyConfirmed { seen: Some(seen) } if seen != before.revision => {
                return Err(ControlError::PlanChanged {
                    seen,
                    present: before.revision,
                });
            }
            Run::Apply | Run::ApplyConfirmed { .. } => {}
        }
        // Whom it cuts is among what was confirmed.
        let done = self.carry_out(actor, &commands, Cutting::Confirmed, now)?;
        (moved.applied, moved.revision) = (true, done.revision);
        Ok(moved)
    }
}

impl Move {
    const fn environment(&self) -> Environment {
        match self {
            Self::Promote { .. } => Environment::Prod,
            Self::Restore { environment, .. } => *environment,
        }
    }
}

fn commands(realm: &Realm, wanted: &Move) -> Result<Vec<Command>, Rejection> {
    let promote = |account: &AccountName| Command::PromoteInstallation {
        realm: realm.name.clone(),
        account: account.clone(),
    };
    match wanted {
        Move::Promote {
            account: Some(account),
        } => Ok(vec![promote(account)]),
        Move::Promote { account: None } => {
            let stays =
                |of: &&Arc<Installation>| matches!(of.state, InstallationState::Installed { .. });
            let staying = realm.installed(Environment::Test).filter(stays);
            let commands: Vec<Command> = staying.map(|of| promote(&of.account)).collect();
            if commands.is_empty() {
                return Err(Rejection::Intake(IntakeObjection::NothingToPromote {
                    realm: realm.name.clone(),
                }));
            }
            Ok(commands)
        }
        Move::Restore {
            environment,
            account,
        } => Ok(vec![Command::RestoreInstallations {
            realm: realm.name.clone(),
            environment: *environment,
            account: account.clone(),
        }]),
    }
}

/// What becomes of the anchors of each account between two catalogs.
fn accounts(
    before: &Catalog,
    next: &Catalog,
    realm: &RealmName,
    environment: Environment,
) -> Vec<MovedAccount> {
    let (Some(before), Some(next)) = (before.realms.get(realm), next.realms.get(realm)) else {
        return Vec::new();
    };
    let both = before
        .installed(environment)
        .chain(next.installed(environment));
    let mut names: Vec<&AccountName> = both.map(|of| &of.account).collect();
    names.sort_unstable();
    names.dedup();
    let moved = names.into_iter().map(|account| {
        let (was, is) = (
            before.installed_of(environment, account),
            next.installed_of(environment, account),
        );
        (account, was, is)
    });
    moved
        .filter(|(_, was, is)| was.map(|was| was.id) != is.map(|is| is.id))
        .map(|(account, was, is)| {
            let of = |one: Option<&Arc<Installation>>| {
                one.map_or_else(Vec::new, |one| one.certificates.clone())
            };
            let (was, is) = (of(was), of(is));
            MovedAccount {
                account: account.to_string(),
                added: anchors(&is, |one| !has(&was, one)),
                removed: anchors(&was, |one| !has(&is, one)),
                unchanged: anchors(&is, |one| has(&was, one)),
            }
        })
        .collect()
}

fn has(all: &[Certificate], one: &Certificate) -> bool {
    all.iter().any(|of| of.fingerprint() == one.fingerprint())
}

fn anchors(all: &[Certificate], wanted: impl Fn(&Certificate) -> bool) -> Vec<MovedAnchor> {
    let chosen = all.iter().filter(|one| wanted(one));
    chosen
        .map(|one| MovedAnchor {
            subject: one.facts().subject.clone(),
            fingerprint: one.fingerprint().to_string(),
        })
        .collect()
}
