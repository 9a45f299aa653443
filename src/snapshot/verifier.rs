//! The adapter between rustls and `trust`: asks for the verdict inside the handshake, and tells it outside of it.
//!
//! rustls drops what it knows of a client when a handshake fails, and a configuration's verifier cannot be told which
//! connection it works for. But it is called synchronously while the handshake is polled, so the verdict travels by a
//! task-local slot around that future ([`observe`]). Outside of such a slot every client is refused.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, SignatureScheme,
};

use crate::clock::Moment;
use crate::trust::judge::{Distrust, Verified};
use crate::trust::limits::TrustLimits;
use crate::trust::reason::Reason;
use crate::trust::set::TrustSet;
use crate::trust::shared::SharedTrust;
use crate::trust::verdicts::Verdicts;

/// What was decided about the certificates that a client showed.
pub type Verdict = Result<Verified, Distrust>;

tokio::task_local! {
    static VERDICT: RefCell<Option<Verdict>>;
}

/// Runs a handshake and tells, besides its output, the verdict on the client's certificates; `None` where the
/// handshake did not come so far.
pub async fn observe<F: Future>(handshake: F) -> (F::Output, Option<Verdict>) {
    VERDICT
        .scope(RefCell::new(None), async {
            let output = handshake.await;
            (output, VERDICT.with(RefCell::take))
        })
        .await
}

/// Whose trust a verifier asks.
#[derive(Clone)]
pub(crate) enum Trusting {
    /// One realm's.
    Realm {
        /// Whom it lets in.
        set: Arc<TrustSet>,
        /// Whether clients are told the names of its anchors.
        #[expect(dead_code, reason = "the request for a certificate names no anchors yet")]
        ca_names: bool,
    },
    /// All realms' of an environment.
    Shared(Arc<SharedTrust>),
}

/// Demands a client certificate, and lets `trust` decide on it.
pub(crate) struct ClientVerifier {
    trusting: Trusting,
    verdicts: Arc<Verdicts>,
    limits: TrustLimits,
    provider: Arc<CryptoProvider>,
}

impl ClientVerifier {
    pub(crate) const fn new(
        trusting: Trusting,
        verdicts: Arc<Verdicts>,
        limits: TrustLimits,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        Self {
            trusting,
            verdicts,
            limits,
            provider,
        }
    }
}

impl fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientVerifier")
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        true
    }

    /// None: the names of the anchors would tell every caller who the partners are, and break every handshake once
    /// they exceed 64 KiB.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let presented: Vec<CertificateDer<'_>> = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|certificate| certificate.as_ref().into())
            .collect();
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let moment = Moment::from_unix_seconds(seconds);
        let verdict = match &self.trusting {
            Trusting::Realm { set, .. } => {
                self.verdicts
                    .judge(set.as_ref(), &presented, moment, &self.limits)
            }
            Trusting::Shared(shared) => {
                self.verdicts
                    .judge(shared.as_ref(), &presented, moment, &self.limits)
            }
        };
        let answer = match &verdict {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(distrust) => Err(refusal(distrust.reason)),
        };
        let told = VERDICT.try_with(|slot| slot.replace(Some(verdict)));
        if told.is_err() {
            return Err(rustls::Error::General(
                "a client certificate was judged outside of a handshake".to_owned(),
            ));
        }
        answer
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

/// The error that makes rustls send the alert of the specification's table.
fn refusal(reason: Reason) -> rustls::Error {
    let error = match reason {
        // unknown_ca
        Reason::UnknownIssuer | Reason::IncompleteChain | Reason::AnchorRemoved => {
            CertificateError::UnknownIssuer
        }
        // certificate_expired
        Reason::Expired | Reason::NotYetValid => CertificateError::Expired,
        // certificate_revoked
        Reason::Revoked => CertificateError::Revoked,
        // unsupported_certificate
        Reason::WrongUsage => CertificateError::InvalidPurpose,
        // bad_certificate
        Reason::MalformedCertificate => CertificateError::BadEncoding,
        // decrypt_error
        Reason::BadSignature => CertificateError::BadSignature,
        // access_denied
        Reason::Denied | Reason::NotPinned => CertificateError::ApplicationVerificationFailure,
        // certificate_required: rustls asks for the certificate by itself
        Reason::NoCertificate => return rustls::Error::NoCertificatesPresented,
        // certificate_unknown
        Reason::RevocationUnknown
        | Reason::CrlOutOfDate
        | Reason::NotACa
        | Reason::PathTooLong
        | Reason::NameConstraint
        | Reason::UnknownCriticalExtension
        | Reason::WeakKey
        | Reason::WeakSignature
        | Reason::CertificateTooLarge
        | Reason::ClientRejectedUs
        | Reason::NoCommonParameters
        | Reason::PlainHttp
        | Reason::UnknownName
        | Reason::NoName
        | Reason::NetworkRule
        | Reason::HandshakeTimeout
        | Reason::ProtocolError
        | Reason::RealmClosed
        | Reason::Limit
        | Reason::Misdirected
        | Reason::NotFound
        | Reason::MethodNotAllowed
        | Reason::AmbiguousRequest
        | Reason::BodyTooLarge
        | Reason::UnsupportedMediaType
        | Reason::CredentialMissing
        | Reason::CredentialWrong
        | Reason::ClientRule
        | Reason::OtherRealm
        | Reason::RateLimit
        | Reason::Timeout
        | Reason::UpstreamConnect
        | Reason::UpstreamTls
        | Reason::UpstreamBroke
        | Reason::Overload
        | Reason::ShuttingDown => CertificateError::Other(OtherError(Arc::new(Refused(reason)))),
    };
    rustls::Error::InvalidCertificate(error)
}

/// A refusal that has no alert of its own.
#[derive(Debug, thiserror::Error)]
#[error("refused: {}", .0.as_str())]
struct Refused(Reason);
