//! What is left of a request's body when its answer is ready.
//!
//! Over HTTP/2, leaving a body unread resets its stream, and some clients (curl 7.88 is one) then lose the answer, an
//! early 401 or 413 with its sentence. So a body is lent to whoever answers, and what they left is read away, in bounds,
//! before the answer is sent. Over HTTP/1.1 [`crate::admin::client_io`] does what goes beyond these bounds.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::admin::limits::AdminLimits;

/// A body, lent to whoever answers.
pub(crate) struct Lent<B>(Arc<Mutex<B>>);

/// The claim to what is left of it.
pub(crate) struct Claim<B>(Arc<Mutex<B>>);

/// Lends a body.
pub(crate) fn lend<B>(body: B) -> (Lent<B>, Claim<B>) {
    let shared = Arc::new(Mutex::new(body));
    (Lent(Arc::clone(&shared)), Claim(shared))
}

impl<B: Body<Data = Bytes> + Unpin> Claim<B> {
    /// Reads away what is left, once it was given back.
    pub(crate) async fn read_away(self, limits: &AdminLimits) {
        let Some(shared) = Arc::into_inner(self.0) else {
            return;
        };
        let mut body = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        if body.is_end_stream() {
            return;
        }
        let mut left = usize::try_from(limits.linger_bytes).unwrap_or(usize::MAX);
        let reading = async {
            while left > 0 {
                let Some(Ok(frame)) = body.frame().await else {
                    return;
                };
                let came = frame.data_ref().map_or(0, Bytes::len);
                left = left.saturating_sub(came);
            }
        };
        let _ = timeout(limits.linger(), reading).await;
    }
}

impl<B> Lent<B> {
    fn with<T>(&self, act: impl FnOnce(&mut B) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<B: Body + Unpin> Body for Lent<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.with(|body| Pin::new(body).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}
