//! Refused clients, grouped by cause and client: what there is to do, each thing once.

use std::collections::HashMap;
use std::net::IpAddr;

use serde::Serialize;

use crate::clock::Moment;
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::view::refusal::REFUSAL_LIMIT_MAX;
use crate::control::view::time::Time;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::refusal::{PresentedChain, RefusalRecord};
use crate::domain::token::Actor;
use crate::pki::fingerprint::Fingerprint;
use crate::trust::reason::Reason;

/// How many addresses of a group are told.
const ADDRESSES_MAX: usize = 16;

/// The groups of a journal's refusals, the latest first.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusalGroups {
    /// The groups.
    pub groups: Vec<RefusalGroup>,
    /// How many records they were made of.
    pub records: usize,
    /// Whether those are all that are kept of the time that was asked for.
    pub complete: bool,
}

/// Refusals of one client for one cause.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusalGroup {
    /// The stable reason code.
    pub reason: String,
    /// In which environment, where that was known.
    pub environment: Option<&'static str>,
    /// The issuer that is missing, where that is the cause.
    pub issuer: Option<String>,
    /// The subject of the client's certificate, where it showed one that could be decoded.
    pub subject: Option<String>,
    /// SHA-256 of it, where it showed one.
    pub fingerprint: Option<String>,
    /// How many refusals there were, those left out included.
    pub count: u64,
    /// How many of them were left out of the journal, because there were too many. They may be others'.
    pub left_out: u64,
    /// The first of them.
    pub first: Time,
    /// The last of them.
    pub last: Time,
    /// Where the client called from, the latest first.
    pub addresses: Vec<String>,
    /// How many more addresses there are.
    pub more_addresses: usize,
    /// What happened the last time.
    pub sentence: String,
    /// What the caller should do.
    pub advice: Option<&'static str>,
    /// The sequence of the last of them.
    pub last_sequence: u64,
    /// The sequence of the last of them whose chain can be downloaded.
    pub chain_sequence: Option<u64>,
}

impl Control {
    /// Refused clients of a realm, or those that belong to none, grouped, since a moment and up to this one. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn refusal_groups(
        &self,
        actor: &Actor,
        realm: Option<&RealmName>,
        since: Option<Moment>,
    ) -> Result<RefusalGroups, ControlError> {
        let mut records = self.refusal_records(actor, realm, None, REFUSAL_LIMIT_MAX)?;
        let read = records.len();
        if let Some(since) = since {
            records.retain(|(_, record)| record.at >= since);
        }
        Ok(RefusalGroups {
            records: records.len(),
            complete: read < REFUSAL_LIMIT_MAX || records.len() < read,
            groups: grouped(&records),
        })
    }
}

/// What makes two refusals the same thing to do.
#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    reason: &'a str,
    environment: Option<Environment>,
    issuer: Option<&'a str>,
    client: ClientKey,
}

/// What a client is told from others by.
#[derive(PartialEq, Eq, Hash)]
enum ClientKey {
    Certificate(String),
    Address(IpAddr),
}

/// Groups records that come newest first; the groups come in the order of their latest ones.
fn grouped(records: &[(u64, RefusalRecord)]) -> Vec<RefusalGroup> {
    let mut places: HashMap<Key<'_>, usize> = HashMap::new();
    let mut groups: Vec<Gathered<'_>> = Vec::new();
    for (sequence, record) in records {
        let fingerprint = fingerprint(record);
        let key = Key {
            reason: &record.reason,
            environment: record.environment,
            issuer: missing_issuer(record),
            client: fingerprint
                .clone()
                .map_or(ClientKey::Address(record.address), ClientKey::Certificate),
        };
        let place = *places.entry(key).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.add(*sequence, record),
            None => groups.push(Gathered::of(*sequence, record, fingerprint)),
        }
    }
    groups.into_iter().map(Gathered::told).collect()
}

/// SHA-256 of the client's own certificate, decodable or not.
fn fingerprint(record: &RefusalRecord) -> Option<String> {
    let decoded = record.certificate.as_ref();
    decoded.map(|shown| shown.fingerprint.clone()).or_else(|| {
        let own = record.chain.as_ref()?.certificates().next()?;
        Some(Fingerprint::of(own).to_string())
    })
}

/// The issuer of a certificate that nobody here vouches for.
fn missing_issuer(record: &RefusalRecord) -> Option<&str> {
    let about_issuer = [Reason::UnknownIssuer, Reason::IncompleteChain]
        .iter()
        .any(|reason| reason.as_str() == record.reason);
    let shown = record.certificate.as_ref().filter(|_| about_issuer)?;
    Some(&shown.issuer)
}

/// A group in the making.
struct Gathered<'a> {
    latest: &'a RefusalRecord,
    last_sequence: u64,
    chain_sequence: Option<u64>,
    fingerprint: Option<String>,
    count: u64,
    left_out: u64,
    first: Moment,
    addresses: Vec<IpAddr>,
}

impl<'a> Gathered<'a> {
    fn of(sequence: u64, latest: &'a RefusalRecord, fingerprint: Option<String>) -> Self {
        let mut group = Self {
            latest,
            last_sequence: sequence,
            chain_sequence: None,
            fingerprint,
            count: 0,
            left_out: 0,
            first: latest.at,
            addresses: Vec::new(),
        };
        group.add(sequence, latest);
        group
    }

    fn add(&mut self, sequence: u64, record: &RefusalRecord) {
        let happened = record.left_out.saturating_add(1);
        self.count = self.count.saturating_add(happened);
        self.left_out = self.left_out.saturating_add(record.left_out);
        self.first = self.first.min(record.at);
        if !self.addresses.contains(&record.address) {
            self.addresses.push(record.address);
        }
        if self.chain_sequence.is_none() && record.chain.is_some() {
            self.chain_sequence = Some(sequence);
        }
    }

    fn told(self) -> RefusalGroup {
        let latest = self.latest;
        let addresses = self.addresses.iter().take(ADDRESSES_MAX);
        RefusalGroup {
            reason: latest.reason.to_string(),
            environment: latest.environment.map(|environment| environment.as_str()),
            issuer: missing_issuer(latest).map(str::to_owned),
            subject: latest
                .certificate
                .as_ref()
                .map(|shown| shown.subject.clone()),
            fingerprint: self.fingerprint,
            count: self.count,
            left_out: self.left_out,
            first: Time(self.first),
            last: Time(latest.at),
            addresses: addresses.map(ToString::to_string).collect(),
            more_addresses: self.addresses.len().saturating_sub(ADDRESSES_MAX),
            sentence: latest.sentence.clone(),
            advice: Reason::parse(&latest.reason).map(Reason::advice),
            last_sequence: self.last_sequence,
            chain_sequence: self.chain_sequence,
        }
    }
}

/// A chain as PEM, each certificate as it came, decodable or not.
pub(crate) fn to_pem(chain: &PresentedChain) -> String {
    let certificates = chain.certificates();
    certificates
        .map(|one| crate::pki::certificate::to_pem("CERTIFICATE", one))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::environment::Gateway;
    use crate::domain::refusal::ShownCertificate;

    fn record(at: i64, reason: &'static str, address: &str) -> RefusalRecord {
        RefusalRecord {
            at: Moment::from_unix_seconds(at),
            realm: None,
            gateway: Gateway::Mtls,
            environment: Some(Environment::Prod),
            address: address.parse().unwrap(),
            server_name: None,
            reason: reason.into(),
            sentence: format!("At {at}."),
            certificate: None,
            chain: None,
            left_out: 0,
        }
    }

    fn by(client: &str, mut record: RefusalRecord) -> RefusalRecord {
        record.certificate = Some(ShownCertificate {
            subject: format!("CN={client}"),
            issuer: "CN=Other CA".to_owned(),
            serial: "01".to_owned(),
            fingerprint: Fingerprint::of(client.as_bytes()).to_string(),
            not_before: Moment::EPOCH,
            not_after: Moment::MAX,
        });
        record.chain = PresentedChain::of([client.as_bytes()]);
        record
    }

    #[test]
    fn refusals_are_grouped_by_cause_and_client() {
        let mut flood = by("a", record(4, "unknown-issuer", "192.0.2.1"));
        (flood.left_out, flood.chain) = (6, None);
        let mut undecodable = record(1, "malformed-certificate", "192.0.2.9");
        undecodable.chain = PresentedChain::of([&b"junk"[..]]);
        let mut in_test = by("a", record(2, "unknown-issuer", "192.0.2.1"));
        in_test.environment = Some(Environment::Test);
        let records = [
            record(9, "no-certificate", "192.0.2.7"),
            by("b", record(8, "unknown-issuer", "192.0.2.1")),
            by("a", record(7, "expired", "192.0.2.1")),
            record(6, "no-certificate", "192.0.2.8"),
            record(5, "no-certificate", "192.0.2.7"),
            flood,
            by("a", record(3, "unknown-issuer", "192.0.2.2")),
            in_test,
            undecodable,
        ];
        let records: Vec<(u64, RefusalRecord)> = (1..=9).rev().zip(records).collect();
        let told: Vec<_> = grouped(&records)
            .into_iter()
            .map(|group| {
                let client = group.subject.unwrap_or_else(|| group.addresses.join(","));
                let sequences = (group.last_sequence, group.chain_sequence);
                let issuer = group.issuer.is_some();
                (group.reason, client, group.count, sequences, issuer)
            })
            .collect();
        let expect = [
            ("no-certificate", "192.0.2.7", 2, (9, None), false),
            ("unknown-issuer", "CN=b", 1, (8, Some(8)), true),
            ("expired", "CN=a", 1, (7, Some(7)), false),
            ("no-certificate", "192.0.2.8", 1, (6, None), false),
            ("unknown-issuer", "CN=a", 8, (4, Some(3)), true),
            ("unknown-issuer", "CN=a", 1, (2, Some(2)), true),
            ("malformed-certificate", "192.0.2.9", 1, (1, Some(1)), false),
        ];
        let expect = expect.map(|(reason, client, count, sequences, issuer)| {
            (
                reason.to_owned(),
                client.to_owned(),
                count,
                sequences,
                issuer,
            )
        });
        assert_eq!(told, expect);
        let group = &grouped(&records)[4];
        assert_eq!(group.addresses, ["192.0.2.1", "192.0.2.2"]);
        assert_eq!((group.first.0, group.last.0, group.left_out), {
            let at = Moment::from_unix_seconds;
            (at(3), at(4), 6)
        });
        assert_eq!(group.sentence, "At 4.");
        assert!(group.advice.is_some_and(|advice| advice.contains("CA")));
    }

    #[test]
    fn the_addresses_of_a_group_are_bounded() {
        let records: Vec<(u64, RefusalRecord)> = (0..100_u64)
            .map(|number| {
                let address = format!("192.0.2.{number}");
                (number, by("a", record(1, "expired", &address)))
            })
            .collect();
        let groups = grouped(&records);
        assert_eq!(groups.len(), 1);
        assert_eq!(
            (groups[0].addresses.len(), groups[0].more_addresses),
            (16, 84)
        );
    }
}
