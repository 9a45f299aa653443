//! Our own server identity: adopting what was generated, and putting in place what the operator provides.

use std::sync::Arc;

use crate::clock::Moment;
use crate::domain::audit::AuditFact;
use crate::domain::catalog::{Catalog, Circumstances};
use crate::domain::change::{Change, Touched, Warning};
use crate::domain::endpoint::NamePlan;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::identity::{
    IdentityCertificate, IdentitySlot, KeptCertificate, Origin, RealmIdentity, ServerAuthority,
    ServerIdentity,
};
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::pki::certificate::{Certificate, KeyAlgorithm};

/// Puts the server's own authority in place.
pub(crate) fn adopt_authority(catalog: &mut Catalog, authority: &ServerAuthority) -> Change {
    let fingerprint = authority.certificate.fingerprint().to_string();
    catalog.server_authority = Some(Arc::new(authority.clone()));
    Change {
        touched: vec![Touched::ServerAuthority],
        audit: Some(AuditFact {
            action: "server-authority.adopt",
            realm: None,
            environment: None,
            object: authority.certificate.facts().subject.clone(),
            detail: vec![("fingerprint", fingerprint)],
        }),
        warnings: Vec::new(),
    }
}

/// Puts a generated identity in place; never over a provided one.
pub(crate) fn adopt(catalog: &mut Catalog, identity: &ServerIdentity) -> Change {
    let present = catalog.server_identities.get(&identity.slot);
    if present.is_some_and(|present| present.origin == Origin::Provided) {
        return Change::nothing();
    }
    catalog
        .server_identities
        .insert(identity.slot.clone(), Arc::new(identity.clone()));
    identity_change(
        "server-identity.adopt",
        &identity.slot,
        shown_first(identity),
    )
}

/// Puts a generated identity in place of whatever is there.
pub(crate) fn reset(catalog: &mut Catalog, identity: &ServerIdentity) -> Change {
    catalog
        .server_identities
        .insert(identity.slot.clone(), Arc::new(identity.clone()));
    identity_change(
        "server-identity.reset",
        &identity.slot,
        shown_first(identity),
    )
}

/// Puts a real server certificate and key in place, besides one of another kind of key.
pub(crate) fn provide(
    catalog: &mut Catalog,
    slot: &IdentitySlot,
    certificate: &IdentityCertificate,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let leaf = presentable(certificate, around.now)?;
    let mut certificates = vec![certificate.clone()];
    if let Some(present) = catalog
        .server_identities
        .get(slot)
        .filter(|present| present.origin == Origin::Provided)
    {
        let kind = |of: &IdentityCertificate| of.chain.first().map(has_rsa_key);
        let others = present
            .certificates
            .iter()
            .filter(|other| kind(other) != kind(certificate));
        certificates.extend(others.cloned());
    }
    certificates.sort_by_key(|of| of.chain.first().is_some_and(has_rsa_key));
    let identity = ServerIdentity {
        slot: slot.clone(),
        origin: Origin::Provided,
        certificates,
        updated: around.now,
    };
    catalog
        .server_identities
        .insert(slot.clone(), Arc::new(identity));
    let warnings = uncovered(&around.rules.names, slot, leaf);
    Ok(Change {
        warnings,
        ..identity_change("server-identity.provide", slot, Some(leaf))
    })
}

/// Puts a real server certificate and key of a realm's own host in place, besides one of another kind of key.
pub(crate) fn provide_own(
    realm: &mut Realm,
    environment: Environment,
    certificate: &IdentityCertificate,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let leaf = presentable(certificate, around.now)?;
    let slot = IdentitySlot::Realm(realm.name.clone(), environment);
    let own = realm.server_identities.get_mut(environment);
    let mut certificates = vec![(has_rsa_key(leaf), KeptCertificate::of(certificate))];
    for present in own.iter().flat_map(|own| &own.certificates) {
        // What cannot be decoded any more is no certificate of another kind of key.
        let Some(other) = present.decode().ok().and_then(first) else {
            continue;
        };
        if has_rsa_key(&other) != has_rsa_key(leaf) {
            certificates.push((has_rsa_key(&other), present.clone()));
        }
    }
    certificates.sort_by_key(|(rsa, _)| *rsa);
    *own = Some(Arc::new(RealmIdentity {
        certificates: certificates.into_iter().map(|(_, kept)| kept).collect(),
        updated: around.now,
    }));
    let warnings = uncovered(&around.rules.names, &slot, leaf);
    Ok(Change {
        warnings,
        ..identity_change("server-identity.provide", &slot, Some(leaf))
    })
}

/// Takes a realm's own server identity away.
pub(crate) fn remove_own(realm: &mut Realm, environment: Environment) -> Result<Change, Rejection> {
    let slot = IdentitySlot::Realm(realm.name.clone(), environment);
    let Some(own) = realm.server_identities.get_mut(environment).take() else {
        return Ok(Change::nothing());
    };
    let kept = own.certificates.first();
    let leaf = kept.and_then(|kept| kept.decode().ok()).and_then(first);
    Ok(identity_change(
        "server-identity.remove",
        &slot,
        leaf.as_ref(),
    ))
}

fn first(chain: Vec<Certificate>) -> Option<Certificate> {
    chain.into_iter().next()
}

/// The leaf, where a listener can show it: it is for servers, has not ended, and the key is its own.
fn presentable(certificate: &IdentityCertificate, now: Moment) -> Result<&Certificate, Rejection> {
    let Some(leaf) = certificate.chain.first() else {
        return Err(Rejection::ChainMissing);
    };
    let facts = leaf.facts();
    if !certificate.key.belongs_to(leaf) {
        return Err(Rejection::KeyMismatch {
            subject: facts.subject.clone(),
        });
    }
    if !facts.allows_server_auth() {
        return Err(Rejection::NotForServers {
            subject: facts.subject.clone(),
        });
    }
    if facts.not_after <= now {
        return Err(Rejection::ServerCertificateExpired {
            subject: facts.subject.clone(),
            end: facts.not_after,
        });
    }
    Ok(leaf)
}

/// The host names that clients will ask for and the certificate does not bear.
fn uncovered(names: &NamePlan, slot: &IdentitySlot, leaf: &Certificate) -> Vec<Warning> {
    let mut hosts = match slot {
        IdentitySlot::Admin => Vec::new(),
        IdentitySlot::Public(gateway, environment) => {
            let shared = names.shared_host(*gateway, *environment);
            let wildcard = (*gateway == Gateway::Mtls).then(|| format!("*.{shared}"));
            std::iter::once(shared.to_owned()).chain(wildcard).collect()
        }
        IdentitySlot::Realm(realm, environment) => vec![names.realm_host(*environment, realm)],
    };
    hosts.retain(|host| !leaf.facts().sans.iter().any(|san| covers(san, host)));
    hosts
        .into_iter()
        .map(|host| Warning::NameNotCovered {
            slot: slot.clone(),
            host,
        })
        .collect()
}

/// Whether a certificate bears none of these names and addresses.
pub fn names_none(leaf: &Certificate, hosts: &[String]) -> bool {
    !hosts
        .iter()
        .any(|host| leaf.facts().sans.iter().any(|san| covers(san, host)))
}

/// Whether an alternative name stands for `host`; a wildcard for one label (RFC 6125 §6.4.3).
fn covers(san: &str, host: &str) -> bool {
    if let Some(address) = san.strip_prefix("IP:") {
        return address == host;
    }
    let Some(name) = san.strip_prefix("DNS:") else {
        return false;
    };
    let same_parent = |wildcard: &str| {
        host.split_once('.')
            .is_some_and(|(_, parent)| parent.eq_ignore_ascii_case(wildcard))
    };
    name.eq_ignore_ascii_case(host) || name.strip_prefix("*.").is_some_and(same_parent)
}

fn has_rsa_key(certificate: &Certificate) -> bool {
    matches!(certificate.facts().key.algorithm, KeyAlgorithm::Rsa { .. })
}

fn identity_change(
    action: &'static str,
    slot: &IdentitySlot,
    leaf: Option<&Certificate>,
) -> Change {
    let detail = leaf.map(|leaf| ("fingerprint", leaf.fingerprint().to_string()));
    Change {
        touched: vec![Touched::ServerIdentity(slot.clone())],
        audit: Some(AuditFact {
            action,
            realm: slot.realm().cloned(),
            environment: slot.environment(),
            object: slot.to_string(),
            detail: detail.into_iter().collect(),
        }),
        warnings: Vec::new(),
    }
}

fn shown_first(identity: &ServerIdentity) -> Option<&Certificate> {
    identity.certificates.first()?.chain.first()
}
