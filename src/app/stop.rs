//! Waiting for the signal to stop.

use tokio::signal::unix::{SignalKind, signal};

use crate::app::error::StartError;

/// Catches SIGINT (Ctrl-C) and SIGTERM from now on, so that none is lost before somebody waits.
pub struct StopSignals {
    runtime: tokio::runtime::Runtime,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl StopSignals {
    /// Begins to catch them.
    ///
    /// # Errors
    /// [`StartError::Runtime`].
    pub fn catch() -> Result<Self, StartError> {
        let fail = |source| StartError::Runtime { source };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(fail)?;
        let guard = runtime.enter();
        let interrupt = signal(SignalKind::interrupt()).map_err(fail)?;
        let terminate = signal(SignalKind::terminate()).map_err(fail)?;
        drop(guard);
        Ok(Self {
            runtime,
            interrupt,
            terminate,
        })
    }

    /// Blocks until one of them comes, or has come.
    pub fn wait(mut self) {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
        });
    }
}
