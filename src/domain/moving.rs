//! Moving trust as a whole: from `test` to `prod`, and back to what was before the last change.

use std::sync::Arc;

use crate::clock::Moment;
use crate::domain::account::{Account, AccountValues};
use crate::domain::audit::AuditFact;
use crate::domain::catalog::Circumstances;
use crate::domain::change::{Change, Touched, Warning};
use crate::domain::connection::ServerTrust;
use crate::domain::environment::Environment;
use crate::domain::installation::{
    Installation, InstallationId, InstallationOrigin, InstallationState,
};
use crate::domain::installing::{self, same};
use crate::domain::intake::IntakeObjection;
use crate::domain::key_proof::KeyProof;
use crate::domain::name::AccountName;
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::review;
use crate::domain::revocation;

/// Puts the exact certificates that an account has at work in `test` to work in `prod`, and saves them as the account's
/// values there. Proofs of their keys come along.
pub(crate) fn promote(
    realm: &mut Realm,
    name: &AccountName,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let Some(source) = realm.installed_of(Environment::Test, name).cloned() else {
        return Err(installing::nothing(realm, Environment::Test, name));
    };
    let Some(account) = realm.accounts.get(name).cloned() else {
        return Err(Rejection::NoAccount {
            realm: realm.name.clone(),
            account: name.clone(),
        });
    };
    check(name, Environment::Prod, &source, around)?;
    let present = realm.installed_of(Environment::Prod, name).cloned();
    let saved_already = is_saved(&account, Environment::Prod, &source);
    let at_work_already = present
        .as_ref()
        .is_some_and(|present| has_same(present, &source));
    if saved_already && at_work_already {
        return Ok(Change::nothing());
    }
    let mut touched = Vec::new();
    let mut warnings = Vec::new();
    let mut revision = account.revision;
    if !saved_already {
        revision = revision.saturating_add(1);
        let mut saved = Account::clone(&account);
        saved.revision = revision;
        saved.updated = around.now;
        saved.values.prod = Some(AccountValues::CertificateChain {
            certificates: source.certificates.clone(),
            helpers: source.helpers.clone(),
            key: None,
        });
        realm.accounts.insert(name.clone(), Arc::new(saved));
        touched.push(Touched::Account(realm.name.clone(), name.clone()));
        warnings.extend(trusting_connections(realm, name));
    }
    let waiting = realm.requested(Environment::Prod, name).cloned();
    touched.extend(installing::withdraw(realm, Environment::Prod, name, around));
    let mut audit = installing::fact(
        "installation.promote",
        realm,
        Environment::Prod,
        name,
        source.id,
        &source.certificates,
    );
    audit.detail.push(("revision", revision.to_string()));
    if !at_work_already {
        let known = [Some(&source), waiting.as_ref(), present.as_ref()];
        let id = take_number(realm);
        let promoted = Installation {
            id,
            environment: Environment::Prod,
            account_revision: revision,
            state: InstallationState::Installed {
                at: around.now,
                by: around.actor.name.clone(),
            },
            requested_at: around.now,
            requested_by: around.actor.name.clone(),
            origin: InstallationOrigin::Promotion(source.id),
            challenge: None,
            proofs: proofs(&source, known.into_iter().flatten()),
            ..Installation::clone(&source)
        };
        touched.extend(replace(realm, present.as_ref(), promoted, around));
        touched.extend(installing::forget_old(realm, Environment::Prod, name));
        let (test, prod) = (source.id.to_string(), id.to_string());
        audit.detail.push(("promotes", test));
        audit.detail.push(("as", prod));
        let former = present.map(|present| ("supersedes", present.id.to_string()));
        audit.detail.extend(former);
        let remarks = review::remark(&source.certificates, around.now);
        warnings.extend(remarks.into_iter().map(Warning::Certificate));
        let unlisted = revocation::without_list(realm, Environment::Prod, &source.certificates);
        warnings.extend(unlisted);
    }
    Ok(Change {
        touched,
        audit: Some(audit),
        warnings,
    })
}

/// What was at work just before the latest change, and what that change did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    /// When the latest change was made.
    pub changed_at: Moment,
    /// What it took out of work.
    pub back: Vec<InstallationId>,
    /// What it put to work.
    pub gone: Vec<InstallationId>,
}

/// The former state of the trust in `environment`, or of one account there: as it was just before the latest change, that
/// is, before the last moment at which something was installed, superseded or removed. What changed at that one moment
/// (a manifest installs several) counts as one change. `None` where nothing ever changed.
pub fn former(
    realm: &Realm,
    environment: Environment,
    account: Option<&AccountName>,
) -> Option<Former> {
    let worked = || {
        let concerned = realm.installations.values().filter(move |of| {
            of.environment == environment && account.is_none_or(|name| *name == of.account)
        });
        concerned.filter_map(|of| Some((of, of.installed_at()?)))
    };
    let changed_at = worked()
        .flat_map(|(of, began)| [Some(began), of.removed_at()])
        .flatten()
        .max()?;
    let back = worked().filter(|(of, began)| {
        *began < changed_at && of.removed_at().is_some_and(|end| end >= changed_at)
    });
    let gone = worked().filter(|(of, began)| *began >= changed_at && of.state.is_at_work());
    Some(Former {
        changed_at,
        back: back.map(|(of, _)| of.id).collect(),
        gone: gone.map(|(of, _)| of.id).collect(),
    })
    .filter(|former| !former.back.is_empty() || !former.gone.is_empty())
}

/// Brings the former state back: the exact certificates, each as a new installation. The accounts' values stay as they are.
pub(crate) fn restore(
    realm: &mut Realm,
    environment: Environment,
    account: Option<&AccountName>,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    if let Some(name) = account.filter(|name| !realm.accounts.contains_key(*name)) {
        return Err(Rejection::NoAccount {
            realm: realm.name.clone(),
            account: name.clone(),
        });
    }
    let Some(former) = former(realm, environment, account) else {
        return Err(Rejection::Intake(IntakeObjection::NothingToRestore {
            realm: realm.name.clone(),
            environment,
            account: account.cloned(),
        }));
    };
    let (mut touched, mut warnings) = (Vec::new(), Vec::new());
    let mut detail = Vec::new();
    let mut gone = former.gone;
    for id in former.back {
        let Some(source) = realm.installations.get(&id).cloned() else {
            continue;
        };
        let name = &source.account;
        let Some(saved) = realm.accounts.get(name) else {
            return Err(Rejection::NoAccount {
                realm: realm.name.clone(),
                account: name.clone(),
            });
        };
        check(name, environment, &source, around)?;
        if !is_saved(saved, environment, &source) {
            warnings.push(Warning::AccountDiffers {
                account: name.clone(),
                environment,
            });
        }
        let present = realm.installed_of(environment, name).cloned();
        gone.retain(|id| present.as_ref().is_none_or(|present| present.id != *id));
        let as_number = take_number(realm);
        let restored = Installation {
            id: as_number,
            state: InstallationState::Installed {
                at: around.now,
                by: around.actor.name.clone(),
            },
            requested_at: around.now,
            requested_by: around.actor.name.clone(),
            origin: InstallationOrigin::Restoration(id),
            ..Installation::clone(&source)
        };
        touched.extend(replace(realm, present.as_ref(), restored, around));
        detail.push(("restores", format!("{id} of {name} as {as_number}")));
        let fingerprints = installing::fingerprints(&source.certificates);
        detail.push(("fingerprints", fingerprints));
        let former = present.map(|present| ("supersedes", present.id.to_string()));
        detail.extend(former);
        warnings.extend(revocation::without_list(
            realm,
            environment,
            &source.certificates,
        ));
        touched.extend(installing::forget_old(realm, environment, name));
    }
    for id in gone {
        let Some(name) = realm.installations.get(&id).map(|of| of.account.clone()) else {
            continue;
        };
        touched.extend(installing::end(realm, id, None, around));
        touched.extend(installing::forget_old(realm, environment, &name));
        detail.push(("removes", format!("{id} of {name}")));
    }
    if !realm.has_mtls(environment) {
        warnings.push(Warning::LastInstallation {
            realm: realm.name.clone(),
            environment,
        });
    }
    let object = account.map_or_else(|| realm.name.to_string(), ToString::to_string);
    Ok(Change {
        touched,
        audit: Some(AuditFact {
            action: "installation.restore",
            realm: Some(realm.name.clone()),
            environment: Some(environment),
            object,
            detail,
        }),
        warnings,
    })
}

/// Puts `new` to work, in place of what its account has at work.
fn replace(
    realm: &mut Realm,
    present: Option<&Arc<Installation>>,
    new: Installation,
    around: Circumstances<'_>,
) -> Vec<Touched> {
    let id = new.id;
    let mut touched = vec![
        Touched::Realm(realm.name.clone()),
        Touched::Installation(realm.name.clone(), id),
    ];
    if let Some(present) = present {
        touched.extend(installing::end(realm, present.id, Some(id), around));
    }
    realm.installations.insert(id, Arc::new(new));
    touched
}

fn take_number(realm: &mut Realm) -> InstallationId {
    let id = InstallationId(realm.next_installation);
    realm.next_installation = realm.next_installation.saturating_add(1);
    id
}

/// What was fit to be trusted once may be so no more: certificates end.
fn check(
    name: &AccountName,
    environment: Environment,
    source: &Installation,
    around: Circumstances<'_>,
) -> Result<(), Rejection> {
    review::object(&source.certificates, around.now).map_err(|objection| Rejection::TrustSource {
        account: name.clone(),
        environment,
        objection,
    })
}

fn has_same(one: &Installation, other: &Installation) -> bool {
    same(&one.certificates, &other.certificates) && same(&one.helpers, &other.helpers)
}

fn is_saved(account: &Account, environment: Environment, as_in: &Installation) -> bool {
    let chain = account.chain(environment);
    chain.is_some_and(|(certificates, helpers)| {
        same(certificates, &as_in.certificates) && same(helpers, &as_in.helpers)
    })
}

/// The proofs that are known of the certificates of `source`, each once.
fn proofs<'a>(
    source: &Installation,
    known: impl Iterator<Item = &'a Arc<Installation>>,
) -> Vec<KeyProof> {
    let mut proofs: Vec<KeyProof> = Vec::new();
    for proof in known.flat_map(|of| &of.proofs) {
        let concerns = |of: &crate::pki::certificate::Certificate| of.fingerprint() == proof.anchor;
        let is_there = proofs.iter().any(|there| there.anchor == proof.anchor);
        if !is_there && source.certificates.iter().any(concerns) {
            proofs.push(proof.clone());
        }
    }
    proofs
}

/// Connections trust the account's certificates as they are now.
fn trusting_connections(realm: &Realm, name: &AccountName) -> Vec<Warning> {
    let trusting = realm
        .connections
        .values()
        .filter(|connection| connection.trust == ServerTrust::Account(name.clone()));
    trusting
        .map(|connection| Warning::AccountInUse {
            account: name.clone(),
            user: format!("connection '{}'", connection.name),
        })
        .collect()
}

#[cfg(test)]
mod tests;
