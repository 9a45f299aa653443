//! What has to hold for any bytes from outside, for bytes that a fuzzer might come to: real files with a few bytes
//! changed, left out or doubled, and bytes from nowhere. With a fuzzer at hand, `fuzz/run` goes further.

#[path = "../../fuzz/src/lib.rs"]
mod properties;

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use realmgate::clock::Moment;
use realmgate::pki::authority::{Authority, AuthorityRequest, ClientRequest, Leaf};
use realmgate::pki::issued_crl::{self, CrlRequest};
use realmgate::pki::key::KeyChoice;
use realmgate::pki::p12;

const CASES: u32 = 600;

#[test]
fn uploads_are_read_or_refused_whatever_their_bytes() {
    let (root, leaf) = pair();
    let pem = format!("{}{}", leaf.certificate.to_pem(), root.certificate.to_pem()).into_bytes();
    let chain = [root.certificate.clone()];
    let p12 = p12::write(&leaf.certificate, &chain, &leaf.key, "password", "leaf").unwrap();
    let seeds = vec![
        pem,
        leaf.certificate.der().to_vec(),
        p12,
        revocation_list(&root, &leaf),
    ];
    // Each look into a PKCS#12 file costs what its password is stretched by.
    hold(properties::upload, seeds, CASES / 4);
}

#[test]
fn revocation_lists_are_read_or_refused_whatever_their_bytes() {
    let (root, leaf) = pair();
    hold(properties::crl, vec![revocation_list(&root, &leaf)], CASES);
}

#[test]
fn chains_are_judged_whatever_their_bytes() {
    let (root, leaf) = pair();
    let mut chain = Vec::new();
    for der in [leaf.certificate.der(), root.certificate.der()] {
        chain.extend(u16::try_from(der.len()).unwrap().to_be_bytes());
        chain.extend(der);
    }
    hold(properties::chain, vec![chain], CASES);
}

#[test]
fn paths_have_one_reading_whatever_their_bytes() {
    let seeds = [
        "/pipeline/acme/v1/orders/1?a=b",
        "/pipeline/acme/v1/%6Frders/%2e%2e/%2F/x;y//z",
        "/a/%25/%E2%82%AC/%zz",
    ];
    hold(
        properties::path,
        seeds.map(|seed| seed.as_bytes().to_vec()).into(),
        CASES * 4,
    );
}

#[test]
fn hosts_are_those_of_the_handshake_whatever_their_bytes() {
    let seeds = [
        "acme.api2.gate.localhost\nACME.api2.gate.localhost.:8443",
        "api2.gate.localhost\nacme.api2.gate.localhost",
        "[::1]\n[::1]:443",
    ];
    hold(
        properties::host,
        seeds.map(|seed| seed.as_bytes().to_vec()).into(),
        CASES * 4,
    );
}

#[test]
fn proxy_headers_are_read_or_refused_whatever_their_bytes() {
    let start = b"\r\n\r\n\0\r\nQUIT\n";
    let seeds = vec![
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n\x16\x03\x01".to_vec(),
        b"PROXY TCP6 2001:db8::1 ::1 56324 443\r\n".to_vec(),
        b"PROXY UNKNOWN\r\n".to_vec(),
        [
            &start[..],
            b"\x21\x11\0\x14\xc0\xa8\0\x01\x0a\0\0\x01\xdc\x04\x01\xbb\x04\0\x05abcde",
        ]
        .concat(),
        [&start[..], b"\x21\x21\0\x24", &[7; 36]].concat(),
        [&start[..], b"\x20\0\0\0\x16\x03\x01"].concat(),
    ];
    hold(properties::proxy, seeds, CASES * 4);
}

/// Holds a property to each seed, to damaged seeds, and to bytes from nowhere.
fn hold(property: fn(&[u8]), seeds: Vec<Vec<u8>>, cases: u32) {
    seeds.iter().for_each(|seed| property(seed));
    let damage = prop::collection::vec((any::<Index>(), 0..3_u8, any::<u8>()), 1..8);
    let damaged = (prop::sample::select(seeds), damage).prop_map(|(mut bytes, damage)| {
        for (place, how, byte) in damage {
            if bytes.is_empty() {
                break;
            }
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] = byte,
                1 => bytes.truncate(place),
                _ => bytes.insert(place, byte),
            }
        }
        bytes
    });
    let anything = prop::collection::vec(any::<u8>(), 0..400);
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&prop_oneof![3 => damaged, 1 => anything], |bytes| {
        property(&bytes);
        Ok(())
    });
    outcome.unwrap();
}

fn pair() -> (Authority, Leaf) {
    let now = realmgate::clock::Clock::system().now();
    let (not_before, not_after) = (
        now.minus(Duration::from_secs(3600)),
        Moment::from_unix_seconds(1_900_000_000),
    );
    let root = Authority::self_signed(&AuthorityRequest {
        common_name: "Fuzz Root".to_owned(),
        organization: Some("Fuzz".to_owned()),
        not_before,
        not_after,
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap();
    let leaf = root
        .issue_client(&ClientRequest {
            common_name: "client".to_owned(),
            organization: None,
            sans: vec![
                "DNS:client.example".to_owned(),
                "email:a@example".to_owned(),
            ],
            not_before,
            not_after,
            key: KeyChoice::EcP256,
        })
        .unwrap();
    (root, leaf)
}

fn revocation_list(root: &Authority, leaf: &Leaf) -> Vec<u8> {
    let request = CrlRequest {
        number: 7,
        this_update: Moment::from_unix_seconds(1_780_000_000),
        next_update: Moment::from_unix_seconds(1_790_000_000),
        revoked: &[&leaf.certificate, &root.certificate],
    };
    issued_crl::issue(root, &request).unwrap().der().to_vec()
}
