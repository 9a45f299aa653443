use std::time::Duration;

use rcgen::SigningKey;

use super::*;
use crate::clock::Clock;
use crate::pki::authority::{Authority, AuthorityRequest, ClientRequest};
use crate::pki::key::{KeyChoice, PrivateKey, Signer};

const RANDOM: Challenge = Challenge([7; 32]);

fn authority(key: KeyChoice) -> Authority {
    let now = Clock::system().now();
    Authority::self_signed(&AuthorityRequest {
        common_name: "Root".to_owned(),
        organization: None,
        not_before: now.minus(Duration::from_secs(3600)),
        not_after: now.plus(Duration::from_secs(3600)),
        path_length: None,
        key,
    })
    .unwrap()
}

fn question(realm: &str, anchor: &Certificate) -> Question {
    Question::written(
        &RealmName::parse(realm).unwrap(),
        Environment::Prod,
        &AccountName::parse("dgb-mtls-a").unwrap(),
        3,
        RANDOM,
        &anchor.fingerprint(),
    )
}

fn signed(key: &PrivateKey, text: &str) -> GivenProof {
    let signature = Signer::new(key).unwrap().sign(text.as_bytes()).unwrap();
    GivenProof::Signature(signature)
}

fn issued(by: &Authority, common_name: &str) -> GivenProof {
    let now = Clock::system().now();
    let request = ClientRequest {
        common_name: common_name.to_owned(),
        organization: Some("Acme, Inc.".to_owned()),
        sans: Vec::new(),
        not_before: now,
        not_after: now.plus(Duration::from_secs(60)),
        key: KeyChoice::EcP256,
    };
    GivenProof::Certificate(by.issue_client(&request).unwrap().certificate)
}

#[test]
fn a_challenge_names_everything_that_its_answer_is_for() {
    let root = authority(KeyChoice::EcP256);
    let asked = question("acme", &root.certificate);
    let expect = format!(
        "realmgate: proof that the registrant holds the key of a CA\nrealm: acme\nenvironment: prod\n\
         account: dgb-mtls-a\nrevision: 3\nCA SHA-256: {}\nchallenge: {}\n",
        root.certificate.fingerprint(),
        "07".repeat(32)
    );
    assert_eq!(asked.text, expect);
    assert_eq!(asked.token.len(), 64);
}

#[test]
fn each_kind_of_key_answers_with_a_signature_or_a_certificate() {
    for choice in [
        KeyChoice::EcP256,
        KeyChoice::EcP384,
        KeyChoice::Rsa2048,
        KeyChoice::Ed25519,
    ] {
        let (root, other) = (authority(choice), authority(choice));
        let asked = question("acme", &root.certificate);
        let elsewhere = question("globex", &root.certificate);
        let cases = [
            (signed(&root.key, &asked.text), Ok(())),
            (signed(&other.key, &asked.text), Err(Unproven::Signature)),
            (signed(&root.key, &elsewhere.text), Err(Unproven::Signature)),
            (issued(&root, &asked.token), Ok(())),
            (issued(&other, &asked.token), Err(Unproven::Issuer)),
            (issued(&root, &elsewhere.token), Err(Unproven::Token)),
            (issued(&root, "client-1"), Err(Unproven::Token)),
            (GivenProof::Signature(Vec::new()), Err(Unproven::Signature)),
        ];
        for (number, (proof, expect)) in cases.into_iter().enumerate() {
            let answered = asked.answered_by(&proof, &root.certificate);
            assert_eq!(answered, expect, "{choice:?}, case {number}");
        }
    }
}

#[test]
fn a_ca_is_no_proof_of_its_issuers_key() {
    let root = authority(KeyChoice::EcP256);
    let asked = question("acme", &root.certificate);
    let now = Clock::system().now();
    let request = AuthorityRequest {
        common_name: asked.token.clone(),
        organization: None,
        not_before: now,
        not_after: now.plus(Duration::from_secs(60)),
        path_length: None,
        key: KeyChoice::EcP256,
    };
    let below = root.subordinate(&request).unwrap().certificate;
    let proof = GivenProof::Certificate(below);
    assert_eq!(
        asked.answered_by(&proof, &root.certificate),
        Err(Unproven::Ca)
    );
}

#[test]
fn proof_is_asked_for_where_the_setting_says() {
    let (test, prod) = (Environment::Test, Environment::Prod);
    for (word, in_test, in_prod) in [
        ("off", false, false),
        ("prod", false, true),
        ("all", true, true),
    ] {
        let demand = ProofDemand::parse(word).unwrap();
        assert_eq!(
            (demand.holds_in(test), demand.holds_in(prod)),
            (in_test, in_prod),
            "{word}"
        );
    }
    assert_eq!(ProofDemand::parse("on"), None);
}
