//! The journals of refused clients: what is added, what stays, and what goes with its realm.

use std::collections::BTreeMap;

use redb::{ReadableTable, WriteTransaction};

use crate::domain::name::RealmName;
use crate::domain::refusal::{CHAINS_PER_REALM_MAX, RefusalRecord};
use crate::store::committing::finish;
use crate::store::db::Store;
use crate::store::error::{Fault, StoreError};
use crate::store::loading::at;
use crate::store::row;
use crate::store::seal::{RowSeal, StoreKeys};
use crate::store::tables::{REALMS, REFUSAL_META, REFUSALS, Table};

impl Store {
    /// Adds refusals to the journals of their realms, in one durable transaction; those of no realm, or of one that is
    /// there no more, to the operator's own. Of each journal the latest `per_realm_max` are kept, the latest
    /// [`CHAINS_PER_REALM_MAX`] of them with their chains.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn add_refusals(
        &self,
        refusals: &[RefusalRecord],
        per_realm_max: u64,
    ) -> Result<(), StoreError> {
        if refusals.is_empty() {
            return Ok(());
        }
        self.write(
            |transaction| write_refusals(transaction, &self.keys, refusals, per_realm_max),
            |_| Ok(false),
        )
    }
}

fn write_refusals(
    transaction: &WriteTransaction,
    keys: &StoreKeys,
    refusals: &[RefusalRecord],
    per_realm_max: u64,
) -> Result<(), Fault> {
    let keys = keys.table(Table::Refusals)?;
    let realms = transaction.open_table(REALMS)?;
    let mut journals: BTreeMap<&str, Vec<&RefusalRecord>> = BTreeMap::new();
    for refusal in refusals {
        let name = refusal.realm.as_ref().map_or("", RealmName::as_str);
        journals.entry(name).or_default().push(refusal);
    }
    let mut meta = transaction.open_table(REFUSAL_META)?;
    let mut table = transaction.open_table(REFUSALS)?;
    for (name, added) in journals {
        let there = name.is_empty() || realms.get(name)?.is_some();
        let realm = if there { name } else { "" };
        let (oldest, next) = meta.get(realm)?.map_or((1, 1), |entry| entry.value());
        let end = next.saturating_add(added.len() as u64);
        let keep_from = end.saturating_sub(per_realm_max).max(oldest);
        for sequence in oldest..keep_from.min(next) {
            table.remove((realm, sequence))?;
        }
        for (sequence, refusal) in (next..).zip(added) {
            if sequence < keep_from {
                continue;
            }
            let object = sequence.to_string();
            let seal = keys.at(realm, &object);
            let row = finish(Some(row::refusal::encode(refusal, &seal)), &seal)?;
            table.insert((realm, sequence), row.unwrap_or_default().as_slice())?;
        }
        // Those before had none already.
        let chains_from = |end: u64| end.saturating_sub(CHAINS_PER_REALM_MAX).max(keep_from);
        for sequence in chains_from(next)..chains_from(end) {
            drop_chain(
                &mut table,
                keys.at(realm, &sequence.to_string()),
                (realm, sequence),
            )?;
        }
        meta.insert(realm, (keep_from, end))?;
    }
    Ok(())
}

/// Writes a refusal anew without the chain that was shown.
fn drop_chain(
    table: &mut redb::Table<'_, (&str, u64), &[u8]>,
    seal: RowSeal<'_>,
    (realm, sequence): (&str, u64),
) -> Result<(), Fault> {
    let Some(row) = table
        .get((realm, sequence))?
        .map(|row| row.value().to_vec())
    else {
        return Ok(());
    };
    let mut refusal = row::refusal::decode(realm, &row, &seal).map_err(at(&seal))?;
    if refusal.chain.take().is_some() {
        let row = finish(Some(row::refusal::encode(&refusal, &seal)), &seal)?;
        table.insert((realm, sequence), row.unwrap_or_default().as_slice())?;
    }
    Ok(())
}

/// Drops the journals of realms that go: a later realm of that name is somebody else's.
pub(crate) fn forget_refusals<'a>(
    transaction: &WriteTransaction,
    gone: impl Iterator<Item = &'a RealmName>,
) -> Result<(), Fault> {
    let mut gone = gone.peekable();
    if gone.peek().is_none() {
        return Ok(());
    }
    let mut meta = transaction.open_table(REFUSAL_META)?;
    let mut table = transaction.open_table(REFUSALS)?;
    for realm in gone.map(RealmName::as_str) {
        let kept = meta.remove(realm)?.map(|entry| entry.value());
        let (oldest, next) = kept.unwrap_or((0, 0));
        for sequence in oldest..next {
            table.remove((realm, sequence))?;
        }
    }
    Ok(())
}
