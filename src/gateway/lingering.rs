//! An HTTP/2 request's body that nobody reads to its end.
//!
//! Dropping it resets the stream, and a client that is still sending then gives up before it has read the answer that
//! came early (413, 404). So the rest is read away for a while, as [`crate::gateway::client_io`] does for HTTP/1.1.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout_at;

use crate::gateway::deadline;
use crate::gateway::limits::GatewayLimits;
use crate::gateway::peer::Protocol;

/// A request's body as hyper gives it, whose rest is read away when it is dropped.
#[derive(Debug)]
pub struct Lingering {
    incoming: Option<Incoming>,
    patience: Option<Patience>,
}

#[derive(Clone, Copy, Debug)]
struct Patience {
    time: Duration,
    bytes: u64,
}

impl Lingering {
    /// The body of a request that came by `protocol`.
    pub fn new(incoming: Incoming, protocol: Protocol, limits: &GatewayLimits) -> Self {
        let patience = match protocol {
            Protocol::H1 => None,
            Protocol::H2 => Some(Patience {
                time: Duration::from_millis(u64::from(limits.linger_ms)),
                bytes: u64::from(limits.linger_bytes),
            }),
        };
        Self {
            incoming: Some(incoming),
            patience,
        }
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.incoming {
            Some(incoming) => Pin::new(incoming).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map_or_else(SizeHint::new, Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let (Some(incoming), Some(patience)) = (self.incoming.take(), self.patience) else {
            return;
        };
        if incoming.is_end_stream() {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(read_away(incoming, patience));
        }
    }
}

async fn read_away(mut incoming: Incoming, patience: Patience) {
    let end = deadline::after(patience.time);
    let mut left = patience.bytes;
    while let Ok(Some(Ok(frame))) = timeout_at(end, incoming.frame()).await {
        let bytes = frame
            .data_ref()
            .map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
