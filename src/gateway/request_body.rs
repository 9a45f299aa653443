//! A request's body on its way in: counted, bounded, its trailers cleaned, never gathered unless a handler needs it
//! whole.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::gateway::headers;
use crate::gateway::meter::{BodyState, Meter};
use crate::gateway::refusal::Refusal;

/// What a gathered body begins with at most, in bytes, whatever its sender announces.
const FIRST_CAPACITY_MAX: u64 = 64 * 1024;

/// A request's body.
#[derive(Debug)]
pub struct RequestBody {
    /// There until this is dropped.
    incoming: Option<Incoming>,
    left: u64,
    meter: Option<Arc<Meter>>,
    linger: Option<Linger>,
}

/// How much of a body that nobody wants any more is read away.
#[derive(Clone, Copy, Debug)]
pub struct Linger {
    /// For how long at most.
    pub time: Duration,
    /// How many bytes at most.
    pub bytes: u64,
}

/// Why a request's body broke off.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It went over the trigger's limit.
    #[error(
        "the request's body is larger than the trigger admits: send less, or raise the trigger's request size"
    )]
    TooLarge,
    /// The client went away, or its framing was not HTTP's.
    #[error("the request's body broke off: {0}")]
    Broken(#[from] hyper::Error),
}

impl RequestBody {
    /// The body of a request. What is left of it when this is dropped is read away within `linger`.
    ///
    /// In HTTP/2 a stream whose request is not read to its end is reset after its answer (RFC 9113, 8.1), and there are
    /// clients that throw the answer away then. In HTTP/1.1 lingering is the connection's affair.
    pub fn new(incoming: Incoming, linger: Option<Linger>) -> Self {
        let meter = (!incoming.is_end_stream()).then(|| Arc::new(Meter::new()));
        Self {
            incoming: Some(incoming),
            left: u64::MAX,
            meter,
            linger,
        }
    }

    /// The same, of `bytes_max` bytes at most. One that announces more is refused before it is read.
    ///
    /// # Errors
    /// [`Refusal::BodyTooLarge`].
    pub fn bounded(mut self, bytes_max: u64) -> Result<Self, Refusal> {
        if self.size_hint().lower() > bytes_max {
            return Err(Refusal::BodyTooLarge);
        }
        self.left = bytes_max;
        Ok(self)
    }

    /// How it is getting on; `None` where there is no body.
    pub const fn meter(&self) -> Option<&Arc<Meter>> {
        self.meter.as_ref()
    }

    /// The whole body, which may stand still for `idle` at most.
    ///
    /// # Errors
    /// [`Refusal`] where it is too large, stands still or breaks off.
    pub async fn gather(mut self, idle: Duration) -> Result<Bytes, Refusal> {
        let Some(first) = self.next_data(idle).await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.next_data(idle).await? else {
            return Ok(first);
        };
        let announced = self.size_hint().lower().min(FIRST_CAPACITY_MAX);
        let capacity = first
            .len()
            .saturating_add(second.len())
            .saturating_add(usize::try_from(announced).unwrap_or(0));
        let mut whole = BytesMut::with_capacity(capacity);
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        while let Some(data) = self.next_data(idle).await? {
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }

    async fn next_data(&mut self, idle: Duration) -> Result<Option<Bytes>, Refusal> {
        loop {
            if self.is_end_stream() {
                return Ok(None);
            }
            match timeout(idle, self.frame()).await {
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => return Ok(Some(data)),
                    Err(_trailers) => {}
                },
                Ok(Some(Err(BodyError::TooLarge))) => return Err(Refusal::BodyTooLarge),
                Ok(Some(Err(BodyError::Broken(_)))) => return Err(Refusal::BodyBroken),
                Ok(None) => return Ok(None),
                Err(_) => return Err(Refusal::BodyStalled),
            }
        }
    }

    fn tell(&self, tell: impl FnOnce(&Meter)) {
        if let Some(meter) = &self.meter {
            tell(meter);
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(incoming).poll_frame(cx);
        if polled.is_pending() {
            this.tell(Meter::waits_for_client);
        }
        let Some(read) = ready!(polled) else {
            this.tell(|meter| meter.over(BodyState::Complete));
            return Poll::Ready(None);
        };
        let mut frame = match read {
            Ok(frame) => frame,
            Err(error) => {
                this.tell(|meter| meter.over(BodyState::Broken));
                return Poll::Ready(Some(Err(error.into())));
            }
        };
        if let Some(data) = frame.data_ref() {
            this.tell(|meter| meter.came(data.len()));
            match this
                .left
                .checked_sub(u64::try_from(data.len()).unwrap_or(u64::MAX))
            {
                Some(left) => this.left = left,
                None => {
                    this.tell(|meter| meter.over(BodyState::TooLarge));
                    return Poll::Ready(Some(Err(BodyError::TooLarge)));
                }
            }
        }
        if let Some(trailers) = frame.trailers_mut() {
            headers::clean_trailers(trailers);
        }
        if frame.is_trailers() || this.is_end_stream() {
            this.tell(|meter| meter.over(BodyState::Complete));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let nothing = || SizeHint::with_exact(0);
        self.incoming.as_ref().map_or_else(nothing, Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let (Some(incoming), Some(linger)) = (self.incoming.take(), self.linger) else {
            return;
        };
        let over = self
            .meter
            .as_ref()
            .is_none_or(|meter| matches!(meter.state(), BodyState::Complete | BodyState::Broken));
        if over {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(timeout(linger.time, read_away(incoming, linger.bytes)));
        }
    }
}

async fn read_away(mut incoming: Incoming, bytes_max: u64) {
    let mut left = bytes_max;
    while let Some(Ok(frame)) = incoming.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(u64::try_from(bytes).unwrap_or(u64::MAX)) {
            Some(less) => left = less,
            None => return,
        }
    }
}
