//! Reading lists that were dropped into a folder: `<folder>/<realm>/<environment>/*.crl`, `.pem` or `.der`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::control::refreshing::{Origin, SourceKey};
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::revocation::LISTS_MAX;
use crate::pki::crl::{self, Crl, InvalidCrl};

/// How many files are looked at, over all realms.
const FILES_MAX: usize = 20_000;
/// How many entries of one directory are looked at.
const ENTRIES_MAX: usize = 20_000;
/// How many names that are no realm's are told.
const STRANGERS_MAX: usize = 1_000;

/// What tells that a file is another one than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
    written: (i64, i64),
}

impl Print {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            bytes: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            written: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it really is.
    pub path: PathBuf,
    /// What it is now.
    pub print: Print,
}

/// Why the lists of a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system does not give it.
    #[error("it cannot be read ({0}): check its owner and mode")]
    Unreadable(#[from] io::Error),
    /// It is too large.
    #[error("it has more than {most} bytes: raise crl_fetch_bytes_max, or have it split")]
    TooLarge {
        /// How large it may be, in bytes.
        most: usize,
    },
    /// It changed while it was read.
    #[error("it is being written: it is read again at once")]
    BeingWritten,
    /// It holds something else.
    #[error("it holds no revocation list: {0}")]
    NotALists(#[from] InvalidCrl),
}

impl FileError {
    /// A stable kebab-case code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::TooLarge { .. } => "too-large",
            Self::BeingWritten => "being-written",
            Self::NotALists(_) => "not-a-list",
        }
    }
}

/// What was told of a folder before, so that it is told once.
#[derive(Debug, Default)]
pub struct Told {
    strangers: BTreeSet<String>,
    unreadable: bool,
}

/// Every file of a realm that is there, by realm, environment and name. Blocks.
pub fn look(
    folder: &Path,
    is_realm: impl Fn(&RealmName) -> bool,
    told: &mut Told,
) -> BTreeMap<SourceKey, Found> {
    let mut found = BTreeMap::new();
    let root = match fs::canonicalize(folder).and_then(|root| {
        fs::read_dir(&root)?;
        Ok(root)
    }) {
        Ok(root) => root,
        Err(error) => {
            if !std::mem::replace(&mut told.unreadable, true) {
                tracing::warn!(folder = %folder.display(), %error, "the folder of revocation lists (crl_dir) cannot be read");
            }
            return found;
        }
    };
    told.unreadable = false;
    for name in names(&root) {
        let realm = RealmName::parse(&name).ok().filter(&is_realm);
        let Some(realm) = realm else {
            let is_new =
                told.strangers.len() < STRANGERS_MAX && told.strangers.insert(name.clone());
            if is_new {
                tracing::warn!(folder = %folder.display(), name = %name.escape_debug(), "no realm has the name of this entry of the folder of revocation lists (crl_dir)");
            }
            continue;
        };
        told.strangers.remove(&name);
        for environment in Environment::ALL {
            let place = root.join(&name).join(environment.as_str());
            let mut here = 0_usize;
            for file in names(&place) {
                if found.len() >= FILES_MAX || here >= LISTS_MAX {
                    break;
                }
                if let Some(one) = file_of(&root, &place, &file) {
                    here = here.saturating_add(1);
                    let key = SourceKey {
                        realm: realm.clone(),
                        environment,
                        origin: Origin::File(file.escape_debug().collect()),
                    };
                    found.insert(key, one);
                }
            }
        }
    }
    found
}

/// The names in a directory, in order; hidden ones are none.
fn names(directory: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return BTreeSet::new();
    };
    let names = entries
        .take(ENTRIES_MAX)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| !name.starts_with('.')).collect()
}

/// A regular file with the ending of a list. A symbolic link may lead to one inside of the folder, as those of mounted
/// volumes do, and nowhere else.
fn file_of(root: &Path, place: &Path, name: &str) -> Option<Found> {
    let ending = Path::new(name).extension()?.to_str()?;
    if !["crl", "pem", "der"].contains(&ending) {
        return None;
    }
    let path = fs::canonicalize(place.join(name)).ok()?;
    let metadata = fs::metadata(&path).ok()?;
    let is_inside = path.starts_with(root);
    (is_inside && metadata.is_file()).then(|| Found {
        print: Print::of(&metadata),
        path,
    })
}

/// The lists of a file. Blocks.
///
/// # Errors
/// [`FileError`].
pub fn read(found: &Found, bytes_max: usize) -> Result<Vec<Crl>, FileError> {
    let mut file = File::open(&found.path)?;
    if Print::of(&file.metadata()?) != found.print {
        return Err(FileError::BeingWritten);
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let mut bounded = Read::by_ref(&mut file).take(most.saturating_add(1));
    bounded.read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        return Err(FileError::TooLarge { most: bytes_max });
    }
    if Print::of(&file.metadata()?) != found.print {
        return Err(FileError::BeingWritten);
    }
    Ok(crl::read_crls(&bytes, LISTS_MAX)?)
}
