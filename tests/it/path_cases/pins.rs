//! Pins: clients that a realm expects by name, so to speak (not in RFC 5280).

use realmgate::trust::reason::Reason;

use crate::foundry::certificate::{Certificate, ca, leaf};
use crate::foundry::key::sha256_hex;
use crate::path_cases::case::{Case, case};

const PIN: &str = "domain policy";

fn certificate_pin(certificate: &Certificate) -> String {
    format!("certificate:{}", sha256_hex(certificate.der()))
}

fn key_pin(certificate: &Certificate) -> String {
    format!("key:{}", sha256_hex(&certificate.own_key().info()))
}

pub fn cases() -> Vec<Case> {
    let root = ca("Root");
    let sub = ca("Sub").issued_by(&root);
    let client = leaf("client").issued_by(&sub);
    let other = leaf("other").issued_by(&sub);
    let renewed = leaf("client").key(client.own_key()).issued_by(&sub);
    let stranger = leaf("stranger");
    let of = |name, client: &Certificate| case(name, PIN, &[client, &sub]).trusting(&root);
    vec![
        of("a client whose certificate is pinned", &client)
            .pinning(certificate_pin(&client))
            .accepted(),
        of("a client whose key is pinned", &client)
            .pinning(key_pin(&client))
            .accepted(),
        of("a renewed certificate whose key is pinned", &renewed)
            .pinning(key_pin(&client))
            .accepted(),
        of(
            "a renewed certificate where the old one is pinned",
            &renewed,
        )
        .pinning(certificate_pin(&client))
        .refused(Reason::NotPinned),
        of("a client that is not pinned", &client)
            .pinning(certificate_pin(&other))
            .pinning(key_pin(&other))
            .refused(Reason::NotPinned),
        of("a client that is one of two that are pinned", &client)
            .pinning(key_pin(&other))
            .pinning(certificate_pin(&client))
            .accepted(),
        of("a client whose issuer is pinned", &client)
            .pinning(certificate_pin(&sub))
            .refused(Reason::NotPinned),
        case(
            "a pinned client that no anchor vouches for",
            PIN,
            &[&stranger],
        )
        .trusting(&root)
        .pinning(certificate_pin(&stranger))
        .refused(Reason::UnknownIssuer),
    ]
}
