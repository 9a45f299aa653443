//! The small HTTP service that the demo's `orders` pipeline passes calls on to.
//!
//! It tells what it was asked, so that one sees what arrives there; `…/mirror` sends the body back as it comes, and
//! `…/bytes/N` sends N bytes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::demo::error::DemoError;

type ServiceBody = Either<Full<Bytes>, Either<Incoming, Zeros>>;

/// The service while it runs; it ends when this is dropped.
pub struct Service {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    /// Starts it on a thread of its own.
    ///
    /// # Errors
    /// [`DemoError`] where the address cannot be listened on.
    pub fn start(address: SocketAddr) -> Result<Self, DemoError> {
        let socket = std::net::TcpListener::bind(address).map_err(|source| {
            if source.kind() == std::io::ErrorKind::AddrInUse {
                DemoError::PortInUse { address }
            } else {
                DemoError::Bind { address, source }
            }
        })?;
        let fail = |source| DemoError::Service { source };
        socket.set_nonblocking(true).map_err(fail)?;
        let address = socket.local_addr().map_err(fail)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(fail)?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("demo-service".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    if let Ok(listener) = TcpListener::from_std(socket) {
                        tokio::select! {
                            () = serve(listener) => {}
                            _ = stopped => {}
                        }
                    }
                });
            });
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread.map_err(fail)?),
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .timer(TokioTimer::new())
                        .serve_connection(TokioIo::new(stream), service_fn(answer)),
                );
            }
            // Out of file descriptors, most likely: others end meanwhile.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<ServiceBody>, Infallible> {
    let path = request.uri().path().to_owned();
    if path.ends_with("/mirror") {
        let kind = request.headers().get(header::CONTENT_TYPE).cloned();
        let mut response = Response::new(Either::Right(Either::Left(request.into_body())));
        if let Some(kind) = kind {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        return Ok(response);
    }
    if let Some((_, count)) = path.rsplit_once("/bytes/") {
        return Ok(match count.parse() {
            Ok(left) => Response::new(Either::Right(Either::Right(Zeros { left }))),
            Err(_) => json_answer(
                StatusCode::BAD_REQUEST,
                &json!({ "message": "write a number of bytes" }),
            ),
        });
    }
    Ok(told(request, &path).await)
}

async fn told(request: Request<Incoming>, path: &str) -> Response<ServiceBody> {
    let mut headers = Map::new();
    for (name, value) in request.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match headers.get_mut(name.as_str()) {
            Some(Value::String(before)) => {
                before.push_str(", ");
                before.push_str(&value);
            }
            Some(_) | None => {
                headers.insert(name.to_string(), Value::String(value));
            }
        }
    }
    let mut answer = json!({
        "service": "orders",
        "method": request.method().as_str(),
        "path": path,
        "query": request.uri().query(),
        "headers": headers,
    });
    let reads = request.method() != Method::GET && request.method() != Method::HEAD;
    if let (true, Value::Object(fields)) = (reads, &mut answer) {
        match count(request.into_body()).await {
            Some(bytes) => fields.insert("bodyBytes".to_owned(), json!(bytes)),
            None => fields.insert("bodyBroke".to_owned(), json!(true)),
        };
    }
    json_answer(StatusCode::OK, &answer)
}

/// Reads a body away and counts its bytes; `None` where it broke off.
async fn count(mut body: Incoming) -> Option<u64> {
    let mut bytes = 0_u64;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.ok()?.into_data() {
            bytes = bytes.saturating_add(data.len() as u64);
        }
    }
    Some(bytes)
}

fn json_answer(status: StatusCode, value: &Value) -> Response<ServiceBody> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(value.to_string()))));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    response
}

/// A body of so many zeros.
struct Zeros {
    left: u64,
}

static BLOCK: [u8; 16 * 1024] = [0; 16 * 1024];

impl Body for Zeros {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let length = self.left.min(BLOCK.len() as u64);
        self.left = self.left.saturating_sub(length);
        let block = Bytes::from_static(&BLOCK).slice(..usize::try_from(length).unwrap_or(0));
        Poll::Ready(Some(Ok(Frame::data(block))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    fn ask(service: &Service, request: &str) -> String {
        let mut stream = TcpStream::connect(service.address()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn it_tells_mirrors_and_sends_bytes() {
        let service = Service::start("127.0.0.1:0".parse().unwrap()).unwrap();
        let told = ask(
            &service,
            "GET /items/7?a=b HTTP/1.1\r\nhost: x\r\nclient-cert: :Zm9v:\r\nconnection: close\r\n\r\n",
        );
        assert!(
            told.starts_with("HTTP/1.1 200 OK\r\n") && told.contains("\"client-cert\":\":Zm9v:\""),
            "{told}"
        );
        assert!(
            told.contains("\"path\":\"/items/7\",\"query\":\"a=b\""),
            "{told}"
        );
        let counted = ask(
            &service,
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc",
        );
        assert!(counted.contains("\"bodyBytes\":3"), "{counted}");
        let mirrored = ask(
            &service,
            "POST /mirror HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc",
        );
        assert!(mirrored.ends_with("\r\n\r\nabc"), "{mirrored}");
        let bytes = ask(
            &service,
            "GET /bytes/40000 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        );
        assert_eq!(bytes.split("\r\n\r\n").nth(1).unwrap().len(), 40_000);
        assert!(matches!(
            Service::start(service.address()),
            Err(DemoError::PortInUse { .. })
        ));
    }
}
