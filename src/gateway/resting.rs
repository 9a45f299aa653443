//! HTTP/1.1 over a stream, which gives back what hyper holds while nobody calls.
//!
//! hyper keeps two buffers of 8 KiB, and room for the call to come, for as long as its connection lives. So it is taken
//! apart when the connection has been quiet for a while, and made anew when the next bytes arrive. A connection begins at
//! rest.
//!
//! It may be taken apart between two calls only, and hyper does not say where it is. What it does with its stream does:
//! between two calls it has flushed whatever it wrote and waits for the client to say something. [`Watched`] tells
//! [`Activity`], which knows of the calls too.

use std::io::{self, IoSlice};
use std::mem::{self, MaybeUninit};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1::{Builder, Connection};
use hyper::service::HttpService;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::gateway::activity::Activity;

/// How much a connection that wakes reads at first, in bytes: most requests' heads as a whole.
const FIRST_READ: usize = 2048;

/// The server's side of HTTP/1.1 on a stream.
pub(crate) struct Http1<S, V>
where
    V: HttpService<Incoming>,
{
    activity: Arc<Activity>,
    /// The most header fields of a request.
    fields_max: usize,
    state: State<S, V>,
}

enum State<S, V>
where
    V: HttpService<Incoming>,
{
    Resting {
        stream: S,
        service: V,
    },
    Awake(Box<Connection<TokioIo<Watched<S>>, V>>),
    /// On its way from one to the other.
    Neither,
}

impl<S, V> Http1<S, V>
where
    S: AsyncRead + AsyncWrite + Unpin,
    V: HttpService<Incoming>,
    V::ResBody: 'static,
    <V::ResBody as Body>::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Has `service` answer the requests that come by `stream`, which have `fields_max` header fields at most.
    pub(crate) fn new(stream: S, service: V, activity: Arc<Activity>, fields_max: usize) -> Self {
        activity.rests(true);
        Self {
            activity,
            fields_max,
            state: State::Resting { stream, service },
        }
    }

    /// Goes on; ready once the connection has ended.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        if let State::Resting { stream, .. } = &mut self.state {
            let mut room = [const { MaybeUninit::uninit() }; FIRST_READ];
            let mut read = ReadBuf::uninit(&mut room);
            // Of TLS, not of the socket: what rustls has read and not handed on counts as well.
            let failed = ready!(Pin::new(stream).poll_read(cx, &mut read)).err();
            let first = Bytes::copy_from_slice(read.filled());
            self.wake(first, failed);
        }
        match &mut self.state {
            State::Awake(connection) => Pin::new(&mut **connection).poll(cx),
            State::Resting { .. } | State::Neither => Poll::Pending,
        }
    }

    /// Takes no more requests.
    pub(crate) fn finish(&mut self) {
        self.wake(Bytes::new(), None);
        if let State::Awake(connection) = &mut self.state {
            Pin::new(&mut **connection).graceful_shutdown();
        }
    }

    /// Whether it holds what it could give back.
    pub(crate) const fn is_awake(&self) -> bool {
        matches!(self.state, State::Awake(_))
    }

    /// Rests, unless it is in the middle of something. To be asked when no call is being served.
    pub(crate) fn rest(&mut self) {
        if !self.activity.may_rest() {
            return;
        }
        self.state = match mem::replace(&mut self.state, State::Neither) {
            State::Awake(connection) => {
                let parts = connection.into_parts();
                // hyper waited for more, so that all of `Watched::first` was read, and it did not fail.
                let stream = parts.io.into_inner().stream;
                let service = parts.service;
                // A client that sends one request behind the other may have begun the next one. Empty lines between
                // them mean nothing (RFC 9112, 2.2).
                let mut begun = parts.read_buf;
                while let [b'\r' | b'\n', ..] = &*begun {
                    begun.advance(1);
                }
                if begun.is_empty() {
                    self.activity.rests(true);
                    State::Resting { stream, service }
                } else {
                    self.activity.read(begun.len());
                    self.awake(stream, service, begun, None)
                }
            }
            state @ (State::Resting { .. } | State::Neither) => state,
        };
    }

    /// Makes hyper's connection anew, where there is none. It reads what was read already, or failed to be.
    fn wake(&mut self, first: Bytes, failed: Option<io::Error>) {
        self.state = match mem::replace(&mut self.state, State::Neither) {
            State::Resting { stream, service } => self.awake(stream, service, first, failed),
            state @ (State::Awake(_) | State::Neither) => state,
        };
    }

    fn awake(&self, stream: S, service: V, first: Bytes, failed: Option<io::Error>) -> State<S, V> {
        self.activity.rests(false);
        let watched = Watched {
            first,
            failed,
            stream,
            activity: Arc::clone(&self.activity),
        };
        // Deadlines of heads are the driver's affair.
        let connection = Builder::new()
            .header_read_timeout(None)
            .max_headers(self.fields_max)
            .serve_connection(TokioIo::new(watched), service);
        State::Awake(Box::new(connection))
    }
}

/// A stream that hyper reads and writes: it begins with what was read from it before, and tells what hyper does.
struct Watched<S> {
    first: Bytes,
    failed: Option<io::Error>,
    stream: S,
    activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.first.is_empty() {
            let length = this.first.len().min(buffer.remaining());
            buffer.put_slice(&this.first.split_to(length));
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = this.failed.take() {
            return Poll::Ready(Err(error));
        }
        let polled = Pin::new(&mut this.stream).poll_read(cx, buffer);
        this.activity.listens(polled.is_pending());
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.activity.flushed(false);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.activity.flushed(false);
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.activity.flushed(matches!(polled, Poll::Ready(Ok(()))));
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.activity.closes();
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
