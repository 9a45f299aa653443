//! Changing what a realm asks of its clients: saving its trust policy, and taking in and removing revocation lists.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::domain::audit::AuditFact;
use crate::domain::catalog::Circumstances;
use crate::domain::change::{Change, Touched, Warning};
use crate::domain::environment::Environment;
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::revocation::{
    self, Currency, LISTS_BYTES_MAX, LISTS_MAX, RevocationList, Signed,
};
use crate::domain::trust_policy::{EXCEPTIONS_MAX, PINS_MAX, RevocationScope, TrustPolicy};
use crate::pki::crl::{Crl, CrlFacts};
use crate::pki::fingerprint::Fingerprint;

/// How a revocation list came, and so what becomes of one that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    /// By itself: it is refused, so that whoever gave it knows.
    Alone,
    /// With many others, whom it must not keep from being taken in: it is kept, or left out where a later edition is
    /// there, and a warning says so. It never counts, because deciding checks again.
    AmongOthers,
    /// Fetched, or found in a folder, with nobody there to look at it: it is refused unless a known certificate signed it
    /// and all of it is understood, so that the last good one stays.
    ByItself,
}

/// Puts a trust policy in place of the present one.
pub(crate) fn save_policy(
    realm: &mut Realm,
    environment: Environment,
    policy: &Arc<TrustPolicy>,
) -> Result<Change, Rejection> {
    let bounds = [
        ("pins in a trust policy", policy.pins.len(), PINS_MAX),
        (
            "anchors with an exception in a trust policy",
            policy.exceptions.len(),
            EXCEPTIONS_MAX,
        ),
    ];
    if let Some((what, _, most)) = bounds.into_iter().find(|(_, count, most)| count > most) {
        return Err(Rejection::TooMany { what, most });
    }
    let before = Arc::clone(realm.trust_policies.get(environment));
    if *before == **policy {
        return Ok(Change::nothing());
    }
    *realm.trust_policies.get_mut(environment) = Arc::clone(policy);
    let mut warnings = Vec::new();
    let is_off = |policy: &TrustPolicy| policy.revocation.scope == RevocationScope::Off;
    if is_off(policy) && !is_off(&before) {
        warnings.push(Warning::RevocationOff {
            realm: realm.name.clone(),
            environment,
        });
    }
    if policy.pins.is_empty() && !before.pins.is_empty() {
        warnings.push(Warning::PinsEmptied {
            realm: realm.name.clone(),
            environment,
        });
    }
    if !before.asks_for_lists() {
        warnings.extend(no_list(realm, environment));
    }
    Ok(Change {
        touched: vec![Touched::TrustPolicy(realm.name.clone(), environment)],
        audit: Some(AuditFact {
            action: "trust.save",
            realm: Some(realm.name.clone()),
            environment: Some(environment),
            object: "policy".to_owned(),
            detail: policy.difference(&before),
        }),
        warnings,
    })
}

/// Takes a revocation list in. A later edition of a list takes the place of earlier ones, once it is in force.
pub(crate) fn save_crl(
    realm: &mut Realm,
    environment: Environment,
    crl: &Crl,
    intake: Intake,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let shelf = realm.crls.get(environment);
    if shelf.contains_key(&crl.fingerprint()) {
        return Ok(Change::nothing());
    }
    let facts = crl.facts();
    let issuer = || facts.issuer.clone();
    if facts.next_update.is_none() && intake.is_strict() {
        return Err(Rejection::CrlWithoutEnd { issuer: issuer() });
    }
    let prefix = &around.rules.trust_account_prefix;
    let signed = revocation::signed(realm, environment, crl, prefix);
    if signed == Signed::ByNobodyKnown && intake.is_strict() {
        return Err(Rejection::CrlNotSigned { issuer: issuer() });
    }
    if intake == Intake::ByItself {
        check_by_itself(facts, signed)?;
    }
    let mut superseded = Vec::new();
    for present in shelf.values() {
        let Some(order) = revocation::compare(facts, present.crl.facts()) else {
            continue;
        };
        let theirs = revocation::signed(realm, environment, &present.crl, prefix);
        match order {
            Ordering::Less if keeps_out(present.crl.facts(), theirs, signed, around) => {
                return older(realm, environment, facts, present, intake);
            }
            // It would be the one that decides, and let nobody in.
            Ordering::Greater
                if intake.is_strict()
                    && Currency::of(facts, around.now) == Currency::OutOfDate
                    && Currency::of(present.crl.facts(), around.now) == Currency::Current =>
            {
                return Err(Rejection::CrlOver {
                    issuer: issuer(),
                    number: revocation::number(facts),
                    next_update: revocation::end(facts),
                    stored_number: revocation::number(present.crl.facts()),
                });
            }
            // What is not in force yet leaves the present edition at work.
            Ordering::Greater if facts.this_update <= around.now && is_one_hand(signed, theirs) => {
                superseded.push(present.crl.fingerprint());
            }
            // A server that signs the same edition anew each time it is asked would fill the shelf with copies.
            Ordering::Equal
                if intake == Intake::ByItself
                    && is_one_hand(signed, theirs)
                    && is_copy(crl, &present.crl) =>
            {
                return Ok(Change::nothing());
            }
            Ordering::Less | Ordering::Equal | Ordering::Greater => {}
        }
    }
    check_bounds(realm, environment, crl, &superseded)?;
    let warnings = remarks(realm, environment, facts, signed, around);
    let audit = fact("crl.save", realm, environment, crl, &superseded);
    let mut touched = vec![touched(realm, environment, crl.fingerprint())];
    touched.extend(
        superseded
            .iter()
            .map(|of| self::touched(realm, environment, *of)),
    );
    let shelf = realm.crls.get_mut(environment);
    for former in superseded {
        shelf.remove(&former);
    }
    let list = RevocationList {
        crl: crl.clone(),
        added: around.now,
    };
    shelf.insert(crl.fingerprint(), Arc::new(list));
    Ok(Change {
        touched,
        audit: Some(audit),
        warnings,
    })
}

/// Removes a revocation list.
pub(crate) fn remove_crl(
    realm: &mut Realm,
    environment: Environment,
    sha256: Fingerprint,
) -> Result<Change, Rejection> {
    let Some(list) = realm.crls.get_mut(environment).remove(&sha256) else {
        return Err(Rejection::NoCrl {
            realm: realm.name.clone(),
            environment,
            sha256,
        });
    };
    Ok(Change {
        touched: vec![touched(realm, environment, sha256)],
        audit: Some(fact("crl.remove", realm, environment, &list.crl, &[])),
        warnings: no_list(realm, environment).into_iter().collect(),
    })
}

impl Intake {
    /// Whether a list that does not count is refused.
    const fn is_strict(self) -> bool {
        match self {
            Self::Alone | Self::ByItself => true,
            Self::AmongOthers => false,
        }
    }
}

/// What is asked of a list that nobody looks at, besides what is asked of all.
fn check_by_itself(facts: &CrlFacts, signed: Signed) -> Result<(), Rejection> {
    let issuer = facts.issuer.clone();
    match (signed, facts.unknown_critical.first()) {
        (Signed::ByAStranger | Signed::ByNobodyKnown, _) => {
            Err(Rejection::CrlIssuerUnknown { issuer })
        }
        (Signed::By(_), Some(oid)) => Err(Rejection::CrlNotUnderstood {
            issuer,
            oid: oid.clone(),
        }),
        (Signed::By(_), None) => Ok(()),
    }
}

/// Whether two lists say the same, but for their signatures.
fn is_copy(one: &Crl, other: &Crl) -> bool {
    one.facts() == other.facts() && one.entries().eq(other.entries())
}

/// Whether two lists are known to be signed with the same key, so that one may take the other's place. Of others it is
/// not known which of them is forged, so they stay side by side: deciding checks their signatures.
fn is_one_hand(signed: Signed, other: Signed) -> bool {
    match (signed, other) {
        (Signed::By(ours), Signed::By(theirs)) => ours == theirs,
        (Signed::ByAStranger | Signed::ByNobodyKnown, _)
        | (Signed::By(_), Signed::ByAStranger | Signed::ByNobodyKnown) => false,
    }
}

/// Whether a list that is there keeps an earlier edition out: it is in force, and of the same key.
fn keeps_out(facts: &CrlFacts, theirs: Signed, given: Signed, around: Circumstances<'_>) -> bool {
    facts.this_update <= around.now && is_one_hand(theirs, given)
}

fn older(
    realm: &Realm,
    environment: Environment,
    given: &CrlFacts,
    present: &RevocationList,
    intake: Intake,
) -> Result<Change, Rejection> {
    let (issuer, stored) = (given.issuer.clone(), present.crl.facts());
    let (number, stored_number) = (revocation::number(given), revocation::number(stored));
    match intake {
        Intake::Alone | Intake::ByItself => Err(Rejection::CrlOlder {
            issuer,
            number,
            this_update: given.this_update,
            stored_number,
            stored_this_update: stored.this_update,
        }),
        Intake::AmongOthers => Ok(Change {
            warnings: vec![Warning::CrlOlder {
                realm: realm.name.clone(),
                environment,
                issuer,
                number,
                stored_number,
            }],
            ..Change::nothing()
        }),
    }
}

fn check_bounds(
    realm: &Realm,
    environment: Environment,
    crl: &Crl,
    superseded: &[Fingerprint],
) -> Result<(), Rejection> {
    let shelf = realm.crls.get(environment);
    let staying = shelf
        .values()
        .map(|list| &list.crl)
        .filter(|crl| !superseded.contains(&crl.fingerprint()));
    let (count, bytes) = staying.fold((1_usize, crl.der().len()), |(count, bytes), crl| {
        (
            count.saturating_add(1),
            bytes.saturating_add(crl.der().len()),
        )
    });
    if count > LISTS_MAX {
        return Err(Rejection::TooMany {
            what: "revocation lists in one environment of a realm",
            most: LISTS_MAX,
        });
    }
    if bytes > LISTS_BYTES_MAX {
        return Err(Rejection::CrlsTooLarge {
            bytes,
            most: LISTS_BYTES_MAX,
        });
    }
    Ok(())
}

/// What there is to know of a list that is taken in.
fn remarks(
    realm: &Realm,
    environment: Environment,
    facts: &CrlFacts,
    signed: Signed,
    around: Circumstances<'_>,
) -> Vec<Warning> {
    let (realm, issuer) = (realm.name.clone(), facts.issuer.clone());
    let mut warnings = Vec::new();
    match signed {
        Signed::ByNobodyKnown => warnings.push(Warning::CrlNotSigned {
            realm: realm.clone(),
            environment,
            issuer: issuer.clone(),
        }),
        Signed::ByAStranger => warnings.push(Warning::CrlIssuerUnknown {
            realm: realm.clone(),
            environment,
            issuer: issuer.clone(),
        }),
        Signed::By(_) => {}
    }
    match Currency::of(facts, around.now) {
        Currency::NotYet => warnings.push(Warning::CrlNotYet {
            realm: realm.clone(),
            environment,
            issuer: issuer.clone(),
            this_update: facts.this_update,
        }),
        Currency::OutOfDate => warnings.push(Warning::CrlOutOfDate {
            realm: realm.clone(),
            environment,
            issuer: issuer.clone(),
            next_update: facts.next_update,
        }),
        Currency::Current => {}
    }
    if let Some(oid) = facts.unknown_critical.first() {
        warnings.push(Warning::CrlUnknownCritical {
            realm,
            environment,
            issuer,
            oid: oid.clone(),
        });
    }
    warnings
}

/// Revocation that nothing is there to decide by.
fn no_list(realm: &Realm, environment: Environment) -> Option<Warning> {
    let asked_for = realm.trust_policies.get(environment).asks_for_lists();
    let none = realm.crls.get(environment).is_empty();
    (asked_for && none).then(|| Warning::NoCrl {
        realm: realm.name.clone(),
        environment,
    })
}

fn touched(realm: &Realm, environment: Environment, sha256: Fingerprint) -> Touched {
    Touched::Crl(realm.name.clone(), environment, sha256)
}

fn fact(
    action: &'static str,
    realm: &Realm,
    environment: Environment,
    crl: &Crl,
    superseded: &[Fingerprint],
) -> AuditFact {
    let facts = crl.facts();
    let mut detail = vec![
        ("issuer", facts.issuer.clone()),
        ("number", revocation::number(facts)),
        ("this-update", facts.this_update.to_string()),
        ("next-update", revocation::end(facts)),
    ];
    if !superseded.is_empty() {
        let superseded: Vec<String> = superseded.iter().map(ToString::to_string).collect();
        detail.push(("supersedes", superseded.join(" ")));
    }
    AuditFact {
        action,
        realm: Some(realm.name.clone()),
        environment: Some(environment),
        object: crl.fingerprint().to_string(),
        detail,
    }
}

#[cfg(test)]
mod tests;
