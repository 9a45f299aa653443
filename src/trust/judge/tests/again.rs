use std::sync::Arc;

use rcgen::DnType;

use super::judged;
use crate::clock::Moment;
use crate::trust::judge::{judge, recheck, rejudge};
use crate::trust::limits::TrustLimits;
use crate::trust::reason::Reason;
use crate::trust::set::{TrustSet, TrustSource};
use crate::trust::shared::SharedTrust;
use crate::trust::workshop::*;

fn at(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

#[test]
fn a_client_stays_while_its_anchor_does() {
    let (root, other) = (Made::root(ca("Root")), Made::root(ca("Other")));
    let verified = judged(&set(&[&root]), &chain(&[&root.issue(client("client"))])).unwrap();
    assert_eq!(recheck(&verified, &set(&[&root]), now()), Ok(()));
    assert_eq!(recheck(&verified, &set(&[&other, &root]), now()), Ok(()));
}

#[test]
fn a_client_goes_when_its_anchor_does() {
    let (root, other) = (Made::root(ca("Root")), Made::root(ca("Other")));
    let verified = judged(&set(&[&root]), &chain(&[&root.issue(client("client"))])).unwrap();
    let owner: Arc<str> = Arc::from("acme");
    let trust = Arc::new(set(&[&root]));
    let shared = SharedTrust::default().with(&owner, None, Some(&trust));
    assert_eq!(recheck(&verified, &shared, now()), Ok(()));
    let removed = [
        recheck(&verified, &set(&[&other]), now()),
        recheck(&verified, &TrustSet::default(), now()),
        recheck(&verified, &shared.with(&owner, Some(&trust), None), now()),
    ];
    for distrust in removed {
        let distrust = distrust.unwrap_err();
        assert_eq!(distrust.reason, Reason::AnchorRemoved);
        assert!(distrust.detail.contains("CN=Root"), "{}", distrust.detail);
        let leaf = distrust.leaf.unwrap();
        assert_eq!(leaf.fingerprint(), verified.identity.fingerprint);
    }
}

#[test]
fn a_client_stays_when_another_anchor_serves() {
    let acme = |common_name| {
        with(ca(common_name), |params| {
            params
                .distinguished_name
                .push(DnType::OrganizationName, "Acme")
        })
    };
    let root = Made::root(acme("Root"));
    let middle = root.issue(acme("Middle"));
    let leaf = middle.issue(client("client"));
    let verified = judged(&set(&[&root]), &chain(&[&leaf, &middle])).unwrap();
    let anew = rejudge(&verified, &set(&[&middle]), now()).unwrap();
    assert_eq!(anew.anchor, middle.certificate.fingerprint());
    assert_eq!(
        anew.identity.anchor_subject,
        middle.certificate.facts().subject
    );

    let short = judged(&set(&[&middle]), &chain(&[&leaf])).unwrap();
    let distrust = recheck(&short, &set(&[&root]), now()).unwrap_err();
    assert_eq!(
        distrust.reason,
        Reason::AnchorRemoved,
        "the chain is incomplete only because the anchor is gone"
    );
}

#[test]
fn says_what_keeps_the_remaining_anchor_from_serving() {
    let root = Made::root(ca("Root"));
    let old = Made::root_with(
        with(ca("Root"), |params| {
            params.not_after = time::macros::datetime!(2030-02-01 0:00 UTC)
        }),
        root.key.clone(),
    );
    let verified = judged(
        &set(&[&root, &old]),
        &chain(&[&root.issue(client("client"))]),
    )
    .unwrap();
    let distrust = recheck(&verified, &set(&[&old]), now()).unwrap_err();
    assert_eq!(distrust.reason, Reason::Expired);
}

#[test]
fn a_client_goes_when_a_certificate_of_its_path_expires() {
    let until = |params, end| {
        with(params, |params: &mut rcgen::CertificateParams| {
            params.not_after = end
        })
    };
    let root = Made::root(until(
        ca("Root"),
        time::macros::datetime!(2030-09-01 0:00 UTC),
    ));
    let middle = root.issue(until(
        ca("Middle"),
        time::macros::datetime!(2030-08-01 0:00 UTC),
    ));
    let leaf = middle.issue(until(
        client("client"),
        time::macros::datetime!(2030-07-01 0:00 UTC),
    ));
    let long = middle.issue(client("client"));
    let short_of_root = root.issue(client("client"));
    let trust = set(&[&root]);
    let cases = [
        (
            chain(&[&leaf, &middle]),
            "2030-07-01T00:00:00.999Z",
            "2030-07-01T00:00:01Z",
            "client certificate CN=client",
        ),
        (
            chain(&[&long, &middle]),
            "2030-08-01",
            "2030-08-02",
            "intermediate certificate CN=Middle",
        ),
        (
            chain(&[&short_of_root]),
            "2030-09-01",
            "2030-09-02",
            "trust anchor CN=Root",
        ),
    ];
    for (presented, last, after, words) in cases {
        let verified = judged(&trust, &presented).unwrap();
        assert_eq!(recheck(&verified, &trust, at(last)), Ok(()), "{words}");
        let distrust = recheck(&verified, &trust, at(after)).unwrap_err();
        assert_eq!(distrust.reason, Reason::Expired);
        assert!(distrust.detail.contains(words), "{}", distrust.detail);
        assert_eq!(
            judge(&trust, &presented, at(after), &TrustLimits::default()).unwrap_err(),
            distrust
        );
        let early = recheck(&verified, &trust, at("2029-12-31")).unwrap_err();
        assert_eq!(
            early.reason,
            Reason::NotYetValid,
            "a clock that was set back does not help"
        );
    }
}

#[test]
fn the_account_is_that_of_the_set_that_is_asked() {
    let root = Made::root(ca("Root"));
    let verified = judged(&set(&[&root]), &chain(&[&root.issue(client("client"))])).unwrap();
    let renamed = TrustSet::build(TrustSource {
        anchors: vec![(root.certificate, Arc::from("dgb-mtls-new"))],
        ..TrustSource::default()
    })
    .unwrap();
    assert_eq!(
        &*rejudge(&verified, &renamed, now())
            .unwrap()
            .identity
            .account,
        "dgb-mtls-new"
    );
}
