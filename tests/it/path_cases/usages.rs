//! Key usage (RFC 5280, 4.2.1.3 and 6.1.4 (n)) and extended key usage (4.2.1.12).

use realmgate::trust::reason::Reason;

use crate::foundry::asn1::sequence;
use crate::foundry::certificate::{Certificate, ca, leaf};
use crate::foundry::extension::purpose::{ANY, CLIENT_AUTH, EMAIL_PROTECTION, SERVER_AUTH};
use crate::foundry::extension::usage::{
    CRL_SIGN, DIGITAL_SIGNATURE, KEY_CERT_SIGN, KEY_ENCIPHERMENT,
};
use crate::foundry::extension::{
    EXTENDED_KEY_USAGE, Extension, KEY_USAGE, extended_key_usage, key_usage,
};
use crate::path_cases::case::{Case, case};

const PURPOSE: &str = "4.2.1.12";

pub fn cases() -> Vec<Case> {
    let mut cases = of_issuers();
    cases.extend(of_clients());
    cases.extend(purposes_of_issuers());
    cases.extend(purposes_of_clients());
    cases.extend(cas_as_clients());
    cases
}

fn below(
    name: &'static str,
    clause: &'static str,
    change: impl Fn(Certificate) -> Certificate,
) -> Case {
    let root = ca("Root");
    let sub = change(ca("Sub").issued_by(&root));
    let client = leaf("client").issued_by(&sub);
    case(name, clause, &[&client, &sub]).trusting(&root)
}

fn client(
    name: &'static str,
    clause: &'static str,
    change: impl Fn(Certificate) -> Certificate,
) -> Case {
    let root = ca("Root");
    let client = change(leaf("client").issued_by(&root));
    case(name, clause, &[&client]).trusting(&root)
}

fn of_issuers() -> Vec<Case> {
    const SIGNING: &str = "6.1.4 (n)";
    vec![
        below("an intermediate that may sign lists only", SIGNING, |sub| {
            sub.with(key_usage(&[CRL_SIGN]))
        })
        .refused(Reason::WrongUsage),
        below(
            "an intermediate that may sign lists only, not critically",
            SIGNING,
            |sub| sub.with(key_usage(&[CRL_SIGN]).noncritical()),
        )
        .refused(Reason::WrongUsage),
        below("an intermediate without key usage", SIGNING, |sub| {
            sub.without(KEY_USAGE)
        })
        .accepted(),
        below(
            "an intermediate that may sign certificates, not critically",
            SIGNING,
            |sub| sub.with(key_usage(&[KEY_CERT_SIGN]).noncritical()),
        )
        .accepted(),
        below(
            "an intermediate with the key usage of a client",
            SIGNING,
            |sub| sub.with(key_usage(&[DIGITAL_SIGNATURE])),
        )
        .refused(Reason::WrongUsage),
    ]
}

fn of_clients() -> Vec<Case> {
    const USAGE: &str = "4.2.1.3, RFC 8446 4.4.2.2";
    vec![
        client("a client that may encipher keys only", USAGE, |client| {
            client.with(key_usage(&[KEY_ENCIPHERMENT]))
        })
        .refused(Reason::WrongUsage),
        client("a client without key usage", USAGE, |client| {
            client.without(KEY_USAGE)
        })
        .accepted(),
        client(
            "a client that may sign and encipher keys",
            USAGE,
            |client| client.with(key_usage(&[DIGITAL_SIGNATURE, KEY_ENCIPHERMENT]).noncritical()),
        )
        .accepted(),
        client(
            "a client that may sign certificates but is no CA",
            "4.2.1.9",
            |client| client.with(key_usage(&[DIGITAL_SIGNATURE, KEY_CERT_SIGN])),
        )
        .refused(Reason::WrongUsage),
        client("a client whose key usage has no bit", "4.2.1.3", |client| {
            client.with(key_usage(&[]))
        })
        .refused(Reason::WrongUsage),
    ]
}

fn purposes_of_issuers() -> Vec<Case> {
    const ISSUER: &str = "4.2.1.12, stricter (applied to what it issues)";
    let purposes = |purposes: &'static [&'static str]| {
        move |sub: Certificate| sub.with(extended_key_usage(purposes))
    };
    let anchor = ca("Client Root").with(extended_key_usage(&[CLIENT_AUTH]));
    vec![
        below(
            "an intermediate for server authentication only",
            ISSUER,
            purposes(&[SERVER_AUTH]),
        )
        .refused(Reason::WrongUsage),
        below(
            "an intermediate for e-mail only",
            ISSUER,
            purposes(&[EMAIL_PROTECTION]),
        )
        .refused(Reason::WrongUsage),
        below(
            "an intermediate for client authentication",
            ISSUER,
            purposes(&[CLIENT_AUTH]),
        )
        .accepted(),
        below(
            "an intermediate for servers and clients",
            ISSUER,
            purposes(&[SERVER_AUTH, CLIENT_AUTH]),
        )
        .accepted(),
        below("an intermediate for any purpose", ISSUER, purposes(&[ANY])).accepted(),
        case(
            "an anchor for client authentication",
            ISSUER,
            &[&leaf("client").issued_by(&anchor)],
        )
        .trusting(&anchor)
        .accepted(),
    ]
}

fn purposes_of_clients() -> Vec<Case> {
    let purposes = |purposes: &'static [&'static str]| {
        move |client: Certificate| client.with(extended_key_usage(purposes))
    };
    vec![
        client(
            "a client certificate for server authentication only",
            PURPOSE,
            purposes(&[SERVER_AUTH]),
        )
        .refused(Reason::WrongUsage),
        client(
            "a client certificate for any purpose, clientAuth not among them",
            "4.2.1.12, stricter",
            purposes(&[ANY]),
        )
        .refused(Reason::WrongUsage),
        client(
            "a client certificate for servers and clients",
            PURPOSE,
            purposes(&[SERVER_AUTH, CLIENT_AUTH]),
        )
        .accepted(),
        client(
            "a client certificate for clients and any purpose",
            PURPOSE,
            purposes(&[CLIENT_AUTH, ANY]),
        )
        .accepted(),
        client("a client certificate without purposes", PURPOSE, |client| {
            client.without(EXTENDED_KEY_USAGE)
        })
        .accepted(),
        client("critical purposes of a client", PURPOSE, |client| {
            client.with(extended_key_usage(&[CLIENT_AUTH]).critical())
        })
        .accepted(),
        client("a list of purposes with none in it", PURPOSE, |client| {
            client.with(Extension::raw(EXTENDED_KEY_USAGE, &sequence(&[])))
        })
        .refused(Reason::MalformedCertificate),
    ]
}

fn cas_as_clients() -> Vec<Case> {
    const STRICTER: &str = "4.2.1.9, stricter";
    let root = ca("Root");
    let signing = key_usage(&[DIGITAL_SIGNATURE, KEY_CERT_SIGN]);
    let both = ca("Both")
        .issued_by(&root)
        .with(signing)
        .with(extended_key_usage(&[CLIENT_AUTH]));
    let open = ca("Open").issued_by(&root).without(KEY_USAGE);
    let cases = [
        case(
            "a CA that may sign, for clients, as a client",
            STRICTER,
            &[&both],
        ),
        case("a CA without key usage as a client", STRICTER, &[&open]),
        case("the anchor itself as a client", STRICTER, &[&root]),
    ];
    cases
        .into_iter()
        .map(|one| one.trusting(&root).refused(Reason::WrongUsage))
        .collect()
}
