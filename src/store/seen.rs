//! Clients that were seen, and the use of trust anchors: written each second, bounded per realm, read by when last.

use std::collections::{BTreeMap, BTreeSet};

use redb::{ReadableTable, Table as RedbTable, WriteTransaction};

use crate::clock::Moment;
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::seen::{AnchorUse, SeenClient};
use crate::pki::fingerprint::Fingerprint;
use crate::store::committing::finish;
use crate::store::db::Store;
use crate::store::error::{Fault, StoreError};
use crate::store::loading::at;
use crate::store::row;
use crate::store::seal::StoreKeys;
use crate::store::tables::{
    ANCHORS_SEEN, CLIENTS_SEEN, CLIENTS_SEEN_AT, REALMS, Table, seen_object,
};

/// By how much a client's last sighting has to move to be worth a row, where there is nothing else to tell of it.
const WORTH_MS: u64 = 60_000;
/// Behind every word and every fingerprint that a key may hold.
const END: &str = "~";

/// Which clients are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenFilter {
    /// Of one environment only.
    pub environment: Option<Environment>,
    /// Of one trust anchor only.
    pub anchor: Option<Fingerprint>,
    /// Those that were seen at this moment or later only.
    pub since: Option<Moment>,
    /// Those behind this place only; to read on from the last one read.
    pub before: Option<SeenPlace>,
    /// How many at most.
    pub limit: usize,
}

/// A client's place among those of its realm, ordered by when each was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeenPlace {
    /// When it was last seen.
    pub last: Moment,
    /// Which one it is, of those last seen at the same moment; without it, the place before all of them.
    pub client: Option<(Environment, Fingerprint)>,
}

type Rows<'t> = RedbTable<'t, (&'static str, &'static str, &'static str), &'static [u8]>;
type Index<'t> = RedbTable<'t, (&'static str, i64, &'static str, &'static str), ()>;

impl Store {
    /// Adds sightings to what is known of the clients of their realms and of their anchors, in one durable transaction,
    /// in the order given. Of each realm the `per_realm_max` clients that were seen last are kept. Realms that are not
    /// there keep nothing.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn add_clients_seen(
        &self,
        sightings: &[SeenClient],
        per_realm_max: u64,
    ) -> Result<(), StoreError> {
        if sightings.is_empty() {
            return Ok(());
        }
        self.write(
            |transaction| {
                write_clients(transaction, &self.keys, sightings, per_realm_max)?;
                write_anchors(transaction, &self.keys, sightings)
            },
            |_| Ok(false),
        )
    }

    /// Notes that clients are still there, where they are known and their last sighting moves enough to be worth a row.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn touch_clients_seen(
        &self,
        present: &[(RealmName, Environment, Fingerprint)],
        now: Moment,
    ) -> Result<(), StoreError> {
        if present.is_empty() {
            return Ok(());
        }
        let known = self.read(|transaction| {
            let keys = self.keys.table(Table::ClientsSeen)?;
            let rows = transaction.open_table(CLIENTS_SEEN)?;
            let mut known = Vec::new();
            for (realm, environment, fingerprint) in present {
                let (environment, sha256) = (environment.as_str(), fingerprint.to_string());
                let object = seen_object(environment, &sha256);
                let seal = keys.at(realm.as_str(), &object);
                let Some(row) = rows.get((realm.as_str(), environment, sha256.as_str()))? else {
                    continue;
                };
                let decoded = row::seen::decode_client(
                    realm.as_str(),
                    environment,
                    &sha256,
                    row.value(),
                    &seal,
                );
                known.extend(decoded.ok());
            }
            Ok(known)
        })?;
        let touched: Vec<SeenClient> = known
            .into_iter()
            .map(|client| SeenClient {
                last: now,
                handshakes: 0,
                full_handshakes: 0,
                ..client
            })
            .collect();
        self.add_clients_seen(&touched, u64::MAX)
    }

    /// Forgets the clients and anchors that were last seen before `moment`.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn forget_clients_seen(&self, moment: Moment) -> Result<(), StoreError> {
        self.write(
            |transaction| forget_before(transaction, &self.keys, moment),
            |_| Ok(false),
        )
    }

    /// Clients of a realm, those that were seen last first.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be read.
    pub fn clients_seen(
        &self,
        realm: &RealmName,
        filter: &SeenFilter,
    ) -> Result<Vec<SeenClient>, StoreError> {
        let realm = realm.as_str();
        let since = filter.since.map_or(i64::MIN, Moment::unix_millis);
        let client = filter.before.and_then(|place| place.client);
        let sha256 = client.map(|(_, sha256)| sha256.to_string());
        let end = match (filter.before, client) {
            (None, _) => (realm, i64::MAX, END, END),
            (Some(place), None) => (realm, place.last.unix_millis(), "", ""),
            (Some(place), Some((environment, _))) => (
                realm,
                place.last.unix_millis(),
                environment.as_str(),
                sha256.as_deref().unwrap_or_default(),
            ),
        };
        let start = (realm, since, "", "");
        if start > end {
            return Ok(Vec::new());
        }
        self.read(|transaction| {
            let keys = self.keys.table(Table::ClientsSeen)?;
            let rows = transaction.open_table(CLIENTS_SEEN)?;
            let index = transaction.open_table(CLIENTS_SEEN_AT)?;
            let mut found = Vec::new();
            for entry in index.range(start..end)?.rev() {
                if found.len() >= filter.limit {
                    break;
                }
                let key = entry?.0;
                let (_, _, environment, sha256) = key.value();
                if filter
                    .environment
                    .is_some_and(|wanted| wanted.as_str() != environment)
                {
                    continue;
                }
                let Some(row) = rows.get((realm, environment, sha256))? else {
                    continue;
                };
                let object = seen_object(environment, sha256);
                let seal = keys.at(realm, &object);
                let client =
                    row::seen::decode_client(realm, environment, sha256, row.value(), &seal)
                        .map_err(at(&seal))?;
                if filter.anchor.is_none_or(|wanted| wanted == client.anchor) {
                    found.push(client);
                }
            }
            Ok(found)
        })
    }

    /// How much use there was of a trust anchor in one environment of a realm; nothing where nobody came by it.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read.
    pub fn anchor_use(
        &self,
        realm: &RealmName,
        environment: Environment,
        anchor: &Fingerprint,
    ) -> Result<Option<AnchorUse>, StoreError> {
        let (realm, environment, sha256) =
            (realm.as_str(), environment.as_str(), anchor.to_string());
        self.read(|transaction| {
            let table = transaction.open_table(ANCHORS_SEEN)?;
            let Some(row) = table.get((realm, environment, sha256.as_str()))? else {
                return Ok(None);
            };
            let keys = self.keys.table(Table::AnchorsSeen)?;
            let object = seen_object(environment, &sha256);
            let seal = keys.at(realm, &object);
            row::seen::decode_anchor(&sha256, row.value(), &seal)
                .map(Some)
                .map_err(at(&seal))
        })
    }
}

/// Drops what realms that go saw: a later realm of that name is somebody else's.
pub(crate) fn forget_realms<'a>(
    transaction: &WriteTransaction,
    gone: impl Iterator<Item = &'a RealmName>,
) -> Result<(), Fault> {
    let mut gone = gone.peekable();
    if gone.peek().is_none() {
        return Ok(());
    }
    let mut clients = transaction.open_table(CLIENTS_SEEN)?;
    let mut index = transaction.open_table(CLIENTS_SEEN_AT)?;
    let mut anchors = transaction.open_table(ANCHORS_SEEN)?;
    for realm in gone.map(RealmName::as_str) {
        let all = (realm, "", "")..(realm, END, END);
        clients.retain_in(all.clone(), |_, _| false)?;
        anchors.retain_in(all, |_, _| false)?;
        let all = (realm, i64::MIN, "", "")..(realm, i64::MAX, END, END);
        index.retain_in(all, |_, ()| false)?;
    }
    Ok(())
}

fn write_clients(
    transaction: &WriteTransaction,
    keys: &StoreKeys,
    sightings: &[SeenClient],
    per_realm_max: u64,
) -> Result<(), Fault> {
    let keys = keys.table(Table::ClientsSeen)?;
    let realms = transaction.open_table(REALMS)?;
    let mut rows = transaction.open_table(CLIENTS_SEEN)?;
    let mut index = transaction.open_table(CLIENTS_SEEN_AT)?;
    let mut grown = BTreeSet::new();
    for sighting in sightings {
        let (realm, environment) = (sighting.realm.as_str(), sighting.environment.as_str());
        if realms.get(realm)?.is_none() {
            continue;
        }
        let sha256 = sighting.fingerprint.to_string();
        let object = seen_object(environment, &sha256);
        let seal = keys.at(realm, &object);
        // One that cannot be read is made anew.
        let known = rows
            .get((realm, environment, sha256.as_str()))?
            .and_then(|row| {
                row::seen::decode_client(realm, environment, &sha256, row.value(), &seal).ok()
            });
        let next = match &known {
            Some(known) if !is_worth_a_row(known, sighting) => continue,
            Some(known) => known.and_then(sighting.clone()),
            None => sighting.clone(),
        };
        match &known {
            Some(known) if known.last != next.last => {
                let former = (
                    realm,
                    known.last.unix_millis(),
                    environment,
                    sha256.as_str(),
                );
                index.remove(former)?;
            }
            Some(_) => {}
            None => {
                grown.insert(realm);
            }
        }
        let row = finish(Some(row::seen::encode_client(&next, &seal)), &seal)?.unwrap_or_default();
        rows.insert((realm, environment, sha256.as_str()), row.as_slice())?;
        index.insert(
            (realm, next.last.unix_millis(), environment, sha256.as_str()),
            (),
        )?;
    }
    for realm in grown {
        keep_latest(&mut rows, &mut index, realm, per_realm_max)?;
    }
    Ok(())
}

fn is_worth_a_row(known: &SeenClient, sighting: &SeenClient) -> bool {
    let moved = sighting.last.since(known.last).as_millis() >= u128::from(WORTH_MS);
    moved
        || sighting.handshakes > 0
        || sighting.anchor != known.anchor
        || sighting.account != known.account
}

/// Drops the clients of a realm that were not seen for longest, beyond the `most` that may be there.
fn keep_latest(
    rows: &mut Rows<'_>,
    index: &mut Index<'_>,
    realm: &str,
    most: u64,
) -> Result<(), Fault> {
    let all = (realm, i64::MIN, "", "")..(realm, i64::MAX, END, END);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let surplus = index.range(all.clone())?.count().saturating_sub(most);
    if surplus == 0 {
        return Ok(());
    }
    let oldest = index.range(all)?.take(surplus);
    let oldest = oldest
        .map(|entry| {
            let key = entry?.0;
            let (_, last, environment, sha256) = key.value();
            Ok((last, environment.to_owned(), sha256.to_owned()))
        })
        .collect::<Result<Vec<_>, Fault>>()?;
    for (last, environment, sha256) in oldest {
        rows.remove((realm, environment.as_str(), sha256.as_str()))?;
        index.remove((realm, last, environment.as_str(), sha256.as_str()))?;
    }
    Ok(())
}

fn write_anchors(
    transaction: &WriteTransaction,
    keys: &StoreKeys,
    sightings: &[SeenClient],
) -> Result<(), Fault> {
    let keys = keys.table(Table::AnchorsSeen)?;
    let realms = transaction.open_table(REALMS)?;
    let mut table = transaction.open_table(ANCHORS_SEEN)?;
    let mut uses: BTreeMap<(&str, &str, String), AnchorUse> = BTreeMap::new();
    for seen in sightings {
        let key = (
            seen.realm.as_str(),
            seen.environment.as_str(),
            seen.anchor.to_string(),
        );
        let added = AnchorUse {
            anchor: seen.anchor,
            handshakes: seen.full_handshakes,
            first: seen.first,
            last: seen.last,
        };
        let present = uses.entry(key).or_insert(AnchorUse {
            handshakes: 0,
            ..added
        });
        *present = sum(present, &added);
    }
    for ((realm, environment, sha256), added) in uses {
        if realms.get(realm)?.is_none() {
            continue;
        }
        let object = seen_object(environment, &sha256);
        let seal = keys.at(realm, &object);
        let known = table
            .get((realm, environment, sha256.as_str()))?
            .and_then(|row| row::seen::decode_anchor(&sha256, row.value(), &seal).ok());
        let next = known.map_or(added, |known| sum(&known, &added));
        if known == Some(next) {
            continue;
        }
        let row = finish(Some(row::seen::encode_anchor(&next, &seal)), &seal)?.unwrap_or_default();
        table.insert((realm, environment, sha256.as_str()), row.as_slice())?;
    }
    Ok(())
}

fn sum(left: &AnchorUse, right: &AnchorUse) -> AnchorUse {
    AnchorUse {
        anchor: left.anchor,
        handshakes: left.handshakes.saturating_add(right.handshakes),
        first: left.first.min(right.first),
        last: left.last.max(right.last),
    }
}

fn forget_before(
    transaction: &WriteTransaction,
    keys: &StoreKeys,
    moment: Moment,
) -> Result<(), Fault> {
    let mut rows = transaction.open_table(CLIENTS_SEEN)?;
    let mut index = transaction.open_table(CLIENTS_SEEN_AT)?;
    let mut gone = Vec::new();
    for entry in index.iter()? {
        let key = entry?.0;
        let (realm, last, environment, sha256) = key.value();
        if last < moment.unix_millis() {
            gone.push((
                realm.to_owned(),
                last,
                environment.to_owned(),
                sha256.to_owned(),
            ));
        }
    }
    for (realm, last, environment, sha256) in &gone {
        rows.remove((realm.as_str(), environment.as_str(), sha256.as_str()))?;
        index.remove((realm.as_str(), *last, environment.as_str(), sha256.as_str()))?;
    }
    let keys = keys.table(Table::AnchorsSeen)?;
    let mut anchors = transaction.open_table(ANCHORS_SEEN)?;
    anchors.retain(|(realm, environment, sha256), row| {
        let object = seen_object(environment, sha256);
        let seal = keys.at(realm, &object);
        // What cannot be read is of no use to anybody.
        row::seen::decode_anchor(sha256, row, &seal).is_ok_and(|seen| seen.last >= moment)
    })?;
    Ok(())
}
