//! A verdict with its steps, and when it will be another one, if nothing but time changes.
//!
//! That is not computed but tried: the chain is judged again at the moments at which something begins or ends.

use std::collections::BTreeSet;
use std::time::Duration;

use rustls_pki_types::CertificateDer;

use crate::clock::Moment;
use crate::pki::certificate::Certificate;
use crate::trust::crl_scope;
use crate::trust::index::Name;
use crate::trust::judge::{self, Distrust, Verified};
use crate::trust::limits::TrustLimits;
use crate::trust::policy::OutOfDate;
use crate::trust::set::TrustSet;
use crate::trust::shared::SharedTrust;
use crate::trust::trace::Trace;

/// The most judgements that are made for one answer.
const JUDGEMENTS_MAX: usize = 12;
/// The most editions of one revocation list that are looked at.
const EDITIONS_MAX: usize = 16;

/// What one judgement came to, and what will come of it.
#[derive(Debug)]
pub struct Sounding {
    /// The verdict.
    pub verdict: Result<Verified, Distrust>,
    /// Its steps.
    pub trace: Trace,
    /// The next verdict that is another one; `None` where no such moment is known.
    pub turn: Option<Turn>,
}

/// Judges a chain, each certificate as DER, the client's first, at the moment `now`.
pub fn sound(set: &TrustSet, chain: &[Vec<u8>], now: Moment, limits: &TrustLimits) -> Sounding {
    let presented = presented(chain);
    let (verdict, trace) = judge::judge_telling(set, &presented, now, limits);
    let turn = next_turn(set, &presented, now, limits, (&verdict, &trace));
    Sounding {
        verdict,
        trace,
        turn,
    }
}

/// Whether a shared host lets a chain in at the moment `now`.
///
/// # Errors
/// As [`judge::judge`]. What it says may be of another owner's anchors.
pub fn at_shared_host(
    shared: &SharedTrust,
    chain: &[Vec<u8>],
    now: Moment,
    limits: &TrustLimits,
) -> Result<Verified, Distrust> {
    judge::judge(shared, &presented(chain), now, limits)
}

fn presented(chain: &[Vec<u8>]) -> Vec<CertificateDer<'_>> {
    chain
        .iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect()
}

/// The next verdict.
#[derive(Clone, Debug)]
pub struct Turn {
    /// From when on it holds.
    pub at: Moment,
    /// What it is.
    pub verdict: Result<Verified, Distrust>,
}

/// When the verdict on a chain, given at `now` with its trace, becomes another: trust ends, begins, or is refused for
/// another reason. `None` where no such moment is known.
fn next_turn(
    set: &TrustSet,
    presented: &[CertificateDer<'_>],
    now: Moment,
    limits: &TrustLimits,
    (verdict, trace): (&Result<Verified, Distrust>, &Trace),
) -> Option<Turn> {
    let judge = |at| judge::judge(set, presented, at, limits);
    let distrust = match verdict {
        Ok(verified) => return end_of(verified, judge),
        Err(distrust) => distrust,
    };
    moments(set, presented, now, trace)
        .into_iter()
        .filter(|moment| now < *moment)
        .take(JUDGEMENTS_MAX)
        .map(|at| Turn {
            at,
            verdict: judge(at),
        })
        .find(|turn| {
            turn.verdict
                .as_ref()
                .map_or_else(|other| other.reason != distrust.reason, |_| true)
        })
}

/// The first moment at which a trusted chain is not trusted any more. Another path, or another list, may go on from where
/// one ends.
fn end_of(
    verified: &Verified,
    judge: impl Fn(Moment) -> Result<Verified, Distrust>,
) -> Option<Turn> {
    let mut at = verified.ends();
    for _ in 0..JUDGEMENTS_MAX {
        if at >= Moment::MAX {
            return None;
        }
        match judge(at) {
            Ok(later) if later.ends() > at => at = later.ends(),
            verdict => return Some(Turn { at, verdict }),
        }
    }
    None
}

/// The moments at which something of what was looked at begins, or has ended.
fn moments(
    set: &TrustSet,
    presented: &[CertificateDer<'_>],
    now: Moment,
    trace: &Trace,
) -> BTreeSet<Moment> {
    let (links, paths) = (trace.links(), trace.paths());
    let sent = presented
        .iter()
        .take(JUDGEMENTS_MAX)
        .filter_map(|der| Certificate::from_der(der).ok());
    let tried = links.iter().map(|link| link.issuer.clone());
    let proven = paths.iter().flat_map(|traced| traced.path.certificates());
    let certificates: Vec<Certificate> = sent
        .chain(tried)
        .chain(proven.map(|(_, certificate)| certificate.clone()))
        .collect();
    let mut moments = BTreeSet::new();
    let over = |last: Moment| last.plus(Duration::from_secs(1));
    for certificate in &certificates {
        let facts = certificate.facts();
        moments.extend([facts.not_before, over(facts.not_after)]);
    }
    let hours = match set.policy().revocation.out_of_date {
        OutOfDate::AllowHours(hours) => u64::from(hours).saturating_mul(3600),
        OutOfDate::Refuse | OutOfDate::Allow => 0,
    };
    let denials = paths.iter();
    moments.extend(denials.filter_map(|traced| set.denials().end(&traced.path, now)));
    for (_, certificate) in paths.iter().flat_map(|traced| traced.path.certificates()) {
        for place in crl_scope::places(certificate) {
            let lines = set.crls().of_issuer(&Name::of(&place.crl_issuer));
            let editions = lines.iter().flat_map(|line| {
                let complete = line.complete.iter().take(EDITIONS_MAX);
                complete.chain(line.deltas.iter().take(EDITIONS_MAX))
            });
            for list in editions {
                moments.insert(list.facts().this_update);
                if let Some(next) = list.facts().next_update {
                    moments.extend([over(next), next.plus(Duration::from_secs(hours))]);
                }
            }
        }
    }
    moments
}
