//! The lines of the access log that wait to be written: one buffer per worker thread, so that workers do not meet.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Moment;
use crate::telemetry::access::AccessLimits;
use crate::telemetry::access_record::{AccessRecord, SecondText, push_line};
use crate::telemetry::counters::Counters;

/// What waits to be written, and the signals between those who record, the writer, and whoever closes the log.
#[derive(Debug)]
pub struct AccessBuffer {
    shares: Box<[Mutex<Share>]>,
    share_bytes_max: usize,
    flush_bytes: usize,
    flush_interval: Duration,
    counters: Arc<Counters>,
    stage: Mutex<Stage>,
    wake_writer: Condvar,
    writer_ended: Condvar,
}

/// The lines of the threads that share one buffer; usually a single one. Aligned so that neighbours share no cache
/// line.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Share {
    lines: Vec<u8>,
    second: SecondText,
    told: Tally,
}

/// What is known of the lines that were taken out of a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    /// How many records they are.
    pub records: u64,
    /// How many more were dropped, because the buffer was full.
    pub dropped: u64,
    /// When the last of them, written or dropped, was.
    pub last: Moment,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            records: 0,
            dropped: 0,
            last: Moment::EPOCH,
        }
    }
}

/// What the writer is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Wait for its interval to end.
    Waiting,
    /// Write at once: a buffer fills.
    Due,
    /// Write what there is and end.
    Closing,
    /// Nothing; it has ended.
    Ended,
}

/// Why the writer was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// To write, and come back.
    Write,
    /// To write for the last time.
    WriteAndEnd,
}

impl AccessBuffer {
    /// Buffers for `workers` threads; further threads share them.
    pub fn new(workers: usize, limits: AccessLimits, counters: Arc<Counters>) -> Self {
        let shares = workers.clamp(1, 64);
        Self {
            shares: std::iter::repeat_with(Mutex::default)
                .take(shares)
                .collect(),
            share_bytes_max: limits.waiting_bytes_max.checked_div(shares).unwrap_or(0),
            flush_bytes: limits.flush_bytes,
            flush_interval: Duration::from_millis(limits.flush_interval_ms),
            counters,
            stage: Mutex::new(Stage::Waiting),
            wake_writer: Condvar::new(),
            writer_ended: Condvar::new(),
        }
    }

    /// Formats a record into the calling thread's buffer; where that is full, counts it as dropped.
    pub fn add(&self, record: &AccessRecord<'_>) {
        let Some(share) = self.own_share() else {
            return;
        };
        let mut guard = lock(share);
        let share = &mut *guard;
        let before = share.lines.len();
        share.told.last = record.at;
        if before >= self.share_bytes_max {
            share.told.dropped = share.told.dropped.saturating_add(1);
            drop(guard);
            self.counters.access_records_dropped(1);
            return;
        }
        push_line(&mut share.lines, &mut share.second, record);
        share.told.records = share.told.records.saturating_add(1);
        let after = share.lines.len();
        drop(guard);
        if before < self.flush_bytes && after >= self.flush_bytes {
            self.write_soon();
        }
    }

    /// For the writer: waits until there is something to do.
    pub fn next_call(&self) -> Call {
        let mut stage = lock(&self.stage);
        if *stage == Stage::Waiting {
            let waited = self.wake_writer.wait_timeout(stage, self.flush_interval);
            (stage, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        match *stage {
            Stage::Waiting | Stage::Due => {
                *stage = Stage::Waiting;
                Call::Write
            }
            Stage::Closing | Stage::Ended => Call::WriteAndEnd,
        }
    }

    /// For the writer: hands each buffer's lines to `write`, which leaves the vector empty for the next one.
    pub fn take_each(&self, mut write: impl FnMut(&mut Vec<u8>, Tally)) {
        let mut spare = Vec::new();
        for share in &self.shares {
            let mut guard = lock(share);
            std::mem::swap(&mut guard.lines, &mut spare);
            let told = std::mem::take(&mut guard.told);
            drop(guard);
            write(&mut spare, told);
            spare.clear();
            // After a flood the memory goes back; in ordinary times it is used again and again.
            spare.shrink_to(self.flush_bytes);
        }
    }

    /// For the writer: counts records that could not be written.
    pub fn count_dropped(&self, records: u64) {
        self.counters.access_records_dropped(records);
    }

    /// For the writer: tells whoever closes the log that everything is written.
    pub fn writer_ends(&self) {
        *lock(&self.stage) = Stage::Ended;
        self.writer_ended.notify_all();
    }

    /// Has the writer write everything and end; waits for it, but no longer than `patience`, and not at all where
    /// somebody waits or waited already. Whether it ended.
    pub fn close(&self, patience: Duration) -> bool {
        let mut stage = lock(&self.stage);
        let patience = match *stage {
            Stage::Waiting | Stage::Due => {
                *stage = Stage::Closing;
                patience
            }
            Stage::Closing | Stage::Ended => Duration::ZERO,
        };
        self.wake_writer.notify_one();
        let going = |stage: &mut Stage| *stage != Stage::Ended;
        let waited = self.writer_ended.wait_timeout_while(stage, patience, going);
        let (stage, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *stage == Stage::Ended
    }

    fn write_soon(&self) {
        let mut stage = lock(&self.stage);
        if *stage == Stage::Waiting {
            *stage = Stage::Due;
        }
        self.wake_writer.notify_one();
    }

    /// The buffer of this thread: threads are numbered as they come, and those that record are the workers.
    fn own_share(&self) -> Option<&Mutex<Share>> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed);
        }
        // Where a thread is ending, its number may be gone already.
        let number = OWN.try_with(|own| *own).unwrap_or(0);
        self.shares.get(number.checked_rem(self.shares.len())?)
    }
}

/// Each of these values is whole between any two statements, so what a panicking thread left behind is used on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
