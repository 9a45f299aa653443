//! Which of several lists counts.

use std::cmp::Ordering;

use super::*;
use crate::trust::crls::compare;

#[test]
fn the_newest_edition_counts_whichever_was_given_first() {
    let house = House::new();
    let good = || list(&house.ca);
    let bad = || list(&house.ca).revoked(serial(&house.client), 1);
    let early = ("2030-05-10", Some("2030-06-10"));
    let late = ("2030-05-20", Some("2030-06-20"));
    let dated = |draft: Draft, dates: (&str, Option<&str>)| draft.dates(dates.0, dates.1);
    let cases = [
        (
            "by number",
            dated(good().number(1), early),
            dated(bad().number(2), late),
            true,
        ),
        (
            "released",
            dated(bad().number(1), early),
            dated(good().number(2), late),
            false,
        ),
        (
            "number before date",
            dated(bad().number(1), late),
            dated(good().number(2), early),
            false,
        ),
        (
            "by date, no numbers",
            dated(good(), early),
            dated(bad(), late),
            true,
        ),
        (
            "by date, one number",
            dated(good().number(9), early),
            dated(bad(), late),
            true,
        ),
        (
            "by date, same number",
            dated(good().number(1), early),
            dated(bad().number(1), late),
            true,
        ),
        (
            "ahead of now",
            good().number(1),
            dated(bad().number(2), ("2030-06-02", Some("2030-07-01"))),
            false,
        ),
        (
            "newer and out of date",
            good().number(1),
            dated(bad().number(2), ("2030-05-20", Some("2030-05-21"))),
            false,
        ),
    ];
    for (case, older, newer, is_revoked) in cases {
        let older = signed(&older, &house.ca);
        let newer = signed(&newer, &house.ca);
        for lists in [[older.clone(), newer.clone()], [newer, older]] {
            let verdict = house.verdict(&lists);
            match case {
                "newer and out of date" => {
                    refused(case, verdict, Reason::CrlOutOfDate, &["2030-05-20"]);
                }
                _ if is_revoked => revoked_in(case, verdict),
                _ => valid(case, verdict),
            }
        }
    }
}

#[test]
fn a_list_that_comes_into_force_ends_the_answer() {
    let house = House::new();
    let current = signed(&list(&house.ca).number(1), &house.ca);
    let coming = list(&house.ca)
        .number(2)
        .dates("2030-06-02", Some("2030-07-01"));
    let until = house.verdict(&[current, signed(&coming, &house.ca)]);
    assert_eq!(until.unwrap().to_string(), "2030-06-02T00:00:00Z");
}

#[test]
fn of_two_lists_of_one_edition_both_count() {
    let house = House::new();
    let good = signed(&list(&house.ca).number(1), &house.ca);
    let bad = list(&house.ca).number(1).revoked(serial(&house.client), 1);
    let bad = signed(&bad, &house.ca);
    revoked_in("one", house.verdict(&[good.clone(), bad.clone()]));
    revoked_in("other", house.verdict(&[bad, good]));
}

#[test]
fn compares_editions_of_one_list_only() {
    let house = House::new();
    let base = || list(&house.ca).key_id(b"1");
    let dated = |draft: Draft, date: &str| draft.dates(date, Some("2030-06-15"));
    let cases = [
        (base().number(2), base().number(1), Some(Ordering::Greater)),
        (base().number(1), base().number(2), Some(Ordering::Less)),
        (base().number(1), base().number(1), Some(Ordering::Equal)),
        (
            dated(base(), "2030-05-02"),
            dated(base().number(1), "2030-05-01"),
            Some(Ordering::Greater),
        ),
        (
            dated(base().number(2), "2030-05-01"),
            base().number(1),
            Some(Ordering::Greater),
        ),
        (
            base().number(1),
            list(&house.ca).key_id(b"2").number(1),
            None,
        ),
        (
            base().number(1),
            list(&house.root).key_id(b"1").number(1),
            None,
        ),
        (base().number(1), base().number(2).delta(1), None),
        (
            base().number(2).delta(1),
            base().number(1).delta(1),
            Some(Ordering::Greater),
        ),
        (
            base().number(1),
            base().number(1).scope(&[&[0x81, 1, 0xff]]),
            None,
        ),
    ];
    for (place, (new, old, expected)) in cases.into_iter().enumerate() {
        let found = compare(&signed(&new, &house.ca), &signed(&old, &house.ca));
        assert_eq!(found, expected, "{place}");
    }
}

#[test]
fn checks_the_signature_of_a_list_once_for_all_judgements() {
    let house = House::new();
    let lists = [
        signed(&list(&house.ca), &house.ca),
        signed(&list(&house.root), &house.root),
    ];
    let crls = Crls::build(&lists);
    let left = |crls: &Crls, left: u32| {
        let left = Cell::new(left);
        let verdict = verdict_at(&house.path(), &[], crls, CHAIN, now(), &left);
        (verdict.is_ok(), left.get())
    };
    assert_eq!(left(&crls, 1), (false, 0));
    assert_eq!(left(&crls, 2), (true, 1));
    assert_eq!(left(&crls, 0), (true, 0));
    let again = Crls::build_again(&lists, &crls);
    assert_eq!(left(&again, 0), (true, 0));
    let lists = lists.map(|list| Crl::from_der(list.der()).unwrap());
    assert_eq!(left(&Crls::build(&lists), 2), (true, 0));
}
