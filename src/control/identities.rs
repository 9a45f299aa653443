//! Our own server identity: when it has to be made, and made anew.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Moment;
use crate::domain::catalog::Catalog;
use crate::domain::command::Command;
use crate::domain::endpoint::NamePlan;
use crate::domain::environment::Gateway;
use crate::domain::identity::{
    IdentityCertificate, IdentitySlot, Origin, ServerAuthority, ServerIdentity,
};
use crate::pki::authority::{Authority, AuthorityError, AuthorityRequest};
use crate::pki::certificate::Certificate;
use crate::pki::key::KeyChoice;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long the authority is valid: its certificate is handed out to clients, who should not have to change it.
const AUTHORITY_LIFE: Duration = Duration::from_secs(20 * 365 * 24 * 3600);
/// How long a generated server certificate is valid.
const LEAF_LIFE: Duration = Duration::from_secs(397 * 24 * 3600);
/// Certificates begin a day early, for clients whose clocks are slow.
const EARLY: Duration = DAY;

/// The commands that make the server's authority and identities, where they are missing or have to be made anew: the host
/// names changed, another authority is in place, or less than a third of their life is left. Identities that the
/// operator provided stay as they are.
///
/// # Errors
/// [`AuthorityError`] where a certificate cannot be made.
pub fn due(
    catalog: &Catalog,
    names: &NamePlan,
    admin_names: &[String],
    now: Moment,
) -> Result<Vec<Command>, AuthorityError> {
    let mut commands = Vec::new();
    let authority = match &catalog.server_authority {
        // One that is not valid yet stays: then the clock is wrong, and clients were given this one.
        Some(present) if now <= present.certificate.facts().not_after => {
            Authority::load(present.certificate.clone(), present.key.clone())?
        }
        present => {
            if present.is_some() {
                tracing::warn!(
                    "the server CA has ended: a new one is made, which clients must be given"
                );
            }
            let made = new_authority(names, now)?;
            let authority = ServerAuthority {
                certificate: made.certificate.clone(),
                key: made.key.clone(),
            };
            commands.push(Command::AdoptServerAuthority { authority });
            made
        }
    };
    for slot in IdentitySlot::all() {
        let wanted = host_names(&slot, names, admin_names);
        let present = catalog.server_identities.get(&slot);
        if present.is_some_and(|present| !is_due(present, &authority, &wanted, now)) {
            continue;
        }
        let identity = new_identity(slot, &authority, &wanted, now)?;
        commands.push(Command::AdoptServerIdentity { identity });
    }
    Ok(commands)
}

/// The commands that put a generated identity in place of a provided one, none where a generated one is there; or that
/// take a realm's own away.
///
/// # Errors
/// [`AuthorityError`] where a certificate cannot be made.
pub fn reset(
    catalog: &Catalog,
    slot: &IdentitySlot,
    names: &NamePlan,
    admin_names: &[String],
    now: Moment,
) -> Result<Vec<Command>, AuthorityError> {
    if let IdentitySlot::Realm(realm, environment) = slot {
        return Ok(vec![Command::RemoveServerIdentity {
            realm: realm.clone(),
            environment: *environment,
        }]);
    }
    let present = catalog.server_identities.get(slot);
    if present.is_some_and(|present| present.origin == Origin::Generated) {
        return Ok(Vec::new());
    }
    let mut without = catalog.clone();
    without.server_identities.remove(slot);
    let mut commands = due(&without, names, admin_names, now)?;
    for command in &mut commands {
        if let Command::AdoptServerIdentity { identity } = command
            && identity.slot == *slot
        {
            let identity = identity.clone();
            *command = Command::ResetServerIdentity { identity };
        }
    }
    Ok(commands)
}

/// The names that the certificate of a listener bears. Realm names are never among them: they would tell every client
/// who the tenants are. A certificate is never made for a realm's own host.
pub fn host_names(slot: &IdentitySlot, names: &NamePlan, admin_names: &[String]) -> Vec<String> {
    match slot {
        IdentitySlot::Admin => {
            let machine = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
            let mut all: Vec<String> = Vec::new();
            for name in machine.into_iter().chain(admin_names.iter().cloned()) {
                if !all.contains(&name) {
                    all.push(name);
                }
            }
            all
        }
        IdentitySlot::Public(gateway, environment) => {
            let host = names.shared_host(*gateway, *environment).to_owned();
            match gateway {
                Gateway::Mtls => vec![host.clone(), format!("*.{host}")],
                Gateway::External | Gateway::Internal => vec![host],
            }
        }
        IdentitySlot::Realm(realm, environment) => vec![names.realm_host(*environment, realm)],
    }
}

fn is_due(present: &ServerIdentity, authority: &Authority, wanted: &[String], now: Moment) -> bool {
    if present.origin == Origin::Provided {
        return false;
    }
    let Some(leaf) = present
        .certificates
        .first()
        .and_then(|certificate| certificate.chain.first())
    else {
        return true;
    };
    let facts = leaf.facts();
    let life = facts.not_after.since(facts.not_before);
    let left = facts.not_after.since(now);
    let ends_soon = left.saturating_mul(3) < life;
    let by_another = facts.authority_key_id != authority.certificate.facts().subject_key_id;
    by_another || ends_soon || !names_agree(leaf, wanted)
}

fn names_agree(leaf: &Certificate, wanted: &[String]) -> bool {
    let labelled = wanted.iter().map(|name| match name.parse::<IpAddr>() {
        Ok(address) => format!("IP:{address}"),
        Err(_) => format!("DNS:{name}"),
    });
    let wanted: BTreeSet<String> = labelled.collect();
    let there: BTreeSet<String> = leaf.facts().sans.iter().cloned().collect();
    wanted == there
}

fn new_authority(names: &NamePlan, now: Moment) -> Result<Authority, AuthorityError> {
    Authority::self_signed(&AuthorityRequest {
        common_name: "realmgate server CA".to_owned(),
        // X.520 allows 64 characters.
        organization: Some(names.domain().chars().take(64).collect()),
        not_before: now.minus(EARLY),
        not_after: now.plus(AUTHORITY_LIFE),
        path_length: Some(0),
        key: KeyChoice::EcP256,
    })
}

fn new_identity(
    slot: IdentitySlot,
    authority: &Authority,
    names: &[String],
    now: Moment,
) -> Result<ServerIdentity, AuthorityError> {
    let end = now
        .plus(LEAF_LIFE)
        .min(authority.certificate.facts().not_after);
    let leaf = authority.issue_server(names, now.minus(EARLY), end)?;
    // The chain is the leaf alone: a client that trusts the authority has its certificate.
    let certificate = IdentityCertificate {
        chain: vec![leaf.certificate],
        key: leaf.key,
    };
    Ok(ServerIdentity {
        slot,
        origin: Origin::Generated,
        certificates: vec![certificate],
        updated: now,
    })
}
