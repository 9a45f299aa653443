//! Alternative names and name constraints as text (RFC 5280, 4.2.1.6 and 4.2.1.10).

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::pki::der::{self, Element, NotDer, tag};
use crate::pki::name;
use crate::pki::printable::{Bounded, item_into};
use crate::pki::strict;

/// The most names of one list that are told; a last item says how many more there are.
pub const NAMES_MAX: usize = 100;

/// A name as RFC 5280, 4.2.1.6 has it; in a name constraint, the base of a subtree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GeneralName {
    /// rfc822Name.
    Email(String),
    /// dNSName.
    Dns(String),
    /// uniformResourceIdentifier.
    Uri(String),
    /// iPAddress: 4 or 16 octets; in a name constraint twice as many, address and mask.
    Ip(Vec<u8>),
    /// directoryName, as the DER of the Name.
    Directory(Vec<u8>),
    /// Of another kind: the number of its tag in GeneralName (0 otherName, 3 x400Address, 5 ediPartyName,
    /// 8 registeredID) and its content octets.
    Other(u8, Vec<u8>),
}

impl GeneralName {
    /// As [`text`] writes it.
    pub fn describe(&self) -> String {
        self.written(text)
    }

    /// The base of a subtree, as [`constraint_text`] writes it.
    pub fn describe_base(&self) -> String {
        self.written(constraint_text)
    }

    fn written(&self, write: fn(&Element<'_>) -> String) -> String {
        let (tag, content) = match self {
            Self::Email(text) => (0x81, text.as_bytes()),
            Self::Dns(text) => (0x82, text.as_bytes()),
            Self::Uri(text) => (0x86, text.as_bytes()),
            Self::Ip(octets) => (0x87, octets.as_slice()),
            Self::Directory(name) => (0xa4, name.as_slice()),
            Self::Other(8, content) => (0x88, content.as_slice()),
            Self::Other(kind, content) => (0xa0 | kind, content.as_slice()),
        };
        write(&Element {
            tag,
            content,
            whole: content,
        })
    }
}

/// Reads one name.
///
/// # Errors
/// [`NotDer`] where it is not in the form of its kind: characters beyond ASCII in an IA5String, an address of another
/// length than 4 or 16 octets, a directory name that is none.
pub fn decode(element: &Element<'_>) -> Result<GeneralName, NotDer> {
    decode_with(element, |octets| matches!(octets.len(), 4 | 16))
}

/// Reads the base of a subtree; as [`decode`], with a network in place of an address: address and mask, whose ones
/// stand all before its zeros.
///
/// # Errors
/// [`NotDer`].
pub fn decode_base(element: &Element<'_>) -> Result<GeneralName, NotDer> {
    decode_with(element, |octets| {
        matches!(octets.len(), 8 | 32)
            && octets
                .split_at_checked(octets.len() / 2)
                .is_some_and(|(_, mask)| is_contiguous(mask))
    })
}

/// Reads GeneralNames, at least one.
///
/// # Errors
/// [`NotDer`] where one of them is not in its form, or there is none.
pub fn decode_list(names: &[Element<'_>]) -> Result<Vec<GeneralName>, NotDer> {
    if names.is_empty() {
        return Err(NotDer);
    }
    names.iter().map(decode).collect()
}

/// The names as text, at most [`NAMES_MAX`], and then `… and N more`.
pub fn list(names: &[Element<'_>], write: fn(&Element<'_>) -> String) -> Vec<String> {
    let mut texts: Vec<String> = names.iter().take(NAMES_MAX).map(write).collect();
    let more = names.len().saturating_sub(NAMES_MAX);
    if more > 0 {
        texts.push(format!("… and {more} more"));
    }
    texts
}

/// One alternative name: `DNS:a.example`, `IP:10.0.0.1`, `URI:…`, `email:…`, `dirName:…`, `RID:…`, `otherName:…`.
///
/// Texts are escaped by [`crate::pki::printable::item`]; what cannot be decoded is `#` and hexadecimal digits.
pub fn text(name: &Element<'_>) -> String {
    labelled(name, address)
}

/// One subtree of a name constraint; as [`text`], with networks in place of addresses: `IP:10.0.0.0/8`.
pub fn constraint_text(name: &Element<'_>) -> String {
    labelled(name, network)
}

fn decode_with(element: &Element<'_>, is_ip: fn(&[u8]) -> bool) -> Result<GeneralName, NotDer> {
    let content = element.content;
    let kind = element.tag & 0x1f;
    match element.tag {
        0x81 => ascii(content).map(GeneralName::Email),
        0x82 => ascii(content).map(GeneralName::Dns),
        0x86 => ascii(content).map(GeneralName::Uri),
        0x87 if is_ip(content) => Ok(GeneralName::Ip(content.to_vec())),
        0xa4 if name::is_name(content) => Ok(GeneralName::Directory(content.to_vec())),
        0xa0 => match der::elements(content)?.as_slice() {
            [id, value] if (id.tag, value.tag) == (tag::OID, tag::CONTEXT_0) => {
                strict::element(id.whole)?;
                strict::element(value.content)?;
                Ok(GeneralName::Other(kind, content.to_vec()))
            }
            _ => Err(NotDer),
        },
        0xa3 | 0xa5 => {
            strict::element(element.whole)?;
            Ok(GeneralName::Other(kind, content.to_vec()))
        }
        0x88 => {
            strict::element(&der::encode(tag::OID, &[content]))?;
            Ok(GeneralName::Other(kind, content.to_vec()))
        }
        _ => Err(NotDer),
    }
}

fn ascii(octets: &[u8]) -> Result<String, NotDer> {
    match std::str::from_utf8(octets) {
        Ok(text) if text.is_ascii() => Ok(text.to_owned()),
        Ok(_) | Err(_) => Err(NotDer),
    }
}

fn labelled(name: &Element<'_>, ip: fn(&[u8]) -> Option<String>) -> String {
    let mut out = Bounded::default();
    match name.tag {
        0xa0 => other_name(name, &mut out),
        0x81 => characters("email:", name, &mut out),
        0x82 => characters("DNS:", name, &mut out),
        0xa3 => undecoded("x400Address:", name, &mut out),
        0xa4 => {
            out.push("dirName:");
            out.push(&name::text(name.content));
        }
        0xa5 => undecoded("ediPartyName:", name, &mut out),
        0x86 => characters("URI:", name, &mut out),
        0x87 => match ip(name.content) {
            Some(ip) => out.push(&format!("IP:{ip}")),
            None => undecoded("IP:", name, &mut out),
        },
        0x88 => match der::oid_text(name.content) {
            Some(dotted) => out.push(&format!("RID:{dotted}")),
            None => undecoded("RID:", name, &mut out),
        },
        _ => undecoded("unknown:", name, &mut out),
    }
    out.into_text()
}

fn characters(label: &str, name: &Element<'_>, out: &mut Bounded) {
    match std::str::from_utf8(name.content) {
        Ok(text) => {
            out.push(label);
            item_into(text, out);
        }
        Err(_) => undecoded(label, name, out),
    }
}

fn undecoded(label: &str, name: &Element<'_>, out: &mut Bounded) {
    out.push(label);
    out.push("#");
    out.push_hex(name.content);
}

/// `otherName:OID=text` where the value is a string, as it is in Microsoft's user principal names.
fn other_name(name: &Element<'_>, out: &mut Bounded) {
    let parts = der::elements(name.content).unwrap_or_default();
    let (Some(kind), Some(value)) = (parts.first(), parts.get(1)) else {
        return undecoded("otherName:", name, out);
    };
    let Some(dotted) = der::oid_text(kind.content).filter(|_| kind.tag == tag::OID) else {
        return undecoded("otherName:", name, out);
    };
    out.push(&format!("otherName:{dotted}="));
    match der::single(value.content)
        .ok()
        .and_then(|inner| name::string(&inner))
    {
        Some(text) => item_into(&text, out),
        None => {
            out.push("#");
            out.push_hex(value.content);
        }
    }
}

fn address(octets: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Some(Ipv4Addr::from(v4).to_string());
    }
    <[u8; 16]>::try_from(octets)
        .ok()
        .map(|v6| Ipv6Addr::from(v6).to_string())
}

fn network(octets: &[u8]) -> Option<String> {
    let (base, mask) = octets.split_at_checked(octets.len() / 2)?;
    let bits = mask.iter().map(|octet| octet.leading_ones()).sum::<u32>();
    let base = address(base).filter(|_| base.len() == mask.len())?;
    if is_contiguous(mask) {
        Some(format!("{base}/{bits}"))
    } else {
        Some(format!("{base}/{}", address(mask)?))
    }
}

/// Whether all ones of a mask stand before all its zeros.
fn is_contiguous(mask: &[u8]) -> bool {
    let ones = mask.iter().take_while(|octet| **octet == 0xff).count();
    let mut rest = mask.iter().skip(ones);
    rest.next()
        .is_none_or(|octet| octet.leading_ones() == octet.count_ones())
        && rest.all(|octet| *octet == 0)
}

#[cfg(test)]
mod tests;
