//! A TLS client that sends exactly the certificates that it is given.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::{default_provider, sign};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, DigitallySignedStruct, Error,
    SignatureScheme, StreamOwned, SupportedProtocolVersion,
};

use crate::foundry::key::{Key, Kind};

const PATIENCE: Duration = Duration::from_secs(20);

/// What came of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer, with its status.
    Answered(u16),
    /// A fatal alert.
    Alert(AlertDescription),
    /// Something else.
    Broke(String),
}

/// Calls `path` of `host` once.
pub fn call(
    address: SocketAddr,
    host: &str,
    path: &str,
    version: &'static SupportedProtocolVersion,
    sent: &[Vec<u8>],
    key: &Key,
) -> Outcome {
    let configuration = configuration(version, sent, key);
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let connection = ClientConnection::new(configuration, name).unwrap();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_nodelay(true).unwrap();
    let mut stream = StreamOwned::new(connection, socket);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let written = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    // In TLS 1.3 a refused client learns it only when it reads. A missing close_notify is no matter here.
    let read = written.and_then(|()| stream.read_to_end(&mut answer));
    let status = String::from_utf8_lossy(&answer)
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok());
    if let Some(status) = status {
        return Outcome::Answered(status);
    }
    let Err(error) = read else {
        return Outcome::Broke("closed without an answer".to_owned());
    };
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Error::AlertReceived(alert)) => Outcome::Alert(*alert),
        _ => Outcome::Broke(error.to_string()),
    }
}

fn configuration(
    version: &'static SupportedProtocolVersion,
    sent: &[Vec<u8>],
    key: &Key,
) -> Arc<ClientConfig> {
    // A weak key cannot be used here; whoever shows one is refused before the proof that the key is there.
    let stranger = Key::new(Kind::P256);
    let private = key.pkcs8().or(stranger.pkcs8()).unwrap().to_vec();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(private));
    let chain = sent.iter().cloned().map(CertificateDer::from).collect();
    let certified = CertifiedKey::new(chain, sign::any_supported_type(&private).unwrap());
    let configuration = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer))
        .with_client_cert_resolver(Arc::new(Always(Arc::new(certified))));
    Arc::new(configuration)
}

/// Sends the same certificates to everybody.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesClientCert for Always {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Who the server is plays no part here.
#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
