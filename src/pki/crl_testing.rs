//! Revocation lists for tests, those that nobody should issue among them.

use rcgen::{KeyPair, SigningKey};

use crate::clock::Moment;
use crate::pki::authority::Authority;
use crate::pki::crl::Crl;
use crate::pki::der::{self, tag};

/// What a list is to say.
#[derive(Clone, Debug)]
pub struct CrlMade {
    /// Its number, where it is to have one.
    pub number: Option<u8>,
    /// Its thisUpdate.
    pub this_update: Moment,
    /// Its nextUpdate, where it is to have one.
    pub next_update: Option<Moment>,
    /// Serial numbers, as the content octets of their INTEGERs.
    pub revoked: Vec<Vec<u8>>,
    /// Its authorityKeyIdentifier, where it is to have one.
    pub authority_key_id: Option<Vec<u8>>,
}

impl Default for CrlMade {
    /// Number 1, of May to July 2030, revoking nothing.
    fn default() -> Self {
        Self {
            number: Some(1),
            this_update: Moment::parse("2030-05-01T00:00:00Z").unwrap(),
            next_update: Some(Moment::parse("2030-07-01T00:00:00Z").unwrap()),
            revoked: Vec::new(),
            authority_key_id: None,
        }
    }
}

/// A list with the name of `authority`, signed with its key.
pub fn list(authority: &Authority, made: &CrlMade) -> Crl {
    named(&authority.certificate.facts().raw_subject, authority, made)
}

/// A list with any name, signed with the key of `signer`, an EC P-256 one.
pub fn named(raw_issuer: &[u8], signer: &Authority, made: &CrlMade) -> Crl {
    // ecdsa-with-SHA256
    let algorithm = element(
        tag::SEQUENCE,
        &element(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]),
    );
    let mut body = [element(2, &[1]), algorithm.clone(), raw_issuer.to_vec()].concat();
    body.extend(time(made.this_update));
    body.extend(made.next_update.map(time).unwrap_or_default());
    let entries = made.revoked.iter().map(|serial| {
        let entry = [element(2, serial), time(made.this_update)].concat();
        element(tag::SEQUENCE, &entry)
    });
    let entries = entries.collect::<Vec<_>>().concat();
    if !entries.is_empty() {
        body.extend(element(tag::SEQUENCE, &entries));
    }
    let mut extensions = Vec::new();
    if let Some(number) = made.number {
        // Two octets where the first one's highest bit would make it negative.
        let octets: &[u8] = if number < 128 { &[number] } else { &[0, number] };
        extensions.extend(extension(20, &element(2, octets)));
    }
    if let Some(id) = &made.authority_key_id {
        extensions.extend(extension(
            35,
            &element(tag::SEQUENCE, &element(0x80, id)),
        ));
    }
    if !extensions.is_empty() {
        let all = element(tag::SEQUENCE, &extensions);
        body.extend(element(0xa0, &all));
    }
    let body = element(tag::SEQUENCE, &body);
    let key = KeyPair::try_from(signer.key.pkcs8()).unwrap();
    let signature = key.sign(&body).unwrap();
    let signature = element(3, &[[0].as_slice(), &signature].concat());
    let whole = [body, algorithm, signature].concat();
    Crl::from_der(&element(tag::SEQUENCE, &whole)).unwrap()
}

/// The list as PEM.
pub fn pem(list: &Crl) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(list.der());
    let lines = text.as_bytes().chunks(64);
    let lines: Vec<&str> = lines.map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!(
        "-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n",
        lines.join("\n")
    )
}

/// An extension 2.5.29.`last`.
fn extension(last: u8, value: &[u8]) -> Vec<u8> {
    let id = element(6, &[0x55, 0x1d, last]);
    element(tag::SEQUENCE, &[id, element(4, value)].concat())
}

fn time(moment: Moment) -> Vec<u8> {
    let digits: String = moment
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .skip(2)
        .take(12)
        .collect();
    element(0x17, format!("{digits}Z").as_bytes())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    der::encode(tag, &[content])
}
