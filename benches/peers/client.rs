//! A client of a target: TLS 1.3 by rustls, with the client's certificate or without.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider, kx_group};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::pki;
use crate::wire::{Wire, content_length};

/// Whom to call, and with which certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Aim {
    /// Where the target listens.
    pub address: SocketAddr,
    /// What stands before the upstream's paths.
    pub prefix: String,
    /// The directory of the client's certificate.
    pub pki: PathBuf,
}

/// What a client offers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offer {
    /// X25519MLKEM768 before X25519, which is alone otherwise.
    pub hybrid: bool,
    /// The session of the connection before.
    pub resumes: bool,
    /// HTTP/2, and nothing else.
    pub http2: bool,
    /// No certificate.
    pub nameless: bool,
}

/// Connects again and again.
#[derive(Clone)]
pub struct Client {
    aim: Aim,
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Client {
    /// One with a memory of sessions of its own.
    pub fn new(aim: &Aim, offer: Offer) -> Self {
        Self {
            aim: aim.clone(),
            connector: TlsConnector::from(Arc::new(config(&aim.pki, offer))),
            name: ServerName::try_from(pki::HOST).unwrap(),
        }
    }

    /// A new connection, shaken hands on.
    pub async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.aim.address).await?;
        stream.set_nodelay(true)?;
        self.connector.connect(self.name.clone(), stream).await
    }

    /// The head of a request without a body.
    pub fn get(&self, path: &str) -> Vec<u8> {
        let (prefix, host) = (&self.aim.prefix, pki::HOST);
        format!(
            "GET {prefix}{path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: bench\r\naccept: */*\r\n\r\n"
        )
        .into_bytes()
    }

    /// The head of a request with a body of so many bytes.
    pub fn post(&self, path: &str, bytes: u64) -> Vec<u8> {
        let (prefix, host) = (&self.aim.prefix, pki::HOST);
        format!(
            "POST {prefix}{path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: bench\r\n\
             content-type: application/octet-stream\r\ncontent-length: {bytes}\r\n\r\n"
        )
        .into_bytes()
    }

    /// The URL of a path, as HTTP/2 wants it.
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{}{path}", pki::HOST, self.aim.prefix)
    }
}

/// Reads an answer, tells of each part of its body, and wants its status to be 200.
pub async fn answer(
    wire: &mut Wire<TlsStream<TcpStream>>,
    tell: impl FnMut(&[u8]),
) -> io::Result<()> {
    let head = wire.head().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let length = content_length(&head).ok_or_else(|| odd("an answer has no length"))?;
    wire.skip(length, tell).await?;
    let status = head.get(9..12).unwrap_or_default();
    if status == b"200" {
        return Ok(());
    }
    Err(odd(&format!("status {}", String::from_utf8_lossy(status))))
}

/// What went wrong, in words.
pub fn odd(what: &str) -> io::Error {
    io::Error::other(what.to_owned())
}

/// One cipher suite for all, so that all targets encrypt alike.
fn config(pki: &Path, offer: Offer) -> ClientConfig {
    let mut provider = default_provider();
    provider.cipher_suites = vec![cipher_suite::TLS13_AES_256_GCM_SHA384];
    provider.kx_groups = if offer.hybrid {
        vec![kx_group::X25519MLKEM768, kx_group::X25519]
    } else {
        vec![kx_group::X25519]
    };
    let der = |name: &str| fs::read(pki.join(name)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(der(pki::CA_FILE))).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = if offer.nameless {
        builder.with_no_client_auth()
    } else {
        let chain = vec![CertificateDer::from(der(pki::CLIENT_FILE))];
        let key = PrivateKeyDer::Pkcs8(der(pki::CLIENT_KEY_FILE).into());
        builder.with_client_auth_cert(chain, key).unwrap()
    };
    config.resumption = if offer.resumes {
        Resumption::in_memory_sessions(8)
    } else {
        Resumption::disabled()
    };
    let protocol: &[u8] = if offer.http2 { b"h2" } else { b"http/1.1" };
    config.alpn_protocols = vec![protocol.to_vec()];
    config
}
