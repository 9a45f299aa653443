//! For tests: upstreams of every kind on real sockets, and targets and bodies to call them with.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::HeaderValue;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::domain::address::BaseUrl;
use crate::domain::connection::ConnectionLimits;
use crate::domain::name::{ConnectionName, RealmName};
use crate::outbound::body::UpstreamBody;
use crate::outbound::error::OutboundError;
use crate::outbound::guard::OutgoingGuard;
use crate::outbound::limits::OutboundLimits;
use crate::outbound::pool::Pools;
use crate::snapshot::client_tls::Target;

/// How long a test waits for what must come.
pub const SOON: Duration = Duration::from_secs(20);

/// A body made of given frames, or of what a channel brings.
pub enum Given {
    /// Frames, and its exact length where it states one.
    Frames(VecDeque<Frame<Bytes>>, Option<u64>),
    /// What comes.
    Channel(mpsc::Receiver<Result<Frame<Bytes>, io::Error>>),
    /// So many chunks of 64 KiB of zeros, counted as they are taken.
    Zeros(usize, Arc<AtomicUsize>),
}

/// The size of one chunk of [`Given::Zeros`], in bytes.
pub const CHUNK: usize = 65_536;
static ZEROS: [u8; CHUNK] = [0; CHUNK];

/// No body.
pub fn empty() -> Given {
    Given::Frames(VecDeque::new(), Some(0))
}

/// A body of one piece.
pub fn text(text: &'static str) -> Given {
    let length = text.len() as u64;
    Given::Frames(
        [Frame::data(Bytes::from_static(text.as_bytes()))].into(),
        Some(length),
    )
}

impl Body for Given {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Frames(frames, _) => Poll::Ready(frames.pop_front().map(Ok)),
            Self::Channel(frames) => frames.poll_recv(cx),
            Self::Zeros(0, _) => Poll::Ready(None),
            Self::Zeros(left, taken) => {
                *left = left.saturating_sub(1);
                taken.fetch_add(1, Ordering::SeqCst);
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&ZEROS)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Frames(frames, _) if frames.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Frames(_, Some(length)) => SizeHint::with_exact(*length),
            Self::Frames(_, None) | Self::Channel(_) => SizeHint::default(),
            Self::Zeros(left, _) => SizeHint::with_exact(left.saturating_mul(CHUNK) as u64),
        }
    }
}

/// Pools that may call this host.
pub fn pools(limits: OutboundLimits) -> Pools<Given> {
    let loopback = vec!["127.0.0.0/8".parse().unwrap()];
    Pools::new(
        limits,
        OutgoingGuard::new(loopback, Vec::new()),
        NonZeroUsize::MIN,
    )
}

/// A target in the clear.
pub fn target(address: SocketAddr) -> Target {
    static ID: AtomicU64 = AtomicU64::new(1);
    let url = BaseUrl::parse(&format!("http://{address}")).unwrap();
    Target {
        id: ID.fetch_add(1, Ordering::Relaxed),
        realm: RealmName::parse("acme").unwrap(),
        connection: ConnectionName::parse("backend").unwrap(),
        authority: HeaderValue::from_str(&url.authority()).unwrap(),
        url,
        tls: None,
        compiled_from: (0, 0),
        limits: ConnectionLimits::default(),
    }
}

/// A request with `Host`.
pub fn request(method: &str, path: &str, body: Given) -> Request<Given> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "upstream.test");
    request.body(body).unwrap()
}

/// Calls, and waits no longer than a test may.
pub async fn call(
    pools: &Pools<Given>,
    target: &Target,
    request: Request<Given>,
) -> Result<Response<UpstreamBody<Given>>, OutboundError> {
    timeout(SOON, pools.call(target, request))
        .await
        .expect("no answer, and no error either")
}

/// Calls, and reads the whole answer.
pub async fn fetch(pools: &Pools<Given>, target: &Target, request: Request<Given>) -> String {
    let answer = call(pools, target, request).await.unwrap();
    String::from_utf8(read(answer).await.unwrap().into()).unwrap()
}

/// Reads an answer's body.
pub async fn read(answer: Response<UpstreamBody<Given>>) -> Result<Bytes, OutboundError> {
    let body = timeout(SOON, answer.into_body().collect())
        .await
        .expect("no end of the body");
    Ok(body?.to_bytes())
}

/// Waits until something is so.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(SOON, waiting)
        .await
        .unwrap_or_else(|_| panic!("never came: {what}"));
}

/// Listens, and gives each connection, with its number from 0, to `serve`.
pub async fn listen<F>(serve: impl Fn(TcpStream, usize) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, number));
        }
    });
    address
}

/// A well-behaved HTTP server; `answer` is also told the number of the connection.
pub async fn serve<F>(
    answer: impl Fn(Request<Incoming>, usize) -> F + Clone + Send + Sync + 'static,
) -> SocketAddr
where
    F: Future<Output = Response<Given>> + Send + 'static,
{
    listen(move |stream, number| {
        let answer = answer.clone();
        async move { serve_on(stream, move |request| answer(request, number)).await }
    })
    .await
}

/// HTTP on one connection.
pub async fn serve_on<S, F>(stream: S, answer: impl Fn(Request<Incoming>) -> F + Send + 'static)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Response<Given>> + Send + 'static,
{
    let service = service_fn(|request| {
        let answer = answer(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let server = hyper::server::conn::http1::Builder::new();
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

/// Reads one request's head.
pub async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = BytesMut::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.extend_from_slice(&[byte]),
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Writes, and says nothing where nobody listens.
pub async fn write(stream: &mut TcpStream, bytes: &str) {
    let _ = stream.write_all(bytes.as_bytes()).await;
}

/// An answer with a short body, in full.
pub const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
