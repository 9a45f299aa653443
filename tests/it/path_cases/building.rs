//! Building a path from what the client sends, in any order, and from what the realm has (RFC 5280, 6.1; RFC 4158).

use realmgate::trust::reason::Reason;

use crate::foundry::certificate::{Certificate, Flaw, ca, ca_named, leaf};
use crate::foundry::extension::{
    AUTHORITY_KEY_ID, SUBJECT_KEY_ID, authority_by_name, authority_key_id, basic_constraints,
};
use crate::foundry::key::{Key, Kind};
use crate::foundry::name::of_house;
use crate::path_cases::case::{Case, case};

const ORDER: &str = "RFC 8446 4.4.2, RFC 4158";
const PATH: &str = "6.1";

pub fn cases() -> Vec<Case> {
    let mut cases = orders();
    cases.extend(gaps());
    cases.extend(anchors());
    cases.extend(namesakes());
    cases.extend(key_identifiers());
    cases.extend(forgeries());
    cases.extend(several_ways());
    cases
}

fn orders() -> Vec<Case> {
    let root = ca("Root");
    let upper = ca("Upper").issued_by(&root);
    let lower = ca("Lower").issued_by(&upper);
    let client = leaf("client").issued_by(&lower);
    let stranger = ca("Stranger");
    let damaged = upper.clone().but(Flaw::CutOff);
    let cases = [
        case(
            "two intermediates in order",
            ORDER,
            &[&client, &lower, &upper],
        ),
        case(
            "two intermediates in reverse order",
            ORDER,
            &[&client, &upper, &lower],
        ),
        case(
            "the anchor sent along",
            ORDER,
            &[&client, &lower, &upper, &root],
        ),
        case(
            "an intermediate sent twice",
            ORDER,
            &[&client, &lower, &lower, &upper],
        ),
        case(
            "a certificate that has nothing to do with the path",
            ORDER,
            &[&client, &stranger, &lower, &upper],
        ),
        case(
            "a damaged certificate besides a whole path",
            ORDER,
            &[&client, &lower, &upper, &damaged],
        ),
    ];
    let mut cases: Vec<Case> = cases.into_iter().map(Case::accepted).collect();
    cases.push(
        case(
            "the intermediate before the client certificate",
            ORDER,
            &[&lower, &client, &upper],
        )
        .refused(Reason::WrongUsage),
    );
    cases.into_iter().map(|one| one.trusting(&root)).collect()
}

fn gaps() -> Vec<Case> {
    let root = ca_named(&of_house("House", "Root"));
    let sub = ca_named(&of_house("House", "Sub")).issued_by(&root);
    let client = leaf("client").issued_by(&sub);
    let stranger = ca_named(&of_house("Elsewhere", "Root"));
    let of_stranger = leaf("client").issued_by(&stranger);
    let upper = ca("Upper").issued_by(&root);
    let lower = ca("Lower").issued_by(&upper);
    let cases = [
        case("the only intermediate is missing", PATH, &[&client]).refused(Reason::IncompleteChain),
        case(
            "the only intermediate is missing, and the anchor was sent",
            PATH,
            &[&client, &root],
        )
        .refused(Reason::IncompleteChain),
        case(
            "the lower one of two intermediates is missing",
            PATH,
            &[&leaf("client").issued_by(&lower), &upper],
        )
        .refused(Reason::IncompleteChain),
        case("the missing intermediate is a helper", PATH, &[&client])
            .helped_by(&sub)
            .accepted(),
        case("a client of a CA that is no anchor", PATH, &[&of_stranger])
            .refused(Reason::UnknownIssuer),
        case(
            "a client of a CA that is no anchor but was sent along",
            PATH,
            &[&of_stranger, &stranger],
        )
        .refused(Reason::UnknownIssuer),
        case(
            "a client of a CA that is only a helper",
            PATH,
            &[&of_stranger],
        )
        .helped_by(&stranger)
        .refused(Reason::UnknownIssuer),
        case(
            "a client that issued its certificate to itself",
            PATH,
            &[&leaf("client")],
        )
        .refused(Reason::UnknownIssuer),
    ];
    cases.into_iter().map(|one| one.trusting(&root)).collect()
}

fn anchors() -> Vec<Case> {
    let root = ca("Root");
    let sub = ca("Sub").issued_by(&root);
    let sibling = ca("Sibling").issued_by(&root);
    let client = leaf("client").issued_by(&sub);
    let of_sibling = leaf("client").issued_by(&sibling);
    let other = ca("Other");
    let new_key = ca("Root").issued_by(&root);
    let of_new = leaf("client").issued_by(&new_key);
    vec![
        case("an intermediate as the anchor", "6.1.1 (d)", &[&client])
            .trusting(&sub)
            .accepted(),
        case(
            "an intermediate as the anchor, and its root sent along",
            "6.1.1 (d)",
            &[&client, &sub, &root],
        )
        .trusting(&sub)
        .accepted(),
        case(
            "a client of the sibling of an intermediate that is the anchor",
            "6.1.1 (d)",
            &[&of_sibling, &sibling, &root],
        )
        .trusting(&sub)
        .refused(Reason::UnknownIssuer),
        case(
            "a client of the second of two anchors",
            "6.1.1 (d)",
            &[&client, &sub],
        )
        .trusting(&other)
        .trusting(&root)
        .accepted(),
        case(
            "an anchor and an intermediate below it, both anchors",
            PATH,
            &[&client],
        )
        .trusting(&root)
        .trusting(&sub)
        .accepted(),
        case(
            "an anchor's new key, which its old key vouches for",
            "6.1 (self-issued)",
            &[&of_new, &new_key],
        )
        .trusting(&root)
        .accepted(),
    ]
}

fn namesakes() -> Vec<Case> {
    let first = ca("Root");
    let second = ca("Root");
    let third = ca("Root");
    let of = |issuer: &Certificate| leaf("client").issued_by(issuer);
    let unsaid = |issuer| of(issuer).without(AUTHORITY_KEY_ID);
    let again = first.clone().serial(&[9]);
    let both = |name, sent: &[_]| case(name, PATH, sent).trusting(&first).trusting(&second);
    vec![
        both(
            "a client of the first of two anchors of one name",
            &[&of(&first)],
        )
        .accepted(),
        both(
            "a client of the second of two anchors of one name",
            &[&of(&second)],
        )
        .accepted(),
        both(
            "a client of the second of two anchors of one name, without a key identifier",
            &[&unsaid(&second)],
        )
        .accepted(),
        both("a client of a third CA of that name", &[&of(&third)]).refused(Reason::UnknownIssuer),
        both(
            "a client of a third CA of that name, without a key identifier",
            &[&unsaid(&third)],
        )
        .refused(Reason::BadSignature),
        case(
            "two certificates of one CA, both anchors",
            PATH,
            &[&of(&first)],
        )
        .trusting(&first)
        .trusting(&again)
        .accepted(),
    ]
}

fn key_identifiers() -> Vec<Case> {
    const HINT: &str = "4.2.1.1 (a hint)";
    let root = ca("Root");
    let client = leaf("client").issued_by(&root);
    let unsaid = ca("Unsaid").without(SUBJECT_KEY_ID);
    let by_name = authority_by_name(
        &crate::foundry::asn1::explicit(4, &[root.subject_der()]),
        &[9],
    );
    vec![
        case(
            "another key identifier than the issuer's, and the right key",
            HINT,
            &[&client.clone().with(authority_key_id(&[7; 20]))],
        )
        .trusting(&root)
        .accepted(),
        case(
            "the issuer by its name and another serial number",
            HINT,
            &[&client.with(by_name)],
        )
        .trusting(&root)
        .accepted(),
        case(
            "an issuer without a key identifier",
            HINT,
            &[&leaf("client").issued_by(&unsaid)],
        )
        .trusting(&unsaid)
        .accepted(),
    ]
}

fn forgeries() -> Vec<Case> {
    let root = ca("Root");
    let sub = ca("Sub").issued_by(&root);
    let client = leaf("client").issued_by(&sub);
    let attacker = Key::new(Kind::P256);
    // Names and identifiers are those of the real one; the key is the attacker's.
    let forged = sub
        .clone()
        .key_info(&attacker.info())
        .signed_with(&attacker);
    let own_forged = ca("Sub");
    let forged_client = leaf("client").issued_by(&sub).signed_with(&attacker);
    let same_key = ca("Other").key(sub.own_key()).issued_by(&root);
    let cases = [
        case(
            "a good client certificate followed by a forged issuer and the real one",
            PATH,
            &[&client, &forged, &sub],
        )
        .accepted(),
        case(
            "a good client certificate followed by a forged issuer, the real one a helper",
            PATH,
            &[&client, &forged],
        )
        .helped_by(&sub)
        .accepted(),
        case(
            "a good client certificate followed by a forged issuer only",
            PATH,
            &[&client, &forged],
        )
        .refused(Reason::BadSignature),
        case(
            "a good client certificate followed by a namesake of its issuer",
            PATH,
            &[&client, &own_forged],
        )
        .refused(Reason::UnknownIssuer),
        case(
            "a forged client certificate followed by the forged issuer",
            PATH,
            &[&forged_client, &forged],
        )
        .refused(Reason::BadSignature),
        case(
            "a forged client certificate followed by the real issuer",
            PATH,
            &[&forged_client, &sub],
        )
        .refused(Reason::BadSignature),
        case(
            "a CA with the issuer's key and another name",
            "6.1.3 (a)(4)",
            &[&client, &same_key],
        )
        .refused(Reason::IncompleteChain),
    ];
    cases.into_iter().map(|one| one.trusting(&root)).collect()
}

/// Two certificates for one CA's key, of which one makes a bad path: the good one counts.
fn several_ways() -> Vec<Case> {
    let root = ca("Root");
    let sub = ca("Sub").issued_by(&root);
    let client = leaf("client").issued_by(&sub);
    let no_ca = sub.clone().with(basic_constraints(false, None));
    let below = ca("Below").issued_by(&sub);
    let short = sub.clone().with(basic_constraints(true, Some(0)));
    let of_below = leaf("client").issued_by(&below);
    let other_root = ca("Other Root");
    let cross = ca("Sub").key(sub.own_key()).issued_by(&other_root);
    let upper = ca("Upper").issued_by(&sub);
    let loops = ca("Sub").key(sub.own_key()).issued_by(&upper);
    vec![
        case(
            "two certificates of one CA, the first not a CA's",
            PATH,
            &[&client, &no_ca, &sub],
        )
        .trusting(&root)
        .accepted(),
        case(
            "two certificates of one CA, the first with a path length that is too short",
            PATH,
            &[&of_below, &below, &short, &sub],
        )
        .trusting(&root)
        .accepted(),
        case(
            "a cross-signed CA, the anchor above the second certificate",
            PATH,
            &[&client, &sub, &cross],
        )
        .trusting(&other_root)
        .accepted(),
        case(
            "two CAs that signed each other, and no anchor",
            PATH,
            &[&client, &loops, &upper],
        )
        .trusting(&other_root)
        .refused(Reason::UnknownIssuer),
        case(
            "two CAs that signed each other, and a way out",
            PATH,
            &[&client, &loops, &upper, &sub],
        )
        .trusting(&root)
        .accepted(),
    ]
}
