//! Approving and removing what revocation lists are fetched from.

use std::sync::Arc;

use crate::domain::audit::AuditFact;
use crate::domain::catalog::Circumstances;
use crate::domain::change::{Change, Touched};
use crate::domain::crl_source::{CrlSource, CrlUrl, SOURCES_MAX};
use crate::domain::environment::Environment;
use crate::domain::name::CrlSourceName;
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;

/// Approves a source, or changes where it is.
pub(crate) fn save(
    realm: &mut Realm,
    environment: Environment,
    name: &CrlSourceName,
    url: &CrlUrl,
    around: Circumstances<'_>,
) -> Result<Change, Rejection> {
    let sources = realm.crl_sources.get(environment);
    let before = sources.get(name).cloned();
    if before.as_ref().is_some_and(|before| before.url == *url) {
        return Ok(Change::nothing());
    }
    if before.is_none() && sources.len() >= SOURCES_MAX {
        return Err(Rejection::TooMany {
            what: "sources of revocation lists in one environment of a realm",
            most: SOURCES_MAX,
        });
    }
    let mut detail = vec![("url", url.to_string())];
    detail.extend(
        before
            .as_ref()
            .map(|before| ("before", before.url.to_string())),
    );
    let source = CrlSource {
        name: name.clone(),
        url: url.clone(),
        added: before.map_or(around.now, |before| before.added),
        updated: around.now,
    };
    let sources = realm.crl_sources.get_mut(environment);
    sources.insert(name.clone(), Arc::new(source));
    Ok(change("crl-source.save", realm, environment, name, detail))
}

/// Removes a source. What it gave stays.
pub(crate) fn delete(
    realm: &mut Realm,
    environment: Environment,
    name: &CrlSourceName,
) -> Result<Change, Rejection> {
    let Some(source) = realm.crl_sources.get_mut(environment).remove(name) else {
        return Err(Rejection::NoCrlSource {
            realm: realm.name.clone(),
            environment,
            source_name: name.clone(),
        });
    };
    let detail = vec![("url", source.url.to_string())];
    Ok(change(
        "crl-source.delete",
        realm,
        environment,
        name,
        detail,
    ))
}

fn change(
    action: &'static str,
    realm: &Realm,
    environment: Environment,
    name: &CrlSourceName,
    detail: Vec<(&'static str, String)>,
) -> Change {
    Change {
        touched: vec![Touched::CrlSource(
            realm.name.clone(),
            environment,
            name.clone(),
        )],
        audit: Some(AuditFact {
            action,
            realm: Some(realm.name.clone()),
            environment: Some(environment),
            object: name.to_string(),
            detail,
        }),
        warnings: Vec::new(),
    }
}
