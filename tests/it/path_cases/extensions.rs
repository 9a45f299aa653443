//! Extensions in general (RFC 5280, 4.2 and 6.1.4 (o), 6.1.5 (f)).

use realmgate::trust::reason::Reason;

use crate::foundry::asn1::sequence;
use crate::foundry::certificate::{Certificate, ca, leaf};
use crate::foundry::extension::{
    AUTHORITY_KEY_ID, EXTENDED_KEY_USAGE, Extension, KEY_USAGE, SUBJECT_ALT_NAME, SUBJECT_KEY_ID,
    UNKNOWN, alternative_names, basic_constraints, distribution_point, key_usage, policies, usage,
};
use crate::foundry::general_name::{dns, uri};
use crate::path_cases::case::{Case, case};

const FORM: &str = "4.2";
/// authorityInfoAccess, which must not be critical.
const AUTHORITY_INFO: &str = "1.3.6.1.5.5.7.1.1";
/// Netscape's certificate type.
const NETSCAPE_TYPE: &str = "2.16.840.1.113730.1.1";

pub fn cases() -> Vec<Case> {
    let root = ca("Root");
    let mut cases = unknown_ones(&root);
    cases.extend(known_ones(&root));
    cases.extend(duplicates(&root));
    cases.extend(malformed_ones(&root));
    cases.into_iter().map(|one| one.trusting(&root)).collect()
}

fn client(
    root: &Certificate,
    name: &'static str,
    clause: &'static str,
    extension: &Extension,
) -> Case {
    let client = leaf("client").issued_by(root).with(extension.clone());
    case(name, clause, &[&client])
}

fn below(
    root: &Certificate,
    name: &'static str,
    clause: &'static str,
    extension: &Extension,
) -> Case {
    let sub = ca("Sub").issued_by(root).with(extension.clone());
    case(name, clause, &[&leaf("client").issued_by(&sub), &sub])
}

fn unknown_ones(root: &Certificate) -> Vec<Case> {
    let unknown = Extension::raw(UNKNOWN, &[5, 0]);
    let critical = unknown.clone().critical();
    let access = Extension::raw(AUTHORITY_INFO, &sequence(&[]));
    let netscape = Extension::raw(NETSCAPE_TYPE, &[3, 2, 7, 0x80]);
    let bystander = ca("Bystander").issued_by(root).with(critical.clone());
    vec![
        client(
            root,
            "an unknown extension in a client certificate",
            FORM,
            &unknown,
        )
        .accepted(),
        below(
            root,
            "an unknown extension in an intermediate",
            FORM,
            &unknown,
        )
        .accepted(),
        client(
            root,
            "an unknown critical extension in a client certificate",
            "6.1.5 (f)",
            &critical,
        )
        .refused(Reason::UnknownCriticalExtension),
        below(
            root,
            "an unknown critical extension in an intermediate",
            "6.1.4 (o)",
            &critical,
        )
        .refused(Reason::UnknownCriticalExtension),
        client(
            root,
            "a critical extension that is for information only",
            "4.2.2.1, 6.1.5 (f)",
            &access.critical(),
        )
        .refused(Reason::UnknownCriticalExtension),
        client(
            root,
            "a critical Netscape certificate type",
            "6.1.5 (f)",
            &netscape.critical(),
        )
        .refused(Reason::UnknownCriticalExtension),
        case(
            "an unknown critical extension in a certificate beside the path",
            "6.1.4 (o)",
            &[&leaf("client").issued_by(root), &bystander],
        )
        .accepted(),
    ]
}

fn known_ones(root: &Certificate) -> Vec<Case> {
    let names = alternative_names(&[dns("client.example.com")]);
    let point = distribution_point(Some(&uri("http://crl.example.com/a.crl")), None, None);
    let policy = policies(&["1.3.6.1.4.1.99999.2.1"]);
    vec![
        client(
            root,
            "critical alternative names",
            "4.2.1.6",
            &names.critical(),
        )
        .accepted(),
        client(
            root,
            "a critical distribution point",
            "4.2.1.13",
            &point.critical(),
        )
        .accepted(),
        client(root, "critical policies", "4.2.1.4", &policy.critical()).accepted(),
        case(
            "no key identifiers at all",
            "4.2.1.1, 6.1",
            &[&leaf("client").issued_by(root).without(AUTHORITY_KEY_ID)],
        )
        .accepted(),
    ]
}

fn duplicates(root: &Certificate) -> Vec<Case> {
    let sub = ca("Sub").issued_by(root);
    let plain = leaf("client").issued_by(root);
    let twice = |extension: Extension| plain.clone().and_again(extension);
    let unknown = Extension::raw(UNKNOWN, &[5, 0]);
    let two_unknown = plain.clone().with(unknown.clone()).and_again(unknown);
    let two_constraints = sub.clone().and_again(basic_constraints(true, None));
    let cases = [
        case(
            "a client certificate with its key usage twice",
            FORM,
            &[&twice(key_usage(&[usage::DIGITAL_SIGNATURE]))],
        ),
        case(
            "a client certificate with an unknown extension twice",
            FORM,
            &[&two_unknown],
        ),
        case(
            "an intermediate with its basic constraints twice",
            FORM,
            &[&leaf("client").issued_by(&sub), &two_constraints],
        ),
    ];
    cases
        .into_iter()
        .map(|one| one.refused(Reason::MalformedCertificate))
        .collect()
}

fn malformed_ones(root: &Certificate) -> Vec<Case> {
    let null = [5, 0];
    let rows = [
        (
            "a key usage that is no string of bits",
            "4.2.1.3",
            KEY_USAGE,
            null.to_vec(),
        ),
        (
            "a key usage with nine unused bits",
            "4.2.1.3",
            KEY_USAGE,
            vec![3, 2, 9, 0x80],
        ),
        (
            "purposes that are no list",
            "4.2.1.12",
            EXTENDED_KEY_USAGE,
            null.to_vec(),
        ),
        (
            "a list of alternative names with none in it",
            "4.2.1.6",
            SUBJECT_ALT_NAME,
            sequence(&[]),
        ),
        (
            "alternative names that are no list",
            "4.2.1.6",
            SUBJECT_ALT_NAME,
            null.to_vec(),
        ),
        (
            "a key identifier that is no string of octets",
            "4.2.1.2",
            SUBJECT_KEY_ID,
            null.to_vec(),
        ),
        (
            "an issuer's key identifier that is no list",
            "4.2.1.1",
            AUTHORITY_KEY_ID,
            null.to_vec(),
        ),
        (
            "a key usage that ends too early",
            "4.2.1.3",
            KEY_USAGE,
            vec![3, 9, 7, 0x80],
        ),
    ];
    rows.into_iter()
        .map(|(name, clause, kind, value)| {
            client(root, name, clause, &Extension::raw(kind, &value))
                .refused(Reason::MalformedCertificate)
        })
        .collect()
}
