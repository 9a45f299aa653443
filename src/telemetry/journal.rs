//! The refusal journal: what the data plane tells of refused clients, until `control` stores it.
//!
//! A flood of refusals in one realm costs the others nothing: each realm keeps a bounded number of records of its own,
//! and what does not fit is counted instead. Refusals that belong to no realm (unknown server names among them) count
//! as those of one realm, the operator's own; so only existing realms ever take room here.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::name::RealmName;
use crate::domain::refusal::{RefusalRecord, ShownCertificate};

/// The longest text kept in one field of a record, in bytes. Server names are held to 255.
pub const TEXT_BYTES_MAX: usize = 1024;

const SERVER_NAME_BYTES_MAX: usize = 255;
const SHARDS: usize = 16;

/// How much waits in the journal at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLimits {
    /// Records that wait per realm, and in the operator's own journal.
    pub pending_per_realm: usize,
    /// Records that wait in all. Beyond it a realm keeps one record only, so that none goes unheard.
    pub pending_total: usize,
    /// Bytes of the chains that wait with the records of one realm. Beyond it a record waits without.
    pub chain_bytes_per_realm: usize,
    /// Bytes of all chains that wait. Beyond it a record waits without.
    pub chain_bytes_total: usize,
}

impl Default for JournalLimits {
    fn default() -> Self {
        Self {
            pending_per_realm: 64,
            pending_total: 8192,
            chain_bytes_per_realm: 256 * 1024,
            chain_bytes_total: 16 * 1024 * 1024,
        }
    }
}

/// Takes refusals from the data plane and keeps them until they are drained.
#[derive(Debug)]
pub struct RefusalJournal {
    limits: JournalLimits,
    hasher: RandomState,
    waiting: AtomicUsize,
    /// Of the chains that wait.
    chain_bytes: AtomicUsize,
    shards: [Mutex<Shard>; SHARDS],
}

/// The records that wait, of the realms whose hash falls here. No list is ever empty.
type Shard = HashMap<Option<RealmName>, Vec<RefusalRecord>>;

impl RefusalJournal {
    /// An empty journal.
    pub fn new(limits: JournalLimits) -> Self {
        Self {
            limits,
            hasher: RandomState::new(),
            waiting: AtomicUsize::new(0),
            chain_bytes: AtomicUsize::new(0),
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Takes a refusal, shortening texts that are too long. Never waits longer than it takes to move a record.
    ///
    /// Once a realm has as many records waiting as it may, its newest takes the place of the one before and counts it
    /// as left out: kept are how a flood began and its latest, with how many lay between.
    pub fn record(&self, mut record: RefusalRecord) {
        bound(&mut record);
        let replaced = self.keep(record);
        drop(replaced);
    }

    /// Takes out everything that waits; each realm's records in the order in which they came.
    pub fn drain(&self) -> Vec<RefusalRecord> {
        let mut drained = Vec::new();
        for shard in &self.shards {
            let taken = std::mem::take(&mut *lock(shard));
            for records in taken.into_values() {
                self.waiting.fetch_sub(records.len(), Ordering::Relaxed);
                self.chain_bytes
                    .fetch_sub(chains_of(&records), Ordering::Relaxed);
                drained.extend(records);
            }
        }
        drained
    }

    /// How many records wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Keeps `record` and hands back the one whose place it took, to be freed without the lock.
    fn keep(&self, mut record: RefusalRecord) -> Option<RefusalRecord> {
        let crowded = self.waiting() >= self.limits.pending_total;
        let room = if crowded {
            1
        } else {
            self.limits.pending_per_realm.max(1)
        };
        let mut shard = lock(self.shard(record.realm.as_ref()));
        let Some(records) = shard.get_mut(&record.realm) else {
            self.admit_chain(&mut record, 0);
            shard.insert(record.realm.clone(), vec![record]);
            self.waiting.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        if records.len() < room {
            self.admit_chain(&mut record, chains_of(records));
            records.push(record);
            self.waiting.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let replaced = records.pop();
        let lost = replaced
            .as_ref()
            .map_or(0, |before| before.left_out.saturating_add(1));
        record.left_out = record.left_out.saturating_add(lost);
        if let Some(chain) = replaced.as_ref().and_then(|before| before.chain.as_ref()) {
            self.chain_bytes.fetch_sub(chain.bytes(), Ordering::Relaxed);
        }
        self.admit_chain(&mut record, chains_of(records));
        records.push(record);
        replaced
    }

    /// Counts the record's chain as waiting, or drops it where there is no room for it. Its realm's others have
    /// `of_realm` bytes.
    fn admit_chain(&self, record: &mut RefusalRecord, of_realm: usize) {
        let Some(chain) = &record.chain else { return };
        let bytes = chain.bytes();
        let has_room = |held: usize, most: usize| held.saturating_add(bytes) <= most;
        let before = self.chain_bytes.fetch_add(bytes, Ordering::Relaxed);
        if !has_room(before, self.limits.chain_bytes_total)
            || !has_room(of_realm, self.limits.chain_bytes_per_realm)
        {
            self.chain_bytes.fetch_sub(bytes, Ordering::Relaxed);
            record.chain = None;
        }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the remainder lies below the array's length"
    )]
    fn shard(&self, realm: Option<&RealmName>) -> &Mutex<Shard> {
        let hash = self.hasher.hash_one(realm).rem_euclid(SHARDS as u64);
        &self.shards[usize::try_from(hash).unwrap_or(0)]
    }
}

impl Default for RefusalJournal {
    fn default() -> Self {
        Self::new(JournalLimits::default())
    }
}

/// A shard is whole between any two statements, so what a panicking thread left behind is used on.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bytes of the chains of some records.
fn chains_of(records: &[RefusalRecord]) -> usize {
    let chains = records.iter().filter_map(|record| record.chain.as_ref());
    chains.fold(0, |sum, chain| sum.saturating_add(chain.bytes()))
}

fn bound(record: &mut RefusalRecord) {
    if let Some(name) = &mut record.server_name {
        shorten(name, SERVER_NAME_BYTES_MAX);
    }
    shorten(&mut record.sentence, TEXT_BYTES_MAX);
    if let Some(ShownCertificate {
        subject,
        issuer,
        serial,
        fingerprint,
        not_before: _,
        not_after: _,
    }) = &mut record.certificate
    {
        for text in [subject, issuer, serial, fingerprint] {
            shorten(text, TEXT_BYTES_MAX);
        }
    }
}

/// Cuts `text` to at most `bytes_max`, between two characters, and gives memory beyond it back.
fn shorten(text: &mut String, bytes_max: usize) {
    const MARK: &str = "…";
    if text.len() > bytes_max {
        let mut end = bytes_max.saturating_sub(MARK.len());
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        text.truncate(end);
        text.push_str(MARK);
    }
    if text.capacity() > bytes_max.saturating_mul(2) {
        text.shrink_to_fit();
    }
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    reason = "small numbers of the tests' own"
)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::*;
    use crate::clock::Moment;
    use crate::domain::environment::Gateway;
    use crate::domain::refusal::PresentedChain;

    fn refusal(realm: Option<&str>, number: i64) -> RefusalRecord {
        RefusalRecord {
            at: Moment::from_unix_millis(number),
            realm: realm.map(|name| RealmName::parse(name).unwrap()),
            gateway: Gateway::Mtls,
            environment: None,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            server_name: Some("acme.api2.gate.localhost".to_owned()),
            reason: "expired".into(),
            sentence: "The certificate CN=client-1 has expired.".to_owned(),
            certificate: None,
            chain: None,
            left_out: 0,
        }
    }

    fn with_chain(realm: &str, number: i64, bytes: usize) -> RefusalRecord {
        RefusalRecord {
            chain: PresentedChain::of([vec![7; bytes].as_slice()]),
            ..refusal(Some(realm), number)
        }
    }

    fn journal(pending_per_realm: usize, pending_total: usize) -> RefusalJournal {
        RefusalJournal::new(JournalLimits {
            pending_per_realm,
            pending_total,
            ..JournalLimits::default()
        })
    }

    fn of_realm(records: &[RefusalRecord], realm: Option<&str>) -> Vec<(i64, u64)> {
        let told = |record: &&RefusalRecord| record.realm.as_ref().map(RealmName::as_str) == realm;
        records
            .iter()
            .filter(told)
            .map(|record| (record.at.unix_millis(), record.left_out))
            .collect()
    }

    #[test]
    fn hands_each_record_out_once_in_the_order_of_its_realm() {
        let journal = RefusalJournal::default();
        for number in 0..10 {
            journal.record(refusal(Some("acme"), number));
            journal.record(refusal(None, number));
        }
        assert_eq!(journal.waiting(), 20);
        let drained = journal.drain();
        let expected: Vec<_> = (0..10).map(|number| (number, 0)).collect();
        assert_eq!(of_realm(&drained, Some("acme")), expected);
        assert_eq!(of_realm(&drained, None), expected);
        assert_eq!(journal.waiting(), 0);
        assert_eq!(journal.drain(), vec![]);
    }

    #[test]
    fn a_flood_keeps_its_beginning_and_its_latest_and_counts_the_rest() {
        let journal = journal(4, 100);
        for number in 0..1000 {
            journal.record(refusal(Some("acme"), number));
        }
        let drained = journal.drain();
        assert_eq!(
            of_realm(&drained, Some("acme")),
            [(0, 0), (1, 0), (2, 0), (999, 996)]
        );
    }

    #[test]
    fn a_flood_in_one_realm_leaves_another_realms_records_alone() {
        let journal = journal(4, 6);
        journal.record(refusal(Some("globex"), 1));
        for number in 0..1000 {
            journal.record(refusal(Some("acme"), number));
            journal.record(refusal(None, number));
        }
        journal.record(refusal(Some("initech"), 2));
        let drained = journal.drain();
        assert_eq!(of_realm(&drained, Some("globex")), [(1, 0)]);
        assert_eq!(of_realm(&drained, Some("initech")), [(2, 0)]);
        assert!(drained.len() <= 7, "{}", drained.len());
        let told: u64 = drained
            .iter()
            .map(|record| record.left_out.saturating_add(1))
            .sum();
        assert_eq!(told, 2002, "every refusal is a record or counted by one");
    }

    #[test]
    fn chains_have_a_budget_of_their_own_and_are_dropped_before_records() {
        let journal = RefusalJournal::new(JournalLimits {
            pending_per_realm: 4,
            pending_total: 100,
            chain_bytes_per_realm: 2_500,
            chain_bytes_total: 4_000,
        });
        for number in 0..10 {
            journal.record(with_chain("acme", number, 1_000));
        }
        for number in 0..3 {
            journal.record(with_chain("globex", number, 1_000));
        }
        let drained = journal.drain();
        let has_chain = |realm: &str| -> Vec<(i64, bool)> {
            let of_realm = drained
                .iter()
                .filter(|record| record.realm.as_ref().map(RealmName::as_str) == Some(realm));
            of_realm
                .map(|record| (record.at.unix_millis(), record.chain.is_some()))
                .collect()
        };
        assert_eq!(
            has_chain("acme"),
            [(0, true), (1, true), (2, false), (9, false)]
        );
        assert_eq!(has_chain("globex"), [(0, true), (1, true), (2, false)]);
        // What was drained is no burden any more.
        journal.record(with_chain("acme", 11, 2_500));
        assert!(journal.drain().iter().all(|record| record.chain.is_some()));
        assert_eq!(journal.chain_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_latest_of_a_flood_brings_its_own_chain() {
        let journal = RefusalJournal::new(JournalLimits {
            pending_per_realm: 2,
            chain_bytes_per_realm: 2_000,
            ..JournalLimits::default()
        });
        for number in 0..100 {
            journal.record(with_chain("acme", number, 1_000));
        }
        let drained = journal.drain();
        let chains: Vec<bool> = drained.iter().map(|one| one.chain.is_some()).collect();
        assert_eq!(chains, [true, true]);
        assert_eq!(journal.chain_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn records_taken_from_many_threads_are_all_kept_or_counted() {
        let journal = journal(8, 64);
        std::thread::scope(|scope| {
            for realm in ["acme", "globex", "acme", "initech"] {
                let journal = &journal;
                scope.spawn(move || {
                    for number in 0..5000 {
                        journal.record(refusal(Some(realm), number));
                    }
                });
            }
        });
        let drained = journal.drain();
        let told = |realm: &str| -> u64 {
            of_realm(&drained, Some(realm))
                .iter()
                .map(|(_, left_out)| left_out + 1)
                .sum()
        };
        assert_eq!(
            [told("acme"), told("globex"), told("initech")],
            [10_000, 5000, 5000]
        );
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut record = refusal(Some("acme"), 0);
        record.server_name = Some("ä".repeat(300));
        record.sentence = "x".repeat(100_000);
        record.certificate = Some(ShownCertificate {
            subject: "東".repeat(1000),
            issuer: "CN=short".to_owned(),
            serial: "0a".repeat(2000),
            fingerprint: "ff".repeat(32),
            not_before: Moment::EPOCH,
            not_after: Moment::MAX,
        });
        let journal = RefusalJournal::default();
        journal.record(record);
        let drained = journal.drain();
        let kept = drained.first().unwrap();
        let shown = kept.certificate.as_ref().unwrap();
        assert_eq!(
            kept.server_name.as_deref(),
            Some(&*format!("{}…", "ä".repeat(126)))
        );
        assert_eq!(kept.sentence, format!("{}…", "x".repeat(1021)));
        assert_eq!(shown.subject, format!("{}…", "東".repeat(340)));
        assert_eq!(shown.issuer, "CN=short");
        assert_eq!(shown.serial.len(), TEXT_BYTES_MAX);
        assert_eq!(shown.fingerprint, "ff".repeat(32));
        assert!(kept.sentence.capacity() <= TEXT_BYTES_MAX * 2);
    }

    proptest! {
        #[test]
        fn no_text_grows_past_its_bound(text in ".{0,400}", bytes_max in 3_usize..300) {
            let mut short = text.clone();
            shorten(&mut short, bytes_max);
            prop_assert!(short.len() <= bytes_max);
            prop_assert!(short == text || text.starts_with(short.trim_end_matches('…')));
        }
    }
}
