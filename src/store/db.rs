//! The store itself: opening it, and the two ways in, reading and writing.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redb::backends::FileBackend;
use redb::{
    Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend,
    StorageError, TableError, WriteTransaction,
};

use crate::clock::Moment;
use crate::store::backend::{Disk, Scratch};
use crate::store::error::{Damage, Fault, StoreError};
use crate::store::master_key::{MasterKey, sync_directory_of};
use crate::store::seal::{KeyCheckError, SealError, StoreKeys};
use crate::store::tables::{
    ACCOUNTS, ANCHORS_SEEN, AUDIT, AUDIT_BY_REALM, CLIENTS_SEEN, CLIENTS_SEEN_AT, CONNECTIONS,
    CRL_SOURCES, CRLS, DENIALS, DEPLOYMENTS, FORMAT, IDENTITIES, INSTALLATIONS, META, META_CREATED,
    META_FORMAT, META_KEY_CHECK, META_REVISION, PIPELINES, REALMS, REFUSAL_META, REFUSALS, TOKENS,
    TRUST_POLICIES,
};

/// The name of the store's file in the data directory.
pub const STORE_FILE: &str = "realmgate.redb";

/// How much of the file redb keeps in memory at most, in bytes. What serves is compiled from the store once, at the
/// start; after that the operating system's own cache is near enough.
const CACHE_BYTES: usize = 2 << 20;

/// The store. Its calls block; it may be used from several threads at once, and reads do not wait for writes.
///
/// Dropping it closes the file cleanly.
pub struct Store {
    path: PathBuf,
    disk: Disk,
    pub(crate) keys: StoreKeys,
    /// Held while something is written or the database is opened anew.
    writing: Mutex<()>,
    /// Readers hold it for as long as they use the database, so that it is closed before it is opened anew.
    database: RwLock<Handle>,
}

/// The database, as far as it is open.
struct Handle {
    database: Option<Database>,
    /// Not so after a write that failed: then it reads what the disk has, and the next write begins with opening it anew.
    writable: bool,
}

impl Handle {
    const CLOSED: Self = Self {
        database: None,
        writable: false,
    };

    fn open(storage: impl StorageBackend, writable: bool) -> Result<Self, Fault> {
        guarded(|| {
            let mut builder = Builder::new();
            builder.set_cache_size(CACHE_BYTES);
            let database = Some(builder.create_with_backend(storage)?);
            Ok(Self { database, writable })
        })
    }

    fn database(&self) -> Result<&Database, Fault> {
        let closed = Fault::Storage(redb::Error::DatabaseClosed);
        self.database.as_ref().ok_or(closed)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let database = self.database.take();
        // Closing writes, so it can fail; the next start then recovers what was committed.
        let _ = guarded(|| {
            drop(database);
            Ok(())
        });
    }
}

impl Store {
    /// Opens the store in the file `path`, or makes it (mode 0600) where there is none. `now` is noted in a new one.
    ///
    /// # Errors
    /// [`StoreError`]: in use by another process, not openable, no store, damaged, of a newer realmgate, or the wrong
    /// master key.
    pub fn open(path: &Path, key: &MasterKey, now: Moment) -> Result<Self, StoreError> {
        let unopenable = |source| StoreError::Unopenable {
            path: path.to_owned(),
            source,
        };
        match fs::metadata(path) {
            Ok(present) if present.len() == 0 => {
                return Err(StoreError::Damaged {
                    path: path.to_owned(),
                    damage: Damage::Empty,
                });
            }
            Ok(_) => {}
            Err(source) if source.kind() == io::ErrorKind::NotFound => create(path, key, now)?,
            Err(source) => return Err(unopenable(source)),
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(unopenable)?;
        let storage = FileBackend::new(file).map_err(|error| Fault::from(error).opening(path))?;
        Self::open_on(path, storage, key, None)
    }

    /// Opens the store in `storage`, or makes it where that is empty; for tests of what a disk can do.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with_backend(
        storage: impl StorageBackend,
        key: &MasterKey,
        now: Moment,
    ) -> Result<Self, StoreError> {
        Self::open_on(Path::new(STORE_FILE), storage, key, Some(now))
    }

    /// Opens the store in `storage`; where there is none, `create` says whether, and when, one is made.
    fn open_on(
        path: &Path,
        storage: impl StorageBackend,
        key: &MasterKey,
        create: Option<Moment>,
    ) -> Result<Self, StoreError> {
        let disk = Disk::new(storage);
        let opening = |fault: Fault| fault.opening(path);
        let handle = Handle::open(disk.clone(), true).map_err(opening)?;
        let meta = guarded(|| read_meta(&handle.database()?.begin_read()?)).map_err(opening)?;
        let keys = match (meta, create) {
            (Some(meta), _) => {
                let keys = open_keys(path, &meta, key)?;
                if meta.format() != Some(FORMAT) {
                    guarded(|| upgrade(handle.database()?)).map_err(opening)?;
                }
                keys
            }
            (None, None) => {
                return Err(StoreError::NotAStore {
                    path: path.to_owned(),
                });
            }
            (None, Some(now)) => {
                let (keys, key_check) = StoreKeys::create(key)?;
                guarded(|| initialise(handle.database()?, &key_check, now)).map_err(opening)?;
                keys
            }
        };
        Ok(Self {
            path: path.to_owned(),
            disk,
            keys,
            writing: Mutex::new(()),
            database: RwLock::new(handle),
        })
    }

    /// Where the store is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads in one transaction. Where the database is broken by an earlier failure, it is opened anew and read again.
    pub(crate) fn read<R>(
        &self,
        act: impl Fn(&ReadTransaction) -> Result<R, Fault>,
    ) -> Result<R, StoreError> {
        let read = self.try_read(&act).or_else(|fault| {
            if !fault.breaks_the_database() {
                return Err(fault);
            }
            let _alone = self.alone();
            // Somebody else may have opened it anew by now.
            self.try_read(&act).or_else(|_| {
                self.fall_back_to_reading();
                self.try_read(&act)
            })
        });
        read.map_err(|fault| fault.reading(&self.path))
    }

    /// Writes in one durable transaction: synced when this returns, or not there at all. Where committing fails, `landed`
    /// is asked whether the transaction is stored nevertheless.
    pub(crate) fn write<R>(
        &self,
        act: impl FnOnce(&WriteTransaction) -> Result<R, Fault>,
        landed: impl FnOnce(&ReadTransaction) -> Result<bool, Fault>,
    ) -> Result<R, StoreError> {
        let _alone = self.alone();
        self.make_writable()?;
        let mut prepared = None;
        let written = {
            let handle = self.handle();
            guarded(|| {
                let transaction = handle.database()?.begin_write()?;
                prepared = Some(act(&transaction)?);
                Ok(transaction.commit()?)
            })
        };
        let fault = match (written, prepared) {
            (Ok(()), Some(result)) => return Ok(result),
            (Ok(()), None) => Fault::Panicked,
            (Err(fault), _) if !fault.breaks_the_database() => fault,
            (Err(fault), prepared) => {
                self.fall_back_to_reading();
                if self.disk.sync_failed() {
                    return Err(fault.syncing(&self.path));
                }
                match prepared {
                    // Only the end of the commit failed, such as giving space back.
                    Some(result) if self.try_read(landed).unwrap_or(false) => {
                        let synced = self.disk.sync_data().map_err(StorageError::Io);
                        synced.map_err(|error| Fault::from(error).syncing(&self.path))?;
                        return Ok(result);
                    }
                    Some(_) | None => fault,
                }
            }
        };
        Err(fault.writing(&self.path))
    }

    fn try_read<R>(
        &self,
        act: impl FnOnce(&ReadTransaction) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let handle = self.handle();
        guarded(|| act(&handle.database()?.begin_read()?))
    }

    /// Opens the database anew after a failed write. Only for who is [`Store::alone`].
    fn make_writable(&self) -> Result<(), StoreError> {
        if self.disk.sync_failed() {
            return Err(StoreError::Stopped {
                path: self.path.clone(),
            });
        }
        let fault = {
            let mut handle = self.handle_mut();
            if handle.writable {
                return Ok(());
            }
            // The former one has to be gone before another one opens.
            *handle = Handle::CLOSED;
            match Handle::open(self.disk.clone(), true) {
                Ok(opened) => {
                    *handle = opened;
                    return Ok(());
                }
                Err(fault) => fault,
            }
        };
        self.fall_back_to_reading();
        Err(if self.disk.sync_failed() {
            fault.syncing(&self.path)
        } else {
            fault.writing(&self.path)
        })
    }

    /// Goes on with what the disk has, without writing to it. Only for who is [`Store::alone`].
    fn fall_back_to_reading(&self) {
        let mut handle = self.handle_mut();
        *handle = Handle::CLOSED;
        if let Ok(scratch) = Scratch::over(self.disk.clone())
            && let Ok(opened) = Handle::open(scratch, false)
        {
            *handle = opened;
        }
    }

    /// Keeps everybody else from writing, and from opening the database anew.
    fn alone(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self) -> RwLockReadGuard<'_, Handle> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle_mut(&self) -> RwLockWriteGuard<'_, Handle> {
        self.database
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Runs `act`, and makes a fault of a panic: redb trusts the structure of a file that was closed well, and panics where
/// the file was spoilt since.
fn guarded<R>(act: impl FnOnce() -> Result<R, Fault>) -> Result<R, Fault> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or(Err(Fault::Panicked))
}

/// Makes a store beside its place and moves it there when it is whole, so that `path` never is half a store.
fn create(path: &Path, key: &MasterKey, now: Moment) -> Result<(), StoreError> {
    let unopenable = |source| StoreError::Unopenable {
        path: path.to_owned(),
        source,
    };
    let draft = path.with_file_name(format!(".{STORE_FILE}.{}", std::process::id()));
    // One may be left of a start that was cut off.
    let _ = fs::remove_file(&draft);
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft);
    let storage = FileBackend::new(file.map_err(unopenable)?);
    let storage = storage.map_err(|error| Fault::from(error).opening(path))?;
    let made = Store::open_on(path, storage, key, Some(now)).map(drop);
    let linked = made.and_then(|()| match fs::hard_link(&draft, path) {
        // Another process was faster: its store is the one, and opening it will tell.
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map_err(unopenable),
    });
    let removed = fs::remove_file(&draft);
    linked?;
    removed.map_err(unopenable)?;
    sync_directory_of(path).map_err(unopenable)
}

struct Meta {
    format: Option<Vec<u8>>,
    key_check: Option<Vec<u8>>,
}

impl Meta {
    fn format(&self) -> Option<u32> {
        let bytes = self.format.as_deref()?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    }
}

/// What the store keeps of itself; nothing where the database has no tables yet.
fn read_meta(transaction: &ReadTransaction) -> Result<Option<Meta>, Fault> {
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) if transaction.list_tables()?.next().is_none() => {
            return Ok(None);
        }
        Err(TableError::Storage(error)) => return Err(error.into()),
        Err(_) => return Err(Fault::Meta { key: META_FORMAT }),
    };
    let entry = |key| -> Result<Option<Vec<u8>>, Fault> {
        Ok(meta.get(key)?.map(|entry| entry.value().to_vec()))
    };
    Ok(Some(Meta {
        format: entry(META_FORMAT)?,
        key_check: entry(META_KEY_CHECK)?,
    }))
}

fn open_keys(path: &Path, meta: &Meta, key: &MasterKey) -> Result<StoreKeys, StoreError> {
    let path = path.to_owned();
    let Some(format) = meta.format() else {
        return Err(StoreError::Damaged {
            path,
            damage: Damage::Meta { key: META_FORMAT },
        });
    };
    if format > FORMAT {
        return Err(StoreError::Newer {
            path,
            format,
            known: FORMAT,
        });
    }
    match StoreKeys::open(key, meta.key_check.as_deref().unwrap_or_default()) {
        Ok(keys) => Ok(keys),
        Err(KeyCheckError::WrongKey) => Err(StoreError::WrongMasterKey { path }),
        Err(KeyCheckError::Damaged) => Err(StoreError::Damaged {
            path,
            damage: Damage::Meta {
                key: META_KEY_CHECK,
            },
        }),
        Err(KeyCheckError::Library) => Err(StoreError::Seal(SealError::Library)),
    }
}

/// Makes every table, so that reading never meets a missing one, and notes what the store keeps of itself.
fn initialise(database: &Database, key_check: &[u8], now: Moment) -> Result<(), Fault> {
    let transaction = database.begin_write()?;
    {
        let mut meta = transaction.open_table(META)?;
        meta.insert(META_FORMAT, FORMAT.to_le_bytes().as_slice())?;
        meta.insert(META_KEY_CHECK, key_check)?;
        meta.insert(META_REVISION, 0_u64.to_le_bytes().as_slice())?;
        meta.insert(META_CREATED, now.unix_millis().to_le_bytes().as_slice())?;
        transaction.open_table(REALMS)?;
        transaction.open_table(ACCOUNTS)?;
        transaction.open_table(INSTALLATIONS)?;
        transaction.open_table(TRUST_POLICIES)?;
        transaction.open_table(CRLS)?;
        transaction.open_table(DENIALS)?;
        transaction.open_table(CRL_SOURCES)?;
        transaction.open_table(PIPELINES)?;
        transaction.open_table(DEPLOYMENTS)?;
        transaction.open_table(CONNECTIONS)?;
        transaction.open_table(TOKENS)?;
        transaction.open_table(IDENTITIES)?;
        transaction.open_table(AUDIT)?;
        transaction.open_table(AUDIT_BY_REALM)?;
        transaction.open_table(REFUSALS)?;
        transaction.open_table(REFUSAL_META)?;
        transaction.open_table(CLIENTS_SEEN)?;
        transaction.open_table(CLIENTS_SEEN_AT)?;
        transaction.open_table(ANCHORS_SEEN)?;
    }
    Ok(transaction.commit()?)
}

/// Gives a store of an earlier layout the tables that it lacks.
fn upgrade(database: &Database) -> Result<(), Fault> {
    let transaction = database.begin_write()?;
    {
        transaction.open_table(TRUST_POLICIES)?;
        transaction.open_table(CRLS)?;
        transaction.open_table(DENIALS)?;
        transaction.open_table(CRL_SOURCES)?;
        transaction.open_table(CLIENTS_SEEN)?;
        transaction.open_table(CLIENTS_SEEN_AT)?;
        transaction.open_table(ANCHORS_SEEN)?;
        let mut meta = transaction.open_table(META)?;
        meta.insert(META_FORMAT, FORMAT.to_le_bytes().as_slice())?;
    }
    Ok(transaction.commit()?)
}

/// The stored revision of the catalog.
pub(crate) fn stored_revision(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<u64, Fault> {
    let entry = meta.get(META_REVISION)?;
    let bytes = entry
        .as_ref()
        .and_then(|entry| entry.value().try_into().ok());
    bytes
        .map(u64::from_le_bytes)
        .ok_or(Fault::Meta { key: META_REVISION })
}

#[cfg(test)]
mod tests;
