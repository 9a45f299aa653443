use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::KeyPair;
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm,
};

use super::check;
use crate::trust::anchors::Anchors;
use crate::trust::judge::{Distrust, Verified, judge_with};
use crate::trust::limits::TrustLimits;
use crate::trust::proofs::Proofs;
use crate::trust::reason::Reason;
use crate::trust::shared::SharedTrust;
use crate::trust::signature::MODERN;
use crate::trust::workshop::*;

/// Counts the signatures that are really checked, whoever asks.
#[derive(Debug)]
struct Counting<'a> {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    checks: &'a AtomicUsize,
}

impl SignatureVerificationAlgorithm for Counting<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        self.checks.fetch_add(1, Ordering::SeqCst);
        self.algorithm
            .verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }
}

/// The judgement, and how many signatures it checked.
pub(super) fn counted<'a>(
    anchors: impl Into<Anchors<'a>>,
    presented: &[CertificateDer<'_>],
) -> (Result<Verified, Distrust>, usize) {
    counted_knowing(anchors, presented, None)
}

/// As [`counted`], with what earlier judgements proved.
pub(super) fn counted_knowing<'a>(
    anchors: impl Into<Anchors<'a>>,
    presented: &[CertificateDer<'_>],
    proofs: Option<&Proofs>,
) -> (Result<Verified, Distrust>, usize) {
    let checks = AtomicUsize::new(0);
    let counting: Vec<Counting<'_>> = MODERN
        .iter()
        .map(|algorithm| Counting {
            algorithm: *algorithm,
            checks: &checks,
        })
        .collect();
    let algorithms: Vec<&dyn SignatureVerificationAlgorithm> = counting
        .iter()
        .map(|algorithm| -> &dyn SignatureVerificationAlgorithm { algorithm })
        .collect();
    let judged = judge_with(
        &algorithms,
        anchors.into(),
        presented,
        now(),
        &TrustLimits::default(),
        proofs,
        None,
    );
    (judged, checks.load(Ordering::SeqCst))
}

pub(super) fn without_aki(common_name: &str) -> rcgen::CertificateParams {
    with(client(common_name), |params| {
        params.use_authority_key_identifier_extension = false
    })
}

#[test]
fn each_signature_of_the_path_is_checked_once() {
    let root = Made::root(ca("Root"));
    let middle = root.issue(ca("Middle"));
    let low = middle.issue(ca("Low"));
    let leaf = low.issue(client("client"));
    for (presented, expected) in [
        (chain(&[&leaf, &low, &middle]), 3),
        (chain(&[&leaf, &middle, &low, &root]), 3),
    ] {
        let (judged, checks) = counted(&set(&[&root]), &presented);
        assert!(judged.is_ok());
        assert_eq!(checks, expected);
    }
    let spelled_otherwise = low.calling_itself(name("LOW")).issue(client("client"));
    let (judged, checks) = counted(&set(&[&root]), &chain(&[&spelled_otherwise, &low, &middle]));
    assert!(judged.is_ok());
    assert_eq!(checks, 3);
}

#[test]
fn of_a_hundred_anchors_with_one_name_the_right_one_is_found_by_its_key_identifier() {
    let roots: Vec<Made> = (0..100).map(|_| Made::root(ca("Root"))).collect();
    let trust = set(&roots.iter().collect::<Vec<_>>());
    for root in &roots {
        let (judged, checks) = counted(&trust, &chain(&[&root.issue(client("client"))]));
        assert_eq!(judged.unwrap().anchor, root.certificate.fingerprint());
        assert_eq!(checks, 1);
    }
    let (judged, checks) = counted(
        &trust,
        &chain(&[&Made::root(ca("Root")).issue(client("x"))]),
    );
    assert_eq!(judged.unwrap_err().reason, Reason::UnknownIssuer);
    assert!(checks <= 4, "{checks}");
}

#[test]
fn of_a_hundred_anchors_with_one_name_and_no_key_identifiers_four_are_tried() {
    let roots: Vec<Made> = (0..100)
        .map(|_| Made::root(ca_without_key_id("Root")))
        .collect();
    let trust = set(&roots.iter().collect::<Vec<_>>());
    let mut accepted = 0;
    for root in &roots {
        let (judged, checks) = counted(&trust, &chain(&[&root.issue(without_aki("client"))]));
        assert!(checks <= 4, "{checks}");
        accepted += usize::from(judged.is_ok());
    }
    assert_eq!(accepted, 4);
    let last = roots
        .iter()
        .max_by_key(|root| root.certificate.fingerprint())
        .unwrap();
    let leaf = last.issue(without_aki("client"));
    let (judged, checks) = counted(&trust, &chain(&[&leaf, last]));
    assert!(
        judged.is_ok(),
        "a client that sends the root along says which one it is"
    );
    assert_eq!(checks, 1);
}

#[test]
fn a_key_that_a_hundred_anchors_share_is_tried_once() {
    let key = Rc::new(KeyPair::generate().unwrap());
    let expired = |day: u8| {
        with(ca("Root"), |params| {
            params.serial_number = Some(u64::from(day).into());
            params.not_after =
                time::macros::datetime!(2030-01-01 0:00 UTC) + time::Duration::days(i64::from(day));
        })
    };
    let roots: Vec<Made> = (1..100)
        .map(|day| Made::root_with(expired(day), Rc::clone(&key)))
        .collect();
    let leaf = roots[0].issue(client("client"));
    let (judged, checks) = counted(&set(&roots.iter().collect::<Vec<_>>()), &chain(&[&leaf]));
    assert_eq!(judged.unwrap_err().reason, Reason::Expired);
    assert_eq!(checks, 1);
    let valid = Made::root_with(ca("Root"), key);
    let all: Vec<&Made> = roots.iter().chain([&valid]).collect();
    let (judged, checks) = counted(&set(&all), &chain(&[&leaf]));
    assert_eq!(judged.unwrap().anchor, valid.certificate.fingerprint());
    assert_eq!(checks, 1);
}

#[test]
fn the_number_of_other_anchors_costs_no_signature_checks() {
    let key = Rc::new(KeyPair::generate().unwrap());
    let mut roots: Vec<Made> = (0..2_000)
        .map(|number| Made::root_with(ca(&format!("Root {number}")), Rc::clone(&key)))
        .collect();
    roots.push(Made::root(ca("Ours")));
    let leaf = roots.last().unwrap().issue(client("client"));
    let (judged, checks) = counted(&set(&roots.iter().collect::<Vec<_>>()), &chain(&[&leaf]));
    assert!(judged.is_ok());
    assert_eq!(checks, 1);
}

#[test]
fn a_mesh_of_cross_signed_intermediates_costs_a_bounded_number_of_checks() {
    let names = ["A", "B", "C"];
    let made: Vec<Made> = names
        .iter()
        .map(|common_name| Made::root(ca(common_name)))
        .collect();
    let mut presented = vec![made[0].issue(client("client"))];
    for issuer in &made {
        for subject in &made {
            presented.push(issuer.issue_for(subject.params.clone(), Rc::clone(&subject.key)));
        }
    }
    let presented: Vec<&Made> = presented.iter().collect();
    let (judged, checks) = counted(&set(&[&Made::root(ca("Root"))]), &chain(&presented));
    assert_eq!(judged.unwrap_err().reason, Reason::UnknownIssuer);
    assert!(checks <= 32, "{checks}");
}

#[test]
fn helpers_of_one_name_are_not_all_tried() {
    let root = Made::root(ca("Root"));
    let helpers: Vec<Made> = (0..50)
        .map(|_| root.issue(ca_without_key_id("Middle")))
        .collect();
    let trust = set_with_helpers(&[&root], &helpers.iter().collect::<Vec<_>>());
    let stray = Made::root(ca("Middle")).issue(without_aki("client"));
    let (judged, checks) = counted(&trust, &chain(&[&stray]));
    let distrust = judged.unwrap_err();
    assert_eq!(distrust.reason, Reason::UnknownIssuer);
    let told = "none of the 4 CAs named CN=Middle that were tried";
    assert!(distrust.detail.contains(told), "{}", distrust.detail);
    assert_eq!(checks, 4);
}

#[test]
fn a_client_of_none_of_those_that_are_tried_is_not_told_of_a_bad_signature() {
    let roots: Vec<Made> = (0..5)
        .map(|_| Made::root(ca_without_key_id("Root")))
        .collect();
    let roots: Vec<&Made> = roots.iter().collect();
    let stray = Made::root(ca("Root"));
    let nameless = stray.issue(without_aki("client"));
    let named = stray.issue(client("client"));
    for leaf in [&nameless, &named] {
        check(
            &set(&roots),
            &chain(&[leaf]),
            Reason::UnknownIssuer,
            &[
                "client certificate CN=client",
                "none of the 4 CAs named CN=Root that were tried",
                "4 signature checks",
                "the next attempt",
                "key identifiers",
            ],
        );
        check(
            &set(&roots[..4]),
            &chain(&[leaf]),
            Reason::BadSignature,
            &["CN=client", "trust anchor CN=Root"],
        );
    }
    let middle = stray.issue(with(ca("Middle"), |params| {
        params.use_authority_key_identifier_extension = false
    }));
    check(
        &set(&roots),
        &chain(&[&middle.issue(client("client")), &middle]),
        Reason::UnknownIssuer,
        &["intermediate certificate CN=Middle", "none of the 4 CAs"],
    );
}

#[test]
fn a_signature_is_bad_whoever_else_has_the_name_and_another_key_identifier() {
    let roots: Vec<Made> = (0..100).map(|_| Made::root(ca("Root"))).collect();
    let key_id = roots[50]
        .certificate
        .facts()
        .subject_key_id
        .clone()
        .unwrap();
    let liar = Made::root(with_key_id(ca("Root"), &key_id));
    check(
        &set(&roots.iter().collect::<Vec<_>>()),
        &chain(&[&liar.issue(client("client"))]),
        Reason::BadSignature,
        &["CN=client", "trust anchor CN=Root"],
    );
}

#[test]
fn of_the_anchors_of_forty_realms_with_one_name_and_no_key_identifiers_thirty_two_are_tried() {
    let roots: Vec<Made> = (0..40)
        .map(|_| Made::root(ca_without_key_id("Root")))
        .collect();
    let shared = |roots: &[Made]| {
        let realms = roots.iter().enumerate();
        realms.fold(SharedTrust::default(), |shared, (number, root)| {
            let owner: Arc<str> = Arc::from(format!("realm-{number}"));
            shared.with(&owner, None, Some(&Arc::new(set(&[root]))))
        })
    };
    let stray = Made::root(ca("Root")).issue(without_aki("client"));
    let (judged, checks) = counted(&shared(&roots), &chain(&[&stray]));
    let distrust = judged.unwrap_err();
    assert_eq!(distrust.reason, Reason::UnknownIssuer);
    for told in ["none of the 32 CAs named CN=Root", "32 signature checks"] {
        assert!(distrust.detail.contains(told), "{}", distrust.detail);
    }
    assert_eq!(checks, 32);
    let (judged, checks) = counted(&shared(&roots[..32]), &chain(&[&stray]));
    assert_eq!(judged.unwrap_err().reason, Reason::BadSignature);
    assert_eq!(checks, 32);
}

#[test]
fn of_presented_certificates_with_one_name_the_one_with_the_right_key_identifier_is_tried_first() {
    let root = Made::root(ca("Root"));
    let middles: Vec<Made> = (0..9).map(|_| root.issue(ca("Middle"))).collect();
    for middle in &middles {
        let leaf = middle.issue(client("client"));
        let presented: Vec<&Made> = std::iter::once(&leaf).chain(&middles).collect();
        let (judged, checks) = counted(&set(&[&root]), &chain(&presented));
        assert!(judged.is_ok());
        assert_eq!(checks, 2);
    }
}

#[test]
fn of_ten_thousand_anchors_with_one_name_the_right_one_costs_one_check() {
    let roots: Vec<Made> = (0..10_000).map(|_| Made::root(ca("Root"))).collect();
    let trust = set(&roots.iter().collect::<Vec<_>>());
    for root in [&roots[0], &roots[5_000], &roots[9_999]] {
        let (judged, checks) = counted(&trust, &chain(&[&root.issue(client("client"))]));
        assert_eq!(judged.unwrap().anchor, root.certificate.fingerprint());
        assert_eq!(checks, 1);
    }
}

#[test]
fn what_was_proven_once_costs_nothing_again() {
    let root = Made::root(ca("Root"));
    let middle = root.issue(ca("Middle"));
    let leaf = middle.issue(client("client"));
    let presented = chain(&[&leaf, &middle]);
    let proofs = Proofs::new(100);
    for expected in [2, 0, 0] {
        let (judged, checks) = counted_knowing(&set(&[&root]), &presented, Some(&proofs));
        assert!(judged.is_ok());
        assert_eq!(checks, expected);
    }
    let other = middle.issue(client("other"));
    let (judged, checks) =
        counted_knowing(&set(&[&root]), &chain(&[&other, &middle]), Some(&proofs));
    assert!(judged.is_ok());
    assert_eq!(checks, 1, "the intermediate is known");
    let stranger = Made::root(ca("Root"));
    let (judged, _) = counted_knowing(&set(&[&stranger]), &presented, Some(&proofs));
    assert_eq!(judged.unwrap_err().reason, Reason::UnknownIssuer);
}

#[test]
fn what_strangers_show_is_not_kept() {
    let (root, stranger) = (Made::root(ca("Root")), Made::root(ca("Stranger")));
    let middle = stranger.issue(ca("Middle"));
    let leaf = middle.issue(client("client"));
    let proofs = Proofs::new(100);
    let (judged, _) = counted_knowing(&set(&[&root]), &chain(&[&leaf, &middle]), Some(&proofs));
    assert!(judged.is_err());
    assert_eq!(proofs.key_of(&leaf.certificate.fingerprint()), None);
}

#[test]
fn a_client_that_is_tried_in_vain_gets_in_at_a_later_attempt() {
    let roots: Vec<Made> = (0..100)
        .map(|_| Made::root(ca_without_key_id("Root")))
        .collect();
    let trust = set(&roots.iter().collect::<Vec<_>>());
    let proofs = Proofs::new(1_000);
    for root in roots.iter().step_by(7) {
        let leaf = chain(&[&root.issue(without_aki("client"))]);
        let attempts = (1..=25).find(|_| {
            let (judged, checks) = counted_knowing(&trust, &leaf, Some(&proofs));
            assert!(checks <= 4, "{checks}");
            judged.is_ok()
        });
        assert!(attempts.is_some());
        let (judged, checks) = counted_knowing(&trust, &leaf, Some(&proofs));
        assert!(judged.is_ok());
        assert_eq!(checks, 0);
    }
}

#[test]
fn helpers_are_found_by_their_key_identifier() {
    let root = Made::root(ca("Root"));
    let helpers: Vec<Made> = (0..100).map(|_| root.issue(ca("Middle"))).collect();
    let trust = set_with_helpers(&[&root], &helpers.iter().collect::<Vec<_>>());
    for helper in &helpers {
        let (judged, checks) = counted(&trust, &chain(&[&helper.issue(client("client"))]));
        assert!(judged.is_ok());
        assert_eq!(checks, 2);
    }
}
