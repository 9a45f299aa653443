//! Basic constraints and the length of a path (RFC 5280, 4.2.1.9 and 6.1.4 (k) to (m)).

use realmgate::trust::reason::Reason;

use crate::foundry::asn1::{boolean, integer, integer_octets, sequence};
use crate::foundry::certificate::{Certificate, ca, leaf};
use crate::foundry::extension::{BASIC_CONSTRAINTS, Extension, basic_constraints};
use crate::foundry::key::{Key, Kind};
use crate::path_cases::case::{Case, case};

const CA: &str = "6.1.4 (k)";
const LENGTH: &str = "6.1.4 (l), (m)";

pub fn cases() -> Vec<Case> {
    let mut cases = flags();
    cases.extend(forms());
    cases.extend(lengths());
    cases.extend(lengths_with_self_issued());
    cases.extend(long_paths());
    cases
}

/// Below the root: an intermediate with (or without) basic constraints, and a client.
fn with(name: &'static str, clause: &'static str, constraints: Option<Extension>) -> Case {
    let root = ca("Root");
    let sub = ca("Sub").issued_by(&root).without(BASIC_CONSTRAINTS);
    let sub = match constraints {
        Some(constraints) => sub.with(constraints),
        None => sub,
    };
    let client = leaf("client").issued_by(&sub);
    case(name, clause, &[&client, &sub]).trusting(&root)
}

fn flags() -> Vec<Case> {
    let root = ca("Root");
    let other_client = leaf("other client").issued_by(&root);
    let false_ca = leaf("client").issued_by(&root);
    vec![
        with("an intermediate without basic constraints", CA, None).refused(Reason::NotACa),
        with(
            "an intermediate that says it is no CA",
            CA,
            Some(basic_constraints(false, None)),
        )
        .refused(Reason::NotACa),
        with(
            "an intermediate whose basic constraints are not critical",
            "4.2.1.9, 6.1.4 (k)",
            Some(basic_constraints(true, None).noncritical()),
        )
        .accepted(),
        with(
            "an intermediate that says it is no CA, not critically",
            CA,
            Some(basic_constraints(false, None).noncritical()),
        )
        .refused(Reason::NotACa),
        case(
            "a client certificate issued by another client's",
            CA,
            &[&leaf("client").issued_by(&other_client), &other_client],
        )
        .trusting(&root)
        .refused(Reason::NotACa),
        case(
            "a client certificate that says it is no CA",
            "4.2.1.9",
            &[&false_ca.with(basic_constraints(false, None))],
        )
        .trusting(&root)
        .accepted(),
    ]
}

fn forms() -> Vec<Case> {
    let raw = |parts: &[&[u8]]| Extension::raw(BASIC_CONSTRAINTS, &sequence(parts)).critical();
    let yes = boolean(true);
    let wrong = [
        (
            "basic constraints with a negative path length",
            raw(&[&yes, &integer_octets(&[0x80])]),
        ),
        (
            "basic constraints with a true that is not all ones",
            raw(&[&[0x01, 0x01, 0x01]]),
        ),
        (
            "basic constraints with a part too many",
            raw(&[&yes, &integer(1), &integer(1)]),
        ),
        (
            "basic constraints that are no sequence",
            Extension::raw(BASIC_CONSTRAINTS, &yes).critical(),
        ),
        (
            "basic constraints with octets behind them",
            Extension::raw(BASIC_CONSTRAINTS, &[sequence(&[&yes]), vec![5, 0]].concat()).critical(),
        ),
    ];
    let mut cases: Vec<Case> = wrong
        .into_iter()
        .map(|(name, constraints)| {
            with(name, "4.2.1.9", Some(constraints)).refused(Reason::MalformedCertificate)
        })
        .collect();
    cases.push(
        with(
            "a path length of 2 to the 40th",
            "4.2.1.9",
            Some(raw(&[&yes, &integer_octets(&[1, 0, 0, 0, 0, 0])])),
        )
        .accepted(),
    );
    cases
}

fn limited(name: &str, length: u32) -> Certificate {
    ca(name).with(basic_constraints(true, Some(length)))
}

fn lengths() -> Vec<Case> {
    let root = ca("Root");
    let root_0 = limited("Root 0", 0);
    let sub_0 = limited("Sub 0", 0).issued_by(&root);
    let sub_1 = limited("Sub 1", 1).issued_by(&root);
    let below_0 = ca("Below 0").issued_by(&sub_0);
    let below_1 = ca("Below 1").issued_by(&sub_1);
    let second_below_1 = ca("Second Below 1").issued_by(&below_1);
    let generous = limited("Generous", 5).issued_by(&sub_0);
    let below_root_0 = ca("Below Root 0").issued_by(&root_0);
    let client = |issuer: &Certificate| leaf("client").issued_by(issuer);
    let of_root = |name, sent: &[_]| case(name, LENGTH, sent).trusting(&root);
    vec![
        of_root("path length 0 and a client", &[&client(&sub_0), &sub_0]).accepted(),
        of_root(
            "path length 0 and an intermediate below it",
            &[&client(&below_0), &below_0, &sub_0],
        )
        .refused(Reason::PathTooLong),
        of_root(
            "path length 1 and an intermediate below it",
            &[&client(&below_1), &below_1, &sub_1],
        )
        .accepted(),
        of_root(
            "path length 1 and two intermediates below it",
            &[&client(&second_below_1), &second_below_1, &below_1, &sub_1],
        )
        .refused(Reason::PathTooLong),
        of_root(
            "path length 0, and 5 in an intermediate below it",
            &[&client(&generous), &generous, &sub_0],
        )
        .refused(Reason::PathTooLong),
        case(
            "an anchor with path length 0 and a client",
            "6.2, stricter",
            &[&client(&root_0)],
        )
        .trusting(&root_0)
        .accepted(),
        case(
            "an anchor with path length 0 and an intermediate below it",
            "6.2, stricter",
            &[&client(&below_root_0), &below_root_0],
        )
        .trusting(&root_0)
        .refused(Reason::PathTooLong),
    ]
}

/// A CA's certificate for a new key of its own: issuer and subject are the same.
fn renewed(old: &Certificate, name: &str) -> Certificate {
    ca(name).key(&Key::new(Kind::P256)).issued_by(old)
}

fn lengths_with_self_issued() -> Vec<Case> {
    let root = ca("Root");
    let sub_0 = limited("Sub", 0).issued_by(&root);
    let renewed_0 = renewed(&sub_0, "Sub");
    let below_renewed = ca("Below").issued_by(&renewed_0);
    let sub_1 = limited("Sub", 1).issued_by(&root);
    let renewed_1 = renewed(&sub_1, "Sub");
    let below_1 = ca("Below").issued_by(&renewed_1);
    let renewed_below_1 = renewed(&below_1, "Below");
    let client = |issuer: &Certificate| leaf("client").issued_by(issuer);
    let of_root = |name, sent: &[_]| case(name, LENGTH, sent).trusting(&root);
    vec![
        of_root(
            "path length 0 and a certificate that the CA gave to itself",
            &[&client(&renewed_0), &renewed_0, &sub_0],
        )
        .accepted(),
        of_root(
            "path length 0, a self-issued certificate, and an intermediate below",
            &[&client(&below_renewed), &below_renewed, &renewed_0, &sub_0],
        )
        .refused(Reason::PathTooLong),
        of_root(
            "path length 1 with a self-issued certificate on each level",
            &[
                &client(&renewed_below_1),
                &renewed_below_1,
                &below_1,
                &renewed_1,
                &sub_1,
            ],
        )
        .accepted(),
    ]
}

/// A row of intermediates below the root, the lowest first.
fn row(root: &Certificate, length: usize) -> Vec<Certificate> {
    let mut row: Vec<Certificate> = Vec::new();
    for number in 1..=length {
        let above = row.first().unwrap_or(root);
        let next = ca(&format!("Sub {number}")).issued_by(above);
        row.insert(0, next);
    }
    row
}

fn long_paths() -> Vec<Case> {
    let below = |name, length: usize, sent: usize| {
        let root = ca("Root");
        let row = row(&root, length);
        let client = leaf("client").issued_by(&row[0]);
        let chain: Vec<&Certificate> = std::iter::once(&client).chain(&row[..sent]).collect();
        let made = case(name, "6.1, domain limit", &chain).trusting(&root);
        row[sent..]
            .iter()
            .fold(made, |made, helper| made.helped_by(helper))
    };
    vec![
        below("seven intermediates", 7, 7).accepted(),
        below("nine intermediates", 9, 9).accepted(),
        below("ten certificates and one that is missing", 10, 9).refused(Reason::PathTooLong),
        below("eleven certificates", 10, 10).refused(Reason::CertificateTooLarge),
        below("two intermediates, the upper one a helper", 2, 1).accepted(),
    ]
}
