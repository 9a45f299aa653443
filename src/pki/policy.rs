//! What certificates say of policies (RFC 5280, 4.2.1.4, 4.2.1.5, 4.2.1.11 and 4.2.1.14).

use std::collections::BTreeSet;

use crate::pki::der::{self, Element, NotDer, tag};
use crate::pki::strict;

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

/// Reads certificatePolicies: at least one, none twice. Qualifiers have to be well formed, and say nothing here.
///
/// # Errors
/// [`NotDer`].
pub fn policies(value: &Element<'_>) -> Result<Vec<Oid>, NotDer> {
    let list = at_least_one(value)?;
    let policies = list
        .iter()
        .map(|information| {
            let parts = information.children_of(tag::SEQUENCE)?;
            match parts.as_slice() {
                [policy] => oid(policy),
                [policy, qualifiers] => {
                    at_least_one(qualifiers)?.iter().try_for_each(qualifier)?;
                    oid(policy)
                }
                _ => Err(NotDer),
            }
        })
        .collect::<Result<Vec<Oid>, NotDer>>()?;
    let different: BTreeSet<&Oid> = policies.iter().collect();
    if different.len() == policies.len() {
        Ok(policies)
    } else {
        Err(NotDer)
    }
}

/// Reads policyMappings: at least one. That none is from or to anyPolicy is for the validation of paths to see.
///
/// # Errors
/// [`NotDer`].
pub fn mappings(value: &Element<'_>) -> Result<Vec<PolicyMapping>, NotDer> {
    let list = at_least_one(value)?;
    list.iter()
        .map(
            |mapping| match mapping.children_of(tag::SEQUENCE)?.as_slice() {
                [issuer, subject] => Ok(PolicyMapping {
                    issuer: oid(issuer)?,
                    subject: oid(subject)?,
                }),
                _ => Err(NotDer),
            },
        )
        .collect()
}

/// Reads policyConstraints, of which there has to be one or the other.
///
/// # Errors
/// [`NotDer`].
pub fn constraints(value: &Element<'_>) -> Result<PolicyConstraints, NotDer> {
    const REQUIRE_EXPLICIT: u8 = 0x80;
    const INHIBIT_MAPPING: u8 = 0x81;
    let parts = at_least_one(value)?;
    let (require_explicit, rest) = optional_number(&parts, REQUIRE_EXPLICIT)?;
    let (inhibit_mapping, rest) = optional_number(rest, INHIBIT_MAPPING)?;
    if !rest.is_empty() {
        return Err(NotDer);
    }
    Ok(PolicyConstraints {
        require_explicit,
        inhibit_mapping,
    })
}

/// Reads inhibitAnyPolicy.
///
/// # Errors
/// [`NotDer`].
pub fn inhibit_any_policy(value: &Element<'_>) -> Result<u32, NotDer> {
    if value.tag == tag::INTEGER {
        strict::small_number(value.content)
    } else {
        Err(NotDer)
    }
}

fn at_least_one<'a>(list: &Element<'a>) -> Result<Vec<Element<'a>>, NotDer> {
    let parts = list.children_of(tag::SEQUENCE)?;
    if parts.is_empty() {
        Err(NotDer)
    } else {
        Ok(parts)
    }
}

fn oid(element: &Element<'_>) -> Result<Oid, NotDer> {
    if element.tag == tag::OID {
        Ok(Oid::from_octets(element.content))
    } else {
        Err(NotDer)
    }
}

fn qualifier(qualifier: &Element<'_>) -> Result<(), NotDer> {
    match qualifier.children_of(tag::SEQUENCE)?.as_slice() {
        [kind, _] if kind.tag == tag::OID => Ok(()),
        _ => Err(NotDer),
    }
}

fn optional_number<'a, 'b>(
    parts: &'b [Element<'a>],
    tag: u8,
) -> Result<(Option<u32>, &'b [Element<'a>]), NotDer> {
    match parts {
        [first, rest @ ..] if first.tag == tag => {
            Ok((Some(strict::small_number(first.content)?), rest))
        }
        parts => Ok((None, parts)),
    }
}

#[cfg(test)]
mod tests;
