//! Who a verified client is.

use std::sync::Arc;

use crate::clock::Moment;
use crate::pki::certificate::Certificate;
use crate::pki::fingerprint::Fingerprint;

/// What the verified path says of the client; nothing in it comes from certificates that were sent beside the path.
///
/// Texts are bounded and escaped (see [`crate::pki::printable`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    /// Subject as RFC 4514 text; empty where the certificate names its holder in the alternative names only.
    pub subject: String,
    /// Alternative names, such as `DNS:client-1.acme.example`.
    pub sans: Vec<String>,
    /// Issuer as RFC 4514 text.
    pub issuer: String,
    /// Serial number, lower-case hexadecimal.
    pub serial: String,
    /// SHA-256 of the client's certificate.
    pub fingerprint: Fingerprint,
    /// SHA-256 of the trust anchor at the end of the path.
    pub anchor: Fingerprint,
    /// The trust anchor's subject.
    pub anchor_subject: String,
    /// The account that brought the anchor. Empty where a shared host was judged: which realm's account it is follows
    /// only from [`crate::trust::judge::rejudge`] with that realm's set.
    pub account: Arc<str>,
    /// First moment of the client certificate's validity.
    pub not_before: Moment,
    /// Last second of the client certificate's validity.
    pub not_after: Moment,
}

impl ClientIdentity {
    /// The identity of `leaf`, for which `anchor`, brought by `account`, vouches.
    pub fn of(leaf: &Certificate, anchor: &Certificate, account: Arc<str>) -> Self {
        let facts = leaf.facts();
        Self {
            subject: facts.subject.clone(),
            sans: facts.sans.clone(),
            issuer: facts.issuer.clone(),
            serial: facts.serial.clone(),
            fingerprint: leaf.fingerprint(),
            anchor: anchor.fingerprint(),
            anchor_subject: anchor.facts().subject.clone(),
            account,
            not_before: facts.not_before,
            not_after: facts.not_after,
        }
    }
}
