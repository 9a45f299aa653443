//! Names that chain (RFC 5280, 6.1.3 (a)(4) and 7.1).

use realmgate::trust::reason::Reason;

use crate::foundry::certificate::{ca, ca_named, leaf, leaf_named};
use crate::foundry::extension::alternative_names;
use crate::foundry::general_name::dns;
use crate::foundry::name::{C, CN, Name, OU, cn, nobody, string, utf16};
use crate::path_cases::case::{Case, case};

const CHAINING: &str = "6.1.3 (a)(4)";
const COMPARING: &str = "7.1";
/// domainComponent.
const DC: &str = "0.9.2342.19200300.100.1.25";

pub fn cases() -> Vec<Case> {
    let mut cases = same_names();
    cases.extend(other_names());
    cases.extend(empty_names());
    cases
}

/// The issuer's name as the issuer writes it and as the client's certificate does.
fn pair(name: &'static str, clause: &'static str, subject: &Name, issuer: &Name) -> Case {
    let root = ca_named(subject);
    let client = leaf("client").issued_by(&root).naming_issuer(issuer);
    case(name, clause, &[&client]).trusting(&root)
}

fn same_names() -> Vec<Case> {
    let unit = |value: &str| Name::default().with(OU, "Trust").with(CN, value);
    let printable =
        |value: &str| Name::default().with_string(CN, string::PRINTABLE, value.as_bytes());
    let set = |attributes: &[_]| Name::default().with_set(attributes);
    let teletex = Name::default().with_string(CN, string::T61, b"Caf\xe9 CA");
    let wide = Name::default().with_string(CN, string::BMP, &utf16("Caf\u{e9} CA"));
    let component = |value: &str| {
        Name::default()
            .with_string(DC, string::IA5, value.as_bytes())
            .with(CN, "Root")
    };
    let pairs = [
        (
            "the issuer's name in other cases",
            unit("Good CA"),
            unit("gOOD ca"),
        ),
        (
            "the issuer's name with more white space",
            unit("Good CA"),
            unit("  Good   CA "),
        ),
        (
            "the issuer's name as UTF8String where the issuer has PrintableString",
            printable("Good CA"),
            cn("Good CA"),
        ),
        (
            "the issuer's name as PrintableString, in other cases, where the issuer has UTF8String",
            cn("Good CA"),
            printable("GOOD CA"),
        ),
        (
            "letters beyond ASCII in other cases",
            cn("M\u{fc}ller CA"),
            cn("M\u{dc}LLER CA"),
        ),
        (
            "a letter with its accent composed, and decomposed",
            cn("M\u{fc}ller CA"),
            cn("Mu\u{308}ller CA"),
        ),
        (
            "letters of full width, and a ligature",
            cn("Office CA"),
            cn("O\u{fb03}ce \u{ff23}\u{ff21}"),
        ),
        ("a sharp s, and two", cn("Stra\u{df}e"), cn("STRASSE")),
        (
            "a soft hyphen, and a space of another kind",
            cn("Good Trust CA"),
            cn("Good\u{a0}Tr\u{ad}ust CA"),
        ),
        (
            "a name as TeletexString, the same octets",
            teletex.clone(),
            teletex,
        ),
        ("a name as BMPString, the same octets", wide.clone(), wide),
        (
            "an RDN of two attributes in another order",
            set(&[(OU, "Trust"), (CN, "Root")]),
            set(&[(CN, "Root"), (OU, "Trust")]),
        ),
        (
            "a domain component in other cases",
            component("example"),
            component("EXAMPLE"),
        ),
    ];
    pairs
        .into_iter()
        .map(|(name, subject, issuer)| pair(name, COMPARING, &subject, &issuer).accepted())
        .collect()
}

fn other_names() -> Vec<Case> {
    let two = |first: (&str, &str), second: (&str, &str)| {
        Name::default()
            .with(first.0, first.1)
            .with(second.0, second.1)
    };
    let (unit, common) = ((OU, "Trust"), (CN, "Root"));
    let pairs = [
        (
            "another issuer's name, with the right key",
            cn("Root"),
            cn("Other"),
        ),
        (
            "the RDNs of the issuer's name in another order",
            two(unit, common),
            two(common, unit),
        ),
        (
            "the issuer's name without its last RDN",
            two(unit, common),
            Name::default().with(OU, "Trust"),
        ),
        (
            "the issuer's name with an RDN more",
            cn("Root"),
            cn("Root").with(OU, "Trust"),
        ),
        (
            "two RDNs where the issuer has one with two attributes",
            Name::default().with_set(&[unit, common]),
            two(unit, common),
        ),
        (
            "the same value under another attribute",
            cn("Root"),
            Name::default().with(OU, "Root"),
        ),
        ("white space within a word", cn("Root"), cn("Ro ot")),
        (
            "a letter with another accent",
            cn("Caf\u{e9}"),
            cn("Caf\u{e8}"),
        ),
        (
            "a letter that looks the same, of another script",
            cn("Root"),
            cn("R\u{43e}ot"),
        ),
        (
            "the issuer's name with a NUL and more behind it",
            cn("Root"),
            cn("Root\0.evil"),
        ),
        (
            "another country",
            two((C, "DE"), common),
            two((C, "AT"), common),
        ),
    ];
    let mut cases: Vec<Case> = pairs
        .into_iter()
        .map(|(name, subject, issuer)| {
            pair(name, CHAINING, &subject, &issuer).refused(Reason::UnknownIssuer)
        })
        .collect();
    let root = ca("Root");
    let sub = ca("Sub").issued_by(&root).naming_issuer(&cn("Other"));
    cases.push(
        case(
            "an intermediate that names another issuer",
            CHAINING,
            &[&leaf("client").issued_by(&sub), &sub],
        )
        .trusting(&root)
        .refused(Reason::UnknownIssuer),
    );
    cases
}

fn empty_names() -> Vec<Case> {
    let root = ca("Root");
    let nameless_sub = ca_named(&nobody()).issued_by(&root);
    let san = alternative_names(&[dns("client.example.com")]);
    vec![
        case(
            "a client certificate without an issuer's name",
            "4.1.2.4",
            &[&leaf("client").issued_by(&root).naming_issuer(&nobody())],
        )
        .trusting(&root)
        .refused(Reason::MalformedCertificate),
        case(
            "an intermediate without a name",
            "4.1.2.6",
            &[&leaf("client").issued_by(&nameless_sub), &nameless_sub],
        )
        .trusting(&root)
        .refused(Reason::MalformedCertificate),
        case(
            "a client certificate with critical alternative names and no subject",
            "4.1.2.6",
            &[&leaf_named(&nobody()).issued_by(&root).with(san.critical())],
        )
        .trusting(&root)
        .accepted(),
    ]
}
