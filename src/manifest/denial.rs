//! The deny list of a manifest, and what becomes of it.

use std::collections::BTreeSet;

use serde::{Deserialize as Read, Serialize as Write};

use crate::clock::Moment;
use crate::domain::command::Command;
use crate::domain::denial::{DenialReason, Denied};
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::plan::{About, Planner};
use crate::manifest::step::{Noun, Verb};
use crate::manifest::text::Text;
use crate::manifest::trust::InvalidTrust;
use crate::pki::distinguished::DistinguishedName;
use crate::pki::fingerprint::Fingerprint;
use crate::pki::serial::SerialNumber;

/// Something that is let in no more: an entry of a manifest, and the body of a `POST`. Exactly one of the first four is
/// given.
#[derive(Clone, Debug, PartialEq, Eq, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DenyDocument {
    /// The SHA-256 of a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_sha256: Option<Text<Fingerprint>>,
    /// The SHA-256 of a key (its SubjectPublicKeyInfo).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_sha256: Option<Text<Fingerprint>>,
    /// A serial number, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Text<SerialNumber>>,
    /// A subject, as RFC 4514 text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Text<DistinguishedName>>,
    /// Beside a serial number: whose it is, as RFC 4514 text; left out, anybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Text<DistinguishedName>>,
    /// Why, for the realm's people.
    pub reason: Text<DenialReason>,
    /// When it ends; left out, never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Text<Moment>>,
}

/// Why an entry of a deny list cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDenial {
    /// It names nothing, or several things.
    #[error(
        "say what is denied by exactly one of 'certificate-sha256', 'key-sha256', 'serial' and 'subject'"
    )]
    NotOne,
    /// An issuer without a serial number.
    #[error("'issuer' belongs to 'serial': leave it out, or give the serial number")]
    IssuerAlone,
}

impl DenyDocument {
    /// What it denies.
    ///
    /// # Errors
    /// [`InvalidDenial`].
    pub fn what(&self) -> Result<Denied, InvalidDenial> {
        let given = (
            &self.certificate_sha256,
            &self.key_sha256,
            &self.serial,
            &self.subject,
        );
        let what = match given {
            (Some(of), None, None, None) => Denied::Certificate(of.0),
            (None, Some(of), None, None) => Denied::Key(of.0),
            (None, None, Some(serial), None) => {
                return Ok(Denied::Serial {
                    serial: serial.0.clone(),
                    issuer: self.issuer.as_ref().map(|issuer| issuer.0.clone()),
                });
            }
            (None, None, None, Some(of)) => Denied::Subject(of.0.clone()),
            _ => return Err(InvalidDenial::NotOne),
        };
        if self.issuer.is_some() {
            return Err(InvalidDenial::IssuerAlone);
        }
        Ok(what)
    }

    /// What does it.
    ///
    /// # Errors
    /// [`InvalidDenial`].
    pub fn command(
        &self,
        realm: &RealmName,
        environment: Environment,
    ) -> Result<Command, InvalidDenial> {
        Ok(Command::Deny {
            realm: realm.clone(),
            environment,
            what: self.what()?,
            reason: self.reason.0.clone(),
            until: self.until.as_ref().map(|until| until.0),
        })
    }
}

/// What several entries deny, in their order.
///
/// # Errors
/// [`InvalidTrust`] names the place of the first one that cannot be.
pub fn all(documents: &[DenyDocument]) -> Result<Vec<Denied>, InvalidTrust> {
    let mut known = BTreeSet::new();
    let numbered = (1_usize..).zip(documents);
    numbered
        .map(|(position, document)| {
            let what = document.what();
            let what = what.map_err(|source| InvalidTrust::Deny { position, source })?;
            if known.insert(what.id()) {
                Ok(what)
            } else {
                Err(InvalidTrust::DenyTwice { position })
            }
        })
        .collect()
}

/// Plans what is denied. An entry that has ended and is not there is left out: it would do nothing.
pub(crate) fn save(
    planner: &mut Planner<'_>,
    realm: &RealmName,
    environment: Environment,
    documents: &[DenyDocument],
) -> Result<(), InvalidManifest> {
    let invalid = |source| InvalidManifest::Trust {
        realm: realm.clone(),
        environment,
        source,
    };
    let denied = all(documents).map_err(invalid)?;
    for (what, document) in denied.iter().zip(documents) {
        let until = document.until.as_ref().map(|until| until.0);
        let present = planner.present(realm);
        let stored = present.denials.get(environment).get(&what.id());
        let about = About {
            realm,
            noun: Noun::Denial,
            name: what.to_string(),
            environment: Some(environment),
        };
        let now = planner.now();
        let is_over = until.is_some_and(|end| end <= now);
        let detail = told(&document.reason.0, until);
        if is_over && stored.is_none_or(|stored| stored.has_ended(now)) {
            let detail = format!("{detail}, which is over");
            planner.step(about, Verb::Unchanged, Vec::new(), detail)?;
            continue;
        }
        let verb = if stored.is_some() {
            Verb::Change
        } else {
            Verb::Create
        };
        let loosens = stored.is_some_and(|stored| stored.is_loosened_by(until, now));
        let command = Command::Deny {
            realm: realm.clone(),
            environment,
            what: what.clone(),
            reason: document.reason.0.clone(),
            until,
        };
        planner.step_to_confirm(about, verb, vec![command], detail, loosens)?;
    }
    Ok(())
}

/// Removes what is not named.
pub(crate) fn prune(
    planner: &mut Planner<'_>,
    realm: &RealmName,
    environment: Environment,
    documents: &[DenyDocument],
) -> Result<(), InvalidManifest> {
    let named = documents.iter().filter_map(|document| document.what().ok());
    let named: BTreeSet<Fingerprint> = named.map(|what| what.id()).collect();
    let present = planner.present(realm);
    let denials = present.denials.get(environment);
    for (id, denial) in denials.iter().filter(|(id, _)| !named.contains(id)) {
        let command = Command::Allow {
            realm: realm.clone(),
            environment,
            id: *id,
        };
        let about = About {
            realm,
            noun: Noun::Denial,
            name: denial.what.to_string(),
            environment: Some(environment),
        };
        let detail = told(&denial.reason, denial.until);
        planner.step(about, Verb::Delete, vec![command], detail)?;
    }
    Ok(())
}

fn told(reason: &DenialReason, until: Option<Moment>) -> String {
    match until {
        Some(end) => format!("{reason}, until {end}"),
        None => reason.to_string(),
    }
}

#[cfg(test)]
mod tests;
