//! Certificates, keys and names that a realm lets in no more, whatever vouches for them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::Moment;
use crate::flaw::{Flaw, planted};
use crate::pki::certificate::Certificate;
use crate::pki::fingerprint::Fingerprint;
use crate::trust::finding::{Finding, called};
use crate::trust::index::Name;
use crate::trust::reason::Reason;
use crate::trust::search::Path;

/// What is denied. It is looked for in every certificate of a path, the anchor's included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The certificate with this SHA-256.
    Certificate(Fingerprint),
    /// Every certificate with the key whose SubjectPublicKeyInfo has this SHA-256.
    Key(Fingerprint),
    /// Every certificate with this serial number.
    Serial {
        /// In the form of [`crate::pki::certificate::Facts::serial`].
        serial: String,
        /// Where it matters who issued it.
        issuer: Option<Name>,
    },
    /// Every certificate with this subject.
    Subject(Name),
}

/// One denial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// What is denied.
    pub what: Denied,
    /// Why, for the realm's people.
    pub reason: Arc<str>,
    /// When it ends; that moment no longer belongs to it.
    pub until: Option<Moment>,
}

/// A realm's denials, to be looked up by what a certificate is.
#[derive(Debug, Default)]
pub struct Denials {
    /// `None` where there are none.
    id: Option<Fingerprint>,
    certificates: HashMap<Fingerprint, Denial>,
    keys: HashMap<Fingerprint, Denial>,
    serials: HashMap<String, HashMap<Option<Name>, Denial>>,
    subjects: HashMap<Name, Denial>,
}

impl Denials {
    /// Files denials. Of two of the same, the last one counts.
    pub fn of(denials: Vec<Denial>) -> Self {
        let mut filed = Self {
            id: id(&denials),
            ..Self::default()
        };
        for denial in denials {
            match denial.what.clone() {
                Denied::Certificate(of) => drop(filed.certificates.insert(of, denial)),
                Denied::Key(of) => drop(filed.keys.insert(of, denial)),
                Denied::Serial { serial, issuer } => {
                    let of_serial = filed.serials.entry(serial).or_default();
                    of_serial.insert(issuer, denial);
                }
                Denied::Subject(of) => drop(filed.subjects.insert(of, denial)),
            }
        }
        filed
    }

    /// What tells them from others; `None` where there are none.
    pub const fn id(&self) -> Option<Fingerprint> {
        self.id
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.id.is_none()
    }

    /// Holds every certificate of a path to the denials that have not ended at `now`.
    ///
    /// # Errors
    /// The first certificate, from the client's on, that is denied.
    pub fn check(&self, path: &Path, now: Moment) -> Result<(), Finding> {
        if self.is_empty() || planted(Flaw::Denials) {
            return Ok(());
        }
        for (role, certificate) in path.certificates() {
            if let Some((denial, by)) = self.in_force(certificate, now) {
                let until = denial.until.map(|end| format!(" until {end}"));
                let detail = format!(
                    "The {} is on the realm's deny list by its {by}{}: {}.",
                    called(role, certificate),
                    until.unwrap_or_default(),
                    denial.reason.trim_end_matches('.')
                );
                return Err(Finding::new(Reason::Denied, detail));
            }
        }
        Ok(())
    }

    /// When a certificate of this path may be in use again; `None` where none of them is denied at `now`.
    pub fn end(&self, path: &Path, now: Moment) -> Option<Moment> {
        if self.is_empty() {
            return None;
        }
        let denied = path.certificates();
        let ends = denied.filter_map(|(_, certificate)| {
            let (denial, _) = self.in_force(certificate, now)?;
            Some(denial.until.unwrap_or(Moment::MAX))
        });
        ends.min()
    }

    /// When the denial that is in force against a certificate ends, where it does.
    pub fn end_of(&self, certificate: &Certificate, now: Moment) -> Option<Moment> {
        self.in_force(certificate, now)
            .and_then(|(denial, _)| denial.until)
    }

    /// The denial that is in force against a certificate, and what of the certificate it is about.
    fn in_force(&self, certificate: &Certificate, now: Moment) -> Option<(&Denial, &'static str)> {
        let facts = certificate.facts();
        let in_force = |denial: &&Denial| denial.until.is_none_or(|end| now < end);
        let by_certificate = || self.certificates.get(&certificate.fingerprint());
        let by_key = || self.keys.get(&facts.spki_sha256);
        let of_serial = || self.serials.get(&facts.serial);
        let by_serial = || of_serial()?.get(&None);
        let by_serial_and_issuer = || of_serial()?.get(&Some(Name::of(&facts.raw_issuer)));
        let by_subject = || {
            let some = !self.subjects.is_empty();
            some.then(|| self.subjects.get(&Name::of(&facts.raw_subject)))?
        };
        // One that has ended must not hide another.
        let found = by_certificate().filter(in_force).map(|it| (it, "SHA-256"));
        found
            .or_else(|| Some((by_key().filter(in_force)?, "key")))
            .or_else(|| Some((by_serial_and_issuer().filter(in_force)?, "serial number")))
            .or_else(|| Some((by_serial().filter(in_force)?, "serial number")))
            .or_else(|| Some((by_subject().filter(in_force)?, "subject")))
    }
}

/// A digest that does not depend on the order.
fn id(denials: &[Denial]) -> Option<Fingerprint> {
    let mut prints: Vec<Fingerprint> = denials.iter().map(print).collect();
    prints.sort_unstable();
    prints.dedup();
    let bytes: Vec<u8> = prints.iter().flat_map(|print| *print.as_bytes()).collect();
    (!bytes.is_empty()).then(|| Fingerprint::of(&bytes))
}

/// A digest of all that one denial says: every part of it has a fixed length or says its own.
fn print(denial: &Denial) -> Fingerprint {
    // Taken apart as a whole, so that a part that is added later is not forgotten here.
    let Denial {
        what,
        reason,
        until,
    } = denial;
    let mut text = Vec::new();
    let mut part = |tag: u8, bytes: &[u8]| {
        text.push(tag);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        text.extend_from_slice(&length.to_be_bytes());
        text.extend_from_slice(bytes);
    };
    match what {
        Denied::Certificate(of) => part(0, of.as_bytes()),
        Denied::Key(of) => part(1, of.as_bytes()),
        Denied::Serial { serial, issuer } => {
            part(2, serial.as_bytes());
            if let Some(issuer) = issuer {
                part(3, issuer.as_bytes());
            }
        }
        Denied::Subject(of) => part(4, of.as_bytes()),
    }
    part(5, reason.as_bytes());
    if let Some(end) = until {
        part(6, &end.unix_millis().to_be_bytes());
    }
    Fingerprint::of(&text)
}

#[cfg(test)]
mod tests;
