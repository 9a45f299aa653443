//! Keeping accounts: saving and deleting them.

use std::sync::Arc;

use crate::domain::account::{Account, AccountType, AccountValues};
use crate::domain::audit::AuditFact;
use crate::domain::catalog::Circumstances;
use crate::domain::change::{Change, Touched, Warning};
use crate::domain::command::ValueChange;
use crate::domain::connection::ServerTrust;
use crate::domain::environment::{Environment, PerEnvironment};
use crate::domain::installation::InstallationState;
use crate::domain::installing;
use crate::domain::name::AccountName;
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::review::{self, Objection};

/// How many accounts a realm may have.
const ACCOUNTS_MAX: usize = 10_000;

/// Makes or changes an account. Where the certificates of an installed trust source change, the trust stays as it is
/// and a new request is opened.
pub(crate) fn save(
    realm: &mut Realm,
    name: &AccountName,
    account_type: AccountType,
    changes: &PerEnvironment<ValueChange>,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let present = realm.accounts.get(name).cloned();
    if present.is_none() && realm.accounts.len() >= ACCOUNTS_MAX {
        return Err(Rejection::TooMany {
            what: "accounts in a realm",
            most: ACCOUNTS_MAX,
        });
    }
    if let Some(present) = present
        .as_ref()
        .filter(|present| present.account_type != account_type)
    {
        return Err(Rejection::AccountTypeFixed {
            account: name.clone(),
            is: present.account_type,
            wanted: account_type,
        });
    }
    let before = present.as_ref().map_or(
        PerEnvironment {
            test: None,
            prod: None,
        },
        |account| account.values.clone(),
    );
    let mut values = before.clone();
    for (environment, change) in changes.iter() {
        match change {
            ValueChange::Keep => {}
            ValueChange::Clear => *values.get_mut(environment) = None,
            ValueChange::Set(given) => {
                check_values(name, account_type, environment, given, around)?;
                *values.get_mut(environment) = Some(given.clone());
            }
        }
    }
    if present.is_some() && values == before {
        return Ok(Change::nothing());
    }
    let revision = present.as_ref().map_or_else(
        || first_revision(realm, name),
        |account| account.revision.saturating_add(1),
    );
    let account = Account {
        name: name.clone(),
        account_type,
        revision,
        values,
        updated: around.now,
    };
    let mut touched = vec![Touched::Account(realm.name.clone(), name.clone())];
    let mut warnings = Vec::new();
    let mut detail = vec![
        ("type", account_type.to_string()),
        ("revision", revision.to_string()),
    ];
    for environment in Environment::ALL {
        if let Some((certificates, _)) = account.chain(environment) {
            let fingerprints: Vec<String> = certificates
                .iter()
                .map(|c| c.fingerprint().to_string())
                .collect();
            detail.push((environment.as_str(), fingerprints.join(" ")));
            let remarks = if can_be_trust_source(&account, environment, around) {
                review::remark(certificates, around.now)
            } else {
                review::remark_times(certificates, around.now)
            };
            warnings.extend(remarks.into_iter().map(Warning::Certificate));
            warnings.extend(disorder(&account, environment));
        }
    }
    warnings.extend(
        users(realm, name)
            .into_iter()
            .filter(|_| present.is_some())
            .map(|user| Warning::AccountInUse {
                account: name.clone(),
                user,
            }),
    );
    realm.accounts.insert(name.clone(), Arc::new(account));
    for environment in Environment::ALL {
        let changed = before.get(environment)
            != realm
                .accounts
                .get(name)
                .map_or(&None, |a| a.values.get(environment));
        let concerned = realm.installed_of(environment, name).is_some()
            || realm.requested(environment, name).is_some();
        if changed && concerned {
            reopen(
                realm,
                environment,
                name,
                around,
                &mut touched,
                &mut warnings,
            )?;
        }
    }
    let audit = AuditFact {
        action: "account.save",
        realm: Some(realm.name.clone()),
        environment: None,
        object: name.to_string(),
        detail,
    };
    Ok(Change {
        touched,
        audit: Some(audit),
        warnings,
    })
}

/// The revision of a new account: after every one that was ever reviewed under its name, so that an operator's word for
/// a former account's revision says nothing of this one's.
fn first_revision(realm: &Realm, name: &AccountName) -> u64 {
    let reviewed = realm
        .installations
        .values()
        .filter(|installation| &installation.account == name)
        .map(|installation| installation.account_revision);
    reviewed.max().unwrap_or(0).saturating_add(1)
}

/// Removes an account that nothing uses.
pub(crate) fn delete(realm: &mut Realm, name: &AccountName) -> Result<Change, Rejection> {
    if !realm.accounts.contains_key(name) {
        return Err(Rejection::NoAccount {
            realm: realm.name.clone(),
            account: name.clone(),
        });
    }
    if let Some(user) = users(realm, name).into_iter().next() {
        return Err(Rejection::AccountInUse {
            account: name.clone(),
            user,
        });
    }
    realm.accounts.remove(name);
    Ok(Change {
        touched: vec![Touched::Account(realm.name.clone(), name.clone())],
        audit: Some(AuditFact {
            action: "account.delete",
            realm: Some(realm.name.clone()),
            environment: None,
            object: name.to_string(),
            detail: Vec::new(),
        }),
        warnings: Vec::new(),
    })
}

/// What uses an account: installations at work or requested, and connections.
pub fn users(realm: &Realm, name: &AccountName) -> Vec<String> {
    let installations = realm.installations.values().filter(|installation| {
        &installation.account == name
            && (installation.state == InstallationState::Requested
                || installation.state.is_at_work())
    });
    let connections = realm
        .connections
        .values()
        .filter(|connection| connection.trust == ServerTrust::Account(name.clone()));
    installations
        .map(|of| {
            format!(
                "the installation in {} ({})",
                of.environment,
                of.state.as_str()
            )
        })
        .chain(connections.map(|of| format!("connection '{}'", of.name)))
        .collect()
}

/// Whether the certificates may become anchors: the name says so, and there is no private key with them.
fn can_be_trust_source(
    account: &Account,
    environment: Environment,
    around: Circumstances<'_>,
) -> bool {
    let prefix = around.rules.trust_account_prefix.as_str();
    account.name.as_str().starts_with(prefix) && !has_key(account, environment)
}

/// Identities are shown as they stand: others expect the leaf, then its issuers.
fn disorder(account: &Account, environment: Environment) -> Option<Warning> {
    if !has_key(account, environment) {
        return None;
    }
    let (certificates, _) = account.chain(environment)?;
    let wrong = review::out_of_order(certificates)?;
    Some(Warning::ChainOrder {
        account: account.name.clone(),
        environment,
        position: wrong.saturating_add(1),
        subject: certificates.get(wrong)?.facts().subject.clone(),
    })
}

fn has_key(account: &Account, environment: Environment) -> bool {
    matches!(
        account.values.get(environment),
        Some(AccountValues::CertificateChain { key: Some(_), .. })
    )
}

fn reopen(
    realm: &mut Realm,
    environment: Environment,
    name: &AccountName,
    around: Circumstances<'_>,
    touched: &mut Vec<Touched>,
    warnings: &mut Vec<Warning>,
) -> Result<(), Rejection> {
    let installed = realm.installed_of(environment, name).is_some();
    match installing::request(realm, environment, name, around) {
        Ok(request) => touched.extend(request.touched),
        // The values went back to what is installed, or away: no request is left to wait for.
        Err(Rejection::AlreadyInstalled { .. } | Rejection::NoCertificates { .. }) => {
            touched.extend(installing::withdraw(realm, environment, name, around));
        }
        Err(other) => return Err(other),
    }
    if installed {
        warnings.push(Warning::TrustUnchanged {
            account: name.clone(),
            environment,
        });
    }
    Ok(())
}

fn check_values(
    name: &AccountName,
    account_type: AccountType,
    environment: Environment,
    given: &AccountValues,
    around: Circumstances<'_>,
) -> Result<(), Rejection> {
    if given.account_type() != account_type {
        return Err(Rejection::AccountValuesMismatch {
            account: name.clone(),
            environment,
            is: account_type,
            given: given.account_type(),
        });
    }
    let prefix = &around.rules.trust_account_prefix;
    if !prefix.is_empty() && name.as_str().starts_with(prefix.as_str()) {
        check_trust_source(given, around).map_err(|objection| Rejection::TrustSource {
            account: name.clone(),
            environment,
            objection,
        })?;
    }
    Ok(())
}

/// Checks that the values of a `certificate-chain` account can be a trust source.
pub(crate) fn check_trust_source(
    values: &AccountValues,
    around: Circumstances<'_>,
) -> Result<(), Objection> {
    match values {
        AccountValues::CertificateChain { key: Some(_), .. } => Err(Objection::PrivateKey),
        AccountValues::CertificateChain {
            certificates,
            key: None,
            ..
        } => review::object(certificates, around.now),
        AccountValues::Basic { .. }
        | AccountValues::CustomAuthHeader { .. }
        | AccountValues::OauthBearer { .. }
        | AccountValues::ApiKey { .. }
        | AccountValues::PrivateKey { .. }
        | AccountValues::PublicKey { .. }
        | AccountValues::SecretKey { .. } => Err(Objection::Empty),
    }
}
