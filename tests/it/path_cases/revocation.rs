//! Revocation by complete lists (RFC 5280, 5 and 6.3).

use realmgate::trust::reason::Reason;

use crate::foundry::certificate::{Certificate, Flaw, ca, leaf};
use crate::foundry::crl::crl_of;
use crate::foundry::extension::usage::{CRL_SIGN, KEY_CERT_SIGN};
use crate::foundry::extension::{Extension, KEY_USAGE, UNKNOWN, key_usage, reason};
use crate::foundry::key::{Key, Kind};
use crate::foundry::moment::{hours_ago, in_hours};
use crate::foundry::name::cn;
use crate::path_cases::case::{Case, case};

const STATUS: &str = "6.3.3";
const ISSUER: &str = "6.3.3 (f), (g)";

pub fn cases() -> Vec<Case> {
    let mut cases = of_clients();
    cases.extend(of_chains());
    cases.extend(out_of_date());
    cases.extend(several_lists());
    cases.extend(who_signs());
    cases.extend(separate_keys());
    cases.extend(extensions());
    cases.extend(entries());
    cases
}

/// A root, a CA below it, and its client.
struct House {
    root: Certificate,
    sub: Certificate,
    client: Certificate,
}

fn house() -> House {
    let root = ca("Root");
    let sub = ca("Sub").issued_by(&root);
    let client = leaf("client").issued_by(&sub);
    House { root, sub, client }
}

impl House {
    fn case(&self, name: &'static str, clause: &'static str) -> Case {
        case(name, clause, &[&self.client, &self.sub]).trusting(&self.root)
    }
}

fn of_clients() -> Vec<Case> {
    let house = house();
    let (root, sub, client) = (&house.root, &house.sub, &house.client);
    let direct = leaf("client").issued_by(root);
    vec![
        house
            .case("a revoked client where nobody asks", "domain policy")
            .given(&crl_of(sub).revoking(client))
            .accepted(),
        house
            .case("a revoked client", STATUS)
            .given(&crl_of(sub).revoking(client))
            .looking_up_the_leaf()
            .refused(Reason::Revoked),
        house
            .case("a client that is not on its issuer's list", STATUS)
            .given(&crl_of(sub).revoking(&direct))
            .looking_up_the_leaf()
            .accepted(),
        house
            .case("no list at all", STATUS)
            .looking_up_the_leaf()
            .refused(Reason::RevocationUnknown),
        house
            .case("no list of the client's issuer", STATUS)
            .given(&crl_of(root))
            .looking_up_the_leaf()
            .refused(Reason::RevocationUnknown),
        house
            .case(
                "the client's serial number on the list of another issuer",
                STATUS,
            )
            .given(&crl_of(root).revoking(client))
            .given(&crl_of(sub))
            .looking_up_the_leaf()
            .accepted(),
        house
            .case(
                "a revoked intermediate where only clients are looked up",
                "domain policy",
            )
            .given(&crl_of(root).revoking(sub))
            .given(&crl_of(sub))
            .looking_up_the_leaf()
            .accepted(),
        case("a revoked client of the anchor", STATUS, &[&direct])
            .trusting(root)
            .given(&crl_of(root).revoking(&direct))
            .looking_up_the_leaf()
            .refused(Reason::Revoked),
    ]
}

fn of_chains() -> Vec<Case> {
    let house = house();
    let (root, sub, client) = (&house.root, &house.sub, &house.client);
    let cases = [
        house
            .case("lists of all issuers, and nobody on them", STATUS)
            .given(&crl_of(root))
            .given(&crl_of(sub))
            .accepted(),
        house
            .case("a revoked intermediate", STATUS)
            .given(&crl_of(root).revoking(sub))
            .given(&crl_of(sub))
            .refused(Reason::Revoked),
        house
            .case("a revoked client where the chain is looked up", STATUS)
            .given(&crl_of(root))
            .given(&crl_of(sub).revoking(client))
            .refused(Reason::Revoked),
        house
            .case("no list of the intermediate's issuer", STATUS)
            .given(&crl_of(sub))
            .refused(Reason::RevocationUnknown),
        house
            .case(
                "the anchor on its own list",
                "6.1 (the anchor is not part of the path)",
            )
            .given(&crl_of(root).revoking(root))
            .given(&crl_of(sub))
            .accepted(),
    ];
    cases.into_iter().map(Case::looking_up_the_chain).collect()
}

fn out_of_date() -> Vec<Case> {
    const DATES: &str = "5.1.2.5, domain policy";
    let house = house();
    let (sub, client) = (&house.sub, &house.client);
    let old = || crl_of(sub).made(hours_ago(30), Some(hours_ago(10)));
    let with_old = |name| house.case(name, DATES).given(&old()).looking_up_the_leaf();
    vec![
        with_old("a list that is out of date").refused(Reason::CrlOutOfDate),
        with_old("a list out of date where that is refused")
            .out_of_date("\"refuse\"")
            .refused(Reason::CrlOutOfDate),
        with_old("a list ten hours out of date where 24 are allowed")
            .out_of_date("{ allow-hours = 24 }")
            .accepted(),
        with_old("a list ten hours out of date where five are allowed")
            .out_of_date("{ allow-hours = 5 }")
            .refused(Reason::CrlOutOfDate),
        with_old("a list out of date where that is allowed")
            .out_of_date("\"allow\"")
            .accepted(),
        house
            .case(
                "a revoked client on a list out of date where that is allowed",
                DATES,
            )
            .given(&old().revoking(client))
            .looking_up_the_leaf()
            .out_of_date("\"allow\"")
            .refused(Reason::Revoked),
        house
            .case("a list that begins in an hour", "5.1.2.4")
            .given(&crl_of(sub).made(in_hours(1), Some(in_hours(9))))
            .looking_up_the_leaf()
            .refused(Reason::RevocationUnknown),
        house
            .case("a list that is out of date, and a present one", DATES)
            .given(&old().revoking(client).number(1))
            .given(&crl_of(sub).number(2))
            .looking_up_the_leaf()
            .accepted(),
    ]
}

fn several_lists() -> Vec<Case> {
    const NEWEST: &str = "5.2.3, 6.3.3";
    let house = house();
    let (sub, client) = (&house.sub, &house.client);
    let old = || crl_of(sub).number(1).made(hours_ago(9), Some(in_hours(9)));
    let new = || crl_of(sub).number(2).made(hours_ago(1), Some(in_hours(9)));
    let cases = [
        house
            .case("revoked on the newer list, which comes last", NEWEST)
            .given(&old())
            .given(&new().revoking(client))
            .refused(Reason::Revoked),
        house
            .case("revoked on the newer list, which comes first", NEWEST)
            .given(&new().revoking(client))
            .given(&old())
            .refused(Reason::Revoked),
        house
            .case("revoked on the older list only, which comes first", NEWEST)
            .given(&old().entry(client, &[reason(6)]))
            .given(&new())
            .accepted(),
        house
            .case("revoked on the older list only, which comes last", NEWEST)
            .given(&new())
            .given(&old().entry(client, &[reason(6)]))
            .accepted(),
        house
            .case(
                "a forged newer list beside the one on which the client is",
                NEWEST,
            )
            .given(&crl_of(sub).revoking(client))
            .given(&new().number(9).but(Flaw::BrokenSignature))
            .refused(Reason::Revoked),
        house
            .case(
                "a forged newer list beside one on which the client is not",
                NEWEST,
            )
            .given(&crl_of(sub))
            .given(&new().number(9).but(Flaw::BrokenSignature))
            .accepted(),
        house
            .case(
                "a newer list that begins tomorrow beside a present one",
                NEWEST,
            )
            .given(&old().revoking(client))
            .given(&new().made(in_hours(24), Some(in_hours(48))))
            .refused(Reason::Revoked),
    ];
    cases.into_iter().map(Case::looking_up_the_leaf).collect()
}

fn who_signs() -> Vec<Case> {
    let house = house();
    let (sub, client) = (&house.sub, &house.client);
    let other = Key::new(Kind::P256);
    let namesake = ca("Sub").issued_by(&house.root);
    let mute = ca("Mute")
        .issued_by(&house.root)
        .with(key_usage(&[KEY_CERT_SIGN]));
    let open = ca("Open").issued_by(&house.root).without(KEY_USAGE);
    let of_mute = leaf("client").issued_by(&mute);
    let of_open = leaf("client").issued_by(&open);
    let unknown = [
        house
            .case("a list whose signature is damaged", ISSUER)
            .given(&crl_of(sub).but(Flaw::BrokenSignature)),
        house
            .case("a list in the issuer's name with another key", ISSUER)
            .given(&crl_of(sub).signed_with(&other)),
        house
            .case("a list of a namesake of the issuer", ISSUER)
            .given(&crl_of(&namesake)),
        house
            .case(
                "a list with the issuer's key in another name",
                "6.3.3 (b)(1)",
            )
            .given(&crl_of(sub).naming_issuer(&cn("Other"))),
        case(
            "a list of an issuer that may not sign lists",
            "6.3.3 (f), 4.2.1.3",
            &[&of_mute, &mute],
        )
        .trusting(&house.root)
        .given(&crl_of(&mute)),
    ];
    let mut cases: Vec<Case> = unknown
        .into_iter()
        .map(|one| one.looking_up_the_leaf().refused(Reason::RevocationUnknown))
        .collect();
    cases.extend([
        house
            .case("a list that writes its issuer's name in other cases", "7.1")
            .given(&crl_of(sub).naming_issuer(&cn("SUB")).revoking(client))
            .looking_up_the_leaf()
            .refused(Reason::Revoked),
        case(
            "a list of an issuer without key usage",
            ISSUER,
            &[&of_open, &open],
        )
        .trusting(&house.root)
        .given(&crl_of(&open))
        .looking_up_the_leaf()
        .accepted(),
    ]);
    cases
}

/// One key for certificates, another for lists, both of the same CA.
fn separate_keys() -> Vec<Case> {
    let root = ca("Root");
    let sub = ca("Sub").issued_by(&root).with(key_usage(&[KEY_CERT_SIGN]));
    let lists = ca("Sub").issued_by(&root).with(key_usage(&[CRL_SIGN]));
    let strange_lists = ca("Sub").with(key_usage(&[CRL_SIGN]));
    let client = leaf("client").issued_by(&sub);
    let of = |name| {
        case(name, "6.3.3 (f), 4.2.1.3", &[&client, &sub])
            .trusting(&root)
            .looking_up_the_leaf()
    };
    vec![
        of("a list by the issuer's key for lists, its certificate a helper")
            .helped_by(&lists)
            .given(&crl_of(&lists))
            .accepted(),
        of("a revoked client on a list by the issuer's key for lists")
            .helped_by(&lists)
            .given(&crl_of(&lists).revoking(&client))
            .refused(Reason::Revoked),
        of("a list by the issuer's key for lists, its certificate unknown")
            .given(&crl_of(&lists))
            .refused(Reason::RevocationUnknown),
        of("a list by a namesake's key for lists that no anchor vouches for")
            .helped_by(&strange_lists)
            .given(&crl_of(&strange_lists))
            .refused(Reason::RevocationUnknown),
    ]
}

fn extensions() -> Vec<Case> {
    let house = house();
    let (sub, client) = (&house.sub, &house.client);
    let other = leaf("other").issued_by(sub);
    let unknown = Extension::raw(UNKNOWN, &[5, 0]);
    let critical = unknown.clone().critical();
    let cases = [
        house
            .case("a list with an unknown extension", "5.2")
            .given(&crl_of(sub).with(unknown.clone()))
            .accepted(),
        house
            .case("a list with an unknown critical extension", "5.2")
            .given(&crl_of(sub).with(critical.clone()))
            .refused(Reason::RevocationUnknown),
        house
            .case("an entry with an unknown critical extension", "5.3")
            .given(&crl_of(sub).entry(&other, std::slice::from_ref(&critical)))
            .refused(Reason::RevocationUnknown),
        house
            .case("an entry with an unknown extension", "5.3")
            .given(&crl_of(sub).entry(client, &[unknown]))
            .refused(Reason::Revoked),
        house
            .case("a list of version 1", "5.1.2.1")
            .given(&crl_of(sub).version_1())
            .accepted(),
        house
            .case("a revoked client on a list of version 1", "5.1.2.1")
            .given(&crl_of(sub).revoking(client).version_1())
            .refused(Reason::Revoked),
    ];
    cases.into_iter().map(Case::looking_up_the_leaf).collect()
}

fn entries() -> Vec<Case> {
    let root = ca("Root");
    let of = |name, serial: &[u8], revoked: &[u8], clause| {
        let client = leaf("client").issued_by(&root).serial(serial);
        let listed = client.clone().serial(revoked);
        case(name, clause, &[&client])
            .trusting(&root)
            .given(&crl_of(&root).revoking(&listed))
            .looking_up_the_leaf()
    };
    let held = leaf("client").issued_by(&root);
    vec![
        of(
            "a revoked negative serial number",
            &[0xff, 1],
            &[0xff, 1],
            "5.1.2.6",
        )
        .refused(Reason::Revoked),
        of(
            "a negative serial number, its positive twin revoked",
            &[0xff, 1],
            &[0, 0xff],
            "5.1.2.6",
        )
        .accepted(),
        of(
            "a revoked serial number of 20 octets",
            &[0x7f; 20],
            &[0x7f; 20],
            "5.1.2.6",
        )
        .refused(Reason::Revoked),
        of(
            "a serial number of which a revoked one is the beginning",
            &[0x7f; 20],
            &[0x7f; 19],
            "5.1.2.6",
        )
        .accepted(),
        case("a client on hold", "5.3.1", &[&held])
            .trusting(&root)
            .given(&crl_of(&root).entry(&held, &[reason(6)]))
            .looking_up_the_leaf()
            .refused(Reason::Revoked),
    ]
}
