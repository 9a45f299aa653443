//! Revocation lists that speak for some certificates or some reasons only, or add to others (RFC 5280, 5.2.4 to 5.2.6).

use realmgate::trust::reason::Reason;

use crate::foundry::certificate::{Certificate, ca, leaf};
use crate::foundry::crl::{Crl, crl_of};
use crate::foundry::extension::usage::CRL_SIGN;
use crate::foundry::extension::{
    Scope, certificate_issuer, delta_of, distribution_point, issuing_distribution_point, key_usage,
    reason,
};
use crate::foundry::general_name::{directory, uri};
use crate::foundry::name::cn;
use crate::path_cases::case::{Case, case};

const SCOPE: &str = "6.3.3 (b)(2)";
/// keyCompromise; the reasons of ReasonFlags by their bits.
const COMPROMISE: &[u8] = &[1];
const THE_OTHER_REASONS: &[u8] = &[2, 3, 4, 5, 6, 7, 8];

pub fn cases() -> Vec<Case> {
    let mut cases = kinds_of_certificates();
    cases.extend(reasons());
    cases.extend(names_of_points());
    cases.extend(indirect());
    cases.extend(deltas());
    cases
}

fn scoped(issuer: &Certificate, scope: &Scope<'_>) -> Crl {
    crl_of(issuer).with(issuing_distribution_point(scope))
}

fn kinds_of_certificates() -> Vec<Case> {
    let root = ca("Root");
    let sub = ca("Sub").issued_by(&root);
    let client = leaf("client").issued_by(&sub);
    let users = Scope {
        only_users: true,
        ..Scope::default()
    };
    let cas = Scope {
        only_cas: true,
        ..Scope::default()
    };
    let attributes = Scope {
        only_attributes: true,
        ..Scope::default()
    };
    let of = |name| case(name, SCOPE, &[&client, &sub]).trusting(&root);
    vec![
        of("a client on a list for users only")
            .given(&scoped(&sub, &users).revoking(&client))
            .looking_up_the_leaf()
            .refused(Reason::Revoked),
        of("a list for users only, and a client that is not on it")
            .given(&scoped(&sub, &users))
            .looking_up_the_leaf()
            .accepted(),
        of("a list for CAs only where a client is looked up")
            .given(&scoped(&sub, &cas))
            .looking_up_the_leaf()
            .refused(Reason::RevocationUnknown),
        of("a list for users only where a CA is looked up")
            .given(&scoped(&root, &users))
            .given(&crl_of(&sub))
            .looking_up_the_chain()
            .refused(Reason::RevocationUnknown),
        of("a list for CAs only where a CA is looked up")
            .given(&scoped(&root, &cas))
            .given(&crl_of(&sub))
            .looking_up_the_chain()
            .accepted(),
        of("a CA on a list for CAs only")
            .given(&scoped(&root, &cas).revoking(&sub))
            .given(&crl_of(&sub))
            .looking_up_the_chain()
            .refused(Reason::Revoked),
        of("a list for attribute certificates only")
            .given(&scoped(&sub, &attributes))
            .looking_up_the_leaf()
            .refused(Reason::RevocationUnknown),
    ]
}

fn reasons() -> Vec<Case> {
    const REASONS: &str = "6.3.3 (d), (e), (l)";
    let root = ca("Root");
    let client = leaf("client").issued_by(&root);
    let some = |reasons| Scope {
        reasons: Some(reasons),
        ..Scope::default()
    };
    let (compromise, others) = (some(COMPROMISE), some(THE_OTHER_REASONS));
    let of = |name| {
        case(name, REASONS, &[&client])
            .trusting(&root)
            .looking_up_the_leaf()
    };
    vec![
        of("a list for one reason only")
            .given(&scoped(&root, &compromise))
            .refused(Reason::RevocationUnknown),
        of("two lists that cover all reasons")
            .given(&scoped(&root, &compromise))
            .given(&scoped(&root, &others))
            .accepted(),
        of("two lists that cover all reasons, and a client on the second")
            .given(&scoped(&root, &compromise))
            .given(&scoped(&root, &others).entry(&client, &[reason(4)]))
            .refused(Reason::Revoked),
        of("a client on a list for one reason only")
            .given(&scoped(&root, &compromise).entry(&client, &[reason(1)]))
            .refused(Reason::Revoked),
    ]
}

fn names_of_points() -> Vec<Case> {
    let root = ca("Root");
    let (here, there) = (
        uri("http://crl.example.com/1.crl"),
        uri("http://crl.example.com/2.crl"),
    );
    let plain = leaf("client").issued_by(&root);
    let client = plain
        .clone()
        .with(distribution_point(Some(&here), None, None));
    let at = |name| Scope {
        full_name: Some(name),
        ..Scope::default()
    };
    let of = |name, client: &Certificate| {
        case(name, "6.3.3 (b)(2)(i)", &[client])
            .trusting(&root)
            .looking_up_the_leaf()
    };
    vec![
        of("a list for the client's distribution point", &client)
            .given(&scoped(&root, &at(&here)))
            .accepted(),
        of(
            "a revoked client on the list for its distribution point",
            &client,
        )
        .given(&scoped(&root, &at(&here)).revoking(&client))
        .refused(Reason::Revoked),
        of("a list for another distribution point", &client)
            .given(&scoped(&root, &at(&there)))
            .refused(Reason::RevocationUnknown),
        of(
            "a list for a distribution point, and a client without one",
            &plain,
        )
        .given(&scoped(&root, &at(&here)))
        .refused(Reason::RevocationUnknown),
        of(
            "a list without a distribution point, and a client with one",
            &client,
        )
        .given(&crl_of(&root))
        .accepted(),
    ]
}

fn indirect() -> Vec<Case> {
    const INDIRECT: &str = "5.2.5, 5.3.3, 6.3.3 (b)(1)";
    let root = ca("Root");
    let sub = ca("Sub").issued_by(&root);
    let lister = leaf("List Issuer")
        .issued_by(&root)
        .with(key_usage(&[CRL_SIGN]));
    let lister_name = directory(&cn("List Issuer"));
    let of_sub = certificate_issuer(&directory(&cn("Sub")));
    let client =
        leaf("client")
            .issued_by(&sub)
            .with(distribution_point(None, None, Some(&lister_name)));
    let all = Scope {
        indirect: true,
        ..Scope::default()
    };
    let of = |name| {
        case(name, INDIRECT, &[&client, &sub])
            .trusting(&root)
            .helped_by(&lister)
            .looking_up_the_leaf()
    };
    vec![
        of("an indirect list, and a client that is not on it")
            .given(&scoped(&lister, &all))
            .accepted(),
        of("a client on an indirect list")
            .given(&scoped(&lister, &all).entry(&client, &[of_sub]))
            .refused(Reason::Revoked),
        of("the client's serial number on an indirect list, for its own issuer")
            .given(&scoped(&lister, &all).revoking(&client))
            .accepted(),
        of("a list of another issuer that does not say it is indirect")
            .given(&crl_of(&lister))
            .refused(Reason::RevocationUnknown),
    ]
}

fn deltas() -> Vec<Case> {
    const DELTA: &str = "5.2.4, 6.3.3 (c), (i), (j)";
    let root = ca("Root");
    let client = leaf("client").issued_by(&root);
    let base = || crl_of(&root).number(1);
    let delta = || crl_of(&root).number(2).with(delta_of(1));
    let of = |name| {
        case(name, DELTA, &[&client])
            .trusting(&root)
            .looking_up_the_leaf()
    };
    vec![
        of("a list, and changes that do not concern the client")
            .given(&base())
            .given(&delta())
            .accepted(),
        of("a list, and changes that revoke the client")
            .given(&base())
            .given(&delta().revoking(&client))
            .refused(Reason::Revoked),
        of("a list with the client on hold, and changes that take it off")
            .given(&base().entry(&client, &[reason(6)]))
            .given(&delta().entry(&client, &[reason(8)]))
            .accepted(),
        of("changes without the list that they change")
            .given(&delta())
            .refused(Reason::RevocationUnknown),
        of("changes that come before the list that they change")
            .given(&delta().revoking(&client))
            .given(&base())
            .refused(Reason::Revoked),
    ]
}
