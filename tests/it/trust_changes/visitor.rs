//! Clients in the middle of something while trust changes, and what becomes of them.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use realmgate::clock::Stopwatch;
use realmgate::pki::authority::Leaf;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, version};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::trust_changes::house::{House, SHARED};

/// What a client is in the middle of when the change comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// It is not there yet.
    New,
    /// It has a session that it could resume.
    Resumed,
    /// It has an open HTTP/1.1 connection, and says nothing.
    IdleH1,
    /// It has an open HTTP/2 connection, and says nothing.
    IdleH2,
    /// It has an open connection, and calls as soon as the change is made.
    CallsAtOnce,
    /// It waits for an answer, over HTTP/1.1.
    WaitsH1,
    /// It waits for an answer, over HTTP/2.
    WaitsH2,
    /// It is reading an answer that does not end, over HTTP/1.1.
    PollsH1,
    /// It is reading an answer that does not end, over HTTP/2.
    PollsH2,
    /// It is sending a body.
    Uploads,
}

impl Stand {
    pub(crate) const ALL: [Self; 10] = [
        Self::New,
        Self::Resumed,
        Self::IdleH1,
        Self::IdleH2,
        Self::CallsAtOnce,
        Self::WaitsH1,
        Self::WaitsH2,
        Self::PollsH1,
        Self::PollsH2,
        Self::Uploads,
    ];

    /// Whether it has a connection that can be cut.
    pub(crate) fn is_open(self) -> bool {
        !matches!(self, Self::New | Self::Resumed)
    }

    /// Whether something is in flight, which may go on for the grace.
    pub(crate) fn is_in_flight(self) -> bool {
        matches!(
            self,
            Self::WaitsH1 | Self::WaitsH2 | Self::PollsH1 | Self::PollsH2 | Self::Uploads
        )
    }

    pub(crate) fn is_h2(self) -> bool {
        matches!(self, Self::IdleH2 | Self::WaitsH2 | Self::PollsH2)
    }
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was served as if nothing had been.
    Served,
    /// It was refused in the handshake, by this alert.
    Alert(String),
    /// It was refused by an answer with this status.
    Status(u16),
    /// It was cut, so long after the change.
    Cut {
        after: Duration,
        /// Whether a GOAWAY told so, in HTTP/2.
        goaway: bool,
    },
}

/// How far the change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Before,
    Changed,
    /// Whoever is to be cut has been.
    Settled,
}

/// Where and as whom a visit is made.
#[derive(Clone)]
pub(crate) struct Ticket {
    pub(crate) host: String,
    pub(crate) realm: String,
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) address: std::net::SocketAddr,
}

impl Ticket {
    /// On the realm's own host over TLS 1.3, on the shared one over TLS 1.2.
    pub(crate) fn new(house: &House, realm: &str, on_shared: bool, leaf: &Leaf, h2: bool) -> Self {
        let (host, version) = if on_shared {
            (SHARED.to_owned(), &version::TLS12)
        } else {
            (format!("{realm}.{SHARED}"), &version::TLS13)
        };
        let chain = vec![CertificateDer::from(leaf.certificate.der().to_vec())];
        let pem = leaf.key.to_pkcs8_pem();
        let key = rustls::pki_types::pem::PemObject::from_pem_slice(pem.expose());
        let key: PrivateKeyDer<'static> = key.unwrap();
        let mut config = ClientConfig::builder_with_protocol_versions(&[version])
            .with_root_certificates(house.roots.clone())
            .with_client_auth_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![if h2 {
            b"h2".to_vec()
        } else {
            b"http/1.1".to_vec()
        }];
        Self {
            host,
            realm: realm.to_owned(),
            config: Arc::new(config),
            address: house.address,
        }
    }

    pub(crate) async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        let name = ServerName::try_from(self.host.clone()).unwrap();
        TlsConnector::from(Arc::clone(&self.config))
            .connect(name, socket)
            .await
    }

    fn path(&self, what: &str) -> String {
        format!("/pipeline/{}/v1/relay?do={what}", self.realm)
    }

    pub(crate) fn head(&self, what: &str) -> String {
        let (path, host) = (self.path(what), &self.host);
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
    }

    /// A whole call on a connection of its own; whether its session was resumed.
    pub(crate) async fn once(&self) -> (Fate, bool) {
        let refused = |error: io::Error| (Fate::Alert(error.to_string()), false);
        let mut stream = match self.connect().await {
            Ok(stream) => stream,
            Err(error) => return refused(error),
        };
        let fate = match call(&mut stream, self).await {
            Ok(200) => Fate::Served,
            Ok(status) => Fate::Status(status),
            Err(error) => return refused(error),
        };
        let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        (fate, resumed)
    }

    async fn over_h2(&self) -> (http2::SendRequest<Empty<Bytes>>, Arc<Tap>) {
        let tap = Arc::new(Tap::default());
        let stream = Tapped {
            stream: self.connect().await.unwrap(),
            tap: Arc::clone(&tap),
        };
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn({
            let tap = Arc::clone(&tap);
            async move {
                let _ = connection.await;
                tap.over.send_replace(true);
            }
        });
        (sender, tap)
    }

    fn h2_request(&self, what: &str) -> http::Request<Empty<Bytes>> {
        let uri = format!("https://{}{}", self.host, self.path(what));
        http::Request::get(uri).body(Empty::new()).unwrap()
    }
}

/// Calls over HTTP/1.1 and reads the whole answer; its status.
pub(crate) async fn call(stream: &mut TlsStream<TcpStream>, ticket: &Ticket) -> io::Result<u16> {
    stream.write_all(ticket.head("now").as_bytes()).await?;
    answer(stream).await
}

async fn answer(stream: &mut TlsStream<TcpStream>) -> io::Result<u16> {
    let mut read = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Ok(head[9..12].parse().unwrap());
            }
        }
        let bytes = stream.read(&mut piece).await?;
        if bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read.extend_from_slice(&piece[..bytes]);
    }
}

/// What all visitors wait for together.
pub(crate) struct Meeting {
    pub(crate) stage: watch::Receiver<Stage>,
    pub(crate) ready: Arc<AtomicUsize>,
    /// Started when the change was made.
    pub(crate) changed: Arc<Mutex<Option<Stopwatch>>>,
    pub(crate) begun: Arc<AtomicUsize>,
}

impl Meeting {
    fn is_ready(&self) {
        self.ready.fetch_add(1, Ordering::SeqCst);
    }

    async fn at(&mut self, stage: fn(&Stage) -> bool) {
        self.stage.wait_for(stage).await.unwrap();
    }

    fn cut(&self, goaway: bool) -> Fate {
        let changed = *self.changed.lock().unwrap();
        Fate::Cut {
            after: changed.map_or(Duration::ZERO, Stopwatch::elapsed),
            goaway,
        }
    }

    /// Waits until a call has come to the service.
    async fn came(&self, before: usize) {
        while self.begun.load(Ordering::SeqCst) <= before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn changed(stage: &Stage) -> bool {
    *stage > Stage::Before
}

fn settled(stage: &Stage) -> bool {
    *stage == Stage::Settled
}

/// A visit from its beginning to its end. Those who are served to the end are served once more after the change settled.
pub(crate) async fn visit(stand: Stand, ticket: Ticket, mut meeting: Meeting) -> Fate {
    if stand.is_h2() {
        return visit_over_h2(stand, ticket, meeting).await;
    }
    if !stand.is_open() {
        if stand == Stand::Resumed {
            assert_eq!(ticket.once().await, (Fate::Served, false));
            assert_eq!(ticket.once().await, (Fate::Served, true), "{}", ticket.host);
        }
        meeting.is_ready();
        meeting.at(changed).await;
        return ticket.once().await.0;
    }
    let mut stream = ticket.connect().await.unwrap();
    assert_eq!(call(&mut stream, &ticket).await.unwrap(), 200);
    let before = meeting.begun.load(Ordering::SeqCst);
    match stand {
        Stand::WaitsH1 => {
            stream
                .write_all(ticket.head("late").as_bytes())
                .await
                .unwrap();
            meeting.came(before).await;
        }
        Stand::PollsH1 => {
            stream
                .write_all(ticket.head("tick").as_bytes())
                .await
                .unwrap();
            let mut piece = [0; 1024];
            assert!(stream.read(&mut piece).await.unwrap() > 0);
        }
        Stand::Uploads => {
            let head = ticket.head("upload").replace("GET", "POST");
            let head = head.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(b"4\r\npart\r\n").await.unwrap();
            meeting.came(before).await;
        }
        Stand::New
        | Stand::Resumed
        | Stand::IdleH1
        | Stand::IdleH2
        | Stand::CallsAtOnce
        | Stand::WaitsH2
        | Stand::PollsH2 => {}
    }
    meeting.is_ready();
    if stand == Stand::CallsAtOnce {
        meeting.at(changed).await;
        return match call(&mut stream, &ticket).await {
            Ok(200) => Fate::Served,
            Ok(status) => {
                // The connection goes, too.
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
                Fate::Status(status)
            }
            Err(_) => meeting.cut(false),
        };
    }
    let mut scratch = [0; 4096];
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        tokio::select! {
            read = stream.read(&mut scratch) => match read {
                Ok(bytes) if bytes > 0 && stand == Stand::PollsH1 => {}
                Ok(bytes) if bytes > 0 => {
                    if scratch.starts_with(b"HTTP/1.1 200") {
                        return Fate::Served;
                    }
                }
                _ => return meeting.cut(false),
            },
            _ = ticks.tick(), if stand == Stand::Uploads => {
                if stream.write_all(b"4\r\npart\r\n").await.is_err() {
                    return meeting.cut(false);
                }
            }
            () = meeting.at(settled) => break,
        }
    }
    match stand {
        Stand::PollsH1 => {
            for _ in 0..3 {
                if stream.read(&mut scratch).await.unwrap_or(0) == 0 {
                    return meeting.cut(false);
                }
            }
            return Fate::Served;
        }
        Stand::Uploads => stream.write_all(b"0\r\n\r\n").await.unwrap(),
        Stand::WaitsH1 => {}
        Stand::New
        | Stand::Resumed
        | Stand::IdleH1
        | Stand::IdleH2
        | Stand::CallsAtOnce
        | Stand::WaitsH2
        | Stand::PollsH2 => stream
            .write_all(ticket.head("now").as_bytes())
            .await
            .unwrap(),
    }
    match answer(&mut stream).await {
        Ok(200) => Fate::Served,
        Ok(status) => Fate::Status(status),
        Err(_) => meeting.cut(false),
    }
}

async fn visit_over_h2(stand: Stand, ticket: Ticket, mut meeting: Meeting) -> Fate {
    let (mut sender, tap) = ticket.over_h2().await;
    let first = sender.send_request(ticket.h2_request("now")).await.unwrap();
    assert_eq!(first.status(), 200);
    drop(first.into_body().collect().await.unwrap());
    let before = meeting.begun.load(Ordering::SeqCst);
    let what = if stand == Stand::PollsH2 {
        "tick"
    } else {
        "late"
    };
    let mut waiting = None;
    let mut body = None;
    if stand == Stand::WaitsH2 {
        waiting = Some(tokio::spawn(sender.send_request(ticket.h2_request(what))));
        meeting.came(before).await;
    } else if stand == Stand::PollsH2 {
        let answer = sender.send_request(ticket.h2_request(what)).await.unwrap();
        let mut ticking = answer.into_body();
        ticking.frame().await.unwrap().unwrap();
        body = Some(ticking);
    }
    meeting.is_ready();
    let mut over = tap.over.subscribe();
    let ended = async {
        match &mut body {
            Some(body) => while body.frame().await.is_some_and(|read| read.is_ok()) {},
            None => drop(over.wait_for(|over| *over).await),
        }
    };
    tokio::select! {
        () = ended => {
            // The answer ends a moment before the word of it, or after.
            tokio::time::sleep(Duration::from_millis(20)).await;
            return meeting.cut(tap.goaway.load(Ordering::SeqCst));
        }
        () = meeting.at(settled) => {}
    }
    if let Some(waiting) = waiting {
        return match waiting.await.unwrap() {
            Ok(answer) if answer.status() == 200 => Fate::Served,
            Ok(answer) => Fate::Status(answer.status().as_u16()),
            Err(_) => meeting.cut(tap.goaway.load(Ordering::SeqCst)),
        };
    }
    if let Some(body) = &mut body {
        body.frame().await.unwrap().unwrap();
    }
    match sender.send_request(ticket.h2_request("now")).await {
        Ok(answer) if answer.status() == 200 => Fate::Served,
        Ok(answer) => Fate::Status(answer.status().as_u16()),
        Err(_) => meeting.cut(tap.goaway.load(Ordering::SeqCst)),
    }
}

/// Sees the frames of HTTP/2 that come.
#[derive(Default)]
struct Tap {
    frames: Mutex<Vec<u8>>,
    goaway: AtomicBool,
    over: watch::Sender<bool>,
}

impl Tap {
    fn sees(&self, bytes: &[u8]) {
        let mut frames = self.frames.lock().unwrap();
        frames.extend_from_slice(bytes);
        while frames.len() >= 9 {
            let length = u32::from_be_bytes([0, frames[0], frames[1], frames[2]]) as usize;
            if frames.len() < 9 + length {
                return;
            }
            if frames[3] == 7 {
                self.goaway.store(true, Ordering::SeqCst);
            }
            frames.drain(..9 + length);
        }
    }
}

struct Tapped {
    stream: TlsStream<TcpStream>,
    tap: Arc<Tap>,
}

impl AsyncRead for Tapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.tap.sees(&buf.filled()[before..]);
        polled
    }
}

impl AsyncWrite for Tapped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
