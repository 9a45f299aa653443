//! The structure of revocation lists (RFC 5280, 5.1), read strictly and without copying.

use crate::clock::Moment;
use crate::pki::certificate::SERIAL_BYTES_MAX;
use crate::pki::der::{self, Element, NotDer, tag};
use crate::pki::moment;

/// The most extensions of a list, and of one entry.
pub const EXTENSIONS_MAX: usize = 32;
/// The longest value of an extension of a list, and the longest issuer, in bytes.
pub const PART_BYTES_MAX: usize = 64 * 1024;

/// CertificateList (RFC 5280, 5.1.1).
#[derive(Debug)]
pub struct Parts<'a> {
    /// What is signed.
    pub message: Element<'a>,
    /// How it is signed.
    pub algorithm: Element<'a>,
    /// The octets of the signature.
    pub signature: &'a [u8],
    /// How many bytes follow the message.
    pub behind_message: usize,
}

impl<'a> Parts<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// [`NotDer`] where it is another structure.
    pub fn read(list: &'a [u8]) -> Result<Self, NotDer> {
        let parts = der::single(list)?.children_of(tag::SEQUENCE)?;
        let [message, algorithm, signature] = parts.as_slice() else {
            return Err(NotDer);
        };
        let ([0, octets @ ..], tag::SEQUENCE, tag::SEQUENCE, tag::BIT_STRING) =
            (signature.content, message.tag, algorithm.tag, signature.tag)
        else {
            return Err(NotDer);
        };
        let behind_message = algorithm.whole.len().saturating_add(signature.whole.len());
        Ok(Self {
            message: *message,
            algorithm: *algorithm,
            signature: octets,
            behind_message,
        })
    }
}

/// TBSCertList (RFC 5280, 5.1.2).
#[derive(Debug)]
pub struct Body<'a> {
    /// Whether it may have extensions.
    pub is_version_2: bool,
    /// How it is signed.
    pub algorithm: Element<'a>,
    /// The DER of the issuer's Name.
    pub issuer: &'a [u8],
    /// When it was issued.
    pub this_update: Moment,
    /// When the next one is to be expected.
    pub next_update: Option<Moment>,
    /// The row of entries.
    pub entries: &'a [u8],
    /// What follows the entries.
    pub behind_entries: &'a [u8],
    /// The row of extensions.
    pub extensions: &'a [u8],
}

impl<'a> Body<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// [`NotDer`] where it is another structure.
    pub fn read(content: &'a [u8]) -> Result<Self, NotDer> {
        let mut rest = content;
        let is_version_2 = match take_if(&mut rest, &[tag::INTEGER]) {
            Some(version) if version.content == [1] => true,
            Some(_) => return Err(NotDer),
            None => false,
        };
        let algorithm = take_if(&mut rest, &[tag::SEQUENCE]).ok_or(NotDer)?;
        let issuer = take_if(&mut rest, &[tag::SEQUENCE]).ok_or(NotDer)?;
        if issuer.content.is_empty() || issuer.whole.len() > PART_BYTES_MAX {
            return Err(NotDer);
        }
        let time = [tag::UTC_TIME, tag::GENERALIZED_TIME];
        let this_update = take_if(&mut rest, &time).ok_or(NotDer)?;
        let next_update = take_if(&mut rest, &time);
        // Some writers leave an empty row of entries, which RFC 5280, 5.1.2.6 forbids and which says nothing.
        let entries = take_if(&mut rest, &[tag::SEQUENCE]);
        let behind_entries = rest;
        let extensions = match take_if(&mut rest, &[tag::CONTEXT_0]) {
            Some(wrapped) if is_version_2 => {
                let row = der::single(wrapped.content)?;
                if row.tag != tag::SEQUENCE || row.content.is_empty() {
                    return Err(NotDer);
                }
                row.content
            }
            Some(_) => return Err(NotDer),
            None => &[],
        };
        if !rest.is_empty() {
            return Err(NotDer);
        }
        Ok(Self {
            is_version_2,
            algorithm,
            issuer: issuer.whole,
            this_update: moment::decode(&this_update)?,
            next_update: next_update.map(|time| moment::decode(&time)).transpose()?,
            entries: entries.map_or(&[], |entries| entries.content),
            behind_entries,
            extensions,
        })
    }
}

/// An entry as it stands there.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Content octets of the serial number.
    pub raw_serial: &'a [u8],
    /// When it was revoked.
    pub revoked_at: Moment,
    /// reasonCode.
    pub reason: Option<u8>,
    /// certificateIssuer, as the DER of the Name.
    pub issuer: Option<&'a [u8]>,
    /// Whether it has extensions.
    pub has_extensions: bool,
    /// The first critical extension that is not understood.
    pub unknown_critical: Option<&'a [u8]>,
}

impl<'a> Entry<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// [`NotDer`] where it is another structure.
    pub fn read(element: &Element<'a>) -> Result<Self, NotDer> {
        if element.tag != tag::SEQUENCE {
            return Err(NotDer);
        }
        let (serial, rest) = der::first(element.content)?;
        let (revoked_at, mut rest) = der::first(rest)?;
        if serial.tag != tag::INTEGER || !is_serial(serial.content) {
            return Err(NotDer);
        }
        let row = take_if(&mut rest, &[tag::SEQUENCE]);
        if !rest.is_empty() || row.is_some_and(|row| row.content.is_empty()) {
            return Err(NotDer);
        }
        let mut entry = Self {
            raw_serial: serial.content,
            revoked_at: moment::decode(&revoked_at)?,
            reason: None,
            issuer: None,
            has_extensions: row.is_some(),
            unknown_critical: None,
        };
        let row = row.map_or(&[][..], |row| row.content);
        for extension in extensions(row).map_err(|_| NotDer)? {
            match extension.id {
                REASON_CODE => entry.reason = Some(reason(extension.value)?),
                CERTIFICATE_ISSUER => entry.issuer = Some(issuer(extension.value)?),
                INVALIDITY_DATE => {}
                other if extension.critical => {
                    entry.unknown_critical.get_or_insert(other);
                }
                _ => {}
            }
        }
        Ok(entry)
    }
}

/// issuerAltName, as the content octets of its OID.
pub const ISSUER_ALT_NAME: &[u8] = &[0x55, 0x1d, 18];
/// cRLNumber, as the content octets of its OID.
pub const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 20];
const REASON_CODE: &[u8] = &[0x55, 0x1d, 21];
const INVALIDITY_DATE: &[u8] = &[0x55, 0x1d, 24];
/// deltaCRLIndicator, as the content octets of its OID.
pub const DELTA_CRL_INDICATOR: &[u8] = &[0x55, 0x1d, 27];
/// issuingDistributionPoint, as the content octets of its OID.
pub const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 28];
const CERTIFICATE_ISSUER: &[u8] = &[0x55, 0x1d, 29];
/// authorityKeyIdentifier, as the content octets of its OID.
pub const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 35];
/// freshestCRL, as the content octets of its OID.
pub const FRESHEST_CRL: &[u8] = &[0x55, 0x1d, 46];

/// An extension of a list or an entry.
#[derive(Debug)]
pub struct Extension<'a> {
    /// Content octets of its OID.
    pub id: &'a [u8],
    /// Whether it has to be understood.
    pub critical: bool,
    /// What it holds.
    pub value: &'a [u8],
}

/// A row of extensions that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidRow {
    /// It is not in its form, or longer than [`EXTENSIONS_MAX`].
    NotDer,
    /// An extension occurs twice.
    Duplicate {
        /// Which one, dotted.
        oid: String,
    },
}

/// The extensions of a list or an entry, each there once.
///
/// # Errors
/// [`InvalidRow`].
pub fn extensions(row: &[u8]) -> Result<Vec<Extension<'_>>, InvalidRow> {
    let mut found: Vec<Extension<'_>> = Vec::new();
    let mut rest = row;
    while !rest.is_empty() {
        let (element, after) = der::first(rest).map_err(|NotDer| InvalidRow::NotDer)?;
        rest = after;
        let extension = extension(&element).map_err(|NotDer| InvalidRow::NotDer)?;
        if found.iter().any(|other| other.id == extension.id) {
            let oid = dotted(extension.id);
            return Err(InvalidRow::Duplicate { oid });
        }
        if found.len() >= EXTENSIONS_MAX {
            return Err(InvalidRow::NotDer);
        }
        found.push(extension);
    }
    Ok(found)
}

fn extension<'a>(element: &Element<'a>) -> Result<Extension<'a>, NotDer> {
    let parts = element.children_of(tag::SEQUENCE)?;
    let (id, critical, value) = match parts.as_slice() {
        [id, value] => (id, false, value),
        [id, critical, value] if critical.tag == tag::BOOLEAN => match critical.content {
            [0xff] => (id, true, value),
            // DER leaves out what is FALSE; writers that say it all the same mean it.
            [0x00] => (id, false, value),
            _ => return Err(NotDer),
        },
        _ => return Err(NotDer),
    };
    if id.tag != tag::OID || id.content.is_empty() || value.tag != tag::OCTET_STRING {
        return Err(NotDer);
    }
    Ok(Extension {
        id: id.content,
        critical,
        value: value.content,
    })
}

/// Takes the next element where it has one of these tags.
fn take_if<'a>(rest: &mut &'a [u8], tags: &[u8]) -> Option<Element<'a>> {
    let (element, after) = der::first(rest).ok()?;
    if !tags.contains(&element.tag) {
        return None;
    }
    *rest = after;
    Some(element)
}

/// Whether these are the content octets of an INTEGER in its shortest form, of a bounded length.
fn is_serial(content: &[u8]) -> bool {
    let padded = matches!(content, [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..]);
    (1..=SERIAL_BYTES_MAX).contains(&content.len()) && !padded
}

/// An INTEGER that is not negative, big-endian without leading zeros.
///
/// # Errors
/// [`NotDer`] where it is none, or a very long one.
pub fn natural_number(value: &[u8]) -> Result<Vec<u8>, NotDer> {
    let integer = der::single(value)?;
    match integer.content {
        [0x80..=0xff, ..] => Err(NotDer),
        content if integer.tag != tag::INTEGER || !is_serial(content) => Err(NotDer),
        [0, digits @ ..] | digits => Ok(digits.to_vec()),
    }
}

fn reason(value: &[u8]) -> Result<u8, NotDer> {
    const ENUMERATED: u8 = 0x0a;
    let element = der::single(value)?;
    match element.content {
        [reason @ (0..=6 | 8..=10)] if element.tag == ENUMERATED => Ok(*reason),
        _ => Err(NotDer),
    }
}

/// The one directory name of a certificateIssuer.
fn issuer(value: &[u8]) -> Result<&[u8], NotDer> {
    const DIRECTORY_NAME: u8 = 0xa4;
    let names = der::single(value)?.children_of(tag::SEQUENCE)?;
    let mut directory = names.iter().filter(|name| name.tag == DIRECTORY_NAME);
    match (directory.next(), directory.next()) {
        (Some(name), None) => {
            let name = der::single(name.content)?;
            if name.tag != tag::SEQUENCE || name.whole.len() > PART_BYTES_MAX {
                return Err(NotDer);
            }
            Ok(name.whole)
        }
        _ => Err(NotDer),
    }
}

/// An object identifier as text, whatever its octets.
pub fn dotted(id: &[u8]) -> String {
    der::oid_text(id).unwrap_or_else(|| format!("#{}", der::hex(id.get(..64).unwrap_or(id))))
}
