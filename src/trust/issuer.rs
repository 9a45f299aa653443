//! A certificate prepared to be asked whether it issued another one.

use crate::pki::certificate::Certificate;
use crate::trust::index::Name;
use crate::trust::signature::PublicKey;

/// A certificate that may have issued others: a trust anchor, a helper, or one that a client presented.
///
/// What it is follows from where it was found; by itself it is trusted for nothing.
#[derive(Debug)]
pub struct Issuer {
    /// The certificate.
    pub certificate: Certificate,
    /// Its subject, to compare.
    pub subject: Name,
    /// Its key, to check signatures with.
    pub key: PublicKey,
}

impl Issuer {
    /// Prepares a certificate; `None` where its key cannot be read.
    pub fn prepare(certificate: Certificate) -> Option<Self> {
        let key = PublicKey::of(&certificate)?;
        let subject = Name::of(&certificate.facts().raw_subject);
        Some(Self {
            certificate,
            subject,
            key,
        })
    }

    /// Whether both have the same name and key, and so vouch for the same certificates.
    pub fn is_same_authority(&self, other: &Self) -> bool {
        self.subject == other.subject
            && self.certificate.facts().spki_sha256 == other.certificate.facts().spki_sha256
    }
}
