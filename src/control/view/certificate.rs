//! A certificate, decoded.

use serde::Serialize;

use crate::control::view::time::Time;
use crate::pki::certificate::Certificate;

/// A certificate in words. All texts are escaped and bounded.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateView {
    /// Its subject.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its serial number, lower-case hexadecimal.
    pub serial: String,
    /// When it begins.
    pub not_before: Time,
    /// When it ends.
    pub not_after: Time,
    /// Kind and size of its key.
    pub key: String,
    /// How it was signed.
    pub signature_algorithm: String,
    /// Whether it is a CA's.
    pub ca: bool,
    /// How many CAs may stand below it, where it says so.
    pub path_length: Option<u32>,
    /// Its key usage, where it has one.
    pub key_usage: Option<Vec<&'static str>>,
    /// Its extended key usage, where it has one.
    pub extended_key_usage: Option<Vec<String>>,
    /// Its alternative names.
    pub sans: Vec<String>,
    /// Its name constraints, where it has any.
    pub name_constraints: Option<NameConstraintsView>,
    /// Critical extensions that are not known, as OIDs.
    pub unknown_critical: Vec<String>,
    /// Where its revocation list lies.
    pub crl_distribution_points: Vec<String>,
    /// Whether it was signed with its own key.
    pub self_signed: bool,
    /// SHA-256 of it, lower-case hexadecimal.
    pub fingerprint: String,
    /// The same in pairs with colons, as openssl shows it.
    pub fingerprint_colons: String,
    /// Itself.
    pub pem: String,
}

/// Name constraints in words.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NameConstraintsView {
    /// Names that certificates below may bear.
    pub permitted: Vec<String>,
    /// Names that they may not.
    pub excluded: Vec<String>,
}

impl CertificateView {
    /// Decodes a certificate.
    pub fn of(certificate: &Certificate) -> Self {
        let facts = certificate.facts();
        Self {
            subject: facts.subject.clone(),
            issuer: facts.issuer.clone(),
            serial: facts.serial.clone(),
            not_before: Time(facts.not_before),
            not_after: Time(facts.not_after),
            key: facts.key.to_string(),
            signature_algorithm: facts.signature_algorithm.clone(),
            ca: facts.is_ca(),
            path_length: facts
                .basic_constraints
                .as_ref()
                .and_then(|constraints| constraints.path_length),
            key_usage: facts.key_usage.map(|usage| usage.names()),
            extended_key_usage: facts.extended_key_usage.clone(),
            sans: facts.sans.clone(),
            name_constraints: facts.rare().name_constraints.as_ref().map(|constraints| {
                NameConstraintsView {
                    permitted: constraints.permitted.clone(),
                    excluded: constraints.excluded.clone(),
                }
            }),
            unknown_critical: facts.unknown_critical.clone(),
            crl_distribution_points: facts.rare().crl_distribution_points.clone(),
            self_signed: certificate.is_self_signed(),
            fingerprint: certificate.fingerprint().to_string(),
            fingerprint_colons: certificate.fingerprint().colons(),
            pem: certificate.to_pem(),
        }
    }

    /// Decodes certificates, in their order.
    pub fn all(certificates: &[Certificate]) -> Vec<Self> {
        certificates.iter().map(Self::of).collect()
    }
}
