//! Starting.
use crate::app::error::StartError;
use crate::app::running::Running;
use crate::clock::Clock;
use crate::settings::settled::{LogSettings, Settings};
/// x
pub fn start(_: Settings, _: Clock) -> Result<Running, StartError> {
    Err(StartError::Runtime {
        source: std::io::Error::other("x"),
    })
}
/// x
pub fn start_log(_: &LogSettings, _: &Clock) -> Result<(), StartError> {
    Ok(())
}
