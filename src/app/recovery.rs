//! A new operator's token, with the server stopped.

use std::path::{Path, PathBuf};

use crate::app::error::StartError;
use crate::app::files::{PRIVATE, Present, Reserved};
use crate::app::master_key::{self, MissingKey};
use crate::clock::Clock;
use crate::control::recovery;
use crate::settings::settled::{OPERATOR_TOKEN_FILE, Settings};
use crate::store::db::{STORE_FILE, Store};

/// Makes a new operator's token and writes it to `out`, which must not be there yet, or to the data directory. Answers
/// with the file.
///
/// # Errors
/// [`StartError`]: also where the server runs, the master key is not at hand, or there is no store.
pub fn new_operator_token(
    settings: &Settings,
    out: Option<&Path>,
    clock: &Clock,
) -> Result<PathBuf, StartError> {
    let store_file = settings.data_file(STORE_FILE);
    if !store_file.exists() {
        return Err(StartError::NoStore { path: store_file });
    }
    let key = master_key::of(settings, MissingKey::IsAnError)?;
    let now = clock.now();
    let store = Store::open(&store_file, &key, now)?;
    let file = out.map_or_else(|| settings.data_file(OPERATOR_TOKEN_FILE), Path::to_owned);
    let present = match out {
        Some(_) => Present::IsAnError,
        None => Present::IsReplaced,
    };
    let unwritten = |source| StartError::out(&file, source);
    // Made first: a token that is stored but that nobody has could be used by nobody.
    let reserved = Reserved::at(&file, PRIVATE, present).map_err(unwritten)?;
    let (_, secret) = recovery::new_operator_token(&store, &settings.rules, now)?;
    reserved
        .fill(&[secret.expose(), b"\n"].concat())
        .map_err(unwritten)?;
    Ok(file)
}
