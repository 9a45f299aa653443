//! Connections, as they are told: in the manifest's words.

use serde::Serialize;

use crate::control::engine::Control;
use crate::control::view::time::Time;
use crate::domain::connection::Connection;
use crate::domain::name::{ConnectionName, RealmName};
use crate::domain::pipeline::Handler;
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::token::Actor;
use crate::manifest::connection;
use crate::manifest::document::ConnectionBody;

/// A connection. Beside these fields stand those that a manifest writes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionView {
    /// Its name.
    pub name: String,
    /// Counts the times it was saved.
    pub revision: u64,
    /// When it was last saved.
    pub updated: Time,
    /// The pipelines that lead there.
    pub used_by: Vec<String>,
    /// What a manifest writes.
    #[serde(flatten)]
    pub body: ConnectionBody,
}

impl Control {
    /// A realm's connections, by name.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn connections(
        &self,
        actor: &Actor,
        realm: &RealmName,
    ) -> Result<Vec<ConnectionView>, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        Ok(realm
            .connections
            .values()
            .map(|connection| view(&realm, connection))
            .collect())
    }

    /// One connection.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn connection(
        &self,
        actor: &Actor,
        realm: &RealmName,
        name: &ConnectionName,
    ) -> Result<ConnectionView, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        let missing = || Rejection::NoConnection {
            realm: realm.name.clone(),
            connection: name.clone(),
        };
        Ok(view(
            &realm,
            realm.connections.get(name).ok_or_else(missing)?,
        ))
    }
}

fn view(realm: &Realm, connection: &Connection) -> ConnectionView {
    let leads_there = |handler: &Handler| matches!(handler, Handler::Upstream { connection: to, .. } if *to == connection.name);
    let saved = realm
        .pipelines
        .values()
        .filter(|of| leads_there(&of.handler))
        .map(|of| of.key.to_string());
    let deployed = realm
        .deployments
        .values()
        .filter(|of| leads_there(&of.pipeline.handler));
    let deployed = deployed.map(|of| format!("{} in {}", of.key.pipeline, of.key.environment));
    ConnectionView {
        name: connection.name.to_string(),
        revision: connection.revision,
        updated: Time(connection.updated),
        used_by: saved.chain(deployed).collect(),
        body: connection::document(connection),
    }
}
