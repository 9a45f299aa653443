//! Trust policies, revocation lists and deny lists of a manifest, and what becomes of them.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::realm::Realm;
use crate::domain::revocation::{self, LISTS_MAX};
use crate::domain::trust_policy::{AnchorException, Hours, OutOfDate, RecordBytes, TrustPolicy};
use crate::domain::trusting::Intake;
use crate::manifest::denial::{self, InvalidDenial};
use crate::manifest::document::{
    AnchorDocument, CrlSourceDocument, CrlsBody, RealmTrustDocument, TrustBody,
};
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::plan::{About, Planner, Unnamed};
use crate::manifest::step::{Noun, Verb};
use crate::manifest::text::Text;
use crate::manifest::wanted::Wanted;
use crate::pki::crl::{self, Crl, InvalidCrl};
use crate::pki::fingerprint::Fingerprint;

/// What a list is worth after its nextUpdate: `"refuse"`, `"allow"`, or `{ allow-hours = 24 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfDateDocument(pub OutOfDate);

impl<'de> Deserialize<'de> for OutOfDateDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OutOfDateVisitor)
    }
}

impl Serialize for OutOfDateDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            OutOfDate::Refuse => serializer.serialize_str("refuse"),
            OutOfDate::Allow => serializer.serialize_str("allow"),
            OutOfDate::AllowHours(hours) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("allow-hours", &hours.get())?;
                map.end()
            }
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ForHours {
    allow_hours: u32,
}

struct OutOfDateVisitor;

impl<'de> Visitor<'de> for OutOfDateVisitor {
    type Value = OutOfDateDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"refuse\", \"allow\", or { allow-hours = 24 }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        match text {
            "refuse" => Ok(OutOfDateDocument(OutOfDate::Refuse)),
            "allow" => Ok(OutOfDateDocument(OutOfDate::Allow)),
            _ => Err(E::custom(format_args!(
                "no such rule: write \"refuse\", \"allow\", or {{ allow-hours = 24 }}"
            ))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let given = ForHours::deserialize(MapAccessDeserializer::new(map))?;
        let hours = Hours::new(given.allow_hours).map_err(A::Error::custom)?;
        Ok(OutOfDateDocument(OutOfDate::AllowHours(hours)))
    }
}

/// How much content a TLS record has at most: a number of bytes, or `"default"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordBytesDocument(pub Option<RecordBytes>);

impl<'de> Deserialize<'de> for RecordBytesDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RecordBytesVisitor)
    }
}

impl Serialize for RecordBytesDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None => serializer.serialize_str("default"),
            Some(bytes) => serializer.serialize_u16(bytes.get()),
        }
    }
}

struct RecordBytesVisitor;

impl Visitor<'_> for RecordBytesVisitor {
    type Value = RecordBytesDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of bytes, or \"default\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        match text {
            "default" => Ok(RecordBytesDocument(None)),
            _ => Err(E::custom("write a number of bytes, or \"default\"")),
        }
    }

    fn visit_u64<E: Error>(self, bytes: u64) -> Result<Self::Value, E> {
        // What is too large for the type is out of bounds as well.
        let bytes = RecordBytes::new(u16::try_from(bytes).unwrap_or(0)).map_err(E::custom)?;
        Ok(RecordBytesDocument(Some(bytes)))
    }

    fn visit_i64<E: Error>(self, bytes: i64) -> Result<Self::Value, E> {
        self.visit_u64(u64::try_from(bytes).unwrap_or(0))
    }
}

/// Why a trust policy or a revocation list of a manifest cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTrust {
    /// An anchor that stands there twice.
    #[error("'anchor': {sha256} is there twice: leave one of them out")]
    AnchorTwice {
        /// The SHA-256 of the anchor.
        sha256: Fingerprint,
    },
    /// An exception that excepts nothing.
    #[error("'anchor': {sha256} says nothing: give 'revocation' or 'crl-out-of-date'")]
    AnchorEmpty {
        /// The SHA-256 of the anchor.
        sha256: Fingerprint,
    },
    /// A source that stands there twice.
    #[error("'crl-source': {name} is there twice: leave one of them out")]
    SourceTwice {
        /// Its name.
        name: String,
    },
    /// Files, where there are none.
    #[error(
        "'crl-files' names files, which the server does not read: send their content, as 'realmgate apply' does"
    )]
    File,
    /// An entry of the deny list that cannot be.
    #[error("'deny', number {position}: {source}")]
    Deny {
        /// Its place in the list, from 1.
        position: usize,
        /// Why.
        source: InvalidDenial,
    },
    /// An entry of the deny list that stands there twice.
    #[error("'deny', number {position}, stands there already: leave one of them out")]
    DenyTwice {
        /// The place of the second one, from 1.
        position: usize,
    },
    /// Not base64.
    #[error("'{key}', number {position}: this is no base64")]
    Base64 {
        /// Its key.
        key: &'static str,
        /// Its place in the list, from 1.
        position: usize,
    },
    /// Revocation lists that cannot be read.
    #[error("'{key}', number {position}: {source}")]
    Crl {
        /// Their key.
        key: &'static str,
        /// Their place in the list, from 1.
        position: usize,
        /// Why.
        source: InvalidCrl,
    },
}

/// The policy that a document asks for: of what it leaves out, that of `present`.
///
/// # Errors
/// [`InvalidTrust`].
pub fn policy(body: &TrustBody, present: &TrustPolicy) -> Result<TrustPolicy, InvalidTrust> {
    let mut policy = present.clone();
    if let Some(Text(scope)) = body.revocation {
        policy.revocation.scope = scope;
    }
    if let Some(OutOfDateDocument(out_of_date)) = body.crl_out_of_date {
        policy.revocation.out_of_date = out_of_date;
    }
    if let Some(Text(signatures)) = body.signatures {
        policy.signatures = signatures;
    }
    if let Some(pins) = &body.pins {
        policy.pins = pins.iter().map(|pin| pin.0).collect();
    }
    if let Some(ca_names) = body.ca_names {
        policy.ca_names = ca_names;
    }
    if let Some(Text(handshake)) = body.handshake {
        policy.handshake = handshake;
    }
    if let Some(RecordBytesDocument(record_bytes)) = body.record_bytes {
        policy.record_bytes = record_bytes;
    }
    if let Some(anchors) = &body.anchor {
        policy.exceptions.clear();
        for anchor in anchors {
            let sha256 = anchor.sha256.0;
            let exception = AnchorException {
                scope: anchor.revocation.as_ref().map(|scope| scope.0),
                out_of_date: anchor.crl_out_of_date.map(|out_of_date| out_of_date.0),
            };
            if exception == AnchorException::default() {
                return Err(InvalidTrust::AnchorEmpty { sha256 });
            }
            if policy.exceptions.insert(sha256, exception).is_some() {
                return Err(InvalidTrust::AnchorTwice { sha256 });
            }
        }
    }
    Ok(policy)
}

/// A policy as its document: what a `PUT` of it would leave unchanged.
pub fn document(policy: &TrustPolicy) -> TrustBody {
    let exceptions = policy.exceptions.iter();
    TrustBody {
        revocation: Some(Text(policy.revocation.scope)),
        crl_out_of_date: Some(OutOfDateDocument(policy.revocation.out_of_date)),
        signatures: Some(Text(policy.signatures)),
        pins: Some(policy.pins.iter().copied().map(Text).collect()),
        ca_names: Some(policy.ca_names),
        handshake: Some(Text(policy.handshake)),
        record_bytes: Some(RecordBytesDocument(policy.record_bytes)),
        anchor: Some(
            exceptions
                .map(|(anchor, exception)| AnchorDocument {
                    sha256: Text(*anchor),
                    revocation: exception.scope.map(Text),
                    crl_out_of_date: exception.out_of_date.map(OutOfDateDocument),
                })
                .collect(),
        ),
    }
}

/// The revocation lists of a body, in its order, each once.
///
/// # Errors
/// [`InvalidTrust`] names the key and the place of the first one that cannot be read.
pub fn lists(body: &CrlsBody) -> Result<Vec<Crl>, InvalidTrust> {
    let mut lists = Vec::new();
    for (index, text) in body.crls.iter().enumerate() {
        lists.extend(read("crls", index, text.as_bytes())?);
    }
    for (index, text) in body.crls_base64.iter().enumerate() {
        let (key, position) = ("crls-base64", index.saturating_add(1));
        let compact: Vec<u8> = text
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        let der = STANDARD.decode(&compact);
        let der = der.map_err(|_| InvalidTrust::Base64 { key, position })?;
        lists.extend(read(key, index, &der)?);
    }
    let mut known = std::collections::HashSet::new();
    lists.retain(|list| known.insert(*list.fingerprint().as_bytes()));
    Ok(lists)
}

fn read(key: &'static str, index: usize, bytes: &[u8]) -> Result<Vec<Crl>, InvalidTrust> {
    crl::read_crls(bytes, LISTS_MAX).map_err(|source| InvalidTrust::Crl {
        key,
        position: index.saturating_add(1),
        source,
    })
}

impl From<&RealmTrustDocument> for TrustBody {
    fn from(document: &RealmTrustDocument) -> Self {
        Self {
            revocation: document.revocation.clone(),
            crl_out_of_date: document.crl_out_of_date,
            signatures: document.signatures.clone(),
            pins: document.pins.clone(),
            ca_names: document.ca_names,
            handshake: document.handshake.clone(),
            record_bytes: document.record_bytes,
            anchor: document.anchor.clone(),
        }
    }
}

/// Plans the policies and lists of a realm. Its trust accounts come before, because lists are checked by them; lists come
/// before the policy, so that revocation is on only once there is something to decide by.
pub(crate) fn plan(
    planner: &mut Planner<'_>,
    realm: &RealmName,
    wanted: &Wanted,
    unnamed: Unnamed,
) -> Result<(), InvalidManifest> {
    for environment in Environment::ALL {
        let place = Place { realm, environment };
        match (wanted.trust.get(&environment), unnamed) {
            (Some(document), _) => place.plan(planner, document, unnamed)?,
            (None, Unnamed::Go) => {
                place.save(planner, TrustPolicy::default())?;
                place.prune_sources(planner, &[])?;
                place.prune(planner, &[])?;
                denial::prune(planner, realm, environment, &[])?;
            }
            (None, Unnamed::Stay) => {}
        }
    }
    Ok(())
}

/// What is planned for.
#[derive(Clone, Copy)]
struct Place<'a> {
    realm: &'a RealmName,
    environment: Environment,
}

impl Place<'_> {
    fn plan(
        self,
        planner: &mut Planner<'_>,
        document: &RealmTrustDocument,
        unnamed: Unnamed,
    ) -> Result<(), InvalidManifest> {
        let (named, policy) = self.read(planner, document, unnamed)?;
        denial::save(planner, self.realm, self.environment, &document.deny)?;
        self.approve(planner, &document.crl_source)?;
        if unnamed == Unnamed::Go {
            self.prune_sources(planner, &document.crl_source)?;
        }
        for list in &named {
            self.take_in(planner, list)?;
        }
        self.save(planner, policy)?;
        match unnamed {
            Unnamed::Go => {
                self.prune(planner, &named)?;
                denial::prune(planner, self.realm, self.environment, &document.deny)
            }
            Unnamed::Stay => Ok(()),
        }
    }

    /// The lists and the policy that a document asks for.
    fn read(
        self,
        planner: &Planner<'_>,
        document: &RealmTrustDocument,
        unnamed: Unnamed,
    ) -> Result<(Vec<Crl>, TrustPolicy), InvalidManifest> {
        let invalid = |source| InvalidManifest::Trust {
            realm: self.realm.clone(),
            environment: self.environment,
            source,
        };
        if !document.crl_files.is_empty() {
            return Err(invalid(InvalidTrust::File));
        }
        let given = CrlsBody {
            crls: document.crls.clone(),
            crls_base64: document.crls_base64.clone(),
        };
        let lists = lists(&given).map_err(invalid)?;
        let present = match unnamed {
            Unnamed::Stay => Arc::clone(self.present(planner).trust_policies.get(self.environment)),
            Unnamed::Go => Arc::default(),
        };
        let policy = policy(&document.into(), &present).map_err(invalid)?;
        Ok((lists, policy))
    }

    fn present(self, planner: &Planner<'_>) -> Arc<Realm> {
        planner.present(self.realm)
    }

    fn take_in(self, planner: &mut Planner<'_>, list: &Crl) -> Result<(), InvalidManifest> {
        let command = Command::SaveCrl {
            realm: self.realm.clone(),
            environment: self.environment,
            crl: list.clone(),
            intake: Intake::AmongOthers,
        };
        let about = self.about(Noun::Crl, list.facts().issuer.clone());
        planner.step(about, Verb::Create, vec![command], in_words(list))
    }

    fn save(self, planner: &mut Planner<'_>, policy: TrustPolicy) -> Result<(), InvalidManifest> {
        let present = self.present(planner);
        let before = present.trust_policies.get(self.environment);
        if policy == **before && policy == TrustPolicy::default() {
            return Ok(());
        }
        let verb = if **before == TrustPolicy::default() {
            Verb::Create
        } else {
            Verb::Change
        };
        let told = policy.difference(before);
        let told: Vec<String> = told
            .into_iter()
            .map(|(name, words)| format!("{name} {words}"))
            .collect();
        let loosens = policy.loosens(before);
        let command = Command::SaveTrustPolicy {
            realm: self.realm.clone(),
            environment: self.environment,
            policy: Arc::new(policy),
        };
        let about = self.about(Noun::Trust, "policy".to_owned());
        planner.step_to_confirm(about, verb, vec![command], told.join(", "), loosens)
    }

    /// Approves what lists are fetched from: an operator's manifest may, a realm admin's finds it approved already.
    fn approve(
        self,
        planner: &mut Planner<'_>,
        sources: &[CrlSourceDocument],
    ) -> Result<(), InvalidManifest> {
        for (position, source) in sources.iter().enumerate() {
            let mut before = sources.iter().take(position);
            if before.any(|other| other.name == source.name) {
                return Err(InvalidManifest::Trust {
                    realm: self.realm.clone(),
                    environment: self.environment,
                    source: InvalidTrust::SourceTwice {
                        name: source.name.0.to_string(),
                    },
                });
            }
            let present = self.present(planner);
            let stored = present
                .crl_sources
                .get(self.environment)
                .get(&source.name.0);
            if stored.is_none_or(|stored| stored.url != source.url.0) {
                planner.may_approve(self.realm, &source.name.0)?;
            }
            let verb = match stored {
                Some(_) => Verb::Change,
                None => Verb::Create,
            };
            let command = Command::SaveCrlSource {
                realm: self.realm.clone(),
                environment: self.environment,
                name: source.name.0.clone(),
                url: source.url.0.clone(),
            };
            let about = self.about(Noun::CrlSource, source.name.0.to_string());
            planner.step(about, verb, vec![command], source.url.0.to_string())?;
        }
        Ok(())
    }

    fn prune_sources(
        self,
        planner: &mut Planner<'_>,
        named: &[CrlSourceDocument],
    ) -> Result<(), InvalidManifest> {
        let present = self.present(planner);
        for stored in present.crl_sources.get(self.environment).values() {
            if named.iter().any(|one| one.name.0 == stored.name) {
                continue;
            }
            let command = Command::DeleteCrlSource {
                realm: self.realm.clone(),
                environment: self.environment,
                name: stored.name.clone(),
            };
            let about = self.about(Noun::CrlSource, stored.name.to_string());
            planner.step(about, Verb::Delete, vec![command], stored.url.to_string())?;
        }
        Ok(())
    }

    /// Removes the lists that are not named, nor a later edition of one that is. Where lists are fetched, those that were
    /// are none that a manifest could name, so that all of them stay.
    fn prune(self, planner: &mut Planner<'_>, named: &[Crl]) -> Result<(), InvalidManifest> {
        let present = self.present(planner);
        if !present.crl_sources.get(self.environment).is_empty() {
            return Ok(());
        }
        let stays = |stored: &Crl| {
            named.iter().any(|one| {
                one == stored
                    || revocation::compare(one.facts(), stored.facts()) == Some(Ordering::Less)
            })
        };
        let lists = present.crls.get(self.environment).values();
        for list in lists.filter(|list| !stays(&list.crl)) {
            let command = Command::RemoveCrl {
                realm: self.realm.clone(),
                environment: self.environment,
                sha256: list.crl.fingerprint(),
            };
            let about = self.about(Noun::Crl, list.crl.facts().issuer.clone());
            planner.step(about, Verb::Delete, vec![command], in_words(&list.crl))?;
        }
        Ok(())
    }

    fn about(&self, noun: Noun, name: String) -> About<'_> {
        About {
            realm: self.realm,
            noun,
            name,
            environment: Some(self.environment),
        }
    }
}

/// A list, for people to tell it from others.
fn in_words(list: &Crl) -> String {
    format!(
        "number {}, of {}, SHA-256 {}",
        revocation::number(list.facts()),
        list.facts().this_update,
        list.fingerprint()
    )
}

#[cfg(test)]
mod tests;
