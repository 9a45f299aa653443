use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue};

use super::*;
use crate::pki::der::{encode, tag};
use crate::trust::workshop::*;

const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const IP: u8 = 0x87;
const DIRECTORY: u8 = 0xa4;
const RID: u8 = 0x88;

/// A GeneralName by its tag and content.
type General<'a> = (u8, &'a [u8]);

/// The verdict of a judgement that has compared nothing yet.
fn check(path: &Path) -> Result<(), Finding> {
    super::check(path, &Cell::new(JUDGEMENT_COMPARISONS_MAX))
}

fn with_constraints(
    params: CertificateParams,
    permitted: &[General<'_>],
    excluded: &[General<'_>],
) -> CertificateParams {
    let subtrees = |tag: u8, bases: &[General<'_>]| {
        let subtrees: Vec<Vec<u8>> = bases
            .iter()
            .map(|(kind, content)| encode(tag::SEQUENCE, &[&encode(*kind, &[content])]))
            .collect();
        let subtrees: Vec<&[u8]> = subtrees.iter().map(Vec::as_slice).collect();
        if subtrees.is_empty() {
            Vec::new()
        } else {
            encode(tag, &subtrees)
        }
    };
    let content = encode(
        tag::SEQUENCE,
        &[
            &subtrees(tag::CONTEXT_0, permitted),
            &subtrees(tag::CONTEXT_1, excluded),
        ],
    );
    with_extension(params, &[2, 5, 29, 30], &content, Criticality::Critical)
}

fn with_names(params: CertificateParams, names: &[General<'_>]) -> CertificateParams {
    let names: Vec<Vec<u8>> = names
        .iter()
        .map(|(kind, content)| encode(*kind, &[content]))
        .collect();
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let content = encode(tag::SEQUENCE, &names);
    with_extension(params, &[2, 5, 29, 17], &content, Criticality::NotCritical)
}

fn organization(organization: &str, common_name: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, organization);
    if let Some(common_name) = common_name {
        name.push(DnType::CommonName, common_name);
    }
    name
}

fn with_subject(mut params: CertificateParams, subject: DistinguishedName) -> CertificateParams {
    params.distinguished_name = subject;
    params
}

/// The DER of the name `O=…,CN=…`.
fn raw_name(name: &str, common_name: Option<&str>) -> Vec<u8> {
    let made = Made::root(with_subject(client("x"), organization(name, common_name)));
    made.certificate.facts().raw_subject.clone()
}

/// Judges a client below a root with these constraints.
fn judged(
    permitted: &[General<'_>],
    excluded: &[General<'_>],
    leaf: CertificateParams,
) -> Result<(), Finding> {
    let root = Made::root(with_constraints(ca("Root"), permitted, excluded));
    let leaf = root.issue(leaf);
    check(&path(&[&leaf.certificate, &root.certificate]))
}

fn is_refused(verdict: Result<(), Finding>) -> bool {
    match verdict {
        Ok(()) => false,
        Err(finding) => {
            assert_eq!(finding.reason, Reason::NameConstraint, "{}", finding.detail);
            true
        }
    }
}

#[test]
fn holds_each_kind_of_alternative_name() {
    let acme = raw_name("Acme", None);
    let acme_client = raw_name("Acme", Some("client"));
    let other = raw_name("Other", Some("client"));
    let (ten, eleven) = ([10, 0, 0, 1], [11, 0, 0, 1]);
    let network = [10, 0, 0, 0, 255, 0, 0, 0];
    let cases: [(General<'_>, General<'_>, General<'_>); 5] = [
        (
            (DNS, b"acme.example"),
            (DNS, b"a.acme.example"),
            (DNS, b"b.example"),
        ),
        (
            (EMAIL, b"acme.example"),
            (EMAIL, b"a@acme.example"),
            (EMAIL, b"a@b.example"),
        ),
        (
            (URI, b".acme.example"),
            (URI, b"https://a.acme.example/"),
            (URI, b"https://acme.example/"),
        ),
        ((IP, &network), (IP, &ten), (IP, &eleven)),
        (
            (DIRECTORY, &acme),
            (DIRECTORY, &acme_client),
            (DIRECTORY, &other),
        ),
    ];
    for (base, inside, outside) in cases {
        let leaf = |name| {
            with_names(
                with_subject(client("x"), organization("Acme", None)),
                &[name],
            )
        };
        let kind = base.0;
        assert!(!is_refused(judged(&[base], &[], leaf(inside))), "{kind:x}");
        assert!(is_refused(judged(&[base], &[], leaf(outside))), "{kind:x}");
        let leaf = |name| {
            with_names(
                with_subject(client("x"), organization("Else", None)),
                &[name],
            )
        };
        assert!(is_refused(judged(&[], &[base], leaf(inside))), "{kind:x}");
        assert!(!is_refused(judged(&[], &[base], leaf(outside))), "{kind:x}");
        let other_kind = if kind == DNS {
            (URI, &b"urn:x"[..])
        } else {
            (DNS, &b"b.example"[..])
        };
        let leaf = with_names(
            with_subject(client("x"), organization("Acme", None)),
            &[other_kind],
        );
        assert!(
            !is_refused(judged(&[base], &[], leaf)),
            "{kind:x} is no matter"
        );
    }
}

#[test]
fn every_name_counts_and_excluded_goes_before_permitted() {
    let base: General<'_> = (DNS, b"example");
    let bad: General<'_> = (DNS, b"bad.example");
    let leaf = |names: &[General<'_>]| with_names(client("x"), names);
    let (good, worse): (General<'_>, General<'_>) = ((DNS, b"a.example"), (DNS, b"a.bad.example"));
    assert!(!is_refused(judged(&[base], &[bad], leaf(&[good]))));
    assert!(is_refused(judged(&[base], &[bad], leaf(&[good, worse]))));
    assert!(is_refused(judged(
        &[base],
        &[],
        leaf(&[good, (DNS, b"a.org")])
    )));
    assert!(!is_refused(judged(
        &[base, (DNS, b"org")],
        &[],
        leaf(&[good, (DNS, b"a.org")])
    )));
    assert!(!is_refused(judged(&[], &[bad], leaf(&[good]))));
}

#[test]
fn holds_the_subject_in_whatever_way_it_is_written() {
    let acme = raw_name("Acme  Corp", None);
    let spelled = |value: DnValue| {
        let mut name = DistinguishedName::new();
        name.push(DnType::OrganizationName, value);
        name.push(DnType::CommonName, "client");
        with_subject(client("x"), name)
    };
    for inside in [
        DnValue::Utf8String("ACME corp".to_owned()),
        DnValue::PrintableString("acme Corp".try_into().unwrap()),
        DnValue::BmpString(" Acme Corp ".try_into().unwrap()),
    ] {
        assert!(!is_refused(judged(
            &[(DIRECTORY, &acme)],
            &[],
            spelled(inside.clone())
        )));
        assert!(is_refused(judged(
            &[],
            &[(DIRECTORY, &acme)],
            spelled(inside)
        )));
    }
    let outside = || spelled(DnValue::Utf8String("Acme Corporation".to_owned()));
    assert!(is_refused(judged(&[(DIRECTORY, &acme)], &[], outside())));
    assert!(!is_refused(judged(&[], &[(DIRECTORY, &acme)], outside())));
    let only_last = with_subject(client("x"), name("client"));
    assert!(is_refused(judged(&[(DIRECTORY, &acme)], &[], only_last)));
}

#[test]
fn an_empty_subject_is_no_name() {
    let acme = raw_name("Acme", None);
    let nameless = || {
        with_names(
            with_subject(client("x"), DistinguishedName::new()),
            &[(DNS, b"a.b")],
        )
    };
    assert!(!is_refused(judged(&[(DIRECTORY, &acme)], &[], nameless())));
    assert!(!is_refused(judged(
        &[],
        &[(DIRECTORY, b"\x30\x00")],
        nameless()
    )));
    assert!(
        is_refused(judged(&[], &[(DIRECTORY, b"\x30\x00")], client("x"))),
        "everything"
    );
}

#[test]
fn mail_addresses_of_the_subject_stand_in_for_alternative_ones() {
    let with_address = |address: DnValue| {
        let mut name = name("client");
        name.push(
            DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]),
            address,
        );
        with_subject(client("x"), name)
    };
    let ia5 = |text: &str| DnValue::Ia5String(text.try_into().unwrap());
    let base: General<'_> = (EMAIL, b"acme.example");
    assert!(!is_refused(judged(
        &[base],
        &[],
        with_address(ia5("a@acme.example"))
    )));
    assert!(is_refused(judged(
        &[base],
        &[],
        with_address(ia5("a@b.example"))
    )));
    assert!(is_refused(judged(
        &[],
        &[base],
        with_address(ia5("a@acme.example"))
    )));
    assert!(is_refused(judged(
        &[],
        &[base],
        with_address(ia5("no address"))
    )));
    let with_both = with_names(
        with_address(ia5("a@b.example")),
        &[(EMAIL, b"a@acme.example")],
    );
    assert!(!is_refused(judged(&[base], &[], with_both)));
    let with_dns = with_names(with_address(ia5("a@b.example")), &[(DNS, b"acme.example")]);
    assert!(is_refused(judged(&[base], &[], with_dns)));
}

#[test]
fn a_common_name_like_a_dns_name_stands_in_for_one() {
    let base: General<'_> = (DNS, b"acme.example");
    let cases = [
        ("a.acme.example", false),
        ("Acme Client", false),
        ("localhost", false),
        ("10.0.0.1", false),
        ("b.example", true),
        ("*.example", true),
    ];
    for (common_name, refused) in cases {
        assert_eq!(
            is_refused(judged(&[base], &[], client(common_name))),
            refused,
            "{common_name}"
        );
    }
    let with_dns = with_names(client("b.example"), &[(DNS, b"acme.example")]);
    assert!(!is_refused(judged(&[base], &[], with_dns)));
    let with_uri = with_names(client("b.example"), &[(URI, b"urn:x")]);
    assert!(is_refused(judged(&[base], &[], with_uri)));
    let root = Made::root(with_constraints(ca("Root"), &[base], &[]));
    let middle = root.issue(ca("ca.b.example"));
    let leaf = middle.issue(client("client"));
    let path = path(&[&leaf.certificate, &middle.certificate, &root.certificate]);
    assert!(!is_refused(check(&path)), "that of a CA is no DNS name");
}

#[test]
fn kinds_that_cannot_be_compared_are_refused_only_where_both_occur() {
    let upn = b"\x06\x03\x2a\x03\x04\xa0\x04\x0c\x02hi";
    let (other, rid): (General<'_>, General<'_>) = ((0xa0, upn), (RID, &[0x2a, 3]));
    for (constraint, name, refused) in [
        (other, other, true),
        (rid, rid, true),
        (other, rid, false),
        (rid, (DNS, &b"a.example"[..]), false),
        ((DNS, b"example"), other, false),
    ] {
        let leaf = || with_names(client("x"), &[name]);
        assert_eq!(is_refused(judged(&[constraint], &[], leaf())), refused);
        assert_eq!(is_refused(judged(&[], &[constraint], leaf())), refused);
    }
}

#[test]
fn constraints_of_all_cas_hold_together() {
    let root = Made::root(with_constraints(
        ca("Root"),
        &[(DNS, b"example"), (DNS, b"test")],
        &[],
    ));
    let middle = root.issue(with_constraints(
        ca("Middle"),
        &[(DNS, b"acme.example"), (DNS, b"org")],
        &[(DNS, b"bad.acme.example")],
    ));
    let low = middle.issue(ca("Low"));
    for (name, refused) in [
        (&b"a.acme.example"[..], false),
        (b"b.example", true),
        (b"a.org", true),
        (b"a.test", true),
        (b"a.bad.acme.example", true),
    ] {
        let leaf = low.issue(with_names(client("x"), &[(DNS, name)]));
        let path = path(&[
            &leaf.certificate,
            &low.certificate,
            &middle.certificate,
            &root.certificate,
        ]);
        assert_eq!(
            is_refused(check(&path)),
            refused,
            "{}",
            String::from_utf8_lossy(name)
        );
    }
}

#[test]
fn intermediates_are_held_too_unless_they_are_self_issued() {
    let acme = raw_name("Acme", None);
    let name = || organization("Other", Some("CA"));
    let constrained = |params| with_constraints(params, &[(DIRECTORY, &acme)], &[]);
    let root = Made::root(constrained(with_subject(ca("x"), name())));
    let leaf_params = || with_subject(client("x"), organization("Acme", Some("client")));
    let self_issued = root.issue(with_subject(ca("x"), name()));
    let leaf = self_issued.issue(leaf_params());
    let with_self_issued = path(&[
        &leaf.certificate,
        &self_issued.certificate,
        &root.certificate,
    ]);
    assert!(!is_refused(check(&with_self_issued)));

    let outside = root.issue(with_subject(ca("x"), organization("Other", Some("CA 2"))));
    let leaf = outside.issue(leaf_params());
    let with_outside = path(&[&leaf.certificate, &outside.certificate, &root.certificate]);
    assert!(is_refused(check(&with_outside)));

    let self_issued_leaf = root.issue(with_subject(client("x"), name()));
    let ends_in_self_issued = path(&[&self_issued_leaf.certificate, &root.certificate]);
    assert!(
        is_refused(check(&ends_in_self_issued)),
        "the last one counts"
    );
}

#[test]
fn constraints_of_a_ca_do_not_hold_for_itself_or_above_it() {
    let root = Made::root(ca("Root"));
    let acme = raw_name("Acme", None);
    let low = root.issue(with_constraints(ca("Low"), &[(DIRECTORY, &acme)], &[]));
    let leaf = low.issue(with_subject(client("x"), organization("Acme", None)));
    let path = path(&[&leaf.certificate, &low.certificate, &root.certificate]);
    assert!(!is_refused(check(&path)));
}

#[test]
fn refuses_more_than_it_is_willing_to_compare() {
    let bases: Vec<Vec<u8>> = (0..2_500)
        .map(|number| format!("a{number}.example").into_bytes())
        .collect();
    let bases: Vec<General<'_>> = bases.iter().map(|base| (DNS, base.as_slice())).collect();
    let names: Vec<Vec<u8>> = (0..2_000)
        .map(|number| format!("{number}.example").into_bytes())
        .collect();
    let names: Vec<General<'_>> = names.iter().map(|name| (DNS, name.as_slice())).collect();
    let root = Made::root(with_constraints(ca("Root"), &[], &bases));
    let judged = |count: usize| {
        let leaf = root.issue(with_names(client("x"), &names[..count]));
        check(&path(&[&leaf.certificate, &root.certificate]))
    };
    // The subject is a name too.
    assert!(!is_refused(judged(99)));
    let finding = judged(100).unwrap_err();
    assert_eq!(finding.reason, Reason::NameConstraint);
    assert!(finding.detail.contains("more names than are compared"));
    assert!(is_refused(judged(2_000)));
}

#[test]
fn findings_name_the_certificate_the_name_and_the_constraint() {
    let leaf = || with_names(client("client"), &[(DNS, b"a.bad.example")]);
    let detail = |permitted: &[General<'_>], excluded: &[General<'_>]| {
        judged(permitted, excluded, leaf()).unwrap_err().detail
    };
    let excluded = detail(&[], &[(DNS, b"bad.example")]);
    assert!(
        excluded.starts_with("The client certificate CN=client (serial "),
        "{excluded}"
    );
    assert!(
        excluded
            .contains("has the name DNS:a.bad.example, which the trust anchor CN=Root (serial ")
    );
    assert!(
        excluded.ends_with(" excludes (DNS:bad.example)."),
        "{excluded}"
    );
    let permitted = detail(&[(DNS, b"org"), (DNS, b"net")], &[]);
    assert!(
        permitted.ends_with(" permits (DNS:org, DNS:net)."),
        "{permitted}"
    );
    let unclear = detail(&[(DNS, b"*.org")], &[]);
    assert!(
        unclear
            .contains("cannot be compared with the name constraint DNS:*.org of the trust anchor")
    );
    let many: Vec<General<'_>> = vec![(DNS, b"org"); 9];
    assert!(detail(&many, &[]).contains("DNS:org, …)."));
}

#[test]
fn all_paths_of_a_judgement_share_what_may_be_compared() {
    let bases: Vec<General<'_>> = vec![(DNS, b"other.example"); 1];
    let root = Made::root(with_constraints(ca("Root"), &[], &bases));
    let leaf = root.issue(with_names(client("x"), &[(DNS, b"a.example")]));
    let path = path(&[&leaf.certificate, &root.certificate]);
    // The subject and one name, each with one subtree.
    let left = Cell::new(5);
    let judged = || super::check(&path, &left).is_ok();
    assert_eq!([judged(), judged(), judged()], [true, true, false]);
    assert_eq!(left.get(), 0);
}
