//! Revocation lists for tests, those that nobody should issue among them.

use rcgen::KeyPair;

use crate::clock::Moment;
use crate::pki::authority::Authority;
use crate::pki::crl::Crl;
use crate::pki::crl_writer::{self, Draft};

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
    let next_update = made.next_update.map(|end| end.to_string());
    let mut draft =
        Draft::of(raw_issuer).dates(&made.this_update.to_string(), next_update.as_deref());
    for serial in &made.revoked {
        draft = draft.entry(serial, &[]);
    }
    if let Some(id) = &made.authority_key_id {
        draft = draft.key_id(id);
    }
    if let Some(number) = made.number {
        // Two octets where the first one's highest bit would make it negative.
        let octets: &[u8] = if number < 128 {
            &[number]
        } else {
            &[0, number]
        };
        draft = draft.extension(20, false, &crl_writer::integer(octets));
    }
    let key = KeyPair::try_from(signer.key.pkcs8()).unwrap();
    Crl::from_der(&draft.sign(&key)).unwrap()
}
