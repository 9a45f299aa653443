use rcgen::{CertificateParams, DistinguishedName, KeyUsagePurpose};

use super::*;
use crate::trust::workshop::*;

const BASIC_CONSTRAINTS: &[u64] = &[2, 5, 29, 19];

fn nameless(mut params: CertificateParams) -> CertificateParams {
    params.distinguished_name = DistinguishedName::new();
    params
}

fn critical(params: CertificateParams, oid: &[u64], content: &[u8]) -> CertificateParams {
    with_extension(params, oid, content, Criticality::Critical)
}

/// Code and sentence.
fn problem(path: &Path) -> Option<(Reason, String)> {
    let finding = check(path).err()?;
    Some((finding.reason, finding.detail))
}

fn of_leaf(params: CertificateParams) -> Option<(Reason, String)> {
    let root = Made::root(ca("Root"));
    let leaf = root.issue(params);
    problem(&path(&[&leaf.certificate, &root.certificate]))
}

fn of_middle(params: CertificateParams) -> Option<(Reason, String)> {
    let root = Made::root(ca("Root"));
    let middle = root.issue(params);
    let leaf = middle.issue(with(client("client"), |params| {
        params.use_authority_key_identifier_extension = false;
    }));
    problem(&path(&[
        &leaf.certificate,
        &middle.certificate,
        &root.certificate,
    ]))
}

#[test]
fn lets_pass_what_does_not_contradict_itself() {
    assert_eq!(of_leaf(client("client")), None);
    assert_eq!(of_leaf(bare("client")), None, "without key identifiers");
    assert_eq!(of_middle(ca("Middle")), None);
    assert_eq!(of_middle(with_path_length(ca("Middle"), 3)), None);
    let san = b"\x30\x0b\x82\x09a.example";
    let with_san = |params, criticality| with_extension(params, &[2, 5, 29, 17], san, criticality);
    assert_eq!(
        of_leaf(with_san(client("x"), Criticality::NotCritical)),
        None
    );
    assert_eq!(of_leaf(with_san(client("x"), Criticality::Critical)), None);
    assert_eq!(
        of_leaf(with_san(nameless(client("x")), Criticality::Critical)),
        None
    );
    let not_critical = with_extension(
        bare("Middle"),
        BASIC_CONSTRAINTS,
        b"\x30\x03\x01\x01\xff",
        Criticality::NotCritical,
    );
    assert_eq!(of_middle(not_critical), None);
}

#[test]
fn refuses_a_leaf_that_contradicts_itself() {
    let signing = with(client("x"), |params| {
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    });
    let san = b"\x30\x0b\x82\x09a.example";
    let with_san = with_extension(
        nameless(client("x")),
        &[2, 5, 29, 17],
        san,
        Criticality::NotCritical,
    );
    let constrained = critical(
        client("x"),
        &[2, 5, 29, 30],
        b"\x30\x07\xa0\x05\x30\x03\x82\x01a",
    );
    let malformed = Reason::MalformedCertificate;
    let with_length = critical(client("x"), BASIC_CONSTRAINTS, b"\x30\x03\x02\x01\x00");
    let no_name = "has no subject, and no critical alternative names in its place";
    let cases = [
        (
            signing,
            Reason::WrongUsage,
            "has the key usage keyCertSign and is no CA",
        ),
        (with_length, malformed, "has a path length and is no CA"),
        (constrained, malformed, "has name constraints and is no CA"),
        (with_san, malformed, no_name),
        (nameless(client("x")), malformed, no_name),
    ];
    for (params, reason, expected) in cases {
        let (found, problem) = of_leaf(params).unwrap();
        assert_eq!(found, reason, "{problem}");
        assert!(problem.contains(expected), "{problem}");
        assert!(problem.starts_with("The client certificate "), "{problem}");
    }
}

#[test]
fn refuses_a_ca_without_a_name() {
    let (_, problem) = of_middle(nameless(ca("x"))).unwrap();
    assert!(
        problem.contains("has no issuer"),
        "the client's is the first: {problem}"
    );
    let root = Made::root(nameless(ca("x")));
    let leaf = Made::root(client("client"));
    let (_, found) = self::problem(&path(&[&leaf.certificate, &root.certificate])).unwrap();
    assert!(
        found.contains("trust anchor") && found.contains("is a CA without a subject"),
        "{found}"
    );
}

#[test]
fn refuses_extensions_that_must_not_be_critical() {
    let key_id = b"\x30\x03\x80\x01\x01";
    let (malformed, unknown) = (
        Reason::MalformedCertificate,
        Reason::UnknownCriticalExtension,
    );
    let any = b"\x30\x00";
    let cases: [(&[u64], &[u8], Reason, &str); 6] = [
        (&[2, 5, 29, 35], key_id, malformed, "authorityKeyIdentifier"),
        (
            &[2, 5, 29, 14],
            b"\x04\x01\x01",
            malformed,
            "subjectKeyIdentifier",
        ),
        (&[2, 5, 29, 9], any, unknown, "subjectDirectoryAttributes"),
        (&[2, 5, 29, 46], any, unknown, "freshestCRL"),
        (
            &[1, 3, 6, 1, 5, 5, 7, 1, 1],
            any,
            unknown,
            "authorityInfoAccess",
        ),
        (
            &[1, 3, 6, 1, 5, 5, 7, 1, 11],
            any,
            unknown,
            "subjectInfoAccess",
        ),
    ];
    for (oid, content, reason, name) in cases {
        let (found, problem) = of_leaf(critical(bare("x"), oid, content)).unwrap();
        assert_eq!(found, reason, "{problem}");
        assert!(problem.contains(name), "{problem}");
        let let_pass = with_extension(bare("x"), oid, content, Criticality::NotCritical);
        assert_eq!(of_leaf(let_pass), None, "{name}");
    }
}
