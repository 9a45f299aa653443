//! One connection: TLS, then HTTP/1.1 or HTTP/2, until it ends by itself, stands still, or the server shuts down.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use http::Request;
use http::header::EXPECT;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower_service::Service;

use crate::admin::client_io::{ClientIo, Moved};
use crate::admin::limits::AdminLimits;
use crate::admin::listener::AdminParts;
use crate::admin::unread;
use crate::api::caller::ClientAddress;

/// What a client gets that speaks plain HTTP to a TLS port.
const PLAIN_HTTP: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\
Content-Length: 56\r\n\r\nThis port speaks HTTPS: begin the address with https://\n";

/// Serves one connection to its end.
pub(crate) async fn serve(
    parts: &AdminParts,
    stream: TcpStream,
    address: SocketAddr,
    shutdown: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let activity = Arc::new(Activity::default());
    let io = ClientIo::new(stream, Arc::clone(&activity.moved), &parts.limits);
    let patience = millis(parts.limits.handshake_timeout_ms);
    let Ok(Some(tls)) = timeout(patience, Box::pin(handshake(parts, io, address))).await else {
        return;
    };
    let is_http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    let answering = Arc::clone(&activity);
    let (router, limits) = (parts.router.clone(), parts.limits);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ClientAddress(address.ip()));
        answer(router.clone(), Arc::clone(&answering), limits, request)
    });
    let limits = &parts.limits;
    let head = usize::try_from(limits.header_bytes_max).unwrap_or(usize::MAX);
    if is_http2 {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams_max)
            .max_header_list_size(limits.header_bytes_max)
            .serve_connection(TokioIo::new(tls), service);
        let end = |connection: Pin<&mut http2::Connection<_, _, _>>| connection.graceful_shutdown();
        drive(connection, end, &activity, limits, shutdown).await;
    } else {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(millis(limits.header_timeout_ms))
            .max_buf_size(head)
            .serve_connection(TokioIo::new(tls), service);
        let end = |connection: Pin<&mut http1::Connection<_, _>>| connection.graceful_shutdown();
        drive(connection, end, &activity, limits, shutdown).await;
    }
}

/// What happens on a connection.
#[derive(Default)]
struct Activity {
    moved: Arc<Moved>,
    /// How many calls came.
    came: AtomicU64,
    /// How many of them were answered, or given up.
    went: AtomicU64,
}

impl Activity {
    /// Changes whenever anything happens.
    fn present(&self) -> (u64, u64) {
        (self.moved.bytes(), self.went.load(Ordering::Relaxed))
    }

    fn came(&self) -> u64 {
        self.came.load(Ordering::Relaxed)
    }

    /// Whether a call is being carried out: it may take its time.
    fn is_working(&self) -> bool {
        self.came() != self.went.load(Ordering::Relaxed)
    }
}

/// A call that is being carried out, until this is dropped.
struct Working(Arc<Activity>);

impl Working {
    fn begin(activity: Arc<Activity>) -> Self {
        activity.came.fetch_add(1, Ordering::Relaxed);
        Self(activity)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.went.fetch_add(1, Ordering::Relaxed);
    }
}

async fn answer(
    mut router: Router,
    activity: Arc<Activity>,
    limits: AdminLimits,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let working = Working::begin(activity);
    // Such a client sends its body only once it is asked to, and reading the body asks.
    let holds_back = request.headers().contains_key(EXPECT);
    let (head, body) = request.into_parts();
    let (lent, claim) = unread::lend(body);
    // A router is always ready.
    let response = router.call(Request::from_parts(head, lent)).await;
    if !holds_back {
        claim.read_away(&limits).await;
    }
    drop(working);
    response
}

/// TLS. `None` where there is none: the client was told, or is gone.
async fn handshake(
    parts: &AdminParts,
    mut io: ClientIo,
    address: SocketAddr,
) -> Option<TlsStream<ClientIo>> {
    let first = io.first_byte().await.ok()??;
    if first.is_ascii_alphabetic() {
        let _ = io.write_all(PLAIN_HTTP).await;
        let _ = io.shutdown().await;
        return None;
    }
    let config = Arc::clone(&parts.live.load().admin_tls);
    match TlsAcceptor::from(config).accept(io).into_fallible().await {
        Ok(tls) => Some(tls),
        Err((error, mut io)) => {
            tracing::debug!(%address, %error, "a TLS handshake with the admin listener failed");
            let _ = io.shutdown().await;
            None
        }
    }
}

/// Drives a connection to its end, and ends it where no first call comes, nothing moves any more, or the server shuts
/// down.
async fn drive<C: Future>(
    connection: C,
    end: impl Fn(Pin<&mut C>),
    activity: &Activity,
    limits: &AdminLimits,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stands_still(activity, limits) => {}
        _ = shutdown.wait_for(|down| *down) => {}
    }
    end(connection.as_mut());
    let _ = timeout(millis(limits.shutdown_grace_ms), connection).await;
}

async fn stands_still(activity: &Activity, limits: &AdminLimits) {
    sleep(millis(limits.header_timeout_ms)).await;
    if activity.came() == 0 {
        return;
    }
    loop {
        let before = activity.present();
        sleep(millis(limits.idle_timeout_ms)).await;
        if activity.present() == before && !activity.is_working() {
            return;
        }
    }
}

fn millis(millis: u32) -> Duration {
    Duration::from_millis(u64::from(millis))
}
