//! Distinguished names, with any kind of string in them.

use realmgate::pki::der::{encode, tag};

use crate::foundry::asn1::{oid, sequence, sequence_of};

/// Kinds of strings, as their tags.
pub mod string {
    /// UTF8String.
    pub const UTF8: u8 = 0x0c;
    /// PrintableString.
    pub const PRINTABLE: u8 = 0x13;
    /// TeletexString.
    pub const T61: u8 = 0x14;
    /// IA5String.
    pub const IA5: u8 = 0x16;
    /// BMPString.
    pub const BMP: u8 = 0x1e;
}

/// countryName.
pub const C: &str = "2.5.4.6";
/// commonName.
pub const CN: &str = "2.5.4.3";
/// organizationName.
pub const O: &str = "2.5.4.10";
/// organizationalUnitName.
pub const OU: &str = "2.5.4.11";
/// emailAddress (PKCS #9).
pub const EMAIL: &str = "1.2.840.113549.1.9.1";

/// A Name: RDNs, each one or more attributes in DER.
#[derive(Clone, Debug, Default)]
pub struct Name(Vec<Vec<Vec<u8>>>);

impl Name {
    /// One RDN more, with one attribute that is a UTF8String.
    pub fn with(self, kind: &str, value: &str) -> Self {
        self.with_string(kind, string::UTF8, value.as_bytes())
    }

    /// One RDN more, with one attribute that is any string.
    pub fn with_string(mut self, kind: &str, string: u8, value: &[u8]) -> Self {
        self.0.push(vec![attribute(kind, string, value)]);
        self
    }

    /// One RDN more, with several attributes, written in this order.
    pub fn with_set(mut self, attributes: &[(&str, &str)]) -> Self {
        let written = attributes
            .iter()
            .map(|(kind, value)| attribute(kind, string::UTF8, value.as_bytes()));
        self.0.push(written.collect());
        self
    }

    /// Its DER.
    pub fn der(&self) -> Vec<u8> {
        let sets: Vec<Vec<u8>> = self
            .0
            .iter()
            .map(|attributes| encode(tag::SET, &[&attributes.concat()]))
            .collect();
        sequence_of(&sets)
    }
}

/// `CN=value`, and nothing else.
pub fn cn(value: &str) -> Name {
    Name::default().with(CN, value)
}

/// `O=organization, CN=value`: CAs of one house.
pub fn of_house(organization: &str, value: &str) -> Name {
    Name::default().with(O, organization).with(CN, value)
}

/// No RDN at all.
pub fn nobody() -> Name {
    Name::default()
}

/// UTF-16, as BMPString has it.
pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn attribute(kind: &str, string: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(kind), &encode(string, &[value])])
}
