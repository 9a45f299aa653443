//! A larger buffer under TLS while an answer flows in bulk.
//!
//! What rustls may hold encrypted is what one system call can hand to the kernel, so that a large buffer makes downloads
//! cheaper by a third. It is also what a slow reader can hold of our memory: so a connection has the large one only while
//! it writes much at a time, and all large ones come out of one budget. Where that is used up, the usual one has to do.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use crate::gateway::client_io::ClientIo;
use crate::gateway::limits::GatewayLimits;

/// What a write must hold at least to be a part of a bulk, in bytes.
const BULK: usize = 64 * 1024;

/// How many bytes all connections have taken beyond their usual buffers. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct BulkBudget(Arc<AtomicU64>);

impl BulkBudget {
    /// Takes `bytes`, where no more than `bytes_max` are taken with them.
    fn take(&self, bytes: u64, bytes_max: u64) -> Option<Share> {
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                taken
                    .checked_add(bytes)
                    .filter(|with_them| *with_them <= bytes_max)
            });
        taken.is_ok().then(|| Share {
            budget: self.clone(),
            bytes,
        })
    }
}

/// What one connection has taken; given back when dropped.
#[derive(Debug)]
struct Share {
    budget: BulkBudget,
    bytes: u64,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A client's connection whose buffer grows while it is given much.
pub(crate) struct Bulk {
    stream: Box<TlsStream<ClientIo>>,
    budget: BulkBudget,
    usual: u32,
    large: u32,
    total: u64,
    share: Option<Share>,
}

impl Bulk {
    /// Wraps a connection whose buffer has its usual size.
    pub(crate) fn new(
        stream: Box<TlsStream<ClientIo>>,
        budget: &BulkBudget,
        limits: &GatewayLimits,
    ) -> Self {
        Self {
            stream,
            budget: budget.clone(),
            usual: limits.tls_buffer_bytes_max,
            large: limits.tls_bulk_bytes_max,
            total: limits.tls_bulk_total_bytes_max,
            share: None,
        }
    }

    /// So many bytes are to be written.
    fn is_given(&mut self, bytes: usize) {
        if bytes >= BULK && self.share.is_none() && self.large > self.usual {
            let more = u64::from(self.large.saturating_sub(self.usual));
            self.share = self.budget.take(more, self.total);
            if self.share.is_some() {
                self.holds(self.large);
            }
        }
    }

    /// Nothing is held any more. The next write of a bulk takes a share again, which costs next to nothing.
    fn is_flushed(&mut self) {
        if self.share.is_some() {
            self.holds(self.usual);
            self.share = None;
        }
    }

    fn holds(&mut self, bytes: u32) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.stream.get_mut().1.set_buffer_limit(Some(bytes));
    }
}

impl AsyncRead for Bulk {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Bulk {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_given(bytes.len());
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = slices
            .iter()
            .fold(0_usize, |sum, slice| sum.saturating_add(slice.len()));
        self.is_given(bytes);
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.is_flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is_and_all_of_it_is_given_back() {
        let budget = BulkBudget::default();
        let first = budget.take(700, 1_000);
        assert!(first.is_some());
        assert!(budget.take(301, 1_000).is_none());
        assert!(budget.take(u64::MAX, u64::MAX).is_none());
        let second = budget.take(300, 1_000);
        assert!(second.is_some());
        drop(first);
        assert!(budget.take(701, 1_000).is_none());
        drop(second);
        assert!(budget.take(1_000, 1_000).is_some());
    }
}
