//! Certificate extensions (RFC 5280, 4.2), decoded strictly: what cannot be decoded is an error, never an absence.

use std::collections::BTreeSet;

use x509_parser::extensions::X509Extension;

use crate::pki::certificate::{
    BasicConstraints, InvalidCertificate, KeyUsage, NameConstraintsText, NameSubtrees,
};
use crate::pki::der::{self, Element, NotDer, tag};
use crate::pki::distribution::DistributionPoint;
use crate::pki::general_name::{self, GeneralName, NAMES_MAX};
use crate::pki::policy::{self, Oid, PolicyConstraints, PolicyMapping};
use crate::pki::strict;

/// authorityInfoAccess and subjectInfoAccess (RFC 5280, 4.2.2), 1.3.6.1.5.5.7.1.1 and .11.
const INFORMATION_ACCESS: [&[u8]; 2] =
    [&[0x2b, 6, 1, 5, 5, 7, 1, 1], &[0x2b, 6, 1, 5, 5, 7, 1, 11]];

/// The extensions that are understood here, and which others are critical.
#[derive(Debug, Default)]
pub struct Extensions {
    /// 2.5.29.19.
    pub basic_constraints: Option<BasicConstraints>,
    /// 2.5.29.15.
    pub key_usage: Option<KeyUsage>,
    /// 2.5.29.37.
    pub extended_key_usage: Option<Vec<String>>,
    /// 2.5.29.17.
    pub sans: Vec<String>,
    /// 2.5.29.17, as they are.
    pub alternative_names: Vec<GeneralName>,
    /// 2.5.29.30.
    pub name_constraints: Option<NameConstraintsText>,
    /// 2.5.29.30, as they are.
    pub subtrees: Option<NameSubtrees>,
    /// 2.5.29.32.
    pub policies: Option<Vec<Oid>>,
    /// 2.5.29.33.
    pub policy_mappings: Vec<PolicyMapping>,
    /// 2.5.29.36.
    pub policy_constraints: Option<PolicyConstraints>,
    /// 2.5.29.54.
    pub inhibit_any_policy: Option<u32>,
    /// 2.5.29.14.
    pub subject_key_id: Option<Vec<u8>>,
    /// 2.5.29.35, its key identifier.
    pub authority_key_id: Option<Vec<u8>>,
    /// 2.5.29.31, the full names.
    pub crl_distribution_points: Vec<String>,
    /// 2.5.29.31, as they are.
    pub distribution_points: Vec<DistributionPoint>,
    /// Dotted OIDs of all critical extensions.
    pub critical: Vec<String>,
    /// Dotted OIDs of critical extensions that are neither above nor among those that need no processing:
    /// subjectDirectoryAttributes, issuerAltName, freshestCRL, authorityInfoAccess and subjectInfoAccess. Also
    /// certificatePolicies that are critical, where a qualifier is not understood.
    pub unknown_critical: Vec<String>,
}

impl Extensions {
    /// Decodes the extensions of one certificate.
    ///
    /// # Errors
    /// [`InvalidCertificate::DuplicateExtension`], and [`InvalidCertificate::UndecodableExtension`] for those that are
    /// understood.
    pub fn decode(extensions: &[X509Extension<'_>]) -> Result<Self, InvalidCertificate> {
        let mut out = Self::default();
        let mut seen: BTreeSet<&[u8]> = BTreeSet::new();
        for extension in extensions {
            let id = extension.oid.as_bytes();
            let oid = || {
                der::oid_text(id)
                    .unwrap_or_else(|| format!("#{}", der::hex(id.get(..64).unwrap_or(id))))
            };
            if !seen.insert(id) {
                return Err(InvalidCertificate::DuplicateExtension { oid: oid() });
            }
            if extension.critical {
                out.critical.push(oid());
            }
            let known = out
                .take(id, extension.value)
                .map_err(|NotDer| InvalidCertificate::UndecodableExtension { oid: oid() })?;
            if !known && extension.critical && out.unknown_critical.len() < NAMES_MAX {
                out.unknown_critical.push(oid());
            }
        }
        out.critical.shrink_to_fit();
        Ok(out)
    }

    /// Takes the value of an extension that is known; false for others, and for policies with qualifiers that are not
    /// known, because who marks them critical demands that these are interpreted too (RFC 5280, 4.2.1.4).
    fn take(&mut self, id: &[u8], value: &[u8]) -> Result<bool, NotDer> {
        let [0x55, 0x1d, id] = id else {
            if INFORMATION_ACCESS.contains(&id) {
                strict::element(value)?.children_of(tag::SEQUENCE)?;
                return Ok(true);
            }
            return Ok(false);
        };
        if !matches!(id, 9 | 14 | 15 | 17..=19 | 30..=33 | 35..=37 | 46 | 54) {
            return Ok(false);
        }
        let value = &strict::element(value)?;
        match id {
            14 => self.subject_key_id = Some(octets(value, tag::OCTET_STRING)?.to_vec()),
            15 => self.key_usage = Some(key_usage(value)?),
            17 => {
                let names = value.children_of(tag::SEQUENCE)?;
                self.alternative_names = general_name::decode_list(&names)?;
                self.sans = general_name::list(&names, general_name::text);
            }
            // The issuer's alternative names take no part in validation.
            18 => {
                general_name::decode_list(&value.children_of(tag::SEQUENCE)?)?;
            }
            19 => self.basic_constraints = Some(basic_constraints(value)?),
            30 => self.name_constraints(value)?,
            31 => {
                self.distribution_points = DistributionPoint::list(value.whole)?;
                self.crl_distribution_points = crl_distribution_points(value)?;
            }
            32 => {
                let policies = policy::policies(value)?;
                self.policies = Some(policies.ids);
                return Ok(policies.understood);
            }
            33 => self.policy_mappings = policy::mappings(value)?,
            35 => self.authority_key_id = authority_key_id(value)?,
            36 => self.policy_constraints = Some(policy::constraints(value)?),
            37 => self.extended_key_usage = Some(extended_key_usage(value)?),
            54 => self.inhibit_any_policy = Some(policy::inhibit_any_policy(value)?),
            // Attributes of the subject, and places of delta lists: nothing follows from them here.
            _ => {
                value.children_of(tag::SEQUENCE)?;
            }
        }
        Ok(true)
    }

    /// Minimum and maximum, which RFC 5280 does not let anyone use, are an error.
    fn name_constraints(&mut self, value: &Element<'_>) -> Result<(), NotDer> {
        let parts = value.children_of(tag::SEQUENCE)?;
        let (permitted, excluded) = match parts.as_slice() {
            [permitted] if permitted.tag == tag::CONTEXT_0 => (bases(permitted)?, Vec::new()),
            [excluded] if excluded.tag == tag::CONTEXT_1 => (Vec::new(), bases(excluded)?),
            [permitted, excluded]
                if (permitted.tag, excluded.tag) == (tag::CONTEXT_0, tag::CONTEXT_1) =>
            {
                (bases(permitted)?, bases(excluded)?)
            }
            _ => return Err(NotDer),
        };
        let decoded = |bases: &[Element<'_>]| -> Result<Vec<GeneralName>, NotDer> {
            bases.iter().map(general_name::decode_base).collect()
        };
        self.subtrees = Some(NameSubtrees {
            permitted: decoded(&permitted)?,
            excluded: decoded(&excluded)?,
        });
        self.name_constraints = Some(NameConstraintsText {
            permitted: general_name::list(&permitted, general_name::constraint_text),
            excluded: general_name::list(&excluded, general_name::constraint_text),
        });
        Ok(())
    }
}

fn octets<'a>(element: &Element<'a>, tag: u8) -> Result<&'a [u8], NotDer> {
    if element.tag == tag {
        Ok(element.content)
    } else {
        Err(NotDer)
    }
}

fn key_usage(value: &Element<'_>) -> Result<KeyUsage, NotDer> {
    match octets(value, tag::BIT_STRING)? {
        [0..=7, bits @ ..] => Ok(KeyUsage::from_bits(bits)),
        _ => Err(NotDer),
    }
}

fn basic_constraints(value: &Element<'_>) -> Result<BasicConstraints, NotDer> {
    let parts = value.children_of(tag::SEQUENCE)?;
    let (ca, rest) = match parts.as_slice() {
        [flag, rest @ ..] if flag.tag == tag::BOOLEAN => match flag.content {
            // A false that is written out is not DER, but usual and clear.
            [0] => (false, rest),
            [0xff] => (true, rest),
            _ => return Err(NotDer),
        },
        rest => (false, rest),
    };
    let path_length = match rest {
        [] => None,
        [length] => Some(strict::small_number(octets(length, tag::INTEGER)?)?),
        _ => return Err(NotDer),
    };
    Ok(BasicConstraints { ca, path_length })
}

fn extended_key_usage(value: &Element<'_>) -> Result<Vec<String>, NotDer> {
    let usages = value.children_of(tag::SEQUENCE)?;
    if usages.is_empty() {
        return Err(NotDer);
    }
    usages
        .iter()
        .map(|usage| {
            let oid = der::oid_text(octets(usage, tag::OID)?).ok_or(NotDer)?;
            Ok(usage_name(oid))
        })
        .collect()
}

fn usage_name(oid: String) -> String {
    let name = match oid.as_str() {
        "2.5.29.37.0" => "anyExtendedKeyUsage",
        "1.3.6.1.5.5.7.3.1" => "serverAuth",
        "1.3.6.1.5.5.7.3.2" => "clientAuth",
        "1.3.6.1.5.5.7.3.3" => "codeSigning",
        "1.3.6.1.5.5.7.3.4" => "emailProtection",
        "1.3.6.1.5.5.7.3.8" => "timeStamping",
        "1.3.6.1.5.5.7.3.9" => "OCSPSigning",
        _ => return oid,
    };
    name.to_owned()
}

fn bases<'a>(list: &Element<'a>) -> Result<Vec<Element<'a>>, NotDer> {
    let bases = der::elements(list.content)?
        .iter()
        .map(
            |subtree| match subtree.children_of(tag::SEQUENCE)?.as_slice() {
                [base] => Ok(*base),
                _ => Err(NotDer),
            },
        )
        .collect::<Result<Vec<_>, _>>()?;
    if bases.is_empty() {
        Err(NotDer)
    } else {
        Ok(bases)
    }
}

fn authority_key_id(value: &Element<'_>) -> Result<Option<Vec<u8>>, NotDer> {
    let parts = value.children_of(tag::SEQUENCE)?;
    Ok(parts
        .iter()
        .find(|part| part.tag == 0x80)
        .map(|id| id.content.to_vec()))
}

/// Full names only: those relative to an issuer are not used by anyone.
fn crl_distribution_points(value: &Element<'_>) -> Result<Vec<String>, NotDer> {
    let mut names = Vec::new();
    for point in value.children_of(tag::SEQUENCE)? {
        for part in point.children_of(tag::SEQUENCE)? {
            if part.tag != tag::CONTEXT_0 {
                continue;
            }
            for name in der::elements(part.content)? {
                if name.tag == tag::CONTEXT_0 {
                    names.extend(der::elements(name.content)?);
                }
            }
        }
    }
    Ok(general_name::list(&names, general_name::text))
}

#[cfg(test)]
mod tests;
