//! What went wrong in a TLS handshake with an upstream, in words.

use std::error::Error;
use std::fmt;
use std::io;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, PeerIncompatible};

use crate::clock::Moment;

/// How many of a certificate's names a story tells.
const NAMES_MAX: usize = 4;
/// How many characters of each.
const NAME_CHARS_MAX: usize = 80;

/// Why TLS with an upstream failed.
#[derive(Clone, Debug, PartialEq)]
pub enum TlsFailure {
    /// Its certificate is not issued by anyone whom the connection trusts.
    UnknownIssuer,
    /// Its certificate is for other names; these are some of them, escaped and cut.
    NameMismatch {
        /// The names that it is for.
        presented: Vec<String>,
    },
    /// Its certificate has expired.
    Expired {
        /// When, where that is known.
        not_after: Option<Moment>,
    },
    /// Its certificate is not valid yet.
    NotYetValid {
        /// When it will be, where that is known.
        not_before: Option<Moment>,
    },
    /// Its certificate is revoked.
    Revoked,
    /// Whether its certificate is revoked could not be found out.
    RevocationUnknown,
    /// Its certificate is not for servers.
    WrongUsage,
    /// A signature of its certificates or handshake is wrong.
    BadSignature,
    /// A signature of its certificates or handshake is of a kind that we do not accept.
    UnacceptableSignature,
    /// Its certificate has a critical extension that we do not know.
    UnknownCriticalExtension,
    /// Its certificate cannot be decoded.
    MalformedCertificate,
    /// Its certificate is unacceptable for another reason.
    UnacceptableCertificate {
        /// The reason.
        error: CertificateError,
    },
    /// It showed no certificate.
    NoCertificate,
    /// It refused us, with this alert.
    RefusedUs {
        /// The alert.
        alert: AlertDescription,
    },
    /// It has no protocol version, cipher suite or group in common with us.
    NothingInCommon {
        /// What is missing.
        lacks: PeerIncompatible,
    },
    /// What it sent is no TLS.
    NotTls,
    /// It closed the connection in the middle of the handshake.
    Closed,
    /// It broke the rules of TLS, or something failed on our side.
    Protocol {
        /// What exactly.
        error: rustls::Error,
    },
}

impl TlsFailure {
    /// What a failed handshake's error tells.
    pub fn of_handshake(error: &io::Error) -> Self {
        Self::found_in(error).unwrap_or(Self::Closed)
    }

    /// The failure of TLS that lies behind `error`, however deep. In TLS 1.3 a server's refusal arrives after the
    /// handshake, so it is found behind errors of HTTP.
    pub fn found_in(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut layer = Some(error);
        while let Some(error) = layer {
            if let Some(tls) = error.downcast_ref::<rustls::Error>() {
                return Some(Self::of(tls));
            }
            // What an `io::Error` wraps is not its source, but its own content.
            let wrapped = error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref);
            layer = match wrapped {
                Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
                None => error.source(),
            };
        }
        None
    }

    fn of(error: &rustls::Error) -> Self {
        if let rustls::Error::InvalidCertificate(error) = error {
            return Self::of_certificate(error);
        }
        if let rustls::Error::AlertReceived(alert) = error {
            return Self::RefusedUs { alert: *alert };
        }
        if let rustls::Error::PeerIncompatible(lacks) = error {
            return Self::NothingInCommon {
                lacks: lacks.clone(),
            };
        }
        if let rustls::Error::InvalidMessage(_) = error {
            return Self::NotTls;
        }
        if let rustls::Error::NoCertificatesPresented = error {
            return Self::NoCertificate;
        }
        Self::Protocol {
            error: error.clone(),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the enum is not exhaustive, and what is left has no story of its own"
    )]
    fn of_certificate(error: &CertificateError) -> Self {
        use CertificateError as E;
        match error {
            E::UnknownIssuer => Self::UnknownIssuer,
            E::NotValidForName => Self::NameMismatch {
                presented: Vec::new(),
            },
            E::NotValidForNameContext { presented, .. } => Self::NameMismatch {
                presented: presented
                    .iter()
                    .take(NAMES_MAX)
                    .map(|name| shown(name))
                    .collect(),
            },
            E::Expired => Self::Expired { not_after: None },
            E::ExpiredContext { not_after, .. } => Self::Expired {
                not_after: moment(*not_after),
            },
            E::NotValidYet => Self::NotYetValid { not_before: None },
            E::NotValidYetContext { not_before, .. } => Self::NotYetValid {
                not_before: moment(*not_before),
            },
            E::Revoked => Self::Revoked,
            E::UnknownRevocationStatus
            | E::ExpiredRevocationList
            | E::ExpiredRevocationListContext { .. } => Self::RevocationUnknown,
            E::InvalidPurpose | E::InvalidPurposeContext { .. } => Self::WrongUsage,
            E::BadSignature => Self::BadSignature,
            E::UnsupportedSignatureAlgorithmContext { .. }
            | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                Self::UnacceptableSignature
            }
            E::UnhandledCriticalExtension => Self::UnknownCriticalExtension,
            E::BadEncoding => Self::MalformedCertificate,
            other => Self::UnacceptableCertificate {
                error: other.clone(),
            },
        }
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer => f.write_str(
                "its certificate is not issued by a CA that the connection trusts; add that CA to the account, or have the server send its intermediates",
            ),
            Self::NameMismatch { presented } if presented.is_empty() => f.write_str(
                "its certificate is for another name; use the name that it is for in the base URL",
            ),
            Self::NameMismatch { presented } => write!(
                f,
                "its certificate is for other names ({}); use one of them in the base URL",
                presented.join(", ")
            ),
            Self::Expired { not_after: Some(end) } => {
                write!(f, "its certificate expired at {end}; have it renewed there")
            }
            Self::Expired { not_after: None } => {
                f.write_str("its certificate has expired; have it renewed there")
            }
            Self::NotYetValid { not_before: Some(start) } => {
                write!(f, "its certificate is not valid before {start}; check both clocks")
            }
            Self::NotYetValid { not_before: None } => {
                f.write_str("its certificate is not valid yet; check both clocks")
            }
            Self::Revoked => f.write_str("its certificate is revoked; have it replaced there"),
            Self::RevocationUnknown => f.write_str(
                "whether its certificate is revoked cannot be found out; renew the revocation list",
            ),
            Self::WrongUsage => f.write_str(
                "its certificate is not for servers; have one with the usage serverAuth put there",
            ),
            Self::BadSignature => f.write_str(
                "a signature is wrong; check its certificates and key, and who stands between",
            ),
            Self::UnacceptableSignature => f.write_str(
                "a signature is of a kind that is not accepted; have its certificate replaced by one with a stronger signature",
            ),
            Self::UnknownCriticalExtension => f.write_str(
                "its certificate has a critical extension that is not known here; have one without it put there",
            ),
            Self::MalformedCertificate => {
                f.write_str("its certificate cannot be decoded; have it replaced there")
            }
            Self::UnacceptableCertificate { error } => {
                write!(f, "its certificate is unacceptable ({error}); have it replaced there")
            }
            Self::NoCertificate => {
                f.write_str("it showed no certificate; have one installed there")
            }
            Self::RefusedUs { alert } => write!(
                f,
                "it refused us with the alert {alert:?}; check which client certificate it asks for and which one the connection's account holds"
            ),
            Self::NothingInCommon { lacks } => write!(
                f,
                "it has no version, cipher or group in common with us ({lacks:?}); have TLS 1.2 or 1.3 switched on there"
            ),
            Self::NotTls => f.write_str("what it sent is not TLS; check scheme and port"),
            Self::Closed => f.write_str(
                "it closed the connection in the middle of the handshake; look into its logs",
            ),
            Self::Protocol { error } => {
                write!(f, "the handshake went wrong ({error}); look into its logs")
            }
        }
    }
}

/// A name as people write it; the library tells `DnsName("a.example")`.
fn shown(name: &str) -> String {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    let bare = inner.unwrap_or(name).trim_matches('"');
    bare.chars()
        .take(NAME_CHARS_MAX)
        .flat_map(char::escape_debug)
        .collect()
}

fn moment(time: UnixTime) -> Option<Moment> {
    i64::try_from(time.as_secs())
        .ok()
        .map(Moment::from_unix_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_failure_behind_other_errors() {
        let alert = AlertDescription::CertificateRequired;
        let inner = io::Error::other(rustls::Error::AlertReceived(alert));
        let outer = io::Error::other(inner);
        assert_eq!(
            TlsFailure::found_in(&outer),
            Some(TlsFailure::RefusedUs { alert })
        );
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(TlsFailure::found_in(&reset), None);
        assert_eq!(TlsFailure::of_handshake(&reset), TlsFailure::Closed);
    }

    #[test]
    fn tells_when_a_certificate_ended() {
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(86_400));
        let error = CertificateError::ExpiredContext {
            time,
            not_after: time,
        };
        let failure = TlsFailure::of(&rustls::Error::InvalidCertificate(error));
        assert_eq!(
            failure.to_string(),
            "its certificate expired at 1970-01-02T00:00:00Z; have it renewed there"
        );
    }

    #[test]
    fn shows_names_bounded_and_escaped() {
        let presented = vec![format!("a\n{}", "b".repeat(500)); 50];
        let error = CertificateError::NotValidForNameContext {
            expected: "c.example".try_into().unwrap(),
            presented,
        };
        let told = TlsFailure::of(&rustls::Error::InvalidCertificate(error)).to_string();
        assert!(
            told.len() < 500 && !told.contains('\n') && told.contains("a\\nbbb"),
            "{told}"
        );
    }
}
