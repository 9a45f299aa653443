//! Finds the paths from a client's certificate up to a trust anchor, each step proven by a signature.
//!
//! Two rounds, each from the client's certificate upwards. The first follows what points to one key and cannot be
//! counterfeited by who installs anchors: anchors that the client itself presented, keys that signed the certificate in an
//! earlier judgement, anchors and helpers whose key identifier is the wanted one and was derived from their key; and
//! whatever the client presented. The second round tries everything else of the issuer's name. Once the key is known that
//! signed a certificate, all anchors with that name and key are held to the rules, which costs no more signature checks.
//!
//! The first path that is accepted ends the search. What it may cost is bounded by [`TrustLimits`], by [`STEPS_MAX`], and
//! per owner, so that on a shared host no realm can use up what another needs. Where the second round ends for want of
//! signature checks, the same client's next attempt goes on with other candidates (see [`Anchors::candidates`]).

use std::collections::HashSet;
use std::sync::Arc;

use crate::clock::Moment;
use crate::pki::certificate::Certificate;
use crate::pki::fingerprint::Fingerprint;
use crate::trust::anchors::{Anchors, Candidate};
use crate::trust::demands::Ground;
use crate::trust::finding::{Finding, Role, called, named};
use crate::trust::index::{Key, Name};
use crate::trust::issuer::Issuer;
use crate::trust::limits::TrustLimits;
use crate::trust::reason::Reason;
use crate::trust::signature::{Meter, Proof};
use crate::trust::trace::Trace;

/// The most certificates that are climbed to in one round, the same one on different paths counted each time.
const STEPS_MAX: u32 = 256;

/// The most helpers that are looked at for one certificate.
const HELPERS_MAX: usize = 1024;

/// A path whose signatures are proven.
#[derive(Clone, Debug)]
pub struct Path {
    /// The client's certificate.
    pub leaf: Certificate,
    /// From the leaf's issuer upwards, without the anchor.
    pub intermediates: Vec<Arc<Issuer>>,
    /// The trust anchor.
    pub anchor: Arc<Issuer>,
}

impl Path {
    /// All certificates of the path, from the client's to the anchor.
    pub fn certificates(&self) -> impl Iterator<Item = (Role, &Certificate)> {
        let intermediates = self
            .intermediates
            .iter()
            .map(|issuer| (Role::Intermediate, &issuer.certificate));
        std::iter::once((Role::Client, &self.leaf))
            .chain(intermediates)
            .chain([(Role::Anchor, &self.anchor.certificate)])
    }

    /// The SHA-256 of each certificate above the client's.
    fn prints(&self) -> Vec<Fingerprint> {
        let above = self.certificates().skip(1);
        above
            .map(|(_, certificate)| certificate.fingerprint())
            .collect()
    }
}

/// Where and for what is searched.
#[derive(Debug)]
pub struct Search<'a> {
    /// Whom to trust.
    pub anchors: Anchors<'a>,
    /// The client's certificate.
    pub leaf: &'a Certificate,
    /// What the client presented besides, and could be read.
    pub presented: &'a [Arc<Issuer>],
    /// The moment in question.
    pub now: Moment,
    /// What it may cost.
    pub limits: &'a TrustLimits,
    /// Checks the signatures.
    pub meter: &'a Meter<'a>,
    /// How many searches for this client ended for want of signature checks.
    pub attempt: u32,
    /// Who is told which issuers were tried.
    pub trace: Option<&'a Trace>,
}

/// What a search came to.
#[derive(Debug)]
pub struct Found {
    /// The accepted path and why it is accepted, or what was wrong with the path that came furthest.
    pub outcome: Result<(Path, Ground), Finding>,
    /// Whether there were more candidates than signature checks.
    pub ran_out: bool,
}

/// A test that paths are put to.
pub type Accept<'a> = &'a dyn Fn(&Path) -> Result<Ground, Finding>;

impl Search<'_> {
    /// Finds the first path that `accept` accepts.
    pub fn first_path(&self, accept: Accept<'_>) -> Found {
        let mut climb = Climb {
            search: self,
            accept,
            round: Round::Sure,
            charges: Vec::new(),
            steps: 0,
            judged: HashSet::new(),
            ran_out: false,
            outcome: Outcome::default(),
        };
        for round in [Round::Sure, Round::Open] {
            climb.round = round;
            climb.steps = 0;
            if let Some(accepted) = climb.up(&mut Vec::new()) {
                return Found {
                    outcome: Ok(accepted),
                    ran_out: climb.ran_out,
                };
            }
        }
        Found {
            ran_out: climb.ran_out,
            outcome: Err(climb.into_finding()),
        }
    }

    fn candidates(&self, round: Round, key: Key) -> Box<dyn Iterator<Item = Candidate> + '_> {
        let attempt = match round {
            Round::Sure => 0,
            Round::Open => self.attempt,
        };
        self.anchors.candidates(key, self.now, attempt, self.limits)
    }
}

/// The rounds of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// What points to one key.
    Sure,
    /// Everything else of the issuer's name.
    Open,
}

struct Climb<'a> {
    search: &'a Search<'a>,
    accept: Accept<'a>,
    round: Round,
    /// What each owner has spent.
    charges: Vec<(Arc<str>, u32)>,
    steps: u32,
    /// The paths that were judged already, without the client's certificate.
    judged: HashSet<Vec<Fingerprint>>,
    ran_out: bool,
    outcome: Outcome,
}

/// What to say if no path is accepted; the first finding of each kind, the upper kinds first.
#[derive(Default)]
struct Outcome {
    /// A proven path broke a rule.
    rejected: Option<Finding>,
    /// An issuer of the right name did not prove to be the issuer.
    unproven: Option<Finding>,
    /// The path that came furthest before no issuer was found, as long as the number.
    dead_end: Option<(usize, Certificate)>,
    /// An anchor has the issuer's name and another key.
    namesake: Option<Certificate>,
    /// A certificate for which checks ran out before all were tried that may have issued it, and how many checks of
    /// that kind there are.
    short_of_checks: Option<(Certificate, u32)>,
}

impl Climb<'_> {
    /// Goes on from the last of the intermediates, or from the leaf where there are none.
    fn up(&mut self, climbed: &mut Vec<Arc<Issuer>>) -> Option<(Path, Ground)> {
        self.steps = self.steps.saturating_add(1);
        if self.steps > STEPS_MAX {
            self.ran_out = true;
            return None;
        }
        let child = climbed
            .last()
            .map_or(self.search.leaf, |issuer| &issuer.certificate)
            .clone();
        let issuer_name = Name::of(&child.facts().raw_issuer);
        let accepted = self.try_anchors(climbed, &child, &issuer_name);
        if accepted.is_some() {
            return accepted;
        }
        let mut went_on = false;
        for (issuer, helper) in self.intermediates(climbed, &child, &issuer_name) {
            let paid = match &helper {
                Some(candidate) => self.charge(candidate),
                None => true,
            };
            if !paid {
                self.note_unpaid(&child, &issuer);
            }
            if !paid || self.prove(&child, &issuer, Role::Intermediate) != Proof::Signed {
                continue;
            }
            went_on = true;
            if climbed.len() >= self.search.limits.path_intermediates_max {
                self.note_too_long(&child);
                break;
            }
            climbed.push(issuer);
            let accepted = self.up(climbed);
            climbed.pop();
            if accepted.is_some() {
                return accepted;
            }
        }
        let furthest = self
            .outcome
            .dead_end
            .as_ref()
            .is_none_or(|(length, _)| climbed.len() > *length);
        if self.round == Round::Open && !went_on && furthest {
            self.outcome.dead_end = Some((climbed.len(), child));
        }
        None
    }

    /// Tries the anchors that may have issued `child`: looks for the key that signed it, then for an anchor with that
    /// key that makes an acceptable path.
    fn try_anchors(
        &mut self,
        climbed: &[Arc<Issuer>],
        child: &Certificate,
        issuer_name: &Name,
    ) -> Option<(Path, Ground)> {
        if let Some(key) = self.search.meter.known_key(child) {
            return self.settle(climbed, issuer_name, &key);
        }
        let search = self.search;
        let mut tried = HashSet::new();
        for place in self.anchor_keys(child, issuer_name) {
            for candidate in search.candidates(self.round, place) {
                let key = candidate.issuer.certificate.facts().spki_sha256;
                if tried.contains(&key) {
                    continue;
                }
                if !self.can_pay(&candidate) {
                    self.note_unpaid(child, &candidate.issuer);
                    continue;
                }
                tried.insert(key);
                let before = self.search.meter.spent();
                let proof = self.prove(child, &candidate.issuer, Role::Anchor);
                if self.search.meter.spent() > before {
                    self.charge(&candidate);
                }
                match proof {
                    Proof::Signed => return self.settle(climbed, issuer_name, &key),
                    Proof::Exhausted => return None,
                    Proof::NotSigned | Proof::AlgorithmNotAccepted | Proof::KeyNotAccepted => {}
                }
            }
        }
        None
    }

    /// Holds the anchors of this name with this key, which signed the last of the path, to the rules.
    fn settle(
        &mut self,
        climbed: &[Arc<Issuer>],
        issuer_name: &Name,
        key: &Fingerprint,
    ) -> Option<(Path, Ground)> {
        let search = self.search;
        let child = climbed
            .last()
            .map_or(search.leaf, |issuer| &issuer.certificate);
        let with_key = Key::anchors_with_key(issuer_name, key);
        for candidate in search.candidates(self.round, with_key) {
            // Costs no check: the answer is known. But a key may be known that is not accepted any more.
            if self.prove(child, &candidate.issuer, Role::Anchor) != Proof::Signed {
                continue;
            }
            let path = Path {
                leaf: self.search.leaf.clone(),
                intermediates: climbed.to_vec(),
                anchor: candidate.issuer,
            };
            if !self.judged.insert(path.prints()) {
                continue;
            }
            match (self.accept)(&path) {
                Ok(ground) => return Some((path, ground)),
                Err(finding) => {
                    self.outcome.rejected.get_or_insert(finding);
                }
            }
        }
        None
    }

    /// Under which keys anchors are looked up in this round.
    fn anchor_keys(&self, child: &Certificate, issuer_name: &Name) -> Vec<Key> {
        let key_id = child.facts().authority_key_id.as_deref();
        match self.round {
            Round::Sure => {
                let presented = self.search.presented.iter();
                let presented = presented.filter(|issuer| issuer.subject == *issuer_name);
                let derived =
                    key_id.map(|key_id| Key::anchors_with_derived_key_id(issuer_name, key_id));
                presented
                    .map(|issuer| Key::anchor(&issuer.certificate.fingerprint()))
                    .chain(derived)
                    .collect()
            }
            Round::Open => key_id
                .map(|key_id| {
                    [
                        Key::anchors_with_key_id(issuer_name, key_id),
                        Key::anchors_without_key_id(issuer_name),
                    ]
                })
                .into_iter()
                .flatten()
                .chain([Key::anchors(issuer_name)])
                .collect(),
        }
    }

    /// The presented certificates and helpers that may have issued `child` and are not on the path yet, each helper
    /// with the place where it was found.
    fn intermediates(
        &self,
        climbed: &[Arc<Issuer>],
        child: &Certificate,
        issuer_name: &Name,
    ) -> Vec<(Arc<Issuer>, Option<Candidate>)> {
        let presented = self
            .search
            .presented
            .iter()
            .filter(|issuer| issuer.subject == *issuer_name);
        let key_id = child.facts().authority_key_id.as_deref();
        let helpers = match self.round {
            Round::Sure => {
                key_id.map(|key_id| Key::helpers_with_derived_key_id(issuer_name, key_id))
            }
            Round::Open => Some(Key::helpers(issuer_name)),
        };
        let helpers = helpers
            .into_iter()
            .flat_map(|key| self.search.candidates(self.round, key));
        let mut found: Vec<(Arc<Issuer>, Option<Candidate>)> = presented
            .map(|issuer| (Arc::clone(issuer), None))
            .chain(
                helpers
                    .map(|helper| (Arc::clone(&helper.issuer), Some(helper)))
                    .take(HELPERS_MAX),
            )
            .filter(|(issuer, _)| {
                issuer.certificate != *child
                    && !climbed.iter().any(|below| below.is_same_authority(issuer))
            })
            .collect();
        found.sort_by_key(|(issuer, helper)| {
            (helper.is_some(), key_ids_differ(child, &issuer.certificate))
        });
        let mut seen = HashSet::new();
        found.retain(|(issuer, _)| seen.insert(issuer.certificate.fingerprint()));
        found
    }

    fn prove(&mut self, child: &Certificate, issuer: &Issuer, role: Role) -> Proof {
        let proof = self.search.meter.prove(child, issuer);
        if let Some(trace) = self.search.trace {
            trace.tell_link(child, &issuer.certificate, role, proof);
        }
        if proof == Proof::NotSigned && key_ids_differ(child, &issuer.certificate) {
            if role == Role::Anchor {
                self.outcome
                    .namesake
                    .get_or_insert_with(|| issuer.certificate.clone());
            }
            return proof;
        }
        let child_called = || called(role_of(self.search, child), child);
        let issuer_called = || called(role, &issuer.certificate);
        let finding = match proof {
            Proof::Signed => return proof,
            Proof::Exhausted => {
                let limit = self.search.limits.signature_checks_max;
                self.note_untried(child, issuer, limit);
                return proof;
            }
            Proof::NotSigned => {
                let detail = format!(
                    "The {} is not signed with the key of the {}.",
                    child_called(),
                    issuer_called()
                );
                Finding::new(Reason::BadSignature, detail)
            }
            Proof::AlgorithmNotAccepted => {
                let algorithm = named(&child.facts().signature_algorithm);
                let detail = format!(
                    "The {} is signed with {algorithm}, which is not accepted.",
                    child_called()
                );
                Finding::new(Reason::WeakSignature, detail)
            }
            Proof::KeyNotAccepted => {
                let key = &issuer.certificate.facts().key;
                let detail = format!(
                    "The {} has a key ({key}) that is not accepted.",
                    issuer_called()
                );
                Finding::new(Reason::WeakKey, detail)
            }
        };
        self.outcome.unproven.get_or_insert(finding);
        proof
    }

    fn spent_by(&self, owner: &str) -> u32 {
        self.charges
            .iter()
            .find(|(name, _)| **name == *owner)
            .map_or(0, |(_, spent)| *spent)
    }

    fn payer(&self, candidate: &Candidate) -> Option<Arc<str>> {
        let limit = self.search.limits.signature_checks_per_owner_max;
        self.search
            .anchors
            .payer(candidate, |owner| self.spent_by(owner) < limit)
    }

    fn can_pay(&self, candidate: &Candidate) -> bool {
        self.payer(candidate).is_some()
    }

    /// Whether somebody who brought the candidate could still pay, and now has.
    fn charge(&mut self, candidate: &Candidate) -> bool {
        let Some(payer) = self.payer(candidate) else {
            return false;
        };
        match self.charges.iter_mut().find(|(name, _)| *name == payer) {
            Some((_, spent)) => *spent = spent.saturating_add(1),
            None => self.charges.push((payer, 1)),
        }
        true
    }

    fn note_unpaid(&mut self, child: &Certificate, issuer: &Issuer) {
        let limit = self.search.limits.signature_checks_per_owner_max;
        self.note_untried(child, issuer, limit);
    }

    /// Notes that `issuer` was not tried for want of checks. Where its key identifier is not the one that `child` names,
    /// nothing is lost by that.
    fn note_untried(&mut self, child: &Certificate, issuer: &Issuer, limit: u32) {
        self.ran_out = true;
        let meter = self.search.meter;
        let short = self.outcome.short_of_checks.as_ref();
        let is_new = short.is_none_or(|(other, _)| meter.known_key(other).is_some());
        let key = &issuer.certificate.facts().spki_sha256;
        if is_new
            && !key_ids_differ(child, &issuer.certificate)
            && !meter.keys_tried(child).contains(key)
        {
            self.outcome.short_of_checks = Some((child.clone(), limit));
        }
    }

    fn note_too_long(&mut self, child: &Certificate) {
        let most = self.search.limits.path_intermediates_max;
        let called = called(role_of(self.search, child), child);
        let detail = format!(
            "The path goes on above the {called}, beyond the {most} intermediate certificates allowed."
        );
        self.outcome
            .unproven
            .get_or_insert(Finding::new(Reason::PathTooLong, detail));
    }

    fn into_finding(self) -> Finding {
        let Outcome {
            rejected,
            unproven,
            dead_end,
            namesake,
            short_of_checks,
        } = self.outcome;
        if let Some(finding) = rejected {
            return finding;
        }
        // While some were not tried, that others are not the issuer is nobody's bad signature.
        let untold = unproven
            .as_ref()
            .is_none_or(|finding| finding.reason == Reason::BadSignature);
        let short = short_of_checks
            .filter(|(child, _)| untold && self.search.meter.known_key(child).is_none());
        if let Some((child, limit)) = short {
            return none_tried_issued(self.search, &child, limit);
        }
        if let Some(finding) = unproven {
            return finding;
        }
        let end = dead_end.map_or_else(|| self.search.leaf.clone(), |(_, end)| end);
        no_issuer(self.search, &end, namesake.as_ref())
    }
}

fn role_of(search: &Search<'_>, child: &Certificate) -> Role {
    if child == search.leaf {
        Role::Client
    } else {
        Role::Intermediate
    }
}

/// Whether both name a key, and not the same one.
pub fn key_ids_differ(child: &Certificate, issuer: &Certificate) -> bool {
    match (
        &child.facts().authority_key_id,
        &issuer.facts().subject_key_id,
    ) {
        (Some(wanted), Some(offered)) => wanted != offered,
        (None, _) | (_, None) => false,
    }
}

/// What to say where `child` was issued by none of those that could be tried.
fn none_tried_issued(search: &Search<'_>, child: &Certificate, limit: u32) -> Finding {
    let this = called(role_of(search, child), child);
    let issuer = named(&child.facts().issuer);
    let tried = search.meter.keys_tried(child).len();
    let detail = format!(
        "The {this} was issued by none of the {tried} CAs named {issuer} that were tried: {limit} signature checks are \
         made at a time, and the next attempt goes on with others; CAs that share a name should put key identifiers \
         into what they issue."
    );
    Finding::new(Reason::UnknownIssuer, detail)
}

/// What to say where nobody issued `end`: that something is missing in between, if it looks so, else that its issuer
/// is not known.
fn no_issuer(search: &Search<'_>, end: &Certificate, namesake: Option<&Certificate>) -> Finding {
    let this = called(role_of(search, end), end);
    let issuer = named(&end.facts().issuer);
    if let Some(namesake) = namesake {
        let detail = format!(
            "The {this} was issued by another key than that of the {}.",
            called(Role::Anchor, namesake)
        );
        return Finding::new(Reason::UnknownIssuer, detail);
    }
    if end.facts().self_issued {
        return Finding::new(
            Reason::UnknownIssuer,
            format!("The {this} was issued by itself and is no trust anchor."),
        );
    }
    if leads_try_anchors(search, end) {
        let detail = format!(
            "The {this} was issued by {issuer}, whose certificate the client did not send: either it is to be sent along, \
             or it is a CA of its own, which is to be installed."
        );
        return Finding::new(Reason::IncompleteChain, detail);
    }
    let detail =
        format!("The {this} was issued by {issuer}, which is no trust anchor and was not sent.");
    Finding::new(Reason::UnknownIssuer, detail)
}

/// Whether the missing issuer probably stands below an anchor: another presented certificate does, or the issuer's
/// name is of the same house as an anchor's.
fn leads_try_anchors(search: &Search<'_>, end: &Certificate) -> bool {
    let others = search
        .presented
        .iter()
        .filter(|issuer| issuer.certificate != *end);
    let attached = others.into_iter().any(|other| {
        let above = Name::of(&other.certificate.facts().raw_issuer);
        search.anchors.has(Key::anchors(&other.subject)) || search.anchors.has(Key::anchors(&above))
    });
    let issuer = Name::of(&end.facts().raw_issuer);
    attached || Key::family(&issuer).is_some_and(|family| search.anchors.has(family))
}
