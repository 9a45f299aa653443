//! Retiring trust: it stays at work, and everybody is told that it will go.

use std::sync::Arc;

use crate::clock::Moment;
use crate::domain::catalog::Circumstances;
use crate::domain::change::{Change, Touched};
use crate::domain::environment::Environment;
use crate::domain::installation::InstallationState;
use crate::domain::installing;
use crate::domain::intake::IntakeObjection;
use crate::domain::name::AccountName;
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;

/// Announces that what is installed of an account will go, or tells another time for it. Clients are let in as ever, after
/// that time too: taking it out of work stays somebody's decision.
pub(crate) fn retire(
    realm: &mut Realm,
    environment: Environment,
    name: &AccountName,
    until: Option<Moment>,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let Some(present) = realm.installed_of(environment, name).cloned() else {
        return Err(installing::nothing(realm, environment, name));
    };
    let (installed_at, installed_by) = match &present.state {
        InstallationState::Retiring { until: told, .. } if *told == until => {
            return Ok(Change::nothing());
        }
        InstallationState::Retiring {
            installed_at,
            installed_by,
            ..
        } => (*installed_at, installed_by.clone()),
        InstallationState::Installed { at, by } => (*at, by.clone()),
        InstallationState::Requested
        | InstallationState::Rejected { .. }
        | InstallationState::Removed { .. } => {
            return Err(installing::nothing(realm, environment, name));
        }
    };
    if let Some(until) = until.filter(|until| *until <= around.now) {
        return Err(Rejection::Intake(IntakeObjection::RetiredInThePast {
            until,
        }));
    }
    let retiring = InstallationState::Retiring {
        installed_at,
        installed_by,
        at: around.now,
        by: around.actor.name.clone(),
        until,
    };
    let mut audit = installing::fact(
        "installation.retire",
        realm,
        environment,
        name,
        present.id,
        &present.certificates,
    );
    audit
        .detail
        .extend(until.map(|until| ("until", until.to_string())));
    Ok(Change {
        touched: installing::set_state(realm, present.id, retiring),
        audit: Some(audit),
        warnings: Vec::new(),
    })
}

/// Takes the announcement back.
pub(crate) fn keep(
    realm: &mut Realm,
    environment: Environment,
    name: &AccountName,
) -> Result<Change, Rejection> {
    let Some(present) = realm.installed_of(environment, name).map(Arc::clone) else {
        return Err(installing::nothing(realm, environment, name));
    };
    let InstallationState::Retiring {
        installed_at,
        installed_by,
        ..
    } = &present.state
    else {
        return Ok(Change::nothing());
    };
    let installed = InstallationState::Installed {
        at: *installed_at,
        by: installed_by.clone(),
    };
    let audit = installing::fact(
        "installation.keep",
        realm,
        environment,
        name,
        present.id,
        &present.certificates,
    );
    let touched: Vec<Touched> = installing::set_state(realm, present.id, installed);
    Ok(Change {
        touched,
        audit: Some(audit),
        warnings: Vec::new(),
    })
}
