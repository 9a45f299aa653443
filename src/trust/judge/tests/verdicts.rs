use std::sync::Arc;

use crate::clock::Moment;
use crate::trust::judge::{Verified, judge};
use crate::trust::limits::TrustLimits;
use crate::trust::reason::Reason;
use crate::trust::shared::SharedTrust;
use crate::trust::verdicts::Verdicts;
use crate::trust::workshop::*;

const LIFE_MS: u64 = 60_000;

fn later(ms: i64) -> Moment {
    Moment::from_unix_millis(now().unix_millis() + ms)
}

/// Whether both are one verdict, not two equal ones.
fn is_same(left: &Verified, right: &Verified) -> bool {
    Arc::ptr_eq(&left.identity, &right.identity)
}

#[test]
fn the_same_chain_gets_the_same_verdict_while_it_is_fresh() {
    let root = Made::root(ca("Root"));
    let (trust, limits) = (set(&[&root]), TrustLimits::default());
    let presented = chain(&[&root.issue(client("client"))]);
    let verdicts = Verdicts::new(100, LIFE_MS);
    let first = verdicts.judge(&trust, &presented, now(), &limits).unwrap();
    let at = |moment| verdicts.judge(&trust, &presented, moment, &limits).unwrap();
    assert!(is_same(&first, &at(later(59_999))));
    let anew = at(later(60_000));
    assert!(!is_same(&first, &anew));
    assert!(is_same(&anew, &at(later(60_001))));
    assert!(!is_same(&anew, &at(later(0))), "a clock that was set back");
    let other_limits = TrustLimits {
        rsa_bits_min: 4096,
        ..limits
    };
    let strict = verdicts
        .judge(&trust, &presented, now(), &other_limits)
        .unwrap();
    assert!(!is_same(&first, &strict));
}

#[test]
fn another_chain_or_another_set_gets_its_own_verdict() {
    let (root, other) = (Made::root(ca("Root")), Made::root(ca("Other")));
    let limits = TrustLimits::default();
    let leaf = root.issue(client("client"));
    let verdicts = Verdicts::new(100, LIFE_MS);
    let judge = |trust: &crate::trust::set::TrustSet, presented: &[&Made]| {
        verdicts.judge(trust, &chain(presented), now(), &limits)
    };
    let first = judge(&set(&[&root]), &[&leaf]).unwrap();
    let with_root = judge(&set(&[&root]), &[&leaf, &root]).unwrap();
    let of_both = judge(&set(&[&root, &other]), &[&leaf]).unwrap();
    assert!(!is_same(&first, &with_root) && !is_same(&first, &of_both));
    assert!(is_same(&first, &judge(&set(&[&root]), &[&leaf]).unwrap()));
    assert_eq!(
        judge(&set(&[&other]), &[&leaf]).unwrap_err().reason,
        Reason::UnknownIssuer
    );
}

#[test]
fn no_verdict_outlives_the_validity_on_either_side() {
    let root = Made::root(ca("Root"));
    let leaf = root.issue(with(client("client"), |params| {
        params.not_before = time::macros::datetime!(2030-06-01 0:00 UTC);
        params.not_after = time::macros::datetime!(2030-06-01 0:00:20 UTC);
    }));
    let (trust, limits) = (set(&[&root]), TrustLimits::default());
    let verdicts = Verdicts::new(100, u64::MAX);
    let judge = |ms| verdicts.judge(&trust, &chain(&[&leaf]), later(ms), &limits);
    assert!(judge(10).is_ok() && judge(20_999).is_ok());
    assert_eq!(judge(21_000).unwrap_err().reason, Reason::Expired);
    assert_eq!(judge(-1).unwrap_err().reason, Reason::NotYetValid);
}

#[test]
fn refusals_are_not_kept() {
    let root = Made::root(ca("Root"));
    let leaf = root.issue(with(client("client"), |params| {
        params.not_before = time::macros::datetime!(2030-06-01 0:00:01 UTC);
    }));
    let (trust, limits) = (set(&[&root]), TrustLimits::default());
    let verdicts = Verdicts::new(100, LIFE_MS);
    let judge = |ms| verdicts.judge(&trust, &chain(&[&leaf]), later(ms), &limits);
    assert!(judge(0).is_err());
    assert!(judge(1_000).is_ok());
}

#[test]
fn a_shared_hosts_verdict_holds_while_some_owner_demands_the_same() {
    let (root, other) = (Made::root(ca("Root")), Made::root(ca("Other")));
    let limits = TrustLimits::default();
    let presented = chain(&[&root.issue(client("client"))]);
    let (ours, theirs) = (Arc::new(set(&[&root])), Arc::new(set(&[&other])));
    let owner = |name: &str| -> Arc<str> { Arc::from(name) };
    let verdicts = Verdicts::new(100, LIFE_MS);
    let judge = |shared: &SharedTrust| verdicts.judge(shared, &presented, now(), &limits);
    let shared = SharedTrust::default().with(&owner("a"), None, Some(&ours));
    let first = judge(&shared).unwrap();
    let more = shared.with(&owner("b"), None, Some(&theirs));
    assert!(
        is_same(&first, &judge(&more).unwrap()),
        "others do not matter"
    );
    let gone = more.with(&owner("a"), Some(&ours), None);
    assert_eq!(judge(&gone).unwrap_err().reason, Reason::UnknownIssuer);
}

#[test]
fn judging_again_uses_what_is_kept() {
    let root = Made::root(ca("Root"));
    let trust = Arc::new(set(&[&root]));
    let shared = SharedTrust::default().with(&Arc::from("a"), None, Some(&trust));
    let limits = TrustLimits::default();
    let presented = chain(&[&root.issue(client("client"))]);
    let verdicts = Verdicts::new(100, LIFE_MS);
    let on_own_host = verdicts.judge(&trust, &presented, now(), &limits).unwrap();
    let on_shared_host = judge(&shared, &presented, now(), &limits).unwrap();
    let held = verdicts.rejudge(&on_shared_host, &trust, now()).unwrap();
    assert!(is_same(&held, &on_own_host));
    assert_eq!(&*held.identity.account, "dgb-mtls-test");
    assert_eq!(verdicts.recheck(&held, &trust, now()), Ok(()));
    let removed = verdicts.recheck(&held, &set(&[&Made::root(ca("Other"))]), now());
    assert_eq!(removed.unwrap_err().reason, Reason::AnchorRemoved);
}

#[test]
fn nothing_is_kept_where_nothing_may_be_nor_of_very_long_chains() {
    let root = Made::root(ca("Root"));
    let leaf = root.issue(client("client"));
    let (trust, limits) = (set(&[&root]), TrustLimits::default());
    let stuffing = Made::root(ca(&"x".repeat(9_000)));
    for (entries, presented) in [(0, chain(&[&leaf])), (100, chain(&[&leaf, &stuffing]))] {
        let verdicts = Verdicts::new(entries, LIFE_MS);
        let judge = || verdicts.judge(&trust, &presented, now(), &limits).unwrap();
        assert!(!is_same(&judge(), &judge()), "{entries}");
    }
}
