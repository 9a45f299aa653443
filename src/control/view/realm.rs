//! Realms, as they are told.

use std::sync::Arc;

use serde::Serialize;

use crate::control::authorise::{self, Matter};
use crate::control::engine::Control;
use crate::control::view::time::Time;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::realm::{Realm, RealmState};
use crate::domain::rejection::Rejection;
use crate::domain::token::Actor;
use crate::snapshot::realm::Standing;
use crate::snapshot::state::Snapshot;

/// A realm and how much there is in it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RealmView {
    /// Its name.
    pub name: String,
    /// `active` or `suspended`.
    pub state: &'static str,
    /// Why nothing of it answers although it is active, where that is so.
    pub closed: Option<String>,
    /// When it was made.
    pub created: Time,
    /// The environments in which mutual TLS is at work.
    pub mtls: Vec<&'static str>,
    /// How many accounts it has.
    pub accounts: usize,
    /// How many installations are at work.
    pub installations: usize,
    /// How many requests wait for an operator.
    pub requests: usize,
    /// How many connections it has.
    pub connections: usize,
    /// How many pipelines it has.
    pub pipelines: usize,
    /// How many deployments serve.
    pub deployments: usize,
}

impl Control {
    /// The realms that the actor may see, by name.
    pub fn realms(&self, actor: &Actor) -> Vec<RealmView> {
        let catalog = self.catalog.load();
        let snapshot = self.live.load_full();
        let seen = catalog
            .realms
            .values()
            .filter(|realm| authorise::sees(actor, &realm.name));
        seen.map(|realm| view(realm, &snapshot)).collect()
    }

    /// One realm.
    ///
    /// # Errors
    /// [`Rejection::NoRealm`].
    pub fn realm(&self, actor: &Actor, name: &RealmName) -> Result<RealmView, Rejection> {
        Ok(view(
            &*self.seen_realm(actor, name)?,
            &self.live.load_full(),
        ))
    }

    /// The realm itself, where the actor may see it.
    pub(crate) fn seen_realm(
        &self,
        actor: &Actor,
        name: &RealmName,
    ) -> Result<Arc<Realm>, Rejection> {
        authorise::read(actor, Matter::Realm(name))?;
        if name.is_reserved() {
            return Err(Rejection::NoRealm {
                realm: name.clone(),
            });
        }
        self.catalog.load().realm(name).map(Arc::clone)
    }
}

/// Why a realm is closed, where it is.
pub(crate) fn why_closed(snapshot: &Snapshot, name: &RealmName) -> Option<String> {
    match &snapshot.realms.get(name)?.standing {
        Standing::Closed { why } => Some(why.clone()),
        Standing::Open | Standing::Suspended => None,
    }
}

fn view(realm: &Realm, snapshot: &Snapshot) -> RealmView {
    let installed = |environment| realm.installed(environment).count();
    let requests = realm
        .installations
        .values()
        .filter(|installation| installation.state.as_str() == "requested");
    RealmView {
        name: realm.name.to_string(),
        state: match realm.state {
            RealmState::Active => "active",
            RealmState::Suspended => "suspended",
        },
        closed: why_closed(snapshot, &realm.name),
        created: Time(realm.created),
        mtls: Environment::ALL
            .into_iter()
            .filter(|one| realm.has_mtls(*one))
            .map(Environment::as_str)
            .collect(),
        accounts: realm.accounts.len(),
        installations: Environment::ALL.into_iter().map(installed).sum(),
        requests: requests.count(),
        connections: realm.connections.len(),
        pipelines: realm.pipelines.len(),
        deployments: realm.deployments.len(),
    }
}
