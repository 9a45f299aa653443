//! Which certificates a revocation list speaks of (RFC 5280, 5.2.5 and 6.3.3 (b)).

use std::collections::BTreeSet;

use crate::pki::certificate::Certificate;
use crate::pki::crl::CrlFacts;
use crate::pki::der::{self, tag};
use crate::pki::distribution::{DistributionPoint, PointName, Reasons};
use crate::pki::general_name::GeneralName;
use crate::pki::name::normal_form;

/// The most distribution points of one certificate that are looked at.
const POINTS_MAX: usize = 32;
/// The most issuers of lists of one distribution point that are looked at.
const CRL_ISSUERS_MAX: usize = 8;
/// The most names of one distribution point that are looked at.
const NAMES_MAX: usize = 64;

/// The part of its issuer's certificates that a list speaks of; equal scopes are equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Names of the distribution point that it is for, in a form in which equal names are equal bytes.
    names: Option<BTreeSet<Vec<u8>>>,
    users_only: bool,
    cas_only: bool,
    attributes_only: bool,
    reasons: Option<Reasons>,
    indirect: bool,
}

/// A place where the lists of a certificate may be: one of its distribution points, or its issuer's own list.
#[derive(Debug)]
pub struct Place {
    /// Who issues lists for it, as the DER of the Name.
    pub crl_issuer: Vec<u8>,
    /// Names of the point, or of who issues its lists, as in [`Scope`].
    names: BTreeSet<Vec<u8>>,
    /// Whether the lists are another issuer's than the certificate's.
    indirect: bool,
    reasons: Reasons,
}

impl Scope {
    /// The scope of a list.
    pub fn of(facts: &CrlFacts) -> Self {
        let Some(scope) = &facts.scope else {
            return Self::default();
        };
        let names = scope
            .name
            .as_ref()
            .map(|name| point_names(name, &facts.raw_issuer).into_iter().collect());
        Self {
            names,
            users_only: scope.user_certificates_only,
            cas_only: scope.ca_certificates_only,
            attributes_only: scope.attribute_certificates_only,
            reasons: scope.reasons,
            indirect: scope.indirect,
        }
    }

    /// The reasons for which a list of this scope, at this place, tells whether the certificate was revoked.
    pub fn reasons(&self, place: &Place, certificate: &Certificate) -> Reasons {
        let is_ca = certificate.facts().is_ca();
        let named = self
            .names
            .as_ref()
            .is_none_or(|names| !names.is_disjoint(&place.names));
        let other_kind = if is_ca {
            self.users_only || self.attributes_only
        } else {
            self.cas_only || self.attributes_only
        };
        let other_issuer = place.indirect && !self.indirect;
        if named && !other_kind && !other_issuer {
            place.reasons.and(self.reasons.unwrap_or(Reasons::ALL))
        } else {
            Reasons::NONE
        }
    }
}

/// Where the lists of a certificate may be: its distribution points, and then what its issuer issued without saying so
/// there (RFC 5280, 6.3.3, last paragraph).
pub fn places(certificate: &Certificate) -> Vec<Place> {
    let facts = certificate.facts();
    let mut places: Vec<Place> = facts
        .rare()
        .distribution_points
        .iter()
        .take(POINTS_MAX)
        .flat_map(|point| places_of(point, &facts.raw_issuer))
        .collect();
    places.push(Place {
        crl_issuer: facts.raw_issuer.clone(),
        names: [directory_key(&facts.raw_issuer)].into(),
        indirect: false,
        reasons: Reasons::ALL,
    });
    places
}

fn places_of(point: &DistributionPoint, raw_issuer: &[u8]) -> Vec<Place> {
    let indirect = !point.crl_issuer.is_empty();
    let issuers: Vec<&[u8]> = if indirect {
        let issuers = point.crl_issuer.iter().map(Vec::as_slice);
        issuers.take(CRL_ISSUERS_MAX).collect()
    } else {
        vec![raw_issuer]
    };
    let names: BTreeSet<Vec<u8>> = match &point.name {
        // RFC 5280, 4.2.1.13 leaves a relative name to where there is one issuer.
        Some(PointName::Relative(_)) if issuers.len() > 1 => BTreeSet::new(),
        Some(name) => {
            let base = issuers.first().copied().unwrap_or(raw_issuer);
            point_names(name, base)
                .into_iter()
                .take(NAMES_MAX)
                .collect()
        }
        None => issuers.iter().map(|issuer| directory_key(issuer)).collect(),
    };
    let place = |issuer: &&[u8]| Place {
        crl_issuer: issuer.to_vec(),
        names: names.clone(),
        indirect,
        reasons: point.reasons.unwrap_or(Reasons::ALL),
    };
    issuers.iter().map(place).collect()
}

fn point_names(name: &PointName, raw_issuer: &[u8]) -> Vec<Vec<u8>> {
    match name {
        PointName::Full(names) => names.iter().map(key).collect(),
        PointName::Relative(set) => {
            let above = der::single(raw_issuer).map_or(&[][..], |issuer| issuer.content);
            vec![directory_key(&der::encode(tag::SEQUENCE, &[above, set]))]
        }
    }
}

/// A name in a form in which equal names are equal bytes (RFC 5280, 7).
fn key(name: &GeneralName) -> Vec<u8> {
    match name {
        GeneralName::Email(text) => labelled(1, text.to_ascii_lowercase().as_bytes()),
        GeneralName::Dns(text) => labelled(2, text.to_ascii_lowercase().as_bytes()),
        GeneralName::Uri(text) => labelled(6, folded(text).as_bytes()),
        GeneralName::Ip(octets) => labelled(7, octets),
        GeneralName::Directory(raw) => directory_key(raw),
        GeneralName::Other(kind, content) => labelled(*kind, content),
    }
}

fn directory_key(raw: &[u8]) -> Vec<u8> {
    labelled(4, &normal_form(raw))
}

fn labelled(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind], content].concat()
}

/// A URI with its scheme and host in lower case (RFC 5280, 7.4).
fn folded(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return uri.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    format!(
        "{}://{}{path}",
        scheme.to_ascii_lowercase(),
        host.to_ascii_lowercase()
    )
}
