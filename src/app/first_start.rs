//! The files that the server hands out in its data directory.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::app::error::StartError;

/// Makes the data directory (mode 0700) where there is none.
///
/// # Errors
/// [`StartError::DataDirectory`].
pub fn make_directory(path: &Path) -> Result<(), StartError> {
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| StartError::DataDirectory {
            path: path.to_owned(),
            source,
        })
}

/// Writes a file whole, readable by its owner alone for mode 0600: under another name first, which is then changed.
///
/// # Errors
/// [`StartError::Write`].
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StartError> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = Path::new(&draft);
    let written = || -> io::Result<()> {
        match fs::remove_file(draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) | Ok(()) => {}
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(draft, path)
    };
    written().map_err(|source| StartError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Writes a file unless it says that already: what is handed out does not change its date at every start.
///
/// # Errors
/// [`StartError::Write`].
pub fn write_if_changed(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StartError> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        Ok(())
    } else {
        write(path, bytes, mode)
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
        write(&path, b"new", 0o600).unwrap();
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
        let missing = folder.path().join("nowhere/file");
        assert!(matches!(
            write(&missing, b"x", 0o600),
            Err(StartError::Write { .. })
        ));
    }
}
