//! One open connection to a target, from its first byte to its last.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::outbound::budget::{Gate, Slot};
use crate::outbound::driver::Driver;
use crate::outbound::error::{ConnectStep, OutboundError};
use crate::outbound::guard::OutgoingGuard;
use crate::outbound::limits::OutboundLimits;
use crate::outbound::outgoing::Outgoing;
use crate::outbound::resolve;
use crate::outbound::tls_failure::TlsFailure;
use crate::outbound::wire::{Exchange, RequestBody, Socket, Wire};
use crate::snapshot::client_tls::Target;

/// An open connection to a target. Dropped in the middle of an exchange, it is cut at once; dropped between two, it is
/// closed in peace.
pub struct Link<B> {
    sender: SendRequest<Outgoing<B>>,
    driver: Driver,
    exchange: Arc<Exchange>,
    slot: Slot,
    target: u64,
    idle_max: usize,
    idle_timeout_ms: u32,
    used: bool,
}

/// An exchange that came to no answer.
pub struct Failed<B> {
    /// What happened.
    pub error: hyper::Error,
    /// The request, where not a byte of it was sent.
    pub unsent: Option<Request<Outgoing<B>>>,
    /// Whether a byte of the answer had come.
    pub answered: bool,
}

impl<B> Link<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Connects to `target` within its connect timeout. `slot` is held until the connection is closed.
    ///
    /// # Errors
    /// [`OutboundError`], which tells how far it came.
    pub async fn open(
        target: &Target,
        guard: &OutgoingGuard,
        limits: &OutboundLimits,
        slot: Slot,
    ) -> Result<Self, OutboundError> {
        let after_ms = target.limits.connect_timeout_ms;
        let mut step = ConnectStep::Resolve;
        let connecting = connect(target, guard, limits, &mut step);
        let wire = timeout(Duration::from_millis(u64::from(after_ms)), connecting).await;
        let (wire, exchange) = wire.map_err(|_| {
            let host = target.url.host().into();
            OutboundError::ConnectTimeout {
                host,
                after_ms,
                step,
            }
        })??;
        let opened = Builder::new().handshake(TokioIo::new(wire)).await;
        let (sender, connection) = opened.map_err(|source| {
            let host = target.url.host().into();
            OutboundError::Broke { host, source }
        })?;
        Ok(Self {
            sender,
            driver: Driver::new(connection),
            exchange,
            slot,
            target: target.id,
            idle_max: usize::from(target.limits.idle_connections_max),
            idle_timeout_ms: target.limits.idle_timeout_ms,
            used: false,
        })
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// [`Failed`], with the request where it was not sent.
    pub async fn exchange(
        &mut self,
        mut request: Request<Outgoing<B>>,
    ) -> Result<Response<Incoming>, Failed<B>> {
        let body = match request.body().is_none() {
            true => RequestBody::None,
            false => RequestBody::Follows,
        };
        self.exchange.begin(body);
        request.body_mut().bind(&self.exchange);
        self.used = true;
        self.driver.mute();
        let mut answer = pin!(self.sender.try_send_request(request));
        let driver = &mut self.driver;
        let answered = poll_fn(|cx| {
            let _ = driver.poll(cx);
            answer
                .as_mut()
                .poll(&mut Context::from_waker(driver.waker()))
        });
        answered.await.map_err(|mut failed| {
            let unsent = failed.take_message();
            Failed {
                unsent,
                answered: self.exchange.is_answered(),
                error: failed.into_error(),
            }
        })
    }
}

impl<B> Link<B> {
    /// Whether a request was sent on it before.
    pub const fn is_used(&self) -> bool {
        self.used
    }

    /// Whether the last exchange is over and another can begin.
    pub fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Whether it is closed, as far as it was looked at.
    pub fn is_closed(&self) -> bool {
        self.driver.is_ended() || self.sender.is_closed()
    }

    /// Keeps it going while its answer's body is waited for.
    pub fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        self.driver.poll(cx)
    }

    /// The waker for what comes on it.
    pub const fn waker(&self) -> &Waker {
        self.driver.waker()
    }

    /// Keeps it going for nobody: an idle connection that was closed is found out here.
    pub fn settle(&mut self) {
        self.driver.settle();
    }

    /// Lets the rest of the request go out though nobody reads the answer, where that came early.
    pub fn go_apart(&mut self) {
        self.driver.go_apart();
    }

    /// Whether it goes on in a task of its own.
    pub const fn is_apart(&self) -> bool {
        self.driver.is_apart()
    }

    /// Whether the whole of the last request was sent. Where it was not, an early answer came, and nothing more can
    /// follow.
    pub fn is_request_sent(&self) -> bool {
        self.exchange.is_request_sent()
    }

    /// Where calls to the same target wait.
    pub fn gate(&self) -> &Gate {
        self.slot.gate()
    }

    /// The identifier of the target that it leads to.
    pub const fn target(&self) -> u64 {
        self.target
    }

    /// How many idle connections to the target each worker keeps.
    pub const fn idle_max(&self) -> usize {
        self.idle_max
    }

    /// How long it may be idle, in milliseconds.
    pub const fn idle_timeout_ms(&self) -> u32 {
        self.idle_timeout_ms
    }
}

async fn connect(
    target: &Target,
    guard: &OutgoingGuard,
    limits: &OutboundLimits,
    step: &mut ConnectStep,
) -> Result<(Wire, Arc<Exchange>), OutboundError> {
    let socket = Socket::new(resolve::open(&target.url, guard, limits, step).await?);
    let exchange = Arc::new(Exchange::default());
    let Some(tls) = &target.tls else {
        return Ok((Wire::plain(socket, Arc::clone(&exchange)), exchange));
    };
    *step = ConnectStep::Handshake;
    let failed = |failure| OutboundError::Tls {
        host: target.url.host().into(),
        failure,
    };
    let connector = TlsConnector::from(Arc::clone(&tls.config));
    let stream = connector.connect(tls.server_name.clone(), socket).await;
    let stream = stream.map_err(|error| failed(TlsFailure::of_handshake(&error)))?;
    Ok((Wire::tls(stream, Arc::clone(&exchange)), exchange))
}
