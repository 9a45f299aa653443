//! Whether octets are DER throughout (X.690, 10 and 11), and whether a certificate has the outline of RFC 5280, 4.1.
//!
//! The certificate library reads some of what DER forbids, and each such kindness is a second way to write the same
//! certificate. Two liberties are taken here too, because issuers take them and they leave no doubt: a BOOLEAN that is
//! FALSE by default may be written out, and the parts of a SET may stand in any order.

use crate::clock::Moment;
use crate::pki::certificate::{InvalidCertificate, SERIAL_BYTES_MAX};
use crate::pki::der::{self, Element, NotDer, tag};
use crate::pki::{moment, name};

/// How deep elements may stand in one another; a certificate needs about ten.
const DEPTH_MAX: usize = 32;

const ISSUER_UNIQUE_ID: u8 = 0x81;
const SUBJECT_UNIQUE_ID: u8 = 0x82;
const EXTENSIONS: u8 = 0xa3;

/// The first moment and the last second of a certificate's validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// notBefore.
    pub not_before: Moment,
    /// notAfter.
    pub not_after: Moment,
}

/// Reads one element that fills `input` completely and is DER down to its last part.
///
/// # Errors
/// [`NotDer`] where it is not, or its parts stand more than 32 deep in one another.
pub fn element(input: &[u8]) -> Result<Element<'_>, NotDer> {
    let element = der::single(input)?;
    walk(&element, DEPTH_MAX)?;
    Ok(element)
}

/// A number that is not negative, from the content octets of an INTEGER; one beyond 32 bits counts as the largest.
///
/// # Errors
/// [`NotDer`] where it is negative or not in its shortest form.
pub fn small_number(octets: &[u8]) -> Result<u32, NotDer> {
    integer(octets)?;
    if octets.first().is_some_and(|first| first & 0x80 != 0) {
        return Err(NotDer);
    }
    Ok(octets
        .iter()
        .try_fold(0_u32, |number, octet| {
            number.checked_mul(256)?.checked_add(u32::from(*octet))
        })
        .unwrap_or(u32::MAX))
}

/// Holds a certificate to DER and to the outline of RFC 5280, 4.1, and gives its validity.
///
/// # Errors
/// [`InvalidCertificate`].
pub fn certificate(input: &[u8]) -> Result<Validity, InvalidCertificate> {
    let whole = element(input).map_err(|NotDer| InvalidCertificate::NotDer)?;
    let parts = whole
        .children_of(tag::SEQUENCE)
        .map_err(|NotDer| InvalidCertificate::Undecodable)?;
    let [signed, algorithm, signature] = parts.as_slice() else {
        return Err(InvalidCertificate::Undecodable);
    };
    let signed = signed
        .children_of(tag::SEQUENCE)
        .map_err(|NotDer| InvalidCertificate::Undecodable)?;
    let (version, parts) = version(&signed)?;
    let [serial, inner, issuer, validity, subject, key, optional @ ..] = parts else {
        return Err(InvalidCertificate::Undecodable);
    };
    if serial.tag != tag::INTEGER {
        return Err(InvalidCertificate::Undecodable);
    }
    if serial.content.len() > SERIAL_BYTES_MAX {
        return Err(InvalidCertificate::SerialTooLong {
            bytes: serial.content.len(),
        });
    }
    if inner.whole != algorithm.whole {
        return Err(InvalidCertificate::AlgorithmsDiffer);
    }
    let key_bits = key.children_of(tag::SEQUENCE);
    let key_bits = key_bits.as_deref().unwrap_or_default().last();
    let outlined = name::is_name(issuer.whole)
        && name::is_name(subject.whole)
        && is_whole_octets(signature)
        && key_bits.is_some_and(is_whole_octets);
    if !outlined {
        return Err(InvalidCertificate::Undecodable);
    }
    optional_parts(version, optional)?;
    self::validity(validity).ok_or(InvalidCertificate::UndecodableDate)
}

/// The version, and what follows it.
fn version<'a, 'b>(
    signed: &'b [Element<'a>],
) -> Result<(u32, &'b [Element<'a>]), InvalidCertificate> {
    let [first, rest @ ..] = signed else {
        return Err(InvalidCertificate::Undecodable);
    };
    if first.tag != tag::CONTEXT_0 {
        return Ok((1, signed));
    }
    let number = der::single(first.content)
        .ok()
        .filter(|number| number.tag == tag::INTEGER);
    match number.map(|number| number.content) {
        Some([1]) => Ok((2, rest)),
        Some([2]) => Ok((3, rest)),
        Some(_) => Err(InvalidCertificate::UnsupportedVersion),
        None => Err(InvalidCertificate::Undecodable),
    }
}

/// Unique identifiers, which version 1 does not have, and extensions, which only version 3 has.
fn optional_parts(version: u32, parts: &[Element<'_>]) -> Result<(), InvalidCertificate> {
    let mut rest = parts;
    for unique_id in [ISSUER_UNIQUE_ID, SUBJECT_UNIQUE_ID] {
        if let [first, after @ ..] = rest
            && first.tag == unique_id
        {
            if version < 2 {
                return Err(InvalidCertificate::BeyondItsVersion { version });
            }
            bit_string(first.content).map_err(|NotDer| InvalidCertificate::NotDer)?;
            rest = after;
        }
    }
    match rest {
        [] => Ok(()),
        [extensions] if extensions.tag == EXTENSIONS => {
            if version < 3 {
                return Err(InvalidCertificate::BeyondItsVersion { version });
            }
            let list = der::single(extensions.content).and_then(|list| {
                let list = list.children_of(tag::SEQUENCE)?;
                list.iter().try_for_each(extension)?;
                Ok(list)
            });
            match list {
                Ok(list) if !list.is_empty() => Ok(()),
                Ok(_) | Err(NotDer) => Err(InvalidCertificate::Undecodable),
            }
        }
        _ => Err(InvalidCertificate::Undecodable),
    }
}

fn extension(extension: &Element<'_>) -> Result<(), NotDer> {
    let parts = extension.children_of(tag::SEQUENCE)?;
    let tags: Vec<u8> = parts.iter().map(|part| part.tag).collect();
    match tags.as_slice() {
        [tag::OID, tag::OCTET_STRING] | [tag::OID, tag::BOOLEAN, tag::OCTET_STRING] => Ok(()),
        _ => Err(NotDer),
    }
}

fn is_whole_octets(bits: &Element<'_>) -> bool {
    bits.tag == tag::BIT_STRING && bits.content.first() == Some(&0)
}

fn validity(element: &Element<'_>) -> Option<Validity> {
    match element.children_of(tag::SEQUENCE).ok()?.as_slice() {
        [first, last] => Some(Validity {
            not_before: moment::decode(first).ok()?,
            not_after: moment::decode(last).ok()?,
        }),
        _ => None,
    }
}

fn walk(element: &Element<'_>, depth: usize) -> Result<(), NotDer> {
    const CONSTRUCTED: u8 = 0x20;
    if element.tag & CONSTRUCTED == 0 {
        return primitive(element);
    }
    let universal = element.tag & 0xc0 == 0;
    // SEQUENCE and SET; EXTERNAL, EMBEDDED PDV and CHARACTER STRING. Strings are not put together of parts in DER.
    if universal && !matches!(element.tag, tag::SEQUENCE | tag::SET | 0x28 | 0x2b | 0x3d) {
        return Err(NotDer);
    }
    let depth = depth.checked_sub(1).ok_or(NotDer)?;
    let mut rest = element.content;
    while !rest.is_empty() {
        let (part, after) = der::first(rest)?;
        walk(&part, depth)?;
        rest = after;
    }
    Ok(())
}

fn primitive(element: &Element<'_>) -> Result<(), NotDer> {
    const ENUMERATED: u8 = 0x0a;
    const NULL: u8 = 0x05;
    let content = element.content;
    match element.tag {
        tag::BOOLEAN if matches!(content, [0x00 | 0xff]) => Ok(()),
        tag::INTEGER | ENUMERATED => integer(content),
        tag::BIT_STRING => bit_string(content),
        NULL if content.is_empty() => Ok(()),
        tag::OID => object_identifier(content),
        // What these are made of, and what ends indefinite lengths.
        tag::BOOLEAN | NULL | 0x00 | 0x08 | 0x0b | 0x10 | 0x11 | 0x1d => Err(NotDer),
        _ => Ok(()),
    }
}

/// At least one octet, and the first nine bits not all the same.
fn integer(octets: &[u8]) -> Result<(), NotDer> {
    match octets {
        [] | [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Err(NotDer),
        _ => Ok(()),
    }
}

/// The bits that are not used are zero.
fn bit_string(octets: &[u8]) -> Result<(), NotDer> {
    let [unused @ 0..=7, bits @ ..] = octets else {
        return Err(NotDer);
    };
    let last = bits.last().copied().unwrap_or(0);
    if (*unused > 0 && bits.is_empty()) || last.trailing_zeros() < u32::from(*unused) {
        return Err(NotDer);
    }
    Ok(())
}

/// No arc begins with a zero, and the last one ends.
fn object_identifier(octets: &[u8]) -> Result<(), NotDer> {
    let mut starts = true;
    for octet in octets {
        if starts && *octet == 0x80 {
            return Err(NotDer);
        }
        starts = octet & 0x80 == 0;
    }
    if octets.is_empty() || !starts {
        return Err(NotDer);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
