//! What is read while the server runs: the audit and the refusal journals, newest first, by index.

use crate::clock::Moment;
use crate::domain::audit::AuditRecord;
use crate::domain::name::RealmName;
use crate::domain::refusal::RefusalRecord;
use crate::store::db::Store;
use crate::store::error::{Fault, StoreError};
use crate::store::loading::at;
use crate::store::row;
use crate::store::row::codec::RowError;
use crate::store::seal::TableKeys;
use crate::store::tables::{AUDIT, AUDIT_BY_REALM, REFUSALS, Table};

/// Which audit records are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of one realm only. Records of a former realm of that name are among them.
    pub realm: Option<RealmName>,
    /// Those with a lower sequence only; to read on from the last one read.
    pub before: Option<u64>,
    /// How many at most.
    pub limit: usize,
}

impl Store {
    /// Audit records, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be read.
    pub fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRecord>, StoreError> {
        let end = filter.before.unwrap_or(u64::MAX);
        self.read(|transaction| {
            let keys = self.keys.table(Table::Audit)?;
            let audit = transaction.open_table(AUDIT)?;
            let Some(realm) = filter.realm.as_ref().map(RealmName::as_str) else {
                let newest = audit.range(..end)?.rev().take(filter.limit);
                return newest
                    .map(|entry| {
                        let (sequence, row) = entry?;
                        record(&keys, sequence.value(), row.value())
                    })
                    .collect();
            };
            let by_realm = transaction.open_table(AUDIT_BY_REALM)?;
            let newest = by_realm
                .range((realm, 0)..(realm, end))?
                .rev()
                .take(filter.limit);
            newest
                .map(|entry| {
                    let (_, sequence) = entry?.0.value();
                    match audit.get(sequence)? {
                        Some(row) => record(&keys, sequence, row.value()),
                        None => record(&keys, sequence, &[]),
                    }
                })
                .collect()
        })
    }

    /// When the last audit record was made; a clock that tells less than that is wrong.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be read.
    pub fn last_audit_moment(&self) -> Result<Option<Moment>, StoreError> {
        let filter = AuditFilter {
            realm: None,
            before: None,
            limit: 1,
        };
        Ok(self.audit(&filter)?.first().map(|record| record.at))
    }

    /// Refusals of a realm with their sequences, newest first; without a realm those of the operator's own journal.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be read.
    pub fn refusals(
        &self,
        realm: Option<&RealmName>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, RefusalRecord)>, StoreError> {
        let realm = realm.map_or("", RealmName::as_str);
        let end = before.unwrap_or(u64::MAX);
        self.read(|transaction| {
            let keys = self.keys.table(Table::Refusals)?;
            let refusals = transaction.open_table(REFUSALS)?;
            let newest = refusals.range((realm, 0)..(realm, end))?.rev().take(limit);
            newest
                .map(|entry| {
                    let (key, row) = entry?;
                    let (realm, sequence) = key.value();
                    let object = sequence.to_string();
                    let seal = keys.at(realm, &object);
                    let refusal = row::refusal::decode(realm, row.value(), &seal);
                    Ok((sequence, refusal.map_err(at(&seal))?))
                })
                .collect()
        })
    }
}

fn record(keys: &TableKeys, sequence: u64, row: &[u8]) -> Result<AuditRecord, Fault> {
    let object = sequence.to_string();
    let seal = keys.at("", &object);
    let read: Result<AuditRecord, RowError> = row::audit::decode(sequence, row, &seal);
    read.map_err(at(&seal))
}
