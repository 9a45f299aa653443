//! The body of a request on its way out.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::outbound::wire::Exchange;

/// A request's body that marks in its exchange that it was sent.
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

    /// Tells `exchange` when it was sent.
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
}

impl<B> Drop for Outgoing<B> {
    fn drop(&mut self) {
        // While its connection lives, a body is dropped when all of it is written, and only then. Its last frame would
        // not tell: where the length is known, nobody asks whether it was the last.
        if let Some(exchange) = &self.exchange {
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
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
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
