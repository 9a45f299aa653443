//! An answer's body on its way out. It carries its call's record, and finishes it exactly once: at its end, or when it is
//! dropped because the client went away.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::clock::Stopwatch;
use crate::gateway::call::Call;
use crate::gateway::headers;
use crate::gateway::refusal::Refusal;
use crate::gateway::request_body::RequestBody;
use crate::outbound::body::UpstreamBody;
use crate::outbound::error::OutboundError;
use crate::telemetry::access_record::Ending;
use crate::trust::reason::Reason;

/// The body of an answer.
pub struct AnswerBody {
    source: Source,
    call: Box<Call>,
}

/// Where an answer's body comes from.
pub enum Source {
    /// There is none.
    Empty,
    /// It is here.
    Full(Bytes),
    /// It streams from an upstream.
    Upstream(Streamed),
}

/// A body that streams from an upstream, and may stand still only so long.
pub struct Streamed {
    body: UpstreamBody<RequestBody>,
    idle: Duration,
    /// Since when nothing came although it was asked for.
    waiting: Option<Stopwatch>,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// Why an answer's body broke off.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The upstream broke off.
    #[error(transparent)]
    Upstream(#[from] OutboundError),
    /// The upstream sent nothing for too long.
    #[error("the upstream's answer stood still for {} ms: look into the upstream's logs", idle.as_millis())]
    Stalled {
        /// How long it may.
        idle: Duration,
    },
    /// The call may not go on.
    #[error("the call was cut: its client is no longer entitled to it, or did not read the answer")]
    Cut {
        /// What a new call would get.
        why: Refusal,
    },
}

impl From<Bytes> for Source {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            Self::Empty
        } else {
            Self::Full(bytes)
        }
    }
}

impl Source {
    /// A body that streams from an upstream, and may stand still for `idle`.
    pub const fn streamed(body: UpstreamBody<RequestBody>, idle: Duration) -> Self {
        Self::Upstream(Streamed {
            body,
            idle,
            waiting: None,
            alarm: None,
        })
    }

    /// Leaves the body out, as the answer to a HEAD: only its length is told. hyper does so itself in HTTP/1 only.
    pub fn leave_out(&mut self, headers: &mut HeaderMap) {
        if let Self::Full(bytes) = self {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        }
        *self = Self::Empty;
    }

    /// Whether there is nothing in it.
    pub fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(bytes) => bytes.is_empty(),
            Self::Upstream(streamed) => streamed.body.is_end_stream(),
        }
    }
}

impl AnswerBody {
    /// The body of the answer to `call`, whose status is known by now.
    pub fn new(source: Source, mut call: Box<Call>) -> Self {
        if source.is_end_stream() {
            call.finish(Ending::Complete);
        }
        if let Some(flight) = call.flight() {
            flight.hands_out();
        }
        Self { source, call }
    }

    /// Whether the request's body was not handed on to its end.
    pub fn leaves_a_body(&self) -> bool {
        self.call.leaves_a_body()
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        let this = &mut *self;
        let mut read = match &mut this.source {
            Source::Empty => None,
            Source::Full(bytes) => {
                let whole = std::mem::take(bytes);
                (!whole.is_empty()).then(|| Ok(Frame::data(whole)))
            }
            Source::Upstream(streamed) => ready!(streamed.unless_cut(&this.call, cx)),
        };
        match &mut read {
            None => this.call.finish(Ending::Complete),
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    this.call.sent(data.len());
                }
                if let Some(trailers) = frame.trailers_mut() {
                    headers::clean_trailers(trailers);
                }
                if frame.is_trailers() || this.source.is_end_stream() {
                    this.call.finish(Ending::Complete);
                }
            }
            Some(Err(error)) => {
                let reason = match error {
                    AnswerError::Upstream(_) => Reason::UpstreamBroke,
                    AnswerError::Stalled { .. } => Reason::Timeout,
                    AnswerError::Cut { why } => why.reason(),
                };
                this.call.broke(reason, error);
            }
        }
        Poll::Ready(read)
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Empty => SizeHint::with_exact(0),
            Source::Full(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Source::Upstream(streamed) => streamed.body.size_hint(),
        }
    }
}

impl Streamed {
    fn unless_cut(
        &mut self,
        call: &Call,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        let Some(flight) = call.flight() else {
            return self.poll(call, cx);
        };
        if let Poll::Ready(why) = flight.poll_cut(cx) {
            return Poll::Ready(Some(Err(AnswerError::Cut { why: why.clone() })));
        }
        let polled = self.poll(call, cx);
        match &polled {
            Poll::Ready(_) => flight.hands_out(),
            Poll::Pending => flight.waits_for_more(),
        }
        polled
    }

    fn poll(
        &mut self,
        call: &Call,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        if let Poll::Ready(read) = Pin::new(&mut self.body).poll_frame(cx) {
            self.waiting = None;
            return Poll::Ready(read.map(|read| read.map_err(AnswerError::Upstream)));
        }
        let waiting = *self.waiting.get_or_insert_with(Stopwatch::start);
        loop {
            let alarm = self
                .alarm
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(self.idle)));
            ready!(alarm.as_mut().poll(cx));
            // It was set for an earlier wait, or the request's body, on which the answer may depend, has moved since.
            let still = call
                .still_for()
                .map_or(waiting.elapsed(), |still| still.min(waiting.elapsed()));
            match self.idle.checked_sub(still).filter(|left| !left.is_zero()) {
                Some(left) => self.alarm = Some(Box::pin(tokio::time::sleep(left))),
                None => return Poll::Ready(Some(Err(AnswerError::Stalled { idle: self.idle }))),
            }
        }
    }
}
