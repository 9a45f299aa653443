//! Revocation lists and trust policies of many realms at once.

use std::time::Duration;

use realmgate::clock::Stopwatch;
use realmgate::control::executing::Run;
use realmgate::domain::catalog::Catalog;
use realmgate::domain::environment::Environment;
use realmgate::manifest::document::ChangeDocument;
use serde_json::json;

use crate::api::pki::crl;
use crate::control::bench::{Bench, acme, ca, operator, realm};

#[test]
fn a_thousand_realms_with_policies_and_lists_are_applied_at_once_and_then_nothing_more() {
    let (place, bench) = Bench::start();
    let (root, other) = (ca("Acme CA"), ca("Other CA"));
    let lists = format!("'''\n{}{}'''", crl(&root, 1), crl(&other, 1));
    let one = acme(&root);
    let manifest: String = (0..1_000)
        .map(|number| {
            let realm = one.replace("name = \"acme\"", &format!("name = \"acme-{number}\""));
            let pin = format!("key:{number:064x}");
            format!(
                "{realm}[[realm.trust]]\nenvironment = \"prod\"\nrevocation = \"chain\"\npins = [\"{pin}\"]\ncrls = [{lists}]\n"
            )
        })
        .collect();
    let begun = Stopwatch::start();
    let applied = bench.apply(&manifest);
    let took = begun.elapsed();
    println!("1,000 realms were applied in {took:?}");
    assert!(applied.applied);
    let unknown = applied.warnings.iter().filter(|warning| {
        let told = warning.to_string();
        told.contains("no certificate of CN=Other CA is known")
    });
    assert_eq!(unknown.count(), 1_000);
    assert!(took < Duration::from_secs(60), "{took:?}");
    let begun = Stopwatch::start();
    let again = bench.apply_as(&operator(), &manifest, Run::Plan).unwrap();
    println!("they were planned again in {:?}", begun.elapsed());
    assert!(again.steps.iter().all(|step| step.commands.is_empty()));
    let before = bench.control.catalog();
    drop(bench);
    let bench = place.start();
    let after = bench.control.catalog();
    assert_eq!(
        format!("{:?}", before.realms),
        format!("{:?}", after.realms)
    );
}

#[test]
fn a_denial_can_be_thought_through_without_being_made() {
    let (_place, bench) = Bench::start();
    let root = ca("Acme CA");
    bench.apply(&acme(&root));
    let revision = bench.revision();
    let key = root.certificate.facts().spki_sha256.to_string();
    let change = |deny: serde_json::Value| -> ChangeDocument {
        serde_json::from_value(json!({ "deny": deny })).unwrap()
    };
    let foresee = |deny| {
        let (realm, environment) = (realm("acme"), Environment::Prod);
        let change = change(deny);
        bench
            .control
            .foresee(&operator(), &realm, environment, &change)
    };
    let foreseen = foresee(json!([
        {"key-sha256": key, "reason": "stolen"},
        {"subject": "CN=a", "reason": "left", "until": "2099-01-01"},
    ]))
    .unwrap();
    let denied = |of: &Catalog| {
        of.realms[&realm("acme")]
            .denials
            .get(Environment::Prod)
            .len()
    };
    assert_eq!((denied(&foreseen.before), denied(&foreseen.after)), (0, 2));
    let told = foreseen.warnings.iter().map(ToString::to_string);
    assert!(told.into_iter().any(|told| told.contains("CN=Acme CA")));
    let twice = json!([{"serial": "0a", "reason": "x"}, {"serial": "A", "reason": "y"}]);
    let told = foresee(twice).map(drop).unwrap_err().to_string();
    assert!(told.contains("'deny', number 2"), "{told}");
    assert_eq!(bench.revision(), revision);
    assert_eq!(denied(&bench.control.catalog()), 0);
}
