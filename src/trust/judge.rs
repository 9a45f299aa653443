//! The judgement.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};

use crate::clock::Moment;
use crate::flaw::{Flaw, planted};
use crate::pki::certificate::{Certificate, InvalidCertificate};
use crate::pki::fingerprint::Fingerprint;
use crate::trust::anchors::Anchors;
use crate::trust::constraints::{self, JUDGEMENT_COMPARISONS_MAX};
use crate::trust::demands::{Basis, Demands, Ground};
use crate::trust::finding::{Finding, named};
use crate::trust::identity::ClientIdentity;
use crate::trust::issuer::Issuer;
use crate::trust::limits::TrustLimits;
use crate::trust::policies;
use crate::trust::profile;
use crate::trust::proofs::Proofs;
use crate::trust::reason::Reason;
use crate::trust::rules;
use crate::trust::search::{Found, Path, Search};
use crate::trust::signature::{MODERN, Meter};
use crate::trust::trace::{Check, Exam, Trace};

/// The most proven paths that one judgement holds to the rules.
const PATHS_MAX: u32 = 1_024;

/// A client whose chain is trusted. There is no other way to make one than [`judge`] and [`rejudge`].
#[derive(Clone, Debug)]
pub struct Verified {
    /// Who it is, by the verified path.
    pub identity: Arc<ClientIdentity>,
    /// The certificates as presented, the client's first.
    pub chain: Arc<[CertificateDer<'static>]>,
    /// The certificates between the client's and the anchor on the verified path, the client's issuer first.
    pub intermediates: Arc<[CertificateDer<'static>]>,
    /// The latest first moment of validity along the path, the anchor's included.
    pub path_starts: Moment,
    /// The earliest last second of validity along the path, the anchor's included; that second still belongs to it.
    pub path_ends: Moment,
    /// SHA-256 of the trust anchor.
    pub anchor: Fingerprint,
    /// Up to when the revocation lists answer as they did; this moment no longer belongs to it.
    pub revocation_ends: Moment,
    basis: Basis,
    limits: TrustLimits,
}

impl Verified {
    /// Whether every certificate of the path, the anchor included, is within its validity, and the revocation lists
    /// answer as they did.
    pub fn is_valid_at(&self, moment: Moment) -> bool {
        self.path_starts <= moment && moment < self.ends()
    }

    /// When that ends; this moment no longer belongs to it.
    pub fn ends(&self) -> Moment {
        // The last second of the path belongs to it as a whole.
        let path_ends = self.path_ends.plus(Duration::from_secs(1));
        path_ends.min(self.revocation_ends)
    }

    /// What of it has ended by itself, the first where several have, and when; `None` where time has nothing against it.
    pub fn what_ended(&self, now: Moment) -> Option<(Ended, Moment)> {
        if now < self.path_starts {
            return Some((Ended::NotYetValid, self.path_starts));
        }
        let path_ends = self.path_ends.plus(Duration::from_secs(1));
        if now < self.ends() {
            return None;
        }
        if self.revocation_ends < path_ends {
            return Some((Ended::RevocationList, self.revocation_ends));
        }
        let is_that = |der: &CertificateDer<'_>| {
            let certificate = Certificate::from_der(der).ok();
            certificate.filter(|one| one.facts().not_after == self.path_ends)
        };
        let ended = if self.identity.not_after == self.path_ends {
            Ended::Client
        } else {
            match self.intermediates.iter().find_map(is_that) {
                Some(one) => Ended::Intermediate(one.fingerprint()),
                None => Ended::Anchor(self.anchor),
            }
        };
        Some((ended, path_ends))
    }

    /// Whether both name the same client, for the same time.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let time = |verified: &Self| {
            (
                verified.path_starts,
                verified.path_ends,
                verified.revocation_ends,
            )
        };
        self.identity == other.identity && time(self) == time(other)
    }

    /// Whether both were accepted by the demands of the same.
    pub fn rests_on_the_same_as(&self, other: &Self) -> bool {
        self.basis == other.basis
    }

    /// Whether these anchors would come to the same verdict now, as far as that is known without judging.
    pub(crate) fn stands(&self, anchors: Anchors<'_>, now: Moment, limits: &TrustLimits) -> bool {
        let upheld = match (anchors, self.basis) {
            (Anchors::Set(set), Basis::Set(id)) => set.id() == id,
            (Anchors::Shared(shared), Basis::Owner(rulebook)) => {
                shared.has_rulebook(&self.anchor, rulebook)
            }
            (Anchors::Set(_), Basis::Owner(_) | Basis::Nobody)
            | (Anchors::Shared(_), Basis::Set(_) | Basis::Nobody) => false,
        };
        upheld && self.limits == *limits && self.is_valid_at(now)
    }

    /// The client's certificate, decoded once more: it is not kept, since idle connections keep this.
    pub fn leaf(&self) -> Option<Certificate> {
        self.chain
            .first()
            .and_then(|der| Certificate::from_der(der).ok())
    }
}

/// What of a verified client can end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ended {
    /// Its certificate.
    Client,
    /// One between its own and the anchor, with this SHA-256.
    Intermediate(Fingerprint),
    /// The trust anchor, with this SHA-256.
    Anchor(Fingerprint),
    /// A revocation list: it is out of date, or a later one counts from now on.
    RevocationList,
    /// Nothing: the clock was set back to before the beginning.
    NotYetValid,
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
    judge_with(MODERN, anchors.into(), presented, now, limits, None, None)
}

/// As [`judge`], and tells its steps. The verdict is that of a judgement that nobody watched: a watched one goes on
/// behind its first objection, and may use up there what another path would need.
pub fn judge_telling<'a>(
    anchors: impl Into<Anchors<'a>>,
    presented: &[CertificateDer<'_>],
    now: Moment,
    limits: &TrustLimits,
) -> (Result<Verified, Distrust>, Trace) {
    let (anchors, trace) = (anchors.into(), Trace::default());
    let verdict = judge(anchors, presented, now, limits);
    let _ = judge_with(MODERN, anchors, presented, now, limits, None, Some(&trace));
    (verdict, trace)
}

/// As [`judge`], with the proofs of earlier judgements, to which it adds.
pub(crate) fn judge_knowing(
    anchors: Anchors<'_>,
    presented: &[CertificateDer<'_>],
    now: Moment,
    limits: &TrustLimits,
    proofs: &Proofs,
) -> Result<Verified, Distrust> {
    judge_with(MODERN, anchors, presented, now, limits, Some(proofs), None)
}

/// Judges a verified client again, by other anchors or at another moment. Where the very same set judged it (on a shared
/// host: where an owner of its anchor demands the very same) and nothing has run out since, that costs a comparison;
/// else it is judged in full, and another anchor may serve.
///
/// The result is in the terms of the anchors given: on a shared host, pass the realm's own set to learn whether that
/// realm lets it in, and which of its accounts vouches for it.
///
/// # Errors
/// As [`judge`], and `anchor-removed` where the anchor is gone and no other serves.
pub fn rejudge<'a>(
    verified: &Verified,
    anchors: impl Into<Anchors<'a>>,
    now: Moment,
) -> Result<Verified, Distrust> {
    rejudge_by(verified, anchors.into(), now, |anchors, limits| {
        judge(anchors, &verified.chain, now, limits)
    })
}

/// As [`rejudge`], with the judgement left to `judge`.
pub(crate) fn rejudge_by(
    verified: &Verified,
    anchors: Anchors<'_>,
    now: Moment,
    judge: impl FnOnce(Anchors<'_>, &TrustLimits) -> Result<Verified, Distrust>,
) -> Result<Verified, Distrust> {
    if verified.stands(anchors, now, &verified.limits) {
        return Ok(verified.clone());
    }
    judge(anchors, &verified.limits).map_err(|distrust| {
        if anchors.has_anchor(&verified.anchor) || !is_open_end(distrust.reason) {
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
    proofs: Option<&Proofs>,
    trace: Option<&Trace>,
) -> Result<Verified, Distrust> {
    let [first, others @ ..] = presented else {
        return Err(distrust(
            Reason::NoCertificate,
            "The client sent no certificate.".to_owned(),
        ));
    };
    if planted(Flaw::AnyLeaf)
        && !others.is_empty()
        && let Ok(verified) = judge_with(algorithms, anchors, others, now, limits, proofs, trace)
    {
        return Ok(verified);
    }
    let leaf = Certificate::from_der(first);
    let bounded = if planted(Flaw::ChainLimits) {
        Ok(())
    } else {
        within_limits(presented, limits)
    };
    told(trace, Check::Sent, &bounded);
    bounded.map_err(|finding| Distrust {
        reason: finding.reason,
        detail: finding.detail,
        leaf: leaf.clone().ok(),
    })?;
    let leaf = leaf.map_err(|cause| {
        let detail = format!("The client certificate cannot be decoded: {cause}.");
        Finding::new(reason_of(&cause), detail)
    });
    told(trace, Check::Decoding, &leaf);
    let leaf = leaf.map_err(|finding| distrust(finding.reason, finding.detail))?;
    let formed = profile::check_client(&leaf);
    told(trace, Check::ClientForm, &formed);
    formed.map_err(|finding| Distrust {
        reason: finding.reason,
        detail: finding.detail,
        leaf: Some(leaf.clone()),
    })?;
    let (issuers, unreadable) = read(others);
    let meter = Meter::knowing(algorithms, *limits, proofs);
    let demands = Demands::new(anchors, &issuers, now, limits, &meter);
    let search = Search {
        anchors,
        leaf: &leaf,
        presented: &issuers,
        now,
        limits,
        meter: &meter,
        attempt: proofs.map_or(0, |proofs| proofs.attempts(&leaf.fingerprint())),
        trace,
    };
    let paths_left = Cell::new(PATHS_MAX);
    let comparisons_left = Cell::new(JUDGEMENT_COMPARISONS_MAX);
    let accept = |path: &Path| {
        let left = paths_left.get().checked_sub(1).ok_or_else(too_many_paths)?;
        paths_left.set(left);
        let exam = Exam::of(path, trace);
        rules::check(path, now, limits, &exam)?;
        let all = path.certificates().enumerate();
        exam.each(Check::Profile, all, profile::check_one)?;
        exam.ask(Check::NameConstraints, || {
            constraints::check(path, &comparisons_left)
        })?;
        exam.ask(Check::Policies, || policies::check(path))?;
        let ground = demands.check(path, &exam)?;
        exam.end().map(|()| ground)
    };
    let found = search.first_path(&accept);
    if let Some(proofs) = proofs {
        remember(proofs, &search, &found);
    }
    match found.outcome {
        Ok((path, ground)) => Ok(verified(&path, ground, anchors, presented, *limits)),
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

/// Tells what came of a check of what was sent.
fn told<T>(trace: Option<&Trace>, check: Check, outcome: &Result<T, Finding>) {
    if let Some(trace) = trace {
        trace.tell_sent(check, outcome.as_ref().map(|_| ()));
    }
}

/// Keeps what the search proved, of trusted clients only, so that strangers cannot have it forgotten; and whether it
/// has to go on next time.
fn remember(proofs: &Proofs, search: &Search<'_>, found: &Found) {
    let attempts = match &found.outcome {
        Ok((path, _)) => {
            let above = path.certificates().skip(1);
            for ((_, child), (_, issuer)) in path.certificates().zip(above) {
                proofs.learn(child.fingerprint(), issuer.facts().spki_sha256);
            }
            0
        }
        Err(_) if found.ran_out => search.attempt.wrapping_add(1),
        Err(_) => 0,
    };
    proofs.set_attempts(search.leaf.fingerprint(), attempts);
}

fn too_many_paths() -> Finding {
    let detail = format!(
        "There are more paths from the client certificate to trust anchors than the {PATHS_MAX} that are tried."
    );
    Finding::new(Reason::PathTooLong, detail)
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
    ground: Ground,
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
        intermediates: path
            .intermediates
            .iter()
            .map(|issuer| CertificateDer::from(issuer.certificate.der().to_vec()))
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
        revocation_ends: ground.until,
        basis: ground.basis,
        limits,
    }
}

#[cfg(test)]
mod tests;
