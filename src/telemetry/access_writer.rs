//! The thread that writes the access log's lines out.

use std::io::Write;
use std::sync::Arc;

use crate::clock::Moment;
use crate::telemetry::access_buffer::{AccessBuffer, Call, Tally};
use crate::telemetry::access_record::{SecondText, push_dropped_line};

/// Writes what gathers in a buffer until it is closed.
pub struct AccessWriter {
    buffer: Arc<AccessBuffer>,
    out: Out,
}

impl AccessWriter {
    /// A writer of what gathers in `buffer`.
    pub fn new(buffer: Arc<AccessBuffer>, out: Box<dyn Write + Send>) -> Self {
        let out = Out {
            out,
            health: Health::Well,
            untold: Untold::default(),
            notice: Vec::new(),
        };
        Self { buffer, out }
    }

    /// Writes until the buffer is closed. Never gives up: a full disk may be cleared, and then the log goes on.
    pub fn run(mut self) {
        loop {
            let call = self.buffer.next_call();
            self.buffer.take_each(|lines, told| {
                let lost = self.out.write(lines, told);
                if lost > 0 {
                    self.buffer.count_dropped(lost);
                }
            });
            self.out.tell_dropped();
            if call == Call::WriteAndEnd {
                self.buffer.writer_ends();
                return;
            }
        }
    }
}

/// Where the lines go, and what is known of its state.
struct Out {
    out: Box<dyn Write + Send>,
    health: Health,
    untold: Untold,
    notice: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Well,
    /// The last write failed, perhaps in the middle of a line.
    Broken,
}

/// Records that were dropped and of which no line tells yet.
struct Untold {
    records: u64,
    last: Moment,
}

impl Default for Untold {
    fn default() -> Self {
        Self {
            records: 0,
            last: Moment::EPOCH,
        }
    }
}

impl Out {
    /// Writes lines, and answers how many records were lost because that failed.
    fn write(&mut self, lines: &[u8], told: Tally) -> u64 {
        let lost = if self.try_write(lines) {
            0
        } else {
            told.records
        };
        let dropped = told.dropped.saturating_add(lost);
        if dropped > 0 {
            self.untold.records = self.untold.records.saturating_add(dropped);
            self.untold.last = self.untold.last.max(told.last);
        }
        lost
    }

    /// Writes the line that tells of dropped records, where there are any; where that fails, a later one tells.
    fn tell_dropped(&mut self) {
        if self.untold.records == 0 {
            return;
        }
        let mut notice = std::mem::take(&mut self.notice);
        notice.clear();
        let Untold { records, last } = self.untold;
        push_dropped_line(&mut notice, &mut SecondText::default(), last, records);
        if self.try_write(&notice) {
            self.untold = Untold::default();
        }
        self.notice = notice;
    }

    /// Whether all of `lines` were written.
    fn try_write(&mut self, lines: &[u8]) -> bool {
        if lines.is_empty() {
            return true;
        }
        let whole_line: &[u8] = match self.health {
            Health::Well => b"",
            Health::Broken => b"\n",
        };
        let written = self
            .out
            .write_all(whole_line)
            .and_then(|()| self.out.write_all(lines))
            .and_then(|()| self.out.flush());
        match (self.health, written) {
            (Health::Well, Ok(())) => true,
            (Health::Broken, Ok(())) => {
                self.health = Health::Well;
                tracing::info!("the access log can be written again");
                true
            }
            (Health::Well, Err(error)) => {
                self.health = Health::Broken;
                tracing::error!(%error, "the access log cannot be written; records are dropped until it can");
                false
            }
            (Health::Broken, Err(_)) => false,
        }
    }
}
