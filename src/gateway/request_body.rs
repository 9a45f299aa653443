//! A request's body on its way in: counted, bounded, its trailers cleaned, never gathered unless a handler needs it
//! whole.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::gateway::gathered::Share;
use crate::gateway::headers;
use crate::gateway::lingering::Lingering;
use crate::gateway::meter::{BodyState, Meter};
use crate::gateway::refusal::Refusal;

/// What a gathered body begins with at most, in bytes, whatever its sender announces.
const FIRST_CAPACITY_MAX: u64 = 64 * 1024;

/// A request's body.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Lingering,
    left: u64,
    meter: Option<Arc<Meter>>,
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
    /// The body of a request, of `bytes_max` bytes at most. One that announces more is refused before it is read.
    ///
    /// # Errors
    /// [`Refusal::BodyTooLarge`].
    pub fn new(incoming: Lingering, bytes_max: u64) -> Result<Self, Refusal> {
        if incoming.size_hint().lower() > bytes_max {
            return Err(Refusal::BodyTooLarge);
        }
        let meter = (!incoming.is_end_stream()).then(|| Arc::new(Meter::new()));
        Ok(Self {
            incoming,
            left: bytes_max,
            meter,
        })
    }

    /// How it is getting on; `None` where there is no body.
    pub const fn meter(&self) -> Option<&Arc<Meter>> {
        self.meter.as_ref()
    }

    /// The whole body, which may stand still for `idle` and take `total` at most, and whose bytes come out of `share`.
    ///
    /// # Errors
    /// [`Refusal`] where it is too large, takes too long, breaks off, or where there is no memory to spare.
    pub async fn gather(
        self,
        idle: Duration,
        total: Duration,
        share: &mut Share,
    ) -> Result<Bytes, Refusal> {
        if self.is_end_stream() {
            return Ok(Bytes::new());
        }
        timeout(total, self.gather_slowly(idle, share))
            .await
            .unwrap_or(Err(Refusal::BodyStalled))
    }

    async fn gather_slowly(mut self, idle: Duration, share: &mut Share) -> Result<Bytes, Refusal> {
        let Some(first) = self.next_data(idle).await? else {
            return Ok(Bytes::new());
        };
        share.take(first.len())?;
        let Some(second) = self.next_data(idle).await? else {
            return Ok(first);
        };
        share.take(second.len())?;
        let announced = self.size_hint().lower().min(FIRST_CAPACITY_MAX);
        let capacity = first
            .len()
            .saturating_add(second.len())
            .saturating_add(usize::try_from(announced).unwrap_or(0));
        let mut whole = BytesMut::with_capacity(capacity);
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        drop((first, second));
        while let Some(data) = self.next_data(idle).await? {
            share.take(data.len())?;
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
        let polled = Pin::new(&mut this.incoming).poll_frame(cx);
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
        if frame.is_trailers() || this.incoming.is_end_stream() {
            this.tell(|meter| meter.over(BodyState::Complete));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
