//! Verdicts that need not be found again: the same chain, shown again within a while, costs no signature checks.
//!
//! Only acceptances are kept. What is kept is never looser than a judgement made now: it is bound to the very trust set
//! that made it (on a shared host to an owner of its anchor who asks the very same), and each use holds both ends of the
//! validity, the moment up to which the revocation lists answer, and its own age against the present moment. Proof of
//! possession is no part of a verdict: TLS demands it in every handshake.

use rustls_pki_types::CertificateDer;

use crate::clock::Moment;
use crate::pki::fingerprint::Fingerprint;
use crate::trust::anchors::Anchors;
use crate::trust::cache::Cache;
use crate::trust::judge::{self, Distrust, Verified};
use crate::trust::limits::TrustLimits;
use crate::trust::proofs::Proofs;

/// Longer chains are judged anew each time, so that the memory stays bounded: so many bytes for each entry.
const CHAIN_BYTES_MAX: usize = 16 * 1024;

/// Judges, and remembers whom it accepted. One per process.
#[derive(Debug)]
pub struct Verdicts {
    kept: Cache<Kept>,
    proofs: Proofs,
    life_ms: u64,
}

#[derive(Clone, Debug)]
struct Kept {
    verified: Verified,
    since: Moment,
}

impl Verdicts {
    /// Keeps about `entries_max` verdicts, each for `life_ms` milliseconds at most. 0 entries: remembers nothing.
    pub fn new(entries_max: usize, life_ms: u64) -> Self {
        Self {
            kept: Cache::new(entries_max),
            proofs: Proofs::new(entries_max.saturating_mul(4)),
            life_ms,
        }
    }

    /// As [`judge::judge`], without signature checks where the same chain was accepted a while ago.
    ///
    /// # Errors
    /// As [`judge::judge`].
    pub fn judge<'a>(
        &self,
        anchors: impl Into<Anchors<'a>>,
        presented: &[CertificateDer<'_>],
        now: Moment,
        limits: &TrustLimits,
    ) -> Result<Verified, Distrust> {
        let anchors = anchors.into();
        let Some(key) = key(anchors, presented) else {
            return judge::judge_knowing(anchors, presented, now, limits, &self.proofs);
        };
        if let Some(kept) = self.kept.get(&key)
            && self.is_fresh(kept.since, now)
            && kept.verified.stands(anchors, now, limits)
        {
            return Ok(kept.verified);
        }
        let judged = judge::judge_knowing(anchors, presented, now, limits, &self.proofs);
        if let Ok(verified) = &judged {
            let kept = Kept {
                verified: verified.clone(),
                since: now,
            };
            self.kept.put(key, kept);
        }
        judged
    }

    /// As [`judge::rejudge`], without signature checks where they were made a while ago.
    ///
    /// # Errors
    /// As [`judge::rejudge`].
    pub fn rejudge<'a>(
        &self,
        verified: &Verified,
        anchors: impl Into<Anchors<'a>>,
        now: Moment,
    ) -> Result<Verified, Distrust> {
        judge::rejudge_by(verified, anchors.into(), now, |anchors, limits| {
            self.judge(anchors, &verified.chain, now, limits)
        })
    }

    /// As [`Verdicts::rejudge`], where only yes or no is asked.
    ///
    /// # Errors
    /// As [`judge::rejudge`].
    pub fn recheck<'a>(
        &self,
        verified: &Verified,
        anchors: impl Into<Anchors<'a>>,
        now: Moment,
    ) -> Result<(), Distrust> {
        self.rejudge(verified, anchors, now).map(|_| ())
    }

    fn is_fresh(&self, since: Moment, now: Moment) -> bool {
        // A clock that was set back makes nothing younger.
        let age = now.unix_millis().checked_sub(since.unix_millis());
        age.and_then(|age| u64::try_from(age).ok())
            .is_some_and(|age| age < self.life_ms)
    }
}

/// What a chain is remembered by; `None` where it is not to be.
fn key(anchors: Anchors<'_>, presented: &[CertificateDer<'_>]) -> Option<Fingerprint> {
    let bytes: usize = presented.iter().map(|certificate| certificate.len()).sum();
    if bytes > CHAIN_BYTES_MAX {
        return None;
    }
    let mut text = Vec::with_capacity(bytes.saturating_add(128));
    match anchors {
        Anchors::Set(set) => {
            text.push(0);
            text.extend_from_slice(set.id().as_bytes());
        }
        // Which state of a shared host it was is asked of the verdict itself.
        Anchors::Shared(_) => text.push(1),
    }
    for certificate in presented {
        let length = u64::try_from(certificate.len()).unwrap_or(u64::MAX);
        text.extend_from_slice(&length.to_be_bytes());
        text.extend_from_slice(certificate);
    }
    Some(Fingerprint::of(&text))
}
