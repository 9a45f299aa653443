//! The body of a request on its way out.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::outbound::wire::Exchange;

/// A request's body that marks in its exchange when it came to its end.
#[derive(Debug)]
pub struct Outgoing<B> {
    body: Option<B>,
    exchange: Option<Arc<Exchange>>,
}

impl<B: Body> Outgoing<B> {
    /// Wraps a body. One that is at its end already is dropped.
    pub fn new(body: B) -> Self {
        Self {
            body: Some(body).filter(|body| !body.is_end_stream()),
            exchange: None,
        }
    }

    /// Marks the end in `exchange`.
    pub fn bind(&mut self, exchange: &Arc<Exchange>) {
        if self.body.is_some() {
            self.exchange = Some(Arc::clone(exchange));
        }
    }
}

impl<B> Outgoing<B> {
    /// No body.
    pub const fn none() -> Self {
        Self {
            body: None,
            exchange: None,
        }
    }

    /// Whether there is no body.
    pub const fn is_none(&self) -> bool {
        self.body.is_none()
    }

    fn end(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            exchange.body_sent();
        }
    }
}

impl<B> Body for Outgoing<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(&mut *body).poll_frame(cx);
        let ended = match &polled {
            Poll::Ready(None) => true,
            // Nothing follows trailers, and nobody asks for what follows a last frame.
            Poll::Ready(Some(Ok(frame))) => frame.is_trailers() || body.is_end_stream(),
            Poll::Ready(Some(Err(_))) | Poll::Pending => false,
        };
        if ended {
            self.end();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
