//! Drives HTTP over one connection inside of the task of whoever waits for it: no task of its own, no hand-over between
//! two for each call.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::task::AbortHandle;

use crate::outbound::alarm::Alarm;

/// How often a connection that rings again while it is polled is polled at a stretch. tokio makes a task that does too
/// much yield, by ringing without end.
const LAPS_MAX: usize = 4;

/// hyper's side of an open connection.
type Http = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// Keeps a connection going, wherever it is polled.
pub struct Driver {
    place: Place,
    alarm: Arc<Alarm>,
    waker: Waker,
}

enum Place {
    /// In the task that waits for it, or in a pool.
    Here(Http),
    /// In a task of its own.
    Apart(AbortHandle),
    /// It is over.
    Ended,
}

impl Driver {
    /// Drives `connection` from now on.
    pub fn new(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) -> Self {
        let (alarm, waker) = Alarm::new();
        Self {
            place: Place::Here(Box::pin(connection)),
            alarm,
            waker,
        }
    }

    /// The waker for what the connection brings: it rings where that waits for the connection, too.
    pub const fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Wakes nobody until it is polled again: what is asked of the connection next is done then.
    pub fn mute(&self) {
        self.alarm.mute();
    }

    /// Does what there is to do, and has the task of `cx` woken when there is more. Ready when the connection is over.
    pub fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        let Place::Here(connection) = &mut self.place else {
            // What is waited for rings it as well: it has to be able to.
            self.alarm.take();
            self.alarm.wakes(cx.waker());
            return match self.place {
                Place::Ended => Poll::Ready(()),
                Place::Here(_) | Place::Apart(_) => Poll::Pending,
            };
        };
        let mut own = Context::from_waker(&self.waker);
        for _ in 0..LAPS_MAX {
            if self.alarm.take() {
                self.alarm.mute();
                if connection.as_mut().poll(&mut own).is_ready() {
                    // Its error is told to the call that was under way, or there was none.
                    self.place = Place::Ended;
                    return Poll::Ready(());
                }
            }
            self.alarm.wakes(cx.waker());
            if !self.alarm.is_rung() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Does what there is to do while nobody waits for it, and forgets who did.
    pub fn settle(&mut self) {
        self.alarm.forget();
        if let Place::Here(connection) = &mut self.place
            && self.alarm.take()
        {
            let mut own = Context::from_waker(&self.waker);
            if connection.as_mut().poll(&mut own).is_ready() {
                self.place = Place::Ended;
            }
        }
    }

    /// Goes on in a task of its own, for good: there both directions move though nobody asks for what comes.
    pub fn go_apart(&mut self) {
        if let Place::Here(connection) = std::mem::replace(&mut self.place, Place::Ended) {
            let task = tokio::spawn(async move {
                let _ = connection.await;
            });
            self.place = Place::Apart(task.abort_handle());
        }
    }

    /// Whether it goes on in a task of its own.
    pub const fn is_apart(&self) -> bool {
        matches!(self.place, Place::Apart(_))
    }

    /// Whether it is over, as far as it was looked at.
    pub const fn is_ended(&self) -> bool {
        matches!(self.place, Place::Ended)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The task would wait for whatever is under way: an upload that nobody wants any more, or an answer that never
        // comes.
        if let Place::Apart(task) = &self.place {
            task.abort();
        }
    }
}
