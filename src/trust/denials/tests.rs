use std::rc::Rc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;

use super::*;
use crate::pki::crl::Crl;
use crate::pki::crl_writer::Draft;
use crate::trust::judge::{Distrust, Verified, judge, recheck, rejudge};
use crate::trust::limits::TrustLimits;
use crate::trust::policy::{OutOfDate, Revocation, RevocationScope, TrustPolicy};
use crate::trust::set::{TrustSet, TrustSource};
use crate::trust::shared::SharedTrust;
use crate::trust::verdicts::Verdicts;
use crate::trust::workshop::*;

fn denial(what: Denied) -> Denial {
    Denial {
        what,
        reason: Arc::from("lost laptop"),
        until: None,
    }
}

fn until(what: Denied, end: Moment) -> Denial {
    Denial {
        until: Some(end),
        ..denial(what)
    }
}

fn denying(anchors: &[&Made], denials: Vec<Denial>) -> TrustSet {
    TrustSet::build(TrustSource {
        anchors: anchors
            .iter()
            .map(|made| (made.certificate.clone(), Arc::from("a")))
            .collect(),
        denials,
        ..TrustSource::default()
    })
    .unwrap()
}

fn judged(trust: &TrustSet, presented: &[CertificateDer<'_>]) -> Result<Verified, Distrust> {
    judge(trust, presented, now(), &TrustLimits::default())
}

/// Every way to deny a certificate.
fn ways(certificate: &Certificate) -> Vec<Denied> {
    let facts = certificate.facts();
    let serial = |issuer| Denied::Serial {
        serial: facts.serial.clone(),
        issuer,
    };
    vec![
        Denied::Certificate(certificate.fingerprint()),
        Denied::Key(facts.spki_sha256),
        serial(None),
        serial(Some(Name::of(&facts.raw_issuer))),
        Denied::Subject(Name::of(&facts.raw_subject)),
    ]
}

fn is_denied(outcome: Result<Verified, Distrust>, words: &[&str]) {
    let distrust = outcome.expect_err("it is denied");
    assert_eq!(distrust.reason, Reason::Denied, "{distrust}");
    for word in words {
        assert!(distrust.detail.contains(word), "{word} {distrust}");
    }
    assert!(distrust.detail.ends_with("lost laptop."), "{distrust}");
}

#[test]
fn each_kind_denies_each_certificate_of_the_path_and_the_one_is_named() {
    let root = Made::root(ca("Root"));
    let middle = root.issue(ca("Middle"));
    let (leaf, other) = (middle.issue(client("client")), root.issue(client("other")));
    let shown = chain(&[&leaf, &middle]);
    let parts = [
        (&leaf, "The client certificate CN=client"),
        (&middle, "The intermediate certificate CN=Middle"),
        (&root, "The trust anchor CN=Root"),
    ];
    for (made, called) in parts {
        for what in ways(&made.certificate) {
            let trust = denying(&[&root], vec![denial(what.clone())]);
            is_denied(judged(&trust, &shown), &[called]);
            let spared = judged(&trust, &chain(&[&other])).is_ok();
            assert_eq!(spared, called != "The trust anchor CN=Root", "{what:?}");
        }
    }
}

#[test]
fn what_only_looks_alike_is_not_denied() {
    let (root, others) = (Made::root(ca("Root")), Made::root(ca("Others")));
    let leaf = root.issue(client("client"));
    let facts = leaf.certificate.facts();
    let cases = [
        Denied::Key(leaf.certificate.fingerprint()),
        Denied::Certificate(facts.spki_sha256),
        Denied::Serial {
            serial: facts.serial.clone(),
            issuer: Some(Name::of(&others.certificate.facts().raw_subject)),
        },
        Denied::Subject(Name::of(&others.certificate.facts().raw_subject)),
    ];
    for what in cases {
        let trust = denying(&[&root], vec![denial(what.clone())]);
        assert!(judged(&trust, &chain(&[&leaf])).is_ok(), "{what:?}");
    }
}

#[test]
fn a_denied_key_is_denied_in_a_renewed_certificate_too() {
    let root = Made::root(ca("Root"));
    let leaf = root.issue(client("client"));
    let renewed = root.issue_for(client("another name"), Rc::clone(&leaf.key));
    let key = Denied::Key(leaf.certificate.facts().spki_sha256);
    is_denied(
        judged(&denying(&[&root], vec![denial(key)]), &chain(&[&renewed])),
        &["by its key"],
    );
}

#[test]
fn no_other_path_helps_who_is_denied_and_other_paths_stay_open_where_an_issuer_is() {
    let (root, second) = (Made::root(ca("Root")), Made::root(ca("Second")));
    let middle = root.issue(ca("Middle"));
    // The same CA, certified by another root.
    let crossed = second.issue_for(ca("Middle"), Rc::clone(&middle.key));
    let leaf = middle.issue(client("client"));
    let shown = chain(&[&leaf, &middle, &crossed]);
    let anchors = [&root, &second];
    for what in ways(&leaf.certificate) {
        is_denied(judged(&denying(&anchors, vec![denial(what)]), &shown), &[]);
    }
    for one in [&middle, &root] {
        let what = Denied::Certificate(one.certificate.fingerprint());
        let verified = judged(&denying(&anchors, vec![denial(what)]), &shown).unwrap();
        assert_eq!(verified.anchor, second.certificate.fingerprint());
    }
    // Both bear the name and the key.
    for what in [
        Denied::Key(middle.certificate.facts().spki_sha256),
        Denied::Subject(Name::of(&middle.certificate.facts().raw_subject)),
    ] {
        is_denied(judged(&denying(&anchors, vec![denial(what)]), &shown), &[]);
    }
}

#[test]
fn a_denial_ends_at_its_end_and_one_that_ended_hides_no_other() {
    let root = Made::root(ca("Root"));
    let leaf = root.issue(client("client"));
    let shown = chain(&[&leaf]);
    let certificate = Denied::Certificate(leaf.certificate.fingerprint());
    let key = Denied::Key(leaf.certificate.facts().spki_sha256);
    let at = |trust: &TrustSet, moment| judge(trust, &shown, moment, &TrustLimits::default());
    let end = now().plus(Duration::from_secs(60));
    let trust = denying(&[&root], vec![until(certificate.clone(), end)]);
    let last = end.minus(Duration::from_millis(1));
    is_denied(at(&trust, last), &[&format!("until {end}")]);
    assert!(at(&trust, end).is_ok());
    let trust = denying(&[&root], vec![until(certificate, end), denial(key)]);
    is_denied(at(&trust, end), &["by its key"]);
}

#[test]
fn on_a_shared_host_a_realm_denies_for_itself_alone() {
    let root = Made::root(ca("Root"));
    let leaf = root.issue(client("client"));
    let shown = chain(&[&leaf]);
    let key = || denial(Denied::Key(leaf.certificate.facts().spki_sha256));
    let strict = Arc::new(denying(&[&root], vec![key()]));
    let lax = Arc::new(denying(&[&root], Vec::new()));
    let shared = |sets: &[(&str, &Arc<TrustSet>)]| {
        sets.iter()
            .fold(SharedTrust::default(), |shared, (name, set)| {
                shared.with(&Arc::from(*name), None, Some(set))
            })
    };
    let limits = TrustLimits::default();
    let alone = shared(&[("acme", &strict)]);
    is_denied(judge(&alone, &shown, now(), &limits), &[]);
    let both = shared(&[("acme", &strict), ("globex", &lax)]);
    let verified = judge(&both, &shown, now(), &limits).unwrap();
    is_denied(rejudge(&verified, &*strict, now()), &[]);
    assert!(rejudge(&verified, &*lax, now()).is_ok());
    // The one who let it in goes.
    is_denied(rejudge(&verified, &alone, now()), &[]);
}

#[test]
fn nothing_that_is_remembered_outlives_a_denial_and_its_end_lets_in_again() {
    let root = Made::root(ca("Root"));
    let leaf = root.issue(client("client"));
    let shown = chain(&[&leaf]);
    let limits = TrustLimits::default();
    let verdicts = Verdicts::new(16, 60_000);
    let before = denying(&[&root], Vec::new());
    let end = now().plus(Duration::from_secs(5));
    let key = Denied::Key(leaf.certificate.facts().spki_sha256);
    let after = denying(&[&root], vec![until(key, end)]);
    let verified = verdicts.judge(&before, &shown, now(), &limits).unwrap();
    assert!(recheck(&verified, &before, now()).is_ok());
    is_denied(verdicts.judge(&after, &shown, now(), &limits), &[]);
    is_denied(verdicts.rejudge(&verified, &after, now()), &[]);
    let shared =
        |set: TrustSet| SharedTrust::default().with(&Arc::from("acme"), None, Some(&Arc::new(set)));
    let verified = verdicts
        .judge(&shared(before), &shown, now(), &limits)
        .unwrap();
    let after = shared(after);
    is_denied(verdicts.judge(&after, &shown, now(), &limits), &[]);
    is_denied(verdicts.rejudge(&verified, &after, now()), &[]);
    let again = verdicts.judge(&after, &shown, end, &limits).unwrap();
    assert_eq!(again.ends(), verified.ends(), "its end shortens nothing");
}

#[test]
fn sets_that_deny_otherwise_are_told_apart() {
    let root = Made::root(ca("Root"));
    let print = root.certificate.fingerprint();
    let name = Name::of(&root.certificate.facts().raw_subject);
    let serial = |serial: &str, issuer: Option<&Name>| Denied::Serial {
        serial: serial.to_owned(),
        issuer: issuer.cloned(),
    };
    let end = now();
    let because = |reason: &str| Denial {
        reason: Arc::from(reason),
        ..denial(Denied::Key(print))
    };
    let lists = [
        vec![],
        vec![denial(Denied::Certificate(print))],
        vec![denial(Denied::Key(print))],
        vec![denial(Denied::Subject(name.clone()))],
        vec![denial(serial("01", None))],
        vec![denial(serial("02", None))],
        vec![denial(serial("01", Some(&name)))],
        vec![until(Denied::Key(print), end)],
        vec![until(
            Denied::Key(print),
            end.plus(Duration::from_millis(1)),
        )],
        vec![because("another")],
        vec![denial(Denied::Key(print)), denial(serial("01", None))],
    ];
    let sets: Vec<TrustSet> = lists
        .iter()
        .map(|list| denying(&[&root], list.clone()))
        .collect();
    for (place, left) in sets.iter().enumerate() {
        for (other, right) in sets.iter().enumerate() {
            assert_eq!(left.same_as(right), place == other, "{place} and {other}");
        }
    }
    let turned = vec![denial(serial("01", None)), denial(Denied::Key(print))];
    assert!(denying(&[&root], turned).same_as(&sets[10]));
}

#[test]
fn ten_thousand_denials_cost_a_look_up() {
    let root = Made::root(ca("Root"));
    let leaf = root.issue(client("client"));
    let numbered = |number: u32| {
        let print = Fingerprint::of(&number.to_be_bytes());
        denial(match number % 4 {
            0 => Denied::Certificate(print),
            1 => Denied::Key(print),
            2 => Denied::Subject(Name::of(print.as_bytes())),
            _ => Denied::Serial {
                serial: leaf.certificate.facts().serial.clone(),
                issuer: Some(Name::of(print.as_bytes())),
            },
        })
    };
    let denials = Denials::of((0..10_000).map(numbered).collect());
    let path = path(&[&leaf.certificate, &root.certificate]);
    let begun = crate::clock::Stopwatch::start();
    for _ in 0..1_000 {
        assert_eq!(denials.check(&path, now()), Ok(()));
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?} for 1,000 paths");
}

#[test]
fn a_denied_signer_of_lists_signs_none_that_count_and_what_rests_on_that_ends_with_the_denial() {
    let root = Made::root(ca("Root"));
    let signer = root.issue(with(ca("Root"), |params| {
        params.is_ca = rcgen::IsCa::NoCa;
        params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
    }));
    let leaf = root.issue(client("client"));
    let draft = || Draft::of(&root.certificate.facts().raw_subject).number(1);
    let good = draft().sign(&root.key);
    let bad = draft()
        .revoked(&leaf.certificate.facts().raw_serial, 1)
        .sign(&signer.key);
    let asking = |lists: &[&Vec<u8>], denials: Vec<Denial>| {
        TrustSet::build(TrustSource {
            anchors: vec![(root.certificate.clone(), Arc::from("a"))],
            helpers: vec![signer.certificate.clone()],
            policy: TrustPolicy {
                revocation: Revocation {
                    scope: RevocationScope::Leaf,
                    out_of_date: OutOfDate::Refuse,
                },
                ..TrustPolicy::default()
            },
            crls: lists
                .iter()
                .map(|der| Crl::from_der(der).unwrap())
                .collect(),
            denials,
        })
        .unwrap()
    };
    let end = now().plus(Duration::from_secs(60));
    let what = Denied::Certificate(signer.certificate.fingerprint());
    let shown = chain(&[&leaf]);
    let reason = |trust: &TrustSet, moment| {
        let judged = judge(trust, &shown, moment, &TrustLimits::default());
        judged
            .map(|verified| verified.revocation_ends)
            .map_err(|distrust| distrust.reason)
    };
    let both = [&good, &bad];
    assert_eq!(reason(&asking(&both, vec![]), now()), Err(Reason::Revoked));
    let denied = asking(&both, vec![until(what.clone(), end)]);
    assert_eq!(reason(&denied, now()), Ok(end));
    assert_eq!(reason(&denied, end), Err(Reason::Revoked));
    let alone = asking(&[&bad], vec![denial(what)]);
    assert_eq!(reason(&alone, now()), Err(Reason::RevocationUnknown));
}
