//! Revocation lists of a realm: which are kept, whose they are, and which of two is the later one.

use std::cmp::Ordering;
use std::time::Duration;

use crate::clock::Moment;
use crate::domain::account::AccountValues;
use crate::domain::change::Warning;
use crate::domain::environment::Environment;
use crate::domain::realm::Realm;
use crate::domain::trust_policy::{RevocationScope, TrustPolicy};
use crate::pki::certificate::Certificate;
use crate::pki::crl::{Crl, CrlFacts};
use crate::pki::fingerprint::Fingerprint;
use crate::pki::name;

/// How many revocation lists a realm may have in one environment.
pub const LISTS_MAX: usize = 1_000;
/// How large they may be together, in bytes of DER: 64 MiB.
pub const LISTS_BYTES_MAX: usize = 64 << 20;
/// How many anchors are told of one by one.
const TOLD_MAX: usize = 10;

/// A revocation list that was given to a realm.
#[derive(Clone, Debug)]
pub struct RevocationList {
    /// The list.
    pub crl: Crl,
    /// When it was given.
    pub added: Moment,
}

/// What is known of a list's signature, from the worst to the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signed {
    /// Certificates with the issuer's name are known, and none of their keys made it: the list never counts.
    ByNobodyKnown,
    /// No certificate with the issuer's name is known: the issuer may be an intermediate that clients send along.
    ByAStranger,
    /// It was made with the key of a known certificate; this is the SHA-256 of the key.
    By(Fingerprint),
}

impl Signed {
    /// The word used everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByNobodyKnown => "wrong",
            Self::ByAStranger => "unknown-issuer",
            Self::By(_) => "known",
        }
    }
}

/// Where a list stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Currency {
    /// Its thisUpdate lies ahead: it does not count yet.
    NotYet,
    /// It is in force.
    Current,
    /// Its nextUpdate is over, or missing.
    OutOfDate,
}

impl Currency {
    /// Where the list stands at `now`. The second of its nextUpdate belongs to it as a whole.
    pub fn of(facts: &CrlFacts, now: Moment) -> Self {
        let over = |end: Moment| now >= end.plus(Duration::from_secs(1));
        if facts.this_update > now {
            Self::NotYet
        } else if facts.next_update.is_some_and(|end| !over(end)) {
            Self::Current
        } else {
            Self::OutOfDate
        }
    }

    /// The word used everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotYet => "not-yet",
            Self::Current => "current",
            Self::OutOfDate => "out-of-date",
        }
    }
}

/// How many certificates with the issuer's name are tried, those with the right key identifier first: checking a list of
/// many entries takes a while.
const SIGNERS_MAX: usize = 16;

/// What is known of the signature of `list`, by the certificates of the realm's trust accounts and installations in
/// `environment`. `trust_prefix` begins the names of trust accounts.
pub fn signed(realm: &Realm, environment: Environment, list: &Crl, trust_prefix: &str) -> Signed {
    let accounts = realm
        .accounts
        .values()
        .filter(|account| account.name.as_str().starts_with(trust_prefix))
        .filter_map(|account| account.values.get(environment).as_ref())
        .filter_map(trusted);
    let installed = realm
        .installed(environment)
        .map(|of| (of.certificates.as_slice(), of.helpers.as_slice()));
    let certificates = accounts
        .chain(installed)
        .flat_map(|(certificates, helpers)| certificates.iter().chain(helpers));
    signed_by_one_of(list, certificates)
}

/// What is known of the signature of `list`, by the certificates that clients are judged by in `environment`: those of
/// installations at work. A list that only a saved account's certificate signed does not count before that is installed.
pub fn signed_by_installed(realm: &Realm, environment: Environment, list: &Crl) -> Signed {
    let installed = realm.installed(environment);
    let certificates = installed.flat_map(|of| of.certificates.iter().chain(&of.helpers));
    signed_by_one_of(list, certificates)
}

fn signed_by_one_of<'a>(list: &Crl, certificates: impl Iterator<Item = &'a Certificate>) -> Signed {
    let wanted = IssuerName::of(list.facts());
    let mut candidates: Vec<&Certificate> = certificates
        .filter(|one| wanted.is(&one.facts().raw_subject))
        .collect();
    if candidates.is_empty() {
        return Signed::ByAStranger;
    }
    candidates.retain(|candidate| may_sign_lists(candidate));
    let key_id = &list.facts().authority_key_id;
    candidates.sort_by_key(|candidate| candidate.facts().subject_key_id != *key_id);
    candidates.dedup_by_key(|candidate| candidate.facts().spki_sha256);
    let signer = candidates
        .into_iter()
        .take(SIGNERS_MAX)
        .find(|candidate| list.is_signed_by(candidate));
    signer.map_or(Signed::ByNobodyKnown, |signer| {
        Signed::By(signer.facts().spki_sha256)
    })
}

/// What to say of these anchors, newly installed, where the clients of one are looked up and it has no list.
pub fn without_list(
    realm: &Realm,
    environment: Environment,
    anchors: &[Certificate],
) -> Vec<Warning> {
    let policy = realm.trust_policies.get(environment);
    let lists = realm.crls.get(environment);
    let is_asked = |anchor: &&Certificate| {
        policy.of_anchor(&anchor.fingerprint()).scope != RevocationScope::Off
    };
    let has_none = |anchor: &&Certificate| {
        let mut lists = lists.values();
        !lists.any(|list| IssuerName::of(list.crl.facts()).is(&anchor.facts().raw_subject))
    };
    anchors
        .iter()
        .filter(is_asked)
        .filter(has_none)
        .take(TOLD_MAX)
        .map(|anchor| Warning::NoCrlOfAnchor {
            realm: realm.name.clone(),
            environment,
            issuer: anchor.facts().subject.clone(),
        })
        .collect()
}

/// What to say of exceptions that `before` did not have, for anchors that are not installed.
pub fn without_anchor(
    realm: &Realm,
    environment: Environment,
    before: &TrustPolicy,
) -> Vec<Warning> {
    let policy = realm.trust_policies.get(environment);
    let anchors = policy.exceptions.keys();
    anchors
        .filter(|anchor| !before.exceptions.contains_key(*anchor))
        .filter(|anchor| !realm.has_anchor(environment, anchor))
        .take(TOLD_MAX)
        .map(|anchor| Warning::AnchorNotInstalled {
            realm: realm.name.clone(),
            environment,
            sha256: *anchor,
        })
        .collect()
}

/// Whether a list bears that issuer's name, the DER of which is given.
pub fn is_of(list: &Crl, raw_subject: &[u8]) -> bool {
    IssuerName::of(list.facts()).is(raw_subject)
}

/// RFC 5280, 4.2.1.3: a key usage, where there is one, says so.
fn may_sign_lists(certificate: &Certificate) -> bool {
    let usage = certificate.facts().key_usage;
    usage.is_none_or(|usage| usage.crl_sign())
}

/// The certificates of a trust source; values with a private key are none.
fn trusted(values: &AccountValues) -> Option<(&[Certificate], &[Certificate])> {
    match values {
        AccountValues::CertificateChain {
            certificates,
            helpers,
            key: None,
        } => Some((certificates, helpers)),
        AccountValues::CertificateChain { key: Some(_), .. }
        | AccountValues::Basic { .. }
        | AccountValues::CustomAuthHeader { .. }
        | AccountValues::OauthBearer { .. }
        | AccountValues::ApiKey { .. }
        | AccountValues::PrivateKey { .. }
        | AccountValues::PublicKey { .. }
        | AccountValues::SecretKey { .. } => None,
    }
}

/// A name to compare others with.
struct IssuerName<'a> {
    raw: &'a [u8],
    normal: Vec<u8>,
}

impl<'a> IssuerName<'a> {
    fn of(facts: &'a CrlFacts) -> Self {
        Self {
            raw: &facts.raw_issuer,
            normal: name::normal_form(&facts.raw_issuer),
        }
    }

    /// Whether it is the same name (RFC 5280, 7.1). Most names are written the same way wherever they stand.
    fn is(&self, raw: &[u8]) -> bool {
        self.raw == raw || self.normal == name::normal_form(raw)
    }
}

/// How an edition of a list compares with another one of the same issuer, key and scope: by number, then by
/// thisUpdate. `None` where they are not editions of one list.
pub fn compare(left: &CrlFacts, right: &CrlFacts) -> Option<Ordering> {
    let of_one_list = left.scope == right.scope
        && left.delta_base.is_some() == right.delta_base.is_some()
        && left.authority_key_id == right.authority_key_id
        && IssuerName::of(left).is(&right.raw_issuer);
    of_one_list.then(|| {
        let numbers = match (&left.number, &right.number) {
            (Some(left), Some(right)) => by_value(left, right),
            (Some(_) | None, None) | (None, Some(_)) => Ordering::Equal,
        };
        numbers.then(left.this_update.cmp(&right.this_update))
    })
}

/// Compares big-endian numbers without leading zeros.
fn by_value(left: &[u8], right: &[u8]) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

/// A list's number for people: in digits, or, of a long one, in hexadecimal; `none` where it has none.
pub fn number(facts: &CrlFacts) -> String {
    let Some(bytes) = &facts.number else {
        return "none".to_owned();
    };
    if bytes.len() > 16 {
        return bytes.iter().fold("0x".to_owned(), |mut text, byte| {
            text.push_str(&format!("{byte:02x}"));
            text
        });
    }
    let value = bytes
        .iter()
        .fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
    value.to_string()
}

/// The end of a list for people; `none` where it has none.
pub fn end(facts: &CrlFacts) -> String {
    facts
        .next_update
        .map_or_else(|| "none".to_owned(), |end| end.to_string())
}
