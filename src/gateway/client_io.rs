//! The client's socket, below TLS: it tells what the connection is doing, and closes without losing what was said last.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::gateway::activity::Activity;
use crate::gateway::limits::GatewayLimits;

/// The first byte of every TLS handshake record (RFC 8446 §5.1).
const TLS_HANDSHAKE: u8 = 22;

/// A client's TCP connection.
pub struct ClientIo {
    stream: TcpStream,
    activity: Arc<Activity>,
    first: Option<u8>,
    reads: u32,
    ended: bool,
    closing: Closing,
    linger: Duration,
    linger_bytes: u32,
}

enum Closing {
    Open,
    Draining {
        deadline: Pin<Box<Sleep>>,
        left: u32,
    },
    Closed,
}

impl ClientIo {
    /// Wraps an accepted connection.
    pub fn new(stream: TcpStream, activity: Arc<Activity>, limits: &GatewayLimits) -> Self {
        Self {
            stream,
            activity,
            first: None,
            reads: 0,
            ended: false,
            closing: Closing::Open,
            linger: Duration::from_millis(u64::from(limits.linger_ms)),
            linger_bytes: limits.linger_bytes,
        }
    }

    /// Whether what the client sent first cannot be TLS, and looks like text.
    pub fn speaks_text(&self) -> bool {
        self.first.is_some_and(|byte| byte.is_ascii_alphabetic())
    }

    /// Whether the client sent anything at all.
    pub const fn said_something(&self) -> bool {
        self.first.is_some()
    }

    /// In how many pieces came what the client sent so far.
    pub const fn reads(&self) -> u32 {
        self.reads
    }

    /// The connection's activity.
    pub const fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// Writes text to a client that does not speak TLS.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn write_plainly(&mut self, text: &[u8]) -> io::Result<()> {
        tokio::io::AsyncWriteExt::write_all(&mut self.stream, text).await
    }

    /// To a client that does not speak TLS an alert means nothing: rustls may write it, but it is not sent.
    fn mute(&self) -> bool {
        self.first.is_some_and(|byte| byte != TLS_HANDSHAKE)
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
        if came == 0 {
            self.ended = true;
        } else {
            if self.first.is_none() {
                self.first = buffer.filled().get(before).copied();
            }
            self.reads = self.reads.saturating_add(1);
            self.activity.read(came);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.mute() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.activity.wrote(written.is_pending());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.mute() {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.activity.wrote(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Ends our side, then reads away what the client still sends, up to a time and an amount. Closing a socket with
    /// unread data makes the kernel reset the connection, and the alert or answer that was sent last is lost.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let this = &mut *self;
            match &mut this.closing {
                Closing::Open => {
                    ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                    this.closing = if this.ended {
                        Closing::Closed
                    } else {
                        let deadline = Box::pin(tokio::time::sleep(this.linger));
                        Closing::Draining {
                            deadline,
                            left: this.linger_bytes,
                        }
                    };
                }
                Closing::Draining { deadline, left } => {
                    let mut scratch = [0; 4096];
                    let mut buffer = ReadBuf::new(&mut scratch);
                    match Pin::new(&mut this.stream).poll_read(cx, &mut buffer) {
                        Poll::Ready(Ok(())) if !buffer.filled().is_empty() && *left > 0 => {
                            *left = left.saturating_sub(
                                u32::try_from(buffer.filled().len()).unwrap_or(u32::MAX),
                            );
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
