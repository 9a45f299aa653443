//! The judgement.

use std::sync::Arc;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};

use crate::clock::Moment;
use crate::pki::certificate::{Certificate, InvalidCertificate};
use crate::pki::fingerprint::Fingerprint;
use crate::trust::anchors::Anchors;
use crate::trust::finding::{Finding, named};
use crate::trust::identity::ClientIdentity;
use crate::trust::issuer::Issuer;
use crate::trust::limits::TrustLimits;
use crate::trust::opinion;
use crate::trust::reason::Reason;
use crate::trust::rules;
use crate::trust::search::{Path, Search};
use crate::trust::signature::{MODERN, Meter};

/// A client whose chain is trusted. There is no other way to make one than [`judge`] and [`rejudge`].
#[derive(Clone, Debug)]
pub struct Verified {
    /// Who it is, by the verified path.
    pub identity: Arc<ClientIdentity>,
    /// The certificates as presented, the client's first.
    pub chain: Arc<[CertificateDer<'static>]>,
    /// The latest first moment of validity along the path, the anchor's included.
    pub path_starts: Moment,
    /// The earliest last second of validity along the path, the anchor's included; that second still belongs to it.
    pub path_ends: Moment,
    /// SHA-256 of the trust anchor.
    pub anchor: Fingerprint,
    limits: TrustLimits,
}

impl Verified {
    /// Whether every certificate of the path, the anchor included, is within its validity.
    pub fn is_valid_at(&self, moment: Moment) -> bool {
        let end = self.path_ends.unix_millis().saturating_add(1000);
        self.path_starts <= moment && moment.unix_millis() < end
    }

    /// The client's certificate, decoded once more: it is not kept, since idle connections keep this.
    pub fn leaf(&self) -> Option<Certificate> {
        self.chain
            .first()
            .and_then(|der| Certificate::from_der(der).ok())
    }
}

/// Why a client is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Distrust {
    /// The code.
    pub reason: Reason,
    /// One sentence that names the certificate; bounded and escaped. For the realm's people, not for the client.
    pub detail: String,
    /// The client's certificate, where it could be decoded.
    pub leaf: Option<Certificate>,
}

/// Judges a chain, the client's certificate first and the others in any order, at the moment `now`.
///
/// # Errors
/// [`Distrust`] with the reason that is nearest to being let in: a broken rule on a proven path, then a signature that
/// does not hold, then an issuer that is not known.
pub fn judge<'a>(
    anchors: impl Into<Anchors<'a>>,
    presented: &[CertificateDer<'_>],
    now: Moment,
    limits: &TrustLimits,
) -> Result<Verified, Distrust> {
    judge_with(MODERN, anchors.into(), presented, now, limits)
}

/// Judges a verified client again, by other anchors or at another moment: costs two comparisons while its anchor is
/// among the anchors and its path within its validity, and a judgement where not, since another anchor may serve.
///
/// The result is in the terms of the anchors given: on a shared host, pass the realm's own set to learn which of its
/// accounts vouches for the client.
///
/// # Errors
/// As [`judge`], and `anchor-removed` where the anchor is gone and no other serves.
pub fn rejudge<'a>(
    verified: &Verified,
    anchors: impl Into<Anchors<'a>>,
    now: Moment,
) -> Result<Verified, Distrust> {
    let anchors = anchors.into();
    let has_anchor = anchors.has_anchor(&verified.anchor);
    if has_anchor && verified.is_valid_at(now) {
        return Ok(in_terms_of(anchors, verified.clone()));
    }
    let judged = judge_with(MODERN, anchors, &verified.chain, now, &verified.limits);
    judged.map_err(|distrust| {
        if has_anchor || !is_open_end(distrust.reason) {
            return distrust;
        }
        let subject = named(&verified.identity.anchor_subject);
        let fingerprint = verified.anchor;
        let detail = format!(
            "The trust anchor {subject} (SHA-256 {fingerprint}) is not installed any more."
        );
        Distrust {
            reason: Reason::AnchorRemoved,
            detail,
            leaf: distrust.leaf,
        }
    })
}

/// As [`rejudge`], where only yes or no is asked.
///
/// # Errors
/// As [`rejudge`].
pub fn recheck<'a>(
    verified: &Verified,
    anchors: impl Into<Anchors<'a>>,
    now: Moment,
) -> Result<(), Distrust> {
    rejudge(verified, anchors, now).map(|_| ())
}

fn judge_with(
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    anchors: Anchors<'_>,
    presented: &[CertificateDer<'_>],
    now: Moment,
    limits: &TrustLimits,
) -> Result<Verified, Distrust> {
    let [first, others @ ..] = presented else {
        return Err(distrust(
            Reason::NoCertificate,
            "The client sent no certificate.".to_owned(),
        ));
    };
    let leaf = Certificate::from_der(first);
    within_limits(presented, limits).map_err(|finding| Distrust {
        reason: finding.reason,
        detail: finding.detail,
        leaf: leaf.clone().ok(),
    })?;
    let leaf = leaf.map_err(|cause| {
        let detail = format!("The client certificate cannot be decoded: {cause}.");
        distrust(reason_of(&cause), detail)
    })?;
    let (issuers, unreadable) = read(others);
    let meter = Meter::new(algorithms, *limits);
    let search = Search {
        anchors,
        leaf: &leaf,
        presented: &issuers,
        now,
        limits,
        meter: &meter,
    };
    let accept = |path: &Path| {
        rules::check(path, now, limits).and_then(|()| opinion::agree(path, now, &meter))
    };
    match search.first_path(&accept) {
        Ok(path) => Ok(verified(&path, anchors, presented, *limits)),
        Err(finding) => {
            let Finding { reason, detail } = unreadable
                .filter(|_| is_open_end(finding.reason))
                .unwrap_or(finding);
            Err(Distrust {
                reason,
                detail,
                leaf: Some(leaf),
            })
        }
    }
}

const fn distrust(reason: Reason, detail: String) -> Distrust {
    Distrust {
        reason,
        detail,
        leaf: None,
    }
}

fn within_limits(presented: &[CertificateDer<'_>], limits: &TrustLimits) -> Result<(), Finding> {
    let count = presented.len();
    let bytes: usize = presented.iter().map(|certificate| certificate.len()).sum();
    let problem = if count > limits.chain_certificates_max {
        format!(
            "The client sent {count} certificates, where {} are allowed.",
            limits.chain_certificates_max
        )
    } else if bytes > limits.chain_bytes_max {
        format!(
            "The client sent certificates of {bytes} bytes, where {} are allowed.",
            limits.chain_bytes_max
        )
    } else {
        return Ok(());
    };
    Err(Finding::new(Reason::CertificateTooLarge, problem))
}

/// The certificates that can be read, and what is wrong with the first that cannot. Such a one matters only where it
/// may be what is missing: clients send all kinds of things behind their chain.
fn read(others: &[CertificateDer<'_>]) -> (Vec<Arc<Issuer>>, Option<Finding>) {
    let mut issuers = Vec::new();
    let mut unreadable = None;
    for (place, der) in others.iter().enumerate() {
        let cause = match Certificate::from_der(der) {
            Ok(certificate) => match Issuer::prepare(certificate) {
                Some(issuer) => {
                    issuers.push(Arc::new(issuer));
                    continue;
                }
                None => InvalidCertificate::Undecodable,
            },
            Err(cause) => cause,
        };
        let place = place.saturating_add(2);
        let detail = format!(
            "Certificate {place} of those that the client sent cannot be decoded: {cause}."
        );
        unreadable.get_or_insert(Finding::new(reason_of(&cause), detail));
    }
    (issuers, unreadable)
}

const fn reason_of(cause: &InvalidCertificate) -> Reason {
    match cause {
        InvalidCertificate::TooLarge { .. } => Reason::CertificateTooLarge,
        InvalidCertificate::Undecodable
        | InvalidCertificate::NotDer
        | InvalidCertificate::UnsupportedVersion
        | InvalidCertificate::BeyondItsVersion { .. }
        | InvalidCertificate::UndecodableDate
        | InvalidCertificate::TrailingBytes { .. }
        | InvalidCertificate::SerialTooLong { .. }
        | InvalidCertificate::AlgorithmsDiffer
        | InvalidCertificate::UndecodableKey
        | InvalidCertificate::DuplicateExtension { .. }
        | InvalidCertificate::UndecodableExtension { .. } => Reason::MalformedCertificate,
    }
}

/// Whether the search ended because an issuer was not there.
fn is_open_end(reason: Reason) -> bool {
    matches!(reason, Reason::UnknownIssuer | Reason::IncompleteChain)
}

fn verified(
    path: &Path,
    anchors: Anchors<'_>,
    presented: &[CertificateDer<'_>],
    limits: TrustLimits,
) -> Verified {
    let anchor = path.anchor.certificate.fingerprint();
    let identity = ClientIdentity::of(
        &path.leaf,
        &path.anchor.certificate,
        anchors.account(&anchor),
    );
    let facts = || {
        path.certificates()
            .map(|(_, certificate)| certificate.facts())
    };
    Verified {
        identity: Arc::new(identity),
        chain: presented
            .iter()
            .map(|certificate| certificate.clone().into_owned())
            .collect(),
        path_starts: facts()
            .map(|facts| facts.not_before)
            .max()
            .unwrap_or(Moment::MAX),
        path_ends: facts()
            .map(|facts| facts.not_after)
            .min()
            .unwrap_or(Moment::EPOCH),
        anchor,
        limits,
    }
}

/// The same client, with the account of a realm's own set.
fn in_terms_of(anchors: Anchors<'_>, verified: Verified) -> Verified {
    let account = anchors.account(&verified.anchor);
    if account.is_empty() || account == verified.identity.account {
        return verified;
    }
    Verified {
        identity: Arc::new(ClientIdentity {
            account,
            ..(*verified.identity).clone()
        }),
        ..verified
    }
}

#[cfg(test)]
mod tests;
