//! What certificates say of policies (RFC 5280, 4.2.1.4, 4.2.1.5, 4.2.1.11 and 4.2.1.14).

use crate::pki::der;

/// An object identifier, as the octets of its DER value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(Vec<u8>);

impl Oid {
    /// anyPolicy, 2.5.29.32.0.
    pub const ANY_POLICY: &'static [u8] = &[0x55, 0x1d, 0x20, 0x00];

    /// The identifier with these octets.
    pub fn from_octets(octets: &[u8]) -> Self {
        Self(octets.to_vec())
    }

    /// Its octets.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is anyPolicy.
    pub fn is_any_policy(&self) -> bool {
        self.0 == Self::ANY_POLICY
    }
}

impl std::fmt::Display for Oid {
    /// Dotted, else `#` and hexadecimal digits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match der::oid_text(&self.0) {
            Some(dotted) => f.write_str(&dotted),
            None => write!(f, "#{}", der::hex(self.0.get(..64).unwrap_or(&self.0))),
        }
    }
}

/// One policy of the issuer's that is equivalent to one of the subject's (RFC 5280, 4.2.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyMapping {
    /// issuerDomainPolicy.
    pub issuer: Oid,
    /// subjectDomainPolicy.
    pub subject: Oid,
}

/// Policy constraints (RFC 5280, 4.2.1.11): after how many more certificates something holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyConstraints {
    /// requireExplicitPolicy.
    pub require_explicit: Option<u32>,
    /// inhibitPolicyMapping.
    pub inhibit_mapping: Option<u32>,
}
