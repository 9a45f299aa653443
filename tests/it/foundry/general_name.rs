//! GeneralNames (RFC 5280, 4.2.1.6), as their DER.

use crate::foundry::asn1::{explicit, implicit, oid};
use crate::foundry::name::Name;

/// otherName: a kind and a UTF8String.
pub fn other(kind: &str, value: &str) -> Vec<u8> {
    let value = realmgate::pki::der::encode(0x0c, &[value.as_bytes()]);
    explicit(0, &[&oid(kind), &explicit(0, &[&value])])
}

/// rfc822Name.
pub fn email(text: &str) -> Vec<u8> {
    implicit(1, text.as_bytes())
}

/// dNSName.
pub fn dns(text: &str) -> Vec<u8> {
    implicit(2, text.as_bytes())
}

/// directoryName.
pub fn directory(name: &Name) -> Vec<u8> {
    explicit(4, &[&name.der()])
}

/// uniformResourceIdentifier.
pub fn uri(text: &str) -> Vec<u8> {
    implicit(6, text.as_bytes())
}

/// iPAddress; in name constraints, address and mask.
pub fn ip(octets: &[u8]) -> Vec<u8> {
    implicit(7, octets)
}
