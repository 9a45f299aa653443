use serde_json::json;

use super::*;
use crate::clock::Stopwatch;
use crate::domain::catalog::Catalog;
use crate::domain::command::Command;
use crate::domain::trust_policy::{Pin, RevocationScope, Signatures};
use crate::manifest::plan::Plan;
use crate::manifest::read;
use crate::manifest::testing::{authority, carried_out, lines, plan};
use crate::pki::authority::Authority;
use crate::pki::crl_testing::{self, CrlMade};

const REALM: &str = "[[realm]]\nname = 'acme'\n";
const TRUST: &str = "[[realm.trust]]\nenvironment = 'prod'\n";

fn applied(catalog: &Catalog, manifest: &str, unnamed: Unnamed) -> Catalog {
    carried_out(catalog, planned(catalog, manifest, unnamed))
}

fn planned(catalog: &Catalog, manifest: &str, unnamed: Unnamed) -> Plan {
    plan(catalog, manifest, unnamed).unwrap_or_else(|error| panic!("{error}\n{manifest}"))
}

fn edition(of: &Authority, number: u8) -> Crl {
    let made = CrlMade {
        number: Some(number),
        ..CrlMade::default()
    };
    crl_testing::list(of, &made)
}

/// A realm with a trust account, and a trust table that gives these lists.
fn with_lists(ca: &Authority, lists: &[&Crl]) -> String {
    let texts: Vec<String> = lists
        .iter()
        .map(|list| format!("'''\n{}'''", list.to_pem()))
        .collect();
    format!(
        "{REALM}[[realm.account]]\nname = 'dgb-mtls-a'\ntype = 'certificate-chain'\nprod.chain = '''\n{}'''\n{TRUST}crls = [{}]\n",
        ca.certificate.to_pem(),
        texts.join(", ")
    )
}

fn stored(catalog: &Catalog) -> TrustPolicy {
    let realm = catalog.realms.values().next().unwrap();
    TrustPolicy::clone(realm.trust_policies.get(Environment::Prod))
}

fn kept(catalog: &Catalog) -> Vec<Crl> {
    let realm = catalog.realms.values().next().unwrap();
    let lists = realm.crls.get(Environment::Prod).values();
    lists.map(|list| list.crl.clone()).collect()
}

#[test]
fn every_key_is_put_into_the_policy_and_told_again_as_it_was_written() {
    let sha256 = Fingerprint::of(b"a");
    let manifest = format!(
        "{REALM}{TRUST}revocation = 'leaf'\ncrl-out-of-date = {{ allow-hours = 24 }}\nsignatures = 'strict'\n\
         pins = ['certificate:{sha256}', 'key:{sha256}']\nca-names = true\nhandshake = 'explain'\nrecord-bytes = 512\n\
         [[realm.trust.anchor]]\nsha256 = '{sha256}'\nrevocation = 'off'\ncrl-out-of-date = 'allow'\n"
    );
    let catalog = applied(&Catalog::default(), &manifest, Unnamed::Stay);
    let policy = stored(&catalog);
    assert_eq!(policy.revocation.scope, RevocationScope::Leaf);
    let day = OutOfDate::AllowHours(Hours::new(24).unwrap());
    assert_eq!(policy.revocation.out_of_date, day);
    assert_eq!(policy.signatures, Signatures::Strict);
    let pins = [Pin::Certificate(sha256), Pin::Key(sha256)];
    assert!(policy.ca_names && policy.pins == pins.into());
    let exception = AnchorException {
        scope: Some(RevocationScope::Off),
        out_of_date: Some(OutOfDate::Allow),
    };
    assert_eq!(policy.exceptions.get(&sha256), Some(&exception));
    let told = serde_json::to_value(document(&policy)).unwrap();
    let expect = json!({"revocation": "leaf", "crl-out-of-date": {"allow-hours": 24}, "signatures": "strict",
        "pins": [format!("certificate:{sha256}"), format!("key:{sha256}")], "ca-names": true, "handshake": "explain", "record-bytes": 512,
        "anchor": [{"sha256": sha256.to_string(), "revocation": "off", "crl-out-of-date": "allow"}]});
    assert_eq!(told, expect);
    let again: TrustBody = serde_json::from_value(told).unwrap();
    assert_eq!(super::policy(&again, &TrustPolicy::default()), Ok(policy));
    assert!(planned(&catalog, &manifest, Unnamed::Stay).is_empty());
    assert!(planned(&catalog, &manifest, Unnamed::Go).is_empty());
}

#[test]
fn what_is_left_out_stays_and_goes_with_prune() {
    let base = format!("{REALM}{TRUST}revocation = 'chain'\nsignatures = 'strict'\n");
    let catalog = applied(&Catalog::default(), &base, Unnamed::Stay);
    let less = format!("{REALM}{TRUST}ca-names = true\n");
    let stays = stored(&applied(&catalog, &less, Unnamed::Stay));
    assert_eq!(stays.revocation.scope, RevocationScope::Chain);
    assert!(stays.signatures == Signatures::Strict && stays.ca_names);
    let plan = planned(&catalog, &less, Unnamed::Go);
    let step = plan.steps.last().unwrap();
    assert!(step.needs_confirmation, "{step:?}");
    let goes = stored(&carried_out(&catalog, plan));
    assert!(goes.ca_names && goes.revocation.scope == RevocationScope::Off);
    let plan = planned(&catalog, REALM, Unnamed::Go);
    assert_eq!(
        lines(&plan),
        ["unchanged realm acme", "change trust policy in prod"]
    );
    assert_eq!(stored(&carried_out(&catalog, plan)), TrustPolicy::default());
    assert_eq!(
        stored(&applied(&catalog, REALM, Unnamed::Stay)),
        stored(&catalog)
    );
}

#[test]
fn only_what_asks_less_of_clients_needs_a_confirmation() {
    let policy = |keys: &str| format!("{REALM}{TRUST}{keys}\n");
    let pin = format!("pins = ['key:{}']", Fingerprint::of(b"a"));
    let cases = [
        ("revocation = 'leaf'", "revocation = 'chain'", false),
        ("revocation = 'leaf'", "revocation = 'off'", true),
        ("revocation = 'leaf'", "crl-out-of-date = 'allow'", true),
        ("signatures = 'strict'", "signatures = 'modern'", true),
        ("ca-names = true", "ca-names = false", false),
        ("handshake = 'strict'", "handshake = 'explain'", false),
        ("record-bytes = 512", "record-bytes = 'default'", false),
        (&pin, "pins = []", true),
        ("pins = []", &pin, false),
    ];
    for (before, after, expect) in cases {
        let catalog = applied(&Catalog::default(), &policy(before), Unnamed::Stay);
        let plan = planned(&catalog, &policy(after), Unnamed::Stay);
        let asked = plan.steps.iter().any(|step| step.needs_confirmation);
        assert_eq!(asked, expect, "{before} → {after}");
    }
}

#[test]
fn lists_are_taken_in_once_and_a_later_one_that_is_there_stays() {
    let ca = authority("Acme CA");
    let (first, second) = (edition(&ca, 1), edition(&ca, 2));
    let manifest = with_lists(&ca, &[&first]);
    let plan = planned(&Catalog::default(), &manifest, Unnamed::Stay);
    assert_eq!(
        lines(&plan),
        [
            "create realm acme",
            "create account dgb-mtls-a",
            "create crl CN=Acme CA in prod"
        ]
    );
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    let catalog = carried_out(&Catalog::default(), plan);
    assert!(planned(&catalog, &manifest, Unnamed::Stay).is_empty());
    // Both in one manifest: the later one is kept, again and again.
    let both = with_lists(&ca, &[&second, &first]);
    let catalog = applied(&catalog, &both, Unnamed::Stay);
    assert_eq!(kept(&catalog), std::slice::from_ref(&second));
    let plan = planned(&catalog, &both, Unnamed::Go);
    assert!(plan.is_empty() && plan.warnings.len() == 1, "{plan:?}");
    // A manifest with the earlier one alone removes nothing, not even with --prune.
    let plan = planned(&catalog, &manifest, Unnamed::Go);
    assert!(plan.is_empty() && plan.warnings.len() == 1, "{plan:?}");
}

#[test]
fn lists_that_are_not_named_go_with_prune_alone() {
    let (ca, other) = (authority("Acme CA"), authority("Other CA"));
    let (ours, others) = (edition(&ca, 1), edition(&other, 1));
    let manifest = with_lists(&ca, &[&ours, &others]);
    let catalog = applied(&Catalog::default(), &manifest, Unnamed::Stay);
    let fewer = with_lists(&ca, &[&ours]);
    assert!(planned(&catalog, &fewer, Unnamed::Stay).is_empty());
    let plan = planned(&catalog, &fewer, Unnamed::Go);
    assert_eq!(
        lines(&plan).last().unwrap(),
        "delete crl CN=Other CA in prod"
    );
    assert!(plan.steps.last().unwrap().needs_confirmation);
    assert_eq!(kept(&carried_out(&catalog, plan)), [ours]);
}

#[test]
fn a_list_of_a_wrong_key_keeps_nothing_else_from_being_applied() {
    let (ca, forger) = (authority("Acme CA"), authority("Forger"));
    let raw = &ca.certificate.facts().raw_subject;
    let forged = crl_testing::named(raw, &forger, &CrlMade::default());
    let plan = planned(
        &Catalog::default(),
        &with_lists(&ca, &[&forged]),
        Unnamed::Stay,
    );
    assert_eq!(plan.warnings.len(), 1);
    let told = plan.warnings[0].to_string();
    assert!(
        told.contains("realm acme in prod") && told.contains("never counts"),
        "{told}"
    );
    assert_eq!(kept(&carried_out(&Catalog::default(), plan)), [forged]);
}

#[test]
fn a_mistake_names_the_key_and_the_place() {
    let refused = |keys: &str, expect: &str| {
        let manifest = format!("{REALM}{TRUST}{keys}\n");
        let told = match read::toml(&manifest) {
            Err(unreadable) => unreadable.to_string(),
            Ok(_) => plan(&Catalog::default(), &manifest, Unnamed::Stay)
                .unwrap_err()
                .to_string(),
        };
        assert!(told.contains(expect), "{keys}\n→ {told}");
    };
    let sha256 = Fingerprint::of(b"a");
    refused(
        "revocation = 'all'",
        "'realm[0].trust[0].revocation': no such scope of revocation: write off, leaf or chain",
    );
    refused("crl-out-of-date = 'never'", "\"refuse\", \"allow\", or");
    refused("crl-out-of-date = { allow-hours = 0 }", "1 to 8760 hours");
    refused("crl-out-of-date = { hours = 1 }", "unknown field");
    refused("signatures = 'weak'", "modern or strict");
    refused(
        "pins = ['sha256:00']",
        "'realm[0].trust[0].pins[0]': no such pin",
    );
    refused("ca-names = 'yes'", "ca-names");
    refused(
        "crls = ['hello']",
        "realm acme, trust in prod: 'crls', number 1: ",
    );
    refused(
        "crls-base64 = ['?']",
        "'crls-base64', number 1: this is no base64",
    );
    refused("crl-files = ['a.crl']", "'crl-files' names files");
    let anchor = format!("[[realm.trust.anchor]]\nsha256 = '{sha256}'\n");
    refused(&anchor, "says nothing");
    let off = format!("{anchor}revocation = 'off'\n");
    refused(&format!("{off}{off}"), "is there twice");
    refused(TRUST, "trust 'prod' is there twice");
    refused("environments = ['prod']", "unknown field");
}

#[test]
fn a_thousand_realms_with_lists_are_planned_in_a_moment() {
    let ca = authority("Acme CA");
    let one = with_lists(&ca, &[&edition(&ca, 1), &edition(&authority("Sub CA"), 1)]);
    let realm = |number: usize| {
        let keys = "revocation = 'leaf'\n";
        one.replace("'acme'", &format!("'acme-{number}'")) + keys
    };
    let manifest: String = (0..1_000).map(realm).collect();
    let begun = Stopwatch::start();
    let plan = planned(&Catalog::default(), &manifest, Unnamed::Stay);
    let took = begun.elapsed();
    assert_eq!(plan.steps.len(), 5_000);
    assert!(took.as_secs() < 20, "{took:?}");
    let saved = plan.steps.iter().flat_map(|step| &step.commands);
    let lists = saved.filter(|command| matches!(command, Command::SaveCrl { .. }));
    assert_eq!(lists.count(), 2_000);
}
