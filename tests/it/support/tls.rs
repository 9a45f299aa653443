//! A TLS client whose insides can be reached: sessions offered where they do not belong, and signatures that are wrong.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::{
    ClientSessionStore, ResolvesClientCert, Resumption, Tls12ClientSessionValue,
    Tls13ClientSessionValue,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, NamedGroup, RootCertStore, SignatureAlgorithm,
    SignatureScheme, StreamOwned, SupportedProtocolVersion,
};

use crate::support::demo::{Client, Demo};

/// A client that keeps its last session, and offers it whatever host it calls.
pub struct Caller {
    pub config: Arc<ClientConfig>,
    sessions: Arc<LastSession>,
}

/// How a call went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// After a full handshake, with this status.
    Full(u16),
    /// On a resumed session, with this status.
    Resumed(u16),
    /// No answer, and why.
    Refused(String),
}

impl Outcome {
    /// Whether there was no answer because of this alert, as rustls calls it.
    pub fn is_alert(&self, alert: &str) -> bool {
        matches!(self, Self::Refused(why) if why.contains(alert))
    }
}

impl Caller {
    pub fn new(
        demo: &Demo,
        version: &'static SupportedProtocolVersion,
        client: Option<&Client>,
    ) -> Self {
        match client {
            Some(client) => Self::with(demo, version, &chain(&client.chain), key(&client.key)),
            None => Self::of(demo, version, None, Vec::new()),
        }
    }

    /// A client that trusts a CA beside the server's own.
    pub fn trusting(
        demo: &Demo,
        version: &'static SupportedProtocolVersion,
        client: &Client,
        root: CertificateDer<'static>,
    ) -> Self {
        let shown = CertifiedKey::new(chain(&client.chain), key(&client.key));
        let shows = Some(Arc::new(Shows(Arc::new(shown))) as Arc<dyn ResolvesClientCert>);
        Self::of(demo, version, shows, vec![root])
    }

    /// A client that shows this chain, whatever its key can sign for.
    pub fn with(
        demo: &Demo,
        version: &'static SupportedProtocolVersion,
        chain: &[CertificateDer<'static>],
        key: Arc<dyn SigningKey>,
    ) -> Self {
        let shown = Arc::new(CertifiedKey::new(chain.to_vec(), key));
        Self::of(demo, version, Some(Arc::new(Shows(shown))), Vec::new())
    }

    fn of(
        demo: &Demo,
        version: &'static SupportedProtocolVersion,
        shows: Option<Arc<dyn ResolvesClientCert>>,
        more: Vec<CertificateDer<'static>>,
    ) -> Self {
        let sessions = Arc::new(LastSession::default());
        let mut roots = RootCertStore::empty();
        for root in chain(&demo.server_ca()).into_iter().chain(more) {
            roots.add(root).unwrap();
        }
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match shows {
            Some(shows) => config.with_client_cert_resolver(shows),
            None => config.with_no_client_auth(),
        };
        config.resumption = Resumption::store(Arc::clone(&sessions) as _);
        config.enable_early_data = true;
        Self {
            config: Arc::new(config),
            sessions,
        }
    }

    /// Whether there is a session to be offered.
    pub fn has_session(&self) -> bool {
        self.sessions.tls12.lock().unwrap().is_some()
            || !self.sessions.tls13.lock().unwrap().is_empty()
    }

    /// Gets a path of a host, at the address of a gateway.
    pub fn get(&self, demo: &Demo, gateway: &str, host: &str, path: &str) -> Outcome {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        self.ask(demo, gateway, host, &request).map_or_else(
            |error| Outcome::Refused(error.to_string()),
            |(_, outcome)| outcome,
        )
    }

    /// Sends a request as it stands; answers with the whole answer.
    pub fn ask(
        &self,
        demo: &Demo,
        gateway: &str,
        host: &str,
        request: &str,
    ) -> io::Result<(String, Outcome)> {
        let mut stream = self.connect(demo, gateway, host);
        assert!(
            stream.conn.early_data().is_none(),
            "no session allows early data"
        );
        stream.write_all(request.as_bytes())?;
        let answer = read(&mut stream)?;
        let status = status(&answer);
        let outcome = match stream.conn.handshake_kind() {
            Some(HandshakeKind::Resumed) => Outcome::Resumed(status),
            Some(_) => Outcome::Full(status),
            None => return Err(io::Error::other("the handshake was not finished")),
        };
        Ok((answer, outcome))
    }

    /// A connection that nothing was sent on yet.
    pub fn connect(
        &self,
        demo: &Demo,
        gateway: &str,
        host: &str,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let connection = ClientConnection::new(Arc::clone(&self.config), name).unwrap();
        StreamOwned::new(connection, socket(demo, gateway))
    }
}

/// A socket to a gateway that gives up after a while.
pub fn socket(demo: &Demo, gateway: &str) -> TcpStream {
    let socket = TcpStream::connect(demo.address(gateway)).unwrap();
    let patience = Some(Duration::from_secs(20));
    socket.set_read_timeout(patience).unwrap();
    socket.set_write_timeout(patience).unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

/// Reads an answer to its end. A gateway that ends the connection without saying so at the end of TLS has answered, too.
fn read(stream: &mut impl Read) -> io::Result<String> {
    let mut answer = Vec::new();
    let outcome = stream.read_to_end(&mut answer);
    if answer.is_empty() {
        outcome?;
        return Err(io::Error::other("closed without an answer"));
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn status(answer: &str) -> u16 {
    let code = answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    code.unwrap_or_else(|| panic!("no answer of HTTP: {answer}"))
        .parse()
        .unwrap()
}

pub fn provider() -> Arc<CryptoProvider> {
    // Without the large key share a ClientHello is short enough to be cut at every byte.
    Arc::new(CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::X25519],
        ..aws_lc_rs::default_provider()
    })
}

/// The certificates of a PEM file.
pub fn chain(path: &str) -> Vec<CertificateDer<'static>> {
    let certificates = CertificateDer::pem_file_iter(path).unwrap();
    certificates.map(Result::unwrap).collect()
}

/// The key of a PEM file.
pub fn key(path: &str) -> Arc<dyn SigningKey> {
    let key = PrivateKeyDer::from_pem_file(path).unwrap();
    provider().key_provider.load_private_key(key).unwrap()
}

/// Shows one chain to whoever asks.
#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A key whose signatures are altered before they are sent.
#[derive(Debug)]
pub struct Altered {
    pub key: Arc<dyn SigningKey>,
    pub alter: fn(Vec<u8>) -> Vec<u8>,
}

impl SigningKey for Altered {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let signer = self.key.choose_scheme(offered)?;
        Some(Box::new(Alters {
            signer,
            alter: self.alter,
        }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }
}

#[derive(Debug)]
struct Alters {
    signer: Box<dyn Signer>,
    alter: fn(Vec<u8>) -> Vec<u8>,
}

impl Signer for Alters {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        self.signer.sign(message).map(self.alter)
    }

    fn scheme(&self) -> SignatureScheme {
        self.signer.scheme()
    }
}

#[derive(Default)]
struct LastSession {
    tls12: Mutex<Option<Tls12ClientSessionValue>>,
    tls13: Mutex<Vec<Tls13ClientSessionValue>>,
}

impl fmt::Debug for LastSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastSession")
    }
}

impl ClientSessionStore for LastSession {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        *self.tls12.lock().unwrap() = Some(value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.tls12.lock().unwrap().clone()
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        *self.tls12.lock().unwrap() = None;
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.tls13.lock().unwrap().push(value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.tls13.lock().unwrap().pop()
    }
}
