//! What revocation lists come from, and how that goes.

use serde::Serialize;

use crate::control::engine::Control;
use crate::control::refreshing::{Origin, SourceKey, SourceState};
use crate::control::view::time::Time;
use crate::domain::crl_source::CrlSource;
use crate::domain::environment::Environment;
use crate::domain::name::{CrlSourceName, RealmName};
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::revocation;
use crate::domain::token::Actor;

/// A source of revocation lists: an approved URL, or a file that was found in the realm's folder.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CrlSourceView {
    /// What it is called.
    pub name: String,
    /// `url` or `file`.
    pub kind: &'static str,
    /// Where it is; none of a file.
    pub url: Option<String>,
    /// When the URL was approved.
    pub added: Option<Time>,
    /// What came of the last attempt, as a code; `waiting` where there was none yet.
    pub state: &'static str,
    /// The same as a sentence.
    pub told: Option<String>,
    /// Whether the last attempt failed.
    pub failing: bool,
    /// When it was asked last.
    pub last_attempt: Option<Time>,
    /// When it was asked last and all was well.
    pub last_success: Option<Time>,
    /// When it is asked next.
    pub next_attempt: Option<Time>,
    /// How many attempts failed since.
    pub failures: u32,
    /// What it gave last, as far as it is there still.
    pub lists: Vec<GivenList>,
}

/// A list that a source gave.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenList {
    /// Its issuer.
    pub issuer: String,
    /// Its number.
    pub number: String,
    /// Until when the next one is to be expected.
    pub next_update: Option<Time>,
    /// SHA-256 of it, lower-case hexadecimal.
    pub sha256: String,
}

impl Control {
    /// What a realm's revocation lists come from in an environment: URLs by name, then files.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn crl_sources(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
    ) -> Result<Vec<CrlSourceView>, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        let key = |origin| SourceKey {
            realm: realm.name.clone(),
            environment,
            origin,
        };
        let states = self.freshness.states();
        let of = |key: &SourceKey| states.get(key).cloned().unwrap_or_default();
        let sources = realm.crl_sources.get(environment).values();
        let mut views: Vec<CrlSourceView> = sources
            .map(|source| {
                let state = of(&key(Origin::Url(source.name.clone())));
                of_url(&realm, environment, source, &state)
            })
            .collect();
        let from = key(Origin::File(String::new()));
        let files = states.range(from..).map_while(|(key, state)| {
            let here = key.realm == realm.name && key.environment == environment;
            let Origin::File(name) = &key.origin else {
                return None;
            };
            here.then(|| {
                let view = view(&realm, environment, name, state);
                CrlSourceView {
                    kind: "file",
                    ..view
                }
            })
        });
        views.extend(files);
        Ok(views)
    }

    /// One approved source.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn crl_source(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
        name: &CrlSourceName,
    ) -> Result<CrlSourceView, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        let source = realm.crl_sources.get(environment).get(name);
        let source = source.ok_or_else(|| Rejection::NoCrlSource {
            realm: realm.name.clone(),
            environment,
            source_name: name.clone(),
        })?;
        let state = self.crl_source_state(&SourceKey {
            realm: realm.name.clone(),
            environment,
            origin: Origin::Url(name.clone()),
        });
        Ok(of_url(&realm, environment, source, &state))
    }
}

fn of_url(
    realm: &Realm,
    environment: Environment,
    source: &CrlSource,
    state: &SourceState,
) -> CrlSourceView {
    CrlSourceView {
        url: Some(source.url.to_string()),
        added: Some(Time(source.added)),
        ..view(realm, environment, source.name.as_str(), state)
    }
}

fn view(realm: &Realm, environment: Environment, name: &str, state: &SourceState) -> CrlSourceView {
    let shelf = realm.crls.get(environment);
    let lists = state.lists.iter().filter_map(|sha256| {
        let facts = shelf.get(sha256)?.crl.facts();
        Some(GivenList {
            issuer: facts.issuer.clone(),
            number: revocation::number(facts),
            next_update: facts.next_update.map(Time),
            sha256: sha256.to_string(),
        })
    });
    let outcome = state.outcome.as_ref();
    CrlSourceView {
        name: name.to_owned(),
        kind: "url",
        url: None,
        added: None,
        state: outcome.map_or("waiting", |outcome| outcome.code),
        told: outcome.map(|outcome| outcome.sentence.clone()),
        failing: outcome.is_some_and(|outcome| !outcome.is_good),
        last_attempt: state.last_attempt.map(Time),
        last_success: state.last_success.map(Time),
        next_attempt: state.next_attempt.map(Time),
        failures: state.failures,
        lists: lists.collect(),
    }
}
