//! DER, as far as certificates and revocation lists need it.

use realmgate::pki::der::{encode, tag};

/// ENUMERATED.
const ENUMERATED: u8 = 0x0a;
/// NULL, whole.
pub const NULL: [u8; 2] = [0x05, 0x00];

/// A SEQUENCE.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    encode(tag::SEQUENCE, parts)
}

/// A SEQUENCE of owned parts.
pub fn sequence_of(parts: &[Vec<u8>]) -> Vec<u8> {
    encode(tag::SEQUENCE, &[&parts.concat()])
}

/// `[number]`, constructed.
pub fn explicit(number: u8, parts: &[&[u8]]) -> Vec<u8> {
    encode(0xa0 | number, parts)
}

/// `[number]`, primitive.
pub fn implicit(number: u8, content: &[u8]) -> Vec<u8> {
    encode(0x80 | number, &[content])
}

/// An INTEGER with these content octets, whatever they are.
pub fn integer_octets(octets: &[u8]) -> Vec<u8> {
    encode(tag::INTEGER, &[octets])
}

/// An INTEGER.
pub fn integer(number: u32) -> Vec<u8> {
    integer_octets(&number_octets(number))
}

/// The content octets of a number that is not negative, in DER's shortest form.
pub fn number_octets(number: u32) -> Vec<u8> {
    let mut octets: Vec<u8> = number
        .to_be_bytes()
        .into_iter()
        .skip_while(|octet| *octet == 0)
        .collect();
    if octets.first().is_none_or(|first| first & 0x80 != 0) {
        octets.insert(0, 0);
    }
    octets
}

/// An ENUMERATED.
pub fn enumerated(number: u8) -> Vec<u8> {
    encode(ENUMERATED, &[&[number]])
}

/// TRUE or FALSE.
pub fn boolean(value: bool) -> Vec<u8> {
    encode(tag::BOOLEAN, &[&[if value { 0xff } else { 0 }]])
}

/// An OCTET STRING.
pub fn octet_string(content: &[u8]) -> Vec<u8> {
    encode(tag::OCTET_STRING, &[content])
}

/// A BIT STRING of whole octets.
pub fn bit_string(content: &[u8]) -> Vec<u8> {
    encode(tag::BIT_STRING, &[&[0], content])
}

/// The content octets of a BIT STRING of named bits, the first one being bit 0, in DER's shortest form.
pub fn named_bits(bits: &[u8]) -> Vec<u8> {
    let Some(last) = bits.iter().max() else {
        return vec![0];
    };
    let mut octets = vec![0; usize::from(last / 8) + 2];
    for bit in bits {
        octets[usize::from(bit / 8) + 1] |= 0x80 >> (bit % 8);
    }
    octets[0] = 7 - last % 8;
    octets
}

/// An OBJECT IDENTIFIER from its dotted text.
pub fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u32> = dotted
        .split('.')
        .map(|arc| arc.parse().expect("an arc is a number"))
        .collect();
    let mut content = Vec::new();
    let first = arcs[0] * 40 + arcs[1];
    for arc in std::iter::once(first).chain(arcs[2..].iter().copied()) {
        let mut octets = vec![u8::try_from(arc & 0x7f).unwrap()];
        let mut rest = arc >> 7;
        while rest > 0 {
            octets.push(0x80 | u8::try_from(rest & 0x7f).unwrap());
            rest >>= 7;
        }
        content.extend(octets.iter().rev());
    }
    encode(tag::OID, &[&content])
}
