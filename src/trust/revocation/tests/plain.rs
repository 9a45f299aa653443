//! PKITS 4.4: one list of each issuer.

use super::*;
use crate::pki::crl_writer::{extension, name};

#[test]
fn decides_by_the_list_of_the_issuer() {
    let house = House::new();
    let list = list(&house.ca);
    let good = signed(&list, &house.ca);
    let revoked = signed(&list.revoked(serial(&house.client), 1), &house.ca);
    valid(
        "not in the list",
        house.verdict(std::slice::from_ref(&good)),
    );
    refused(
        "in the list",
        house.verdict(&[revoked]),
        Reason::Revoked,
        &[
            "client certificate CN=client",
            "keyCompromise",
            "CN=ca of 2030-05-15T00:00:00Z",
            "have a new certificate issued",
        ],
    );
    unknown_in(
        "4.4.1 no list",
        house.verdict(&[]),
        "There is no revocation list for the client certificate CN=client",
    );
    let of_root = super::list(&house.root).revoked(serial(&house.ca), 2);
    refused(
        "4.4.2 CA revoked",
        verdict(&house.path(), &[], &[signed(&of_root, &house.root)], CHAIN),
        Reason::Revoked,
        &["intermediate certificate CN=ca", "cACompromise"],
    );
    unknown_in(
        "no list of the root",
        verdict(&house.path(), &[], &[good], CHAIN),
        "for the intermediate certificate CN=ca",
    );
}

#[test]
fn counts_no_list_of_a_wrong_issuer_or_key() {
    let house = House::new();
    let other = Made::root(ca("other"));
    let by_other_key = signed(&list(&house.ca), &other);
    unknown_in(
        "4.4.4 bad signature",
        house.verdict(std::slice::from_ref(&by_other_key)),
        "signed with no key that may sign it",
    );
    let other_name = signed(&Draft::of(&name(&["other"])), &house.ca);
    unknown_in(
        "4.4.5 bad name",
        house.verdict(&[other_name]),
        "no revocation list",
    );
    let wrong = list(&house.ca).number(9).revoked(serial(&house.client), 1);
    let good = signed(&list(&house.ca).number(1), &house.ca);
    valid(
        "4.4.7 a wrong list and a good one",
        house.verdict(&[signed(&wrong, &other), good]),
    );
    let root_for_ca = signed(
        &list(&house.root).revoked(serial(&house.client), 1),
        &house.root,
    );
    unknown_in(
        "4.4.6 wrong list",
        house.verdict(&[root_for_ca]),
        "no revocation list",
    );
}

#[test]
fn counts_no_list_with_something_critical_that_is_not_understood() {
    let house = House::new();
    let unknown = || extension(99, true, &[5, 0]);
    let in_entry = list(&house.ca).entry(&[1], &[unknown()]);
    let in_list = list(&house.ca).extension(99, true, &[5, 0]);
    for (case, draft) in [("4.4.8", in_entry), ("4.4.9", in_list)] {
        let newer = signed(&draft.number(2), &house.ca);
        let older = signed(&list(&house.ca).number(1), &house.ca);
        unknown_in(
            case,
            house.verdict(std::slice::from_ref(&newer)),
            "2.5.29.99",
        );
        unknown_in(case, house.verdict(&[older, newer]), "2.5.29.99");
    }
    let not_critical = list(&house.ca)
        .entry(&[1], &[extension(99, false, &[5, 0])])
        .extension(99, false, &[5, 0]);
    valid(
        "not critical",
        house.verdict(&[signed(&not_critical, &house.ca)]),
    );
}

#[test]
fn counts_a_list_between_its_dates_and_longer_where_the_policy_says_so() {
    let house = House::new();
    let at = |this: &str, next: Option<&str>, out_of_date| {
        let lists = [
            signed(&list(&house.ca).dates(this, next), &house.ca),
            signed(
                &list(&house.root).dates("2030-05-01", Some("2040-01-01")),
                &house.root,
            ),
        ];
        let revocation = Revocation {
            scope: RevocationScope::Chain,
            out_of_date,
        };
        let verdict = verdict(&house.path(), &[], &lists, revocation);
        verdict
            .map(|until| until.to_string())
            .map_err(|finding| finding.reason)
    };
    let until = |text: &str| Ok(text.to_owned());
    let end = "2030-05-31T22:00:00Z";
    use OutOfDate::{Allow, AllowHours, Refuse};
    for (this, next, out_of_date, expected) in [
        (
            "2030-05-15",
            Some("2030-06-15"),
            Refuse,
            until("2030-06-15T00:00:01Z"),
        ),
        (
            "2030-05-15",
            Some("2030-06-01"),
            Refuse,
            until("2030-06-01T00:00:01Z"),
        ),
        ("2030-05-15", Some(end), Refuse, Err(Reason::CrlOutOfDate)),
        (
            "2030-05-15",
            Some(end),
            AllowHours(2),
            Err(Reason::CrlOutOfDate),
        ),
        (
            "2030-05-15",
            Some(end),
            AllowHours(3),
            until("2030-06-01T01:00:00Z"),
        ),
        (
            "2030-05-15",
            Some("1999-01-01"),
            Refuse,
            Err(Reason::CrlOutOfDate),
        ),
        ("2030-05-15", None, Refuse, Err(Reason::CrlOutOfDate)),
        (
            "2030-05-15",
            None,
            AllowHours(24),
            Err(Reason::CrlOutOfDate),
        ),
        (
            "2030-05-15",
            None,
            AllowHours(24 * 18),
            until("2030-06-02T00:00:00Z"),
        ),
        (
            "2030-05-15",
            Some("2050-01-01T12:01:00Z"),
            Refuse,
            until("2040-01-01T00:00:01Z"),
        ),
        (
            "2030-06-01",
            Some("2030-06-15"),
            Refuse,
            until("2030-06-15T00:00:01Z"),
        ),
        (
            "2030-06-01T00:00:01Z",
            Some("2030-06-15"),
            Refuse,
            Err(Reason::RevocationUnknown),
        ),
        (
            "2030-06-01T00:00:01Z",
            Some("2030-06-15"),
            Allow,
            Err(Reason::RevocationUnknown),
        ),
    ] {
        assert_eq!(
            at(this, next, out_of_date),
            expected,
            "{this} {next:?} {out_of_date:?}"
        );
    }
    assert_eq!(at("2030-05-15", None, Allow), Ok(Moment::MAX.to_string()));
}

#[test]
fn an_out_of_date_list_that_counts_still_revokes() {
    let house = House::new();
    let draft = list(&house.ca)
        .dates("2030-05-01", Some("2030-05-02"))
        .revoked(serial(&house.client), 4);
    let lists = [
        signed(&draft, &house.ca),
        signed(&list(&house.root), &house.root),
    ];
    let allow = Revocation {
        out_of_date: OutOfDate::Allow,
        ..CHAIN
    };
    revoked_in("allowed", verdict(&house.path(), &[], &lists, allow));
    refused(
        "refused",
        verdict(&house.path(), &[], &lists, CHAIN),
        Reason::CrlOutOfDate,
        &[
            "CN=ca of 2030-05-01",
            "replaced by 2030-05-02",
            "client certificate CN=client",
        ],
    );
}

#[test]
fn looks_up_what_the_policy_says_and_never_the_anchor() {
    let house = House::new();
    let lists = [
        signed(
            &list(&house.root).revoked(serial(&house.ca), 1),
            &house.root,
        ),
        signed(&list(&house.ca), &house.ca),
    ];
    let scope = |scope| {
        let revocation = Revocation { scope, ..CHAIN };
        verdict(&house.path(), &[], &lists, revocation)
    };
    assert_eq!(scope(RevocationScope::Off), Ok(Moment::MAX));
    valid("leaf", scope(RevocationScope::Leaf));
    revoked_in("chain", scope(RevocationScope::Chain));
    let revokes_itself = list(&house.root).revoked(serial(&house.root), 1);
    let lists = [
        signed(&revokes_itself, &house.root),
        signed(&list(&house.ca), &house.ca),
    ];
    valid("anchor", verdict(&house.path(), &[], &lists, CHAIN));
    let nothing = Revocation {
        scope: RevocationScope::Off,
        ..CHAIN
    };
    valid("off", verdict(&house.path(), &[], &[], nothing));
}

#[test]
fn finds_long_and_negative_serial_numbers_and_no_others() {
    let house = House::of(with(client("client"), |params| {
        params.serial_number = Some(vec![0x7f; 20].into());
    }));
    let draft = list(&house.ca);
    let almost = [&[0x7f; 19][..], &[0x7e]].concat();
    valid(
        "4.4.16",
        house.verdict(&[signed(&draft.clone().revoked(&almost, 1), &house.ca)]),
    );
    revoked_in(
        "4.4.17",
        house.verdict(&[signed(&draft.revoked(&[0x7f; 20], 1), &house.ca)]),
    );
    let negative = list(&house.ca)
        .revoked(&[0xff], 1)
        .revoked(&[0x00, 0x80], 1);
    let crls = Crls::build(&[signed(&negative, &house.ca)]);
    let issuer = Name::of(name_of(&house.ca));
    let filed = &crls.of_issuer(&issuer)[0].complete[0];
    for (serial, expected) in [
        (&[0xff][..], true),
        (&[0xff, 0xff], true),
        (&[0x00, 0xff], false),
        (&[0x00, 0x80], true),
        (&[0x00, 0x00, 0x80], true),
        (&[0x80], false),
        (&[0x01], false),
        (&[], false),
    ] {
        let found = filed.entry(&issuer, serial).is_some();
        assert_eq!(found, expected, "4.4.14 {serial:?}");
    }
    assert!(
        filed
            .entry(&Name::of(name_of(&house.root)), &[0xff])
            .is_none()
    );
}

#[test]
fn finds_each_of_many_entries() {
    let house = House::new();
    let draft = (0..=300_u32).rev().fold(list(&house.ca), |draft, number| {
        let serial = [&[1][..], &(number * 2).to_be_bytes()].concat();
        draft.revoked(&serial, 1)
    });
    let crls = Crls::build(&[signed(&draft, &house.ca)]);
    let issuer = Name::of(name_of(&house.ca));
    let filed = &crls.of_issuer(&issuer)[0].complete[0];
    for number in 0..=602_u32 {
        let serial = [&[1][..], &number.to_be_bytes()].concat();
        let found = filed.entry(&issuer, &serial);
        assert_eq!(
            found.is_some(),
            number % 2 == 0 && number <= 600,
            "{number}"
        );
        assert!(found.is_none_or(|entry| entry.raw_serial == serial));
    }
}

#[test]
fn compares_names_as_rfc_5280_does() {
    let house = House::new();
    let draft = Draft::of(&name(&[" CA "])).revoked(serial(&house.client), 1);
    revoked_in("folded", house.verdict(&[signed(&draft, &house.ca)]));
}
