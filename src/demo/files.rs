//! Writing the demo's files.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::demo::error::DemoError;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Everybody: certificates.
    All,
    /// Its owner alone: keys.
    Owner,
}

/// Writes a file whole: under another name first, which is then changed, so that nobody sees half of it.
///
/// # Errors
/// [`DemoError::Write`].
pub fn write(path: &Path, bytes: &[u8], readers: Readers) -> Result<(), DemoError> {
    let fail = |source| DemoError::Write {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let mode = match readers {
        Readers::All => 0o644,
        Readers::Owner => 0o600,
    };
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&name)
        .map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    fs::rename(&name, path).map_err(fail)
}
