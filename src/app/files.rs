//! Writing files whole: nobody ever sees half of one.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Permissions of what everybody may read.
pub const PUBLIC: u32 = 0o644;
/// Permissions of what its owner alone may read.
pub const PRIVATE: u32 = 0o600;

/// Makes a directory that its owner alone can enter (mode 0700), and those above it, unless it is there already.
///
/// # Errors
/// What the system says.
pub fn make_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        Ok(())
    } else {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
    }
}

/// Writes a file with the permissions `mode`: under another name first, which is then changed. What is there and is no
/// regular file, such as a pipe or a terminal, is written into.
///
/// # Errors
/// What the system says; what was there before is there still then.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    Reserved::at(path, mode, Present::IsReplaced)?.fill(bytes)
}

/// What becomes of a regular file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Present {
    /// It gives way once the new one is whole.
    IsReplaced,
    /// It stays, and that is an error.
    IsAnError,
}

/// A file that can be written to, made before it is known what it will hold; dropped unfilled, it leaves nothing.
#[derive(Debug)]
pub struct Reserved {
    path: PathBuf,
    file: fs::File,
    /// What was made and goes unless it is filled: a draft, or the file itself.
    made: Option<PathBuf>,
}

impl Reserved {
    /// Makes a file with the permissions `mode`. What is there and is no regular file will be written into.
    ///
    /// # Errors
    /// What the system says.
    pub fn at(path: &Path, mode: u32, present: Present) -> io::Result<Self> {
        let mut options = fs::OpenOptions::new();
        options.write(true);
        let (to, made) = if fs::metadata(path).is_ok_and(|present| !present.is_file()) {
            (path.to_owned(), None)
        } else {
            options.create_new(true).mode(mode);
            let to = match present {
                Present::IsAnError => path.to_owned(),
                Present::IsReplaced => draft(path)?,
            };
            (to.clone(), Some(to))
        };
        Ok(Self {
            path: path.to_owned(),
            file: options.open(to)?,
            made,
        })
    }

    /// Writes it.
    ///
    /// # Errors
    /// What the system says; nothing is left of it then.
    pub fn fill(mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        if let Some(made) = &self.made {
            self.file.sync_all()?;
            if *made != self.path {
                fs::rename(made, &self.path)?;
            }
            self.made = None;
        }
        Ok(())
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some(made) = &self.made {
            let _ = fs::remove_file(made);
        }
    }
}

/// A name beside `path` that nothing has.
fn draft(path: &Path) -> io::Result<PathBuf> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    remove(&draft)?;
    Ok(draft)
}

/// Writes a file unless it says that already: what is handed out does not change its date at every start.
///
/// # Errors
/// As [`write`].
pub fn write_if_changed(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        Ok(())
    } else {
        write(path, bytes, mode)
    }
}

/// Removes a regular file, where there is one.
///
/// # Errors
/// What the system says.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(present) if present.is_file() => fs::remove_file(path),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_whole_and_keeps_to_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("a/b");
        make_directory(&directory).unwrap();
        let path = directory.join("operator.token");
        fs::write(&path, "old, readable by all").unwrap();
        write(&path, b"new", PRIVATE).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::read_dir(&directory).unwrap().count(),
            1,
            "no draft is left"
        );
        assert!(write(&folder.path().join("nowhere/file"), b"x", PRIVATE).is_err());
    }

    #[test]
    fn a_reserved_file_leaves_nothing_unless_it_is_filled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        for present in [Present::IsAnError, Present::IsReplaced] {
            drop(Reserved::at(&path, PRIVATE, present).unwrap());
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
        let reserved = Reserved::at(&path, PRIVATE, Present::IsAnError).unwrap();
        reserved.fill(b"one").unwrap();
        let again = Reserved::at(&path, PRIVATE, Present::IsAnError).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        drop(Reserved::at(&path, PRIVATE, Present::IsReplaced).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[test]
    fn what_is_no_regular_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        write(&path, b"x", PRIVATE).unwrap();
        remove(&path).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
        assert!(write(folder.path(), b"x", PRIVATE).is_err());
    }
}
