//! What a judgement does, step by step, for whoever asks.
//!
//! A judgement that is watched asks the very same checks in the same order as one that is not; it only goes on behind an
//! objection, so that one look shows all that is wrong with a path. One that nobody watches stops at its first objection
//! and keeps nothing.

use std::cell::{Cell, RefCell};

use crate::pki::certificate::Certificate;
use crate::pki::crl::Crl;
use crate::trust::finding::{Finding, Role};
use crate::trust::search::Path;
use crate::trust::signature::Proof;

/// The most paths that are kept.
pub const PATHS_MAX: usize = 8;
/// The most pairs of a certificate and its possible issuer that are kept.
pub const LINKS_MAX: usize = 64;
/// The most answers of revocation lists that are kept for one path.
const ANSWERS_MAX: usize = 32;

/// One of the checks that chains and paths are put to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// How many certificates and bytes were sent.
    Sent,
    /// The client's certificate can be decoded.
    Decoding,
    /// The client's certificate is one that TLS takes at all.
    ClientForm,
    /// How many alternative names there are.
    Names,
    /// The moment lies within the validity.
    Validity,
    /// Kind and size of the key.
    Key,
    /// What the client's certificate is for.
    ClientUsage,
    /// The issuer is a CA that may sign certificates for clients.
    IssuerUsage,
    /// How many CAs follow each other.
    PathLength,
    /// All critical extensions are understood.
    CriticalExtensions,
    /// The certificate does not contradict itself.
    Profile,
    /// All names lie within what the issuers may name.
    NameConstraints,
    /// The certificate policies that a CA requires.
    Policies,
    /// The realm's deny list.
    Denials,
    /// The realm's demands on signatures.
    Signatures,
    /// The revocation lists.
    Revocation,
    /// The realm's pins.
    Pins,
}

impl Check {
    /// A stable kebab-case code for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Decoding => "decoding",
            Self::ClientForm => "client-form",
            Self::Names => "names",
            Self::Validity => "validity",
            Self::Key => "key",
            Self::ClientUsage => "client-usage",
            Self::IssuerUsage => "issuer-usage",
            Self::PathLength => "path-length",
            Self::CriticalExtensions => "critical-extensions",
            Self::Profile => "profile",
            Self::NameConstraints => "name-constraints",
            Self::Policies => "policies",
            Self::Denials => "denials",
            Self::Signatures => "signatures",
            Self::Revocation => "revocation",
            Self::Pins => "pins",
        }
    }

    /// What holds where there is no objection, in a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Sent => "number and size of the certificates sent",
            Self::Decoding => "the client certificate can be decoded",
            Self::ClientForm => "version and issuer, as TLS demands",
            Self::Names => "number of alternative names",
            Self::Validity => "within the validity",
            Self::Key => "kind and size of the key",
            Self::ClientUsage => "usages for a client",
            Self::IssuerUsage => "a CA that may sign certificates of clients",
            Self::PathLength => "path lengths",
            Self::CriticalExtensions => "critical extensions are understood",
            Self::Profile => "does not contradict itself",
            Self::NameConstraints => "name constraints",
            Self::Policies => "certificate policies",
            Self::Denials => "not on the deny list",
            Self::Signatures => "signatures that the realm accepts",
            Self::Revocation => "not revoked",
            Self::Pins => "pinned",
        }
    }
}

/// One check and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which one.
    pub check: Check,
    /// The place on the path of the certificate that was asked about, the client's being 0; `None` where it was the path,
    /// or all that was sent.
    pub place: Option<usize>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No objection.
    Held,
    /// An objection.
    Failed(Finding),
    /// The realm does not ask for it.
    NotAsked,
}

/// A certificate, and one that may have issued it by its name.
#[derive(Clone, Debug)]
pub struct Link {
    /// The certificate.
    pub child: Certificate,
    /// The one of the issuer's name.
    pub issuer: Certificate,
    /// As what it was tried.
    pub role: Role,
    /// Whether the signature holds.
    pub proof: Proof,
}

/// A proven path and what it was held to.
#[derive(Clone, Debug)]
pub struct TracedPath {
    /// The path.
    pub path: Path,
    /// The checks, in their order.
    pub steps: Vec<Step>,
    /// Which revocation list answered for which certificate.
    pub answers: Vec<(Certificate, Crl)>,
    /// Whether it is accepted.
    pub accepted: bool,
}

/// What one judgement did. Bounded: what is beyond the bounds is left out.
#[derive(Debug, Default)]
pub struct Trace {
    sent: RefCell<Vec<Step>>,
    links: RefCell<Vec<Link>>,
    paths: RefCell<Vec<TracedPath>>,
    paths_left_out: Cell<usize>,
}

impl Trace {
    /// What was asked of what was sent, before any path was looked for.
    pub fn sent(&self) -> Vec<Step> {
        self.sent.borrow().clone()
    }

    /// The issuers that were tried, at most [`LINKS_MAX`].
    pub fn links(&self) -> Vec<Link> {
        self.links.borrow().clone()
    }

    /// The paths that were found, at most [`PATHS_MAX`].
    pub fn paths(&self) -> Vec<TracedPath> {
        self.paths.borrow().clone()
    }

    /// How many more paths there were.
    pub const fn paths_left_out(&self) -> usize {
        self.paths_left_out.get()
    }

    /// Keeps a check of what was sent.
    pub(crate) fn tell_sent(&self, check: Check, outcome: Result<(), &Finding>) {
        self.sent.borrow_mut().push(Step {
            check,
            place: None,
            outcome: Outcome::of(outcome),
        });
    }

    /// Keeps that an issuer was tried; the same pair again changes nothing.
    pub(crate) fn tell_link(
        &self,
        child: &Certificate,
        issuer: &Certificate,
        role: Role,
        proof: Proof,
    ) {
        let mut links = self.links.borrow_mut();
        let is_known = links
            .iter()
            .any(|link| link.child == *child && link.issuer == *issuer);
        if links.len() < LINKS_MAX && !is_known {
            links.push(Link {
                child: child.clone(),
                issuer: issuer.clone(),
                role,
                proof,
            });
        }
    }

    /// Keeps that a revocation list answered for a certificate of the path that is looked at.
    pub(crate) fn tell_answer(&self, certificate: &Certificate, list: &Crl) {
        let mut paths = self.paths.borrow_mut();
        let Some(path) = paths.last_mut() else {
            return;
        };
        let is_known = path
            .answers
            .iter()
            .any(|(known, by)| known == certificate && by.fingerprint() == list.fingerprint());
        if path.answers.len() < ANSWERS_MAX && !is_known {
            path.answers.push((certificate.clone(), list.clone()));
        }
    }

    /// Begins with a path; whether it is kept.
    fn begin(&self, path: &Path) -> bool {
        let mut paths = self.paths.borrow_mut();
        if paths.len() >= PATHS_MAX {
            let left_out = self.paths_left_out.get().saturating_add(1);
            self.paths_left_out.set(left_out);
            return false;
        }
        paths.push(TracedPath {
            path: path.clone(),
            steps: Vec::new(),
            answers: Vec::new(),
            accepted: false,
        });
        true
    }

    fn of_path(&self, tell: impl FnOnce(&mut TracedPath)) {
        if let Some(path) = self.paths.borrow_mut().last_mut() {
            tell(path);
        }
    }
}

impl Outcome {
    fn of(result: Result<(), &Finding>) -> Self {
        result.map_or_else(|finding| Self::Failed(finding.clone()), |()| Self::Held)
    }
}

/// Holds one path to checks: stops at the first objection where nobody watches, else asks on and keeps them all.
#[derive(Debug, Default)]
pub struct Exam<'t> {
    trace: Option<&'t Trace>,
    objection: RefCell<Option<Finding>>,
}

impl<'t> Exam<'t> {
    /// One that nobody watches.
    pub const fn unwatched() -> Self {
        Self {
            trace: None,
            objection: RefCell::new(None),
        }
    }

    /// The exam of a path. One path too many is not watched.
    #[inline]
    pub(crate) fn of(path: &Path, trace: Option<&'t Trace>) -> Self {
        Self {
            trace: trace.filter(|trace| trace.begin(path)),
            objection: RefCell::new(None),
        }
    }

    /// Who watches.
    pub(crate) const fn trace(&self) -> Option<&'t Trace> {
        self.trace
    }

    /// Asks of the whole path.
    ///
    /// # Errors
    /// What is objected, where nobody watches.
    #[inline]
    pub(crate) fn ask(
        &self,
        check: Check,
        question: impl FnOnce() -> Result<(), Finding>,
    ) -> Result<(), Finding> {
        match self.trace {
            None => question(),
            Some(trace) => {
                self.keep(trace, check, None, question());
                Ok(())
            }
        }
    }

    /// Asks of single certificates, each told with its place on the path.
    ///
    /// # Errors
    /// What is objected to the first, where nobody watches.
    #[inline]
    pub(crate) fn each<'c>(
        &self,
        check: Check,
        mut certificates: impl Iterator<Item = (usize, (Role, &'c Certificate))>,
        question: impl Fn(Role, &Certificate) -> Result<(), Finding>,
    ) -> Result<(), Finding> {
        match self.trace {
            None => certificates.try_for_each(|(_, (role, one))| question(role, one)),
            Some(trace) => {
                for (place, (role, one)) in certificates {
                    self.keep(trace, check, Some(place), question(role, one));
                }
                Ok(())
            }
        }
    }

    /// Tells that a check is not asked for.
    #[inline]
    pub(crate) fn pass_over(&self, check: Check) {
        if let Some(trace) = self.trace {
            let outcome = Outcome::NotAsked;
            trace.of_path(|path| {
                path.steps.push(Step {
                    check,
                    place: None,
                    outcome,
                });
            });
        }
    }

    /// Ends the exam.
    ///
    /// # Errors
    /// The first objection, where somebody watched.
    #[inline]
    pub(crate) fn end(self) -> Result<(), Finding> {
        let Some(trace) = self.trace else {
            return Ok(());
        };
        match self.objection.into_inner() {
            Some(finding) => Err(finding),
            None => {
                trace.of_path(|path| path.accepted = true);
                Ok(())
            }
        }
    }

    fn keep(&self, trace: &Trace, check: Check, place: Option<usize>, result: Result<(), Finding>) {
        let outcome = Outcome::of(result.as_ref().copied());
        trace.of_path(|path| {
            path.steps.push(Step {
                check,
                place,
                outcome,
            });
        });
        if let Err(finding) = result {
            self.objection.borrow_mut().get_or_insert(finding);
        }
    }
}
