use super::*;
use crate::pki::authority::{Authority, AuthorityRequest};
use crate::pki::certificate::Certificate;
use crate::pki::key::KeyChoice;
use crate::trust::set::TrustSource;

fn ca(name: &str) -> Certificate {
    let request = AuthorityRequest {
        common_name: name.to_owned(),
        organization: None,
        not_before: Moment::from_unix_seconds(1_700_000_000),
        not_after: Moment::from_unix_seconds(1_900_000_000),
        path_length: None,
        key: KeyChoice::EcP256,
    };
    Authority::self_signed(&request).unwrap().certificate
}

fn told(anchors: &[Certificate], ca_names: CaNames) -> Vec<Vec<u8>> {
    let account: Arc<str> = Arc::from("dgb-mtls-acme");
    let source = TrustSource {
        anchors: anchors
            .iter()
            .map(|one| (one.clone(), Arc::clone(&account)))
            .collect(),
        ..TrustSource::default()
    };
    let trusting = Trusting::Realm {
        trust: Arc::new(TrustSet::build(source).unwrap()),
        ca_names,
        handshake: HandshakePolicy::Strict,
    };
    let verdicts = Arc::new(Verdicts::new(0, 0));
    let gatekeeper = Arc::new(Gatekeeper::new(trusting, verdicts, TrustLimits::default()));
    let provider = Arc::new(crate::snapshot::server_tls::provider());
    let verifier = ClientVerifier::new(gatekeeper, provider);
    let names = verifier.root_hint_subjects().iter();
    names.map(|name| name.as_ref().to_vec()).collect()
}

#[test]
fn the_names_of_the_cas_are_told_where_that_is_asked_for_and_each_once() {
    let anchors = [ca("Root"), ca("Other"), ca("Root")];
    assert_eq!(told(&anchors, CaNames::Untold), Vec::<Vec<u8>>::new());
    let mut expected: Vec<Vec<u8>> = anchors[..2]
        .iter()
        .map(|one| one.facts().raw_subject.clone())
        .collect();
    expected.sort();
    assert_eq!(told(&anchors, CaNames::Told), expected);
}

#[test]
fn names_that_would_break_every_handshake_are_not_told() {
    // Nearly 700 bytes each.
    let long = "x".repeat(60);
    let anchors: Vec<Certificate> = (0..80)
        .map(|number| {
            let request = AuthorityRequest {
                common_name: format!("{number} {}", long.repeat(13)),
                organization: None,
                not_before: Moment::from_unix_seconds(1_700_000_000),
                not_after: Moment::from_unix_seconds(1_900_000_000),
                path_length: None,
                key: KeyChoice::EcP256,
            };
            Authority::self_signed(&request).unwrap().certificate
        })
        .collect();
    let bytes = |some: &[Certificate]| -> usize {
        some.iter()
            .map(|one| one.facts().raw_subject.len() + 2)
            .sum()
    };
    let most = (1..=anchors.len())
        .take_while(|&count| bytes(&anchors[..count]) <= CA_NAMES_BYTES_MAX)
        .last()
        .unwrap();
    assert!(most < anchors.len());
    assert_eq!(told(&anchors[..most], CaNames::Told).len(), most);
    assert!(told(&anchors[..=most], CaNames::Told).is_empty());
}
