//! Refused handshakes: what they are told, and what is kept of them.

use std::io;
use std::net::SocketAddr;

use rustls::{AlertDescription, CertificateError, InvalidMessage};

use crate::domain::environment::{Environment, Gateway};
use crate::domain::name::RealmName;
use crate::domain::refusal::{PresentedChain, RefusalRecord, ShownCertificate};
use crate::gateway::listener::GatewaySet;
use crate::gateway::worker::Worker;
use crate::pki::certificate::Certificate;
use crate::snapshot::verifier::Observed;
use crate::trust::judge::{Distrust, Verified};
use crate::trust::reason::Reason;

/// What was known of a client when it was refused.
pub(crate) struct Caller<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) gateway: Gateway,
    pub(crate) environment: Option<Environment>,
    pub(crate) realm: Option<RealmName>,
    pub(crate) server_name: Option<&'a str>,
}

/// Why a handshake was refused: a reason, and a sentence where there is more to say than the reason's advice.
pub(crate) struct Why {
    pub(crate) reason: Reason,
    pub(crate) sentence: Option<String>,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) chain: Option<PresentedChain>,
}

impl Why {
    pub(crate) const fn plainly(reason: Reason) -> Self {
        Self {
            reason,
            sentence: None,
            certificate: None,
            chain: None,
        }
    }

    /// The client, which showed `chain`, is not trusted.
    pub(crate) fn of_distrust(distrust: Distrust, chain: Option<PresentedChain>) -> Self {
        Self {
            reason: distrust.reason,
            sentence: Some(distrust.detail),
            certificate: distrust.leaf,
            chain,
        }
    }

    /// Reads the reason out of what rustls and the verifier say. `None` where the client merely went away.
    pub(crate) fn of_handshake(error: &io::Error, observed: Observed) -> Option<Self> {
        let Observed {
            verdict,
            shown,
            let_on,
        } = observed;
        let tls = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let (certificate, chain) = match verdict {
            // A client that was let on may still fail to prove that it holds its key. Of a weak key there is no proof.
            Some(Err(distrust))
                if let_on && tls == Some(&UNPROVEN) && distrust.reason != Reason::WeakKey =>
            {
                (distrust.leaf, shown)
            }
            Some(Err(distrust)) => return Some(Self::of_distrust(distrust, shown)),
            Some(Ok(verified)) => (verified.leaf(), chain_of(&verified)),
            None => (None, None),
        };
        let Some(error) = tls else {
            let gone = matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
            );
            return (!gone).then_some(Self {
                reason: Reason::ProtocolError,
                sentence: None,
                certificate,
                chain,
            });
        };
        let (reason, sentence) = explain(error);
        Some(Self {
            reason,
            sentence,
            certificate,
            chain,
        })
    }
}

/// What rustls says of a client that signed with another key than its certificate's.
const UNPROVEN: rustls::Error = rustls::Error::InvalidCertificate(CertificateError::BadSignature);

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "rustls's errors are open to additions; whatever is not named here breaks the protocol"
)]
fn explain(error: &rustls::Error) -> (Reason, Option<String>) {
    match error {
        rustls::Error::NoCertificatesPresented => (
            Reason::NoCertificate,
            Some("The client showed no certificate.".to_owned()),
        ),
        rustls::Error::AlertReceived(alert) => {
            let reason = rejected_us(*alert);
            (reason, Some(told(reason, *alert)))
        }
        rustls::Error::PeerIncompatible(_) => (
            Reason::NoCommonParameters,
            Some(format!("Client and gateway share no parameters: {error}.")),
        ),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            (Reason::ProtocolError, None)
        }
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => (
            Reason::BadSignature,
            Some("The client did not prove that it holds its certificate's key.".to_owned()),
        ),
        rustls::Error::InvalidCertificate(CertificateError::BadEncoding) => {
            (Reason::MalformedCertificate, None)
        }
        other => (
            Reason::ProtocolError,
            Some(format!("The handshake broke off: {other}.")),
        ),
    }
}

/// A fatal alert from the client about our certificate, or about something else.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "alerts are an open registry; the rest has no reason of its own"
)]
const fn rejected_us(alert: AlertDescription) -> Reason {
    match alert {
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError => Reason::ClientRejectedUs,
        AlertDescription::HandshakeFailure
        | AlertDescription::ProtocolVersion
        | AlertDescription::InsufficientSecurity
        | AlertDescription::NoApplicationProtocol => Reason::NoCommonParameters,
        _ => Reason::ProtocolError,
    }
}

fn told(reason: Reason, alert: AlertDescription) -> String {
    let meaning = if reason == Reason::ClientRejectedUs {
        ": it does not trust the gateway's certificate, or not under this name"
    } else {
        ""
    };
    let code = u8::from(alert);
    format!("The client ended the handshake with the alert {alert:?} ({code}){meaning}.")
}

/// As [`record`], of a connection that ends before its client asked for a name: it concerns the operator alone.
pub(crate) fn before_a_name(worker: &Worker, gateways: GatewaySet, address: SocketAddr, why: Why) {
    let caller = Caller {
        address,
        gateway: gateways.first(),
        environment: None,
        realm: None,
        server_name: None,
    };
    record(worker, caller, why);
}

/// Counts a refusal and keeps it for those whom it concerns.
pub(crate) fn record(worker: &Worker, caller: Caller<'_>, why: Why) {
    worker.counters.refused(why.reason);
    let certificate = why.certificate.as_ref().map(shown);
    worker.journal.record(RefusalRecord {
        at: worker.clock.now(),
        realm: caller.realm,
        gateway: caller.gateway,
        environment: caller.environment,
        address: caller.address.ip().to_canonical(),
        server_name: caller.server_name.map(|name| {
            name.chars()
                .take(255)
                .flat_map(char::escape_default)
                .collect()
        }),
        reason: why.reason.as_str().into(),
        sentence: why
            .sentence
            .unwrap_or_else(|| why.reason.advice().to_owned()),
        certificate,
        chain: why.chain,
        left_out: 0,
    });
}

/// What a client presented that was trusted once.
pub(crate) fn chain_of(verified: &Verified) -> Option<PresentedChain> {
    PresentedChain::of(verified.chain.iter().map(AsRef::as_ref))
}

/// A certificate, decoded for people.
pub(crate) fn shown(certificate: &Certificate) -> ShownCertificate {
    let facts = certificate.facts();
    ShownCertificate {
        subject: facts.subject.clone(),
        issuer: facts.issuer.clone(),
        serial: facts.serial.clone(),
        fingerprint: certificate.fingerprint().to_string(),
        not_before: facts.not_before,
        not_after: facts.not_after,
    }
}
