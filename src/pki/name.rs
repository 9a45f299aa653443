//! Distinguished names: as text for people (RFC 4514), and in a form in which equal names are equal bytes.

use crate::pki::der::{self, Element, NotDer, tag};
use crate::pki::prepared::prepared;
use crate::pki::printable::{self, Bounded, is_unsafe};

/// The name as RFC 4514 writes it, most specific part first: `CN=client-1,O=Acme`.
///
/// Never longer than [`crate::pki::printable::CHARS_MAX`]; a final `…` marks what was left out. Controls, invisible
/// characters and marks of direction are escaped like the special characters. Attributes without a short name, and
/// values that are no text, are written as `#` and the digits of their DER; so is a whole name that cannot be decoded.
pub fn text(raw_der_name: &[u8]) -> String {
    let mut out = Bounded::default();
    match attributes(raw_der_name) {
        Ok(name) => write_name(&name, &mut out),
        Err(NotDer) => write_hex(raw_der_name, &mut out),
    }
    out.into_text()
}

/// The values of the attributes of that kind (an OID, dotted), most significant part of the name first, each as
/// [`printable::alone`] writes it; a value that is no text is `#` and the digits of its DER. `None` where the name cannot
/// be decoded.
pub fn printed_values(raw_der_name: &[u8], kind: &str) -> Option<Vec<String>> {
    let name = attributes(raw_der_name).ok()?;
    let of_kind = name
        .iter()
        .flatten()
        .filter(|attribute| der::oid_text(attribute.kind.content).as_deref() == Some(kind));
    let value = |attribute: &Attribute<'_>| match string(&attribute.value) {
        Some(text) => printable::alone(&text),
        None => {
            let mut out = Bounded::default();
            write_hex(attribute.value.whole, &mut out);
            out.into_text()
        }
    };
    Some(of_kind.map(value).collect())
}

/// The form in which names are compared (RFC 5280, 7.1): all texts [`prepared`] and in one encoding, the parts of a set
/// in one order. What cannot be decoded or prepared stays byte for byte.
pub fn normal_form(raw_der_name: &[u8]) -> Vec<u8> {
    let Ok(sets) = normal_sets(raw_der_name) else {
        return raw_der_name.to_vec();
    };
    let sets: Vec<&[u8]> = sets.iter().map(Vec::as_slice).collect();
    der::encode(tag::SEQUENCE, &sets)
}

/// The relative names that a name is made of, the most general first, each as in [`normal_form`].
///
/// # Errors
/// [`NotDer`] where it is no name, or a text of it cannot be prepared.
pub fn normal_sets(raw_der_name: &[u8]) -> Result<Vec<Vec<u8>>, NotDer> {
    let name = attributes(raw_der_name)?;
    name.iter()
        .map(|set| {
            let parts = set.iter().map(normal_attribute);
            let mut parts = parts.collect::<Result<Vec<Vec<u8>>, NotDer>>()?;
            parts.sort();
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            Ok(der::encode(tag::SET, &parts))
        })
        .collect()
}

/// Whether the octets are the DER of a name.
pub fn is_name(raw_der_name: &[u8]) -> bool {
    attributes(raw_der_name).is_ok()
}

/// Whether the octets are the DER of a name without any part.
pub fn is_empty(raw_der_name: &[u8]) -> bool {
    attributes(raw_der_name).is_ok_and(|name| name.is_empty())
}

/// Whether any value holds a control character, which hides what follows it from some readers.
pub fn has_controls(raw_der_name: &[u8]) -> bool {
    let name = attributes(raw_der_name).unwrap_or_default();
    let mut texts = name.iter().flatten().filter_map(|part| string(&part.value));
    texts.any(|text| text.chars().any(char::is_control))
}

/// The values of all attributes of one type (the content octets of its OID), the most general first; `None` for a value
/// that is no text.
///
/// # Errors
/// [`NotDer`] where the octets are no name.
pub fn values(raw_der_name: &[u8], kind: &[u8]) -> Result<Vec<Option<String>>, NotDer> {
    let name = attributes(raw_der_name)?;
    Ok(name
        .iter()
        .flatten()
        .filter(|attribute| attribute.kind.content == kind)
        .map(|attribute| string(&attribute.value))
        .collect())
}

/// The text of an ASN.1 string; `None` where it is no string or not in its own encoding.
///
/// T61String is read as Latin-1, as is an ASCII string with other octets in it: that is what writers of them meant.
pub fn string(value: &Element<'_>) -> Option<String> {
    let octets = value.content;
    match value.tag {
        tag::UTF8_STRING => std::str::from_utf8(octets).ok().map(str::to_owned),
        // NumericString, PrintableString, IA5String, VisibleString, GeneralString
        0x12 | 0x13 | 0x16 | 0x1a | 0x1b => match std::str::from_utf8(octets) {
            Ok(text) => Some(text.to_owned()),
            Err(_) => Some(latin_1(octets)),
        },
        // T61String
        0x14 => Some(latin_1(octets)),
        // UniversalString
        0x1c => {
            let (units, []) = octets.as_chunks::<4>() else {
                return None;
            };
            units
                .iter()
                .map(|unit| char::from_u32(u32::from_be_bytes(*unit)))
                .collect()
        }
        // BMPString
        0x1e => {
            let (units, []) = octets.as_chunks::<2>() else {
                return None;
            };
            let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
            char::decode_utf16(units)
                .collect::<Result<String, _>>()
                .ok()
        }
        _ => None,
    }
}

struct Attribute<'a> {
    kind: Element<'a>,
    value: Element<'a>,
}

fn attributes(raw: &[u8]) -> Result<Vec<Vec<Attribute<'_>>>, NotDer> {
    let sets = der::single(raw)?.children_of(tag::SEQUENCE)?;
    sets.iter()
        .map(|set| {
            let parts = set.children_of(tag::SET)?;
            if parts.is_empty() {
                Err(NotDer)
            } else {
                parts.iter().map(attribute).collect()
            }
        })
        .collect()
}

fn attribute<'a>(part: &Element<'a>) -> Result<Attribute<'a>, NotDer> {
    match part.children_of(tag::SEQUENCE)?.as_slice() {
        [kind, value] if kind.tag == tag::OID => Ok(Attribute {
            kind: *kind,
            value: *value,
        }),
        _ => Err(NotDer),
    }
}

fn latin_1(octets: &[u8]) -> String {
    octets.iter().copied().map(char::from).collect()
}

fn normal_attribute(attribute: &Attribute<'_>) -> Result<Vec<u8>, NotDer> {
    let value = match string(&attribute.value) {
        Some(text) => {
            let text = prepared(&text).ok_or(NotDer)?;
            der::encode(tag::UTF8_STRING, &[text.as_bytes()])
        }
        None => attribute.value.whole.to_vec(),
    };
    Ok(der::encode(tag::SEQUENCE, &[attribute.kind.whole, &value]))
}

fn write_name(name: &[Vec<Attribute<'_>>], out: &mut Bounded) {
    for (position, set) in name.iter().rev().enumerate() {
        for (place, attribute) in set.iter().enumerate() {
            match (position, place) {
                (0, 0) => {}
                (_, 0) => out.push(","),
                _ => out.push("+"),
            }
            write_attribute(attribute, out);
            if out.is_full() {
                return;
            }
        }
    }
}

fn write_attribute(attribute: &Attribute<'_>, out: &mut Bounded) {
    let kind = der::oid_text(attribute.kind.content);
    match (
        kind.as_deref().and_then(short_name),
        string(&attribute.value),
    ) {
        (Some(short), Some(value)) => {
            out.push(&format!("{short}="));
            write_value(&value, out);
        }
        (short, _) => {
            match (short, &kind) {
                (Some(short), _) => out.push(short),
                (None, Some(dotted)) => out.push(dotted),
                (None, None) => write_hex(attribute.kind.whole, out),
            }
            out.push("=");
            write_hex(attribute.value.whole, out);
        }
    }
}

fn write_value(value: &str, out: &mut Bounded) {
    let last = value.chars().count().saturating_sub(1);
    for (place, character) in value.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.push(&format!("\\{character}")),
            ' ' if place == 0 || place == last => out.push("\\ "),
            '#' if place == 0 => out.push("\\#"),
            hidden if is_unsafe(hidden) => out.push_escaped(hidden),
            plain => out.push(plain.encode_utf8(&mut [0; 4])),
        }
        if out.is_full() {
            return;
        }
    }
}

fn write_hex(octets: &[u8], out: &mut Bounded) {
    out.push("#");
    out.push_hex(octets);
}

/// The names of RFC 4514 and RFC 4519, and those that OpenSSL and the CA/Browser Forum have made usual.
const SHORT_NAMES: [(&str, &str); 26] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.13", "description"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.41", "name"),
    ("2.5.4.42", "GN"),
    ("2.5.4.43", "initials"),
    ("2.5.4.44", "generationQualifier"),
    ("2.5.4.46", "dnQualifier"),
    ("2.5.4.65", "pseudonym"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"),
    ("1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"),
    ("1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"),
];

fn short_name(dotted: &str) -> Option<&'static str> {
    let found = SHORT_NAMES.iter().find(|(oid, _)| *oid == dotted);
    found.map(|(_, short)| *short)
}

/// Whether an OID, dotted, has a short name.
pub fn is_named(dotted: &str) -> bool {
    short_name(dotted).is_some()
}

/// The OID, dotted, that a short name of an attribute stands for, in letters of either case.
pub fn dotted(short: &str) -> Option<&'static str> {
    let found = SHORT_NAMES
        .iter()
        .find(|(_, name)| name.eq_ignore_ascii_case(short));
    found.map(|(oid, _)| *oid)
}

#[cfg(test)]
mod tests;
