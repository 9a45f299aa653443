//! What a realm asks of its clients beyond a chain to one of its anchors, in one environment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::domain::environment::InvalidWord;
use crate::pki::fingerprint::{Fingerprint, InvalidFingerprint};

/// How many pins a policy may have.
pub const PINS_MAX: usize = 10_000;
/// How many anchors may have an exception of their own.
pub const EXCEPTIONS_MAX: usize = 10_000;
/// The longest that an out-of-date list can be allowed, in hours: a year.
pub const ALLOW_HOURS_MAX: u32 = 8_760;
/// The smallest size of records that can be asked for, in bytes of content.
pub const RECORD_BYTES_MIN: u16 = 512;
/// The largest content that a record can have, in bytes (RFC 8446 §5.1).
pub const RECORD_BYTES_MAX: u16 = 16_384;

/// A realm's trust policy in one environment. It narrows, and never widens, whom the installed anchors let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustPolicy {
    /// Where there are any, only clients with one of these are let in.
    pub pins: BTreeSet<Pin>,
    /// Revocation, for anchors without an exception.
    pub revocation: Revocation,
    /// What holds of clients of one anchor instead, by the SHA-256 of the anchor.
    pub exceptions: BTreeMap<Fingerprint, AnchorException>,
    /// With what certificates may be signed.
    pub signatures: Signatures,
    /// Whether the realm's own host tells clients the names of the CAs that it takes certificates of.
    pub ca_names: bool,
    /// What becomes of the handshake of a client that is not let in, on the realm's own host.
    pub handshake: HandshakePolicy,
    /// How much content a TLS record has at most that the realm's own host sends; `None`: as much as TLS allows.
    pub record_bytes: Option<RecordBytes>,
}

/// What becomes of the handshake of a client that is not let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HandshakePolicy {
    /// It fails, with the fitting alert.
    #[default]
    Strict,
    /// It is completed, and each request is answered with the reason, and with nothing else. Certificates that cannot
    /// be decoded, and keys that the client does not prove to hold, fail the handshake all the same.
    Explain,
}

/// How much content a TLS record has at most, from [`RECORD_BYTES_MIN`] to [`RECORD_BYTES_MAX`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordBytes(u16);

/// A client's certificate that is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pin {
    /// By the SHA-256 of the certificate.
    Certificate(Fingerprint),
    /// By the SHA-256 of its SubjectPublicKeyInfo, which outlives a renewal with the same key.
    Key(Fingerprint),
}

/// How revocation lists decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revocation {
    /// Which certificates of a path are looked up.
    pub scope: RevocationScope,
    /// What an out-of-date list is worth.
    pub out_of_date: OutOfDate,
}

/// What holds of the clients of one anchor; what is `None` is as for all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnchorException {
    /// Which certificates of a path are looked up.
    pub scope: Option<RevocationScope>,
    /// What an out-of-date list is worth.
    pub out_of_date: Option<OutOfDate>,
}

/// Which certificates of a path are looked up in revocation lists, from the fewest to the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RevocationScope {
    /// None.
    #[default]
    Off,
    /// The client's own.
    Leaf,
    /// All but the anchor.
    Chain,
}

/// What a revocation list is worth after its nextUpdate, from the strictest to the laxest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutOfDate {
    /// Nothing: the client is refused.
    #[default]
    Refuse,
    /// As much as before, for so many hours.
    AllowHours(Hours),
    /// As much as before.
    Allow,
}

/// A number of hours, from 1 to [`ALLOW_HOURS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hours(u32);

/// With what certificates may be signed, from the laxer to the stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signatures {
    /// SHA-2 with RSA, ECDSA or Ed25519.
    #[default]
    Modern,
    /// As modern, without RSA PKCS#1 v1.5 and without RSA keys under 3,072 bits.
    Strict,
}

impl TrustPolicy {
    /// What holds of the clients of an anchor.
    pub fn of_anchor(&self, anchor: &Fingerprint) -> Revocation {
        let exception = self.exceptions.get(anchor).copied().unwrap_or_default();
        Revocation {
            scope: exception.scope.unwrap_or(self.revocation.scope),
            out_of_date: exception.out_of_date.unwrap_or(self.revocation.out_of_date),
        }
    }

    /// Whether revocation lists are asked for the clients of any anchor.
    pub fn asks_for_lists(&self) -> bool {
        let exceptions = self.exceptions.values();
        let mut scopes = exceptions.filter_map(|exception| exception.scope);
        self.revocation.scope != RevocationScope::Off
            || scopes.any(|scope| scope != RevocationScope::Off)
    }

    /// Whether it takes back something that `before` asked of clients, or a pin: what a person should say yes to. To
    /// explain refusals lets nobody in.
    pub fn loosens(&self, before: &Self) -> bool {
        let anchors = || self.exceptions.keys().chain(before.exceptions.keys());
        let laxer = |now: Revocation, then: Revocation| {
            // What a list is worth plays no part where none was asked for.
            let was_on = then.scope != RevocationScope::Off;
            now.scope < then.scope || (was_on && now.out_of_date > then.out_of_date)
        };
        !before.pins.is_subset(&self.pins)
            || self.signatures < before.signatures
            || laxer(self.revocation, before.revocation)
            || anchors().any(|anchor| laxer(self.of_anchor(anchor), before.of_anchor(anchor)))
    }

    /// What differs from `before`, in pairs of a name and a few words, for the audit and for people.
    pub fn difference(&self, before: &Self) -> Vec<(&'static str, String)> {
        let mut told = Vec::new();
        let mut moved = |name, then: String, now: String| {
            if then != now {
                told.push((name, format!("{then} → {now}")));
            }
        };
        let (then, now) = (before.revocation, self.revocation);
        moved("revocation", then.scope.to_string(), now.scope.to_string());
        let lists = [then.out_of_date, now.out_of_date].map(|of| of.to_string());
        let [then, now] = lists;
        moved("crl-out-of-date", then, now);
        let signatures = [before.signatures, self.signatures].map(|of| of.to_string());
        let [then, now] = signatures;
        moved("signatures", then, now);
        let ca_names = [before.ca_names, self.ca_names].map(|of| of.to_string());
        let [then, now] = ca_names;
        moved("ca-names", then, now);
        let handshakes = [before.handshake, self.handshake].map(|of| of.to_string());
        let [then, now] = handshakes;
        moved("handshake", then, now);
        let records = [before.record_bytes, self.record_bytes].map(record_bytes_in_words);
        let [then, now] = records;
        moved("record-bytes", then, now);
        let changed = self
            .exceptions
            .iter()
            .filter(|(anchor, exception)| before.exceptions.get(anchor) != Some(exception))
            .count();
        let dropped = before
            .exceptions
            .keys()
            .filter(|anchor| !self.exceptions.contains_key(anchor))
            .count();
        let counts = [
            ("pins-added", self.pins.difference(&before.pins).count()),
            ("pins-removed", before.pins.difference(&self.pins).count()),
            ("exceptions-saved", changed),
            ("exceptions-removed", dropped),
        ];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        told.extend(counts.map(|(name, count)| (name, count.to_string())));
        told
    }
}

impl Pin {
    /// Reads `certificate:HEX` or `key:HEX`, where HEX is a SHA-256 fingerprint.
    ///
    /// # Errors
    /// [`InvalidPin`].
    pub fn parse(text: &str) -> Result<Self, InvalidPin> {
        let (kind, fingerprint) = text.split_once(':').ok_or(InvalidPin::Kind)?;
        match kind {
            "certificate" => Ok(Self::Certificate(Fingerprint::parse(fingerprint)?)),
            "key" => Ok(Self::Key(Fingerprint::parse(fingerprint)?)),
            _ => Err(InvalidPin::Kind),
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(fingerprint) => write!(f, "certificate:{fingerprint}"),
            Self::Key(fingerprint) => write!(f, "key:{fingerprint}"),
        }
    }
}

/// A text that is no pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPin {
    /// It does not say of what it is the fingerprint.
    #[error(
        "no such pin: write certificate:HEX or key:HEX, with the SHA-256 of the client's certificate or of its public key (SubjectPublicKeyInfo)"
    )]
    Kind,
    /// Its fingerprint is none.
    #[error(transparent)]
    Fingerprint(#[from] InvalidFingerprint),
}

impl RevocationScope {
    /// Reads `off`, `leaf` or `chain`.
    ///
    /// # Errors
    /// [`InvalidWord`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidWord> {
        match text {
            "off" => Ok(Self::Off),
            "leaf" => Ok(Self::Leaf),
            "chain" => Ok(Self::Chain),
            _ => Err(InvalidWord {
                what: "scope of revocation",
                allowed: "off, leaf or chain",
            }),
        }
    }
}

impl fmt::Display for RevocationScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Leaf => "leaf",
            Self::Chain => "chain",
        })
    }
}

impl Signatures {
    /// Reads `modern` or `strict`.
    ///
    /// # Errors
    /// [`InvalidWord`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidWord> {
        match text {
            "modern" => Ok(Self::Modern),
            "strict" => Ok(Self::Strict),
            _ => Err(InvalidWord {
                what: "rule for signatures",
                allowed: "modern or strict",
            }),
        }
    }
}

impl fmt::Display for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Modern => "modern",
            Self::Strict => "strict",
        })
    }
}

impl fmt::Display for OutOfDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse => f.write_str("refuse"),
            Self::AllowHours(hours) => write!(f, "allow for {} hours", hours.get()),
            Self::Allow => f.write_str("allow"),
        }
    }
}

impl HandshakePolicy {
    /// Reads `strict` or `explain`.
    ///
    /// # Errors
    /// [`InvalidWord`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidWord> {
        match text {
            "strict" => Ok(Self::Strict),
            "explain" => Ok(Self::Explain),
            _ => Err(InvalidWord {
                what: "handshake policy",
                allowed: "strict or explain",
            }),
        }
    }
}

impl fmt::Display for HandshakePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strict => "strict",
            Self::Explain => "explain",
        })
    }
}

impl RecordBytes {
    /// So many bytes.
    ///
    /// # Errors
    /// [`InvalidRecordBytes`] outside of [`RECORD_BYTES_MIN`] to [`RECORD_BYTES_MAX`].
    pub const fn new(bytes: u16) -> Result<Self, InvalidRecordBytes> {
        if bytes < RECORD_BYTES_MIN || bytes > RECORD_BYTES_MAX {
            return Err(InvalidRecordBytes);
        }
        Ok(Self(bytes))
    }

    /// How many they are.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// A size of records that is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("records have {RECORD_BYTES_MIN} to {RECORD_BYTES_MAX} bytes of content, or the default")]
pub struct InvalidRecordBytes;

fn record_bytes_in_words(of: Option<RecordBytes>) -> String {
    of.map_or_else(|| "default".to_owned(), |bytes| bytes.get().to_string())
}

impl Hours {
    /// So many hours.
    ///
    /// # Errors
    /// [`InvalidHours`] for none, and for more than [`ALLOW_HOURS_MAX`].
    pub const fn new(hours: u32) -> Result<Self, InvalidHours> {
        if hours == 0 || hours > ALLOW_HOURS_MAX {
            return Err(InvalidHours);
        }
        Ok(Self(hours))
    }

    /// How many they are.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A number of hours that is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an out-of-date list can be allowed for 1 to {ALLOW_HOURS_MAX} hours")]
pub struct InvalidHours;

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(of: &str) -> Fingerprint {
        Fingerprint::of(of.as_bytes())
    }

    fn revocation(scope: RevocationScope, out_of_date: OutOfDate) -> TrustPolicy {
        TrustPolicy {
            revocation: Revocation { scope, out_of_date },
            ..TrustPolicy::default()
        }
    }

    fn hours(hours: u32) -> OutOfDate {
        OutOfDate::AllowHours(Hours::new(hours).unwrap())
    }

    #[test]
    fn pins_are_written_as_they_are_read() {
        let hex = fingerprint("a").to_string();
        for text in [format!("certificate:{hex}"), format!("key:{hex}")] {
            assert_eq!(Pin::parse(&text).unwrap().to_string(), text);
        }
        let colons = format!("key:{}", fingerprint("a").colons());
        assert_eq!(Pin::parse(&colons), Ok(Pin::Key(fingerprint("a"))));
        for bad in ["", "key", "sha256:00", &hex, &format!("Key:{hex}")] {
            assert_eq!(Pin::parse(bad), Err(InvalidPin::Kind), "{bad}");
        }
        assert!(matches!(
            Pin::parse("key:00"),
            Err(InvalidPin::Fingerprint(_))
        ));
    }

    #[test]
    fn hours_have_bounds() {
        let allowed = |given| Hours::new(given).is_ok();
        assert!(allowed(1) && allowed(8_760));
        assert!(!allowed(0) && !allowed(8_761));
    }

    #[test]
    fn an_exception_replaces_what_it_states_alone() {
        let mut policy = revocation(RevocationScope::Leaf, hours(24));
        let exception = AnchorException {
            scope: Some(RevocationScope::Chain),
            out_of_date: None,
        };
        policy.exceptions.insert(fingerprint("a"), exception);
        let expect = Revocation {
            scope: RevocationScope::Chain,
            out_of_date: hours(24),
        };
        assert_eq!(policy.of_anchor(&fingerprint("a")), expect);
        assert_eq!(policy.of_anchor(&fingerprint("b")), policy.revocation);
        assert!(policy.asks_for_lists() && !TrustPolicy::default().asks_for_lists());
    }

    #[test]
    fn tells_what_loosens() {
        use RevocationScope::{Chain, Leaf, Off};
        let pinned = |of: &[&str]| TrustPolicy {
            pins: of.iter().map(|of| Pin::Key(fingerprint(of))).collect(),
            ..TrustPolicy::default()
        };
        let excepted = |scope, of| {
            let mut policy = revocation(scope, OutOfDate::Refuse);
            let exception = AnchorException {
                scope: Some(of),
                out_of_date: None,
            };
            policy.exceptions.insert(fingerprint("a"), exception);
            policy
        };
        let strict = TrustPolicy {
            signatures: Signatures::Strict,
            ..TrustPolicy::default()
        };
        let plain = TrustPolicy::default;
        let refuse = |scope| revocation(scope, OutOfDate::Refuse);
        let cases = [
            (plain(), plain(), false),
            (refuse(Leaf), refuse(Off), true),
            (refuse(Off), refuse(Chain), false),
            (refuse(Chain), refuse(Leaf), true),
            (refuse(Leaf), revocation(Leaf, hours(1)), true),
            (
                revocation(Leaf, hours(2)),
                revocation(Leaf, hours(1)),
                false,
            ),
            (
                revocation(Leaf, hours(2)),
                revocation(Leaf, OutOfDate::Allow),
                true,
            ),
            (refuse(Off), revocation(Leaf, OutOfDate::Allow), false),
            (pinned(&["a"]), plain(), true),
            (pinned(&["a", "b"]), pinned(&["a"]), true),
            (pinned(&["a"]), pinned(&["a", "b"]), false),
            (plain(), pinned(&["a"]), false),
            (strict.clone(), plain(), true),
            (plain(), strict, false),
            (refuse(Leaf), excepted(Leaf, Off), true),
            (excepted(Off, Leaf), refuse(Off), true),
            (excepted(Off, Leaf), refuse(Leaf), false),
        ];
        for (before, after, expect) in cases {
            assert_eq!(after.loosens(&before), expect, "{before:?} → {after:?}");
        }
    }

    #[test]
    fn records_have_bounds() {
        let allowed = |given| RecordBytes::new(given).is_ok();
        assert!(allowed(512) && allowed(16_384));
        assert!(!allowed(0) && !allowed(511) && !allowed(16_385));
    }

    #[test]
    fn to_explain_takes_nothing_back() {
        let explains = TrustPolicy {
            handshake: HandshakePolicy::Explain,
            record_bytes: RecordBytes::new(1024).ok(),
            ..TrustPolicy::default()
        };
        assert!(!explains.loosens(&TrustPolicy::default()));
        assert!(!TrustPolicy::default().loosens(&explains));
        for word in ["strict", "explain"] {
            assert_eq!(HandshakePolicy::parse(word).unwrap().to_string(), word);
        }
        assert!(HandshakePolicy::parse("Explain").is_err());
    }

    #[test]
    fn tells_the_difference_in_words() {
        let mut after = revocation(RevocationScope::Leaf, hours(24));
        after.pins.insert(Pin::Key(fingerprint("a")));
        after.ca_names = true;
        after.handshake = HandshakePolicy::Explain;
        after.record_bytes = RecordBytes::new(1024).ok();
        let told = after.difference(&TrustPolicy::default());
        let expect = [
            ("revocation", "off → leaf"),
            ("crl-out-of-date", "refuse → allow for 24 hours"),
            ("ca-names", "false → true"),
            ("handshake", "strict → explain"),
            ("record-bytes", "default → 1024"),
            ("pins-added", "1"),
        ];
        let told: Vec<(&str, &str)> = told.iter().map(|(key, to)| (*key, to.as_str())).collect();
        assert_eq!(told, expect);
        assert!(after.difference(&after).is_empty());
    }
}
