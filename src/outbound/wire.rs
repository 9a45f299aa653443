//! The bytes below HTTP: a TCP connection, with or without TLS, that knows what HTTP needs to be told of it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// What both ends of an open connection know of the exchange that is under way on it.
#[derive(Debug, Default)]
pub struct Exchange {
    answered: AtomicBool,
    request_sent: AtomicBool,
}

// One task writes each flag before it sends the other what it waits for, so no stronger order is needed.
impl Exchange {
    /// A new exchange begins.
    pub fn begin(&self, request_sent: RequestBody) {
        self.answered.store(false, Ordering::Relaxed);
        self.request_sent
            .store(request_sent == RequestBody::None, Ordering::Relaxed);
    }

    /// The request's body came to its end.
    pub fn body_sent(&self) {
        self.request_sent.store(true, Ordering::Relaxed);
    }

    /// Whether the whole request was handed over.
    pub fn is_request_sent(&self) -> bool {
        self.request_sent.load(Ordering::Relaxed)
    }

    /// Whether a byte of the answer came.
    pub fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }
}

/// Whether a request has a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestBody {
    /// Its head is all there is.
    None,
    /// A body follows.
    Follows,
}

/// A TCP connection on which a failed write is not the end: the last word of a server that stops reading, answers and
/// closes can lie in our receive buffer when a write fails. So writes then stay pending, and what the server said, or
/// that it said nothing, is found out by reading.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    write_failed: bool,
}

impl Socket {
    /// Wraps an open connection.
    pub const fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            write_failed: false,
        }
    }

    fn unless_gone<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &written {
            Poll::Ready(Err(error)) if is_gone(error) => {
                self.write_failed = true;
                Poll::Pending
            }
            Poll::Ready(_) | Poll::Pending => written,
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::BrokenPipe | Kind::ConnectionReset | Kind::ConnectionAborted
    )
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.write_failed {
            return Poll::Pending;
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.unless_gone(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.write_failed {
            return Poll::Pending;
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.unless_gone(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What HTTP is spoken over.
#[derive(Debug)]
pub struct Wire {
    transport: Transport,
    exchange: Arc<Exchange>,
}

#[derive(Debug)]
enum Transport {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Wire {
    /// HTTP in the clear.
    pub const fn plain(socket: Socket, exchange: Arc<Exchange>) -> Self {
        Self {
            transport: Transport::Plain(socket),
            exchange,
        }
    }

    /// HTTP over TLS.
    pub fn tls(stream: TlsStream<Socket>, exchange: Arc<Exchange>) -> Self {
        Self {
            transport: Transport::Tls(Box::new(stream)),
            exchange,
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = match &mut self.transport {
            Transport::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        if buf.filled().len() > before && !self.exchange.is_answered() {
            self.exchange.answered.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.transport {
            Transport::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            Transport::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.transport {
            Transport::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
            Transport::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(socket) => socket.is_write_vectored(),
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
