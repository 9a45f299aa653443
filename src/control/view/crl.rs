//! Revocation lists, decoded.

use serde::Serialize;

use crate::clock::Moment;
use crate::control::authorise;
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::executing::Done;
use crate::control::view::time::Time;
use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::rejection::Rejection;
use crate::domain::revocation::{self, Currency, RevocationList, Signed};
use crate::domain::token::Actor;
use crate::domain::trusting::Intake;
use crate::manifest::document::CrlsBody;
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::trust;
use crate::pki::crl::CrlFacts;
use crate::pki::distribution::IssuingDistributionPoint;

/// A revocation list in words. All texts are escaped and bounded.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CrlView {
    /// Its issuer.
    pub issuer: String,
    /// Its number, in digits (in hexadecimal where it is longer than 16 bytes); `none` where it has none.
    pub number: String,
    /// Whether it adds to a complete list rather than being one.
    pub delta: bool,
    /// When it was issued.
    pub this_update: Time,
    /// Until when the next one is to be expected.
    pub next_update: Option<Time>,
    /// How many certificates it revokes.
    pub entries: usize,
    /// What part of the certificates it speaks of; empty where it speaks of all of its issuer's.
    pub scope: Vec<&'static str>,
    /// How it was signed.
    pub signature_algorithm: String,
    /// Critical extensions that are not known, as OIDs: such a list never counts.
    pub unknown_critical: Vec<String>,
    /// `current`, `out-of-date`, `not-yet`, or `not-understood`: it has an unknown critical extension and never counts.
    pub state: &'static str,
    /// `known`: a certificate that clients are judged by signed it; `not-installed`: one of a trust account did that is
    /// not installed; `unknown-issuer` or `wrong`.
    pub signature: &'static str,
    /// When it was given.
    pub added: Time,
    /// Its length, in bytes of DER.
    pub bytes: usize,
    /// SHA-256 of it, lower-case hexadecimal.
    pub sha256: String,
}

impl Control {
    /// A realm's revocation lists in an environment, by issuer, the latest edition first. Blocks.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn crls(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
    ) -> Result<Vec<CrlView>, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        let (now, prefix) = (self.now(), &self.rules.trust_account_prefix);
        let lists = realm.crls.get(environment).values();
        let mut views: Vec<CrlView> = lists
            .map(|list| {
                let signed = revocation::signed(&realm, environment, &list.crl, prefix);
                let installed = revocation::signed_by_installed(&realm, environment, &list.crl);
                let signature = match (signed, installed) {
                    (Signed::By(_), Signed::ByAStranger | Signed::ByNobodyKnown) => "not-installed",
                    (signed, _) => signed.as_str(),
                };
                view(list, signature, now)
            })
            .collect();
        views.sort_by(|left, right| {
            let by_issuer = left.issuer.cmp(&right.issuer);
            by_issuer.then(right.this_update.0.cmp(&left.this_update.0))
        });
        Ok(views)
    }

    /// Takes revocation lists in: all of them or none. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn add_crls(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
        body: &CrlsBody,
    ) -> Result<Done, ControlError> {
        authorise::inside(actor, realm, "crl.save")?;
        let lists = trust::lists(body).map_err(|source| InvalidManifest::Trust {
            realm: realm.clone(),
            environment,
            source,
        })?;
        let commands: Vec<Command> = lists
            .into_iter()
            .map(|crl| Command::SaveCrl {
                realm: realm.clone(),
                environment,
                crl,
                intake: Intake::Alone,
            })
            .collect();
        self.change(actor, |catalog, _| {
            catalog.realm(realm)?;
            Ok::<_, Rejection>(commands)
        })
    }
}

fn view(list: &RevocationList, signature: &'static str, now: Moment) -> CrlView {
    let facts = list.crl.facts();
    CrlView {
        issuer: facts.issuer.clone(),
        number: revocation::number(facts),
        delta: facts.delta_base.is_some(),
        this_update: Time(facts.this_update),
        next_update: facts.next_update.map(Time),
        entries: list.crl.entries().count(),
        scope: facts.scope.as_ref().map(scope).unwrap_or_default(),
        signature_algorithm: facts.signature_algorithm.clone(),
        unknown_critical: facts.unknown_critical.clone(),
        state: state(facts, now),
        signature,
        added: Time(list.added),
        bytes: list.crl.der().len(),
        sha256: list.crl.fingerprint().to_string(),
    }
}

/// What a list is worth now. One that is not understood never counts, whatever its dates say.
pub(crate) fn state(facts: &CrlFacts, now: Moment) -> &'static str {
    if facts.unknown_critical.is_empty() {
        Currency::of(facts, now).as_str()
    } else {
        "not-understood"
    }
}

/// What part of the certificates a list speaks of.
pub(crate) fn scope(of: &IssuingDistributionPoint) -> Vec<&'static str> {
    let parts = [
        (of.name.is_some(), "one distribution point"),
        (of.user_certificates_only, "end entities"),
        (of.ca_certificates_only, "CAs"),
        (of.attribute_certificates_only, "attribute certificates"),
        (of.reasons.is_some(), "some reasons"),
        (of.indirect, "other issuers too"),
    ];
    let there = parts.into_iter().filter(|(there, _)| *there);
    there.map(|(_, words)| words).collect()
}
