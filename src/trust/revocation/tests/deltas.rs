//! PKITS 4.15: delta lists.

use super::*;

#[test]
fn a_delta_list_has_the_last_word_over_its_complete_list() {
    let house = House::new();
    let serial = serial(&house.client);
    let complete = || list(&house.ca).number(5);
    let delta = |base| list(&house.ca).number(7).delta(base);
    let stale = ("2030-05-01", Some("2030-05-20"));
    let dated = |draft: Draft, dates: (&str, Option<&str>)| draft.dates(dates.0, dates.1);
    let cases: Vec<(&str, Option<Draft>, Draft, Option<Reason>)> = vec![
        (
            "4.15.1 no complete list",
            None,
            delta(5),
            Some(Reason::RevocationUnknown),
        ),
        ("4.15.2 in neither", Some(complete()), delta(5), None),
        (
            "4.15.3 in the delta",
            Some(complete()),
            delta(5).revoked(serial, 1),
            Some(Reason::Revoked),
        ),
        (
            "4.15.4 in the complete",
            Some(complete().revoked(serial, 1)),
            delta(5),
            Some(Reason::Revoked),
        ),
        (
            "4.15.5 removed",
            Some(complete().revoked(serial, 6)),
            delta(5).revoked(serial, 8),
            None,
        ),
        (
            "4.15.6 held, then revoked",
            Some(complete().revoked(serial, 6)),
            delta(5).revoked(serial, 1),
            Some(Reason::Revoked),
        ),
        (
            "4.15.7 removed, never there",
            Some(complete()),
            delta(5).revoked(serial, 8),
            None,
        ),
        ("4.15.8 earlier base", Some(complete()), delta(3), None),
        (
            "4.15.9 earlier base",
            Some(complete()),
            delta(3).revoked(serial, 1),
            Some(Reason::Revoked),
        ),
        (
            "4.15.10 later base, complete list out of date",
            Some(dated(complete(), stale)),
            delta(6),
            Some(Reason::CrlOutOfDate),
        ),
        (
            "later base does not remove",
            Some(complete().revoked(serial, 6)),
            delta(6).revoked(serial, 8),
            Some(Reason::Revoked),
        ),
        (
            "a current delta list keeps an out-of-date complete list in force",
            Some(dated(complete(), stale)),
            delta(5),
            None,
        ),
        (
            "both out of date",
            Some(dated(complete(), stale)),
            dated(delta(5), stale),
            Some(Reason::CrlOutOfDate),
        ),
        (
            "an out-of-date delta list still tells what it knows",
            Some(complete()),
            dated(delta(5).revoked(serial, 1), stale),
            Some(Reason::Revoked),
        ),
        (
            "older than the complete list",
            Some(list(&house.ca).number(8)),
            delta(5).revoked(serial, 1),
            None,
        ),
        (
            "ahead of now",
            Some(complete()),
            dated(
                delta(5).revoked(serial, 1),
                ("2030-06-02", Some("2030-06-09")),
            ),
            None,
        ),
        (
            "other scope",
            Some(complete()),
            delta(5).scope(&[&[0x81, 1, 0xff]]).revoked(serial, 1),
            None,
        ),
        (
            "other key identifier",
            Some(complete().revoked(serial, 6)),
            delta(5).key_id(b"x").revoked(serial, 8),
            Some(Reason::Revoked),
        ),
        (
            "something critical in the delta list",
            Some(complete().revoked(serial, 6)),
            delta(5).extension(99, true, &[5, 0]).revoked(serial, 8),
            Some(Reason::Revoked),
        ),
        (
            "something critical in the delta list, and nothing in the complete one",
            Some(complete()),
            delta(5).extension(99, true, &[5, 0]),
            Some(Reason::RevocationUnknown),
        ),
        (
            "an out-of-date delta list releases nobody",
            Some(complete().revoked(serial, 6)),
            dated(delta(5).revoked(serial, 8), stale),
            Some(Reason::Revoked),
        ),
        (
            "one that cannot be combined, for want of a number, revokes all the same",
            Some(list(&house.ca)),
            delta(5).revoked(serial, 1),
            Some(Reason::Revoked),
        ),
        (
            "one of a later base revokes all the same",
            Some(complete()),
            delta(6).revoked(serial, 1),
            Some(Reason::Revoked),
        ),
        (
            "one with another key identifier revokes all the same",
            Some(complete()),
            delta(5).key_id(b"x").revoked(serial, 1),
            Some(Reason::Revoked),
        ),
        (
            "removed by a complete list, which may not",
            Some(complete().revoked(serial, 8)),
            delta(6),
            Some(Reason::Revoked),
        ),
    ];
    for (case, complete, delta, expected) in cases {
        let mut lists = vec![signed(&delta, &house.ca)];
        lists.extend(complete.map(|complete| signed(&complete, &house.ca)));
        let found = house.verdict(&lists).map_err(|finding| finding.reason);
        assert_eq!(found.err(), expected, "{case}");
    }
}

#[test]
fn a_delta_list_of_another_key_does_not_count() {
    let house = House::new();
    let complete = list(&house.ca).number(5).revoked(serial(&house.client), 6);
    let delta = list(&house.ca)
        .number(6)
        .delta(5)
        .revoked(serial(&house.client), 8);
    let lists = [signed(&complete, &house.ca), signed(&delta, &house.root)];
    revoked_in("other key", house.verdict(&lists));
}

#[test]
fn the_newest_delta_list_counts() {
    let house = House::new();
    let serial = serial(&house.client);
    let complete = signed(&list(&house.ca).number(5), &house.ca);
    let first = list(&house.ca).number(6).delta(5).revoked(serial, 6);
    let second = list(&house.ca).number(7).delta(5).revoked(serial, 8);
    let (first, second) = (signed(&first, &house.ca), signed(&second, &house.ca));
    valid(
        "released",
        house.verdict(&[first.clone(), complete.clone(), second]),
    );
    revoked_in("held", house.verdict(&[first, complete]));
}

#[test]
fn of_two_entries_for_one_certificate_the_one_that_revokes_counts() {
    let house = House::new();
    let serial = serial(&house.client);
    let complete = signed(&list(&house.ca).number(5), &house.ca);
    for reasons in [[1, 8], [8, 1]] {
        let delta = reasons
            .into_iter()
            .fold(list(&house.ca).number(6).delta(5), |draft, reason| {
                draft.revoked(serial, reason)
            });
        revoked_in(
            "both",
            house.verdict(&[complete.clone(), signed(&delta, &house.ca)]),
        );
    }
}

#[test]
fn a_delta_list_that_comes_into_force_ends_the_answer() {
    let house = House::new();
    let complete = signed(&list(&house.ca).number(5), &house.ca);
    let coming = list(&house.ca)
        .number(6)
        .delta(5)
        .dates("2030-06-02", Some("2030-06-09"))
        .revoked(serial(&house.client), 1);
    let until = house.verdict(&[complete, signed(&coming, &house.ca)]);
    assert_eq!(until.unwrap().to_string(), "2030-06-02T00:00:00Z");
}

#[test]
fn a_release_holds_no_longer_than_the_list_that_says_so() {
    let house = House::new();
    let serial = serial(&house.client);
    let complete = |draft: Draft| signed(&draft.dates("2030-05-01", Some("2030-06-12")), &house.ca);
    let held = complete(list(&house.ca).number(5).revoked(serial, 6));
    let free = complete(list(&house.ca).number(5));
    let delta = list(&house.ca).number(7).delta(5).revoked(serial, 8);
    let release = signed(&delta.dates("2030-05-30", Some("2030-06-05")), &house.ca);
    let until = |lists: &[Crl]| house.verdict(lists).unwrap().to_string();
    assert_eq!(until(&[held, release.clone()]), "2030-06-05T00:00:01Z");
    assert_eq!(until(&[free, release]), "2030-06-12T00:00:01Z");
}
