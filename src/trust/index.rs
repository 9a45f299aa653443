//! How issuers are found: by what a certificate says of its issuer, never by looking at all of them.

use std::sync::Arc;

use crate::pki::der::{self, NotDer, tag};
use crate::pki::fingerprint::{Fingerprint, sha256};
use crate::pki::name;
use crate::trust::issuer::Issuer;

/// A distinguished name in the form in which equal names are equal bytes (RFC 5280, 7.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(Vec<u8>);

impl Name {
    /// The form of a DER Name.
    pub fn of(raw: &[u8]) -> Self {
        Self(name::normal_form(raw))
    }

    /// Its bytes, for a digest.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name without its common names, where an organisation or a domain component is left: CAs of one house
    /// usually share it.
    fn family(&self) -> Option<Vec<u8>> {
        let sets = der::single(&self.0).ok()?.children_of(tag::SEQUENCE).ok()?;
        let mut kept = Vec::new();
        let mut telling = false;
        for set in &sets {
            let kinds = kinds(set).ok()?;
            if kinds.contains(&COMMON_NAME) {
                continue;
            }
            telling |= kinds.contains(&ORGANIZATION) || kinds.contains(&DOMAIN_COMPONENT);
            kept.push(set.whole);
        }
        telling.then(|| kept.concat())
    }
}

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANIZATION: &[u8] = &[0x55, 4, 10];
const DOMAIN_COMPONENT: &[u8] = &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25];

fn kinds<'a>(set: &der::Element<'a>) -> Result<Vec<&'a [u8]>, NotDer> {
    let attribute = |part: &der::Element<'a>| {
        let parts = part.children_of(tag::SEQUENCE)?;
        parts.first().map(|kind| kind.content).ok_or(NotDer)
    };
    set.children_of(tag::SET)?.iter().map(attribute).collect()
}

/// What issuers are filed under. One issuer is filed under several keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// This very anchor.
    pub fn anchor(certificate: &Fingerprint) -> Self {
        Self::new(0, &[], certificate.as_bytes())
    }

    /// Anchors of this name with this subject key identifier, which was derived from their key: nobody can give it to
    /// another one.
    pub fn anchors_with_derived_key_id(subject: &Name, key_id: &[u8]) -> Self {
        Self::new(1, &subject.0, key_id)
    }

    /// Anchors of this name with this subject key identifier, which could stand for any key.
    pub fn anchors_with_key_id(subject: &Name, key_id: &[u8]) -> Self {
        Self::new(2, &subject.0, key_id)
    }

    /// Anchors of this name without a subject key identifier.
    pub fn anchors_without_key_id(subject: &Name) -> Self {
        Self::new(3, &subject.0, &[])
    }

    /// Anchors of this name.
    pub fn anchors(subject: &Name) -> Self {
        Self::new(4, &subject.0, &[])
    }

    /// Anchors of this name with this key (the SHA-256 of its SubjectPublicKeyInfo).
    pub fn anchors_with_key(subject: &Name, key: &Fingerprint) -> Self {
        Self::new(5, &subject.0, key.as_bytes())
    }

    /// Helpers of this name with this subject key identifier, which was derived from their key.
    pub fn helpers_with_derived_key_id(subject: &Name, key_id: &[u8]) -> Self {
        Self::new(6, &subject.0, key_id)
    }

    /// Helpers of this name.
    pub fn helpers(subject: &Name) -> Self {
        Self::new(7, &subject.0, &[])
    }

    /// Anchors and helpers of the house that this name belongs to; `None` where the name does not tell one.
    pub fn family(subject: &Name) -> Option<Self> {
        subject.family().map(|family| Self::new(8, &family, &[]))
    }

    /// The keys under which an anchor is filed, besides [`Key::anchor`].
    pub fn of_anchor(issuer: &Issuer) -> Vec<Self> {
        let facts = issuer.certificate.facts();
        let by_key_id = match &facts.subject_key_id {
            Some(key_id) if issuer.key.has_id(key_id) => {
                Self::anchors_with_derived_key_id(&issuer.subject, key_id)
            }
            Some(key_id) => Self::anchors_with_key_id(&issuer.subject, key_id),
            None => Self::anchors_without_key_id(&issuer.subject),
        };
        let mut keys = vec![
            by_key_id,
            Self::anchors(&issuer.subject),
            Self::anchors_with_key(&issuer.subject, &facts.spki_sha256),
        ];
        keys.extend(Self::family(&issuer.subject));
        keys
    }

    /// The keys under which a helper is filed.
    pub fn of_helper(issuer: &Issuer) -> Vec<Self> {
        let mut keys = vec![Self::helpers(&issuer.subject)];
        let key_id = issuer.certificate.facts().subject_key_id.as_deref();
        keys.extend(
            key_id
                .filter(|key_id| issuer.key.has_id(key_id))
                .map(|key_id| Self::helpers_with_derived_key_id(&issuer.subject, key_id)),
        );
        keys.extend(Self::family(&issuer.subject));
        keys
    }

    /// A digest, so that keys are small and nobody can make two of them collide; the length keeps name and rest apart.
    fn new(kind: u8, name: &[u8], rest: &[u8]) -> Self {
        let length = u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes();
        Self(sha256(&[&[kind], length.as_slice(), name, rest].concat()))
    }
}

/// What one owner has filed under one key.
#[derive(Debug)]
pub struct Slot {
    /// The same for equal contents, whoever owns them. Where one anchor is filed by itself ([`Key::anchor`]), the
    /// same for owners who ask the same of its clients.
    pub id: Fingerprint,
    /// The issuers, in order of their fingerprints.
    pub issuers: Box<[Arc<Issuer>]>,
}

impl Slot {
    /// A slot with these issuers, which are in order of their fingerprints.
    pub fn of(issuers: Vec<Arc<Issuer>>) -> Self {
        let prints: Vec<u8> = issuers
            .iter()
            .flat_map(|issuer| *issuer.certificate.fingerprint().as_bytes())
            .collect();
        Self {
            id: Fingerprint::of(&prints),
            issuers: issuers.into(),
        }
    }
}
