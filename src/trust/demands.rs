//! What a realm demands of its clients beyond a valid path: the deny list, signatures, revocation, pins.
//!
//! On a shared host the realm that will be called is not known yet, so a client is let in where any owner of its anchor
//! would have it; each request is then held to its realm's own set. At most [`RULEBOOKS_MAX`] different policies are
//! asked in one handshake. Where there are more, or where the checks that they ask for are used up, the client is let in
//! by the path alone: otherwise realms could make each other's clients refused by all trusting one CA. So a revoked
//! client is turned away in the handshake in the ordinary case, and at its first request in every case.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::clock::Moment;
use crate::pki::certificate::{Certificate, KeyAlgorithm};
use crate::pki::fingerprint::Fingerprint;
use crate::trust::anchors::Anchors;
use crate::trust::constraints::{self, JUDGEMENT_COMPARISONS_MAX};
use crate::trust::finding::{Finding, Role, called};
use crate::trust::index::{Key, Name};
use crate::trust::issuer::Issuer;
use crate::trust::limits::TrustLimits;
use crate::trust::policies;
use crate::trust::policy::{Pin, RevocationScope, Signatures};
use crate::trust::profile;
use crate::trust::reason::Reason;
use crate::trust::revocation::{self, Around, KnownSigners, LIST_CHECKS_MAX};
use crate::trust::rules;
use crate::trust::search::{Path, Search};
use crate::trust::set::TrustSet;
use crate::trust::signature::Meter;
use crate::trust::trace::{Check, Exam, Trace};

/// The most policies that are asked in one judgement by a shared host.
pub const RULEBOOKS_MAX: usize = 32;
/// The most certificates of one name that a realm may have as signers of its lists.
const SIGNERS_MAX: usize = 64;
/// The shortest RSA key under [`Signatures::Strict`], in bits.
const STRICT_RSA_BITS_MIN: u32 = 3072;

/// Why an accepted path is accepted, beyond being valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ground {
    /// Up to when the revocation lists answer as they did; this moment no longer belongs to it.
    pub until: Moment,
    /// Whose demands were met.
    pub basis: Basis,
}

/// Whose demands were met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Those of the realm whose set has this id.
    Set(Fingerprint),
    /// Those of an owner of the anchor, told by what it demands.
    Owner(Fingerprint),
    /// Nobody's: not all owners could be asked.
    Nobody,
}

/// Asks the owners of paths.
#[derive(Debug)]
pub struct Demands<'a> {
    anchors: Anchors<'a>,
    presented: &'a [Arc<Issuer>],
    now: Moment,
    limits: &'a TrustLimits,
    meter: &'a Meter<'a>,
    asked: Cell<usize>,
    list_checks_left: Cell<u32>,
    /// For the paths of those who sign lists.
    comparisons_left: Cell<u32>,
    /// When the first of those who sign lists, and are denied now, is denied no more.
    denied_signers_end: Cell<Moment>,
}

impl<'a> Demands<'a> {
    /// Nobody is asked yet.
    pub const fn new(
        anchors: Anchors<'a>,
        presented: &'a [Arc<Issuer>],
        now: Moment,
        limits: &'a TrustLimits,
        meter: &'a Meter<'a>,
    ) -> Self {
        Self {
            anchors,
            presented,
            now,
            limits,
            meter,
            asked: Cell::new(0),
            list_checks_left: Cell::new(LIST_CHECKS_MAX),
            comparisons_left: Cell::new(JUDGEMENT_COMPARISONS_MAX),
            denied_signers_end: Cell::new(Moment::MAX),
        }
    }

    /// Holds a valid path to the demands of the realm, or of any realm that trusts its anchor; only one realm's are told.
    ///
    /// # Errors
    /// What the realm, or the first of them, has against it.
    pub fn check(&self, path: &Path, exam: &Exam<'_>) -> Result<Ground, Finding> {
        let shared = match self.anchors {
            Anchors::Set(set) => {
                return Ok(Ground {
                    until: self.of(set, path, exam)?,
                    basis: Basis::Set(set.id()),
                });
            }
            Anchors::Shared(shared) => shared,
        };
        let nobody = Ground {
            until: Moment::MAX,
            basis: Basis::Nobody,
        };
        let key = Key::anchor(&path.anchor.certificate.fingerprint());
        let mut objection = None;
        for rulebook in shared.groups(key) {
            if self.asked.get() >= RULEBOOKS_MAX {
                return Ok(nobody);
            }
            let Some(set) = shared.first_owner(key, rulebook.id) else {
                continue;
            };
            self.asked.set(self.asked.get().saturating_add(1));
            match self.of(set, path, &Exam::unwatched()) {
                Ok(until) => {
                    return Ok(Ground {
                        until,
                        basis: Basis::Owner(rulebook.id),
                    });
                }
                // It could not be asked in full.
                Err(finding)
                    if finding.reason == Reason::RevocationUnknown && self.is_exhausted() =>
                {
                    return Ok(nobody);
                }
                Err(finding) => {
                    objection.get_or_insert(finding);
                }
            }
        }
        objection.map_or(Ok(nobody), Err)
    }

    fn of(&self, set: &TrustSet, path: &Path, exam: &Exam<'_>) -> Result<Moment, Finding> {
        let policy = set.policy();
        if set.denials().is_empty() {
            exam.pass_over(Check::Denials);
        } else {
            exam.ask(Check::Denials, || set.denials().check(path, self.now))?;
        }
        match policy.signatures {
            Signatures::Modern => exam.pass_over(Check::Signatures),
            Signatures::Strict => exam.ask(Check::Signatures, || strict_signatures(path))?,
        }
        let mut until = Moment::MAX;
        if policy
            .of_anchor(&path.anchor.certificate.fingerprint())
            .scope
            == RevocationScope::Off
        {
            exam.pass_over(Check::Revocation);
        } else {
            exam.ask(Check::Revocation, || {
                until = self.revocation(set, path, exam.trace())?;
                Ok(())
            })?;
        }
        if policy.pins.is_empty() {
            exam.pass_over(Check::Pins);
        } else {
            exam.ask(Check::Pins, || pins(&policy.pins, &path.leaf))?;
        }
        Ok(until.min(self.denied_signers_end.get()))
    }

    fn is_exhausted(&self) -> bool {
        self.meter.is_exhausted() || self.list_checks_left.get() == 0
    }

    fn revocation(
        &self,
        set: &TrustSet,
        path: &Path,
        trace: Option<&Trace>,
    ) -> Result<Moment, Finding> {
        let anchor = path.anchor.certificate.fingerprint();
        let demanded = set.policy().of_anchor(&anchor);
        let signers = |name: &Name| self.signers(set, name);
        let has_path = |signer: &Certificate, accept: &dyn Fn(&Path) -> bool| {
            self.has_path(set, signer, accept)
        };
        let around = Around {
            now: self.now,
            limits: self.limits,
            checks_left: &self.list_checks_left,
            signers: &signers,
            has_path: &has_path,
            trace,
        };
        revocation::check(path, set.crls(), demanded, &around)
    }

    /// The certificates of a name that the realm has, and those that the client sent.
    fn signers(&self, set: &TrustSet, name: &Name) -> KnownSigners {
        let filed = [Key::helpers(name), Key::anchors(name)];
        let filed = filed.iter().filter_map(|key| set.slot(key));
        let issuers = filed.flat_map(|slot| &slot.issuers);
        let mut stored: Vec<Certificate> = set
            .crl_signers(name)
            .iter()
            .chain(issuers.map(|issuer| &issuer.certificate))
            .take(SIGNERS_MAX.saturating_add(1))
            .cloned()
            .collect();
        let is_cut = stored.len() > SIGNERS_MAX;
        stored.truncate(SIGNERS_MAX);
        let presented = self.presented.iter();
        KnownSigners {
            stored,
            presented: presented
                .filter(|issuer| issuer.subject == *name)
                .map(|issuer| issuer.certificate.clone())
                .collect(),
            is_cut,
        }
    }

    fn has_path(
        &self,
        set: &TrustSet,
        signer: &Certificate,
        accept: &dyn Fn(&Path) -> bool,
    ) -> Option<bool> {
        let search = Search {
            anchors: Anchors::Set(set),
            leaf: signer,
            presented: self.presented,
            now: self.now,
            limits: self.limits,
            meter: self.meter,
            attempt: 0,
            trace: None,
        };
        let accept = |path: &Path| {
            rules::check_signer(path, self.now, self.limits)?;
            profile::check(path)?;
            constraints::check(path, &self.comparisons_left)?;
            policies::check(path)?;
            if let Some(end) = set.denials().end(path, self.now) {
                // Its lists count from then on, and may say otherwise.
                let ends = self.denied_signers_end.get();
                self.denied_signers_end.set(ends.min(end));
                let detail = "The path of a signer of lists is denied.".to_owned();
                return Err(Finding::new(Reason::RevocationUnknown, detail));
            }
            if accept(path) {
                Ok(Ground {
                    until: Moment::MAX,
                    basis: Basis::Nobody,
                })
            } else {
                let detail = "The path of a signer of lists does not serve.".to_owned();
                Err(Finding::new(Reason::RevocationUnknown, detail))
            }
        };
        let found = search.first_path(&accept);
        (found.outcome.is_ok() || !found.ran_out).then_some(found.outcome.is_ok())
    }
}

fn strict_signatures(path: &Path) -> Result<(), Finding> {
    for (role, certificate) in path.certificates() {
        let facts = certificate.facts();
        // Nothing rests on the anchor's own signature.
        if role != Role::Anchor && facts.signature_algorithm.ends_with("WithRSAEncryption") {
            let detail = format!(
                "The {} is signed with {}, which this realm does not accept.",
                called(role, certificate),
                facts.signature_algorithm
            );
            return Err(Finding::new(Reason::WeakSignature, detail));
        }
        if matches!(facts.key.algorithm, KeyAlgorithm::Rsa { bits } if bits < STRICT_RSA_BITS_MIN) {
            let detail = format!(
                "The {} has a key ({}) under the {STRICT_RSA_BITS_MIN} bits that this realm accepts.",
                called(role, certificate),
                facts.key
            );
            return Err(Finding::new(Reason::WeakKey, detail));
        }
    }
    Ok(())
}

fn pins(pins: &BTreeSet<Pin>, leaf: &Certificate) -> Result<(), Finding> {
    let (certificate, key) = (leaf.fingerprint(), leaf.facts().spki_sha256);
    let is_pinned = [Pin::Certificate(certificate), Pin::Key(key)]
        .iter()
        .any(|pin| pins.contains(pin));
    if is_pinned {
        return Ok(());
    }
    let detail = format!(
        "The {} is none of those pinned: the SHA-256 of the certificate is {certificate}, that of its key {key}.",
        called(Role::Client, leaf)
    );
    Err(Finding::new(Reason::NotPinned, detail))
}
