//! The client's half of TLS: who it says it is, how it proves that, and which sessions it takes along.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionStore, ResolvesClientCert, Resumption, Tls12ClientSessionValue,
    Tls13ClientSessionValue,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, NamedGroup, SignatureAlgorithm,
    SignatureScheme, SupportedProtocolVersion, version,
};

use crate::pki::certificate::Certificate;
use crate::pki::key::PrivateKey;

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// TLS 1.2.
    V12,
    /// TLS 1.3.
    V13,
}

impl Version {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V13, Self::V12];

    /// As it is told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V12 => "TLS 1.2",
            Self::V13 => "TLS 1.3",
        }
    }

    const fn supported(self) -> &'static SupportedProtocolVersion {
        match self {
            Self::V12 => &version::TLS12,
            Self::V13 => &version::TLS13,
        }
    }
}

/// How a client proves that it holds its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proving {
    /// As it should.
    Honestly,
    /// With a signature of which one bit is changed.
    Altered,
}

/// A client: what it shows, and what it signs with.
#[derive(Clone, Debug)]
pub struct Shows {
    /// Its certificates, its own first.
    pub chain: Vec<Certificate>,
    /// The key, which need not be the certificate's.
    pub key: PrivateKey,
    /// How it signs.
    pub proving: Proving,
}

/// Makes the configurations of clients.
#[derive(Debug)]
pub struct Clients {
    provider: Arc<CryptoProvider>,
    verifier: Arc<Pinned>,
}

impl Clients {
    /// Clients that accept the listeners' own certificates and no others.
    pub fn pinning(shown: Vec<CertificateDer<'static>>) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Arc::new(Pinned {
            shown,
            provider: Arc::clone(&provider),
        });
        Self { provider, verifier }
    }

    /// A client that shows `shows`, or nothing, and speaks one version of TLS and HTTP/1.1.
    ///
    /// # Errors
    /// What rustls says against the key.
    pub fn client(
        &self,
        shows: Option<&Shows>,
        version: Version,
    ) -> Result<ClientConfig, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[version.supported()])?
            .dangerous()
            .with_custom_certificate_verifier(
                Arc::clone(&self.verifier) as Arc<dyn ServerCertVerifier>
            );
        let mut config = match shows {
            None => builder.with_no_client_auth(),
            Some(shows) => {
                builder.with_client_cert_resolver(Arc::new(Always(self.certified(shows)?)))
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    fn certified(&self, shows: &Shows) -> Result<Arc<CertifiedKey>, rustls::Error> {
        let key = self
            .provider
            .key_provider
            .load_private_key(shows.key.der().clone_key())?;
        let key = match shows.proving {
            Proving::Honestly => key,
            Proving::Altered => Arc::new(AlteringKey(key)),
        };
        let chain = shows
            .chain
            .iter()
            .map(|certificate| CertificateDer::from(certificate.der().to_vec()))
            .collect();
        Ok(Arc::new(CertifiedKey::new(chain, key)))
    }
}

/// Accepts the certificates that the catalog says our listeners show.
#[derive(Debug)]
struct Pinned {
    shown: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.shown.iter().any(|shown| shown == end_entity) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Shows its certificate whatever the server asks for.
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

/// A key whose signatures are damaged.
#[derive(Debug)]
struct AlteringKey(Arc<dyn SigningKey>);

impl SigningKey for AlteringKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let signer = self.0.choose_scheme(offered)?;
        Some(Box::new(AlteringSigner(signer)))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm()
    }
}

#[derive(Debug)]
struct AlteringSigner(Box<dyn Signer>);

impl Signer for AlteringSigner {
    /// The last bit belongs to a number, so that the signature still has the form of one.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let mut signature = self.0.sign(message)?;
        if let Some(last) = signature.last_mut() {
            *last ^= 1;
        }
        Ok(signature)
    }

    fn scheme(&self) -> SignatureScheme {
        self.0.scheme()
    }
}

/// Takes sessions along to wherever it goes, whatever name they were made for.
#[derive(Default)]
pub struct Sessions {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    tls12: Option<Tls12ClientSessionValue>,
    tls13: Vec<Tls13ClientSessionValue>,
}

impl Sessions {
    /// Whether the server gave any.
    pub fn any(&self) -> bool {
        let kept = self.kept();
        kept.tls12.is_some() || !kept.tls13.is_empty()
    }

    /// Throws them away.
    pub fn forget(&self) {
        *self.kept() = Kept::default();
    }

    /// Whether the server said of one of them that early data may go with it.
    pub fn early_data(&self) -> bool {
        self.kept()
            .tls13
            .iter()
            .any(|ticket| ticket.max_early_data_size() > 0)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.kept().tls12 = Some(value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.kept().tls12.clone()
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.kept().tls13.push(value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.kept().tls13.pop()
    }
}
