//! Files that commands read: documents, certificates, secrets. `-` is standard input.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::app::files::{PRIVATE, Present, Reserved};
use crate::cli::ask::Yes;
use crate::cli::error::CliError;
use crate::manifest::read;

/// The most that is read of one file: 64 MiB, as much as the server takes.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// [`CliError::Read`], [`CliError::TooLarge`].
pub fn bytes(path: &Path) -> Result<Vec<u8>, CliError> {
    if path.as_os_str() == "-" {
        bounded(path, io::stdin().lock())
    } else {
        of_disk(path)
    }
}

/// Reads a file, whatever its name.
///
/// # Errors
/// [`CliError::Read`], [`CliError::TooLarge`].
pub fn of_disk(path: &Path) -> Result<Vec<u8>, CliError> {
    let file = fs::File::open(path).map_err(|source| CliError::Read {
        path: path.to_owned(),
        source,
    })?;
    bounded(path, file)
}

fn bounded(path: &Path, from: impl Read) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let read = from
        .take(BYTES_MAX.saturating_add(1))
        .read_to_end(&mut bytes);
    read.map_err(|source| CliError::Read {
        path: path.to_owned(),
        source,
    })?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(CliError::TooLarge {
            path: path.to_owned(),
            megabytes: BYTES_MAX >> 20,
        });
    }
    Ok(bytes)
}

/// Reads a text file, or standard input for `-`.
///
/// # Errors
/// [`CliError::Read`], [`CliError::NotText`].
pub fn text(path: &Path) -> Result<String, CliError> {
    String::from_utf8(bytes(path)?).map_err(|_| CliError::NotText {
        path: path.to_owned(),
    })
}

/// Reads a document: JSON where the file's name ends in `.json`, else TOML.
///
/// # Errors
/// [`CliError`], which names the file, the line and the key.
pub fn document<T: DeserializeOwned>(path: &Path) -> Result<T, CliError> {
    let text = text(path)?;
    if path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
    {
        return read::json(text.as_bytes()).map_err(|source| CliError::Document {
            path: path.to_owned(),
            source,
        });
    }
    toml::from_str(&text).map_err(|source| {
        let before = source
            .span()
            .and_then(|span| text.get(..span.start))
            .unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        CliError::NotToml {
            path: path.to_owned(),
            line,
            source: Box::new(source),
        }
    })
}

/// Makes a file for a secret that is still to come, readable by its owner alone. Asks before one is replaced.
///
/// # Errors
/// [`CliError::Write`]; [`CliError::NeedsYes`] and [`CliError::Declined`] where there is one and it is to stay.
pub fn reserve_private(path: &Path, yes: Yes) -> Result<Reserved, CliError> {
    let present = if fs::metadata(path).is_ok_and(|present| present.is_file()) {
        yes.confirm(
            &format!("replace the file {}", path.display()),
            &["what it holds is lost".to_owned()],
        )?;
        Present::IsReplaced
    } else {
        Present::IsAnError
    };
    Reserved::at(path, PRIVATE, present).map_err(|source| CliError::Write {
        path: path.to_owned(),
        source,
    })
}
