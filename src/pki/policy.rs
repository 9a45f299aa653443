//! What certificates say of policies (RFC 5280, 4.2.1.4, 4.2.1.5, 4.2.1.11 and 4.2.1.14).

use std::collections::BTreeSet;

use crate::pki::der::{self, Element, NotDer, tag};
use crate::pki::name;
use crate::pki::strict;

const IA5_STRING: u8 = 0x16;

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

/// What certificatePolicies says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    /// The policies.
    pub ids: Vec<Oid>,
    /// Whether all qualifiers are among the two that RFC 5280 defines, and in its form.
    pub understood: bool,
}

/// Reads certificatePolicies: at least one, none twice. Qualifiers have to be pairs of an identifier and a value, and
/// say nothing here; anyPolicy may have the two that RFC 5280 defines only.
///
/// # Errors
/// [`NotDer`].
pub fn policies(value: &Element<'_>) -> Result<Policies, NotDer> {
    let mut understood = true;
    let mut ids = Vec::new();
    for information in at_least_one(value)? {
        let parts = information.children_of(tag::SEQUENCE)?;
        let (id, qualifiers) = match parts.as_slice() {
            [id] => (oid(id)?, Vec::new()),
            [id, qualifiers] => (oid(id)?, at_least_one(qualifiers)?),
            _ => return Err(NotDer),
        };
        for qualifier in &qualifiers {
            let qualifier = Qualifier::read(qualifier)?;
            if id.is_any_policy() && qualifier == Qualifier::Other {
                return Err(NotDer);
            }
            understood &= qualifier == Qualifier::Understood;
        }
        ids.push(id);
    }
    let different: BTreeSet<&Oid> = ids.iter().collect();
    if different.len() == ids.len() {
        Ok(Policies { ids, understood })
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

/// A policy qualifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Qualifier {
    /// One of the two that RFC 5280 defines.
    Understood,
    /// One of the two, with a value in another form.
    Malformed,
    /// Any other.
    Other,
}

impl Qualifier {
    /// The pointer to a practice statement, 1.3.6.1.5.5.7.2.1.
    const PRACTICE_STATEMENT: &'static [u8] = &[0x2b, 6, 1, 5, 5, 7, 2, 1];
    /// The user notice, 1.3.6.1.5.5.7.2.2.
    const USER_NOTICE: &'static [u8] = &[0x2b, 6, 1, 5, 5, 7, 2, 2];

    fn read(qualifier: &Element<'_>) -> Result<Self, NotDer> {
        let parts = qualifier.children_of(tag::SEQUENCE)?;
        let [kind, value] = parts.as_slice() else {
            return Err(NotDer);
        };
        let in_form = match oid(kind)?.octets() {
            Self::PRACTICE_STATEMENT => value.tag == IA5_STRING && value.content.is_ascii(),
            Self::USER_NOTICE => is_user_notice(value),
            _ => return Ok(Self::Other),
        };
        Ok(if in_form {
            Self::Understood
        } else {
            Self::Malformed
        })
    }
}

/// A reference to a notice, a text, both, or nothing.
fn is_user_notice(value: &Element<'_>) -> bool {
    let is_reference = |part: &Element<'_>| {
        part.children_of(tag::SEQUENCE)
            .is_ok_and(|parts| match parts.as_slice() {
                [organization, numbers] => {
                    is_display_text(organization)
                        && numbers.children_of(tag::SEQUENCE).is_ok_and(|numbers| {
                            numbers.iter().all(|number| number.tag == tag::INTEGER)
                        })
                }
                _ => false,
            })
    };
    value
        .children_of(tag::SEQUENCE)
        .is_ok_and(|parts| match parts.as_slice() {
            [] => true,
            [one] => is_reference(one) || is_display_text(one),
            [reference, text] => is_reference(reference) && is_display_text(text),
            _ => false,
        })
}

/// DisplayText, of any length: who issues seldom keeps to the 200 characters.
fn is_display_text(value: &Element<'_>) -> bool {
    const VISIBLE_STRING: u8 = 0x1a;
    const BMP_STRING: u8 = 0x1e;
    matches!(
        value.tag,
        tag::UTF8_STRING | IA5_STRING | VISIBLE_STRING | BMP_STRING
    ) && name::string(value).is_some()
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
