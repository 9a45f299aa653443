//! Where revocation lists are, and what part of the certificates each one speaks of (RFC 5280, 4.2.1.13 and 5.2.5).

use crate::pki::der::{self, Element, NotDer, tag};
use crate::pki::general_name::{self, GeneralName};

/// The name of a distribution point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointName {
    /// Names of the point itself.
    Full(Vec<GeneralName>),
    /// A RelativeDistinguishedName to be put behind the name of the list's issuer, as the DER of its SET.
    Relative(Vec<u8>),
}

/// Why certificates may be revoked, a set: bit 1 keyCompromise … bit 8 aACompromise, as ReasonFlags has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reasons(u16);

impl Reasons {
    /// No reason.
    pub const NONE: Self = Self(0);
    /// All reasons that ReasonFlags can name.
    pub const ALL: Self = Self(0b1_1111_1110);
    /// The most octets of a bit string that are read.
    const OCTETS_MAX: usize = 8;

    /// The set from the octets of the bit string, the first bit being the highest of the first octet. Bits that stand
    /// for no reason are left out.
    pub fn from_bits(octets: &[u8]) -> Self {
        let first = octets.first().copied().unwrap_or(0);
        let second = octets.get(1).copied().unwrap_or(0);
        let bits = u16::from_be_bytes([first, second]).reverse_bits();
        Self(bits & Self::ALL.0)
    }

    /// The set from the content of a BIT STRING: how many bits are unused, then the bits.
    fn decode(content: &[u8]) -> Result<Self, NotDer> {
        match content {
            [unused @ 0..=7, octets @ ..]
                if octets.len() <= Self::OCTETS_MAX && (*unused == 0 || !octets.is_empty()) =>
            {
                Ok(Self::from_bits(octets))
            }
            _ => Err(NotDer),
        }
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all those of `other` are in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A place where revocation lists of a certificate are (RFC 5280, 4.2.1.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionPoint {
    /// Its name.
    pub name: Option<PointName>,
    /// The reasons that its lists cover; `None` means all.
    pub reasons: Option<Reasons>,
    /// Who issues its lists, where it is not the certificate's issuer: directory names as the DER of each Name.
    pub crl_issuer: Vec<Vec<u8>>,
}

/// What part of the certificates a list speaks of (RFC 5280, 5.2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssuingDistributionPoint {
    /// The name of the distribution point that it is for.
    pub name: Option<PointName>,
    /// It speaks of end entities only.
    pub user_certificates_only: bool,
    /// It speaks of CAs only.
    pub ca_certificates_only: bool,
    /// It speaks of attribute certificates only.
    pub attribute_certificates_only: bool,
    /// The reasons that it covers; `None` means all.
    pub reasons: Option<Reasons>,
    /// It may speak of certificates of other issuers.
    pub indirect: bool,
}

impl PointName {
    /// Reads a DistributionPointName.
    fn decode(element: &Element<'_>) -> Result<Self, NotDer> {
        match element.tag {
            tag::CONTEXT_0 => Ok(Self::Full(general_names(element.content)?)),
            tag::CONTEXT_1 => {
                let attributes = der::elements(element.content)?;
                let is_attribute = |part: &Element<'_>| part.tag == tag::SEQUENCE;
                if attributes.is_empty() || !attributes.iter().all(is_attribute) {
                    return Err(NotDer);
                }
                Ok(Self::Relative(der::encode(tag::SET, &[element.content])))
            }
            _ => Err(NotDer),
        }
    }
}

impl DistributionPoint {
    /// Reads CRLDistributionPoints.
    ///
    /// # Errors
    /// [`NotDer`] where it is another structure, empty, or has a point with neither a name nor an issuer.
    pub fn list(extension_value: &[u8]) -> Result<Vec<Self>, NotDer> {
        let points = der::single(extension_value)?.children_of(tag::SEQUENCE)?;
        if points.is_empty() {
            return Err(NotDer);
        }
        points.iter().map(Self::decode).collect()
    }

    fn decode(element: &Element<'_>) -> Result<Self, NotDer> {
        let parts = element.children_of(tag::SEQUENCE)?;
        in_order(&parts)?;
        let mut point = Self {
            name: None,
            reasons: None,
            crl_issuer: Vec::new(),
        };
        for part in &parts {
            match part.tag {
                tag::CONTEXT_0 => {
                    point.name = Some(PointName::decode(&der::single(part.content)?)?)
                }
                REASONS => point.reasons = Some(Reasons::decode(part.content)?),
                CRL_ISSUER => point.crl_issuer = directory_names(part.content)?,
                _ => return Err(NotDer),
            }
        }
        if point.name.is_none() && point.crl_issuer.is_empty() {
            return Err(NotDer);
        }
        Ok(point)
    }
}

impl IssuingDistributionPoint {
    /// Reads IssuingDistributionPoint.
    ///
    /// # Errors
    /// [`NotDer`] where it is another structure, says nothing at all, or limits itself to several kinds of
    /// certificates at once (RFC 5280, 5.2.5 forbids both).
    pub fn decode(extension_value: &[u8]) -> Result<Self, NotDer> {
        let parts = der::single(extension_value)?.children_of(tag::SEQUENCE)?;
        in_order(&parts)?;
        let mut point = Self::default();
        for part in &parts {
            match part.tag {
                tag::CONTEXT_0 => {
                    point.name = Some(PointName::decode(&der::single(part.content)?)?)
                }
                USER_CERTIFICATES_ONLY => point.user_certificates_only = boolean(part.content)?,
                CA_CERTIFICATES_ONLY => point.ca_certificates_only = boolean(part.content)?,
                SOME_REASONS_ONLY => point.reasons = Some(Reasons::decode(part.content)?),
                INDIRECT => point.indirect = boolean(part.content)?,
                ATTRIBUTE_CERTIFICATES_ONLY => {
                    point.attribute_certificates_only = boolean(part.content)?;
                }
                _ => return Err(NotDer),
            }
        }
        let only = [
            point.user_certificates_only,
            point.ca_certificates_only,
            point.attribute_certificates_only,
        ];
        if point == Self::default() || only.into_iter().filter(|only| *only).count() > 1 {
            return Err(NotDer);
        }
        Ok(point)
    }
}

/// Of a distribution point.
const REASONS: u8 = 0x81;
const CRL_ISSUER: u8 = 0xa2;
/// Of an issuing distribution point.
const USER_CERTIFICATES_ONLY: u8 = 0x81;
const CA_CERTIFICATES_ONLY: u8 = 0x82;
const SOME_REASONS_ONLY: u8 = 0x83;
const INDIRECT: u8 = 0x84;
const ATTRIBUTE_CERTIFICATES_ONLY: u8 = 0x85;

/// Whether the numbers of the tags ascend, so that each part is there once at most.
fn in_order(parts: &[Element<'_>]) -> Result<(), NotDer> {
    let numbers = parts.iter().map(|part| part.tag & 0x1f);
    if numbers.is_sorted_by(|a, b| a < b) {
        Ok(())
    } else {
        Err(NotDer)
    }
}

/// DER leaves out what is FALSE; writers that say it all the same mean it.
fn boolean(content: &[u8]) -> Result<bool, NotDer> {
    match content {
        [0xff] => Ok(true),
        [0x00] => Ok(false),
        _ => Err(NotDer),
    }
}

fn general_names(content: &[u8]) -> Result<Vec<GeneralName>, NotDer> {
    let names = der::elements(content)?;
    if names.is_empty() {
        return Err(NotDer);
    }
    names.iter().map(general_name::decode).collect()
}

/// The directory names among the general names, of which there has to be one.
fn directory_names(content: &[u8]) -> Result<Vec<Vec<u8>>, NotDer> {
    let names: Vec<Vec<u8>> = general_names(content)?
        .into_iter()
        .filter_map(|name| match name {
            GeneralName::Directory(name) => Some(name),
            GeneralName::Email(_)
            | GeneralName::Dns(_)
            | GeneralName::Uri(_)
            | GeneralName::Ip(_)
            | GeneralName::Other(..) => None,
        })
        .collect();
    if names.is_empty() {
        return Err(NotDer);
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
