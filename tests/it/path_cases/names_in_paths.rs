//! Name constraints: of subjects, of several CAs, in odd forms (RFC 5280, 4.2.1.10, 6.1.3 (b) and (c), 6.1.4 (g)).

use realmgate::trust::reason::Reason;

use crate::foundry::asn1::{explicit, implicit, sequence};
use crate::foundry::certificate::{Certificate, ca, ca_named, leaf_named};
use crate::foundry::extension::{Extension, NAME_CONSTRAINTS, name_constraints};
use crate::foundry::general_name::{directory, dns, email, ip};
use crate::foundry::name::{CN, EMAIL, Name, OU, cn, nobody, string};
use crate::path_cases::case::{Case, case};
use crate::path_cases::names::Fate::{In, Out};
use crate::path_cases::names::{FORMS, below, client, client_name};

const WITHIN: &str = "6.1.3 (b), (c)";

pub fn cases() -> Vec<Case> {
    let mut cases = subjects();
    cases.extend(several_cas());
    cases.extend(forms());
    cases.extend(addresses_in_subjects());
    cases
}

fn subjects() -> Vec<Case> {
    let unit = |value: &str| Name::default().with(OU, value);
    let sales = || vec![directory(&unit("Sales"))];
    let named = |name, value: &str, fate| {
        below(
            name,
            name_constraints(&sales(), &[]),
            &unit(value).with(CN, "A Client"),
            &[],
        )
        .fate(fate)
    };
    let excluded = |name, value: &str, fate| {
        below(
            name,
            name_constraints(&[], &sales()),
            &unit(value).with(CN, "A Client"),
            &[],
        )
        .fate(fate)
    };
    let printable = Name::default().with_string(OU, string::PRINTABLE, b"SALES");
    vec![
        named("a subject within the permitted directory name", "Sales", In),
        named(
            "a subject outside of the permitted directory name",
            "Research",
            Out,
        ),
        named(
            "a subject within the permitted directory name, in other cases",
            "sALES",
            In,
        ),
        below(
            "a subject within the permitted directory name, as another string",
            name_constraints(&sales(), &[]),
            &printable.with(CN, "A Client"),
            &[],
        )
        .fate(In),
        below(
            "the permitted directory name further down in the subject",
            name_constraints(&sales(), &[]),
            &cn("A Client").with(OU, "Sales"),
            &[],
        )
        .fate(Out),
        excluded("a subject within the excluded directory name", "Sales", Out),
        excluded(
            "a subject within the excluded directory name, in other cases",
            "SALES",
            Out,
        ),
        excluded(
            "a subject outside of the excluded directory name",
            "Research",
            In,
        ),
        below(
            "no subject where directory names are constrained",
            name_constraints(&sales(), &[]),
            &nobody(),
            &[dns("a.example.com")],
        )
        .fate(In),
        below(
            "a common name like a host's, outside of the permitted domain",
            name_constraints(&[dns("example.com")], &[]),
            &cn("a.example.org"),
            &[],
        )
        .with_clause("4.2.1.10, stricter")
        .fate(Out),
    ]
}

fn several_cas() -> Vec<Case> {
    let domain = |name: &str| name_constraints(&[dns(name)], &[]);
    let root = ca("Root").with(domain("example.com"));
    let plain = ca("Plain").issued_by(&root);
    let narrow = ca("Narrow").issued_by(&root).with(domain("a.example.com"));
    let wide = ca("Wide").issued_by(&root).with(domain("example.org"));
    let strict = ca("Strict")
        .issued_by(&root)
        .with(name_constraints(&[], &[dns("x.example.com")]));
    let below = |name, sub: &Certificate, host: &str| {
        let client = client(&client_name(), &[dns(host)]).issued_by(sub);
        case(name, WITHIN, &[&client, sub]).trusting(&root)
    };
    let mut cases = vec![
        below(
            "a host within the anchor's constraints",
            &plain,
            "b.example.com",
        )
        .fate(In),
        below(
            "a host outside of the anchor's constraints",
            &plain,
            "b.example.org",
        )
        .fate(Out),
        below(
            "a host within both CAs' constraints",
            &narrow,
            "x.a.example.com",
        )
        .fate(In),
        below(
            "a host within the upper CA's constraints only",
            &narrow,
            "b.example.com",
        )
        .fate(Out),
        below(
            "a host within the lower CA's constraints only",
            &wide,
            "b.example.org",
        )
        .fate(Out),
        below(
            "a host that the lower CA excludes",
            &strict,
            "x.example.com",
        )
        .fate(Out),
        below("a host that neither CA excludes", &strict, "y.example.com").fate(In),
    ];
    cases.extend(names_of_cas());
    cases
}

/// Constraints hold for the names of intermediates, too, except for those that a CA gave to itself.
fn names_of_cas() -> Vec<Case> {
    let trust = Name::default().with(OU, "Trust");
    let constraints = name_constraints(&[directory(&trust)], &[]);
    let root = ca("Root").with(constraints);
    let inside = ca_named(&trust.clone().with(CN, "Sub")).issued_by(&root);
    let outside = ca_named(&cn("Sub")).issued_by(&root);
    let own = ca("Root").issued_by(&root);
    let below = |name, clause, sub: &Certificate, fate| {
        let client = leaf_named(&trust.clone().with(CN, "A Client")).issued_by(sub);
        case(name, clause, &[&client, sub])
            .trusting(&root)
            .fate(fate)
    };
    vec![
        below(
            "an intermediate within its issuer's constraints",
            WITHIN,
            &inside,
            In,
        ),
        below(
            "an intermediate outside of its issuer's constraints",
            WITHIN,
            &outside,
            Out,
        ),
        below(
            "a self-issued intermediate outside of its own constraints",
            "6.1.3 (b), (c) (self-issued)",
            &own,
            In,
        ),
    ]
}

fn forms() -> Vec<Case> {
    let outside = [dns("a.example.org")];
    let inside = [dns("a.example.com")];
    let subtree = |extra: &[u8]| {
        let subtree = sequence(&[&dns("example.com"), extra]);
        let value = sequence(&[&explicit(0, &[&subtree])]);
        Extension::raw(NAME_CONSTRAINTS, &value).critical()
    };
    let raw = |value: &[u8]| Extension::raw(NAME_CONSTRAINTS, value).critical();
    let root = ca("Root");
    let own = client(&client_name(), &inside)
        .issued_by(&root)
        .with(name_constraints(&[dns("example.com")], &[]));
    vec![
        below(
            "constraints that are not critical, and not kept to",
            name_constraints(&[dns("example.com")], &[]).noncritical(),
            &client_name(),
            &outside,
        )
        .refused(Reason::NameConstraint),
        below(
            "constraints that are not critical, and kept to",
            name_constraints(&[dns("example.com")], &[]).noncritical(),
            &client_name(),
            &inside,
        )
        .accepted(),
        below(
            "a permitted network whose mask has a gap",
            name_constraints(&[ip(&[10, 0, 3, 0, 255, 0, 255, 0])], &[]),
            &client_name(),
            &[ip(&[10, 1, 3, 3])],
        )
        .refused(Reason::MalformedCertificate),
        below(
            "a permitted network of five octets",
            name_constraints(&[ip(&[10, 0, 0, 0, 8])], &[]),
            &client_name(),
            &[ip(&[10, 1, 2, 3])],
        )
        .refused(Reason::MalformedCertificate),
        below(
            "a subtree with a minimum",
            subtree(&implicit(0, &[1])),
            &client_name(),
            &inside,
        )
        .refused(Reason::MalformedCertificate),
        below(
            "a subtree with a maximum",
            subtree(&implicit(1, &[9])),
            &client_name(),
            &inside,
        )
        .refused(Reason::MalformedCertificate),
        below(
            "name constraints without a subtree",
            raw(&sequence(&[])),
            &client_name(),
            &inside,
        )
        .refused(Reason::MalformedCertificate),
        below(
            "an empty list of permitted subtrees",
            raw(&sequence(&[&explicit(0, &[])])),
            &client_name(),
            &inside,
        )
        .refused(Reason::MalformedCertificate),
        below(
            "name constraints that are none",
            raw(&[5, 0]),
            &client_name(),
            &inside,
        )
        .refused(Reason::MalformedCertificate),
        case("name constraints in a client certificate", FORMS, &[&own])
            .trusting(&root)
            .refused(Reason::MalformedCertificate),
    ]
}

fn addresses_in_subjects() -> Vec<Case> {
    let subject = |address: &str| client_name().with_string(EMAIL, string::IA5, address.as_bytes());
    let permitted = || name_constraints(&[email("example.com")], &[]);
    vec![
        below(
            "a mail address in the subject within the permitted host",
            permitted(),
            &subject("a@example.com"),
            &[],
        )
        .fate(In),
        below(
            "a mail address in the subject outside of the permitted host",
            permitted(),
            &subject("a@example.org"),
            &[],
        )
        .fate(Out),
        below(
            "a mail address in the subject of an excluded host",
            name_constraints(&[], &[email("example.com")]),
            &subject("a@example.com"),
            &[],
        )
        .fate(Out),
    ]
}
