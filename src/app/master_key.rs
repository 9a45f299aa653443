//! Getting the master key from where the settings say.

use crate::settings::settled::{MasterKeySource, Settings};
use crate::store::db::STORE_FILE;
use crate::store::master_key::{MasterKey, MasterKeyError};

/// What becomes of a key file that is not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingKey {
    /// It is made, unless a store needs the one that is missing.
    IsMade,
    /// That is an error.
    IsAnError,
}

/// The master key.
///
/// # Errors
/// [`MasterKeyError`], which says which file or variable is wrong.
pub fn of(settings: &Settings, missing: MissingKey) -> Result<MasterKey, MasterKeyError> {
    match (&settings.master_key, missing) {
        (MasterKeySource::Given(text), _) => {
            MasterKey::from_text(text.expose_str().unwrap_or_default())
        }
        (MasterKeySource::Credential(path), _) => MasterKey::load_credential(path),
        (MasterKeySource::File(path), MissingKey::IsAnError) => MasterKey::load(path),
        (MasterKeySource::File(path), MissingKey::IsMade) => {
            let store = settings.data_file(STORE_FILE);
            if store.exists() && !path.exists() {
                return Err(MasterKeyError::MissingBesideStore {
                    path: path.clone(),
                    store,
                });
            }
            MasterKey::load_or_create(path)
        }
    }
}
