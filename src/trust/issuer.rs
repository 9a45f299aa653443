//! A certificate prepared to be asked whether it issued another one.

use rustls_pki_types::{CertificateDer, TrustAnchor};

use crate::pki::certificate::Certificate;
use crate::trust::index::Name;

/// A certificate that may have issued others: a trust anchor, a helper, or one that a client presented.
///
/// What it is follows from where it was found; by itself it is trusted for nothing.
#[derive(Debug)]
pub struct Issuer {
    /// The certificate.
    pub certificate: Certificate,
    /// Its subject, to compare.
    pub subject: Name,
    /// Its name, key and name constraints as rustls-webpki takes them.
    pub point: TrustAnchor<'static>,
}

impl Issuer {
    /// Prepares a certificate; `None` where rustls-webpki cannot read it.
    pub fn prepare(certificate: Certificate) -> Option<Self> {
        let der = CertificateDer::from(certificate.der());
        let point = webpki::anchor_from_trusted_cert(&der).ok()?.to_owned();
        let subject = Name::of(&certificate.facts().raw_subject);
        Some(Self {
            certificate,
            subject,
            point,
        })
    }

    /// Whether both have the same name and key, and so vouch for the same certificates.
    pub fn is_same_authority(&self, other: &Self) -> bool {
        self.subject == other.subject
            && self.certificate.facts().spki_sha256 == other.certificate.facts().spki_sha256
    }
}
