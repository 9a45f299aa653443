//! Changing a realm's deny list.

use std::sync::Arc;

use crate::clock::Moment;
use crate::domain::audit::AuditFact;
use crate::domain::catalog::Circumstances;
use crate::domain::change::{Change, Touched, Warning};
use crate::domain::denial::{DENIALS_MAX, Denial, DenialReason, Denied};
use crate::domain::environment::Environment;
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::pki::fingerprint::Fingerprint;

/// Puts something on the deny list, or gives what is there another reason or end. It holds at once.
pub(crate) fn deny(
    realm: &mut Realm,
    environment: Environment,
    what: &Denied,
    reason: &DenialReason,
    until: Option<Moment>,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let id = what.id();
    let present = realm.denials.get(environment);
    let stored = present.get(&id);
    if stored.is_some_and(|stored| stored.reason == *reason && stored.until == until) {
        return Ok(Change::nothing());
    }
    if let Some(end) = until.filter(|end| *end <= around.now) {
        return Err(Rejection::DenialEnded { end });
    }
    if stored.is_none() && present.len() >= DENIALS_MAX {
        return Err(Rejection::TooMany {
            what: "denials in one environment of a realm, those that have ended included",
            most: DENIALS_MAX,
        });
    }
    let denial = Denial {
        what: what.clone(),
        reason: reason.clone(),
        until,
        added: around.now,
        by: around.actor.name.clone(),
    };
    let audit = fact("denial.save", realm, environment, &denial);
    let warnings = of_anchors(realm, environment, what);
    realm
        .denials
        .get_mut(environment)
        .insert(id, Arc::new(denial));
    Ok(Change {
        touched: vec![Touched::Denial(realm.name.clone(), environment, id)],
        audit: Some(audit),
        warnings,
    })
}

/// Takes something off the deny list.
pub(crate) fn allow(
    realm: &mut Realm,
    environment: Environment,
    id: Fingerprint,
) -> Result<Change, Rejection> {
    let Some(denial) = realm.denials.get_mut(environment).remove(&id) else {
        return Err(Rejection::NoDenial {
            realm: realm.name.clone(),
            environment,
            id,
        });
    };
    Ok(Change {
        touched: vec![Touched::Denial(realm.name.clone(), environment, id)],
        audit: Some(fact("denial.remove", realm, environment, &denial)),
        warnings: Vec::new(),
    })
}

/// Whoever denies an anchor denies all of its clients, and may not have meant that.
fn of_anchors(realm: &Realm, environment: Environment, what: &Denied) -> Vec<Warning> {
    let installed = realm.installed(environment);
    let anchors = installed.flat_map(|installation| &installation.certificates);
    let denied = anchors.filter(|anchor| what.is_about(anchor));
    denied
        .map(|anchor| Warning::AnchorDenied {
            realm: realm.name.clone(),
            environment,
            anchor: anchor.facts().subject.clone(),
        })
        .collect()
}

fn fact(
    action: &'static str,
    realm: &Realm,
    environment: Environment,
    denial: &Denial,
) -> AuditFact {
    let mut detail = vec![("reason", denial.reason.to_string())];
    detail.extend(denial.until.map(|end| ("until", end.to_string())));
    detail.push(("id", denial.what.id().to_string()));
    AuditFact {
        action,
        realm: Some(realm.name.clone()),
        environment: Some(environment),
        object: denial.what.to_string(),
        detail,
    }
}

#[cfg(test)]
mod tests;
