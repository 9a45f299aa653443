//! Name constraints and alternative names, kind by kind (RFC 5280, 4.2.1.10).

use realmgate::trust::reason::Reason;

use crate::foundry::certificate::{Certificate, ca, leaf_named};
use crate::foundry::extension::{Extension, alternative_names, name_constraints};
use crate::foundry::general_name::{directory, dns, email, ip, other, uri};
use crate::foundry::name::{Name, OU, cn};
use crate::path_cases::case::{Case, case};

/// The clause that says how names are compared.
pub const FORMS: &str = "4.2.1.10";
/// userPrincipalName.
const UPN: &str = "1.3.6.1.4.1.311.20.2.3";

/// Whether the client is let in.
#[derive(Clone, Copy)]
pub enum Fate {
    In,
    Out,
}
use Fate::{In, Out};

/// Name, what is permitted, what is excluded, the client's alternative names, what is to come of it.
type Row = (&'static str, Vec<Vec<u8>>, Vec<Vec<u8>>, Vec<Vec<u8>>, Fate);

pub fn cases() -> Vec<Case> {
    let rows = [
        dns_rows(),
        email_rows(),
        uri_rows(),
        ip_rows(),
        other_rows(),
    ]
    .concat();
    rows.into_iter().map(of_row).collect()
}

/// A name that nobody takes for a host's.
pub fn client_name() -> Name {
    cn("A Client")
}

fn of_row((name, permitted, excluded, sans, fate): Row) -> Case {
    below(
        name,
        name_constraints(&permitted, &excluded),
        &client_name(),
        &sans,
    )
    .fate(fate)
}

/// An intermediate with the constraints, and a client with the names.
pub fn below(name: &'static str, constraints: Extension, subject: &Name, sans: &[Vec<u8>]) -> Case {
    let root = ca("Root");
    let sub = ca("Sub").issued_by(&root).with(constraints);
    let client = client(subject, sans).issued_by(&sub);
    case(name, FORMS, &[&client, &sub]).trusting(&root)
}

/// A client of this name.
pub fn client(subject: &Name, sans: &[Vec<u8>]) -> Certificate {
    let client = leaf_named(subject);
    if sans.is_empty() {
        client
    } else {
        // Critical, as they have to be where there is no subject (4.1.2.6).
        client.with(alternative_names(sans).critical())
    }
}

impl Case {
    /// Let in, or refused because of its names.
    pub fn fate(self, fate: Fate) -> Self {
        match fate {
            In => self.accepted(),
            Out => self.refused(Reason::NameConstraint),
        }
    }
}

fn dns_rows() -> Vec<Row> {
    let example = || vec![dns("example.com")];
    let only = |name, sans, fate| (name, example(), vec![], sans, fate);
    let not = |name, sans, fate| (name, vec![], example(), sans, fate);
    vec![
        only(
            "a host below the permitted domain",
            vec![dns("a.example.com")],
            In,
        ),
        only(
            "two labels below the permitted domain",
            vec![dns("a.b.example.com")],
            In,
        ),
        only("the permitted domain itself", vec![dns("example.com")], In),
        only(
            "a host below the permitted domain in capitals",
            vec![dns("A.EXAMPLE.COM")],
            In,
        ),
        only("a host of another domain", vec![dns("a.example.org")], Out),
        only(
            "a host whose name only ends in the permitted letters",
            vec![dns("notexample.com")],
            Out,
        ),
        only("the domain above the permitted one", vec![dns("com")], Out),
        only(
            "one host within and one outside",
            vec![dns("a.example.com"), dns("b.example.org")],
            Out,
        ),
        only(
            "a wildcard within the permitted domain",
            vec![dns("*.example.com")],
            In,
        ),
        only(
            "a wildcard outside of the permitted domain",
            vec![dns("*.example.org")],
            Out,
        ),
        only(
            "a mail address where only hosts are constrained",
            vec![email("a@example.org")],
            In,
        ),
        only(
            "no alternative name where hosts are constrained",
            vec![],
            In,
        ),
        not(
            "a host below the excluded domain",
            vec![dns("a.example.com")],
            Out,
        ),
        not("the excluded domain itself", vec![dns("example.com")], Out),
        not(
            "a host outside of the excluded domain",
            vec![dns("a.example.org")],
            In,
        ),
        not(
            "a wildcard within the excluded domain",
            vec![dns("*.example.com")],
            Out,
        ),
        (
            "a wildcard that covers an excluded host",
            vec![],
            vec![dns("a.example.com")],
            vec![dns("*.example.com")],
            Out,
        ),
        (
            "a host that is permitted, and excluded",
            example(),
            vec![dns("a.example.com")],
            vec![dns("a.example.com")],
            Out,
        ),
        (
            "a host beside the excluded one",
            example(),
            vec![dns("a.example.com")],
            vec![dns("b.example.com")],
            In,
        ),
        (
            "a host of the second permitted domain",
            vec![dns("example.com"), dns("example.org")],
            vec![],
            vec![dns("a.example.org")],
            In,
        ),
        (
            "every host excluded",
            vec![],
            vec![dns("")],
            vec![dns("a.example.com")],
            Out,
        ),
    ]
}

fn email_rows() -> Vec<Row> {
    let only = |name, base: &str, address: &str, fate| {
        (name, vec![email(base)], vec![], vec![email(address)], fate)
    };
    let not = |name, base: &str, address: &str, fate| {
        (name, vec![], vec![email(base)], vec![email(address)], fate)
    };
    vec![
        only(
            "the permitted mailbox",
            "a@example.com",
            "a@example.com",
            In,
        ),
        only(
            "the permitted mailbox, its host in capitals",
            "a@example.com",
            "a@EXAMPLE.COM",
            In,
        ),
        only(
            "another mailbox of the same host",
            "a@example.com",
            "b@example.com",
            Out,
        ),
        only(
            "the permitted mailbox's local part in capitals",
            "a@example.com",
            "A@example.com",
            Out,
        ),
        only(
            "a mailbox at the permitted host",
            "example.com",
            "a@example.com",
            In,
        ),
        only(
            "a mailbox below the permitted host",
            "example.com",
            "a@mail.example.com",
            Out,
        ),
        only(
            "a mailbox below the permitted domain",
            ".example.com",
            "a@mail.example.com",
            In,
        ),
        only(
            "a mailbox at the permitted domain itself",
            ".example.com",
            "a@example.com",
            Out,
        ),
        not(
            "the excluded mailbox",
            "a@example.com",
            "a@example.com",
            Out,
        ),
        not(
            "a mailbox at the excluded host",
            "example.com",
            "a@example.com",
            Out,
        ),
        not(
            "a mailbox beside the excluded host",
            "example.com",
            "a@example.org",
            In,
        ),
        not(
            "a mailbox below the excluded domain",
            ".example.com",
            "a@mail.example.com",
            Out,
        ),
    ]
}

fn uri_rows() -> Vec<Row> {
    let only = |name, base: &str, address: &str, fate| {
        (name, vec![uri(base)], vec![], vec![uri(address)], fate)
    };
    let not = |name, base: &str, address: &str, fate| {
        (name, vec![], vec![uri(base)], vec![uri(address)], fate)
    };
    vec![
        only(
            "a URI at the permitted host",
            "example.com",
            "https://example.com/x",
            In,
        ),
        only(
            "a URI at the permitted host in capitals",
            "example.com",
            "https://EXAMPLE.com/x",
            In,
        ),
        only(
            "a URI with user and port",
            "example.com",
            "https://u@example.com:8443/x",
            In,
        ),
        only(
            "a URI whose user looks like the permitted host",
            "example.com",
            "https://example.com@example.org/",
            Out,
        ),
        only(
            "a URI with a backslash behind another host",
            "example.com",
            "http://example.org\\@example.com/",
            Out,
        ),
        only(
            "a URI with a space behind another host",
            "example.com",
            "http://example.org @example.com/",
            Out,
        ),
        only(
            "a URI with two users",
            "example.com",
            "http://a@example.org@example.com/",
            Out,
        ),
        only(
            "a URI with user and password, one letter of it encoded",
            "example.com",
            "https://u:%70w!@example.com/",
            In,
        ),
        only(
            "a URI below the permitted host",
            "example.com",
            "https://a.example.com/",
            Out,
        ),
        only(
            "a URI below the permitted domain",
            ".example.com",
            "https://a.example.com/",
            In,
        ),
        only(
            "a URI at the permitted domain itself",
            ".example.com",
            "https://example.com/",
            Out,
        ),
        only(
            "a URI at another host",
            "example.com",
            "https://example.org/example.com",
            Out,
        ),
        only(
            "a URI at an address where hosts are permitted",
            "example.com",
            "https://192.0.2.1/",
            Out,
        ),
        only(
            "a URI without a host where hosts are permitted",
            "example.com",
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            Out,
        ),
        not(
            "a URI at the excluded host",
            "example.com",
            "https://example.com/",
            Out,
        ),
        not(
            "a URI beside the excluded host",
            "example.com",
            "https://example.org/",
            In,
        ),
        not(
            "a URI below the excluded domain",
            ".example.com",
            "https://a.example.com/",
            Out,
        ),
    ]
}

fn ip_rows() -> Vec<Row> {
    let ten = || ip(&[10, 0, 0, 0, 255, 0, 0, 0]);
    let wide =
        |address: [u16; 8]| -> Vec<u8> { address.into_iter().flat_map(u16::to_be_bytes).collect() };
    let docs = || {
        let net = wide([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0]);
        let mask = wide([0xffff, 0xffff, 0, 0, 0, 0, 0, 0]);
        ip(&[net, mask].concat())
    };
    let inside = || ip(&wide([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]));
    let outside = || ip(&wide([0x2001, 0xdb9, 0, 0, 0, 0, 0, 1]));
    vec![
        (
            "an IPv4 address in the permitted network",
            vec![ten()],
            vec![],
            vec![ip(&[10, 1, 2, 3])],
            In,
        ),
        (
            "an IPv4 address outside of the permitted network",
            vec![ten()],
            vec![],
            vec![ip(&[11, 1, 2, 3])],
            Out,
        ),
        (
            "an IPv4 address in the excluded network",
            vec![],
            vec![ten()],
            vec![ip(&[10, 1, 2, 3])],
            Out,
        ),
        (
            "an IPv4 address outside of the excluded network",
            vec![],
            vec![ten()],
            vec![ip(&[11, 1, 2, 3])],
            In,
        ),
        (
            "the one permitted IPv4 address",
            vec![ip(&[10, 1, 2, 3, 255, 255, 255, 255])],
            vec![],
            vec![ip(&[10, 1, 2, 3])],
            In,
        ),
        (
            "an IPv6 address in the permitted network",
            vec![docs()],
            vec![],
            vec![inside()],
            In,
        ),
        (
            "an IPv6 address outside of the permitted network",
            vec![docs()],
            vec![],
            vec![outside()],
            Out,
        ),
        (
            "an IPv6 address in the excluded network",
            vec![],
            vec![docs()],
            vec![inside()],
            Out,
        ),
        (
            "an IPv4 address where only IPv6 is permitted",
            vec![docs()],
            vec![],
            vec![ip(&[10, 1, 2, 3])],
            Out,
        ),
    ]
}

fn other_rows() -> Vec<Row> {
    let unit = |value: &str| directory(&Name::default().with(OU, value));
    vec![
        (
            "a kind of name that cannot be compared, in both places",
            vec![other(UPN, "@example.com")],
            vec![],
            vec![other(UPN, "a@example.com")],
            Out,
        ),
        (
            "an excluded kind of name that cannot be compared, in both places",
            vec![],
            vec![other(UPN, "@example.com")],
            vec![other(UPN, "a@example.org")],
            Out,
        ),
        (
            "a kind of name that cannot be compared, in the constraints only",
            vec![other(UPN, "@example.com")],
            vec![],
            vec![dns("a.example.com")],
            In,
        ),
        (
            "a directory name among the alternative ones outside of the permitted",
            vec![directory(&client_name()), unit("Sales")],
            vec![],
            vec![unit("Research")],
            Out,
        ),
        (
            "a directory name among the alternative ones that is excluded",
            vec![],
            vec![unit("Research")],
            vec![unit("Research")],
            Out,
        ),
    ]
}
