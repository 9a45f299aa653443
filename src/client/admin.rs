//! The admin API's client: HTTP/1.1 over TLS, one request at a time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

use crate::client::error::ClientError;
use crate::client::path::Path;
use crate::client::reached::{AdminTrust, Reached};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take; the largest manifests take a while.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);

/// Speaks to one server.
pub struct Client {
    runtime: Runtime,
    tls: TlsConnector,
    reached: Reached,
    authority: String,
    prefix: String,
    host: String,
    port: u16,
}

impl Client {
    /// Makes ready to speak to the server; connects only when asked something.
    ///
    /// # Errors
    /// [`ClientError`] where the address is none, or TLS cannot be set up.
    pub fn new(reached: Reached) -> Result<Self, ClientError> {
        let wrong = || ClientError::AdminUrl {
            url: reached.url.clone(),
        };
        let uri: Uri = reached.url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?.clone();
        if uri.scheme_str() != Some("https")
            || uri.query().is_some()
            || authority.as_str().contains('@')
        {
            return Err(wrong());
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| ClientError::Unreachable {
                url: reached.url.clone(),
                source,
            })?;
        Ok(Self {
            runtime,
            tls: TlsConnector::from(Arc::new(tls_configuration(&reached.trust)?)),
            prefix: uri.path().trim_end_matches('/').to_owned(),
            host: authority
                .host()
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port: authority.port_u16().unwrap_or(443),
            authority: authority.as_str().to_owned(),
            reached,
        })
    }

    /// The host by which the server is reached, unless a certificate (DER) names it.
    pub fn unnamed_host(&self, leaf: &[u8]) -> Option<&str> {
        let der = CertificateDer::from(leaf);
        let named = ParsedCertificate::try_from(&der).is_ok_and(|leaf| {
            ServerName::try_from(self.host.as_str())
                .is_ok_and(|host| verify_server_name(&leaf, &host).is_ok())
        });
        (!named).then_some(&self.host)
    }

    /// Asks for `path` and answers with the JSON of the answer.
    ///
    /// # Errors
    /// [`ClientError`]; what the server itself says against it is [`ClientError::Api`].
    pub fn call(
        &self,
        method: &Method,
        path: &Path,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let (status, bytes) = self.exchange(method, path, body)?;
        let parsed = || serde_json::from_slice::<Value>(&bytes).ok();
        if status.is_success() {
            if bytes.is_empty() {
                return Ok(Value::Null);
            }
            return parsed().ok_or_else(|| self.not_ours(status));
        }
        Err(self.said(status, &bytes))
    }

    /// What the server says against a call.
    fn said(&self, status: StatusCode, bytes: &[u8]) -> ClientError {
        let answer: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let told = |name: &str| {
            answer
                .pointer(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        match (status, told("/error/code"), told("/error/message")) {
            (StatusCode::UNAUTHORIZED, Some(_), _) => ClientError::Unauthorized {
                path: self.reached.token_file.clone(),
            },
            (_, Some(code), Some(message)) => ClientError::Api {
                status: status.as_u16(),
                code,
                message,
                cut: Box::new(answer.pointer("/error/cut").cloned().unwrap_or_default()),
            },
            (_, _, _) => self.not_ours(status),
        }
    }

    /// Asks for `path` and answers with the text of the answer.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn text(&self, path: &Path) -> Result<String, ClientError> {
        let (status, bytes) = self.exchange(&Method::GET, path, None)?;
        if !status.is_success() {
            return Err(self.said(status, &bytes));
        }
        String::from_utf8(bytes.to_vec()).map_err(|_| self.not_ours(status))
    }

    fn not_ours(&self, status: StatusCode) -> ClientError {
        ClientError::NotOurs {
            url: self.reached.url.clone(),
            status: status.as_u16(),
        }
    }

    fn exchange(
        &self,
        method: &Method,
        path: &Path,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let token = self.reached.token.expose_str().unwrap_or_default();
        let mut builder = Request::builder()
            .method(method)
            .uri(format!("{}{}", self.prefix, path.as_str()))
            .header(header::HOST, &self.authority)
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        let bytes = match body {
            Some(body) => {
                builder = builder.header(header::CONTENT_TYPE, "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        let request = builder
            .body(Full::new(bytes))
            .map_err(|source| ClientError::Request { source })?;
        self.runtime.block_on(async {
            let answer = tokio::time::timeout(ANSWER_TIMEOUT, self.send(request));
            answer.await.map_err(|_| self.too_slow(ANSWER_TIMEOUT))?
        })
    }

    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, self.connect());
        let stream = connecting
            .await
            .map_err(|_| self.too_slow(CONNECT_TIMEOUT))??;
        let broke = |source| ClientError::Broke {
            url: self.reached.url.clone(),
            source,
        };
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broke)?;
        let driver = tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(broke)?;
        let status = answer.status();
        let bytes = answer
            .into_body()
            .collect()
            .await
            .map_err(broke)?
            .to_bytes();
        drop(sender);
        driver.abort();
        Ok((status, bytes))
    }

    async fn connect(&self) -> Result<tokio_rustls::client::TlsStream<TcpStream>, ClientError> {
        let url = || self.reached.url.clone();
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| ClientError::AdminUrl { url: url() })?;
        let addresses = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|source| ClientError::NoSuchHost {
                host: self.host.clone(),
                source,
            })?;
        let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    return self
                        .tls
                        .connect(name, stream)
                        .await
                        .map_err(|error| self.handshake(error));
                }
                Err(error) => failure = error,
            }
        }
        Err(ClientError::Unreachable {
            url: url(),
            source: failure,
        })
    }

    fn handshake(&self, error: io::Error) -> ClientError {
        let url = self.reached.url.clone();
        let trusted = match &self.reached.trust {
            AdminTrust::File { path, .. } => path.display().to_string(),
            AdminTrust::System => "this system's list of CAs".to_owned(),
        };
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => ClientError::OtherName {
                url,
                host: self.host.clone(),
            },
            Some(rustls::Error::InvalidCertificate(source)) => ClientError::Untrusted {
                url,
                trusted,
                problem: source.clone(),
            },
            Some(_) | None => ClientError::Handshake { url, source: error },
        }
    }

    fn too_slow(&self, waited: Duration) -> ClientError {
        ClientError::TooSlow {
            url: self.reached.url.clone(),
            seconds: waited.as_secs(),
        }
    }
}

fn tls_configuration(trust: &AdminTrust) -> Result<ClientConfig, ClientError> {
    let mut roots = RootCertStore::empty();
    match trust {
        AdminTrust::File { path, roots: given } => {
            let (added, _) = roots.add_parsable_certificates(given.iter().cloned());
            if added == 0 {
                return Err(ClientError::NotACa { path: path.clone() });
            }
        }
        AdminTrust::System => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|source| ClientError::TlsSetUp { source })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(configuration)
}
