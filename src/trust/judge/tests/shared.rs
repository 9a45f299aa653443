use std::sync::Arc;

use super::budget::{counted, counted_knowing, without_aki};
use super::judged;
use crate::trust::judge::rejudge;
use crate::trust::proofs::Proofs;
use crate::trust::reason::Reason;
use crate::trust::set::TrustSet;
use crate::trust::shared::SharedTrust;
use crate::trust::workshop::*;

fn owner(name: &str) -> Arc<str> {
    Arc::from(name)
}

fn with_all(owners: &[(&str, &Arc<TrustSet>)]) -> SharedTrust {
    owners
        .iter()
        .fold(SharedTrust::default(), |shared, (name, set)| {
            shared.with(&owner(name), None, Some(set))
        })
}

#[test]
fn accepts_the_clients_of_every_owner_and_names_no_account() {
    let (acme, globex) = (Made::root(ca("Acme")), Made::root(ca("Globex")));
    let (of_acme, of_globex) = (Arc::new(set(&[&acme])), Arc::new(set(&[&globex])));
    let shared = with_all(&[("acme", &of_acme), ("globex", &of_globex)]);
    for root in [&acme, &globex] {
        let verified = judged(&shared, &chain(&[&root.issue(client("client"))])).unwrap();
        assert_eq!(verified.anchor, root.certificate.fingerprint());
        assert_eq!(&*verified.identity.account, "");
    }
    let stranger = Made::root(ca("Stranger")).issue(client("client"));
    assert_eq!(
        judged(&shared, &chain(&[&stranger])).unwrap_err().reason,
        Reason::UnknownIssuer
    );
}

#[test]
fn a_client_is_held_to_the_realm_that_it_calls() {
    let (acme, globex) = (Made::root(ca("Acme")), Made::root(ca("Globex")));
    let (of_acme, of_globex) = (Arc::new(set(&[&acme])), Arc::new(set(&[&globex])));
    let shared = with_all(&[("acme", &of_acme), ("globex", &of_globex)]);
    let verified = judged(&shared, &chain(&[&acme.issue(client("client"))])).unwrap();
    let held = rejudge(&verified, &of_acme, now()).unwrap();
    assert_eq!(&*held.identity.account, "dgb-mtls-test");
    assert_eq!(held.identity.fingerprint, verified.identity.fingerprint);
    assert_eq!(
        rejudge(&verified, &of_globex, now()).unwrap_err().reason,
        Reason::AnchorRemoved
    );
}

#[test]
fn changes_of_one_owner_leave_the_others_alone() {
    let (one, two) = (Made::root(ca("One")), Made::root(ca("Two")));
    let (first, second) = (Arc::new(set(&[&one])), Arc::new(set(&[&one, &two])));
    let before = with_all(&[("acme", &first), ("globex", &first)]);
    let after = before.with(&owner("acme"), Some(&first), Some(&second));
    let (of_one, of_two) = (
        chain(&[&one.issue(client("x"))]),
        chain(&[&two.issue(client("x"))]),
    );
    assert!(
        judged(&before, &of_two).is_err(),
        "what was given out does not change"
    );
    assert!(judged(&after, &of_one).is_ok() && judged(&after, &of_two).is_ok());
    let without_acme = after.with(&owner("acme"), Some(&second), None);
    assert!(
        judged(&without_acme, &of_one).is_ok(),
        "globex still trusts it"
    );
    assert!(judged(&without_acme, &of_two).is_err());
    let nobody = without_acme.with(&owner("globex"), Some(&first), None);
    assert!(nobody.is_empty() && judged(&nobody, &of_one).is_err());
    assert!(!nobody.has_anchor(&one.certificate.fingerprint()));
    assert!(after.has_anchor(&two.certificate.fingerprint()));
}

#[test]
fn a_hostile_owner_cannot_make_another_owners_client_refused() {
    let honest = Made::root(ca("Root"));
    let key_id = honest.certificate.facts().subject_key_id.clone().unwrap();
    let taken = || Made::root(with_key_id(ca("Root"), &key_id));
    let mut hostile: Vec<Made> = (0..60).map(|_| taken()).collect();
    hostile.extend((0..20).map(|_| Made::root(ca_without_key_id("Root"))));
    // The honest one's anchor among the hostile one's own must not make it pay for them.
    hostile.push(honest.clone());
    let of_hostile = Arc::new(set(&hostile.iter().collect::<Vec<_>>()));
    let of_honest = Arc::new(set(&[&honest]));
    let leaf = chain(&[&honest.issue(client("client"))]);
    for (first, second) in [("a", "z"), ("z", "a")] {
        let shared = with_all(&[(first, &of_hostile), (second, &of_honest)]);
        let (judged, checks) = counted(&shared, &leaf);
        assert_eq!(judged.unwrap().anchor, honest.certificate.fingerprint());
        assert!(checks <= 5, "{checks}");
    }
}

#[test]
fn an_owner_who_has_an_anchor_in_common_with_a_hostile_one_pays_for_itself() {
    let honest = Made::root(ca("Root"));
    let middle = honest.issue(ca("Middle"));
    let leaf = middle.issue(client("client"));
    let key_id = leaf.certificate.facts().authority_key_id.clone().unwrap();
    let mut hostile: Vec<Made> = (0..10)
        .map(|_| Made::root(with_key_id(ca("Middle"), &key_id)))
        .collect();
    hostile.push(honest.clone());
    let of_hostile = Arc::new(set(&hostile.iter().collect::<Vec<_>>()));
    let of_honest = Arc::new(set(&[&honest]));
    for (first, second) in [("a", "z"), ("z", "a")] {
        let shared = with_all(&[(first, &of_hostile), (second, &of_honest)]);
        let (judged, checks) = counted(&shared, &chain(&[&leaf, &middle]));
        assert_eq!(judged.unwrap().anchor, honest.certificate.fingerprint());
        assert_eq!(checks, 2);
    }
}

#[test]
fn thirty_hostile_owners_with_the_same_names_do_not_get_in_the_way() {
    let honest = Made::root(ca("Root"));
    let key_id = honest.certificate.facts().subject_key_id.clone().unwrap();
    let mut shared = with_all(&[("honest", &Arc::new(set(&[&honest])))]);
    for number in 0..30 {
        let taken: Vec<Made> = (0..5)
            .map(|_| Made::root(with_key_id(ca("Root"), &key_id)))
            .collect();
        let taken = Arc::new(set(&taken.iter().collect::<Vec<_>>()));
        shared = shared.with(&owner(&format!("hostile-{number}")), None, Some(&taken));
    }
    let (judged, checks) = counted(&shared, &chain(&[&honest.issue(client("client"))]));
    assert!(judged.is_ok());
    assert!(checks <= 31, "{checks}");
    let (judged, checks) = counted(
        &shared,
        &chain(&[&Made::root(with_key_id(ca("Root"), &key_id)).issue(client("x"))]),
    );
    assert_eq!(judged.unwrap_err().reason, Reason::UnknownIssuer);
    assert_eq!(checks, 32);
}

#[test]
fn hostile_helpers_do_not_use_up_what_an_honest_owner_needs() {
    let root = Made::root(ca("Root"));
    let middle = root.issue(ca("Middle"));
    let leaf = chain(&[&middle.issue(client("client"))]);
    let evil = Made::root(ca("Evil"));
    let misleading: Vec<Made> = (0..40)
        .map(|_| {
            evil.issue_for(
                with(middle.params.clone(), |p| {
                    p.serial_number = Some(rand_serial())
                }),
                middle.key.clone(),
            )
        })
        .collect();
    let of_hostile = Arc::new(set_with_helpers(
        &[&Made::root(ca("Evil 2"))],
        &misleading.iter().collect::<Vec<_>>(),
    ));
    let of_honest = Arc::new(set_with_helpers(&[&root], &[&middle]));
    for (first, second) in [("a", "z"), ("z", "a")] {
        let shared = with_all(&[(first, &of_hostile), (second, &of_honest)]);
        let (judged, checks) = counted(&shared, &leaf);
        assert_eq!(judged.unwrap().anchor, root.certificate.fingerprint());
        assert!(checks <= 8, "{checks}");
    }
}

fn rand_serial() -> rcgen::SerialNumber {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed).into()
}

#[test]
fn a_ca_that_a_thousand_owners_trust_is_tried_once() {
    let popular = Made::root(ca("Popular"));
    let trust = Arc::new(set(&[&popular]));
    let namesake = Made::root(ca("Popular"));
    let of_namesake = Arc::new(set(&[&namesake]));
    let mut shared = with_all(&[("m", &of_namesake)]);
    for number in 0..1_000 {
        shared = shared.with(&owner(&format!("realm-{number}")), None, Some(&trust));
    }
    for root in [&popular, &namesake] {
        let (judged, checks) = counted(&shared, &chain(&[&root.issue(client("client"))]));
        assert!(judged.is_ok());
        assert_eq!(checks, 1);
    }
    let stranger = Made::root(ca("Popular")).issue(client("client"));
    let (judged, checks) = counted(&shared, &chain(&[&stranger]));
    assert_eq!(judged.unwrap_err().reason, Reason::UnknownIssuer);
    assert_eq!(checks, 2);
}

/// A union of the honest owner's set with two hundred others.
fn among_two_hundred(honest: &Arc<TrustSet>, hostile: impl Fn(u32) -> TrustSet) -> SharedTrust {
    (0..200).fold(with_all(&[("m", honest)]), |shared, number| {
        let name = format!("{}-{number}", if number % 2 == 0 { "a" } else { "z" });
        shared.with(&owner(&name), None, Some(&Arc::new(hostile(number))))
    })
}

#[test]
fn two_hundred_hostile_owners_with_the_same_name_and_key_identifier_do_not_matter() {
    let honest = Made::root(ca("Root"));
    let key_id = honest.certificate.facts().subject_key_id.clone().unwrap();
    let shared = among_two_hundred(&Arc::new(set(&[&honest])), |_| {
        set(&[&Made::root(with_key_id(ca("Root"), &key_id))])
    });
    let (judged, checks) = counted(&shared, &chain(&[&honest.issue(client("client"))]));
    assert_eq!(judged.unwrap().anchor, honest.certificate.fingerprint());
    assert_eq!(checks, 1);
    // The client leaves out or sends along its issuer, whose name and identifier are taken as well.
    let middle = honest.issue(ca("Middle"));
    let key_id = middle.certificate.facts().subject_key_id.clone().unwrap();
    let taken = |_| set(&[&Made::root(with_key_id(ca("Middle"), &key_id))]);
    let leaf = middle.issue(client("client"));
    for (honest, presented) in [
        (set(&[&honest]), chain(&[&leaf, &middle])),
        (set_with_helpers(&[&honest], &[&middle]), chain(&[&leaf])),
        (set(&[&middle]), chain(&[&leaf])),
    ] {
        let shared = among_two_hundred(&Arc::new(honest), taken);
        let (judged, checks) = counted(&shared, &presented);
        assert!(judged.is_ok());
        assert!(checks <= 2, "{checks}");
    }
}

#[test]
fn two_hundred_hostile_owners_with_the_very_same_key_do_not_matter() {
    let honest = Made::root(ca("Root"));
    let middle = honest.issue(ca("Middle"));
    let evil = Made::root(ca("Evil"));
    // The key is public: anybody can have another certificate issued for it, with which nothing can be reached.
    let useless = |number: u32| {
        evil.issue_for(
            with(with_path_length(ca("Root"), 0), |params| {
                params.serial_number = Some(u64::from(number).into())
            }),
            honest.key.clone(),
        )
    };
    let shared = among_two_hundred(&Arc::new(set(&[&honest])), |number| {
        set(&[&useless(number)])
    });
    let presented = chain(&[&middle.issue(client("client")), &middle]);
    let (judged, checks) = counted(&shared, &presented);
    assert_eq!(judged.unwrap().anchor, honest.certificate.fingerprint());
    assert_eq!(checks, 2);
}

#[test]
fn a_key_identifier_that_was_chosen_freely_may_take_a_second_attempt() {
    let honest = Made::root(with_key_id(ca("Root"), b"our own"));
    let taken = || Made::root(with_key_id(ca("Root"), b"our own"));
    let shared = among_two_hundred(&Arc::new(set(&[&honest])), |_| set(&[&taken()]));
    let proofs = Proofs::new(100);
    let leaf = chain(&[&honest.issue(client("client"))]);
    // 201 owners, 32 checks each time.
    let attempts = (1..=7).find(|_| {
        let (judged, checks) = counted_knowing(&shared, &leaf, Some(&proofs));
        assert!(checks <= 32, "{checks}");
        judged.is_ok()
    });
    assert!(attempts.is_some());
    let (judged, checks) = counted_knowing(&shared, &leaf, Some(&proofs));
    assert!(judged.is_ok());
    assert_eq!(checks, 0);
}

#[test]
fn a_client_without_an_authority_key_identifier_gets_in_at_a_later_attempt() {
    let honest = Made::root(ca("Root"));
    let shared = among_two_hundred(&Arc::new(set(&[&honest])), |_| {
        set(&[&Made::root(ca("Root"))])
    });
    let proofs = Proofs::new(100);
    let leaf = honest.issue(without_aki("client"));
    let attempts = (1..=7).find(|_| {
        counted_knowing(&shared, &chain(&[&leaf]), Some(&proofs))
            .0
            .is_ok()
    });
    assert!(attempts.is_some());
    let (judged, checks) = counted(&shared, &chain(&[&leaf, &honest]));
    assert!(judged.is_ok(), "at once where it sends the root along");
    assert_eq!(checks, 1);
}
