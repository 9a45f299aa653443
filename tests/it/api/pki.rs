//! Certificates for the tests, valid while the server's clock stands where it stands.

use std::time::Duration;

use realmgate::clock::Moment;
use realmgate::pki::authority::{Authority, AuthorityRequest, ClientRequest, Leaf};
use realmgate::pki::key::KeyChoice;
use serde_json::{Value, json};

use crate::api::server::now;

const DAY: Duration = Duration::from_secs(86_400);

fn validity() -> (Moment, Moment) {
    (now().minus(DAY), now().plus(DAY * 365))
}

pub(crate) fn ca(common_name: &str) -> Authority {
    let (not_before, not_after) = validity();
    Authority::self_signed(&AuthorityRequest {
        common_name: common_name.to_owned(),
        organization: None,
        not_before,
        not_after,
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

/// A CA that is valid by every clock, the machine's included.
pub(crate) fn long_lived_ca(common_name: &str) -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: common_name.to_owned(),
        organization: None,
        not_before: Moment::EPOCH,
        not_after: Moment::MAX,
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

pub(crate) fn long_lived_server(ca: &Authority, names: &[&str]) -> Leaf {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    ca.issue_server(&names, Moment::EPOCH, Moment::MAX).unwrap()
}

pub(crate) fn client(ca: &Authority) -> Leaf {
    let (not_before, not_after) = validity();
    ca.issue_client(&ClientRequest {
        common_name: "client-1".to_owned(),
        organization: None,
        sans: Vec::new(),
        not_before,
        not_after,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

pub(crate) fn server(ca: &Authority, names: &[&str]) -> Leaf {
    let (not_before, not_after) = validity();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    ca.issue_server(&names, not_before, not_after).unwrap()
}

pub(crate) fn ended_server(ca: &Authority) -> Leaf {
    let names = ["localhost".to_owned()];
    ca.issue_server(&names, now().minus(DAY * 2), now().minus(DAY))
        .unwrap()
}

pub(crate) fn key_pem(leaf: &Leaf) -> String {
    leaf.key.to_pkcs8_pem().expose_str().unwrap().to_owned()
}

/// The body of an account that holds one certificate in `prod`.
pub(crate) fn chain_account(pem: &str) -> Value {
    json!({ "type": "certificate-chain", "prod": { "chain": pem } })
}
