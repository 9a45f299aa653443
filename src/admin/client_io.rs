//! The client's socket, below TLS: it counts what moves, and closes without losing what was said last.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::admin::limits::AdminLimits;

/// How many bytes moved on a connection, in either direction.
#[derive(Debug, Default)]
pub(crate) struct Moved(AtomicU64);

impl Moved {
    /// How many so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A client's TCP connection.
pub(crate) struct ClientIo {
    stream: TcpStream,
    moved: Arc<Moved>,
    ended: bool,
    closing: Closing,
    linger: Duration,
    linger_bytes: usize,
}

enum Closing {
    Open,
    Draining {
        deadline: Pin<Box<Sleep>>,
        left: usize,
    },
    Closed,
}

impl ClientIo {
    /// Wraps an accepted connection.
    pub(crate) fn new(stream: TcpStream, moved: Arc<Moved>, limits: &AdminLimits) -> Self {
        Self {
            stream,
            moved,
            ended: false,
            closing: Closing::Open,
            linger: limits.linger(),
            linger_bytes: usize::try_from(limits.linger_bytes).unwrap_or(usize::MAX),
        }
    }

    /// The client's first byte, left in place for whoever reads next; `None` where there is none.
    ///
    /// # Errors
    /// What the socket says.
    pub(crate) async fn first_byte(&self) -> io::Result<Option<u8>> {
        let mut first = [0; 1];
        let came = self.stream.peek(&mut first).await?;
        Ok(first.first().copied().filter(|_| came > 0))
    }

    fn count(&self, outcome: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = outcome {
            self.moved.add(*bytes);
        }
    }
}

impl AsyncRead for ClientIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let came = buffer.filled().len().saturating_sub(before);
        self.ended |= came == 0;
        self.moved.add(came);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.count(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.count(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Ends our side, then reads away what the client still sends, up to a time and an amount. Closing a socket with
    /// unread data makes the kernel reset the connection, and an answer sent before the whole body came (401, 413) is
    /// lost.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let this = &mut *self;
            match &mut this.closing {
                Closing::Open => {
                    ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                    this.closing = if this.ended {
                        Closing::Closed
                    } else {
                        Closing::Draining {
                            deadline: Box::pin(tokio::time::sleep(this.linger)),
                            left: this.linger_bytes,
                        }
                    };
                }
                Closing::Draining { deadline, left } => {
                    let mut scratch = [0; 4096];
                    let mut buffer = ReadBuf::new(&mut scratch);
                    match Pin::new(&mut this.stream).poll_read(cx, &mut buffer) {
                        Poll::Ready(Ok(())) if !buffer.filled().is_empty() && *left > 0 => {
                            *left = left.saturating_sub(buffer.filled().len());
                        }
                        Poll::Ready(_) => this.closing = Closing::Closed,
                        Poll::Pending => {
                            ready!(deadline.as_mut().poll(cx));
                            this.closing = Closing::Closed;
                        }
                    }
                }
                Closing::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}
