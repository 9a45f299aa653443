//! Connections over real sockets and TLS, as the driver lets them rest and wake.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::service::service_fn;
use rustls::SupportedProtocolVersion;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::clock::Stopwatch;
use crate::domain::environment::Gateway;
use crate::gateway::client_io::ClientIo;
use crate::gateway::connection;
use crate::gateway::deadline;
use crate::gateway::handshake::handshake;
use crate::gateway::limits::GatewayLimits;
use crate::gateway::listener::GatewaySet;
use crate::gateway::testing::{House, Like, mock, service, tls, upstream};

const HOST: &str = "acme.api2.gate.localhost";
const LONG: Duration = Duration::from_secs(10);
const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A connection of acme's client to acme's own host.
struct Guest {
    stream: TlsStream<TcpStream>,
    activity: Arc<Activity>,
    served: JoinHandle<()>,
    shutdown: watch::Sender<bool>,
}

impl Guest {
    async fn of(house: &House, version: &'static SupportedProtocolVersion) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let activity = Arc::new(Activity::new());
        let (shutdown, down) = watch::channel(false);
        let served = tokio::spawn({
            let (worker, activity) = (Arc::clone(&house.worker), Arc::clone(&activity));
            async move {
                let (stream, address) = listener.accept().await.unwrap();
                let io = ClientIo::new(stream, activity, &worker.limits);
                let deadline = deadline::of_handshake(&worker.limits);
                let gateways = GatewaySet::of(Gateway::Mtls);
                let shaken = handshake(&worker, gateways, address, io, deadline);
                let established = Box::pin(shaken).await.unwrap();
                connection::drive(&worker, established, down).await;
            }
        });
        let config = tls::client(&house.acme, &house.acme.leaf, version);
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from(HOST).unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream);
        Self {
            stream: stream.await.unwrap(),
            activity,
            served,
            shutdown,
        }
    }

    /// Sends text in one piece.
    async fn says(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads one answer with a body of known length; its status and its body.
    async fn hears(&mut self) -> (u16, String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(LONG, self.stream.read_u8()).await.unwrap();
            head.push(byte.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length = length.split("\r\n").next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        (
            head[9..12].parse().unwrap(),
            String::from_utf8(body).unwrap(),
        )
    }

    async fn calls(&mut self) {
        self.says(&get("hello")).await;
        assert_eq!(self.hears().await, hello());
    }

    async fn rests(&self) {
        let rests = async {
            while !self.activity.is_resting() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(LONG, rests).await.expect("it does not rest");
    }

    /// Reads up to the gateway's close_notify; without one this fails.
    async fn is_closed(&mut self) {
        let mut told = Vec::new();
        let closed = timeout(LONG, self.stream.read_to_end(&mut told)).await;
        assert_eq!(closed.unwrap().unwrap(), 0, "{told:?}");
    }

    /// Leaves, and waits for the gateway's end of the connection.
    async fn leaves(self) {
        drop(self.stream);
        timeout(LONG, self.served).await.unwrap().unwrap();
    }
}

fn get(name: &str) -> String {
    format!("GET /pipeline/acme/v1/{name} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")
}

fn hello() -> (u16, String) {
    (200, "{\"hello\":\"acme\"}".to_owned())
}

fn house(limits: GatewayLimits) -> House {
    let mut house = House::with_limits(limits);
    let hello = mock(json!({"hello": "{{ metadata.realm }}"}));
    house.pipeline("acme", "hello", Like::everywhere(hello));
    house
}

#[tokio::test]
async fn a_connection_begins_at_rest_and_rests_after_each_call() {
    for version in VERSIONS {
        let house = house(GatewayLimits::default());
        let mut guest = Guest::of(&house, version).await;
        for _ in 0..3 {
            guest.rests().await;
            guest.calls().await;
            guest.calls().await;
        }
        guest.rests().await;
        guest.leaves().await;
        assert_eq!(house.worker.open.len(), 0);
        assert_eq!(house.records().len(), 6);
    }
}

#[tokio::test]
async fn a_busy_connection_does_not_rest() {
    let house = house(GatewayLimits::default());
    let mut guest = Guest::of(&house, &TLS13).await;
    guest.calls().await;
    let busy = Stopwatch::start();
    let mut seen_at_rest = 0;
    let mut quietest = Duration::ZERO;
    while busy.elapsed() < Duration::from_millis(600) {
        let call = Stopwatch::start();
        guest.calls().await;
        quietest = quietest.max(call.elapsed());
        seen_at_rest += u32::from(guest.activity.is_resting());
    }
    // A machine that stands still makes any connection quiet.
    assert!(
        seen_at_rest == 0 || quietest > Duration::from_millis(20),
        "{seen_at_rest} times, {quietest:?}"
    );
}

#[tokio::test]
async fn a_request_may_come_in_pieces_and_behind_another_one() {
    for version in VERSIONS {
        let house = house(GatewayLimits::default());
        let mut guest = Guest::of(&house, version).await;
        for byte in get("hello").bytes() {
            guest.stream.write_all(&[byte]).await.unwrap();
            guest.stream.flush().await.unwrap();
        }
        assert_eq!(guest.hears().await, hello());
        guest.rests().await;
        let request = get("hello");
        let (first, rest) = request.split_at(30);
        guest.says(&format!("{request}{request}{first}")).await;
        assert_eq!(guest.hears().await, hello());
        assert_eq!(guest.hears().await, hello());
        // It is looked at meanwhile, found to have begun the third, and does not rest.
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert!(!guest.activity.is_resting());
        guest.says(rest).await;
        assert_eq!(guest.hears().await, hello());
        guest.rests().await;
        // Empty lines between requests mean nothing.
        guest.says(&format!("{request}\r\n")).await;
        assert_eq!(guest.hears().await, hello());
        guest.rests().await;
        guest.calls().await;
    }
}

#[tokio::test]
async fn what_comes_in_the_moment_of_going_to_rest_is_heard() {
    let heard = Arc::new(AtomicU32::new(0));
    let (mut client, server) = tokio::io::duplex(4096);
    let activity = Arc::new(Activity::new());
    let service = service_fn({
        let (heard, activity) = (Arc::clone(&heard), Arc::clone(&activity));
        move |_: Request<Incoming>| {
            let serving = activity.request();
            heard.fetch_add(1, Ordering::Relaxed);
            async move {
                drop(serving);
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
            }
        }
    });
    let mut http = Http1::new(server, service, Arc::clone(&activity), 100);
    let mut cx = Context::from_waker(Waker::noop());
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let (first, rest) = request.split_at(request.len() / 2);
    let mut scratch = [0; 4096];
    assert!(http.poll(&mut cx).is_pending());
    for _ in 0..10 {
        for piece in [&request[..], first] {
            client.write_all(piece).await.unwrap();
            // hyper has not seen it, and is taken apart.
            http.rest();
            assert!(!http.is_awake());
            assert!(http.poll(&mut cx).is_pending());
            assert!(http.is_awake());
            if piece.len() == request.len() {
                assert!(client.read(&mut scratch).await.unwrap() > 0);
            }
        }
        // Now it has half a head, and keeps it.
        http.rest();
        assert!(http.is_awake());
        client.write_all(rest).await.unwrap();
        assert!(http.poll(&mut cx).is_pending());
        assert!(client.read(&mut scratch).await.unwrap() > 0);
    }
    assert_eq!(heard.load(Ordering::Relaxed), 20);
}

#[tokio::test]
async fn at_rest_a_connection_is_cut_by_a_change_of_trust() {
    for version in VERSIONS {
        let mut house = house(GatewayLimits::default());
        let mut guest = Guest::of(&house, version).await;
        guest.calls().await;
        guest.rests().await;
        house.uninstall("acme");
        guest.is_closed().await;
        guest.leaves().await;
        let cut = house.worker.counters.snapshot().connections_cut;
        assert_eq!((cut, house.worker.open.len()), (1, 0));
    }
}

#[tokio::test]
async fn at_rest_a_connection_ends_with_the_server_and_with_its_idle_timeout() {
    for version in VERSIONS {
        let patient = house(GatewayLimits::default());
        let mut guest = Guest::of(&patient, version).await;
        guest.calls().await;
        guest.rests().await;
        guest.shutdown.send_replace(true);
        guest.is_closed().await;
        guest.leaves().await;

        let idle = Duration::from_millis(300);
        let hurried = house(GatewayLimits {
            idle_timeout_ms: 300,
            ..GatewayLimits::default()
        });
        for call in [false, true] {
            let mut guest = Guest::of(&hurried, version).await;
            if call {
                guest.calls().await;
            }
            let quiet = Stopwatch::start();
            guest.rests().await;
            guest.is_closed().await;
            // The gateway's watch began sooner than ours, by the way of the last byte.
            assert!(quiet.elapsed() > idle / 2, "{:?}", quiet.elapsed());
            guest.leaves().await;
            assert_eq!(hurried.worker.open.len(), 0);
        }
    }
}

#[tokio::test]
async fn a_slow_head_meets_its_deadline_after_a_rest() {
    let house = house(GatewayLimits {
        header_timeout_ms: 300,
        ..GatewayLimits::default()
    });
    for version in VERSIONS {
        // Behind a rest, and behind a request.
        for before in ["", &get("hello")] {
            let mut guest = Guest::of(&house, version).await;
            guest.calls().await;
            guest.rests().await;
            guest.says(&format!("{before}GET /pipe")).await;
            if !before.is_empty() {
                assert_eq!(guest.hears().await, hello());
            }
            let begun = Stopwatch::start();
            // It is dropped, as ever: no close_notify.
            assert!(
                timeout(LONG, guest.stream.read_u8())
                    .await
                    .unwrap()
                    .is_err()
            );
            assert!(begun.elapsed() > Duration::from_millis(200));
            guest.leaves().await;
        }
    }
}

#[tokio::test]
async fn the_rest_of_a_body_is_never_taken_for_a_request() {
    let mut house = house(GatewayLimits::default());
    // It answers without reading.
    let url = service(|request: Request<Incoming>| async move {
        std::mem::forget(request.into_body());
        Response::new(Full::new(Bytes::from_static(b"early")))
    })
    .await;
    house.target(&url);
    house.pipeline("acme", "early", Like::everywhere(upstream()));
    let mut guest = Guest::of(&house, &TLS13).await;
    let inner = get("hello");
    let head = format!(
        "POST /pipeline/acme/v1/early HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {}\r\n\r\n",
        inner.len() + 1
    );
    guest.says(&format!("{head}x")).await;
    assert_eq!(guest.hears().await, (200, "early".to_owned()));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(!guest.activity.is_resting());
    // Either the connection goes on behind the body, or it ends.
    let _ = guest.stream.write_all(inner.as_bytes()).await;
    let _ = guest.stream.write_all(get("nowhere").as_bytes()).await;
    let mut answers = Vec::new();
    let read = guest.stream.read_to_end(&mut answers);
    let _ = timeout(Duration::from_secs(1), read).await;
    let answers = String::from_utf8(answers).unwrap();
    assert!(!answers.contains(" 200 "), "{answers}");
    guest.leaves().await;
    let paths: Vec<_> = house.records();
    assert!(
        paths
            .iter()
            .all(|one| one["path"] != "/pipeline/acme/v1/hello")
    );
}
