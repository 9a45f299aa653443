mod deltas;
mod editions;
mod plain;
mod scopes;
mod signers;

use std::cell::Cell;
use std::sync::Arc;

use rcgen::{CertificateParams, CustomExtension};

use super::*;
use crate::pki::certificate::{Certificate, signed_by};
use crate::pki::crl::Crl;
use crate::pki::crl_writer::Draft;
use crate::pki::der::{encode, tag};
use crate::trust::issuer::Issuer;
use crate::trust::rules;
use crate::trust::workshop::{Made, ca, client, now, with};

const CHAIN: Revocation = Revocation {
    scope: RevocationScope::Chain,
    out_of_date: OutOfDate::Refuse,
};

/// A root, a CA below it, and a client of the CA.
struct House {
    root: Made,
    ca: Made,
    client: Made,
}

impl House {
    fn new() -> Self {
        Self::of(client("client"))
    }

    fn of(params: CertificateParams) -> Self {
        let root = Made::root(ca("root"));
        let ca = root.issue(ca("ca"));
        let client = ca.issue(params);
        Self { root, ca, client }
    }

    fn path(&self) -> Vec<&Made> {
        vec![&self.client, &self.ca, &self.root]
    }

    /// The verdict with a list of the root, which revokes nothing, and these.
    fn verdict(&self, lists: &[Crl]) -> Result<Moment, Finding> {
        self.verdict_among(lists, &[])
    }

    fn verdict_among(&self, lists: &[Crl], others: &[&Made]) -> Result<Moment, Finding> {
        let mut all = lists.to_vec();
        all.push(signed(&list(&self.root), &self.root));
        verdict(&self.path(), others, &all, CHAIN)
    }
}

/// A list of an issuer, which revokes nothing.
fn list(issuer: &Made) -> Draft {
    Draft::of(&issuer.certificate.facts().raw_subject)
}

fn signed(draft: &Draft, signer: &Made) -> Crl {
    Crl::from_der(&draft.sign(&signer.key)).unwrap()
}

fn serial(made: &Made) -> &[u8] {
    &made.certificate.facts().raw_serial
}

fn name_of(made: &Made) -> &[u8] {
    &made.certificate.facts().raw_subject
}

/// With distribution points, each of these parts.
fn with_points(params: CertificateParams, points: &[&[&[u8]]]) -> CertificateParams {
    let points: Vec<u8> = points
        .iter()
        .flat_map(|parts| encode(tag::SEQUENCE, parts))
        .collect();
    let value = encode(tag::SEQUENCE, &[&points]);
    with(params, |params| {
        let extension = CustomExtension::from_oid_content(&[2, 5, 29, 31], value);
        params.custom_extensions.push(extension);
    })
}

/// Judges a path from the client to the anchor, with other certificates that may have signed lists.
fn verdict(
    path: &[&Made],
    others: &[&Made],
    lists: &[Crl],
    revocation: Revocation,
) -> Result<Moment, Finding> {
    let crls = Crls::build(lists);
    let checks_left = Cell::new(LIST_CHECKS_MAX);
    verdict_at(path, others, &crls, revocation, now(), &checks_left)
}

fn verdict_at(
    path: &[&Made],
    others: &[&Made],
    crls: &Crls,
    revocation: Revocation,
    now: Moment,
    checks_left: &Cell<u32>,
) -> Result<Moment, Finding> {
    verdict_among(path, (others, &[]), crls, revocation, now, checks_left)
}

/// With certificates that the realm has, and certificates that the client sent.
fn verdict_among(
    path: &[&Made],
    (others, presented): (&[&Made], &[&Made]),
    crls: &Crls,
    revocation: Revocation,
    now: Moment,
    checks_left: &Cell<u32>,
) -> Result<Moment, Finding> {
    let issuer = |made: &Made| Arc::new(Issuer::prepare(made.certificate.clone()).unwrap());
    let [leaf, between @ .., anchor] = path else {
        panic!("a path has two ends");
    };
    let path = Path {
        leaf: leaf.certificate.clone(),
        intermediates: between.iter().map(|made| issuer(made)).collect(),
        anchor: issuer(anchor),
    };
    let limits = TrustLimits::default();
    let pool: Vec<Arc<Issuer>> = between
        .iter()
        .chain(others)
        .map(|made| issuer(made))
        .collect();
    let named = |certificates: &[Arc<Issuer>], name: &Name| -> Vec<Certificate> {
        let named = certificates.iter().filter(|one| one.subject == *name);
        named.map(|one| one.certificate.clone()).collect()
    };
    let sent: Vec<Arc<Issuer>> = presented.iter().map(|made| issuer(made)).collect();
    let signers = |name: &Name| KnownSigners {
        stored: named(&pool, name),
        presented: named(&sent, name),
        is_cut: false,
    };
    let has_path = |leaf: &Certificate, accept: &dyn Fn(&Path) -> bool| {
        Some(climb(leaf, &mut Vec::new(), &pool, &path.anchor, &|path| {
            rules::check_signer(path, now, &limits).is_ok() && accept(path)
        }))
    };
    let around = Around {
        now,
        limits: &limits,
        checks_left,
        signers: &signers,
        has_path: &has_path,
        trace: None,
    };
    let verdict = check(&path, crls, &revocation, &around);
    if let Err(finding) = &verdict {
        let detail = &finding.detail;
        assert!(
            detail.starts_with("The") || detail.starts_with("Too"),
            "{detail}"
        );
        assert!(detail.ends_with('.') && !detail.contains(". "), "{detail}");
    }
    verdict
}

/// Tries every path from `leaf` over the pool to the anchor.
fn climb(
    leaf: &Certificate,
    climbed: &mut Vec<Arc<Issuer>>,
    pool: &[Arc<Issuer>],
    anchor: &Arc<Issuer>,
    accept: &dyn Fn(&Path) -> bool,
) -> bool {
    let child = climbed
        .last()
        .map_or(leaf, |issuer| &issuer.certificate)
        .clone();
    let issued = |issuer: &Issuer| {
        issuer.subject == Name::of(&child.facts().raw_issuer)
            && signed_by(&child, &issuer.certificate)
    };
    if issued(anchor) {
        let path = Path {
            leaf: leaf.clone(),
            intermediates: climbed.clone(),
            anchor: Arc::clone(anchor),
        };
        if accept(&path) {
            return true;
        }
    }
    for issuer in pool.iter().filter(|issuer| issued(issuer)) {
        if climbed.len() < 5 && issuer.certificate != child {
            climbed.push(Arc::clone(issuer));
            if climb(leaf, climbed, pool, anchor, accept) {
                return true;
            }
            climbed.pop();
        }
    }
    false
}

#[track_caller]
fn valid(case: &str, verdict: Result<Moment, Finding>) {
    verdict.unwrap_or_else(|finding| panic!("{case}: {finding:?}"));
}

/// The verdict is this reason, in a sentence with these words.
#[track_caller]
fn refused(case: &str, verdict: Result<Moment, Finding>, reason: Reason, words: &[&str]) {
    let finding = verdict.expect_err(case);
    assert_eq!(finding.reason, reason, "{case}: {finding:?}");
    for word in words {
        assert!(
            finding.detail.contains(word),
            "{case}: {word:?} in {finding:?}"
        );
    }
}

#[track_caller]
fn revoked_in(case: &str, verdict: Result<Moment, Finding>) {
    refused(
        case,
        verdict,
        Reason::Revoked,
        &["was revoked at 2030-05-01T00:00:00Z"],
    );
}

#[track_caller]
fn unknown_in(case: &str, verdict: Result<Moment, Finding>, word: &str) {
    refused(case, verdict, Reason::RevocationUnknown, &[word]);
}
