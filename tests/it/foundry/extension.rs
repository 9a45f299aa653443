//! Extensions of certificates and revocation lists (RFC 5280, 4.2 and 5.2).

use realmgate::pki::der::{encode, tag};

use crate::foundry::asn1::{
    boolean, enumerated, explicit, implicit, integer, named_bits, octet_string, oid, sequence,
    sequence_of,
};

/// One extension.
#[derive(Clone, Debug)]
pub struct Extension {
    /// Its object identifier, dotted.
    pub kind: &'static str,
    /// Whether it is marked as critical.
    pub critical: bool,
    /// The octets inside of its OCTET STRING.
    pub value: Vec<u8>,
}

/// Bits of keyUsage.
pub mod usage {
    pub const DIGITAL_SIGNATURE: u8 = 0;
    pub const KEY_ENCIPHERMENT: u8 = 2;
    pub const KEY_CERT_SIGN: u8 = 5;
    pub const CRL_SIGN: u8 = 6;
}

/// Purposes of extendedKeyUsage.
pub mod purpose {
    pub const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
    pub const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
    pub const EMAIL_PROTECTION: &str = "1.3.6.1.5.5.7.3.4";
    pub const ANY: &str = "2.5.29.37.0";
}

/// anyPolicy.
pub const ANY_POLICY: &str = "2.5.29.32.0";
pub const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub const KEY_USAGE: &str = "2.5.29.15";
pub const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
pub const SUBJECT_ALT_NAME: &str = "2.5.29.17";
pub const NAME_CONSTRAINTS: &str = "2.5.29.30";
pub const POLICIES: &str = "2.5.29.32";
pub const POLICY_MAPPINGS: &str = "2.5.29.33";
pub const POLICY_CONSTRAINTS: &str = "2.5.29.36";
pub const INHIBIT_ANY_POLICY: &str = "2.5.29.54";
pub const SUBJECT_KEY_ID: &str = "2.5.29.14";
pub const AUTHORITY_KEY_ID: &str = "2.5.29.35";
pub const DISTRIBUTION_POINTS: &str = "2.5.29.31";
pub const CRL_NUMBER: &str = "2.5.29.20";
pub const DELTA_CRL: &str = "2.5.29.27";
pub const ISSUING_DISTRIBUTION_POINT: &str = "2.5.29.28";
pub const CRL_REASON: &str = "2.5.29.21";
pub const CERTIFICATE_ISSUER: &str = "2.5.29.29";
/// What nobody understands.
pub const UNKNOWN: &str = "1.3.6.1.4.1.99999.1";

impl Extension {
    /// One with any value.
    pub fn raw(kind: &'static str, value: &[u8]) -> Self {
        Self {
            kind,
            critical: false,
            value: value.to_vec(),
        }
    }

    /// The same, marked as critical.
    pub fn critical(self) -> Self {
        Self {
            critical: true,
            ..self
        }
    }

    /// The same, not marked as critical.
    pub fn noncritical(self) -> Self {
        Self {
            critical: false,
            ..self
        }
    }

    /// Its DER.
    pub fn der(&self) -> Vec<u8> {
        let critical = if self.critical {
            boolean(true)
        } else {
            Vec::new()
        };
        sequence(&[&oid(self.kind), &critical, &octet_string(&self.value)])
    }
}

/// Several extensions, as they stand in a list, in a certificate and in an entry of a list.
pub fn all(extensions: &[Extension]) -> Vec<u8> {
    let written: Vec<Vec<u8>> = extensions.iter().map(Extension::der).collect();
    sequence_of(&written)
}

/// basicConstraints, critical.
pub fn basic_constraints(ca: bool, path_length: Option<u32>) -> Extension {
    let ca = if ca { boolean(true) } else { Vec::new() };
    let path_length = path_length.map(integer).unwrap_or_default();
    Extension::raw(BASIC_CONSTRAINTS, &sequence(&[&ca, &path_length])).critical()
}

/// keyUsage, critical.
pub fn key_usage(bits: &[u8]) -> Extension {
    Extension::raw(KEY_USAGE, &encode(tag::BIT_STRING, &[&named_bits(bits)])).critical()
}

/// extendedKeyUsage.
pub fn extended_key_usage(purposes: &[&str]) -> Extension {
    let oids: Vec<Vec<u8>> = purposes.iter().map(|purpose| oid(purpose)).collect();
    Extension::raw(EXTENDED_KEY_USAGE, &sequence_of(&oids))
}

/// subjectAltName.
pub fn alternative_names(names: &[Vec<u8>]) -> Extension {
    Extension::raw(SUBJECT_ALT_NAME, &sequence_of(names))
}

/// nameConstraints, critical. An empty list is left out.
pub fn name_constraints(permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Extension {
    let subtrees = |number: u8, bases: &[Vec<u8>]| {
        let written: Vec<Vec<u8>> = bases.iter().map(|base| sequence(&[base])).collect();
        if written.is_empty() {
            Vec::new()
        } else {
            explicit(number, &[&written.concat()])
        }
    };
    let value = sequence(&[&subtrees(0, permitted), &subtrees(1, excluded)]);
    Extension::raw(NAME_CONSTRAINTS, &value).critical()
}

/// certificatePolicies.
pub fn policies(oids: &[&str]) -> Extension {
    let written: Vec<Vec<u8>> = oids.iter().map(|one| sequence(&[&oid(one)])).collect();
    Extension::raw(POLICIES, &sequence_of(&written))
}

/// policyMappings, critical: of the issuer's policies to the subject's.
pub fn policy_mappings(pairs: &[(&str, &str)]) -> Extension {
    let written: Vec<Vec<u8>> = pairs
        .iter()
        .map(|(from, to)| sequence(&[&oid(from), &oid(to)]))
        .collect();
    Extension::raw(POLICY_MAPPINGS, &sequence_of(&written)).critical()
}

/// policyConstraints, critical.
pub fn policy_constraints(require_explicit: Option<u8>, inhibit_mapping: Option<u8>) -> Extension {
    let part = |number: u8, skip: Option<u8>| {
        skip.map(|skip| implicit(number, &[skip]))
            .unwrap_or_default()
    };
    let value = sequence(&[&part(0, require_explicit), &part(1, inhibit_mapping)]);
    Extension::raw(POLICY_CONSTRAINTS, &value).critical()
}

/// inhibitAnyPolicy, critical.
pub fn inhibit_any_policy(skip: u32) -> Extension {
    Extension::raw(INHIBIT_ANY_POLICY, &integer(skip)).critical()
}

/// subjectKeyIdentifier.
pub fn subject_key_id(octets: &[u8]) -> Extension {
    Extension::raw(SUBJECT_KEY_ID, &octet_string(octets))
}

/// authorityKeyIdentifier with a key identifier.
pub fn authority_key_id(octets: &[u8]) -> Extension {
    Extension::raw(AUTHORITY_KEY_ID, &sequence(&[&implicit(0, octets)]))
}

/// authorityKeyIdentifier with issuer and serial number.
pub fn authority_by_name(issuer: &[u8], serial: &[u8]) -> Extension {
    let name = explicit(4, &[issuer]);
    let value = sequence(&[&explicit(1, &[&name]), &implicit(2, serial)]);
    Extension::raw(AUTHORITY_KEY_ID, &value)
}

/// One distribution point: its full name, reasons by their bits, and the issuer of the list.
pub fn distribution_point(
    full_name: Option<&[u8]>,
    reasons: Option<&[u8]>,
    issuer: Option<&[u8]>,
) -> Extension {
    let name = full_name
        .map(|name| explicit(0, &[&explicit(0, &[name])]))
        .unwrap_or_default();
    let reasons = reasons
        .map(|bits| implicit(1, &named_bits(bits)))
        .unwrap_or_default();
    let issuer = issuer.map(|name| explicit(2, &[name])).unwrap_or_default();
    let point = sequence(&[&name, &reasons, &issuer]);
    Extension::raw(DISTRIBUTION_POINTS, &sequence(&[&point]))
}

/// What a list says of its scope (RFC 5280, 5.2.5).
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    pub full_name: Option<&'a [u8]>,
    pub only_users: bool,
    pub only_cas: bool,
    pub only_attributes: bool,
    pub reasons: Option<&'a [u8]>,
    pub indirect: bool,
}

/// issuingDistributionPoint, critical.
pub fn issuing_distribution_point(scope: &Scope<'_>) -> Extension {
    let flag = |number: u8, set: bool| {
        if set {
            implicit(number, &[0xff])
        } else {
            Vec::new()
        }
    };
    let name = scope
        .full_name
        .map(|name| explicit(0, &[&explicit(0, &[name])]))
        .unwrap_or_default();
    let reasons = scope
        .reasons
        .map(|bits| implicit(3, &named_bits(bits)))
        .unwrap_or_default();
    let value = sequence(&[
        &name,
        &flag(1, scope.only_users),
        &flag(2, scope.only_cas),
        &reasons,
        &flag(4, scope.indirect),
        &flag(5, scope.only_attributes),
    ]);
    Extension::raw(ISSUING_DISTRIBUTION_POINT, &value).critical()
}

/// cRLNumber.
pub fn crl_number(number: u32) -> Extension {
    Extension::raw(CRL_NUMBER, &integer(number))
}

/// deltaCRLIndicator, critical.
pub fn delta_of(base: u32) -> Extension {
    Extension::raw(DELTA_CRL, &integer(base)).critical()
}

/// reasonCode of an entry.
pub fn reason(code: u8) -> Extension {
    Extension::raw(CRL_REASON, &enumerated(code))
}

/// certificateIssuer of an entry, critical.
pub fn certificate_issuer(directory_name: &[u8]) -> Extension {
    Extension::raw(CERTIFICATE_ISSUER, &sequence(&[directory_name])).critical()
}
