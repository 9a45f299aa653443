//! PKITS 4.14.1 to 4.14.21: distribution points, kinds of certificates, reasons.

use super::*;
use crate::pki::crl_writer::{directory_name, full_name, name, relative_name, uri};

/// The point of a certificate, that of a list, and whether the list counts.
type Case = (&'static str, Option<Vec<u8>>, Option<Vec<u8>>, bool);

#[test]
fn a_list_counts_where_its_point_is_one_of_the_certificates() {
    let full = |common_names: &[&str]| full_name(&[&directory_name(&name(common_names))]);
    let url = |text: &str| full_name(&[&uri(text)]);
    let both = full_name(&[&uri("http://a.example/1"), &uri("http://b.example/2")]);
    let one = Some(relative_name("1"));
    let cases: Vec<Case> = vec![
        (
            "4.14.1",
            Some(full(&["ca", "1"])),
            Some(full(&["ca", "1"])),
            true,
        ),
        (
            "4.14.3",
            Some(full(&["ca", "1"])),
            Some(full(&["ca", "2"])),
            false,
        ),
        ("4.14.4", one.clone(), Some(full(&["ca", "1"])), true),
        ("4.14.5", one.clone(), one.clone(), true),
        ("4.14.7", Some(full(&["ca", "1"])), one.clone(), true),
        ("4.14.8", one.clone(), Some(relative_name("2")), false),
        ("4.14.9", one.clone(), Some(full(&["1"])), false),
        ("4.14.10", one, None, true),
        ("no point at all", None, None, true),
        (
            "a part for a certificate without points",
            None,
            Some(full(&["ca", "1"])),
            false,
        ),
        ("named by the issuer", None, Some(full(&["CA"])), true),
        (
            "one of two URIs",
            Some(both.clone()),
            Some(url("http://b.example/2")),
            true,
        ),
        (
            "one of two URIs",
            Some(url("http://a.example/1")),
            Some(both.clone()),
            true,
        ),
        (
            "case of the host",
            Some(url("http://A.example/x")),
            Some(url("HTTP://a.example/x")),
            true,
        ),
        (
            "case of the path",
            Some(url("http://a.example/X")),
            Some(url("http://a.example/x")),
            false,
        ),
        (
            "neither URI",
            Some(both),
            Some(url("http://b.example/1")),
            false,
        ),
    ];
    for (case, point, issuing, counts) in cases {
        let house = House::of(match &point {
            Some(point) => with_points(client("client"), &[&[point]]),
            None => client("client"),
        });
        let of = |draft: Draft| match &issuing {
            Some(issuing) => draft.scope(&[issuing]),
            None => draft,
        };
        let good = house.verdict(&[signed(&of(list(&house.ca)), &house.ca)]);
        let draft = of(list(&house.ca)).revoked(serial(&house.client), 1);
        let bad = house.verdict(&[signed(&draft, &house.ca)]);
        if counts {
            valid(case, good);
            revoked_in(case, bad);
        } else {
            unknown_in(case, good, "another part of the certificates");
            unknown_in(case, bad, "another part of the certificates");
        }
    }
}

#[test]
fn a_list_counts_for_the_kind_of_certificates_that_it_contains() {
    let house = House::new();
    let only = |which: u8| [which, 1, 0xff];
    for (case, which, for_clients, for_cas) in [
        ("4.14.11 users", 0x81, true, false),
        ("4.14.12 CAs", 0x82, false, true),
        ("4.14.14 attributes", 0x85, false, false),
    ] {
        let of_ca = signed(&list(&house.ca).scope(&[&only(which)]), &house.ca);
        let found = house.verdict(&[of_ca]);
        assert_eq!(found.is_ok(), for_clients, "{case}: {found:?}");
        let of_root = signed(&list(&house.root).scope(&[&only(which)]), &house.root);
        let lists = [of_root, signed(&list(&house.ca), &house.ca)];
        let found = verdict(&house.path(), &[], &lists, CHAIN);
        assert_eq!(found.is_ok(), for_cas, "{case}: {found:?}");
    }
}

const SOME: &[u8] = &[0x60];
const OTHERS: &[u8] = &[0x1f, 0x80];

/// ReasonFlags of an issuing distribution point.
fn reasons(octets: &[u8]) -> Vec<u8> {
    bits(0x83, octets)
}

fn bits(tag: u8, octets: &[u8]) -> Vec<u8> {
    encode(tag, &[&[0], octets])
}

#[test]
fn lists_for_some_reasons_have_to_cover_all_together() {
    let house = House::new();
    let some = || list(&house.ca).scope(&[&reasons(SOME)]);
    let others = || list(&house.ca).scope(&[&reasons(OTHERS)]);
    let verdict = |drafts: &[Draft]| {
        let lists: Vec<Crl> = drafts
            .iter()
            .map(|draft| signed(draft, &house.ca))
            .collect();
        house.verdict(&lists)
    };
    let serial = serial(&house.client);
    valid("4.14.18", verdict(&[some(), others()]));
    unknown_in("4.14.17", verdict(&[some()]), "do not cover all reasons");
    revoked_in("4.14.15", verdict(&[some().revoked(serial, 1), others()]));
    revoked_in("4.14.16", verdict(&[some(), others().revoked(serial, 6)]));
    revoked_in("with one missing", verdict(&[some().revoked(serial, 1)]));
    valid("with a complete one", verdict(&[some(), list(&house.ca)]));
}

#[test]
fn points_for_some_reasons_have_to_cover_all_together() {
    let point = |url: &str, octets: &[u8]| [full_name(&[&uri(url)]), bits(0x81, octets)];
    let [first, second] = [point("http://x/1", SOME), point("http://x/2", OTHERS)];
    let house = House::of(with_points(
        client("client"),
        &[&[&first[0], &first[1]], &[&second[0], &second[1]]],
    ));
    let some = || list(&house.ca).scope(&[&first[0], &reasons(SOME)]);
    let others = || list(&house.ca).scope(&[&second[0], &reasons(OTHERS)]);
    let wrong_place = || list(&house.ca).scope(&[&second[0], &reasons(SOME)]);
    let verdict = |drafts: &[Draft]| {
        let lists: Vec<Crl> = drafts
            .iter()
            .map(|draft| signed(draft, &house.ca))
            .collect();
        house.verdict(&lists)
    };
    let serial = serial(&house.client);
    valid("4.14.19", verdict(&[some(), others()]));
    revoked_in("4.14.20", verdict(&[some().revoked(serial, 1), others()]));
    revoked_in("4.14.21", verdict(&[some(), others().revoked(serial, 4)]));
    unknown_in(
        "one missing",
        verdict(&[others()]),
        "do not cover all reasons",
    );
    unknown_in(
        "wrong place",
        verdict(&[wrong_place(), others()]),
        "do not cover all reasons",
    );
}
