//! The adapter between rustls and `trust`: asks for the verdict inside the handshake, and tells it outside of it.
//!
//! rustls drops what it knows of a client when a handshake fails, and a configuration's verifier cannot be told which
//! connection it works for. But it is called synchronously while the handshake is polled, so the verdict travels by a
//! task-local slot around that future ([`observe`]). Outside of such a slot every client is refused.
//!
//! A host that explains refusals lets refused clients on: their handshake is completed, so that HTTP can tell them why.
//! The verdict stays what it is, and only it says whom the gateway serves.
//!
//! A resumed handshake does not ask here: its slot holds what the ticket says, and the gateway has the chain of the
//! session judged by the host's [`Gatekeeper`] before anything is served.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    AlertDescription, CertificateError, DigitallySignedStruct, DistinguishedName, OtherError,
    SignatureScheme,
};

use crate::clock::Moment;
use crate::domain::refusal::PresentedChain;
use crate::domain::trust_policy::HandshakePolicy;
use crate::flaw::{Flaw, planted};
use crate::pki::certificate::Certificate;
use crate::snapshot::possession;
use crate::trust::judge::{Distrust, Verified};
use crate::trust::limits::TrustLimits;
use crate::trust::reason::Reason;
use crate::trust::set::TrustSet;
use crate::trust::shared::SharedTrust;
use crate::trust::verdicts::Verdicts;

/// The most bytes of CA names that a client is told: beyond 64 KiB every handshake would fail (RFC 8446 §4.2.4).
const CA_NAMES_BYTES_MAX: usize = 60 * 1024;

/// What was decided about the certificates that a client showed.
pub type Verdict = Result<Verified, Distrust>;

/// What a handshake told of the client's certificates.
#[derive(Debug, Default)]
pub struct Observed {
    /// `None` where the handshake did not come so far, and where it was resumed.
    pub verdict: Option<Verdict>,
    /// Of a client that is not trusted, what it showed.
    pub shown: Option<PresentedChain>,
    /// Whether the handshake of a client that is not trusted went on nevertheless.
    pub let_on: bool,
}

/// What lets a client be spared a full handshake for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    /// When it was given, in a full handshake.
    pub(crate) at: Moment,
    /// The first moment at which what it rests on has ended.
    pub(crate) until: Moment,
}

/// What a host asks of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// A certificate that it trusts.
    Certificate,
    /// Nothing.
    Nothing,
}

/// What one handshake has shown so far.
#[derive(Default)]
struct Seen {
    told: Observed,
    /// Of the last ticket that could be opened, which is the one that a resumed handshake resumes.
    ticket: Option<Proof>,
}

tokio::task_local! {
    static SEEN: RefCell<Seen>;
}

/// Runs a handshake and tells, besides its output, what became of the client's certificates.
pub async fn observe<F: Future>(handshake: F) -> (F::Output, Observed) {
    SEEN.scope(RefCell::default(), async {
        let output = handshake.await;
        (output, SEEN.with(RefCell::take).told)
    })
    .await
}

/// What the present handshake proves, for a ticket. A resumed one proves no more than the ticket that was shown.
/// `None` outside of a handshake, and where the evidence is wanting.
pub(crate) fn proof(evidence: Evidence, now: Moment) -> Option<Proof> {
    let of_seen = |seen: &Seen| match (&seen.told.verdict, seen.ticket, evidence) {
        (Some(Ok(verified)), _, Evidence::Certificate) => Some(Proof {
            at: now,
            until: verified.ends(),
        }),
        (Some(_), _, _) | (None, None, Evidence::Certificate) => None,
        (None, Some(shown), _) => Some(shown),
        (None, None, Evidence::Nothing) => Some(Proof {
            at: now,
            until: Moment::MAX,
        }),
    };
    SEEN.try_with(|seen| of_seen(&seen.borrow())).ok().flatten()
}

/// Remembers what a ticket says that the client showed. Answers whether there is a handshake to remember it for.
pub(crate) fn shown_ticket(proof: Proof) -> bool {
    SEEN.try_with(|seen| seen.borrow_mut().ticket = Some(proof))
        .is_ok()
}

/// Whose trust a host asks.
#[derive(Clone)]
pub(crate) enum Trusting {
    /// One realm's, on its own host.
    Realm {
        trust: Arc<TrustSet>,
        ca_names: CaNames,
        handshake: HandshakePolicy,
    },
    /// All realms' of an environment.
    Shared(Arc<SharedTrust>),
}

/// Whether clients are told the names of the CAs whose certificates are taken (RFC 8446 §4.2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaNames {
    /// No: they would tell every caller who the partners are.
    #[default]
    Untold,
    /// Yes, so that clients with several certificates can choose the one that fits.
    Told,
}

/// Decides on the clients of one host, those of full handshakes and those of resumed ones by the same question.
pub struct Gatekeeper {
    trusting: Trusting,
    verdicts: Arc<Verdicts>,
    limits: TrustLimits,
}

impl Gatekeeper {
    pub(crate) const fn new(
        trusting: Trusting,
        verdicts: Arc<Verdicts>,
        limits: TrustLimits,
    ) -> Self {
        Self {
            trusting,
            verdicts,
            limits,
        }
    }

    /// Judges a chain, the client's certificate first, at the moment `now`.
    ///
    /// # Errors
    /// [`Distrust`], as [`Verdicts::judge`] says.
    pub fn judge(&self, chain: &[CertificateDer<'_>], now: Moment) -> Verdict {
        let (verdicts, limits) = (&self.verdicts, &self.limits);
        match &self.trusting {
            Trusting::Realm { trust, .. } => verdicts.judge(&**trust, chain, now, limits),
            Trusting::Shared(shared) => verdicts.judge(&**shared, chain, now, limits),
        }
    }

    /// Whether clients that it does not trust are let on, to be told why. Shared hosts are always strict.
    pub fn explains(&self) -> bool {
        match &self.trusting {
            Trusting::Realm { handshake, .. } => *handshake == HandshakePolicy::Explain,
            Trusting::Shared(_) => false,
        }
    }

    /// The names that clients are told: each once, and none where they are too many.
    fn ca_names(&self) -> Vec<DistinguishedName> {
        let Trusting::Realm {
            trust,
            ca_names: CaNames::Told,
            ..
        } = &self.trusting
        else {
            return Vec::new();
        };
        let subjects: BTreeSet<&[u8]> = trust
            .anchors()
            .iter()
            .map(|anchor| anchor.certificate.facts().raw_subject.as_slice())
            .collect();
        let bytes: usize = subjects
            .iter()
            .map(|subject| subject.len().saturating_add(2))
            .sum();
        if bytes > CA_NAMES_BYTES_MAX {
            tracing::warn!(
                names = subjects.len(),
                bytes,
                "the names of the CAs are too many to be told to clients, and are not told"
            );
            return Vec::new();
        }
        subjects
            .into_iter()
            .map(|subject| DistinguishedName::from(subject.to_vec()))
            .collect()
    }
}

impl fmt::Debug for Gatekeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gatekeeper")
    }
}

/// Asks for a client certificate, demands it unless refusals are explained, and lets the host's gatekeeper decide on it.
pub(crate) struct ClientVerifier {
    gatekeeper: Arc<Gatekeeper>,
    ca_names: Vec<DistinguishedName>,
    provider: Arc<CryptoProvider>,
}

impl ClientVerifier {
    pub(crate) fn new(gatekeeper: Arc<Gatekeeper>, provider: Arc<CryptoProvider>) -> Self {
        Self {
            ca_names: gatekeeper.ca_names(),
            gatekeeper,
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
        !self.gatekeeper.explains()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.ca_names
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
        let verdict = self.gatekeeper.judge(&presented, moment);
        let mut observed = Observed::default();
        let answer = match &verdict {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(distrust) => {
                observed.shown = PresentedChain::of(presented.iter().map(AsRef::as_ref));
                observed.let_on =
                    self.gatekeeper.explains() && can_be_decoded(distrust, &presented);
                if observed.let_on {
                    Ok(ClientCertVerified::assertion())
                } else {
                    Err(refusal(distrust.reason))
                }
            }
        };
        observed.verdict = Some(verdict);
        let told = SEEN.try_with(|seen| seen.borrow_mut().told = observed);
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
        if planted(Flaw::Possession) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        possession::tls12(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if planted(Flaw::Possession) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        possession::tls13(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Whether what is wrong with a chain is something else than its encoding.
fn can_be_decoded(distrust: &Distrust, presented: &[CertificateDer<'_>]) -> bool {
    let decodes = |one: &CertificateDer<'_>| Certificate::from_der(one).is_ok();
    distrust.leaf.is_some()
        && (distrust.reason != Reason::MalformedCertificate || presented.iter().all(decodes))
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

/// The alert that a client gets whose handshake is refused for this reason, by its name in RFC 8446, 6.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "alerts are an open registry, and refusals make only these"
)]
pub fn alert(reason: Reason) -> &'static str {
    let rustls::Error::InvalidCertificate(error) = refusal(reason) else {
        return "certificate_required";
    };
    match AlertDescription::from(error) {
        AlertDescription::UnknownCA => "unknown_ca",
        AlertDescription::CertificateExpired => "certificate_expired",
        AlertDescription::CertificateRevoked => "certificate_revoked",
        AlertDescription::UnsupportedCertificate => "unsupported_certificate",
        AlertDescription::BadCertificate => "bad_certificate",
        AlertDescription::DecryptError => "decrypt_error",
        AlertDescription::AccessDenied => "access_denied",
        _ => "certificate_unknown",
    }
}

/// A refusal that has no alert of its own.
#[derive(Debug, thiserror::Error)]
#[error("refused: {}", .0.as_str())]
struct Refused(Reason);

#[cfg(test)]
mod tests;
