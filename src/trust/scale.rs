//! Clients weighed by two trust sets: what becomes of each when one takes the place of the other.

use std::collections::HashMap;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;

use crate::clock::Moment;
use crate::pki::fingerprint::Fingerprint;
use crate::trust::anchors::Anchors;
use crate::trust::judge::{self, Distrust, Verified};
use crate::trust::limits::TrustLimits;
use crate::trust::proofs::Proofs;
use crate::trust::reason::Reason;
use crate::trust::set::TrustSet;

/// The most certificates whose signatures are remembered on one scale.
const PROOFS_MAX: usize = 100_000;

/// What is there afterwards.
#[derive(Clone, Copy)]
pub enum After<'a> {
    /// Whom this set trusts; without one, nobody.
    Trusts(Option<&'a TrustSet>),
    /// The realm is suspended or gone.
    Closed,
}

/// Who vouches for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// SHA-256 of the anchor.
    pub anchor: Fingerprint,
    /// Its subject.
    pub anchor_subject: String,
    /// The account that brought it.
    pub account: Arc<str>,
}

/// What becomes of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays trusted, by the same anchor and account.
    Kept,
    /// It stays trusted, by another anchor or account.
    Moved {
        /// Who vouches for it before.
        from: Voucher,
        /// Who does afterwards.
        to: Voucher,
    },
    /// It is trusted before, and not afterwards.
    Cut {
        /// Who vouches for it before.
        by: Voucher,
        /// Why it is not trusted afterwards.
        reason: Reason,
        /// The same in a sentence.
        sentence: String,
    },
    /// It is not trusted before either.
    Refused,
}

/// What clients are weighed by, at one moment. Signatures are checked once, whoever showed the certificate.
pub struct Scale<'a> {
    before: Option<&'a TrustSet>,
    after: After<'a>,
    now: Moment,
    limits: TrustLimits,
    proofs: Proofs,
    /// By the SHA-256 of the chain.
    known: HashMap<Fingerprint, Fate>,
}

impl<'a> Scale<'a> {
    /// A scale for what is there before and afterwards.
    pub fn new(
        before: Option<&'a TrustSet>,
        after: After<'a>,
        now: Moment,
        limits: TrustLimits,
    ) -> Self {
        Self {
            before,
            after,
            now,
            limits,
            proofs: Proofs::new(PROOFS_MAX),
            known: HashMap::new(),
        }
    }

    /// What becomes of the client that presents this chain.
    pub fn fate(&mut self, chain: &[CertificateDer<'_>]) -> Fate {
        let each = chain
            .iter()
            .flat_map(|der| *Fingerprint::of(der).as_bytes());
        let key = Fingerprint::of(&each.collect::<Vec<u8>>());
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let fate = self.weigh(chain);
        self.known.insert(key, fate.clone());
        fate
    }

    fn weigh(&self, chain: &[CertificateDer<'_>]) -> Fate {
        let judged = |anchors: Anchors<'_>, limits: &TrustLimits| {
            judge::judge_knowing(anchors, chain, self.now, limits, &self.proofs)
        };
        let before = self
            .before
            .and_then(|before| judged(before.into(), &self.limits).ok());
        let Some(before) = before else {
            return Fate::Refused;
        };
        let from = Voucher::of(&before);
        let cut = |by, reason, sentence| Fate::Cut {
            by,
            reason,
            sentence,
        };
        let after = match self.after {
            After::Trusts(Some(after)) => after,
            After::Trusts(None) => {
                let sentence = "No trust anchor is installed any more.".to_owned();
                return cut(from, Reason::AnchorRemoved, sentence);
            }
            After::Closed => {
                let sentence = "The realm does not serve any more.".to_owned();
                return cut(from, Reason::RealmClosed, sentence);
            }
        };
        match judge::rejudge_by(&before, after.into(), self.now, judged) {
            Err(Distrust { reason, detail, .. }) => cut(from, reason, detail),
            Ok(after) => {
                let to = Voucher::of(&after);
                if to == from {
                    Fate::Kept
                } else {
                    Fate::Moved { from, to }
                }
            }
        }
    }
}

impl Voucher {
    fn of(verified: &Verified) -> Self {
        Self {
            anchor: verified.anchor,
            anchor_subject: verified.identity.anchor_subject.clone(),
            account: Arc::clone(&verified.identity.account),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::workshop::*;

    fn fate(before: Option<&TrustSet>, after: After<'_>, chain: &[CertificateDer<'_>]) -> Fate {
        let mut scale = Scale::new(before, after, now(), TrustLimits::default());
        let fate = scale.fate(chain);
        assert_eq!(scale.fate(chain), fate, "the second time it is remembered");
        fate
    }

    #[test]
    fn each_client_has_the_fate_that_its_anchors_have() {
        let (root, other) = (Made::root(ca("Root")), Made::root(ca("Other")));
        let below = root.issue(ca("Below"));
        let leaf = below.issue(client("client"));
        let shown = chain(&[&leaf, &below]);
        let by = |made: &Made| Voucher {
            anchor: made.certificate.fingerprint(),
            anchor_subject: made.certificate.facts().subject.clone(),
            account: "dgb-mtls-test".into(),
        };
        let (of_root, of_below, of_other) = (set(&[&root]), set(&[&below]), set(&[&other]));
        let both = set(&[&root, &other]);
        let trusts = |set| After::Trusts(Some(set));
        assert_eq!(fate(Some(&of_root), trusts(&of_root), &shown), Fate::Kept);
        assert_eq!(fate(Some(&of_root), trusts(&both), &shown), Fate::Kept);
        let moved = Fate::Moved {
            from: by(&root),
            to: by(&below),
        };
        assert_eq!(fate(Some(&of_root), trusts(&of_below), &shown), moved);
        for before in [None, Some(&of_other)] {
            assert_eq!(fate(before, trusts(&of_root), &shown), Fate::Refused);
        }
        for (after, expect) in [
            (trusts(&of_other), Reason::AnchorRemoved),
            (After::Trusts(None), Reason::AnchorRemoved),
            (After::Closed, Reason::RealmClosed),
        ] {
            let Fate::Cut {
                by: who, reason, ..
            } = fate(Some(&both), after, &shown)
            else {
                panic!("{expect}");
            };
            assert_eq!((who, reason), (by(&root), expect));
        }
    }
}
