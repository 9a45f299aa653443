//! The master key: what every secret in the store is sealed under.
//!
//! It comes from the environment ([`MasterKey::from_text`]), from a systemd credential ([`MasterKey::load_credential`]),
//! or from a key file in the data directory that is made at the first start ([`MasterKey::load_or_create`]).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::store::db::STORE_FILE;

/// The length of the key, in bytes.
pub const KEY_BYTES: usize = 32;
/// How much of a key file is read at most, in bytes.
const FILE_BYTES_MAX: u64 = 1024;

/// The 256 bits under which the store's secrets are sealed. Overwritten when dropped, never printed.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// A text that is no key.
    #[error(
        "the master key must be 32 bytes, written as 64 hexadecimal digits or as base64; what was given {what}"
    )]
    NotAKey {
        /// What is wrong with it.
        what: WrongText,
    },
    /// A key file whose content is no key.
    #[error(
        "{} is no master key, which is 32 bytes written as 64 hexadecimal digits or as base64 (its content {what}): restore it from your backup",
        path.display()
    )]
    NotAKeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        what: WrongText,
    },
    /// There is no such file.
    #[error("there is no master key at {}: check the path, or restore the file from your backup", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// There is a store, but not its key.
    #[error(
        "{} is there, but its master key {} is not: restore the key from your backup, nothing in the store can be read without it",
        store.display(), path.display()
    )]
    MissingBesideStore {
        /// Where the key should be.
        path: PathBuf,
        /// The store that it belongs to.
        store: PathBuf,
    },
    /// Others than its owner may read the file.
    #[error(
        "the master key {} can be read by others (mode {mode:04o}): run 'chmod 600 {}'", path.display(), path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file cannot be read.
    #[error("the master key {} cannot be read ({source}): check its owner and permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be made.
    #[error("the master key {} cannot be made ({source}): check that its directory exists and can be written to", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No random bytes.
    #[error("the machine gave no random bytes for a master key: check its source of randomness")]
    Random,
}

/// What is wrong with a text that should be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongText {
    /// There is nothing.
    #[error("is empty")]
    Empty,
    /// Neither hexadecimal nor base64.
    #[error("is neither hexadecimal nor base64")]
    Alphabet,
    /// Another length.
    #[error("holds {bytes} bytes")]
    Length {
        /// How many bytes it stands for.
        bytes: usize,
    },
}

impl MasterKey {
    /// The key of these bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new key.
    ///
    /// # Errors
    /// [`MasterKeyError::Random`].
    pub fn generate() -> Result<Self, MasterKeyError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rand::fill(bytes.as_mut_slice()).map_err(|_| MasterKeyError::Random)?;
        Ok(Self(bytes))
    }

    /// Reads a key written as 64 hexadecimal digits, or as base64 of either alphabet; white space around it is ignored.
    ///
    /// # Errors
    /// [`MasterKeyError::NotAKey`].
    pub fn from_text(text: &str) -> Result<Self, MasterKeyError> {
        read(text).map_err(|what| MasterKeyError::NotAKey { what })
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// [`MasterKeyError`], also where the group or others may read the file.
    pub fn load(path: &Path) -> Result<Self, MasterKeyError> {
        Self::load_guarded(path, 0o077)
    }

    /// Reads a systemd credential. What systemd grants to the service's user by an access list shows as the group's
    /// permission, so that is let pass here.
    ///
    /// # Errors
    /// [`MasterKeyError`], also where others may read the file.
    pub fn load_credential(path: &Path) -> Result<Self, MasterKeyError> {
        Self::load_guarded(path, 0o007)
    }

    /// Reads a key file whose mode has none of the bits of `exposing`.
    fn load_guarded(path: &Path, exposing: u32) -> Result<Self, MasterKeyError> {
        let path_buf = || path.to_owned();
        let unreadable = |source: io::Error| {
            let path = path.to_owned();
            if source.kind() == io::ErrorKind::NotFound {
                return MasterKeyError::Missing { path };
            }
            MasterKeyError::Unreadable { path, source }
        };
        let file = File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o7777;
        if mode & exposing != 0 {
            return Err(MasterKeyError::Exposed {
                path: path_buf(),
                mode,
            });
        }
        let mut content = Zeroizing::new(Vec::with_capacity(256));
        file.take(FILE_BYTES_MAX)
            .read_to_end(&mut content)
            .map_err(unreadable)?;
        let text = std::str::from_utf8(&content).map_err(|_| WrongText::Alphabet);
        let key = text.and_then(read);
        key.map_err(|what| MasterKeyError::NotAKeyFile {
            path: path_buf(),
            what,
        })
    }

    /// Reads the key file of a data directory, or makes it (mode 0600) where there is neither key nor store yet.
    ///
    /// # Errors
    /// [`MasterKeyError`]; [`MasterKeyError::MissingBesideStore`] where a store lies beside the missing file.
    pub fn load_or_create(path: &Path) -> Result<Self, MasterKeyError> {
        match Self::load(path) {
            Err(MasterKeyError::Missing { .. }) => {}
            present => return present,
        }
        let store = path.with_file_name(STORE_FILE);
        if store.exists() {
            return Err(MasterKeyError::MissingBesideStore {
                path: path.to_owned(),
                store,
            });
        }
        let key = Self::generate()?;
        match key.create(path) {
            Ok(()) => Ok(key),
            // Somebody else was faster; theirs is the key.
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Self::load(path),
            Err(source) => Err(MasterKeyError::Unwritable {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// The key's bytes.
    pub(crate) fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Writes the whole file beside its place first: at `path` there is never half a key, and never another's replaced.
    fn create(&self, path: &Path) -> io::Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let draft = path.with_file_name(format!(".{name}.{}", std::process::id()));
        // One may be left of a start that was cut off.
        let _ = fs::remove_file(&draft);
        let written = self
            .write(&draft)
            .and_then(|()| fs::hard_link(&draft, path));
        let removed = fs::remove_file(&draft);
        written?;
        removed?;
        sync_directory_of(path)
    }

    fn write(&self, draft: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(draft)?;
        let mut line = Zeroizing::new(String::with_capacity(
            KEY_BYTES.saturating_mul(2).saturating_add(1),
        ));
        for byte in self.0.iter() {
            let digits = [byte >> 4, byte & 15];
            line.extend(
                digits
                    .iter()
                    .filter_map(|digit| char::from_digit(u32::from(*digit), 16)),
            );
        }
        line.push('\n');
        file.write_all(line.as_bytes())?;
        file.sync_all()
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Makes the entry of a new file in its directory durable.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

fn read(text: &str) -> Result<MasterKey, WrongText> {
    let text = text.trim();
    if text.is_empty() {
        return Err(WrongText::Empty);
    }
    let bytes = match hex(text) {
        Some(bytes) => bytes,
        None => base64(text).ok_or(WrongText::Alphabet)?,
    };
    let key = <[u8; KEY_BYTES]>::try_from(bytes.as_slice());
    key.map(MasterKey::from_bytes)
        .map_err(|_| WrongText::Length { bytes: bytes.len() })
}

/// The bytes of hexadecimal digits. 44 characters of base64 can be digits alone, 64 cannot be base64 of 32 bytes.
fn hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if matches!(text.len(), 43 | 44) {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for pair in text.as_bytes().chunks(2) {
        let [high, low] = pair else { return None };
        let high = char::from(*high).to_digit(16)?;
        let low = char::from(*low).to_digit(16)?;
        bytes.push(u8::try_from(high << 4 | low).ok()?);
    }
    Some(bytes)
}

fn base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabets = [alphabet::STANDARD, alphabet::URL_SAFE];
    let mut decoded = alphabets
        .iter()
        .filter_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(text).ok());
    decoded.next().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";

    fn bytes() -> [u8; 32] {
        let mut bytes: [u8; 32] = std::array::from_fn(|place| place as u8);
        bytes[31] = 0xff;
        bytes
    }

    #[test]
    fn reads_each_way_of_writing_a_key() {
        let standard = base64::engine::general_purpose::STANDARD.encode(bytes());
        let url = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes());
        for text in [
            HEX,
            &HEX.to_uppercase(),
            &format!(" {HEX}\n"),
            &standard,
            &url,
        ] {
            assert_eq!(
                MasterKey::from_text(text).unwrap().expose(),
                &bytes(),
                "{text}"
            );
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_text() {
        let cases = [
            ("", WrongText::Empty),
            (" \n", WrongText::Empty),
            ("secret!", WrongText::Alphabet),
            (&HEX[2..], WrongText::Length { bytes: 31 }),
            ("AAAA", WrongText::Length { bytes: 2 }),
            ("zzzz", WrongText::Length { bytes: 3 }),
        ];
        for (text, expect) in cases {
            match MasterKey::from_text(text) {
                Err(MasterKeyError::NotAKey { what }) => assert_eq!(what, expect, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn is_made_once_and_read_ever_after() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let made = MasterKey::load_or_create(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            0o600
        );
        assert_eq!(
            MasterKey::load_or_create(&path).unwrap().expose(),
            made.expose()
        );
        assert_eq!(MasterKey::load(&path).unwrap().expose(), made.expose());
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            1,
            "no draft is left"
        );
        assert_ne!(made.expose(), MasterKey::generate().unwrap().expose());
    }

    #[test]
    fn refuses_a_file_that_others_may_read_and_says_what_to_run() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        MasterKey::load_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = MasterKey::load_or_create(&path).unwrap_err();
        assert!(matches!(error, MasterKeyError::Exposed { mode: 0o640, .. }));
        assert!(
            error
                .to_string()
                .contains(&format!("chmod 600 {}", path.display())),
            "{error}"
        );
    }

    #[test]
    fn a_credential_may_be_readable_by_its_group_and_by_nobody_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("realmgate-master-key");
        fs::write(&path, HEX).unwrap();
        for (mode, accepted) in [(0o400, true), (0o440, true), (0o444, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(
                MasterKey::load_credential(&path).is_ok(),
                accepted,
                "{mode:o}"
            );
        }
    }

    #[test]
    fn makes_no_new_key_beside_an_old_store() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        fs::write(directory.path().join(STORE_FILE), b"x").unwrap();
        let error = MasterKey::load_or_create(&path).unwrap_err();
        assert!(
            matches!(error, MasterKeyError::MissingBesideStore { .. }),
            "{error}"
        );
        assert!(!path.exists());
    }

    #[test]
    fn tells_a_missing_a_damaged_and_an_unreachable_file_apart() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("none.key");
        assert!(matches!(
            MasterKey::load(&missing),
            Err(MasterKeyError::Missing { .. })
        ));
        let damaged = directory.path().join("damaged.key");
        fs::write(&damaged, b"00ff").unwrap();
        fs::set_permissions(&damaged, fs::Permissions::from_mode(0o400)).unwrap();
        let error = MasterKey::load(&damaged).unwrap_err();
        let expect = WrongText::Length { bytes: 2 };
        assert!(matches!(error, MasterKeyError::NotAKeyFile { what, .. } if what == expect));
        let nowhere = directory.path().join("no/such/master.key");
        let error = MasterKey::load_or_create(&nowhere).unwrap_err();
        assert!(
            matches!(error, MasterKeyError::Unwritable { .. }),
            "{error}"
        );
        let inside_a_file = damaged.join("master.key");
        let error = MasterKey::load(&inside_a_file).unwrap_err();
        assert!(
            matches!(error, MasterKeyError::Unreadable { .. }),
            "{error}"
        );
    }

    #[test]
    fn is_not_printed() {
        let key = MasterKey::from_text(HEX).unwrap();
        assert_eq!(format!("{key:?}"), "MasterKey(…)");
    }
}
