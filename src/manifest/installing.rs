//! Planning installations: what is asked for, installed, announced to go, or left as it is.

use crate::domain::account::Account;
use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::installation::{Installation, InstallationState};
use crate::domain::name::{AccountName, RealmName};
use crate::domain::rejection::Rejection;
use crate::domain::token::Role;
use crate::manifest::document::InstallationStateWord;
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::plan::{About, Planner, verb};
use crate::manifest::step::{Noun, Verb};
use crate::manifest::wanted::WantedInstallation;
use crate::pki::certificate::Certificate;

/// Plans one installation; `in_hand` tells whether the documents hold its certificates themselves.
pub(crate) fn plan(
    planner: &mut Planner<'_>,
    realm: &RealmName,
    environment: Environment,
    account: &AccountName,
    told: WantedInstallation,
    in_hand: bool,
) -> Result<(), InvalidManifest> {
    let present = planner.present(realm);
    let stored = present.accounts.get(account).cloned();
    let installed = present.installed_of(environment, account).cloned();
    let about = About {
        realm,
        noun: Noun::Installation,
        name: account.to_string(),
        environment: Some(environment),
    };
    let as_stored = installed
        .as_ref()
        .zip(stored.as_deref())
        .is_some_and(|(installed, stored)| {
            is_same(
                stored,
                environment,
                &installed.certificates,
                &installed.helpers,
            )
        });
    if as_stored {
        return announcement(planner, about, told, installed.as_deref());
    }
    if let (Some(reviewed), Some(stored)) = (told.revision, &stored)
        && reviewed != stored.revision
    {
        return Err(InvalidManifest::Rejected {
            realm: realm.clone(),
            noun: Noun::Installation,
            name: account.to_string(),
            source: Rejection::RevisionChanged {
                account: account.clone(),
                reviewed,
                requested: stored.revision,
            },
        });
    }
    let mut commands = Vec::new();
    let waits = present
        .requested(environment, account)
        .is_some_and(|request| {
            stored
                .as_ref()
                .is_some_and(|stored| stored.revision == request.account_revision)
        });
    if !waits {
        let account = account.clone();
        commands.push(Command::RequestInstallation {
            realm: realm.clone(),
            environment,
            account,
        });
    }
    let may_install = planner.around.actor.role == Role::Operator;
    let mut needs_confirmation = false;
    let detail = match (told.state, stored) {
        (InstallationStateWord::Installed | InstallationStateWord::Retiring, Some(stored))
            if may_install =>
        {
            let former = installed
                .as_ref()
                .map_or(&[][..], |installed| installed.certificates.as_slice());
            let detail = exchange(&stored, environment, former);
            needs_confirmation = !in_hand;
            commands.push(Command::Install {
                realm: realm.clone(),
                environment,
                account: account.clone(),
                revision: stored.revision,
            });
            if told.state == InstallationStateWord::Retiring {
                commands.push(Command::RetireInstallation {
                    realm: realm.clone(),
                    environment,
                    account: account.clone(),
                    until: told.until,
                });
            }
            detail
        }
        (
            InstallationStateWord::Installed
            | InstallationStateWord::Retiring
            | InstallationStateWord::Requested,
            _,
        ) => "requested: waits for an operator".to_owned(),
    };
    let verb = verb(installed.is_some() || waits);
    planner.step_to_confirm(about, verb, commands, detail, needs_confirmation)
}

/// What is installed as it is wanted may still be announced to go, or to stay.
fn announcement(
    planner: &mut Planner<'_>,
    about: About<'_>,
    told: WantedInstallation,
    installed: Option<&Installation>,
) -> Result<(), InvalidManifest> {
    let Some(installed) = installed else {
        return planner.step(about, Verb::Unchanged, Vec::new(), String::new());
    };
    let (realm, environment, account) = (
        about.realm.clone(),
        installed.environment,
        installed.account.clone(),
    );
    let (commands, detail) = match (told.state, &installed.state) {
        (InstallationStateWord::Retiring, _) => {
            let until = told.until;
            let retire = Command::RetireInstallation {
                realm,
                environment,
                account,
                until,
            };
            (vec![retire], "retiring")
        }
        (InstallationStateWord::Installed, InstallationState::Retiring { .. }) => {
            let keep = Command::KeepInstallation {
                realm,
                environment,
                account,
            };
            (vec![keep], "installed, retiring no more")
        }
        (InstallationStateWord::Installed | InstallationStateWord::Requested, state) => {
            (Vec::new(), state.as_str())
        }
    };
    planner.step(about, Verb::Change, commands, detail.to_owned())
}

/// What installing the stored certificates puts to work, and what it takes out of work, for people to judge.
fn exchange(account: &Account, environment: Environment, former: &[Certificate]) -> String {
    let wanted = account
        .chain(environment)
        .map_or(&[][..], |(certificates, _)| certificates);
    let missing = |of: &[Certificate], from: &[Certificate]| -> Vec<String> {
        of.iter()
            .filter(|one| {
                !from
                    .iter()
                    .any(|other| other.fingerprint() == one.fingerprint())
            })
            .map(|one| {
                let subject = &one.facts().subject;
                format!("{subject} (SHA-256 {})", one.fingerprint())
            })
            .collect()
    };
    let (comes, goes) = (missing(wanted, former), missing(former, wanted));
    match (comes.is_empty(), goes.is_empty()) {
        (true, true) => "installs other helpers, the same anchors".to_owned(),
        (false, true) => format!("installs {}", comes.join(", ")),
        (true, false) => format!("takes out of work {}", goes.join(", ")),
        (false, false) => format!(
            "installs {}; takes out of work {}",
            comes.join(", "),
            goes.join(", ")
        ),
    }
}

fn is_same(
    account: &Account,
    environment: Environment,
    certificates: &[Certificate],
    helpers: &[Certificate],
) -> bool {
    account
        .chain(environment)
        .is_some_and(|(stored, stored_helpers)| {
            let prints =
                |of: &[Certificate]| of.iter().map(Certificate::fingerprint).collect::<Vec<_>>();
            prints(stored) == prints(certificates) && prints(stored_helpers) == prints(helpers)
        })
}
