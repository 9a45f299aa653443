//! Installing trust: requesting, installing, rejecting and removing.

use std::sync::Arc;

use crate::domain::account::AccountType;
use crate::domain::audit::AuditFact;
use crate::domain::catalog::Circumstances;
use crate::domain::change::{Change, Touched, Warning};
use crate::domain::environment::Environment;
use crate::domain::installation::{
    Installation, InstallationId, InstallationOrigin, InstallationState,
};
use crate::domain::keeping;
use crate::domain::name::AccountName;
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::review;
use crate::domain::revocation;
use crate::pki::certificate::Certificate;

/// How many installations at work a realm may have in one environment.
const INSTALLED_MAX: usize = 10_000;
/// How many ended installations of an account are kept per environment, to look back on.
const HISTORY_MAX: usize = 50;

/// Opens a request; one that waits already is replaced.
pub(crate) fn request(
    realm: &mut Realm,
    environment: Environment,
    name: &AccountName,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let Some(account) = realm.accounts.get(name).cloned() else {
        return Err(Rejection::NoAccount {
            realm: realm.name.clone(),
            account: name.clone(),
        });
    };
    if account.account_type != AccountType::CertificateChain {
        return Err(Rejection::NotACertificateChain {
            account: name.clone(),
            is: account.account_type,
        });
    }
    let prefix = &around.rules.trust_account_prefix;
    if !name.as_str().starts_with(prefix.as_str()) {
        return Err(Rejection::TrustSourceName {
            account: name.clone(),
            prefix: prefix.clone(),
        });
    }
    let Some(values) = account.values.get(environment) else {
        return Err(Rejection::NoCertificates {
            account: name.clone(),
            environment,
        });
    };
    keeping::check_trust_source(values, around).map_err(|objection| Rejection::TrustSource {
        account: name.clone(),
        environment,
        objection,
    })?;
    let Some((certificates, helpers)) = account.chain(environment) else {
        return Err(Rejection::NoCertificates {
            account: name.clone(),
            environment,
        });
    };
    if let Some(present) = realm.installed_of(environment, name)
        && same(&present.certificates, certificates)
        && same(&present.helpers, helpers)
    {
        return Err(Rejection::AlreadyInstalled {
            account: name.clone(),
            environment,
        });
    }
    if let Some(waiting) = realm.requested(environment, name)
        && waiting.account_revision == account.revision
    {
        return Ok(Change::nothing());
    }
    let (certificates, helpers) = (certificates.to_vec(), helpers.to_vec());
    let mut touched = withdraw(realm, environment, name, around);
    let id = InstallationId(realm.next_installation);
    realm.next_installation = realm.next_installation.saturating_add(1);
    let warnings = review::remark(&certificates, around.now)
        .into_iter()
        .map(Warning::Certificate)
        .collect();
    let audit = fact(
        "installation.request",
        realm,
        environment,
        name,
        id,
        &certificates,
    );
    let installation = Installation {
        id,
        environment,
        account: name.clone(),
        account_revision: account.revision,
        certificates,
        helpers,
        state: InstallationState::Requested,
        requested_at: around.now,
        requested_by: around.actor.name.clone(),
        origin: InstallationOrigin::Request,
        challenge: None,
        proofs: Vec::new(),
    };
    realm.installations.insert(id, Arc::new(installation));
    touched.push(Touched::Installation(realm.name.clone(), id));
    touched.push(Touched::Realm(realm.name.clone()));
    Ok(Change {
        touched,
        audit: Some(audit),
        warnings,
    })
}

/// Installs the request of that account. What was installed of it before is superseded.
pub(crate) fn install(
    realm: &mut Realm,
    environment: Environment,
    name: &AccountName,
    revision: u64,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let Some(request) = realm.requested(environment, name).cloned() else {
        return Err(nothing_requested(realm, environment, name));
    };
    if request.account_revision != revision {
        return Err(Rejection::RevisionChanged {
            account: name.clone(),
            reviewed: revision,
            requested: request.account_revision,
        });
    }
    review::object(&request.certificates, around.now).map_err(|objection| {
        Rejection::TrustSource {
            account: name.clone(),
            environment,
            objection,
        }
    })?;
    let former = realm
        .installed_of(environment, name)
        .map(|installation| installation.id);
    if former.is_none() && realm.installed(environment).count() >= INSTALLED_MAX {
        return Err(Rejection::TooMany {
            what: "installations in one environment of a realm",
            most: INSTALLED_MAX,
        });
    }
    let mut touched = Vec::new();
    if let Some(former) = former {
        touched.extend(end(realm, former, Some(request.id), around));
    }
    let installed = InstallationState::Installed {
        at: around.now,
        by: around.actor.name.clone(),
    };
    touched.extend(set_state(realm, request.id, installed));
    touched.extend(forget_old(realm, environment, name));
    let mut warnings: Vec<Warning> = review::remark(&request.certificates, around.now)
        .into_iter()
        .map(Warning::Certificate)
        .collect();
    let told = revocation::without_list(realm, environment, &request.certificates);
    warnings.extend(told);
    let mut audit = fact(
        "installation.install",
        realm,
        environment,
        name,
        request.id,
        &request.certificates,
    );
    if let Some(former) = former {
        audit.detail.push(("supersedes", former.to_string()));
    }
    Ok(Change {
        touched,
        audit: Some(audit),
        warnings,
    })
}

/// Turns the request of that account down.
pub(crate) fn reject(
    realm: &mut Realm,
    environment: Environment,
    name: &AccountName,
    reason: &str,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 1000 {
        return Err(Rejection::ReasonMissing);
    }
    let Some(request) = realm.requested(environment, name).cloned() else {
        return Err(nothing_requested(realm, environment, name));
    };
    let rejected = InstallationState::Rejected {
        at: around.now,
        by: around.actor.name.clone(),
        reason: reason.to_owned(),
    };
    let mut touched = set_state(realm, request.id, rejected);
    touched.extend(forget_old(realm, environment, name));
    let mut audit = fact(
        "installation.reject",
        realm,
        environment,
        name,
        request.id,
        &request.certificates,
    );
    audit.detail.push(("reason", reason.to_owned()));
    Ok(Change {
        touched,
        audit: Some(audit),
        warnings: Vec::new(),
    })
}

/// Takes the certificates of that account out of work, and withdraws a request that waits.
pub(crate) fn remove(
    realm: &mut Realm,
    environment: Environment,
    name: &AccountName,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let installed = realm.installed_of(environment, name).cloned();
    let subject = match (&installed, realm.requested(environment, name)) {
        (Some(installation), _) => Arc::clone(installation),
        (None, Some(request)) => Arc::clone(request),
        (None, None) => {
            return Err(Rejection::NothingInstalled {
                account: name.clone(),
                environment,
            });
        }
    };
    let mut touched = withdraw(realm, environment, name, around);
    if let Some(installation) = &installed {
        touched.extend(end(realm, installation.id, None, around));
    }
    touched.extend(forget_old(realm, environment, name));
    let mut warnings = Vec::new();
    if installed.is_some() && !realm.has_mtls(environment) {
        warnings.push(Warning::LastInstallation {
            realm: realm.name.clone(),
            environment,
        });
    }
    let audit = fact(
        "installation.remove",
        realm,
        environment,
        name,
        subject.id,
        &subject.certificates,
    );
    Ok(Change {
        touched,
        audit: Some(audit),
        warnings,
    })
}

/// Withdraws the request of that account, where one waits.
pub(crate) fn withdraw(
    realm: &mut Realm,
    environment: Environment,
    name: &AccountName,
    around: Circumstances<'_>,
) -> Vec<Touched> {
    let Some(waiting) = realm.requested(environment, name).map(|request| request.id) else {
        return Vec::new();
    };
    end(realm, waiting, None, around)
}

/// Takes an installation out of work, or withdraws it where it waits.
pub(crate) fn end(
    realm: &mut Realm,
    id: InstallationId,
    superseded_by: Option<InstallationId>,
    around: Circumstances<'_>,
) -> Vec<Touched> {
    let installed_at = realm
        .installations
        .get(&id)
        .and_then(|of| of.installed_at());
    let removed = InstallationState::Removed {
        at: around.now,
        by: around.actor.name.clone(),
        superseded_by,
        installed_at,
    };
    set_state(realm, id, removed)
}

pub(crate) fn set_state(
    realm: &mut Realm,
    id: InstallationId,
    state: InstallationState,
) -> Vec<Touched> {
    match realm.installations.get_mut(&id) {
        Some(installation) => {
            Arc::make_mut(installation).state = state;
            vec![Touched::Installation(realm.name.clone(), id)]
        }
        None => Vec::new(),
    }
}

/// Drops the oldest ended installations of an account, so that endless changes do not grow the store. The last one that
/// was at work stays, to be restored, however many requests came to nothing since.
pub(crate) fn forget_old(
    realm: &mut Realm,
    environment: Environment,
    name: &AccountName,
) -> Vec<Touched> {
    let over = |installation: &&Arc<Installation>| {
        let over = matches!(
            installation.state,
            InstallationState::Rejected { .. } | InstallationState::Removed { .. }
        );
        over && installation.environment == environment && &installation.account == name
    };
    let ended = || realm.installations.values().filter(over);
    let last_at_work = ended()
        .filter(|of| of.installed_at().is_some())
        .max_by_key(|of| of.removed_at())
        .map(|of| of.id);
    let surplus = ended().count().saturating_sub(HISTORY_MAX);
    let forgotten: Vec<InstallationId> = ended()
        .map(|of| of.id)
        .filter(|id| Some(*id) != last_at_work)
        .take(surplus)
        .collect();
    forgotten
        .into_iter()
        .map(|id| {
            realm.installations.remove(&id);
            Touched::Installation(realm.name.clone(), id)
        })
        .collect()
}

/// Whether both are the same certificates, in the same order.
pub(crate) fn same(left: &[Certificate], right: &[Certificate]) -> bool {
    left.iter()
        .map(Certificate::fingerprint)
        .eq(right.iter().map(Certificate::fingerprint))
}

/// Nothing of the account is at work, nor waits; or there is no such account.
pub(crate) fn nothing(realm: &Realm, environment: Environment, name: &AccountName) -> Rejection {
    if realm.accounts.contains_key(name) {
        Rejection::NothingInstalled {
            account: name.clone(),
            environment,
        }
    } else {
        Rejection::NoAccount {
            realm: realm.name.clone(),
            account: name.clone(),
        }
    }
}

fn nothing_requested(realm: &Realm, environment: Environment, name: &AccountName) -> Rejection {
    if realm.accounts.contains_key(name) {
        Rejection::NothingRequested {
            account: name.clone(),
            environment,
        }
    } else {
        Rejection::NoAccount {
            realm: realm.name.clone(),
            account: name.clone(),
        }
    }
}

/// The SHA-256 of each, as the audit has them.
pub(crate) fn fingerprints(certificates: &[Certificate]) -> String {
    let fingerprints: Vec<String> = certificates
        .iter()
        .map(|c| c.fingerprint().to_string())
        .collect();
    fingerprints.join(" ")
}

/// What the audit says of a deed.
pub(crate) fn fact(
    action: &'static str,
    realm: &Realm,
    environment: Environment,
    name: &AccountName,
    id: InstallationId,
    certificates: &[Certificate],
) -> AuditFact {
    AuditFact {
        action,
        realm: Some(realm.name.clone()),
        environment: Some(environment),
        object: name.to_string(),
        detail: vec![
            ("installation", id.to_string()),
            ("fingerprints", fingerprints(certificates)),
        ],
    }
}
