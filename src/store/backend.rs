//! What redb writes to: the store's disk, which can be opened again after an error, and a scratch layer over it.
//!
//! redb refuses everything after one failed access, until the database is opened anew. [`Disk`] outlives that: each
//! database is opened on a clone of it, one after the other. While the disk takes no writes, a database on [`Scratch`]
//! lets the process go on reading: redb's recovery then writes to memory only.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{BackendError, StorageBackend};

/// The storage of one store; its clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Disk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    storage: Box<dyn StorageBackend>,
    sync_failed: AtomicBool,
}

impl Disk {
    /// A disk that keeps everything in `storage`.
    pub(crate) fn new(storage: impl StorageBackend) -> Self {
        Self(Arc::new(Inner {
            storage: Box::new(storage),
            sync_failed: AtomicBool::new(false),
        }))
    }

    /// Whether a sync ever failed. What was written before it may be lost, whatever reads and later syncs say: the
    /// operating system reports such a loss once.
    pub(crate) fn sync_failed(&self) -> bool {
        self.0.sync_failed.load(Ordering::Acquire)
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.0.storage.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.storage.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.storage.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let synced = self.0.storage.sync_data();
        if synced.is_err() {
            self.0.sync_failed.store(true, Ordering::Release);
        }
        synced
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.storage.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.storage.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.storage.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.0.storage.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.storage.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.storage.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.storage.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.storage.query_lock_range(start, end)
    }
}

/// A disk whose writes stay in memory.
#[derive(Debug)]
pub(crate) struct Scratch {
    disk: Disk,
    layer: Mutex<Layer>,
}

#[derive(Debug)]
struct Layer {
    len: u64,
    /// Up to where the disk's content counts; zeros follow.
    disk_len: u64,
    /// Changed blocks, by number.
    blocks: BTreeMap<u64, Vec<u8>>,
}

const BLOCK: u64 = 4096;

impl Scratch {
    /// A layer without changes over `disk`.
    pub(crate) fn over(disk: Disk) -> io::Result<Self> {
        let len = disk.len()?;
        let layer = Mutex::new(Layer {
            len,
            disk_len: len,
            blocks: BTreeMap::new(),
        });
        Ok(Self { disk, layer })
    }

    fn layer(&self) -> MutexGuard<'_, Layer> {
        self.layer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Layer {
    /// A block as it is now.
    fn block(&self, disk: &Disk, number: u64) -> io::Result<Vec<u8>> {
        if let Some(changed) = self.blocks.get(&number) {
            return Ok(changed.clone());
        }
        let start = number.saturating_mul(BLOCK);
        let there = self.disk_len.saturating_sub(start).min(BLOCK);
        let mut block = vec![0; usize_of(there)];
        if there > 0 {
            disk.read(start, &mut block)?;
        }
        block.resize(usize_of(BLOCK), 0);
        Ok(block)
    }

    /// The blocks that `len` bytes from `offset` lie in: number, first byte within the block, count.
    fn pieces(&self, offset: u64, len: usize) -> io::Result<Vec<(u64, usize, usize)>> {
        let end = offset.saturating_add(len as u64);
        if end > self.len {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        let mut pieces = Vec::new();
        let mut at = offset;
        while at < end {
            let first = at % BLOCK;
            let count = BLOCK.saturating_sub(first).min(end.saturating_sub(at));
            pieces.push((at / BLOCK, usize_of(first), usize_of(count)));
            at = at.saturating_add(count);
        }
        Ok(pieces)
    }
}

impl StorageBackend for Scratch {
    fn len(&self) -> io::Result<u64> {
        Ok(self.layer().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let layer = self.layer();
        let mut rest = out;
        for (number, first, count) in layer.pieces(offset, rest.len())? {
            let block = layer.block(&self.disk, number)?;
            let (to, behind) = rest.split_at_mut_checked(count).ok_or_else(out_of_range)?;
            let from = block
                .get(first..first.saturating_add(count))
                .ok_or_else(out_of_range)?;
            to.copy_from_slice(from);
            rest = behind;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut layer = self.layer();
        if len < layer.len {
            let whole = len / BLOCK;
            let mut last = layer.block(&self.disk, whole)?;
            if let Some(cut) = last.get_mut(usize_of(len % BLOCK)..) {
                cut.fill(0);
            }
            layer.blocks.retain(|number, _| *number < whole);
            layer.blocks.insert(whole, last);
            layer.disk_len = layer.disk_len.min(len);
        }
        layer.len = len;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut layer = self.layer();
        let mut rest = data;
        for (number, first, count) in layer.pieces(offset, data.len())? {
            let mut block = layer.block(&self.disk, number)?;
            let (from, behind) = rest.split_at_checked(count).ok_or_else(out_of_range)?;
            let to = block
                .get_mut(first..first.saturating_add(count))
                .ok_or_else(out_of_range)?;
            to.copy_from_slice(from);
            layer.blocks.insert(number, block);
            rest = behind;
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.disk.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.disk.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.disk.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.disk.query_lock_range(start, end)
    }
}

/// Never more than [`BLOCK`], so nothing is lost.
fn usize_of(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn out_of_range() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidInput)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redb::backends::InMemoryBackend;

    use super::*;

    #[derive(Clone, Debug)]
    enum Access {
        Write(u64, Vec<u8>),
        SetLen(u64),
    }

    fn access() -> impl Strategy<Value = Access> {
        prop_oneof![
            3 => (0..30_000_u64, prop::collection::vec(any::<u8>(), 1..9_000))
                .prop_map(|(offset, data)| Access::Write(offset, data)),
            1 => (0..30_000_u64).prop_map(Access::SetLen),
        ]
    }

    proptest! {
        #[test]
        fn a_scratch_layer_reads_as_a_file_does_and_leaves_the_disk_alone(
            accesses in prop::collection::vec(access(), 1..20)
        ) {
            let start: Vec<u8> = (0..20_000_u32).map(|place| place as u8).collect();
            let disk = Disk::new(InMemoryBackend::new());
            disk.set_len(start.len() as u64).unwrap();
            disk.write(0, &start).unwrap();
            let scratch = Scratch::over(disk.clone()).unwrap();
            let mut model = start.clone();
            for access in accesses {
                match access {
                    Access::SetLen(len) => {
                        scratch.set_len(len).unwrap();
                        model.resize(len as usize, 0);
                    }
                    Access::Write(offset, data) => {
                        let start = offset as usize;
                        let range = start..start.strict_add(data.len());
                        let written = scratch.write(offset, &data);
                        match model.get_mut(range) {
                            Some(place) => {
                                written.unwrap();
                                place.copy_from_slice(&data);
                            }
                            None => prop_assert!(written.is_err()),
                        }
                    }
                }
                prop_assert_eq!(scratch.len().unwrap(), model.len() as u64);
                let mut read = vec![0; model.len()];
                scratch.read(0, &mut read).unwrap();
                prop_assert!(read == model);
            }
            let mut untouched = vec![0; start.len()];
            disk.read(0, &mut untouched).unwrap();
            prop_assert!(untouched == start);
        }
    }
}
