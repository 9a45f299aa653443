use std::rc::Rc;
use std::sync::Arc;

use rcgen::KeyPair;

use super::{check, judged};
use crate::pki::fingerprint::Fingerprint;
use crate::trust::demands::RULEBOOKS_MAX;
use crate::trust::judge::{recheck, rejudge};
use crate::trust::policy::{Pin, Signatures, TrustPolicy};
use crate::trust::reason::Reason;
use crate::trust::set::{TrustSet, TrustSource};
use crate::trust::shared::SharedTrust;
use crate::trust::workshop::*;

fn demanding(anchors: &[&Made], policy: TrustPolicy) -> TrustSet {
    TrustSet::build(TrustSource {
        anchors: anchors
            .iter()
            .map(|made| (made.certificate.clone(), Arc::from("a")))
            .collect(),
        policy,
        ..TrustSource::default()
    })
    .unwrap()
}

fn pinned(pins: &[Pin]) -> TrustPolicy {
    TrustPolicy {
        pins: pins.to_vec(),
        ..TrustPolicy::default()
    }
}

fn strict() -> TrustPolicy {
    TrustPolicy {
        signatures: Signatures::Strict,
        ..TrustPolicy::default()
    }
}

fn some_pin(number: usize) -> Pin {
    Pin::Certificate(Fingerprint::of(&number.to_be_bytes()))
}

fn shared_by(sets: &[&Arc<TrustSet>]) -> SharedTrust {
    let owners = sets.iter().enumerate();
    owners.fold(SharedTrust::default(), |shared, (number, set)| {
        shared.with(&Arc::from(format!("realm-{number}")), None, Some(set))
    })
}

#[test]
fn a_pinned_certificate_or_key_is_let_in_and_no_other() {
    let root = Made::root(ca("Root"));
    let leaf = root.issue(client("client"));
    let facts = leaf.certificate.facts();
    let certificate = Pin::Certificate(leaf.certificate.fingerprint());
    let key = Pin::Key(facts.spki_sha256);
    for pins in [&[certificate][..], &[key], &[some_pin(1), key, some_pin(2)]] {
        let trust = demanding(&[&root], pinned(pins));
        assert!(judged(&trust, &chain(&[&leaf])).is_ok(), "{pins:?}");
    }
    let renewed = root.issue_for(client("client"), Rc::clone(&leaf.key));
    assert!(judged(&demanding(&[&root], pinned(&[key])), &chain(&[&renewed])).is_ok());
    // A pin of one kind is none of the other.
    let crossed = [
        Pin::Key(leaf.certificate.fingerprint()),
        Pin::Certificate(facts.spki_sha256),
    ];
    for pins in [&[some_pin(1)][..], &crossed] {
        check(
            &demanding(&[&root], pinned(pins)),
            &chain(&[&leaf]),
            Reason::NotPinned,
            &[
                "client certificate CN=client",
                &leaf.certificate.fingerprint().to_string(),
                &facts.spki_sha256.to_string(),
            ],
        );
    }
    check(
        &demanding(&[&root], pinned(&[certificate])),
        &chain(&[&renewed]),
        Reason::NotPinned,
        &[],
    );
}

#[test]
fn pins_are_asked_last() {
    let root = Made::root(ca("Root"));
    let trust = demanding(&[&root], pinned(&[some_pin(1)]));
    let expired = with(client("client"), |params| {
        params.not_after = time::macros::datetime!(2030-02-01 0:00 UTC)
    });
    check(
        &trust,
        &chain(&[&root.issue(expired)]),
        Reason::Expired,
        &[],
    );
    let stranger = Made::root(ca("Stranger")).issue(client("client"));
    check(&trust, &chain(&[&stranger]), Reason::UnknownIssuer, &[]);
}

#[test]
fn strict_realms_refuse_pkcs_1_and_short_rsa_keys() {
    let rsa = || Rc::new(KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap());
    let curve = Made::root(ca("Root"));
    let trust = demanding(&[&curve], strict());
    assert!(judged(&trust, &chain(&[&curve.issue(client("client"))])).is_ok());
    let short = curve.issue_for_rsa(&client("client"), 2048);
    check(
        &trust,
        &[der(&short)],
        Reason::WeakKey,
        &["client certificate CN=client", "RSA 2048", "3072"],
    );
    let long = curve.issue_for_rsa(&client("client"), 3072);
    assert!(judged(&trust, &[der(&long)]).is_ok());

    let by_rsa = Made::root_with(ca("RSA"), rsa());
    check(
        &demanding(&[&by_rsa], strict()),
        &chain(&[&by_rsa.issue(client("client"))]),
        Reason::WeakSignature,
        &["client certificate CN=client", "sha256WithRSAEncryption"],
    );
    // Nothing rests on how the anchor itself was signed.
    let crossed = by_rsa.issue(ca("Crossed"));
    let leaf = crossed.issue(client("client"));
    assert!(judged(&demanding(&[&crossed], strict()), &chain(&[&leaf])).is_ok());
    assert!(judged(&set(&[&by_rsa]), &chain(&[&leaf, &crossed])).is_ok());
    check(
        &demanding(&[&by_rsa], strict()),
        &chain(&[&leaf, &crossed]),
        Reason::WeakSignature,
        &["intermediate certificate CN=Crossed"],
    );
}

#[test]
fn on_a_shared_host_one_owner_who_would_have_the_client_is_enough() {
    let root = Made::root(ca("Root"));
    let leaf = root.issue(client("client"));
    let picky = Arc::new(demanding(&[&root], pinned(&[some_pin(1)])));
    let pickier = Arc::new(demanding(&[&root], pinned(&[some_pin(2)])));
    let easy = Arc::new(set(&[&root]));
    let presented = chain(&[&leaf]);
    let refused = judged(&shared_by(&[&picky, &pickier]), &presented).unwrap_err();
    assert_eq!(refused.reason, Reason::NotPinned);
    for sets in [[&picky, &easy], [&easy, &picky]] {
        let verified = judged(&shared_by(&sets), &presented).unwrap();
        assert!(rejudge(&verified, &easy, now()).is_ok());
        let refused = rejudge(&verified, &picky, now()).unwrap_err();
        assert_eq!(refused.reason, Reason::NotPinned);
    }
}

#[test]
fn on_a_shared_host_no_number_of_other_policies_keeps_a_client_out() {
    let root = Made::root(ca("Root"));
    let leaf = root.issue(client("client"));
    let picky = |number| Arc::new(demanding(&[&root], pinned(&[some_pin(number)])));
    let sets: Vec<Arc<TrustSet>> = (0..200).map(picky).collect();
    let ours = Arc::new(demanding(
        &[&root],
        pinned(&[Pin::Key(leaf.certificate.facts().spki_sha256)]),
    ));
    let sets: Vec<&Arc<TrustSet>> = sets.iter().collect();
    let shared = shared_by(&[&sets[..], &[&ours]].concat());
    let verified = judged(&shared, &chain(&[&leaf])).unwrap();
    assert!(rejudge(&verified, &ours, now()).is_ok());
    assert!(rejudge(&verified, sets[0], now()).is_err());
    // As many as can be asked are asked.
    let asked = shared_by(&sets[..RULEBOOKS_MAX]);
    assert_eq!(
        judged(&asked, &chain(&[&leaf])).unwrap_err().reason,
        Reason::NotPinned
    );
}

#[test]
fn many_owners_who_demand_the_same_are_asked_once() {
    let root = Made::root(ca("Root"));
    let picky = Arc::new(demanding(&[&root], pinned(&[some_pin(1)])));
    let shared = shared_by(&vec![&picky; 200]);
    let refused = judged(&shared, &chain(&[&root.issue(client("client"))])).unwrap_err();
    assert_eq!(refused.reason, Reason::NotPinned);
}

#[test]
fn a_verdict_of_a_shared_host_falls_with_the_last_owner_who_demands_the_same() {
    let root = Made::root(ca("Root"));
    let presented = chain(&[&root.issue(client("client"))]);
    let easy = Arc::new(set(&[&root]));
    let picky = Arc::new(demanding(&[&root], pinned(&[some_pin(1)])));
    let shared = shared_by(&[&easy, &picky]);
    let verified = judged(&shared, &presented).unwrap();
    assert_eq!(recheck(&verified, &shared, now()), Ok(()));
    let without = shared.with(&Arc::from("realm-0"), Some(&easy), None);
    assert_eq!(
        recheck(&verified, &without, now()).unwrap_err().reason,
        Reason::NotPinned
    );
}

#[test]
fn a_new_policy_is_asked_of_clients_that_are_there_already() {
    let root = Made::root(ca("Root"));
    let verified = judged(&set(&[&root]), &chain(&[&root.issue(client("client"))])).unwrap();
    let later = demanding(&[&root], pinned(&[some_pin(1)]));
    assert_eq!(
        recheck(&verified, &later, now()).unwrap_err().reason,
        Reason::NotPinned
    );
}
