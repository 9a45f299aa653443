//! The deny list: certificates, keys and names that a realm lets in no more, in one environment.

use std::fmt;
use std::sync::Arc;

use crate::clock::Moment;
use crate::pki::certificate::Certificate;
use crate::pki::distinguished::DistinguishedName;
use crate::pki::fingerprint::Fingerprint;
use crate::pki::printable::is_unsafe;
use crate::pki::serial::SerialNumber;

/// How many denials a realm can have in one environment, those that have ended included.
pub const DENIALS_MAX: usize = 10_000;
/// The longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 500;

/// Something that is denied, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// What.
    pub what: Denied,
    /// Why, for the realm's people; the client is not told.
    pub reason: DenialReason,
    /// When it ends; that moment no longer belongs to it. It stays listed until it is removed.
    pub until: Option<Moment>,
    /// When it was saved last.
    pub added: Moment,
    /// By whom.
    pub by: String,
}

impl Denial {
    /// Whether it has ended.
    pub fn has_ended(&self, now: Moment) -> bool {
        self.until.is_some_and(|end| end <= now)
    }

    /// Whether another end lets in earlier what is denied now: what a person should say yes to.
    pub fn is_loosened_by(&self, until: Option<Moment>, now: Moment) -> bool {
        let end = |until: Option<Moment>| until.unwrap_or(Moment::MAX);
        !self.has_ended(now) && end(until) < end(self.until)
    }
}

/// What is denied. It is looked for in every certificate of a client's path, the anchor's included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The certificate with this SHA-256.
    Certificate(Fingerprint),
    /// Every certificate with the key whose SubjectPublicKeyInfo has this SHA-256: a renewal with the same key too.
    Key(Fingerprint),
    /// Every certificate with this serial number.
    Serial {
        /// The number.
        serial: SerialNumber,
        /// Who issued it; left out, whoever did.
        issuer: Option<DistinguishedName>,
    },
    /// Every certificate with this subject.
    Subject(DistinguishedName),
}

impl Denied {
    /// What kind of thing it is: `certificate`, `key`, `serial` or `subject`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Certificate(_) => "certificate",
            Self::Key(_) => "key",
            Self::Serial { .. } => "serial",
            Self::Subject(_) => "subject",
        }
    }

    /// What it is kept under: a digest of what is denied, the same for all that mean the same.
    pub fn id(&self) -> Fingerprint {
        let mut text = Vec::new();
        let mut part = |bytes: &[u8]| {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            text.extend_from_slice(&length.to_be_bytes());
            text.extend_from_slice(bytes);
        };
        part(self.kind().as_bytes());
        match self {
            Self::Certificate(of) | Self::Key(of) => part(of.as_bytes()),
            Self::Serial { serial, issuer } => {
                part(serial.as_str().as_bytes());
                if let Some(issuer) = issuer {
                    part(issuer.normal_form());
                }
            }
            Self::Subject(of) => part(of.normal_form()),
        }
        Fingerprint::of(&text)
    }

    /// Whether it is about this certificate.
    pub fn is_about(&self, certificate: &Certificate) -> bool {
        let facts = certificate.facts();
        let is = |name: &DistinguishedName, raw: &[u8]| {
            DistinguishedName::from_der(raw).is_ok_and(|raw| raw == *name)
        };
        match self {
            Self::Certificate(of) => certificate.fingerprint() == *of,
            Self::Key(of) => facts.spki_sha256 == *of,
            Self::Serial { serial, issuer } => {
                let by_issuer = || match issuer {
                    Some(issuer) => is(issuer, &facts.raw_issuer),
                    None => true,
                };
                facts.serial == serial.as_str() && by_issuer()
            }
            Self::Subject(of) => is(of, &facts.raw_subject),
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(of) => write!(f, "certificate {of}"),
            Self::Key(of) => write!(f, "key {of}"),
            Self::Serial {
                serial,
                issuer: Some(issuer),
            } => write!(f, "serial {serial} of {issuer}"),
            Self::Serial {
                serial,
                issuer: None,
            } => write!(f, "serial {serial} of any issuer"),
            Self::Subject(of) => write!(f, "subject {of}"),
        }
    }
}

/// Why something is denied, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DenialReason(Arc<str>);

impl DenialReason {
    /// Reads 1 to [`REASON_CHARS_MAX`] characters, all of them visible, in one line.
    ///
    /// # Errors
    /// [`InvalidDenialReason`].
    pub fn parse(text: &str) -> Result<Self, InvalidDenialReason> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 || length > REASON_CHARS_MAX || text.chars().any(is_unsafe) {
            return Err(InvalidDenialReason);
        }
        Ok(Self(text.into()))
    }

    /// Its text.
    pub const fn text(&self) -> &Arc<str> {
        &self.0
    }
}

impl fmt::Display for DenialReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a denial needs a reason of 1 to {REASON_CHARS_MAX} characters in one line, for the realm's people to read"
)]
pub struct InvalidDenialReason;

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DistinguishedName {
        DistinguishedName::parse(text).unwrap()
    }

    fn serial(text: &str, issuer: Option<&str>) -> Denied {
        Denied::Serial {
            serial: SerialNumber::parse(text).unwrap(),
            issuer: issuer.map(name),
        }
    }

    #[test]
    fn what_means_the_same_has_one_id_and_nothing_else_has_it() {
        let print = Fingerprint::of(b"a");
        let different = [
            Denied::Certificate(print),
            Denied::Key(print),
            serial("01", None),
            serial("02", None),
            serial("01", Some("CN=a")),
            Denied::Subject(name("CN=a")),
            Denied::Subject(name("CN=b")),
        ];
        for (place, left) in different.iter().enumerate() {
            for (other, right) in different.iter().enumerate() {
                assert_eq!(left.id() == right.id(), place == other, "{left} {right}");
            }
        }
        let same = [
            (
                serial("0A", Some("CN=A,O=b")),
                serial("a", Some("cn=a,o=B")),
            ),
            (
                Denied::Subject(name("CN=a  b")),
                Denied::Subject(name("cn=A B")),
            ),
        ];
        for (left, right) in same {
            assert_eq!(left.id(), right.id());
            assert_eq!(left, right);
        }
    }

    #[test]
    fn a_reason_is_a_line_that_can_be_shown() {
        let longest = "ä".repeat(REASON_CHARS_MAX);
        assert_eq!(DenialReason::parse(&longest).unwrap().to_string(), longest);
        assert_eq!(
            DenialReason::parse(" lost laptop \n").unwrap().to_string(),
            "lost laptop"
        );
        let too_long = format!("{longest}a");
        for wrong in ["", "  ", "a\nb", "a\u{1b}[31m", "a\u{202e}b", &too_long] {
            assert_eq!(
                DenialReason::parse(wrong),
                Err(InvalidDenialReason),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn it_ends_at_its_end() {
        let denial = |until| Denial {
            what: serial("01", None),
            reason: DenialReason::parse("lost").unwrap(),
            until,
            added: Moment::EPOCH,
            by: "ada".to_owned(),
        };
        let end = Moment::from_unix_seconds(10);
        assert!(!denial(None).has_ended(Moment::MAX));
        assert!(!denial(Some(end)).has_ended(Moment::from_unix_millis(9_999)));
        assert!(denial(Some(end)).has_ended(end));
    }
}
