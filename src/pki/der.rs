//! A small reader and writer for DER (X.690), for what the certificate library does not decode or decodes too kindly.

/// ASN.1 tags, as the identifier octet that DER writes.
pub mod tag {
    /// BOOLEAN.
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING.
    pub const OCTET_STRING: u8 = 0x04;
    /// OBJECT IDENTIFIER.
    pub const OID: u8 = 0x06;
    /// UTF8String.
    pub const UTF8_STRING: u8 = 0x0c;
    /// UTCTime.
    pub const UTC_TIME: u8 = 0x17;
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// SEQUENCE.
    pub const SEQUENCE: u8 = 0x30;
    /// SET.
    pub const SET: u8 = 0x31;
    /// `[0]`, constructed.
    pub const CONTEXT_0: u8 = 0xa0;
    /// `[1]`, constructed.
    pub const CONTEXT_1: u8 = 0xa1;
}

/// One value with its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// The identifier octet.
    pub tag: u8,
    /// The value's octets.
    pub content: &'a [u8],
    /// Tag, length and value.
    pub whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements inside, where this element has the given tag.
    ///
    /// # Errors
    /// [`NotDer`] where the tag is another or the content is not a row of elements.
    pub fn children_of(&self, tag: u8) -> Result<Vec<Self>, NotDer> {
        if self.tag == tag {
            elements(self.content)
        } else {
            Err(NotDer)
        }
    }
}

/// Octets that are not the DER that was expected there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not valid DER: the file is damaged, export it again")]
pub struct NotDer;

/// Reads one element that fills `input` completely.
///
/// # Errors
/// [`NotDer`] where it does not, or where tag or length are not in DER's one form.
pub fn single(input: &[u8]) -> Result<Element<'_>, NotDer> {
    let (element, rest) = first(input)?;
    if rest.is_empty() {
        Ok(element)
    } else {
        Err(NotDer)
    }
}

/// Reads the first element, and gives what follows it. Tags above 30 are not read.
///
/// # Errors
/// [`NotDer`] where there is none.
pub fn first(input: &[u8]) -> Result<(Element<'_>, &[u8]), NotDer> {
    let [tag, length, rest @ ..] = input else {
        return Err(NotDer);
    };
    if tag & 0x1f == 0x1f {
        return Err(NotDer);
    }
    let (length, rest) = match length {
        short @ 0..=0x7f => (usize::from(*short), rest),
        long @ 0x81..=0x84 => {
            let (octets, rest) = rest
                .split_at_checked(usize::from(long & 0x7f))
                .ok_or(NotDer)?;
            let length = octets
                .iter()
                .fold(0_u32, |length, octet| length << 8 | u32::from(*octet));
            let shortest = length > 0x7f && octets.first() != Some(&0);
            (
                if shortest {
                    usize::try_from(length).map_err(|_| NotDer)?
                } else {
                    return Err(NotDer);
                },
                rest,
            )
        }
        _ => return Err(NotDer),
    };
    let (content, rest) = rest.split_at_checked(length).ok_or(NotDer)?;
    let whole = input
        .get(..input.len().saturating_sub(rest.len()))
        .ok_or(NotDer)?;
    Ok((
        Element {
            tag: *tag,
            content,
            whole,
        },
        rest,
    ))
}

/// The octets of a BIT STRING that has no unused bits.
///
/// # Errors
/// [`NotDer`] where it is none.
pub fn whole_octets<'a>(element: &Element<'a>) -> Result<&'a [u8], NotDer> {
    match element.content {
        [0, octets @ ..] if element.tag == tag::BIT_STRING => Ok(octets),
        _ => Err(NotDer),
    }
}

/// Reads a row of elements that fills `input` completely.
///
/// # Errors
/// [`NotDer`] where it does not.
pub fn elements(input: &[u8]) -> Result<Vec<Element<'_>>, NotDer> {
    let mut found = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let (element, after) = first(rest)?;
        found.push(element);
        rest = after;
    }
    Ok(found)
}

/// Writes one element whose content is the `parts`, one after the other.
pub fn encode(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length.saturating_add(10));
    out.push(tag);
    match u8::try_from(length) {
        Ok(short @ 0..=0x7f) => out.push(short),
        _ => {
            let octets: Vec<u8> = length
                .to_be_bytes()
                .into_iter()
                .skip_while(|octet| *octet == 0)
                .collect();
            out.push(0x80 | u8::try_from(octets.len()).unwrap_or(0x7f));
            out.extend(octets);
        }
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// An object identifier's dotted text, from its content octets; `None` where they are not one or it is absurdly long.
pub fn oid_text(content: &[u8]) -> Option<String> {
    if content.is_empty()
        || content.len() > 64
        || content.last().is_some_and(|last| last & 0x80 != 0)
    {
        return None;
    }
    let mut arcs: Vec<u128> = Vec::new();
    let mut arc: u128 = 0;
    for octet in content {
        arc = arc
            .checked_mul(128)?
            .checked_add(u128::from(octet & 0x7f))?;
        if octet & 0x80 == 0 {
            match (arcs.is_empty(), arc) {
                (true, 0..=79) => arcs.extend([arc / 40, arc % 40]),
                (true, _) => arcs.extend([2, arc.saturating_sub(80)]),
                (false, _) => arcs.push(arc),
            }
            arc = 0;
        }
    }
    let texts: Vec<String> = arcs.iter().map(u128::to_string).collect();
    Some(texts.join("."))
}

/// The content octets of an object identifier that is written dotted; `None` where the text is none.
pub fn oid_content(dotted: &str) -> Option<Vec<u8>> {
    let arcs = dotted.split('.').map(|arc| {
        let is_canonical = arc == "0" || !arc.starts_with(['0', '+']);
        arc.parse::<u128>().ok().filter(|_| is_canonical)
    });
    let arcs = arcs.collect::<Option<Vec<u128>>>()?;
    let [first @ 0..=2, second, rest @ ..] = arcs.as_slice() else {
        return None;
    };
    if *first < 2 && *second > 39 {
        return None;
    }
    let joined = first.checked_mul(40)?.checked_add(*second)?;
    let mut out = Vec::new();
    for arc in std::iter::once(&joined).chain(rest) {
        push_base_128(*arc, &mut out);
    }
    // Longer ones than these cannot be read either.
    (oid_text(&out)? == dotted).then_some(out)
}

/// Seven bits an octet, the most significant first; all but the last one marked.
fn push_base_128(mut arc: u128, out: &mut Vec<u8>) {
    let mut octets = vec![arc.to_le_bytes()[0] & 0x7f];
    loop {
        arc >>= 7;
        if arc == 0 {
            break;
        }
        octets.push(arc.to_le_bytes()[0] | 0x80);
    }
    out.extend(octets.iter().rev());
}

/// Octets from hexadecimal digits of either case, two for each; `None` where the text is anything else.
pub fn unhex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let digit = |octet: u8| char::from(octet).to_digit(16);
    let octet = |[high, low]: &[u8; 2]| {
        let octet = digit(*high)?.checked_mul(16)?.checked_add(digit(*low)?)?;
        u8::try_from(octet).ok()
    };
    pairs.iter().map(octet).collect()
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(
        String::with_capacity(bytes.len().saturating_mul(2)),
        |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; length];
            let written = encode(tag::OCTET_STRING, &[&content]);
            let read = single(&written).unwrap();
            assert_eq!(
                (read.tag, read.content, read.whole),
                (tag::OCTET_STRING, &*content, &*written)
            );
        }
    }

    #[test]
    fn refuses_what_is_not_der() {
        let cases: [&[u8]; 9] = [
            b"",
            b"\x30",
            b"\x30\x01",
            b"\x30\x80\x00\x00",
            b"\x30\x81\x01\x00",
            b"\x30\x82\x00\x81",
            b"\x30\x85\x00\x00\x00\x00\x01\x00",
            b"\x1f\x01\x00",
            b"\x30\x00\x00",
        ];
        for case in cases {
            assert_eq!(single(case), Err(NotDer), "{case:?}");
        }
    }

    #[test]
    fn writes_object_identifiers() {
        assert_eq!(oid_text(&[0x55, 4, 3]).as_deref(), Some("2.5.4.3"));
        assert_eq!(
            oid_text(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1]).as_deref(),
            Some("1.2.840.113549.1.9.1")
        );
        assert_eq!(oid_text(&[0x88, 0x37, 3]).as_deref(), Some("2.999.3"));
        assert_eq!(oid_text(&[]), None);
        assert_eq!(oid_text(&[0x55, 0x84]), None);
        assert_eq!(oid_text(&[0xff; 30]), None);
    }

    #[test]
    fn reads_object_identifiers_that_it_writes() {
        for dotted in [
            "2.5.4.3",
            "1.2.840.113549.1.9.1",
            "2.999.3",
            "0.0",
            "1.39.127.128",
        ] {
            let content = oid_content(dotted).unwrap();
            assert_eq!(oid_text(&content).as_deref(), Some(dotted));
        }
        for wrong in [
            "", "1", "3.1", "1.40", "1.2.", "1..2", "1.02", "1.+2", "CN", "1.2.x",
        ] {
            assert_eq!(oid_content(wrong), None, "{wrong}");
        }
        let long = format!("1.2{}", ".99999999".repeat(60));
        assert_eq!(oid_content(&long), None);
    }

    #[test]
    fn reads_hexadecimal_digits_of_either_case() {
        assert_eq!(unhex("00aBfF"), Some(vec![0, 0xab, 0xff]));
        assert_eq!(unhex(""), Some(Vec::new()));
        for wrong in ["0", "0g", "+1", " 1", "é"] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }
}
