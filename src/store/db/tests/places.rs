//! Rows that were moved, removed or replaced behind the store's back.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable};
use tempfile::TempDir;

use super::history::everything;
use crate::domain::catalog::Catalog;
use crate::domain::command::Command;
use crate::store::db::{STORE_FILE, Store};
use crate::store::error::StoreError;
use crate::store::reading::AuditFilter;
use crate::store::row::codec::RowError;
use crate::store::tables::{ACCOUNTS, AUDIT, INSTALLATIONS, REALMS, TOKENS, Table};
use crate::store::workshop::{Draft, master_key, now, realm};

/// A store with everything in it, and the realm `globex` besides.
fn stored() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&file(&directory), &master_key(), now()).unwrap();
    let mut draft = everything();
    draft.apply(&Command::CreateRealm {
        realm: realm("globex"),
    });
    draft.commit(&store).unwrap();
    directory
}

fn file(directory: &TempDir) -> std::path::PathBuf {
    directory.path().join(STORE_FILE)
}

/// Changes the file behind the store's back.
fn meddle(path: &Path, act: impl FnOnce(&redb::WriteTransaction)) {
    let database = Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    act(&transaction);
    transaction.commit().unwrap();
}

fn error(directory: &TempDir) -> StoreError {
    let store = Store::open(&file(directory), &master_key(), now()).unwrap();
    store.load().unwrap_err()
}

fn load(directory: &TempDir) -> Catalog {
    let store = Store::open(&file(directory), &master_key(), now()).unwrap();
    store.load().unwrap()
}

fn account_row(path: &Path, name: &str) -> Vec<u8> {
    let database = Database::open(path).unwrap();
    let table = database.begin_read().unwrap().open_table(ACCOUNTS).unwrap();
    let row = table.get(("acme", name)).unwrap().unwrap();
    row.value().to_vec()
}

#[test]
fn notices_rows_that_were_swapped() {
    let directory = stored();
    let path = file(&directory);
    let (one, two) = (
        account_row(&path, "secret-0"),
        account_row(&path, "secret-2"),
    );
    meddle(&path, |transaction| {
        let mut accounts = transaction.open_table(ACCOUNTS).unwrap();
        accounts
            .insert(("acme", "secret-0"), two.as_slice())
            .unwrap();
        accounts
            .insert(("acme", "secret-2"), one.as_slice())
            .unwrap();
    });
    let catalog = load(&directory);
    let why = catalog.realms["acme"].unreadable.as_deref().unwrap();
    assert!(why.contains("acme/secret-0 of accounts"), "{why}");
    assert!(catalog.realms["globex"].unreadable.is_none());
}

#[test]
fn notices_trust_that_was_copied_to_another_realm() {
    let directory = stored();
    meddle(&file(&directory), |transaction| {
        let mut installations = transaction.open_table(INSTALLATIONS).unwrap();
        let row = installations
            .get(("acme", 1))
            .unwrap()
            .unwrap()
            .value()
            .to_vec();
        installations.insert(("globex", 1), row.as_slice()).unwrap();
    });
    let catalog = load(&directory);
    let globex = &catalog.realms["globex"];
    let why = globex.unreadable.as_deref().unwrap();
    assert!(why.contains("globex/1 of installations"), "{why}");
    assert!(globex.installations.is_empty());
    assert!(catalog.realms["acme"].unreadable.is_none());
}

#[test]
fn a_realm_that_cannot_be_read_takes_no_changes_and_keeps_its_name() {
    let directory = stored();
    meddle(&file(&directory), |transaction| {
        let mut realms = transaction.open_table(REALMS).unwrap();
        let mut row = realms.get("globex").unwrap().unwrap().value().to_vec();
        *row.last_mut().unwrap() ^= 1;
        realms.insert("globex", row.as_slice()).unwrap();
    });
    let mut draft = Draft::of(load(&directory));
    let globex = realm("globex");
    for command in [
        Command::CreateRealm {
            realm: globex.clone(),
        },
        Command::ResumeRealm {
            realm: globex.clone(),
        },
        Command::DeleteRealm { realm: globex },
    ] {
        assert!(!draft.try_apply(&command), "{command:?}");
    }
}

#[test]
fn notices_a_realm_that_is_missing() {
    let directory = stored();
    meddle(&file(&directory), |transaction| {
        transaction
            .open_table(REALMS)
            .unwrap()
            .remove("acme")
            .unwrap();
    });
    let error = error(&directory);
    assert!(
        matches!(
            error,
            StoreError::Row {
                source: RowError::Orphan,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn says_that_a_newer_realmgate_wrote_a_row() {
    let directory = stored();
    meddle(&file(&directory), |transaction| {
        let mut tokens = transaction.open_table(TOKENS).unwrap();
        let mut row = tokens.get("one").unwrap().unwrap().value().to_vec();
        row[0] = 2;
        tokens.insert("one", row.as_slice()).unwrap();
    });
    let error = error(&directory);
    let newer = matches!(
        &error,
        StoreError::NewerRow {
            table: Table::Tokens,
            version: 2,
            known: 1,
            ..
        }
    );
    assert!(newer, "{error}");
    assert!(error.to_string().contains("newer realmgate"), "{error}");
}

#[test]
fn notices_audit_records_that_were_changed_or_removed() {
    let directory = stored();
    meddle(&file(&directory), |transaction| {
        let mut audit = transaction.open_table(AUDIT).unwrap();
        let mut row = audit.get(2).unwrap().unwrap().value().to_vec();
        let last = row.len() - 1;
        row[last] ^= 1;
        audit.insert(2, row.as_slice()).unwrap();
        audit.remove(1).unwrap();
    });
    let store = Store::open(&file(&directory), &master_key(), now()).unwrap();
    let read = |before| {
        let realm = Some(realm("acme"));
        store.audit(&AuditFilter {
            realm,
            before: Some(before),
            limit: 1,
        })
    };
    assert!(matches!(read(3), Err(StoreError::Row { table: Table::Audit, row, .. }) if row == "2"));
    assert!(matches!(read(2), Err(StoreError::Row { table: Table::Audit, row, .. }) if row == "1"));
    assert_eq!(read(4).unwrap().len(), 1);
}
