//! An established connection: drives HTTP over it, and ends it when it waits too long, when its client is no longer
//! entitled, or when the server shuts down.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::server::conn::http2;
use hyper::service::{HttpService, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

use crate::gateway::activity::{Activity, Serving, Waiting};
use crate::gateway::answer::AnswerBody;
use crate::gateway::bulk::Bulk;
use crate::gateway::cutting::Held;
use crate::gateway::deadline;
use crate::gateway::exchange;
use crate::gateway::handshake::Established;
use crate::gateway::in_flight;
use crate::gateway::limits::GatewayLimits;
use crate::gateway::peer::{Peer, Protocol};
use crate::gateway::resting::Http1;
use crate::gateway::worker::Worker;
use crate::outbound::alarm::Alarm;

/// Serves HTTP until either side ends the connection.
pub(crate) async fn drive(
    worker: &Arc<Worker>,
    established: Established,
    shutdown: watch::Receiver<bool>,
) {
    let Established {
        stream,
        peer,
        epoch,
    } = established;
    let activity = Arc::clone(stream.get_ref().0.activity());
    activity.handshake_done();
    let mut watching = Watching {
        worker,
        peer: &peer,
        activity: &activity,
        epoch,
        held: Held::begin(worker, &peer),
        shutdown,
    };
    let stream = Bulk::new(stream, worker.chores.bulk(), &worker.limits);
    serve(&mut watching, stream).await;
}

/// Serves HTTP over a stream that is as good as encrypted.
///
/// No `async fn`: what such a one is given has a place in its future besides the one it is moved to, and this future is
/// a good part of what an idle connection takes.
fn serve<S>(watching: &mut Watching<'_>, stream: S) -> impl Future<Output = ()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Watching {
        worker,
        peer,
        activity,
        ..
    } = &*watching;
    let service = service_fn({
        let (worker, peer, activity) = (Arc::clone(worker), Arc::clone(peer), Arc::clone(activity));
        move |request: Request<Incoming>| {
            let serving = activity.request();
            let (worker, peer) = (Arc::clone(&worker), Arc::clone(&peer));
            async move {
                let answer: Response<AnswerBody> = exchange::serve(&worker, &peer, request).await;
                Ok::<_, Infallible>(answer.map(|body| Served { body, serving }))
            }
        }
    });
    let mut http = match peer.tls.protocol {
        Protocol::H1 => {
            let activity = Arc::clone(activity);
            let fields_max = usize::from(worker.limits.header_fields_max);
            Either::H1(Http1::new(stream, service, activity, fields_max))
        }
        Protocol::H2 => Either::H2(http2(stream, service, &worker.limits)),
    };
    async move {
        match &mut http {
            Either::H1(http) => watching.run(http).await,
            Either::H2(http) => watching.run(http).await,
        }
    }
}

/// HTTP on one connection, by its version.
enum Either<H1, H2> {
    H1(H1),
    H2(H2),
}

/// HTTP/2 on a stream.
type Http2<S, V> = Pin<Box<http2::Connection<TokioIo<S>, V, TaskPerCall>>>;

fn http2<S, V>(stream: S, service: V, limits: &GatewayLimits) -> Http2<S, V>
where
    S: AsyncRead + AsyncWrite + Unpin,
    V: HttpService<Incoming, ResBody = Served>,
    V::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    TaskPerCall: Http2ServerConnExec<V::Future, Served>,
{
    let mut builder = http2::Builder::new(TaskPerCall);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_header_list_size(limits.header_bytes_max)
        .initial_stream_window_size(H2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(H2_CONNECTION_WINDOW_BYTES);
    Box::pin(builder.serve_connection(TokioIo::new(stream), service))
}

/// HTTP on one connection.
trait Http {
    /// Goes on; ready once the connection has ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>>;

    /// Takes no more requests.
    fn finish(&mut self);

    /// Whether it could give memory back by resting.
    fn is_awake(&self) -> bool {
        false
    }

    /// Rests, unless it is in the middle of something.
    fn rest(&mut self) {}
}

impl<S, V> Http for Http1<S, V>
where
    S: AsyncRead + AsyncWrite + Unpin,
    V: HttpService<Incoming, ResBody = Served>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        Self::poll(self, cx)
    }

    fn finish(&mut self) {
        Self::finish(self);
    }

    fn is_awake(&self) -> bool {
        Self::is_awake(self)
    }

    fn rest(&mut self) {
        Self::rest(self);
    }
}

impl<S, V> Http for Pin<Box<http2::Connection<S, V, TaskPerCall>>>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin,
    V: HttpService<Incoming, ResBody = Served>,
    V::Future: Send + 'static,
    TaskPerCall: Http2ServerConnExec<V::Future, Served>,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.as_mut().poll(cx)
    }

    fn finish(&mut self) {
        self.as_mut().graceful_shutdown();
    }
}

/// Runs each call of an HTTP/2 connection.
#[derive(Clone, Copy)]
struct TaskPerCall;

impl<F> hyper::rt::Executor<F> for TaskPerCall
where
    F: Future + Send + 'static,
{
    fn execute(&self, call: F) {
        tokio::spawn(in_flight::abandonable(Box::pin(call)));
    }
}

/// How much of one HTTP/2 request body may be on its way to us, in bytes.
const H2_STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// How much of all request bodies of one HTTP/2 connection may be on its way to us, in bytes.
const H2_CONNECTION_WINDOW_BYTES: u32 = 1 << 21;

/// How often a connection is judged again at most: a burst of changes, on a shared host of anybody's, costs each
/// connection so many judgements and no more.
const JUDGED_EVERY: Duration = Duration::from_millis(500);

/// How long a connection is quiet before it rests: less than this between two calls costs nothing.
const REST_AFTER: Duration = Duration::from_millis(10);

/// What an open connection is watched for.
struct Watching<'a> {
    worker: &'a Arc<Worker>,
    peer: &'a Arc<Peer>,
    activity: &'a Arc<Activity>,
    epoch: Option<watch::Receiver<u64>>,
    held: Held,
    shutdown: watch::Receiver<bool>,
}

/// What came of looking after a connection.
enum Verdict {
    GoOn,
    /// Take no more requests, let those in flight end within the grace.
    Finish(Duration),
    /// Now.
    Drop,
}

impl Watching<'_> {
    /// Looks after the connection until it ends.
    async fn run(&mut self, http: &mut impl Http) {
        let limits = &self.worker.limits;
        let mut epoch_moves = pin!(next_epoch(self.epoch.take(), Duration::ZERO));
        let mut shuts_down = pin!(down(self.shutdown.clone()));
        let mut dismissed = pin!(self.peer.dismissed());
        let mut timer = pin!(tokio::time::sleep(self.idle_timeout(limits)));
        let mut finishing: Option<Instant> = None;
        // Whether the timer is set for the next look at a connection that is busy, or could rest. It is set from time to
        // time rather than by each call.
        let mut ticks = false;
        let mut first_look = true;
        let (alarm, alarm_waker) = Alarm::new();
        poll_fn(|cx| {
            alarm.wakes(cx.waker());
            loop {
                // What changes seldom is looked at only when it rang: its locks are shared by all connections.
                if alarm.take() {
                    let mut seldom = Context::from_waker(&alarm_waker);
                    let mut verdict = Verdict::GoOn;
                    let mut is_due = self.held.poll_due(&seldom).is_ready();
                    if let Poll::Ready(receiver) = epoch_moves.as_mut().poll(&mut seldom) {
                        is_due = true;
                        epoch_moves.set(next_epoch(receiver, JUDGED_EVERY));
                    }
                    if is_due {
                        if let Some(lost) = self.held.look_again(self.worker, self.peer) {
                            // Who is told why it is refused had nothing to lose.
                            if finishing.is_none() && self.peer.explained().is_none() {
                                self.held.tell(self.worker, self.peer, &lost);
                            }
                            verdict = Verdict::Finish(millis(limits.cut_grace_ms));
                        }
                        if self.activity.is_resting() {
                            self.peer.rest();
                        }
                        alarm.ring();
                    }
                    let going_on =
                        |verdict: &Verdict| finishing.is_none() && matches!(verdict, Verdict::GoOn);
                    if going_on(&verdict) && dismissed.as_mut().poll(&mut seldom).is_ready() {
                        self.cut_by_a_request();
                        verdict = Verdict::Finish(millis(limits.cut_grace_ms));
                    }
                    if going_on(&verdict) && shuts_down.as_mut().poll(&mut seldom).is_ready() {
                        verdict = Verdict::Finish(millis(limits.shutdown_grace_ms));
                    }
                    if matches!(verdict, Verdict::GoOn)
                        && timer.as_mut().poll(&mut seldom).is_ready()
                    {
                        if finishing.is_some_and(|end| end <= timer.deadline()) {
                            return Poll::Ready(());
                        }
                        (ticks, first_look) = (false, false);
                        let stuck = self.peer.in_flight().look_after(
                            self.worker,
                            self.peer,
                            finishing.is_none(),
                        );
                        match finishing {
                            // In HTTP/2 the one call is given up, in HTTP/1.1 that takes the connection.
                            _ if stuck && self.peer.tls.protocol == Protocol::H1 => {
                                verdict = Verdict::Drop;
                            }
                            Some(end) => timer.as_mut().reset(end),
                            None => verdict = self.overdue(limits, timer.as_mut(), http),
                        }
                        alarm.ring();
                    }
                    match verdict {
                        Verdict::GoOn => {}
                        Verdict::Finish(grace) => {
                            let end = deadline::after(grace);
                            // An end only comes nearer: on a shared host the epoch moves with every realm's anchors,
                            // and must not put off the cut of a client that lost its right.
                            if finishing.is_none_or(|present| end < present) {
                                http.finish();
                                finishing = Some(end);
                                timer.as_mut().reset(end);
                                ticks = false;
                                alarm.ring();
                            }
                        }
                        Verdict::Drop => return Poll::Ready(()),
                    }
                }
                if let Poll::Ready(outcome) = http.poll(cx) {
                    if let Err(error) = outcome {
                        tracing::debug!(%error, address = %self.peer.address, "a connection broke");
                    }
                    // The refusal of a request may end it sooner than it is asked to end.
                    if finishing.is_none() && self.peer.is_dismissed() {
                        self.cut_by_a_request();
                    }
                    return Poll::Ready(());
                }
                let awake = http.is_awake();
                first_look |= !awake;
                if !ticks && (awake || self.activity.is_serving()) {
                    ticks = true;
                    let look = deadline::after(match (awake, first_look) {
                        (true, true) => REST_AFTER,
                        (true, false) | (false, _) => in_flight::LOOK_EVERY,
                    });
                    if look < timer.deadline() {
                        timer.as_mut().reset(look);
                    }
                }
                if finishing.is_none() && self.head_hangs(limits, timer.as_mut()) {
                    return Poll::Ready(());
                }
                if !alarm.is_rung() {
                    return Poll::Pending;
                }
            }
        })
        .await;
    }

    /// A request came sooner than the word of what took its right, and was refused.
    fn cut_by_a_request(&mut self) {
        match self.held.look_again(self.worker, self.peer) {
            Some(lost) => self.held.tell(self.worker, self.peer, &lost),
            None => self.worker.counters.connection_cut(),
        }
    }

    /// A request's head is on its way and not complete: its own deadline holds. Answers whether it is too large.
    fn head_hangs(&self, limits: &GatewayLimits, timer: Pin<&mut Sleep>) -> bool {
        let bytes = self.activity.head_bytes();
        if bytes == 0 || self.activity.is_serving() || self.peer.tls.protocol == Protocol::H2 {
            return false;
        }
        let deadline = deadline::after(millis(limits.header_timeout_ms));
        if timer.deadline() > deadline {
            timer.reset(deadline);
        }
        // A head up to twice the limit is let in, to be told by a 431; what comes beyond it is cut.
        bytes > limits.header_bytes_max.saturating_mul(2)
    }

    /// How long a connection may be idle, which is also how often one that serves is looked at. Who is refused anyway
    /// gets time to read why, and no more.
    fn idle_timeout(&self, limits: &GatewayLimits) -> Duration {
        let idle = millis(limits.idle_timeout_ms);
        match self.peer.explained() {
            Some(_) => idle.min(REFUSED_IDLE_MAX),
            None => idle,
        }
    }

    /// The timer went off: is anything overdue? Sets it anew where nothing is.
    fn overdue(
        &self,
        limits: &GatewayLimits,
        timer: Pin<&mut Sleep>,
        http: &mut impl Http,
    ) -> Verdict {
        let idle_max = self.idle_timeout(limits);
        let (so_far, allowed) = match (self.activity.waiting(), self.peer.tls.protocol) {
            (Waiting::Serving, _) => (Duration::ZERO, idle_max),
            (Waiting::Blocked(blocked), _) => (blocked, millis(limits.body_idle_timeout_ms)),
            (Waiting::Head { head, .. }, Protocol::H1) => (head, millis(limits.header_timeout_ms)),
            // In HTTP/2 pings and the like come without a request, and keep no connection open.
            (Waiting::Idle(idle) | Waiting::Head { idle, .. }, _) => {
                if idle >= idle_max {
                    return Verdict::Finish(millis(limits.linger_ms));
                }
                if http.is_awake() && idle < REST_AFTER {
                    (idle, REST_AFTER.min(idle_max))
                } else {
                    http.rest();
                    self.peer.rest();
                    (idle, idle_max)
                }
            }
        };
        match allowed.checked_sub(so_far).filter(|left| !left.is_zero()) {
            Some(left) => {
                timer.reset(deadline::after(left));
                Verdict::GoOn
            }
            None => Verdict::Drop,
        }
    }
}

const fn millis(millis: u32) -> Duration {
    Duration::from_millis(millis as u64)
}

/// How long the connection of a refused client may be idle.
const REFUSED_IDLE_MAX: Duration = Duration::from_secs(10);

/// Ends when the epoch moves, but not before `rest` is over; never where there is none to watch.
async fn next_epoch(
    receiver: Option<watch::Receiver<u64>>,
    rest: Duration,
) -> Option<watch::Receiver<u64>> {
    match receiver {
        Some(mut receiver) => {
            if !rest.is_zero() {
                // Seldom, and large.
                Box::pin(tokio::time::sleep(rest)).await;
            }
            match receiver.changed().await {
                Ok(()) => Some(receiver),
                Err(_) => None,
            }
        }
        None => std::future::pending().await,
    }
}

async fn down(mut shutdown: watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|down| *down).await;
}

/// An answer's body, which keeps its connection busy until it is sent or dropped.
struct Served {
    body: AnswerBody,
    serving: Serving,
}

impl Drop for Served {
    fn drop(&mut self) {
        if self.body.leaves_a_body() {
            self.serving.leaves_its_body();
        }
    }
}

impl Body for Served {
    type Data = <AnswerBody as Body>::Data;
    type Error = <AnswerBody as Body>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
