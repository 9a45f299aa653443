//! Trust policies, as they are told: in the manifest's words.

use std::sync::Arc;

use serde::Serialize;

use crate::control::authorise;
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::executing::Done;
use crate::control::impact::Cutting;
use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::rejection::Rejection;
use crate::domain::token::Actor;
use crate::manifest::document::TrustBody;
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::trust;

/// A trust policy. Beside these fields stand those of a manifest's `trust`, all of them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustSheet {
    /// Whose.
    pub realm: String,
    /// Where.
    pub environment: &'static str,
    /// How many revocation lists the realm has there.
    pub crls: usize,
    /// How many things its deny list holds there, those that have ended included.
    pub denials: usize,
    /// The SHA-256 of each anchor that the policy names and that nobody installed there.
    pub not_installed: Vec<String>,
    /// What is asked of clients.
    #[serde(flatten)]
    pub body: TrustBody,
}

impl Control {
    /// A realm's trust policy in an environment.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn trust_policy(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
    ) -> Result<TrustSheet, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        let policy = realm.trust_policies.get(environment);
        let anchors = policy.exceptions.keys();
        let missing = anchors.filter(|anchor| !realm.has_anchor(environment, anchor));
        Ok(TrustSheet {
            realm: realm.name.to_string(),
            environment: environment.as_str(),
            crls: realm.crls.get(environment).len(),
            denials: realm.denials.get(environment).len(),
            not_installed: missing.map(ToString::to_string).collect(),
            body: trust::document(policy),
        })
    }

    /// Changes a trust policy as a document says. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn save_trust_policy(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
        body: &TrustBody,
        cutting: Cutting,
    ) -> Result<Done, ControlError> {
        authorise::inside(actor, realm, "trust.save")?;
        self.change_cutting(actor, cutting, |catalog, _| {
            let realm = catalog.realm(realm)?;
            let present = realm.trust_policies.get(environment);
            let policy = trust::policy(body, present).map_err(|source| InvalidManifest::Trust {
                realm: realm.name.clone(),
                environment,
                source,
            })?;
            Ok::<_, ControlError>(vec![Command::SaveTrustPolicy {
                realm: realm.name.clone(),
                environment,
                policy: Arc::new(policy),
            }])
        })
    }
}
