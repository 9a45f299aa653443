//! The body of an answer, on its way in.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::outbound::error::OutboundError;
use crate::outbound::link::Link;
use crate::outbound::pool::Shard;

/// An answer's body, streamed as it is read, trailers included. Read to its end, it puts its connection back into the
/// pool; dropped before, it cuts it.
pub struct UpstreamBody<B> {
    incoming: Incoming,
    lease: Option<Lease<B>>,
    broken: Option<hyper::Error>,
}

struct Lease<B> {
    link: Link<B>,
    shard: Arc<Shard<B>>,
}

impl<B> UpstreamBody<B> {
    /// The body of an answer that came over `link`.
    pub(super) fn new(incoming: Incoming, mut link: Link<B>, shard: &Arc<Shard<B>>) -> Self {
        if incoming.is_end_stream() {
            shard.put(link);
            return Self {
                incoming,
                lease: None,
                broken: None,
            };
        }
        if !link.is_request_sent() {
            link.go_apart();
        }
        Self {
            incoming,
            lease: Some(Lease {
                link,
                shard: Arc::clone(shard),
            }),
            broken: None,
        }
    }
}

impl<B> UpstreamBody<B> {
    /// What is there, or what the connection brings when it is kept going.
    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let Some(Lease { link, .. }) = &mut self.lease else {
            return Pin::new(&mut self.incoming).poll_frame(cx);
        };
        let waker = link.waker().clone();
        let mut own = Context::from_waker(&waker);
        if let Poll::Ready(read) = Pin::new(&mut self.incoming).poll_frame(&mut own) {
            return Poll::Ready(read);
        }
        let _ = link.poll(cx);
        Pin::new(&mut self.incoming).poll_frame(&mut own)
    }
}

impl<B> Body for UpstreamBody<B> {
    type Data = Bytes;
    type Error = OutboundError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, OutboundError>>> {
        let polled = match self.broken.take() {
            Some(error) => Some(Err(error)),
            None => match ready!(self.poll_incoming(cx)) {
                // Told in another turn: whoever passes the answer on has sent by then what came before.
                Some(Err(error)) => {
                    self.broken = Some(error);
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                polled => polled,
            },
        };
        let ended = match &polled {
            None => true,
            // Nothing follows trailers, and nobody asks for what follows a last frame.
            Some(Ok(frame)) => frame.is_trailers() || self.incoming.is_end_stream(),
            Some(Err(_)) => false,
        };
        if ended && let Some(Lease { link, shard }) = self.lease.take() {
            shard.put(link);
        }
        Poll::Ready(polled.map(|read| {
            read.map_err(|source| {
                self.lease = None;
                OutboundError::BodyBroke { source }
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
