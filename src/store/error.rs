//! What can go wrong with the store, in sentences that say what to do.

use std::io;
use std::path::{Path, PathBuf};

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

use crate::store::row::codec::RowError;
use crate::store::seal::SealError;
use crate::store::tables::Table;

/// Why the store cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error(
        "the store {} is in use by another realmgate: stop that one, or give this one another data directory",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be opened or made.
    #[error(
        "the store {} cannot be opened ({source}): check that its directory exists and belongs to the user that runs realmgate",
        path.display()
    )]
    Unopenable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of some other kind.
    #[error("{} is not a realmgate store: check the data directory, or move that file away", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// A layout that only a later realmgate knows.
    #[error(
        "the data directory of {} was written by a newer realmgate (store format {format}, known up to {known}): start that version, or restore a backup made by this one",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's format.
        format: u32,
        /// The latest format known here.
        known: u32,
    },
    /// A row that only a later realmgate knows.
    #[error(
        "the data directory of {} was written by a newer realmgate (row {row} of {table} has version {version}, known up to {known}): start that version, or restore a backup made by this one",
        path.display()
    )]
    NewerRow {
        /// The file.
        path: PathBuf,
        /// The row's table.
        table: Table,
        /// The row's key.
        row: String,
        /// The row's version.
        version: u8,
        /// The latest version known here.
        known: u8,
    },
    /// Not the key that the store was made with.
    #[error(
        "the master key is not the one that the store {} was made with: give that one, nothing in the store can be read with another",
        path.display()
    )]
    WrongMasterKey {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what was written.
    #[error("the store {} is damaged ({damage}): stop realmgate and restore the file from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How that was noticed.
        damage: Damage,
    },
    /// A row that cannot be read.
    #[error(
        "the row {row} of {table} in the store {} cannot be read ({source}): stop realmgate and restore the file from a backup",
        path.display()
    )]
    Row {
        /// The file.
        path: PathBuf,
        /// The row's table.
        table: Table,
        /// The row's key.
        row: String,
        /// Why.
        source: RowError,
    },
    /// A row that cannot be made.
    #[error(
        "the row {row} of {table} cannot be made ({source}), so nothing was changed: report this as a bug"
    )]
    Unencodable {
        /// The row's table.
        table: Table,
        /// The row's key.
        row: String,
        /// Why.
        source: RowError,
    },
    /// The store cannot be read.
    #[error("the store {} cannot be read ({source}): check its disk", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: redb::Error,
    },
    /// A change could not be written. Nothing of it was stored.
    #[error(
        "the change could not be written to the store {} ({source}), so nothing was changed: free some space or mend the disk, then try again",
        path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: redb::Error,
    },
    /// The disk would not confirm what was written. Whether the change was stored shows at the next start.
    #[error(
        "the disk did not confirm what was written to the store {} ({source}), and whether the change was stored shows at the next start: no more changes are taken; check the disk, then restart realmgate",
        path.display()
    )]
    Unsynced {
        /// The file.
        path: PathBuf,
        /// Why.
        source: redb::Error,
    },
    /// After [`StoreError::Unsynced`].
    #[error(
        "the store {} takes no more changes, since its disk failed to confirm an earlier one: check the disk, then restart realmgate",
        path.display()
    )]
    Stopped {
        /// The file.
        path: PathBuf,
    },
    /// A change made from an older catalog than the stored one.
    #[error(
        "the change was made from revision {next}, but revision {stored} is stored already, so nothing was changed: try again"
    )]
    StaleRevision {
        /// The stored revision.
        stored: u64,
        /// The revision that was to be stored.
        next: u64,
    },
    /// The cryptographic library failed.
    #[error("{0}")]
    Seal(#[from] SealError),
}

/// How damage was noticed.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// The file has no content.
    #[error("it is empty")]
    Empty,
    /// By redb.
    #[error("{0}")]
    Structure(redb::Error),
    /// By a panic inside redb, which trusts the structure of a file that was closed well.
    #[error("its structure contradicts itself")]
    Contradiction,
    /// What the store keeps of itself.
    #[error("its entry '{key}' is missing or spoilt")]
    Meta {
        /// Which entry.
        key: &'static str,
    },
}

/// What went wrong inside of a transaction, before it is known what it was for.
#[derive(Debug)]
pub(crate) enum Fault {
    Storage(redb::Error),
    Panicked,
    Meta {
        key: &'static str,
    },
    Row {
        table: Table,
        row: String,
        source: RowError,
    },
    Unencodable {
        table: Table,
        row: String,
        source: RowError,
    },
    StaleRevision {
        stored: u64,
        next: u64,
    },
    Seal(SealError),
}

impl Fault {
    /// As the reason why a store cannot be opened.
    pub(crate) fn opening(self, path: &Path) -> StoreError {
        let Self::Storage(error) = self else {
            return self.reading(path);
        };
        let path = path.to_owned();
        if matches!(error, redb::Error::DatabaseAlreadyOpen) {
            return StoreError::InUse { path };
        }
        let redb::Error::Io(source) = error else {
            let damage = Damage::Structure(error);
            return StoreError::Damaged { path, damage };
        };
        if source.kind() == io::ErrorKind::InvalidData {
            return StoreError::NotAStore { path };
        }
        if source.kind() == io::ErrorKind::UnexpectedEof {
            let damage = Damage::Structure(redb::Error::Io(source));
            return StoreError::Damaged { path, damage };
        }
        StoreError::Unopenable { path, source }
    }

    /// As the reason why something cannot be read.
    pub(crate) fn reading(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Storage(source @ redb::Error::Corrupted(_)) => StoreError::Damaged {
                path,
                damage: Damage::Structure(source),
            },
            Self::Storage(source) => StoreError::Read { path, source },
            Self::Panicked => StoreError::Damaged {
                path,
                damage: Damage::Contradiction,
            },
            Self::Meta { key } => StoreError::Damaged {
                path,
                damage: Damage::Meta { key },
            },
            Self::Row {
                table,
                row,
                source: RowError::Newer { version, known },
            } => StoreError::NewerRow {
                path,
                table,
                row,
                version,
                known,
            },
            Self::Row { table, row, source } => StoreError::Row {
                path,
                table,
                row,
                source,
            },
            Self::Unencodable { table, row, source } => {
                StoreError::Unencodable { table, row, source }
            }
            Self::StaleRevision { stored, next } => StoreError::StaleRevision { stored, next },
            Self::Seal(source) => StoreError::Seal(source),
        }
    }

    /// As the reason why a change cannot be written.
    pub(crate) fn writing(self, path: &Path) -> StoreError {
        let Self::Storage(source) = self else {
            return self.reading(path);
        };
        if matches!(source, redb::Error::Corrupted(_)) {
            return Self::Storage(source).reading(path);
        }
        let path = path.to_owned();
        StoreError::Write { path, source }
    }

    /// As the reason why it is not known whether a change was written.
    pub(crate) fn syncing(self, path: &Path) -> StoreError {
        let Self::Storage(source) = self else {
            return self.reading(path);
        };
        let path = path.to_owned();
        StoreError::Unsynced { path, source }
    }

    /// Whether the database has to be opened anew before it is used again.
    pub(crate) const fn breaks_the_database(&self) -> bool {
        matches!(self, Self::Storage(_) | Self::Panicked)
    }
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        Self::Storage(error.into())
    }
}

impl From<TableError> for Fault {
    fn from(error: TableError) -> Self {
        Self::Storage(error.into())
    }
}

impl From<TransactionError> for Fault {
    fn from(error: TransactionError) -> Self {
        Self::Storage(error.into())
    }
}

impl From<CommitError> for Fault {
    fn from(error: CommitError) -> Self {
        Self::Storage(error.into())
    }
}

impl From<DatabaseError> for Fault {
    fn from(error: DatabaseError) -> Self {
        Self::Storage(error.into())
    }
}

impl From<SealError> for Fault {
    fn from(error: SealError) -> Self {
        Self::Seal(error)
    }
}
