//! `docs/manifest.md`: its examples can be applied, and it tells of every key.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use realmgate::control::executing::Run;
use realmgate::manifest::document::Document;
use realmgate::manifest::inline;
use realmgate::manifest::plan::Unnamed;
use realmgate::manifest::read;
use realmgate::pki::p12;

use crate::control::bench::{Bench, ca, days, now, operator};

fn text() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/manifest.md")).unwrap()
}

/// The blocks of TOML, in order.
fn examples(text: &str) -> Vec<String> {
    let blocks = text.split("```toml\n").skip(1);
    blocks
        .map(|block| block.split_once("\n```").unwrap().0.to_owned())
        .collect()
}

/// The files that the examples name.
fn file(name: &str) -> Result<Vec<u8>, std::io::Error> {
    let authority = ca("Example CA");
    let end = now().plus(days(30));
    let leaf = authority
        .issue_server(&["client.example".to_owned()], now().minus(days(1)), end)
        .unwrap();
    match name {
        "acme-ca.pem" | "backend-ca.pem" => Ok(authority.certificate.to_pem().into_bytes()),
        "acme.crl" => Ok(crate::api::pki::crl(&authority, 1).into_bytes()),
        "acme-helpers.der" => Ok(authority.certificate.der().to_vec()),
        "identity.p12" => {
            let issuers = [authority.certificate];
            Ok(p12::write(
                &leaf.certificate,
                &issuers,
                &leaf.key,
                "changeit",
                "identity",
            )
            .unwrap())
        }
        "identity.password" => Ok(b"changeit\n".to_vec()),
        "token.txt" => Ok(b"secret\n".to_vec()),
        other => panic!("an example names the file {other}, which the test does not have"),
    }
}

#[test]
fn every_example_of_the_manifests_page_can_be_applied() {
    let examples = examples(&text());
    assert!(examples.len() >= 8, "{}", examples.len());
    let (_place, bench) = Bench::start();
    for example in examples {
        let mut document: Document =
            read::toml(&example).unwrap_or_else(|error| panic!("{error}\n{example}"));
        inline::files(&mut document, file).unwrap();
        let documents = [document];
        let apply = |run| {
            bench
                .control
                .apply_blocking(&operator(), &documents, run, Unnamed::Stay)
        };
        let applied = apply(Run::ApplyConfirmed { seen: None })
            .unwrap_or_else(|error| panic!("{error}\n{example}"));
        assert!(applied.applied);
        let again = apply(Run::Plan).unwrap();
        let left: Vec<_> = again
            .steps
            .iter()
            .filter(|step| !step.commands.is_empty())
            .collect();
        assert!(left.is_empty(), "a second time changes {left:?}\n{example}");
    }
}

/// The keys that an error of the reader lists when it meets one that it does not know.
fn known_keys(manifest: &str) -> Vec<String> {
    let message = read::toml(manifest).unwrap_err().message;
    let (_, expected) = message
        .split_once("expected")
        .unwrap_or_else(|| panic!("{message}"));
    let keys: Vec<String> = expected
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    assert!(!keys.is_empty(), "{message}");
    keys
}

#[test]
fn the_manifests_page_tells_of_every_key() {
    let text = text();
    let realm = "[[realm]]\nname = 'a'\n";
    let places = [
        "what = 1".to_owned(),
        format!("{realm}what = 1"),
        format!("{realm}[[realm.account]]\nname = 'a'\ntype = 'basic'\nwhat = 1"),
        format!("{realm}[[realm.account]]\nname = 'a'\ntype = 'basic'\nprod.what = 1"),
        format!("{realm}[[realm.installation]]\naccount = 'a'\nenvironment = 'prod'\nwhat = 1"),
        format!("{realm}[[realm.trust]]\nenvironment = 'prod'\nwhat = 1"),
        format!("{realm}[[realm.trust]]\nenvironment = 'prod'\ncrl-out-of-date = {{ what = 1 }}"),
        format!("{realm}[[realm.trust]]\nenvironment = 'prod'\n[[realm.trust.anchor]]\nwhat = 1"),
        format!("{realm}[[realm.trust]]\nenvironment = 'prod'\n[[realm.trust.deny]]\nwhat = 1"),
        format!("{realm}[[realm.connection]]\nname = 'a'\nwhat = 1"),
        format!("{realm}[[realm.connection]]\nname = 'a'\nbase-url = {{ what = 1 }}"),
        format!("{realm}[[realm.pipeline]]\nname = 'a'\nwhat = 1"),
        format!("{realm}[[realm.pipeline]]\nname = 'a'\nmajor = 1\ntrigger = {{ what = 1 }}"),
        format!("{realm}[[realm.pipeline]]\nname = 'a'\nmajor = 1\nhandler = {{ what = 1 }}"),
        format!("{realm}[[realm.deployment]]\npipeline = 'a'\nwhat = 1"),
    ];
    let keys: BTreeSet<String> = places.iter().flat_map(|place| known_keys(place)).collect();
    let missing: Vec<&String> = keys
        .iter()
        .filter(|key| !text.contains(&format!("`{key}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/manifest.md does not tell of {missing:?}"
    );
}
