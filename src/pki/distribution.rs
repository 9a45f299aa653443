//! Where revocation lists are, and what part of the certificates each one speaks of (RFC 5280, 4.2.1.13 and 5.2.5).

use crate::pki::general_name::GeneralName;

/// The name of a distribution point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PointName {
    /// Names of the point itself.
    Full(Vec<GeneralName>),
    /// A RelativeDistinguishedName to be put behind the name of the list's issuer, as the DER of its SET.
    Relative(Vec<u8>),
}

/// Why certificates may be revoked, a set: bit 1 keyCompromise … bit 8 aACompromise, as ReasonFlags has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reasons(u16);

impl Reasons {
    /// No reason.
    pub const NONE: Self = Self(0);
    /// All reasons that ReasonFlags can name.
    pub const ALL: Self = Self(0b1_1111_1110);

    /// The set from the octets of the bit string, the first bit being the highest of the first octet. Bits that stand
    /// for no reason are left out.
    pub fn from_bits(octets: &[u8]) -> Self {
        let first = octets.first().copied().unwrap_or(0);
        let second = octets.get(1).copied().unwrap_or(0);
        let bits = u16::from_be_bytes([first, second]).reverse_bits();
        Self(bits & Self::ALL.0)
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
