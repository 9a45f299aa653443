//! Whether certificates of a proven path were revoked (RFC 5280, 6.3).
//!
//! The lists of a certificate are those of its distribution points and of its issuer. Of the editions of one list that one
//! key signed, only the newest counts. A list counts only where it is signed by a certificate of its issuer's name that may
//! sign lists and has a path to the same trust anchor. Stricter than RFC 5280 asks: all lists that speak of a certificate
//! are looked at, and one that says it is revoked decides, whatever others say; where the newest edition of a list has
//! something critical in it that is not understood, no older one stands in for it; and a list of changes that revokes the
//! certificate counts although there is no list that it could be combined with.
//!
//! Where any of the limits below is reached, the answer is that nothing is known: what could not be looked at might have
//! said that the certificate was revoked.

use std::cell::Cell;
use std::time::Duration;

use crate::clock::Moment;
use crate::flaw::{Flaw, planted};
use crate::pki::certificate::Certificate;
use crate::pki::crl::{CrlFacts, RevokedCertificate};
use crate::pki::distribution::Reasons;
use crate::pki::fingerprint::Fingerprint;
use crate::trust::crl_scope;
use crate::trust::crls::{Crls, Filed, Line, REMOVE_FROM_CRL, compare_numbers};
use crate::trust::finding::{Finding, Role};
use crate::trust::index::Name;
use crate::trust::limits::TrustLimits;
use crate::trust::miss::{Miss, revoked, unknown};
use crate::trust::policy::{OutOfDate, Revocation, RevocationScope};
use crate::trust::reason::Reason;
use crate::trust::search::Path;
use crate::trust::signature::is_key_accepted;
use crate::trust::trace::Trace;

/// How many signatures on lists one judgement may check; those known from earlier ones cost nothing.
pub const LIST_CHECKS_MAX: u32 = 32;
/// How many certificates one judgement may look up, those that sign lists included.
const LOOKUPS_MAX: u32 = 64;
/// How many signers of lists may hang on each other's lists.
const SIGNERS_DEEP_MAX: usize = 4;
/// How many certificates of one name that the client sent are tried as signers, behind all others.
const PRESENTED_SIGNERS_MAX: usize = 8;
/// How many editions of one list are looked at.
const EDITIONS_MAX: usize = 64;

/// Whether a certificate has a path that the given test accepts, its signatures proven and held to
/// [`crate::trust::rules::check_signer`] and to what else every path is held to. `None` where none was found before what
/// it may cost was used up.
pub type HasPath<'a> = &'a dyn Fn(&Certificate, &dyn Fn(&Path) -> bool) -> Option<bool>;

/// Certificates of a name that may have signed lists, besides those on the path.
#[derive(Clone, Debug, Default)]
pub struct KnownSigners {
    /// Those that the realm has: helpers and anchors.
    pub stored: Vec<Certificate>,
    /// Those that the client sent: it must not be able to crowd out the others.
    pub presented: Vec<Certificate>,
    /// Whether the realm has more than are stored here.
    pub is_cut: bool,
}

/// What is needed besides the path and the lists.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The moment in question.
    pub now: Moment,
    /// Which keys are accepted.
    pub limits: &'a TrustLimits,
    /// How many signatures on lists may still be checked, at first [`LIST_CHECKS_MAX`].
    pub checks_left: &'a Cell<u32>,
    /// The certificates of a name that may have signed lists.
    pub signers: &'a dyn Fn(&Name) -> KnownSigners,
    /// Finds a path for a certificate that may have signed lists.
    pub has_path: HasPath<'a>,
    /// Who is told which list answered.
    pub trace: Option<&'a Trace>,
}

/// Looks up the certificates of a proven path, as far as the policy demands it. The anchor is never looked up.
///
/// Gives the moment up to which the answer holds, which no longer belongs to it; [`Moment::MAX`] where nothing was
/// looked up.
///
/// # Errors
/// `revoked`; `crl-out-of-date` where only the date of a list is in the way; `revocation-unknown`.
pub fn check(
    path: &Path,
    crls: &Crls,
    revocation: &Revocation,
    around: &Around<'_>,
) -> Result<Moment, Finding> {
    let inquiry = Inquiry {
        crls,
        revocation,
        around,
        lookups_left: Cell::new(LOOKUPS_MAX),
        ran_out: Cell::new(false),
    };
    match revocation.scope {
        _ if planted(Flaw::Lists) => Ok(Moment::MAX),
        RevocationScope::Off => Ok(Moment::MAX),
        RevocationScope::Leaf => inquiry.certificate(path, 0, &[]),
        RevocationScope::Chain => inquiry.path(path, &[]),
    }
}

struct Inquiry<'a> {
    crls: &'a Crls,
    revocation: &'a Revocation,
    around: &'a Around<'a>,
    lookups_left: Cell<u32>,
    /// Whether something was not looked at because a limit was reached.
    ran_out: Cell<bool>,
}

/// A certificate that is looked up.
struct Subject<'a> {
    path: &'a Path,
    /// Its place on the path, the client's being 0.
    place: usize,
    role: Role,
    certificate: &'a Certificate,
    issuer: Name,
    /// The signers of lists for whose sake it is looked up, the innermost last.
    pending: &'a [Fingerprint],
}

impl Inquiry<'_> {
    /// Looks up all certificates of a path; that one was revoked is told before all else.
    fn path(&self, path: &Path, pending: &[Fingerprint]) -> Result<Moment, Finding> {
        let mut until = Moment::MAX;
        let mut unknown = None;
        for place in 0..=path.intermediates.len() {
            match self.certificate(path, place, pending) {
                Ok(end) => until = until.min(end),
                Err(finding) if finding.reason == Reason::Revoked => return Err(finding),
                Err(finding) => {
                    unknown.get_or_insert(finding);
                }
            }
        }
        unknown.map_or(Ok(until), Err)
    }

    fn certificate(
        &self,
        path: &Path,
        place: usize,
        pending: &[Fingerprint],
    ) -> Result<Moment, Finding> {
        let Some((role, certificate)) = path.certificates().nth(place) else {
            return Ok(Moment::MAX);
        };
        let subject = Subject {
            path,
            place,
            role,
            certificate,
            issuer: Name::of(&certificate.facts().raw_issuer),
            pending,
        };
        let cut_short = || unknown(role, certificate, &Miss::NoChecksLeft, self.around.now);
        let Some(left) = self.lookups_left.get().checked_sub(1) else {
            self.ran_out.set(true);
            return Err(cut_short());
        };
        self.lookups_left.set(left);
        let mut miss = Miss::NoList;
        let mut covered = Reasons::NONE;
        let mut until = Moment::MAX;
        for (line, reasons) in self.lines(certificate, &mut miss) {
            let answer = self.ask(line, &subject, &mut miss)?;
            until = until.min(answer.until);
            if answer.is_known {
                covered = covered.or(reasons);
            }
        }
        if self.ran_out.get() {
            return Err(cut_short());
        }
        if covered.contains(Reasons::ALL) {
            return Ok(until);
        }
        if !covered.is_empty() {
            miss.or(Miss::ReasonsLeft);
        }
        Err(unknown(role, certificate, &miss, self.around.now))
    }

    /// The lists that speak of a certificate, and for which reasons.
    fn lines(&self, certificate: &Certificate, miss: &mut Miss) -> Vec<(&Line, Reasons)> {
        let mut found: Vec<(&Line, Reasons)> = Vec::new();
        for place in crl_scope::places(certificate) {
            for line in self.crls.of_issuer(&Name::of(&place.crl_issuer)) {
                let reasons = line.scope.reasons(&place, certificate);
                if reasons.is_empty() {
                    if let Some(list) = line.complete.first() {
                        miss.or(Miss::OtherPart(list.list().clone()));
                    }
                    continue;
                }
                match found
                    .iter_mut()
                    .find(|(known, _)| std::ptr::eq(*known, line))
                {
                    Some((_, known)) => *known = known.or(reasons),
                    None => found.push((line, reasons)),
                }
            }
        }
        found
    }

    /// Asks the newest edition of a list of each key that signed any.
    fn ask(&self, line: &Line, subject: &Subject<'_>, miss: &mut Miss) -> Result<Answer, Finding> {
        let now = self.around.now;
        let mut answer = Answer {
            until: Moment::MAX,
            is_known: false,
        };
        let mut signers: Option<Vec<Signer>> = None;
        let mut newest: Vec<(Fingerprint, &Filed)> = Vec::new();
        for list in line.complete.iter().take(EDITIONS_MAX) {
            let facts = list.facts();
            if facts.this_update > now {
                // It changes the answer when it comes into force.
                answer.until = answer.until.min(facts.this_update);
                miss.or(Miss::Ahead(list.list().clone()));
                continue;
            }
            let signers = signers.get_or_insert_with(|| self.signers(facts, subject));
            let superseded = |key: &Fingerprint| {
                newest
                    .iter()
                    .any(|(known, newer)| known == key && !same_edition(newer.facts(), facts))
            };
            if signers.iter().all(|signer| superseded(&signer.key())) {
                if newest.is_empty() {
                    miss.or(Miss::NotSigned(list.list().clone()));
                }
                continue;
            }
            let Some(signer) = self.signer(list, signers, superseded, subject) else {
                miss.or(Miss::NotSigned(list.list().clone()));
                continue;
            };
            newest.push((signer.0.facts().spki_sha256, list));
            if !facts.unknown_critical.is_empty() {
                miss.or(Miss::NotUnderstood(list.list().clone()));
                continue;
            }
            let delta = self.delta(line, list, &signer.0);
            if let Some(delta) = delta
                && !delta.facts().unknown_critical.is_empty()
            {
                if let Some((entry, list)) = entry(subject, list, None, false) {
                    let facts = list.facts();
                    return Err(revoked(subject.role, subject.certificate, &entry, facts));
                }
                miss.or(Miss::NotUnderstood(delta.list().clone()));
                continue;
            }
            let delta_end = delta.map(|delta| self.end(delta.facts()));
            let end = delta_end.map_or(self.end(facts), |end| end.max(self.end(facts)));
            if end <= now {
                miss.or(Miss::OutOfDate(list.list().clone()));
                continue;
            }
            let may_release = delta_end.is_some_and(|end| now < end);
            let found = entry(subject, list, delta, may_release)
                .or_else(|| self.left_over(line, (list, delta), &signer.0, subject));
            if let Some((entry, list)) = found {
                let facts = list.facts();
                return Err(revoked(subject.role, subject.certificate, &entry, facts));
            }
            answer.is_known = true;
            if let Some(trace) = self.around.trace {
                trace.tell_answer(subject.certificate, list.list());
            }
            answer.until = answer.until.min(end).min(signer.1);
            // What only a release (removeFromCRL) keeps from being revoked is revoked again when its list is out of date.
            if let Some(delta_end) = delta_end.filter(|_| may_release)
                && entry(subject, list, delta, false).is_some()
            {
                answer.until = answer.until.min(delta_end);
            }
            // A list of changes that lies ahead changes the answer when it comes into force.
            let ahead = line.deltas.iter().map(|delta| delta.facts().this_update);
            answer.until = ahead
                .filter(|start| *start > now)
                .fold(answer.until, Moment::min);
        }
        // Of a key that signed none of those that were looked at, the newest may be among the others.
        let is_settled = |signer: &Signer| newest.iter().any(|(known, _)| *known == signer.key());
        if line.complete.len() > EDITIONS_MAX && !signers.iter().flatten().all(is_settled) {
            self.ran_out.set(true);
        }
        Ok(answer)
    }

    /// The newest delta list that adds to a complete one (RFC 5280, 5.2.4 and 6.3.3 (c)).
    fn delta<'l>(
        &self,
        line: &'l Line,
        complete: &Filed,
        signer: &Certificate,
    ) -> Option<&'l Filed> {
        let number = complete.facts().number.as_ref()?;
        let adds = |delta: &CrlFacts| {
            let (Some(base), Some(own)) = (&delta.delta_base, &delta.number) else {
                return false;
            };
            delta.authority_key_id == complete.facts().authority_key_id
                && compare_numbers(base, number).is_le()
                && compare_numbers(number, own).is_lt()
        };
        self.deltas(line)
            .find(|delta| adds(delta.facts()) && self.is_signed(delta, signer))
    }

    /// What a delta list says that may be newer than what was asked, and cannot be combined with it: that the subject was
    /// revoked is not passed over.
    fn left_over<'l>(
        &self,
        line: &'l Line,
        (complete, delta): (&Filed, Option<&Filed>),
        signer: &Certificate,
        subject: &Subject<'_>,
    ) -> Option<(RevokedCertificate<'l>, &'l Filed)> {
        let asked = delta.unwrap_or(complete).facts();
        let may_be_newer = |other: &CrlFacts| match (&other.number, &asked.number) {
            (Some(other), Some(asked)) => compare_numbers(other, asked).is_gt(),
            (Some(_) | None, _) => asked.this_update <= other.this_update,
        };
        let serial = &subject.certificate.facts().raw_serial;
        self.deltas(line)
            .filter(|other| may_be_newer(other.facts()))
            .filter_map(|other| Some((other.entry(&subject.issuer, serial)?, other)))
            .find(|(entry, other)| {
                entry.reason != Some(REMOVE_FROM_CRL) && self.is_signed(other, signer)
            })
    }

    /// The delta lists in force, the newest first.
    fn deltas<'l>(&self, line: &'l Line) -> impl Iterator<Item = &'l Filed> {
        if line.deltas.len() > EDITIONS_MAX {
            self.ran_out.set(true);
        }
        let now = self.around.now;
        let looked_at = line.deltas.iter().take(EDITIONS_MAX).map(|delta| &**delta);
        looked_at.filter(move |delta| delta.facts().this_update <= now)
    }

    fn is_signed(&self, list: &Filed, signer: &Certificate) -> bool {
        let signed = list.is_signed_by(signer, self.around.checks_left);
        if signed.is_none() {
            self.ran_out.set(true);
        }
        signed == Some(true)
    }

    /// Up to when a list counts, by the policy; the last second belongs to it as a whole.
    fn end(&self, facts: &CrlFacts) -> Moment {
        const NEVER: Moment = Moment::from_unix_millis(i64::MIN);
        let last = facts.next_update;
        match self.revocation.out_of_date {
            OutOfDate::Refuse => last.map_or(NEVER, |last| last.plus(Duration::from_secs(1))),
            OutOfDate::AllowHours(hours) => {
                let allowed = Duration::from_secs(u64::from(hours).saturating_mul(3600));
                last.unwrap_or(facts.this_update).plus(allowed)
            }
            OutOfDate::Allow => Moment::MAX,
        }
    }

    /// Who may have signed the lists of an issuer: first those above the subject on its path, which are proven, then
    /// others of that name.
    fn signers(&self, list: &CrlFacts, subject: &Subject<'_>) -> Vec<Signer> {
        let name = Name::of(&list.raw_issuer);
        let mut found: Vec<Signer> = Vec::new();
        let above = subject.path.certificates().skip(subject.place).skip(1);
        let above = above.map(|(_, certificate)| (certificate.clone(), true));
        let KnownSigners {
            mut stored,
            mut presented,
            is_cut,
        } = (self.around.signers)(&name);
        if is_cut {
            self.ran_out.set(true);
        }
        // What the client sent stays behind what the realm has, whatever it claims to be.
        let key_id_differs =
            |other: &Certificate| other.facts().subject_key_id != list.authority_key_id;
        stored.sort_by_key(key_id_differs);
        presented.sort_by_key(key_id_differs);
        let presented = presented.into_iter().take(PRESENTED_SIGNERS_MAX);
        let others = stored
            .into_iter()
            .chain(presented)
            .map(|other| (other, false));
        for (certificate, is_proven) in above.chain(others) {
            let facts = certificate.facts();
            let may_sign = facts.key_usage.is_none_or(|usage| usage.crl_sign())
                && is_key_accepted(&facts.key.algorithm, self.around.limits)
                && Name::of(&facts.raw_subject) == name
                && found.iter().all(|known| known.certificate != certificate);
            if may_sign {
                let path_ends = Cell::new(is_proven.then_some(Some(Moment::MAX)));
                found.push(Signer {
                    certificate,
                    path_ends,
                });
            }
        }
        found
    }

    /// Who signed a list, and up to when it is certain that they may; proves their path before it checks the signature,
    /// so that strangers' certificates cost no check of a long list.
    fn signer(
        &self,
        list: &Filed,
        signers: &[Signer],
        is_done: impl Fn(&Fingerprint) -> bool,
        subject: &Subject<'_>,
    ) -> Option<(Certificate, Moment)> {
        for signer in signers {
            let key = signer.key();
            if is_done(&key) || list.list().known(&key) == Some(false) {
                continue;
            }
            let Some(path_ends) = self.path_ends(signer, subject) else {
                continue;
            };
            if self.is_signed(list, &signer.certificate) {
                return Some((signer.certificate.clone(), path_ends));
            }
        }
        None
    }

    /// Up to when a signer of lists is known to have a path to the subject's anchor; `None` where it has none.
    fn path_ends(&self, signer: &Signer, subject: &Subject<'_>) -> Option<Moment> {
        if let Some(known) = signer.path_ends.get() {
            return known;
        }
        let print = signer.certificate.fingerprint();
        let ends = if subject.pending.last() == Some(&print) {
            // A list that covers its own signer: it is trusted as far as it does not say the signer was revoked.
            Some(Moment::MAX)
        } else if subject.pending.contains(&print) {
            None
        } else if subject.pending.len() >= SIGNERS_DEEP_MAX {
            self.ran_out.set(true);
            None
        } else {
            let pending = [subject.pending, &[print]].concat();
            let ends = Cell::new(None);
            let accept = |path: &Path| {
                let anchor = path.anchor.certificate.fingerprint();
                if anchor != subject.path.anchor.certificate.fingerprint() {
                    return false;
                }
                let known = match self.revocation.scope {
                    RevocationScope::Off | RevocationScope::Leaf => Some(Moment::MAX),
                    RevocationScope::Chain => self.path(path, &pending).ok(),
                };
                let valid_until = path
                    .certificates()
                    .map(|(_, certificate)| certificate.facts().not_after)
                    .min()
                    .map_or(Moment::MAX, |last| last.plus(Duration::from_secs(1)));
                ends.set(known.map(|end| end.min(valid_until)));
                known.is_some()
            };
            let found = (self.around.has_path)(&signer.certificate, &accept);
            if found.is_none() {
                self.ran_out.set(true);
            }
            ends.get().filter(|_| found == Some(true))
        };
        signer.path_ends.set(Some(ends));
        ends
    }
}

/// What the editions of one list say of a certificate that none of them says was revoked.
struct Answer {
    until: Moment,
    is_known: bool,
}

/// A certificate that may have signed a list.
struct Signer {
    certificate: Certificate,
    /// Once that was looked at: up to when its path holds, where it has one.
    path_ends: Cell<Option<Option<Moment>>>,
}

impl Signer {
    fn key(&self) -> Fingerprint {
        self.certificate.facts().spki_sha256
    }
}

/// Whether neither of two lists is newer than the other.
fn same_edition(a: &CrlFacts, b: &CrlFacts) -> bool {
    a.number == b.number && a.this_update == b.this_update
}

/// The entry that says that the subject was revoked, and the list that it is from. The delta list has the last word; of
/// removeFromCRL only one that is not out of date may speak.
fn entry<'l>(
    subject: &Subject<'_>,
    complete: &'l Filed,
    delta: Option<&'l Filed>,
    may_release: bool,
) -> Option<(RevokedCertificate<'l>, &'l Filed)> {
    let serial = &subject.certificate.facts().raw_serial;
    let changed = delta.and_then(|delta| Some((delta.entry(&subject.issuer, serial)?, delta)));
    match changed {
        Some((entry, _)) if entry.reason == Some(REMOVE_FROM_CRL) && may_release => None,
        Some((entry, delta)) if entry.reason != Some(REMOVE_FROM_CRL) => Some((entry, delta)),
        Some(_) | None => Some((complete.entry(&subject.issuer, serial)?, complete)),
    }
}

#[cfg(test)]
mod tests;
