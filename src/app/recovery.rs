//! x
use crate::app::error::StartError;
use crate::clock::Clock;
use crate::settings::settled::Settings;
use std::path::{Path, PathBuf};
/// x
pub fn new_operator_token(
    _: &Settings,
    _: Option<&Path>,
    _: &Clock,
) -> Result<PathBuf, StartError> {
    Err(StartError::Runtime {
        source: std::io::Error::other("x"),
    })
}
