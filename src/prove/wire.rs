//! One try on the wire: a TCP connection, a handshake, a request, and what came of it.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, ConnectionTrafficSecrets, HandshakeKind,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::prove::entrance::Entrance;

/// How long one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(4);
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Between two pieces of a ClientHello, so that they do not arrive together.
const PIECE_PAUSE: Duration = Duration::from_millis(1);
/// Before a call is made again whose connection was closed.
const CLOSED_PAUSE: Duration = Duration::from_millis(50);
/// How many pieces have a pause behind them.
const PAUSES_MAX: usize = 64;

/// What came back.
#[derive(Clone, Debug)]
pub enum Came {
    /// There was no connection.
    Unreachable(String),
    /// A fatal alert.
    Alert(AlertDescription),
    /// The connection ended without an alert or an answer.
    Closed,
    /// Nothing, in time.
    Silence,
    /// Something else that is no TLS of ours.
    Broke(String),
    /// To a ClientHello alone: the server went on with the handshake.
    WentOn {
        /// Whether it demanded a certificate.
        demanding: bool,
    },
    /// An answer to the request.
    Answer(Answer),
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: String,
    /// Whether the handshake was shortened by a session that was taken along.
    pub resumed: bool,
}

impl Came {
    /// Whether the handshake was refused, by an alert or by closing.
    pub const fn is_refused(&self) -> bool {
        matches!(self, Self::Alert(_) | Self::Closed)
    }

    /// Whether it is an answer that refuses the request: never a pipeline's, which are all 200 here.
    pub const fn is_turned_away(&self) -> bool {
        matches!(self, Self::Answer(answer) if answer.status >= 400)
    }

    /// Whether it is an answer with one of these statuses.
    pub fn is_status(&self, statuses: &[u16]) -> bool {
        matches!(self, Self::Answer(answer) if statuses.contains(&answer.status))
    }

    /// The body of an answer of 200.
    pub fn body(&self) -> Option<&str> {
        match self {
            Self::Answer(answer) if answer.status == 200 => Some(&answer.body),
            Self::Answer(_)
            | Self::Unreachable(_)
            | Self::Alert(_)
            | Self::Closed
            | Self::Silence
            | Self::Broke(_)
            | Self::WentOn { .. } => None,
        }
    }
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "no connection: {why}"),
            Self::Alert(alert) => f.write_str(alert_name(*alert)),
            Self::Closed => f.write_str("connection closed"),
            Self::Silence => write!(f, "nothing within {} s", TRY_TIMEOUT.as_secs()),
            Self::Broke(why) => write!(f, "no TLS: {why}"),
            Self::WentOn { demanding: true } => f.write_str("certificate demanded"),
            Self::WentOn { demanding: false } => {
                f.write_str("the handshake went on, and no certificate was demanded")
            }
            Self::Answer(Answer {
                status,
                body,
                resumed,
            }) => {
                let resumed = if *resumed { ", session resumed" } else { "" };
                match reason(body) {
                    Some(reason) => write!(f, "{status} {reason}{resumed}"),
                    None => write!(f, "{status}{resumed}"),
                }
            }
        }
    }
}

/// The reason code of a refusal's body.
fn reason(body: &str) -> Option<&str> {
    let (_, rest) = body.split_once("\"reason\":\"")?;
    Some(rest.split_once('"')?.0)
}

/// The names of the alerts that matter here (RFC 8446, 6.2).
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "alerts are an open registry; the rest is told by rustls's own name for it"
)]
pub const fn alert_name(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CertificateRequired => "alert certificate_required",
        AlertDescription::UnknownCA => "alert unknown_ca",
        AlertDescription::CertificateExpired => "alert certificate_expired",
        AlertDescription::CertificateRevoked => "alert certificate_revoked",
        AlertDescription::CertificateUnknown => "alert certificate_unknown",
        AlertDescription::BadCertificate => "alert bad_certificate",
        AlertDescription::UnsupportedCertificate => "alert unsupported_certificate",
        AlertDescription::DecryptError => "alert decrypt_error",
        AlertDescription::DecodeError => "alert decode_error",
        AlertDescription::AccessDenied => "alert access_denied",
        AlertDescription::UnrecognisedName => "alert unrecognized_name",
        AlertDescription::HandshakeFailure => "alert handshake_failure",
        AlertDescription::IllegalParameter => "alert illegal_parameter",
        AlertDescription::UnexpectedMessage => "alert unexpected_message",
        AlertDescription::InternalError => "alert internal_error",
        AlertDescription::NoRenegotiation => "alert no_renegotiation",
        _ => "another alert",
    }
}

/// How the ClientHello is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// At once.
    No,
    /// In TCP segments of so many bytes.
    Segments(usize),
    /// In TLS records that hold so many bytes of it.
    Records(usize),
}

/// Where to, by which name, as whom.
#[derive(Clone, Debug)]
pub struct Dial {
    /// The socket.
    pub at: Entrance,
    /// The server name of the ClientHello: none where it is an IP address (RFC 6066, 3).
    pub name: String,
    /// The client.
    pub config: Arc<ClientConfig>,
    /// How the ClientHello is sent.
    pub split: Split,
}

/// What a connection is made of.
trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl Bytes for TcpStream {}

impl Bytes for DuplexStream {}

/// A connection whose handshake is done, as far as the client knows.
pub struct Open(TlsStream<Box<dyn Bytes>>);

/// Handshake, one request in HTTP/1.1, and its answer. Once more where the connection is closed: the one before it may
/// not be gone yet, where a setting allows few at a time.
pub async fn call(dial: &Dial, request: &[u8]) -> Came {
    let came = call_once(dial, request).await;
    if matches!(came, Came::Closed) {
        tokio::time::sleep(CLOSED_PAUSE).await;
        return call_once(dial, request).await;
    }
    came
}

async fn call_once(dial: &Dial, request: &[u8]) -> Came {
    within(async {
        match open(dial).await {
            Ok(mut open) => open.ask(request).await,
            Err(came) => came,
        }
    })
    .await
}

/// Handshake, one request in HTTP/2, and its answer. The configuration has to offer `h2`.
pub async fn call_h2(dial: &Dial, request: http::Request<Empty<&'static [u8]>>) -> Came {
    // hyper's state is large.
    Box::pin(within(async {
        match open(dial).await {
            Ok(open) => Box::pin(open.ask_h2(request)).await,
            Err(came) => came,
        }
    }))
    .await
}

/// The handshake alone. In TLS 1.3 a client that is refused learns it only when it reads.
///
/// # Errors
/// What came instead.
async fn open(dial: &Dial) -> Result<Open, Came> {
    let name = ServerName::try_from(dial.name.clone())
        .map_err(|_| Came::Unreachable("the name cannot be asked for".to_owned()))?;
    let tcp = connect(dial.at).await?;
    let io: Box<dyn Bytes> = match dial.split {
        Split::No => Box::new(tcp),
        Split::Segments(_) | Split::Records(_) => Box::new(in_pieces(tcp, dial.split)),
    };
    TlsConnector::from(Arc::clone(&dial.config))
        .connect(name, io)
        .await
        .map(Open)
        .map_err(|error| came_of(&error))
}

/// The handshake alone, as long as a try may take.
///
/// # Errors
/// What came instead.
pub async fn open_in_time(dial: &Dial) -> Result<Open, Came> {
    tokio::time::timeout(TRY_TIMEOUT, open(dial))
        .await
        .unwrap_or(Err(Came::Silence))
}

/// Sends the ClientHello of a name that no library would ask for: the bytes of `name` stand in for those of a name of
/// the same length. Tells whether the server went on, and, in TLS 1.2, where that can be seen, whether it demanded a
/// certificate.
pub async fn hello(at: Entrance, config: &Arc<ClientConfig>, name: &[u8]) -> Came {
    let Some(bytes) = hello_bytes(config, name) else {
        return Came::Unreachable("this ClientHello cannot be made".to_owned());
    };
    within(async {
        match connect(at).await {
            Ok(mut tcp) => match tcp.write_all(&bytes).await {
                Ok(()) => first_flight(&mut tcp).await,
                Err(error) => came_of(&error),
            },
            Err(came) => came,
        }
    })
    .await
}

/// Reads what a server says to a ClientHello of TLS 1.2, up to ServerHelloDone (RFC 5246, 7.3).
async fn first_flight(tcp: &mut TcpStream) -> Came {
    const CERTIFICATE_REQUEST: u8 = 13;
    const SERVER_HELLO_DONE: u8 = 14;
    let mut messages: Vec<u8> = Vec::new();
    let mut demanding = false;
    loop {
        let mut head = [0; 5];
        if let Err(error) = tcp.read_exact(&mut head).await {
            return came_of(&error);
        }
        let [kind, _, _, high, low] = head;
        let mut body = vec![0; usize::from(u16::from_be_bytes([high, low]))];
        if let Err(error) = tcp.read_exact(&mut body).await {
            return came_of(&error);
        }
        match (kind, body.as_slice()) {
            (0x15, [_, alert, ..]) => return Came::Alert(AlertDescription::from(*alert)),
            (0x16, part) => messages.extend_from_slice(part),
            (_, _) => return Came::Broke("another kind of record".to_owned()),
        }
        while let [kind, a, b, c, rest @ ..] = messages.as_slice() {
            let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).unwrap_or(usize::MAX);
            let Some(rest) = rest.get(length..) else {
                break;
            };
            demanding |= *kind == CERTIFICATE_REQUEST;
            if *kind == SERVER_HELLO_DONE {
                return Came::WentOn { demanding };
            }
            messages = rest.to_vec();
        }
    }
}

impl Open {
    /// Sends a request and reads its answer.
    pub async fn ask(&mut self, request: &[u8]) -> Came {
        // A refused client's write may fail first; what the server said still waits to be read.
        let sent = match self.0.write_all(request).await {
            Ok(()) => self.0.flush().await,
            Err(error) => Err(error),
        };
        match (self.read_answer().await, sent) {
            (Came::Closed, Err(error)) => came_of(&error),
            (came, _) => came,
        }
    }

    /// Sends bytes and reads nothing.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await?;
        self.0.flush().await
    }

    /// Reads one answer.
    pub async fn read_answer(&mut self) -> Came {
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 16 * 1024];
        loop {
            match self.0.read(&mut chunk).await {
                Ok(0) => break,
                Ok(count) => bytes.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(error) if bytes.is_empty() => return came_of(&error),
                Err(_) => break,
            }
            if is_whole(&bytes) || bytes.len() > ANSWER_BYTES_MAX {
                break;
            }
        }
        if bytes.is_empty() {
            return Came::Closed;
        }
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        match status {
            Some(status) => Came::Answer(Answer {
                status,
                body: body.to_owned(),
                resumed: self.is_resumed(),
            }),
            None => Came::Broke("no HTTP answer".to_owned()),
        }
    }

    /// Whether a session that was taken along shortened the handshake.
    pub fn is_resumed(&self) -> bool {
        self.0.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Sends a record that `seal` makes with the keys of this connection, which ends it for rustls, and tells the type of
    /// the record that comes back.
    ///
    /// # Errors
    /// What came instead.
    pub async fn send_sealed(
        self,
        seal: impl Fn(u64, &ConnectionTrafficSecrets) -> Option<Vec<u8>>,
    ) -> Result<u8, Came> {
        let cannot = || Came::Unreachable("the record cannot be made".to_owned());
        let (mut io, connection) = self.0.into_inner();
        let secrets = connection
            .dangerous_extract_secrets()
            .map_err(|_| cannot())?;
        let (sequence, secrets) = &secrets.tx;
        let record = seal(*sequence, secrets).ok_or_else(cannot)?;
        let exchanged = tokio::time::timeout(TRY_TIMEOUT, async {
            io.write_all(&record).await?;
            io.read_u8().await
        });
        match exchanged.await {
            Ok(Ok(kind)) => Ok(kind),
            Ok(Err(error)) => Err(came_of(&error)),
            Err(_) => Err(Came::Silence),
        }
    }

    async fn ask_h2(self, request: http::Request<Empty<&'static [u8]>>) -> Came {
        let resumed = self.is_resumed();
        let io = TokioIo::new(self.0);
        let begun = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await;
        let Ok((mut sender, connection)) = begun else {
            return Came::Closed;
        };
        let driver = tokio::spawn(connection);
        let answer = sender.send_request(request).await;
        let came = match answer {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
                    .collect()
                    .await;
                let body = body.map(|body| body.to_bytes()).unwrap_or_default();
                Came::Answer(Answer {
                    status,
                    body: String::from_utf8_lossy(&body).into_owned(),
                    resumed,
                })
            }
            Err(error) => of_source(&error),
        };
        driver.abort();
        came
    }
}

/// A request in HTTP/1.1. `lines` are header fields, each as it is to stand on the wire.
pub fn request(method: &str, target: &str, lines: &[&str], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\n");
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str("Connection: close\r\n\r\n");
    text.push_str(body);
    text.into_bytes()
}

async fn within(attempt: impl Future<Output = Came>) -> Came {
    tokio::time::timeout(TRY_TIMEOUT, attempt)
        .await
        .unwrap_or(Came::Silence)
}

async fn connect(at: Entrance) -> Result<TcpStream, Came> {
    let connecting = tokio::time::timeout(TRY_TIMEOUT, TcpStream::connect(at.at)).await;
    let mut tcp = match connecting {
        Ok(Ok(tcp)) => tcp,
        Ok(Err(error)) => return Err(Came::Unreachable(error.to_string())),
        Err(_) => return Err(Came::Unreachable("nobody accepted in time".to_owned())),
    };
    let _ = tcp.set_nodelay(true);
    tcp.write_all(at.header())
        .await
        .map_err(|error| came_of(&error))?;
    Ok(tcp)
}

/// Sends the first record in pieces, and what follows as it comes.
fn in_pieces(mut tcp: TcpStream, split: Split) -> DuplexStream {
    let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        let mut head = [0; 5];
        theirs.read_exact(&mut head).await?;
        let [kind, major, minor, high, low] = head;
        let mut body = vec![0; usize::from(u16::from_be_bytes([high, low]))];
        theirs.read_exact(&mut body).await?;
        let pieces: Vec<Vec<u8>> = match split {
            Split::No => vec![[&head, body.as_slice()].concat()],
            Split::Segments(size) => [&head, body.as_slice()]
                .concat()
                .chunks(size.max(1))
                .map(<[u8]>::to_vec)
                .collect(),
            Split::Records(size) => body
                .chunks(size.max(1))
                .map(|part| {
                    let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
                    let [high, low] = length.to_be_bytes();
                    [&[kind, major, minor, high, low], part].concat()
                })
                .collect(),
        };
        for (place, piece) in pieces.iter().enumerate() {
            tcp.write_all(piece).await?;
            if place < PAUSES_MAX {
                tokio::time::sleep(PIECE_PAUSE).await;
            }
        }
        tokio::io::copy_bidirectional(&mut theirs, &mut tcp).await
    });
    ours
}

/// A ClientHello as one record, with the bytes of `name` for its server name.
pub fn hello_bytes(config: &Arc<ClientConfig>, name: &[u8]) -> Option<Vec<u8>> {
    // Of labels, since none may be longer than 63 bytes.
    let stand_in: String = (0..name.len())
        .map(|place| {
            let dot = place % 8 == 7 && place.saturating_add(1) < name.len();
            if dot { '.' } else { 'q' }
        })
        .collect();
    let server = ServerName::try_from(stand_in.clone()).ok()?;
    let mut client = ClientConnection::new(Arc::clone(config), server).ok()?;
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).ok()?;
    let wanted = stand_in.as_bytes();
    let place = bytes
        .windows(wanted.len())
        .position(|window| window == wanted)?;
    let end = place.saturating_add(name.len());
    bytes.get_mut(place..end)?.copy_from_slice(name);
    Some(bytes)
}

/// Whether an answer's head, and as much body as it announces, is there.
fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let length = name.eq_ignore_ascii_case("content-length");
        length.then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    let body = head.len().saturating_add(4);
    length.is_some_and(|length| bytes.len() >= body.saturating_add(length))
}

fn came_of(error: &io::Error) -> Came {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::AlertReceived(alert)) => Came::Alert(*alert),
        Some(other) => Came::Broke(other.to_string()),
        None => Came::Closed,
    }
}

/// What lies at the bottom of an error of hyper's.
fn of_source(error: &hyper::Error) -> Came {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return came_of(io);
        }
        source = inner.source();
    }
    Came::Closed
}
