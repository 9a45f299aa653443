//! Trust anchors: which certificates can be one, and which cannot.

use std::sync::Arc;

use crate::pki::certificate::{Certificate, KeyAlgorithm};
use crate::trust::issuer::Issuer;

/// A CA certificate that was put to work, and the account that brought it.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// The certificate.
    pub certificate: Certificate,
    /// The account's name.
    pub account: Arc<str>,
}

/// Why a certificate cannot serve as a trust anchor, or as a helper.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is not a CA (RFC 5280, 4.2.1.9).
    #[error(
        "it is not a CA certificate: use the certificate of the CA that issues the client certificates"
    )]
    NotACa,
    /// Its key usage leaves out signing certificates (RFC 5280, 4.2.1.3).
    #[error(
        "its key usage does not include keyCertSign: have the CA certificate issued again with it"
    )]
    MayNotSign,
    /// Its extended key usage leaves out clients (RFC 5280, 4.2.1.12).
    #[error(
        "its extended key usage does not include clientAuth: use a CA that may issue client certificates"
    )]
    NotForClients,
    /// It has a critical extension that is not understood here.
    #[error("its critical extension {oid} is not understood here: use a CA certificate without it")]
    UnknownCriticalExtension {
        /// Which one, dotted.
        oid: String,
    },
    /// Its key is of a kind that is not accepted.
    #[error(
        "its key ({key}) is of a kind that is not accepted: use RSA, EC P-256, P-384, P-521 or Ed25519"
    )]
    KeyNotAccepted {
        /// Of which kind.
        key: KeyAlgorithm,
    },
    /// Path validation cannot read it.
    #[error(
        "it cannot be read for path validation: have the CA certificate issued again as X.509 version 3"
    )]
    Unreadable,
}

/// Prepares a certificate that is to serve as trust anchor or helper.
///
/// What depends on the moment (validity) or on limits (key sizes) is left to the judgement.
///
/// # Errors
/// [`Unusable`] where no client could ever be accepted because of it.
pub fn prepare(certificate: &Certificate) -> Result<Issuer, Unusable> {
    let facts = certificate.facts();
    if !facts.is_ca() {
        return Err(Unusable::NotACa);
    }
    if facts.key_usage.is_some_and(|usage| !usage.key_cert_sign()) {
        return Err(Unusable::MayNotSign);
    }
    if !facts.allows_client_auth() {
        return Err(Unusable::NotForClients);
    }
    if let Some(oid) = facts.unknown_critical.first() {
        return Err(Unusable::UnknownCriticalExtension { oid: oid.clone() });
    }
    if let KeyAlgorithm::Other(_) = &facts.key.algorithm {
        return Err(Unusable::KeyNotAccepted {
            key: facts.key.algorithm.clone(),
        });
    }
    Issuer::prepare(certificate.clone()).ok_or(Unusable::Unreadable)
}

/// Whether a helper signs revocation lists and nothing else (RFC 5280, 4.2.1.3): its key usage has cRLSign without
/// keyCertSign. It may be a CA or not, and serves wherever a list names it; it issues no certificates.
pub fn signs_only_crls(certificate: &Certificate) -> bool {
    certificate
        .facts()
        .key_usage
        .is_some_and(|usage| usage.crl_sign() && !usage.key_cert_sign())
}
