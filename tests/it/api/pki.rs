//! Certificates for the tests, valid while the server's clock stands where it stands.

use std::time::Duration;

use base64::Engine;
use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, SerialNumber, SigningKey,
};
use realmgate::clock::Moment;
use realmgate::pki::authority::{Authority, AuthorityRequest, ClientRequest, Leaf};
use realmgate::pki::key::KeyChoice;
use rustls::pki_types::CertificateDer;
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

fn signing_key(ca: &Authority) -> KeyPair {
    KeyPair::from_pem(ca.key.to_pkcs8_pem().expose_str().unwrap()).unwrap()
}

/// A revocation list that revokes nothing, as PEM.
pub(crate) fn crl(ca: &Authority, number: u64) -> String {
    let certificate = CertificateDer::from(ca.certificate.der().to_vec());
    let issuer = Issuer::from_ca_cert_der(&certificate, signing_key(ca)).unwrap();
    let at = |moment: Moment| {
        time::OffsetDateTime::from_unix_timestamp(moment.unix_millis() / 1000).unwrap()
    };
    let list = CertificateRevocationListParams {
        this_update: at(now().minus(DAY)),
        next_update: at(now().plus(DAY)),
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(&issuer).unwrap().pem().unwrap()
}

/// A revocation list that says nothing of its end, as PEM.
pub(crate) fn endless_crl(ca: &Authority) -> String {
    let element = |tag: u8, content: &[u8]| {
        // A length of two octets would have to have more than 255 of them to be DER.
        let length = u8::try_from(content.len()).unwrap();
        let head = if length < 128 {
            vec![tag, length]
        } else {
            vec![tag, 0x81, length]
        };
        [head.as_slice(), content].concat()
    };
    let ecdsa_with_sha256 = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
    let issuer = &ca.certificate.facts().raw_subject;
    let time = element(0x17, b"300601000000Z");
    let body = [ecdsa_with_sha256.as_slice(), issuer, &time].concat();
    let body = element(0x30, &body);
    let signature = signing_key(ca).sign(&body).unwrap();
    let signature = element(3, &[&[0], signature.as_slice()].concat());
    let list = [body.as_slice(), ecdsa_with_sha256, &signature].concat();
    let text = base64::engine::general_purpose::STANDARD.encode(element(0x30, &list));
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n",
        lines.join("\n")
    )
}
