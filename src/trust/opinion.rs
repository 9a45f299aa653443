//! The second opinion: rustls-webpki judges the path that the rules accepted, and has to agree.
//!
//! It brings what the rules do not have: strict decoding, critical extensions, name constraints. It gets exactly one
//! path, and its signature checks are answered by the meter, so that it costs no cryptography.
//!
//! It compares names byte for byte, allows six intermediates, and counts those that an issuer gave to itself. A path
//! that differs in one of these is shown to it in parts ([`in_parts`]); name constraints above the client's issuer
//! cannot be judged then, and such a path is refused with `name-constraint`.

use std::time::Duration;

use rustls_pki_types::{
    CertificateDer, Der, SignatureVerificationAlgorithm, TrustAnchor, UnixTime,
};
use webpki::{
    EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage,
    RequiredEkuNotFoundContext,
};

use crate::clock::Moment;
use crate::pki::certificate::Certificate;
use crate::pki::der;
use crate::trust::finding::{Finding, Role, called, named};
use crate::trust::issuer::Issuer;
use crate::trust::reason::Reason;
use crate::trust::search::Path;
use crate::trust::signature::Meter;

/// The most intermediates that rustls-webpki follows.
const INTERMEDIATES_MAX: usize = 6;

/// Asks rustls-webpki about a path.
///
/// # Errors
/// Its objection.
pub fn agree(path: &Path, now: Moment, meter: &Meter<'_>) -> Result<(), Finding> {
    let below_the_anchor = path
        .certificates()
        .filter(|(role, _)| *role != Role::Anchor);
    for (role, certificate) in below_the_anchor {
        let der = CertificateDer::from(certificate.der());
        EndEntityCert::try_from(&der)
            .map_err(|error| finding(&error, &called(role, certificate)))?;
    }
    if is_plain(path) {
        whole(path, now, meter)
    } else {
        in_parts(path, now, meter)
    }
}

/// Whether rustls-webpki judges all of the path as RFC 5280 does.
fn is_plain(path: &Path) -> bool {
    let mut child = &path.leaf;
    for issuer in &path.intermediates {
        if issuer.certificate.facts().self_issued
            || issuer.certificate.facts().raw_subject != child.facts().raw_issuer
        {
            return false;
        }
        child = &issuer.certificate;
    }
    path.intermediates.len() <= INTERMEDIATES_MAX
}

fn whole(path: &Path, now: Moment, meter: &Meter<'_>) -> Result<(), Finding> {
    let top = path
        .intermediates
        .last()
        .map_or(&path.leaf, |issuer| &issuer.certificate);
    let intermediates: Vec<CertificateDer<'_>> = path
        .intermediates
        .iter()
        .map(|issuer| CertificateDer::from(issuer.certificate.der()))
        .collect();
    verify(&path.leaf, &intermediates, (&path.anchor, top), now, meter)
}

/// The client's certificate with its issuer as anchor. The rules have judged the rest, except for name constraints.
fn in_parts(path: &Path, now: Moment, meter: &Meter<'_>) -> Result<(), Finding> {
    let first = path.intermediates.first().unwrap_or(&path.anchor);
    for (role, certificate) in path.certificates().skip(2) {
        if certificate.facts().name_constraints.is_some() {
            let called = called(role, certificate);
            let detail = format!(
                "The {called} has name constraints, which cannot be applied to a path like this one."
            );
            return Err(Finding::new(Reason::NameConstraint, detail));
        }
    }
    verify(&path.leaf, &[], (first, &path.leaf), now, meter)
}

/// Verifies a path with one anchor, which takes the spelling of its name from the certificate that it issued.
fn verify(
    leaf: &Certificate,
    intermediates: &[CertificateDer<'_>],
    (anchor, issued): (&Issuer, &Certificate),
    now: Moment,
    meter: &Meter<'_>,
) -> Result<(), Finding> {
    let problem = |error: Error| finding(&error, &called(Role::Client, leaf));
    let leaf_der = CertificateDer::from(leaf.der());
    let subject = der::single(&issued.facts().raw_issuer)
        .map_err(|_| problem(Error::BadDer))?
        .content;
    let anchors = [TrustAnchor {
        subject: Der::from_slice(subject),
        subject_public_key_info: Der::from_slice(&anchor.point.subject_public_key_info),
        name_constraints: anchor
            .point
            .name_constraints
            .as_deref()
            .map(Der::from_slice),
    }];
    let metered = meter.metered();
    let algorithms: Vec<&dyn SignatureVerificationAlgorithm> = metered
        .iter()
        .map(|algorithm| -> &dyn SignatureVerificationAlgorithm { algorithm })
        .collect();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(now.unix_seconds()));
    let end_entity = EndEntityCert::try_from(&leaf_der).map_err(problem)?;
    end_entity
        .verify_for_usage(
            &algorithms,
            &anchors,
            intermediates,
            time,
            ClientsOrAny,
            None,
            None,
        )
        .map(|_| ())
        .map_err(problem)
}

/// clientAuth or anyExtendedKeyUsage, where there are any; the rules are stricter with the client's own certificate.
struct ClientsOrAny;

impl ExtendedKeyUsageValidator for ClientsOrAny {
    fn validate(&self, usages: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        const ANY: &[usize] = &[2, 5, 29, 37, 0];
        let mut present = Vec::new();
        for usage in usages {
            let oid = usage?.to_decoded_oid();
            if oid == KeyUsage::CLIENT_AUTH_REPR || oid == ANY {
                return Ok(());
            }
            present.push(oid);
        }
        if present.is_empty() {
            return Ok(());
        }
        let required = KeyUsage::client_auth();
        Err(Error::RequiredEkuNotFoundContext(
            RequiredEkuNotFoundContext { required, present },
        ))
    }
}

fn finding(error: &Error, called: &str) -> Finding {
    let reason = reason(error);
    let problem = if reason == Reason::NameConstraint {
        "breaks name constraints of its issuers, or has some that cannot be applied"
    } else if reason == Reason::UnknownCriticalExtension {
        "has a critical extension that is not understood here"
    } else if reason == Reason::MalformedCertificate {
        "cannot be read for path validation"
    } else {
        "was refused in path validation"
    };
    Finding::new(
        reason,
        format!("The {called} {problem} ({}).", named(&format!("{error:?}"))),
    )
}

/// What each error of rustls-webpki means for us.
#[expect(
    deprecated,
    reason = "the deprecated variants still exist and have to mean something"
)]
fn reason(error: &Error) -> Reason {
    match error {
        Error::CertExpired { .. } => Reason::Expired,
        Error::CertNotValidYet { .. } => Reason::NotYetValid,
        Error::UnknownIssuer => Reason::UnknownIssuer,
        Error::CertRevoked => Reason::Revoked,
        Error::CertDistrusted => Reason::Denied,
        Error::UnknownRevocationStatus
        | Error::IssuerNotCrlSigner
        | Error::InvalidCrlNumber
        | Error::InvalidCrlSignatureForPublicKey
        | Error::UnsupportedCrlIssuingDistributionPoint
        | Error::UnsupportedCrlVersion
        | Error::UnsupportedDeltaCrl
        | Error::UnsupportedIndirectCrl
        | Error::UnsupportedRevocationReason
        | Error::UnsupportedRevocationReasonsPartitioning
        | Error::UnsupportedCrlSignatureAlgorithm
        | Error::UnsupportedCrlSignatureAlgorithmContext(_)
        | Error::UnsupportedCrlSignatureAlgorithmForPublicKey
        | Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
            Reason::RevocationUnknown
        }
        Error::CrlExpired { .. } => Reason::CrlOutOfDate,
        Error::CaUsedAsEndEntity
        | Error::EmptyEkuExtension
        | Error::RequiredEkuNotFound
        | Error::RequiredEkuNotFoundContext(_) => Reason::WrongUsage,
        Error::EndEntityUsedAsCa => Reason::NotACa,
        Error::PathLenConstraintViolated
        | Error::MaximumPathDepthExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumSignatureChecksExceeded => Reason::PathTooLong,
        Error::NameConstraintViolation
        | Error::InvalidNetworkMaskConstraint
        | Error::MalformedNameConstraint
        | Error::MaximumNameConstraintComparisonsExceeded
        | Error::UnsupportedNameType
        | Error::CertNotValidForName(_) => Reason::NameConstraint,
        Error::UnsupportedCriticalExtension => Reason::UnknownCriticalExtension,
        Error::UnsupportedSignatureAlgorithm | Error::UnsupportedSignatureAlgorithmContext(_) => {
            Reason::WeakSignature
        }
        Error::InvalidSignatureForPublicKey
        | Error::UnsupportedSignatureAlgorithmForPublicKey
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Reason::BadSignature,
        Error::BadDer
        | Error::BadDerTime
        | Error::ExtensionValueInvalid
        | Error::InvalidCertValidity
        | Error::InvalidSerialNumber
        | Error::MalformedDnsIdentifier
        | Error::MalformedExtensions
        | Error::SignatureAlgorithmMismatch
        | Error::TrailingData(_)
        | Error::UnsupportedCertVersion => Reason::MalformedCertificate,
        // The enum can grow in a later version; an error that is not known yet is a refusal all the same.
        _ => Reason::MalformedCertificate,
    }
}
