//! Revocation lists (RFC 5280, 5), decoded strictly.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use x509_parser::prelude::FromDer;
use x509_parser::x509::AlgorithmIdentifier;

use crate::clock::Moment;
use crate::pki::certificate::{self, Certificate};
use crate::pki::crl_structure::{
    AUTHORITY_KEY_IDENTIFIER, Body, CRL_NUMBER, DELTA_CRL_INDICATOR, Entry, Extension,
    FRESHEST_CRL, ISSUER_ALT_NAME, ISSUING_DISTRIBUTION_POINT, InvalidRow, PART_BYTES_MAX, Parts,
    dotted, extensions, natural_number,
};
use crate::pki::der::{self, NotDer, tag};
use crate::pki::distribution::IssuingDistributionPoint;
use crate::pki::fingerprint::Fingerprint;
use crate::pki::general_name::NAMES_MAX;
use crate::pki::pem::{self, InvalidPem};
use crate::pki::{name, signature};

/// The largest list that is decoded, in bytes.
pub const CRL_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The largest upload of lists, in bytes: one of the largest, as PEM.
pub const UPLOAD_BYTES_MAX: usize = 24 * 1024 * 1024;
const PEM_LABEL: &str = "X509 CRL";

/// A decoded revocation list. Cloning it is cheap; two are equal when their bytes are.
#[derive(Clone)]
pub struct Crl(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    fingerprint: Fingerprint,
    facts: CrlFacts,
    /// Where the entries begin and end in the DER.
    entries: (usize, usize),
    /// With which keys (by SHA-256) its signature was checked, and whether it held: that never changes, and a list has
    /// up to 16 MiB.
    checked: Mutex<Vec<(Fingerprint, bool)>>,
}

/// certificateIssuer, 2.5.29.29.
const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1d, 29];
/// With how many keys the checks of one list are remembered.
const CHECKED_MAX: usize = 32;

/// What a revocation list says of itself. Texts are bounded and escaped (see [`crate::pki::printable`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlFacts {
    /// Issuer as RFC 4514 text.
    pub issuer: String,
    /// Issuer as the DER of its Name.
    pub raw_issuer: Vec<u8>,
    /// When it was issued.
    pub this_update: Moment,
    /// Until when the next one is to be expected. RFC 5280 demands it; a list without it is always out of date.
    pub next_update: Option<Moment>,
    /// Its number, big-endian without leading zeros; `None` where the list has none.
    pub number: Option<Vec<u8>>,
    /// Of a delta list: the number of the complete list that it adds to, big-endian without leading zeros.
    pub delta_base: Option<Vec<u8>>,
    /// Key identifier of the issuer.
    pub authority_key_id: Option<Vec<u8>>,
    /// What part of the certificates it speaks of; `None` means all of its issuer's.
    pub scope: Option<IssuingDistributionPoint>,
    /// Critical extensions of the list or of any of its entries that are not understood here, as dotted OIDs: such a
    /// list says nothing reliable (RFC 5280, 5.2 and 5.3).
    pub unknown_critical: Vec<String>,
    /// How the issuer signed, in OpenSSL's words (`ecdsa-with-SHA256`), else a dotted OID.
    pub signature_algorithm: String,
}

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedCertificate<'a> {
    /// Serial number, as the content octets of its DER INTEGER.
    pub raw_serial: &'a [u8],
    /// When it was revoked.
    pub revoked_at: Moment,
    /// reasonCode (RFC 5280, 5.3.1): 0 unspecified … 6 certificateHold, 8 removeFromCRL … 10 aACompromise.
    pub reason: Option<u8>,
    /// Whose certificate it is, as the DER of the Name: certificateIssuer of this entry or of the last one before it
    /// that had it, else the list's issuer (RFC 5280, 5.3.3).
    pub raw_issuer: &'a [u8],
}

/// Bytes that are no revocation list that can be put to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCrl {
    /// More bytes than [`CRL_BYTES_MAX`], or than [`UPLOAD_BYTES_MAX`] together.
    #[error(
        "the revocation list has {bytes} bytes, more than the {limit} that are read: have it split by distribution points"
    )]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The structure of a revocation list is not there.
    #[error("this is not the DER of an X.509 revocation list: download it again")]
    Undecodable,
    /// Something follows the list.
    #[error("{bytes} bytes follow the revocation list: download it again")]
    TrailingBytes {
        /// How many follow.
        bytes: usize,
    },
    /// One entry is not in its form.
    #[error("its entry {position} cannot be decoded: ask the CA to issue the list again")]
    UndecodableEntry {
        /// Which one, counted from 1.
        position: usize,
    },
    /// The signed and the unsigned statement of the signature's algorithm are not the same.
    #[error("it states two different signature algorithms: ask the CA to issue the list again")]
    AlgorithmsDiffer,
    /// An extension occurs twice.
    #[error("its extension {oid} occurs twice: ask the CA to issue the list again")]
    DuplicateExtension {
        /// Which one, dotted.
        oid: String,
    },
    /// An extension that has to be understood is not in its form.
    #[error("its extension {oid} cannot be decoded: ask the CA to issue the list again")]
    UndecodableExtension {
        /// Which one, dotted.
        oid: String,
    },
    /// There is nothing in it.
    #[error("there is nothing in it: give a revocation list as PEM or DER")]
    Empty,
    /// Neither DER nor PEM.
    #[error(
        "this is no revocation list: give one as DER, or as PEM with a line -----BEGIN {PEM_LABEL}-----"
    )]
    NotRecognised,
    /// The PEM text is damaged.
    #[error(transparent)]
    Pem(InvalidPem),
    /// Something else than revocation lists.
    #[error("line {line}: a block {label} is no revocation list: give blocks {PEM_LABEL} only")]
    OtherBlock {
        /// The line of its BEGIN.
        line: usize,
        /// What it says it is.
        label: String,
    },
    /// More lists than may be given at once.
    #[error(
        "there are {count} revocation lists, more than the {limit} that are read: give only those that are needed"
    )]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// Reads revocation lists: one as DER, or any number as PEM.
///
/// # Errors
/// [`InvalidCrl`]: the first thing that is wrong, or more than `limit` lists. There is at least one in what is returned.
pub fn read_crls(bytes: &[u8], limit: usize) -> Result<Vec<Crl>, InvalidCrl> {
    // A text may begin with the digit 0, which is also the tag of a SEQUENCE; but then no long length follows.
    if matches!(bytes, [tag::SEQUENCE, 0x80..=0xff, ..]) {
        return Ok(vec![Crl::from_der(bytes)?]);
    }
    if bytes.len() > UPLOAD_BYTES_MAX {
        return Err(InvalidCrl::TooLarge {
            bytes: bytes.len(),
            limit: UPLOAD_BYTES_MAX,
        });
    }
    if bytes.trim_ascii().is_empty() {
        return Err(InvalidCrl::Empty);
    }
    let blocks = pem::read_within(bytes, UPLOAD_BYTES_MAX).map_err(|problem| {
        if problem == InvalidPem::NothingFound {
            InvalidCrl::NotRecognised
        } else {
            InvalidCrl::Pem(problem)
        }
    })?;
    if blocks.len() > limit {
        return Err(InvalidCrl::TooMany {
            count: blocks.len(),
            limit,
        });
    }
    let list = |block: &pem::Block| {
        if block.label == PEM_LABEL {
            Crl::from_der(&block.der)
        } else {
            let (line, label) = (block.line, block.label.clone());
            Err(InvalidCrl::OtherBlock { line, label })
        }
    };
    blocks.iter().map(list).collect()
}

/// Whether the signature on a list was made with the key of `certificate`; names, dates and usages are not looked at.
///
/// Algorithms are those of [`certificate::signed_by`]; with any other it is false.
pub fn signed_by(list: &Crl, certificate: &Certificate) -> bool {
    let (Ok(parts), Some((_, signer))) = (
        Parts::read(list.der()),
        certificate::parse(certificate.der()),
    ) else {
        return false;
    };
    let Ok((_, algorithm)) = AlgorithmIdentifier::from_der(parts.algorithm.whole) else {
        return false;
    };
    signature::holds(
        &algorithm,
        &certificate.facts().key.algorithm,
        &signer.tbs_certificate.subject_pki.subject_public_key.data,
        parts.message.whole,
        parts.signature,
    )
}

impl Crl {
    /// Decodes one revocation list of version 1 or 2, all its entries included.
    ///
    /// # Errors
    /// [`InvalidCrl`] where the bytes are not exactly one list, or one that contradicts itself.
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidCrl> {
        if der.len() > CRL_BYTES_MAX {
            return Err(InvalidCrl::TooLarge {
                bytes: der.len(),
                limit: CRL_BYTES_MAX,
            });
        }
        let (_, rest) = der::first(der).map_err(|NotDer| InvalidCrl::Undecodable)?;
        if !rest.is_empty() {
            return Err(InvalidCrl::TrailingBytes { bytes: rest.len() });
        }
        let parts = Parts::read(der).map_err(|NotDer| InvalidCrl::Undecodable)?;
        let body = Body::read(parts.message.content).map_err(|NotDer| InvalidCrl::Undecodable)?;
        if parts.algorithm != body.algorithm {
            return Err(InvalidCrl::AlgorithmsDiffer);
        }
        let (_, algorithm) = AlgorithmIdentifier::from_der(parts.algorithm.whole)
            .map_err(|_| InvalidCrl::Undecodable)?;
        let mut facts = CrlFacts {
            issuer: name::text(body.issuer),
            raw_issuer: body.issuer.to_vec(),
            this_update: body.this_update,
            next_update: body.next_update,
            number: None,
            delta_base: None,
            authority_key_id: None,
            scope: None,
            unknown_critical: Vec::new(),
            signature_algorithm: signature::algorithm_name(&algorithm),
        };
        let row = extensions(body.extensions).map_err(|problem| match problem {
            InvalidRow::NotDer => InvalidCrl::Undecodable,
            InvalidRow::Duplicate { oid } => InvalidCrl::DuplicateExtension { oid },
        })?;
        for extension in row {
            let undecodable = |NotDer| InvalidCrl::UndecodableExtension {
                oid: dotted(extension.id),
            };
            if extension.value.len() > PART_BYTES_MAX {
                return Err(undecodable(NotDer));
            }
            if !facts.take(&extension).map_err(undecodable)? && extension.critical {
                facts.note_unknown(extension.id);
            }
        }
        validate_entries(&body, &mut facts)?;
        let behind = parts
            .behind_message
            .saturating_add(body.behind_entries.len());
        let end = der.len().saturating_sub(behind);
        let start = end.saturating_sub(body.entries.len());
        Ok(Self(Arc::new(Inner {
            der: der.to_vec(),
            fingerprint: Fingerprint::of(der),
            facts,
            entries: (start, end),
            checked: Mutex::new(Vec::new()),
        })))
    }

    /// What it says of itself.
    pub fn facts(&self) -> &CrlFacts {
        &self.0.facts
    }

    /// Whether it is known to be signed with the key of this SHA-256, or not to be; `None` where that was not checked.
    pub fn known(&self, key: &Fingerprint) -> Option<bool> {
        let checked = self.checked();
        let known = checked.iter().find(|(known, _)| known == key);
        known.map(|(_, holds)| *holds)
    }

    /// As [`signed_by`], checked once for each key and remembered.
    pub fn is_signed_by(&self, certificate: &Certificate) -> bool {
        let key = certificate.facts().spki_sha256;
        if let Some(holds) = self.known(&key) {
            return holds;
        }
        let holds = signed_by(self, certificate);
        let mut checked = self.checked();
        if checked.len() >= CHECKED_MAX {
            checked.remove(0);
        }
        checked.push((key, holds));
        holds
    }

    fn checked(&self) -> MutexGuard<'_, Vec<(Fingerprint, bool)>> {
        let checked = &self.0.checked;
        checked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its DER.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// Its PEM: lines of 64 characters, each ending in a line feed (RFC 7468).
    pub fn to_pem(&self) -> String {
        certificate::to_pem(PEM_LABEL, self.der())
    }

    /// SHA-256 of its DER.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// Its entries, in its order, decoded one by one.
    pub fn entries(&self) -> impl Iterator<Item = RevokedCertificate<'_>> {
        self.placed_entries().map(|(_, entry)| entry)
    }

    /// Its entries, each with the place where it stands in the DER.
    pub fn placed_entries(&self) -> impl Iterator<Item = (u32, RevokedCertificate<'_>)> {
        let (start, end) = self.0.entries;
        let mut rest = self.0.der.get(start..end).unwrap_or_default();
        let mut raw_issuer = self.facts().raw_issuer.as_slice();
        std::iter::from_fn(move || {
            let place = u32::try_from(end.saturating_sub(rest.len())).ok()?;
            let (element, after) = der::first(rest).ok()?;
            rest = after;
            let entry = Entry::read(&element).ok()?;
            raw_issuer = entry.issuer.unwrap_or(raw_issuer);
            Some((place, revoked(&entry, raw_issuer)))
        })
    }

    /// The serial number of the entry at a place of [`Crl::placed_entries`], without decoding the rest of it.
    pub fn serial_at(&self, place: u32) -> Option<&[u8]> {
        let (_, end) = self.0.entries;
        let from = self.0.der.get(usize::try_from(place).ok()?..end)?;
        let (element, _) = der::first(from).ok()?;
        let (serial, _) = der::first(element.content).ok()?;
        Some(serial.content)
    }

    /// The entry at a place of [`Crl::placed_entries`]; since entries before it are not looked at, its issuer is the
    /// list's unless it names one itself.
    pub fn entry_at(&self, place: u32) -> Option<RevokedCertificate<'_>> {
        let (_, end) = self.0.entries;
        let from = self.0.der.get(usize::try_from(place).ok()?..end)?;
        let (element, _) = der::first(from).ok()?;
        let entry = Entry::read(&element).ok()?;
        let raw_issuer = entry.issuer.unwrap_or(&self.facts().raw_issuer);
        Some(revoked(&entry, raw_issuer))
    }
}

impl PartialEq for Crl {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Crl {}

impl std::fmt::Debug for Crl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Crl({}, {})", self.facts().issuer, self.fingerprint())
    }
}

impl CrlFacts {
    /// Takes what is known; false where it is not.
    fn take(&mut self, extension: &Extension<'_>) -> Result<bool, NotDer> {
        match extension.id {
            CRL_NUMBER => self.number = Some(natural_number(extension.value)?),
            DELTA_CRL_INDICATOR => self.delta_base = Some(natural_number(extension.value)?),
            ISSUING_DISTRIBUTION_POINT => {
                self.scope = Some(IssuingDistributionPoint::decode(extension.value)?);
            }
            AUTHORITY_KEY_IDENTIFIER => {
                let parts = der::single(extension.value)?.children_of(tag::SEQUENCE)?;
                let key_id = parts.iter().find(|part| part.tag == 0x80);
                self.authority_key_id = key_id.map(|part| part.content.to_vec());
            }
            ISSUER_ALT_NAME | FRESHEST_CRL => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn note_unknown(&mut self, id: &[u8]) {
        let oid = dotted(id);
        if self.unknown_critical.len() < NAMES_MAX && !self.unknown_critical.contains(&oid) {
            self.unknown_critical.push(oid);
        }
    }
}

const fn revoked<'a>(entry: &Entry<'a>, raw_issuer: &'a [u8]) -> RevokedCertificate<'a> {
    RevokedCertificate {
        raw_serial: entry.raw_serial,
        revoked_at: entry.revoked_at,
        reason: entry.reason,
        raw_issuer,
    }
}

fn validate_entries(body: &Body<'_>, facts: &mut CrlFacts) -> Result<(), InvalidCrl> {
    let mut rest = body.entries;
    let mut position: usize = 0;
    while !rest.is_empty() {
        position = position.saturating_add(1);
        let undecodable = |NotDer| InvalidCrl::UndecodableEntry { position };
        let (element, after) = der::first(rest).map_err(undecodable)?;
        rest = after;
        let entry = Entry::read(&element).map_err(undecodable)?;
        if entry.has_extensions && !body.is_version_2 {
            return Err(undecodable(NotDer));
        }
        if let Some(id) = entry.unknown_critical {
            facts.note_unknown(id);
        }
        // RFC 5280, 5.3.3: only an indirect list speaks of other issuers' certificates. Whose this and the later entries
        // are cannot be told.
        let is_indirect = facts.scope.as_ref().is_some_and(|scope| scope.indirect);
        if entry.issuer.is_some() && !is_indirect {
            facts.note_unknown(CERTIFICATE_ISSUER);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
