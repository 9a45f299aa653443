//! Revocation lists of CAs whose key is at hand; for attacks on ourselves.

use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::clock::Moment;
use crate::pki::authority::{Authority, AuthorityError};
use crate::pki::certificate::Certificate;
use crate::pki::crl::Crl;
use crate::pki::key::Signer;

/// What a list is to say.
#[derive(Clone, Copy, Debug)]
pub struct CrlRequest<'a> {
    /// Its number.
    pub number: u64,
    /// Its thisUpdate.
    pub this_update: Moment,
    /// Its nextUpdate.
    pub next_update: Moment,
    /// What is revoked, since thisUpdate.
    pub revoked: &'a [&'a Certificate],
}

/// Issues a list.
///
/// # Errors
/// [`AuthorityError`].
pub fn issue(authority: &Authority, request: &CrlRequest<'_>) -> Result<Crl, AuthorityError> {
    let date = |moment: Moment| {
        OffsetDateTime::from_unix_timestamp(moment.unix_millis().div_euclid(1000))
            .map_err(|_| AuthorityError::Library)
    };
    let this_update = date(request.this_update)?;
    let revoked = request.revoked.iter().map(|certificate| RevokedCertParams {
        serial_number: SerialNumber::from_slice(&certificate.facts().raw_serial),
        revocation_time: this_update,
        reason_code: None,
        invalidity_date: None,
    });
    let params = CertificateRevocationListParams {
        this_update,
        next_update: date(request.next_update)?,
        crl_number: SerialNumber::from(request.number),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let own = CertificateDer::from(authority.certificate.der());
    let issuer = Issuer::from_ca_cert_der(&own, Signer::new(&authority.key)?)
        .map_err(|_| AuthorityError::Library)?;
    let written = params
        .signed_by(&issuer)
        .map_err(|_| AuthorityError::Library)?;
    Crl::from_der(written.der()).map_err(|_| AuthorityError::Library)
}
