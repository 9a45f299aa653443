//! The access log: exactly one line of JSON per call.
//!
//! The data plane formats a record into memory and goes on; a thread of its own writes what has gathered, at the
//! latest after [`AccessLimits::flush_interval_ms`]. Where the disk or the reader is too slow, records are dropped and
//! counted, and a later line tells how many: a call never waits for its log.
//!
//! Lines of one worker thread are in order. Those of different ones may stand up to one interval out of order.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::telemetry::access_buffer::AccessBuffer;
use crate::telemetry::access_record::AccessRecord;
use crate::telemetry::access_writer::AccessWriter;
use crate::telemetry::counters::Counters;

/// Where the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessTarget {
    /// The standard output.
    Stdout,
    /// The end of a file, which is made (mode 0640) where it does not exist. It stays open: a program that rotates it
    /// copies and truncates it (`copytruncate`).
    File(PathBuf),
}

/// How much waits to be written, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessLimits {
    /// Bytes that wait at most; beyond it records are dropped and counted. The writer holds a share of it besides.
    pub waiting_bytes_max: usize,
    /// Bytes of one worker that wake the writer before its time.
    pub flush_bytes: usize,
    /// Milliseconds that a record waits at most before it is written.
    pub flush_interval_ms: u64,
    /// Milliseconds that closing waits at most for a reader that does not read.
    pub close_patience_ms: u64,
}

impl Default for AccessLimits {
    fn default() -> Self {
        Self {
            waiting_bytes_max: 8 * 1024 * 1024,
            flush_bytes: 64 * 1024,
            flush_interval_ms: 100,
            close_patience_ms: 2000,
        }
    }
}

/// Takes the records of calls, from any thread.
#[derive(Debug)]
pub struct AccessLog {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    buffer: Arc<AccessBuffer>,
    close_patience: Duration,
}

impl AccessLog {
    /// A log that forgets what it is told.
    pub const fn off() -> Self {
        Self { open: None }
    }

    /// Opens the target and starts the thread that writes to it. Dropped records are counted in `counters`.
    ///
    /// # Errors
    /// [`AccessLogError`] where the file cannot be opened or the thread not be started.
    pub fn start(
        target: &AccessTarget,
        limits: AccessLimits,
        counters: Arc<Counters>,
    ) -> Result<Self, AccessLogError> {
        let out: Box<dyn Write + Send> = match target {
            AccessTarget::Stdout => Box::new(std::io::stdout()),
            AccessTarget::File(path) => {
                let mut options = OpenOptions::new();
                options.append(true).create(true).mode(0o640);
                let opened = options.open(path);
                Box::new(opened.map_err(|source| AccessLogError::Open {
                    path: path.clone(),
                    source,
                })?)
            }
        };
        Self::start_writing(out, limits, counters)
    }

    /// Takes the record of one call. Formats it into memory and returns; never waits for a disk or a reader.
    pub fn record(&self, record: &AccessRecord<'_>) {
        if let Some(open) = &self.open {
            open.buffer.add(record);
        }
    }

    /// Writes out what was recorded before and stops the thread. Waits at most
    /// [`AccessLimits::close_patience_ms`]; `false` where lines were left because the reader does not read.
    #[must_use = "false means that lines were lost"]
    pub fn close(&self) -> bool {
        self.open
            .as_ref()
            .is_none_or(|open| open.buffer.close(open.close_patience))
    }

    fn start_writing(
        out: Box<dyn Write + Send>,
        limits: AccessLimits,
        counters: Arc<Counters>,
    ) -> Result<Self, AccessLogError> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let buffer = Arc::new(AccessBuffer::new(workers, limits, counters));
        let writer = AccessWriter::new(Arc::clone(&buffer), out);
        std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || writer.run())
            .map_err(|source| AccessLogError::Thread { source })?;
        let close_patience = Duration::from_millis(limits.close_patience_ms);
        Ok(Self {
            open: Some(Open {
                buffer,
                close_patience,
            }),
        })
    }
}

impl Drop for AccessLog {
    /// Closes the log, so that what was recorded is written.
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// Why the access log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum AccessLogError {
    /// The file cannot be opened.
    #[error(
        "the access log {} cannot be opened: {source}; make sure that its directory exists and may be written",
        path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The thread that writes it cannot be started.
    #[error(
        "the access log's thread cannot be started: {source}; raise the limit of threads or processes"
    )]
    Thread {
        /// What the system says.
        source: std::io::Error,
    },
}

#[cfg(test)]
#[allow(
    clippy::arithmetic_side_effects,
    reason = "small numbers of the tests' own"
)]
mod tests;
