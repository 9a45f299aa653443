//! Writes revocation lists for tests: good ones, and those that nobody should issue.

use rcgen::{KeyPair, SigningKey};

use crate::clock::Moment;
use crate::pki::der::{encode, tag};

const ECDSA_WITH_SHA256: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";

/// A list that is being written. It is valid throughout June 2030 and has nothing in it, unless it says something else.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) version: Option<u8>,
    pub(crate) algorithm: Vec<u8>,
    pub(crate) outer_algorithm: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) this_update: Vec<u8>,
    pub(crate) next_update: Option<Vec<u8>>,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl Draft {
    /// A list of an issuer, given as the DER of its Name.
    pub(crate) fn of(issuer: &[u8]) -> Self {
        Self {
            version: Some(1),
            algorithm: ECDSA_WITH_SHA256.to_vec(),
            outer_algorithm: ECDSA_WITH_SHA256.to_vec(),
            issuer: issuer.to_vec(),
            this_update: time("2030-05-15"),
            next_update: Some(time("2030-06-15")),
            entries: Vec::new(),
            extensions: Vec::new(),
        }
    }

    pub(crate) fn number(self, number: u8) -> Self {
        self.extension(20, false, &integer(&[number]))
    }

    pub(crate) fn delta(self, base: u8) -> Self {
        self.extension(27, true, &integer(&[base]))
    }

    pub(crate) fn key_id(self, key_id: &[u8]) -> Self {
        let value = encode(tag::SEQUENCE, &[&encode(0x80, &[key_id])]);
        self.extension(35, false, &value)
    }

    /// With an issuing distribution point of these parts.
    pub(crate) fn scope(self, parts: &[&[u8]]) -> Self {
        self.extension(28, true, &encode(tag::SEQUENCE, parts))
    }

    /// With the extension 2.5.29.`arc`.
    pub(crate) fn extension(mut self, arc: u8, critical: bool, value: &[u8]) -> Self {
        self.extensions.push(extension(arc, critical, value));
        self
    }

    pub(crate) fn dates(mut self, this_update: &str, next_update: Option<&str>) -> Self {
        self.this_update = time(this_update);
        self.next_update = next_update.map(time);
        self
    }

    /// With an entry for a serial number, given as content octets, and these extensions.
    pub(crate) fn entry(mut self, serial: &[u8], extensions: &[Vec<u8>]) -> Self {
        let mut parts = integer(serial);
        parts.extend(time("2030-05-01"));
        if !extensions.is_empty() {
            parts.extend(encode(tag::SEQUENCE, &[&extensions.concat()]));
        }
        self.entries.push(encode(tag::SEQUENCE, &[&parts]));
        self
    }

    /// With an entry for a serial number that states a reason.
    pub(crate) fn revoked(self, serial: &[u8], reason: u8) -> Self {
        self.entry(serial, &[reason_code(reason)])
    }

    /// What is signed.
    pub(crate) fn message(&self) -> Vec<u8> {
        let mut parts = Vec::new();
        if let Some(version) = self.version {
            parts.extend(integer(&[version]));
        }
        parts.extend_from_slice(&self.algorithm);
        parts.extend_from_slice(&self.issuer);
        parts.extend_from_slice(&self.this_update);
        parts.extend(self.next_update.iter().flatten());
        if !self.entries.is_empty() {
            parts.extend(encode(tag::SEQUENCE, &[&self.entries.concat()]));
        }
        if !self.extensions.is_empty() {
            let row = encode(tag::SEQUENCE, &[&self.extensions.concat()]);
            parts.extend(encode(tag::CONTEXT_0, &[&row]));
        }
        encode(tag::SEQUENCE, &[&parts])
    }

    /// The list as DER, signed with a P-256 key.
    pub(crate) fn sign(&self, key: &KeyPair) -> Vec<u8> {
        let message = self.message();
        let signature = key.sign(&message).unwrap();
        let signature = encode(tag::BIT_STRING, &[&[0], &signature]);
        encode(
            tag::SEQUENCE,
            &[&message, &self.outer_algorithm, &signature],
        )
    }
}

/// An INTEGER.
pub(crate) fn integer(content: &[u8]) -> Vec<u8> {
    encode(tag::INTEGER, &[content])
}

/// A GeneralizedTime, or a UTCTime where that can tell it, from RFC 3339.
pub(crate) fn time(text: &str) -> Vec<u8> {
    let moment = Moment::parse(text).unwrap().to_string();
    let mut digits: String = moment.chars().filter(char::is_ascii_digit).collect();
    digits.push('Z');
    if (1950..2050).contains(&digits[..4].parse::<i32>().unwrap()) {
        encode(tag::UTC_TIME, &[&digits.as_bytes()[2..]])
    } else {
        encode(tag::GENERALIZED_TIME, &[digits.as_bytes()])
    }
}

/// The extension 2.5.29.`arc`.
pub(crate) fn extension(arc: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut parts = vec![tag::OID, 3, 0x55, 0x1d, arc];
    if critical {
        parts.extend([tag::BOOLEAN, 1, 0xff]);
    }
    parts.extend(encode(tag::OCTET_STRING, &[value]));
    encode(tag::SEQUENCE, &[&parts])
}

/// reasonCode.
pub(crate) fn reason_code(reason: u8) -> Vec<u8> {
    extension(21, false, &[0x0a, 1, reason])
}

/// certificateIssuer, from the DER of a Name.
pub(crate) fn certificate_issuer(name: &[u8]) -> Vec<u8> {
    let names = encode(tag::SEQUENCE, &[&directory_name(name)]);
    extension(29, true, &names)
}

/// A directoryName as a GeneralName, from the DER of a Name.
pub(crate) fn directory_name(name: &[u8]) -> Vec<u8> {
    encode(0xa4, &[name])
}

/// A uniformResourceIdentifier as a GeneralName.
pub(crate) fn uri(text: &str) -> Vec<u8> {
    encode(0x86, &[text.as_bytes()])
}

/// A DistributionPointName with full names, in its place in a point.
pub(crate) fn full_name(names: &[&[u8]]) -> Vec<u8> {
    encode(tag::CONTEXT_0, &[&encode(tag::CONTEXT_0, names)])
}

/// A DistributionPointName relative to the issuer, in its place in a point, from a common name.
pub(crate) fn relative_name(common_name: &str) -> Vec<u8> {
    encode(
        tag::CONTEXT_0,
        &[&encode(tag::CONTEXT_1, &[&attribute(common_name)])],
    )
}

/// A Name of common names, the most general one first.
pub(crate) fn name(common_names: &[&str]) -> Vec<u8> {
    let sets: Vec<u8> = common_names
        .iter()
        .flat_map(|common_name| encode(tag::SET, &[&attribute(common_name)]))
        .collect();
    encode(tag::SEQUENCE, &[&sets])
}

fn attribute(common_name: &str) -> Vec<u8> {
    let value = encode(tag::UTF8_STRING, &[common_name.as_bytes()]);
    encode(tag::SEQUENCE, &[b"\x06\x03\x55\x04\x03", &value])
}
