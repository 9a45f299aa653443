//! One document at a time, from servers that may be hostile: on a connection of its own, bounded in bytes and time.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HOST, HeaderValue};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::domain::address::{BaseUrl, Scheme};
use crate::domain::crl_source::CrlUrl;
use crate::outbound::error::{ConnectStep, OutboundError};
use crate::outbound::guard::OutgoingGuard;
use crate::outbound::limits::OutboundLimits;
use crate::outbound::resolve;
use crate::outbound::tls_failure::TlsFailure;
use crate::snapshot::client_tls::ClientTls;

/// The longest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The longest head of a proxy's answer, in bytes.
const PROXY_HEAD_BYTES_MAX: usize = 8 * 1024;

/// Downloads documents.
pub struct Downloader {
    guard: OutgoingGuard,
    proxy: Option<BaseUrl>,
    tls: OnceLock<Option<Arc<ClientConfig>>>,
    provider: Arc<rustls::crypto::CryptoProvider>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// Where it is.
    pub url: &'a CrlUrl,
    /// What else is said, such as conditions.
    pub headers: HeaderMap,
    /// How large the document may be, in bytes.
    pub bytes_max: usize,
    /// How long nothing may happen: until there is a connection, until there is a head, and from one piece of the body to
    /// the next.
    pub stall: Duration,
}

/// What came.
#[derive(Clone, Debug)]
pub struct Downloaded {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The document; empty unless the status is 200.
    pub body: Vec<u8>,
}

/// Why nothing came.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// There was no connection.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// Nothing happened for too long.
    #[error("{host} fell silent for {after_ms} ms while {step}: check its server and the network")]
    Stalled {
        /// The host.
        host: Box<str>,
        /// For how long, in milliseconds.
        after_ms: u128,
        /// What was being waited for.
        step: &'static str,
    },
    /// There is more than is taken.
    #[error("it has more than {most} bytes: raise crl_fetch_bytes_max, or have it split")]
    TooLarge {
        /// How large it may be.
        most: usize,
    },
    /// It is compressed, although that was not asked for.
    #[error(
        "{host} answered with a content encoding that nobody asked for: have its server corrected"
    )]
    Encoded {
        /// The host.
        host: Box<str>,
    },
    /// The proxy did not connect.
    #[error(
        "the proxy {proxy} did not connect to {host} ({answer}): check crl_proxy and what the proxy allows"
    )]
    Proxy {
        /// The proxy.
        proxy: Box<str>,
        /// The host.
        host: Box<str>,
        /// The first line of its answer, escaped and cut.
        answer: String,
    },
    /// No server can have that name.
    #[error("{host} cannot be the name of a server: correct the URL")]
    Name {
        /// The host.
        host: Box<str>,
    },
}

impl Downloader {
    /// Calls only what `guard` lets through; through `proxy` where there is one, which then may be called wherever it is.
    pub fn new(guard: OutgoingGuard, proxy: Option<BaseUrl>) -> Self {
        Self {
            guard,
            proxy,
            tls: OnceLock::new(),
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
        }
    }

    /// Asks once. Redirects are told, not followed.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub async fn get(&self, ask: &Ask<'_>) -> Result<Downloaded, DownloadError> {
        let silent = |step| DownloadError::Stalled {
            host: ask.url.origin().host().into(),
            after_ms: ask.stall.as_millis(),
            step,
        };
        let connecting = timeout(ask.stall, self.connect(ask.url)).await;
        let stream = connecting.map_err(|_| silent("connecting"))??;
        match (ask.url.scheme(), &self.proxy) {
            (Scheme::Http, proxy) => {
                let form = match proxy {
                    Some(_) => ask.url.to_string(),
                    None => ask.url.target().to_owned(),
                };
                exchange(stream, ask, &form).await
            }
            (Scheme::Https, _) => {
                let handshake = timeout(ask.stall, self.handshake(ask.url, stream)).await;
                let stream = handshake.map_err(|_| silent("agreeing on TLS"))??;
                exchange(stream, ask, ask.url.target()).await
            }
        }
    }

    async fn connect(&self, url: &CrlUrl) -> Result<TcpStream, DownloadError> {
        let (limits, mut step) = (OutboundLimits::default(), ConnectStep::Resolve);
        let Some(proxy) = &self.proxy else {
            return Ok(resolve::open(url.origin(), &self.guard, &limits, &mut step).await?);
        };
        // The proxy resolves names; an address is looked at here all the same.
        if let Ok(ip) = bare(url).parse() {
            let address = std::net::SocketAddr::new(ip, url.origin().port());
            self.guard
                .check(address, |_| false)
                .map_err(|because| OutboundError::NotAllowed {
                    host: url.origin().host().into(),
                    address: ip,
                    because,
                })?;
        }
        let guard = OutgoingGuard::new(everywhere(), Vec::new());
        let mut stream = resolve::open(proxy, &guard, &limits, &mut step).await?;
        if url.scheme() == Scheme::Https {
            tunnel(&mut stream, proxy, url).await?;
        }
        Ok(stream)
    }

    async fn handshake(
        &self,
        url: &CrlUrl,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, DownloadError> {
        let host = || url.origin().host().into();
        let name = ServerName::try_from(bare(url).to_owned());
        let name = name.map_err(|_| DownloadError::Name { host: host() })?;
        let config = self.tls.get_or_init(|| {
            let tls = ClientTls::new(Arc::clone(&self.provider)).ok()?;
            Some(tls.system_roots())
        });
        let config = config
            .clone()
            .ok_or_else(|| DownloadError::Name { host: host() })?;
        let connected = TlsConnector::from(config).connect(name, stream).await;
        Ok(connected.map_err(|error| OutboundError::Tls {
            host: host(),
            failure: TlsFailure::of_handshake(&error),
        })?)
    }
}

fn bare(url: &CrlUrl) -> &str {
    let host = url.origin().host();
    host.trim_start_matches('[').trim_end_matches(']')
}

fn everywhere() -> Vec<IpNet> {
    ["0.0.0.0/0", "::/0"]
        .iter()
        .filter_map(|network| network.parse().ok())
        .collect()
}

/// Has the proxy connect us (RFC 9110, 9.3.6).
async fn tunnel(
    stream: &mut TcpStream,
    proxy: &BaseUrl,
    url: &CrlUrl,
) -> Result<(), DownloadError> {
    let origin = url.origin();
    let failed = |answer: String| DownloadError::Proxy {
        proxy: proxy.authority().into(),
        host: origin.host().into(),
        answer,
    };
    let authority = format!("{}:{}", origin.host(), origin.port());
    let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    let broke = |error: std::io::Error| failed(error.to_string());
    stream.write_all(request.as_bytes()).await.map_err(broke)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= PROXY_HEAD_BYTES_MAX {
            return Err(failed("its answer has no end".to_owned()));
        }
        head.push(stream.read_u8().await.map_err(broke)?);
    }
    let line: String = String::from_utf8_lossy(&head)
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(120)
        .flat_map(char::escape_debug)
        .collect();
    let is_fine = line.starts_with("HTTP/1.") && line.split(' ').nth(1) == Some("200");
    if is_fine { Ok(()) } else { Err(failed(line)) }
}

async fn exchange<S>(stream: S, ask: &Ask<'_>, form: &str) -> Result<Downloaded, DownloadError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let host = || -> Box<str> { ask.url.origin().host().into() };
    let broke = |source| OutboundError::Broke {
        host: host(),
        source,
    };
    let silent = |step| DownloadError::Stalled {
        host: host(),
        after_ms: ask.stall.as_millis(),
        step,
    };
    let mut client = http1::Builder::new();
    client.max_buf_size(HEAD_BYTES_MAX);
    let opened = client
        .handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
        .await;
    let (mut sender, connection) = opened.map_err(broke)?;
    // Dropped with this future, which cuts the connection.
    let mut driver = tokio::task::JoinSet::new();
    driver.spawn(async move {
        let _ = connection.await;
    });
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = form
        .parse()
        .map_err(|_| DownloadError::Name { host: host() })?;
    let authority = HeaderValue::from_str(&ask.url.origin().authority());
    let authority = authority.map_err(|_| DownloadError::Name { host: host() })?;
    request.headers_mut().extend(ask.headers.clone());
    request.headers_mut().insert(HOST, authority);
    request
        .headers_mut()
        .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let answer = timeout(ask.stall, sender.send_request(request)).await;
    let answer = answer
        .map_err(|_| silent("its answer was waited for"))?
        .map_err(broke)?;
    let (head, mut body) = answer.into_parts();
    let mut bytes = Vec::new();
    if head.status == StatusCode::OK {
        let encoding = head.headers.get(CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| encoding.as_bytes() != b"identity") {
            return Err(DownloadError::Encoded { host: host() });
        }
        let stated = head.headers.get(CONTENT_LENGTH);
        let stated = stated.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        let too_large = || DownloadError::TooLarge {
            most: ask.bytes_max,
        };
        if stated.is_some_and(|stated| stated > ask.bytes_max) {
            return Err(too_large());
        }
        loop {
            let frame = timeout(ask.stall, body.frame()).await;
            let Some(frame) = frame.map_err(|_| silent("the document was on its way"))? else {
                break;
            };
            let frame = frame.map_err(|source| OutboundError::BodyBroke { source })?;
            if let Some(data) = frame.data_ref() {
                if bytes.len().saturating_add(data.len()) > ask.bytes_max {
                    return Err(too_large());
                }
                bytes.extend_from_slice(data);
            }
        }
    }
    Ok(Downloaded {
        status: head.status,
        headers: head.headers,
        body: bytes,
    })
}
