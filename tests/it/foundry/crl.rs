//! Certificate revocation lists (RFC 5280, 5.1), with every field to be set as one likes.

use crate::foundry::asn1::{explicit, integer, integer_octets, sequence, sequence_of};
use crate::foundry::certificate::{Certificate, Flaw, sealed};
use crate::foundry::extension::{self, Extension};
use crate::foundry::key::Key;
use crate::foundry::moment;
use crate::foundry::name::Name;

/// A revocation list.
#[derive(Clone)]
pub struct Crl {
    version: Option<u32>,
    issuer: Vec<u8>,
    this_update: Vec<u8>,
    next_update: Option<Vec<u8>>,
    entries: Vec<Vec<u8>>,
    extensions: Vec<Extension>,
    signer: Key,
    flaw: Option<Flaw>,
}

/// A list of `issuer`'s that revokes nothing, made an hour ago, number 1, good for a week.
pub fn crl_of(issuer: &Certificate) -> Crl {
    Crl {
        version: Some(1),
        issuer: issuer.subject_der().to_vec(),
        this_update: moment::hours_ago(1),
        next_update: Some(moment::in_hours(7 * 24)),
        entries: Vec::new(),
        extensions: vec![
            extension::authority_key_id(&issuer.own_key().id()),
            extension::crl_number(1),
        ],
        signer: issuer.own_key().clone(),
        flaw: None,
    }
}

impl Crl {
    /// Revokes a certificate.
    pub fn revoking(self, certificate: &Certificate) -> Self {
        self.entry(certificate, &[])
    }

    /// Has an entry for a certificate, with extensions.
    pub fn entry(mut self, certificate: &Certificate, extensions: &[Extension]) -> Self {
        let extensions = if extensions.is_empty() {
            Vec::new()
        } else {
            extension::all(extensions)
        };
        self.entries.push(sequence(&[
            &integer_octets(certificate.serial_octets()),
            &moment::hours_ago(2),
            &extensions,
        ]));
        self
    }

    /// Its number.
    pub fn number(self, number: u32) -> Self {
        self.with(extension::crl_number(number))
    }

    /// Made so many hours ago, with another end (the DER of a Time), or none.
    pub fn made(mut self, this_update: Vec<u8>, next_update: Option<Vec<u8>>) -> Self {
        self.this_update = this_update;
        self.next_update = next_update;
        self
    }

    /// Has an extension, instead of one of its kind that it had.
    pub fn with(mut self, extension: Extension) -> Self {
        self.extensions.retain(|one| one.kind != extension.kind);
        self.extensions.push(extension);
        self
    }

    /// Signed with another key; whom it names as its issuer stays.
    pub fn signed_with(mut self, key: &Key) -> Self {
        self.signer = key.clone();
        self.with(extension::authority_key_id(&key.id()))
    }

    /// Names another issuer.
    pub fn naming_issuer(mut self, name: &Name) -> Self {
        self.issuer = name.der();
        self
    }

    /// Version 1, which knows no extensions, as `openssl ca` makes it unless told otherwise.
    pub fn version_1(mut self) -> Self {
        self.version = None;
        self.extensions.clear();
        self
    }

    /// Has something wrong with it.
    pub fn but(mut self, flaw: Flaw) -> Self {
        self.flaw = Some(flaw);
        self
    }

    /// Its bytes.
    pub fn der(&self) -> Vec<u8> {
        let signing = self.signer.usual_signing();
        let entries = if self.entries.is_empty() {
            Vec::new()
        } else {
            sequence_of(&self.entries)
        };
        let extensions = if self.extensions.is_empty() {
            Vec::new()
        } else {
            explicit(0, &[&extension::all(&self.extensions)])
        };
        let signed = sequence(&[
            &self.version.map(integer).unwrap_or_default(),
            &signing.identifier(),
            &self.issuer,
            &self.this_update,
            self.next_update.as_deref().unwrap_or_default(),
            &entries,
            &extensions,
        ]);
        sealed(
            &signed,
            signing,
            self.signer.sign(signing, &signed),
            self.flaw,
        )
    }
}
