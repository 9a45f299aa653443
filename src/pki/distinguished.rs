//! Distinguished names that people write: RFC 4514 text to DER.
//!
//! What [`name::text`] prints is read back to an equal name. Whatever could be meant in two ways is refused: a name that
//! is misread would be compared with everything, and equal nothing.

use crate::pki::der::{self, tag};
use crate::pki::name;
use crate::pki::printable;

/// The longest name, in bytes of DER.
pub const DER_BYTES_MAX: usize = 4096;

/// A name that can be compared (RFC 5280, 7.1). Equal are those that mean the same, however they are encoded.
#[derive(Clone, Debug)]
pub struct DistinguishedName {
    der: Vec<u8>,
    normal: Vec<u8>,
}

impl DistinguishedName {
    /// Reads a name as RFC 4514 writes it, most specific part first; or `#` and the hexadecimal digits of its DER.
    ///
    /// # Errors
    /// [`InvalidDistinguishedName`].
    pub fn parse(text: &str) -> Result<Self, InvalidDistinguishedName> {
        if text.is_empty() {
            return Err(InvalidDistinguishedName::Empty);
        }
        if text.ends_with('…') {
            return Err(InvalidDistinguishedName::Cut);
        }
        if let Some(digits) = text.strip_prefix('#') {
            let der = der::unhex(digits).ok_or(InvalidDistinguishedName::Hex)?;
            return Self::from_der(&der);
        }
        let mut sets = Vec::new();
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let (part, end, after) = attribute(rest)?;
            parts.push(part);
            match end {
                Some('+') => {}
                Some(_) | None => sets.push(set(&mut parts)),
            }
            if end.is_none() {
                break;
            }
            rest = after;
        }
        let sets: Vec<&[u8]> = sets.iter().rev().map(Vec::as_slice).collect();
        Self::from_der(&der::encode(tag::SEQUENCE, &sets))
    }

    /// The name of a certificate.
    ///
    /// # Errors
    /// [`InvalidDistinguishedName`] where it is empty, no name, or cannot be compared.
    pub fn from_der(raw: &[u8]) -> Result<Self, InvalidDistinguishedName> {
        if !name::is_name(raw) {
            return Err(InvalidDistinguishedName::Hex);
        }
        if name::is_empty(raw) {
            return Err(InvalidDistinguishedName::Empty);
        }
        if raw.len() > DER_BYTES_MAX {
            return Err(InvalidDistinguishedName::TooLong);
        }
        if name::normal_sets(raw).is_err() {
            return Err(InvalidDistinguishedName::Incomparable);
        }
        Ok(Self {
            der: raw.to_vec(),
            normal: name::normal_form(raw),
        })
    }

    /// Its DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The form in which names that mean the same are the same bytes.
    pub fn normal_form(&self) -> &[u8] {
        &self.normal
    }

    /// A text that [`DistinguishedName::parse`] reads back: the one that is printed everywhere, or the digits of its DER
    /// where that is too long to be printed whole.
    pub fn written(&self) -> String {
        let printed = name::text(&self.der);
        match Self::parse(&printed) {
            Ok(read) if read == *self => printed,
            Ok(_) | Err(_) => format!("#{}", der::hex(&self.der)),
        }
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.normal == other.normal
    }
}

impl Eq for DistinguishedName {}

impl std::fmt::Display for DistinguishedName {
    /// As [`name::text`].
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&name::text(&self.der))
    }
}

/// A text that is no name, or not surely the one that was meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDistinguishedName {
    /// Without any part.
    #[error("the name is empty: write it as realmgate prints it, such as CN=client-1,O=Acme")]
    Empty,
    /// It was printed shortened.
    #[error(
        "the name ends with …, so that a part of it is missing: give the certificate's file or its SHA-256 instead; where the name itself ends so, write \\E2\\80\\A6"
    )]
    Cut,
    /// A part without a value.
    #[error(
        "'{part}' in the name has no '=': write parts like CN=client-1, joined with commas; a comma that belongs to a value is written \\,"
    )]
    NoValue {
        /// The part.
        part: String,
    },
    /// A kind of attribute that has no such name.
    #[error(
        "'{kind}' in the name is no kind of attribute that is known here: write it as realmgate prints it, most specific part first and joined with commas, such as CN=client-1,O=Acme; other kinds are written as their OID, with # and the digits of the value's DER"
    )]
    Kind {
        /// What was written.
        kind: String,
    },
    /// An OID with a value in clear.
    #[error(
        "the value of '{kind}' in the name has to be # and the hexadecimal digits of its DER, since there is no telling how it is encoded"
    )]
    DottedInClear {
        /// The OID.
        kind: String,
    },
    /// Spaces around a value.
    #[error(
        "the value of '{kind}' in the name begins or ends with a space: write parts joined with a comma alone, most specific part first, such as CN=client-1,O=Acme ('openssl x509 -nameopt RFC2253' shows names so); a space that belongs to the value is written \\20"
    )]
    Space {
        /// Of which kind.
        kind: String,
    },
    /// A character that has to be escaped.
    #[error("the character {character} in the name has to be escaped: write \\{character}")]
    Special {
        /// Which.
        character: char,
    },
    /// A backslash before something else.
    #[error(
        "a backslash in the name has to be followed by two hexadecimal digits or by one of \" + , ; < > = # \\ or a space"
    )]
    Escape,
    /// Escaped octets that are no text.
    #[error("the value of '{kind}' in the name is no UTF-8 text: write it as realmgate prints it")]
    NotText {
        /// Of which kind.
        kind: String,
    },
    /// Digits that are no DER.
    #[error("what follows # in the name is not the hexadecimal digits of DER: copy it again")]
    Hex,
    /// Too long.
    #[error(
        "the name is longer than {DER_BYTES_MAX} bytes: give the certificate's file or its SHA-256 instead"
    )]
    TooLong,
    /// It has no form to be compared in.
    #[error(
        "the name has characters by which it cannot be compared: give the certificate's file or its SHA-256 instead"
    )]
    Incomparable,
}

/// A set of attributes in DER, whose order in the text means nothing.
fn set(parts: &mut Vec<Vec<u8>>) -> Vec<u8> {
    let mut parts = std::mem::take(parts);
    parts.sort();
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    der::encode(tag::SET, &parts)
}

/// Reads one attribute: its DER, what ended it (`,`, `+` or nothing), and the rest.
fn attribute(text: &str) -> Result<(Vec<u8>, Option<char>, &str), InvalidDistinguishedName> {
    let no_value = || InvalidDistinguishedName::NoValue {
        part: told(text.split([',', '+']).next().unwrap_or_default()),
    };
    let (kind, rest) = text.split_once('=').ok_or_else(no_value)?;
    if kind.contains([',', '+']) {
        return Err(no_value());
    }
    let unknown = || InvalidDistinguishedName::Kind { kind: told(kind) };
    let (is_named, dotted) = match name::dotted(kind) {
        Some(dotted) => (true, dotted),
        None => (false, kind),
    };
    let oid = der::oid_content(dotted).ok_or_else(unknown)?;
    let (value, end, after) = if let Some(digits) = rest.strip_prefix('#') {
        hex_value(digits)?
    } else if is_named || name::is_named(dotted) {
        text_value(kind, rest)?
    } else {
        return Err(InvalidDistinguishedName::DottedInClear { kind: told(kind) });
    };
    let oid = der::encode(tag::OID, &[&oid]);
    Ok((der::encode(tag::SEQUENCE, &[&oid, &value]), end, after))
}

fn hex_value(text: &str) -> Result<(Vec<u8>, Option<char>, &str), InvalidDistinguishedName> {
    let place = text.find([',', '+']).unwrap_or(text.len());
    let (digits, rest) = text.split_at(place);
    let value = der::unhex(digits).ok_or(InvalidDistinguishedName::Hex)?;
    der::single(&value).map_err(|_| InvalidDistinguishedName::Hex)?;
    let mut rest = rest.chars();
    let end = rest.next();
    Ok((value, end, rest.as_str()))
}

fn text_value<'a>(
    kind: &str,
    text: &'a str,
) -> Result<(Vec<u8>, Option<char>, &'a str), InvalidDistinguishedName> {
    let mut octets = Vec::new();
    let mut rest = text.chars();
    // Whether the last character was a space that nothing escaped.
    let mut spaced = text.starts_with(' ');
    if spaced {
        return Err(InvalidDistinguishedName::Space { kind: told(kind) });
    }
    let end = loop {
        let Some(character) = rest.next() else {
            break None;
        };
        match character {
            ',' | '+' => break Some(character),
            '"' | ';' | '<' | '>' => return Err(InvalidDistinguishedName::Special { character }),
            '\\' => {
                let (escaped, after) =
                    escape(rest.as_str()).ok_or(InvalidDistinguishedName::Escape)?;
                octets.push(escaped);
                rest = after.chars();
                spaced = false;
            }
            plain => {
                octets.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
                spaced = plain == ' ';
            }
        }
    };
    if spaced {
        return Err(InvalidDistinguishedName::Space { kind: told(kind) });
    }
    let text = std::str::from_utf8(&octets)
        .map_err(|_| InvalidDistinguishedName::NotText { kind: told(kind) })?;
    let value = der::encode(tag::UTF8_STRING, &[text.as_bytes()]);
    Ok((value, end, rest.as_str()))
}

/// What follows a backslash (RFC 4514, 2.4): two digits, or a character that would mean something without it.
fn escape(text: &str) -> Option<(u8, &str)> {
    if let Some((digits, after)) = text.split_at_checked(2)
        && let Some(octets) = der::unhex(digits)
    {
        return Some((octets.first().copied()?, after));
    }
    let special = text.chars().next()?;
    let is_special = matches!(
        special,
        '"' | '+' | ',' | ';' | '<' | '>' | '=' | '#' | '\\' | ' '
    );
    let after = text.get(1..).filter(|_| is_special)?;
    Some((u8::try_from(special).ok()?, after))
}

/// A piece of what was written, fit for a sentence.
fn told(piece: &str) -> String {
    const CHARS_MAX: usize = 60;
    printable::item(&piece.chars().take(CHARS_MAX).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Vec<u8> {
        DistinguishedName::parse(text)
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .normal
    }

    /// The DER of a name with one string of a kind in each set, most general first.
    fn der_of(parts: &[(&str, u8, &[u8])]) -> Vec<u8> {
        let sets = parts.iter().map(|(dotted, kind, value)| {
            let oid = der::encode(tag::OID, &[&der::oid_content(dotted).unwrap()]);
            let value = der::encode(*kind, &[value]);
            let pair = der::encode(tag::SEQUENCE, &[&oid, &value]);
            der::encode(tag::SET, &[&pair])
        });
        let sets: Vec<Vec<u8>> = sets.collect();
        let sets: Vec<&[u8]> = sets.iter().map(Vec::as_slice).collect();
        der::encode(tag::SEQUENCE, &sets)
    }

    #[test]
    fn what_is_printed_is_read_back_to_an_equal_name() {
        let cn = "2.5.4.3";
        let values: [&[u8]; 14] = [
            b"client-1",
            b"",
            b" leading",
            b"trailing ",
            b" ",
            b"#hash",
            b"a, b + c; <d> \"e\" = \\ f#",
            "Zürich 東京".as_bytes(),
            b"nul\0and\r\nlines\x1b[31m",
            "hidden\u{200b} turned\u{202e} end…not".as_bytes(),
            b"\\2c",
            b"  many   spaces  ",
            b"=",
            "\u{feff}".as_bytes(),
        ];
        for value in values {
            // UTF8String, PrintableString, T61String
            for kind in [0x0c, 0x13, 0x14] {
                let raw = der_of(&[("2.5.4.6", 0x13, b"CH"), (cn, kind, value)]);
                let printed = name::text(&raw);
                let read = DistinguishedName::parse(&printed);
                let read = read.unwrap_or_else(|error| panic!("{printed}: {error}"));
                assert_eq!(read.normal, name::normal_form(&raw), "{printed}");
                let own = DistinguishedName::from_der(&raw).unwrap();
                assert_eq!(own, read);
                assert_eq!(own.written(), printed);
            }
        }
    }

    #[test]
    fn what_is_no_text_and_what_has_no_short_name_is_read_back_by_its_digits() {
        let cases = [
            der_of(&[("1.2.3.4", 0x0c, b"x")]),
            der_of(&[("2.5.4.3", 0x0c, &[0xff, 0xfe])]),
            der_of(&[("2.5.4.3", 0x04, b"octets"), ("2.5.4.10", 0x1e, b"\0A\0c")]),
        ];
        for raw in cases {
            let printed = name::text(&raw);
            assert_eq!(normal(&printed), name::normal_form(&raw), "{printed}");
        }
        assert_eq!(normal("2.5.4.3=a"), normal("CN=a"));
        assert_eq!(normal("CN=#0c0161"), normal("cn=A"));
    }

    #[test]
    fn the_same_name_is_equal_however_it_is_written() {
        let same = [
            ("CN=client-1,O=Acme", "cn=CLIENT-1,o=acme"),
            ("CN=a\\2cb", "CN=a\\,b"),
            ("CN=Z\\C3\\BCrich", "CN=Zürich"),
            ("CN=a+OU=b,O=c", "OU=b+CN=a,O=c"),
            ("CN=a  b", "CN=a b"),
            ("CN=a=b", "CN=a\\=b"),
        ];
        for (left, right) in same {
            assert_eq!(normal(left), normal(right), "{left} {right}");
        }
        let others = ["CN=a,O=b", "O=b,CN=a", "CN=a+O=b", "CN=a", "CN=a,O=b,O=b"];
        for (place, left) in others.iter().enumerate() {
            for (other, right) in others.iter().enumerate() {
                assert_eq!(
                    normal(left) == normal(right),
                    place == other,
                    "{left} {right}"
                );
            }
        }
    }

    #[test]
    fn a_name_that_is_too_long_to_be_printed_is_written_by_its_digits() {
        let raw = der_of(&[("2.5.4.3", 0x0c, "a".repeat(2000).as_bytes())]);
        let own = DistinguishedName::from_der(&raw).unwrap();
        assert!(own.to_string().ends_with('…'));
        assert_eq!(
            DistinguishedName::parse(&own.to_string()),
            Err(InvalidDistinguishedName::Cut)
        );
        assert_eq!(DistinguishedName::parse(&own.written()), Ok(own));
    }

    #[test]
    fn whatever_could_be_meant_otherwise_is_refused() {
        use InvalidDistinguishedName as Wrong;
        let kind = |text: &str| text.to_owned();
        let cases = [
            ("", Wrong::Empty),
            ("#3000", Wrong::Empty),
            ("CN=a…", Wrong::Cut),
            (
                "client-1",
                Wrong::NoValue {
                    part: kind("client-1"),
                },
            ),
            ("CN=a,", Wrong::NoValue { part: kind("") }),
            ("CN=Acme, Inc", Wrong::NoValue { part: kind(" Inc") }),
            // As OpenSSL shows names unless told otherwise: in the other order.
            ("C=US, O=Acme, CN=a", Wrong::Kind { kind: kind(" O") }),
            ("C = US", Wrong::Kind { kind: kind("C ") }),
            ("CN= a", Wrong::Space { kind: kind("CN") }),
            ("CN=a ,O=b", Wrong::Space { kind: kind("CN") }),
            ("/C=US/O=Acme", Wrong::Kind { kind: kind("/C") }),
            ("E=a@b", Wrong::Kind { kind: kind("E") }),
            (
                "1.2.3.4=x",
                Wrong::DottedInClear {
                    kind: kind("1.2.3.4"),
                },
            ),
            ("CN=\"a\"", Wrong::Special { character: '"' }),
            ("CN=a;O=b", Wrong::Special { character: ';' }),
            ("CN=a\\x", Wrong::Escape),
            ("CN=a\\", Wrong::Escape),
            ("CN=a\\é", Wrong::Escape),
            ("CN=\\FF", Wrong::NotText { kind: kind("CN") }),
            ("CN=#0c", Wrong::Hex),
            ("CN=#xy", Wrong::Hex),
            ("#300", Wrong::Hex),
            ("#0c0161", Wrong::Hex),
        ];
        for (text, expect) in cases {
            assert_eq!(DistinguishedName::parse(text), Err(expect), "{text}");
        }
        let long = format!("CN={}", "a".repeat(5000));
        assert_eq!(DistinguishedName::parse(&long), Err(Wrong::TooLong));
        // One character that stands for eighteen.
        let growing = format!("CN={}", "\u{fdfa}".repeat(300));
        assert_eq!(DistinguishedName::parse(&growing), Err(Wrong::Incomparable));
    }
}
