use std::sync::Arc;

use super::{check, judged};
use crate::clock::Moment;
use crate::pki::crl::Crl;
use crate::pki::crl_writer::Draft;
use crate::trust::judge::{recheck, rejudge};
use crate::trust::limits::TrustLimits;
use crate::trust::policy::{OutOfDate, Revocation, RevocationScope, TrustPolicy};
use crate::trust::reason::Reason;
use crate::trust::set::{TrustSet, TrustSource};
use crate::trust::shared::SharedTrust;
use crate::trust::verdicts::Verdicts;
use crate::trust::workshop::*;

fn looking_up(anchor: &Made, helpers: &[&Made], lists: &[Crl]) -> Arc<TrustSet> {
    let source = TrustSource {
        anchors: vec![(anchor.certificate.clone(), Arc::from("a"))],
        helpers: helpers
            .iter()
            .map(|made| made.certificate.clone())
            .collect(),
        policy: TrustPolicy {
            revocation: Revocation {
                scope: RevocationScope::Leaf,
                out_of_date: OutOfDate::Refuse,
            },
            ..TrustPolicy::default()
        },
        crls: lists.to_vec(),
        ..TrustSource::default()
    };
    Arc::new(TrustSet::build(source).unwrap())
}

/// A list of `issuer`, up to date from mid-May to mid-June, that revokes these.
fn list(issuer: &Made, signer: &Made, revoked: &[&Made]) -> Crl {
    let draft = Draft::of(&issuer.certificate.facts().raw_subject).number(1);
    let draft = revoked.iter().fold(draft, |draft, made| {
        draft.revoked(&made.certificate.facts().raw_serial, 1)
    });
    Crl::from_der(&draft.sign(&signer.key)).unwrap()
}

fn shared_by(sets: &[&Arc<TrustSet>]) -> SharedTrust {
    let owners = sets.iter().enumerate();
    owners.fold(SharedTrust::default(), |shared, (number, set)| {
        shared.with(&Arc::from(format!("realm-{number}")), None, Some(set))
    })
}

#[test]
fn a_revoked_client_is_refused_and_its_neighbour_is_not() {
    let root = Made::root(ca("Root"));
    let (good, bad) = (root.issue(client("good")), root.issue(client("bad")));
    let trust = looking_up(&root, &[], &[list(&root, &root, &[&bad])]);
    assert!(judged(&trust, &chain(&[&good])).is_ok());
    check(
        &trust,
        &chain(&[&bad]),
        Reason::Revoked,
        &["client certificate CN=bad"],
    );
    check(
        &looking_up(&root, &[], &[]),
        &chain(&[&good]),
        Reason::RevocationUnknown,
        &["client certificate CN=good"],
    );
}

#[test]
fn a_list_may_be_signed_by_a_helper_that_signs_nothing_else() {
    let root = Made::root(ca("Root"));
    let signer = root.issue(with(ca("Root"), |params| {
        params.is_ca = rcgen::IsCa::NoCa;
        params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
    }));
    let bad = root.issue(client("bad"));
    let lists = [list(&root, &signer, &[&bad])];
    for (helpers, reason) in [
        (&[&signer][..], Reason::Revoked),
        (&[], Reason::RevocationUnknown),
    ] {
        let trust = looking_up(&root, helpers, &lists);
        check(&trust, &chain(&[&bad]), reason, &["CN=bad"]);
    }
}

#[test]
fn a_verdict_ends_with_the_list_that_it_rests_on() {
    let root = Made::root(ca("Root"));
    let presented = chain(&[&root.issue(client("client"))]);
    let trust = looking_up(&root, &[], &[list(&root, &root, &[])]);
    let verdicts = Verdicts::new(100, u64::MAX);
    let limits = TrustLimits::default();
    let at = |text| Moment::parse(text).unwrap();
    let judge = |moment| verdicts.judge(&trust, &presented, moment, &limits);
    let verified = judge(now()).unwrap();
    assert_eq!(verified.ends(), at("2030-06-15T00:00:01Z"));
    let (last, after) = (at("2030-06-15T00:00:00.999Z"), at("2030-06-15T00:00:01Z"));
    assert!(judge(last).is_ok());
    assert!(verified.is_valid_at(last) && !verified.is_valid_at(after));
    assert_eq!(judge(after).unwrap_err().reason, Reason::CrlOutOfDate);
    assert_eq!(
        recheck(&verified, &trust, after).unwrap_err().reason,
        Reason::CrlOutOfDate
    );
}

#[test]
fn on_a_shared_host_a_client_that_all_owners_hold_revoked_is_refused_at_once() {
    let root = Made::root(ca("Root"));
    let bad = root.issue(client("bad"));
    let careful = looking_up(&root, &[], &[list(&root, &root, &[&bad])]);
    let refused = judged(&shared_by(&[&careful]), &chain(&[&bad])).unwrap_err();
    assert_eq!(refused.reason, Reason::Revoked);
    let careless = Arc::new(set(&[&root]));
    let verified = judged(&shared_by(&[&careful, &careless]), &chain(&[&bad])).unwrap();
    assert!(rejudge(&verified, &careless, now()).is_ok());
    assert_eq!(
        rejudge(&verified, &careful, now()).unwrap_err().reason,
        Reason::Revoked
    );
}

#[test]
fn a_client_that_is_revoked_later_goes() {
    let root = Made::root(ca("Root"));
    let bad = root.issue(client("bad"));
    let before = looking_up(&root, &[], &[list(&root, &root, &[])]);
    let after = looking_up(&root, &[], &[list(&root, &root, &[&bad])]);
    let verdicts = Verdicts::new(100, u64::MAX);
    let limits = TrustLimits::default();
    let owner: Arc<str> = Arc::from("a");
    let was = SharedTrust::default().with(&owner, None, Some(&before));
    let is = was.with(&owner, Some(&before), Some(&after));
    let presented = chain(&[&bad]);
    let own = verdicts.judge(&before, &presented, now(), &limits).unwrap();
    let shared = verdicts.judge(&was, &presented, now(), &limits).unwrap();
    for refused in [
        verdicts.judge(&after, &presented, now(), &limits),
        verdicts.judge(&is, &presented, now(), &limits),
        verdicts.rejudge(&own, &after, now()),
        verdicts.rejudge(&shared, &is, now()),
    ] {
        assert_eq!(refused.unwrap_err().reason, Reason::Revoked);
    }
}

#[test]
fn lists_that_others_made_up_keep_nobody_out() {
    let root = Made::root(ca("Root"));
    let leaf = chain(&[&root.issue(client("client"))]);
    let ours = looking_up(&root, &[], &[list(&root, &root, &[])]);
    let forger = Made::root(ca("Root"));
    let forged: Vec<Arc<TrustSet>> = (0..60)
        .map(|_| {
            let other = Made::root(client("x"));
            looking_up(&root, &[], &[list(&root, &forger, &[&other])])
        })
        .collect();
    let sets: Vec<&Arc<TrustSet>> = forged.iter().chain([&ours]).collect();
    let verified = judged(&shared_by(&sets), &leaf).unwrap();
    assert!(rejudge(&verified, &ours, now()).is_ok());
}
