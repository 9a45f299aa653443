//! Opening: what is there, what is not, what is somebody else's, and what is damaged.

use std::fs::{self, OpenOptions};
use std::io;
use std::ops::Bound;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::backends::FileBackend;
use redb::{BackendError, Database, ReadableDatabase, StorageBackend};

use super::history::everything;
use crate::domain::catalog::Catalog;
use crate::domain::command::Command;
use crate::store::backend::Disk;
use crate::store::db::{STORE_FILE, Store};
use crate::store::error::{Damage, StoreError};
use crate::store::master_key::MasterKey;
use crate::store::tables::{CRL_SOURCES, CRLS, FORMAT, META, META_FORMAT, REALMS, TRUST_POLICIES};
use crate::store::workshop::{
    Chance, Draft, Misbehaviour, SimulatedDisk, assert_same, master_key, now, realm,
};

#[test]
fn is_made_private_and_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(STORE_FILE);
    let store = Store::open(&path, &master_key(), now()).unwrap();
    assert_same(&store.load().unwrap(), &Catalog::default());
    assert_eq!(store.last_audit_moment().unwrap(), None);
    assert_eq!(store.path(), path);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        1,
        "no draft is left"
    );
}

#[test]
fn refuses_a_second_one_and_names_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(STORE_FILE);
    let first = Store::open(&path, &master_key(), now()).unwrap();
    let error = Store::open(&path, &master_key(), now()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
    // Also where the other one goes through a backend of its own.
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    let wrapped = Disk::new(FileBackend::new(file).unwrap());
    let error = Store::open_with_backend(wrapped, &master_key(), now()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    drop(first);
    Store::open(&path, &master_key(), now()).unwrap();
}

#[test]
fn still_refuses_a_second_one_after_a_write_that_failed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(STORE_FILE);
    drop(Store::open(&path, &master_key(), now()).unwrap());
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    let disk = Faulty {
        file: FileBackend::new(file).unwrap(),
        full: Default::default(),
    };
    let full = disk.full.clone();
    let first = Store::open_with_backend(disk, &master_key(), now()).unwrap();
    let mut draft = Draft::of(Catalog::default());
    draft.apply(&Command::CreateRealm {
        realm: realm("acme"),
    });
    full.store(true, Ordering::SeqCst);
    draft.commit(&first).unwrap_err();
    let error = Store::open(&path, &master_key(), now()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    full.store(false, Ordering::SeqCst);
    draft.commit(&first).unwrap();
    let error = Store::open(&path, &master_key(), now()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    drop(first);
    let second = Store::open(&path, &master_key(), now()).unwrap();
    assert_same(&second.load().unwrap(), &draft.catalog);
}

#[test]
fn refuses_another_master_key_and_is_unharmed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(STORE_FILE);
    let mut draft = everything();
    draft
        .commit(&Store::open(&path, &master_key(), now()).unwrap())
        .unwrap();
    let wrong = MasterKey::from_bytes([1; 32]);
    let error = Store::open(&path, &wrong, now()).unwrap_err();
    assert!(
        matches!(error, StoreError::WrongMasterKey { .. }),
        "{error}"
    );
    let store = Store::open(&path, &master_key(), now()).unwrap();
    assert_same(&store.load().unwrap(), &draft.catalog);
}

#[test]
fn refuses_files_that_are_no_store() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(STORE_FILE);
    let open = || Store::open(&path, &master_key(), now()).unwrap_err();

    fs::write(&path, b"").unwrap();
    let error = open();
    assert!(
        matches!(
            error,
            StoreError::Damaged {
                damage: Damage::Empty,
                ..
            }
        ),
        "{error}"
    );

    fs::write(&path, "a text file\n".repeat(1000)).unwrap();
    let error = open();
    assert!(matches!(error, StoreError::NotAStore { .. }), "{error}");

    fs::remove_file(&path).unwrap();
    let foreign = Database::create(&path).unwrap();
    let transaction = foreign.begin_write().unwrap();
    transaction
        .open_table(REALMS)
        .unwrap()
        .insert("a", b"b".as_slice())
        .unwrap();
    transaction.commit().unwrap();
    drop(foreign);
    let error = open();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");

    let nowhere = directory.path().join("no/such/directory/realmgate.redb");
    let error = Store::open(&nowhere, &master_key(), now()).unwrap_err();
    assert!(matches!(error, StoreError::Unopenable { .. }), "{error}");
}

#[test]
fn says_that_a_newer_realmgate_wrote_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(STORE_FILE);
    drop(Store::open(&path, &master_key(), now()).unwrap());
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let newer = FORMAT + 1;
    let mut meta = transaction.open_table(META).unwrap();
    meta.insert(META_FORMAT, newer.to_le_bytes().as_slice())
        .unwrap();
    drop(meta);
    transaction.commit().unwrap();
    drop(database);
    let error = Store::open(&path, &master_key(), now()).unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { format, .. } if format == newer),
        "{error}"
    );
    assert!(error.to_string().contains("newer realmgate"), "{error}");
}

#[test]
fn a_store_of_the_first_layout_gets_what_it_lacks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(STORE_FILE);
    let mut draft = Draft::of(Catalog::default());
    draft.apply(&Command::CreateRealm {
        realm: realm("acme"),
    });
    let store = Store::open(&path, &master_key(), now()).unwrap();
    draft.commit(&store).unwrap();
    drop(store);
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    assert!(transaction.delete_table(TRUST_POLICIES).unwrap());
    assert!(transaction.delete_table(CRLS).unwrap());
    assert!(transaction.delete_table(CRL_SOURCES).unwrap());
    let mut meta = transaction.open_table(META).unwrap();
    meta.insert(META_FORMAT, 1_u32.to_le_bytes().as_slice())
        .unwrap();
    drop(meta);
    transaction.commit().unwrap();
    drop(database);
    for _ in 0..2 {
        let store = Store::open(&path, &master_key(), now()).unwrap();
        assert_same(&store.load().unwrap(), &draft.catalog);
    }
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_read().unwrap();
    let meta = transaction.open_table(META).unwrap();
    let format = meta.get(META_FORMAT).unwrap().unwrap();
    assert_eq!(format.value(), FORMAT.to_le_bytes());
}

#[test]
fn a_truncated_file_is_a_clear_error() {
    let disk = SimulatedDisk::default();
    let store = Store::open_with_backend(disk.clone(), &master_key(), now()).unwrap();
    let mut draft = everything();
    draft.commit(&store).unwrap();
    drop(store);
    let content = disk.content();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(STORE_FILE);
    for tenths in 1..10 {
        fs::write(&path, &content[..content.len() * tenths / 10]).unwrap();
        let loaded = Store::open(&path, &master_key(), now()).and_then(|store| store.load());
        let error = loaded.unwrap_err();
        let clear = matches!(
            error,
            StoreError::Damaged { .. } | StoreError::NotAStore { .. }
        );
        assert!(clear, "{tenths}: {error:?}");
    }
}

#[test]
fn a_spoilt_file_gives_an_error_or_what_was_stored_but_nothing_else() {
    let disk = SimulatedDisk::default();
    let store = Store::open_with_backend(disk.clone(), &master_key(), now()).unwrap();
    let mut draft = everything();
    draft.commit(&store).unwrap();
    drop(store);
    let content = disk.content();
    let (mut errors, mut whole) = (0, 0);
    for round in 0..300 {
        let mut chance = Chance(round);
        let mut spoilt = content.clone();
        for _ in 0..=chance.below(20) {
            let place = chance.below(spoilt.len() as u64) as usize;
            spoilt[place] ^= 1 << chance.below(8);
        }
        let spoilt = SimulatedDisk::of(spoilt);
        let opened = Store::open_with_backend(spoilt, &master_key(), now());
        match opened.and_then(|store| store.load()) {
            // What is told of a realm that cannot be read counts for nothing.
            Ok(loaded)
                if loaded
                    .realms
                    .values()
                    .any(|realm| realm.unreadable.is_some()) =>
            {
                errors += 1;
            }
            Ok(loaded) if loaded.revision == draft.catalog.revision => {
                whole += 1;
                assert_same(&loaded, &draft.catalog);
            }
            Ok(loaded) => assert_same(&loaded, &Catalog::default()),
            Err(_) => errors += 1,
        }
    }
    assert!(errors > 10 && whole > 10, "{errors} errors, {whole} whole");
}

#[test]
fn a_store_on_a_full_disk_is_not_half_made() {
    let disk = SimulatedDisk::default();
    disk.misbehave(Misbehaviour::Full(8192));
    let error = Store::open_with_backend(disk.clone(), &master_key(), now()).unwrap_err();
    assert!(matches!(error, StoreError::Unopenable { .. }), "{error}");
    disk.misbehave(Misbehaviour::None);
    Store::open_with_backend(disk, &master_key(), now()).unwrap();
}

/// A file that can be told to take no more writes. It passes redb's locking on.
#[derive(Debug)]
struct Faulty {
    file: FileBackend,
    full: Arc<AtomicBool>,
}

impl StorageBackend for Faulty {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}
