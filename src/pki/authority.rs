//! Certificate authorities of our own, and the certificates that they issue.
//!
//! The product needs this for its own server identity only. Issuing **client** certificates serves `demo` and tests and
//! nothing else: a realm's own people issue, provide and manage those.

use std::net::IpAddr;

use aws_lc_rs::rand;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyUsagePurpose, SanType, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::clock::Moment;
use crate::pki::certificate::{Certificate, InvalidCertificate, signed_by};
use crate::pki::key::{KeyChoice, KeyFailure, PrivateKey, Signer};

/// A CA certificate with its key.
#[derive(Clone, Debug)]
pub struct Authority {
    /// Its certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: PrivateKey,
}

/// A certificate that is no CA, with its key.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: PrivateKey,
}

/// What a new CA is to be like. Seconds are the unit of the validity; what is finer is dropped.
#[derive(Clone, Debug)]
pub struct AuthorityRequest {
    /// Common name.
    pub common_name: String,
    /// Organization, where it is to have one.
    pub organization: Option<String>,
    /// First moment of the validity.
    pub not_before: Moment,
    /// Last second of the validity.
    pub not_after: Moment,
    /// How many CAs may stand between it and a leaf; `None` means any number.
    pub path_length: Option<u8>,
    /// Kind of its key.
    pub key: KeyChoice,
}

/// What a server certificate is to be like.
#[derive(Clone, Debug)]
pub struct ServerRequest {
    /// DNS names (also wildcards) and IP addresses.
    pub names: Vec<String>,
    /// First moment of the validity.
    pub not_before: Moment,
    /// Last second of the validity.
    pub not_after: Moment,
    /// Kind of its key.
    pub key: KeyChoice,
}

/// What a client certificate is to be like; for `demo` and tests.
#[derive(Clone, Debug)]
pub struct ClientRequest {
    /// Common name.
    pub common_name: String,
    /// Organization, where it is to have one.
    pub organization: Option<String>,
    /// Alternative names: `DNS:…`, `IP:…`, `URI:…`, `email:…`.
    pub sans: Vec<String>,
    /// First moment of the validity.
    pub not_before: Moment,
    /// Last second of the validity.
    pub not_after: Moment,
    /// Kind of its key.
    pub key: KeyChoice,
}

/// A CA that cannot be loaded, or a certificate that cannot be issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// The certificate does not say that it is a CA that may sign certificates.
    #[error("the certificate of {subject} is not one of a CA: give the certificate of a CA")]
    NotAnAuthority {
        /// Its subject.
        subject: String,
    },
    /// The key belongs to another certificate.
    #[error(
        "the key does not belong to the certificate of {subject}: give the key that was made for it"
    )]
    KeyMismatch {
        /// The certificate's subject.
        subject: String,
    },
    /// A name that cannot be written into a certificate.
    #[error(
        "{name:?} cannot be a name in a certificate: give a DNS name, an IP address, a URI or a mail address"
    )]
    InvalidName {
        /// The name.
        name: String,
    },
    /// A server certificate without names.
    #[error("a server certificate needs at least one name: give a DNS name or an IP address")]
    NoNames,
    /// A moment that certificates cannot tell, or an end before the start.
    #[error(
        "a certificate cannot be valid from {not_before} to {not_after}: choose an end after the start, before the year 10000"
    )]
    InvalidValidity {
        /// First moment.
        not_before: Moment,
        /// Last second.
        not_after: Moment,
    },
    /// The CA's name is in a form that would not be repeated byte for byte, so that no chain would be found.
    #[error(
        "the name {subject} of the CA is encoded in a way that cannot be repeated: use another CA"
    )]
    IssuerName {
        /// Its subject.
        subject: String,
    },
    /// No key could be made or used.
    #[error(transparent)]
    Key(#[from] KeyFailure),
    /// The library could not write the certificate.
    #[error("the certificate could not be written: use another key or shorter names")]
    Library,
    /// What was issued cannot be read back.
    #[error(transparent)]
    Certificate(#[from] InvalidCertificate),
}

impl Authority {
    /// Makes a CA that vouches for itself.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn self_signed(request: &AuthorityRequest) -> Result<Self, AuthorityError> {
        let key = PrivateKey::generate(request.key)?;
        let params = authority_params(request)?;
        let written = params.self_signed(&Signer::new(&key)?).map_err(library)?;
        Ok(Self {
            certificate: Certificate::from_der(written.der())?,
            key,
        })
    }

    /// Makes a CA below this one.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn subordinate(&self, request: &AuthorityRequest) -> Result<Self, AuthorityError> {
        let leaf = self.issue(authority_params(request)?, request.key)?;
        Ok(Self {
            certificate: leaf.certificate,
            key: leaf.key,
        })
    }

    /// Puts a stored CA together again.
    ///
    /// # Errors
    /// [`AuthorityError::NotAnAuthority`] and [`AuthorityError::KeyMismatch`].
    pub fn load(certificate: Certificate, key: PrivateKey) -> Result<Self, AuthorityError> {
        let facts = certificate.facts();
        let may_sign = facts.key_usage.is_none_or(|usage| usage.key_cert_sign());
        if !facts.is_ca() || !may_sign {
            return Err(AuthorityError::NotAnAuthority {
                subject: facts.subject.clone(),
            });
        }
        if !key.belongs_to(&certificate) {
            return Err(AuthorityError::KeyMismatch {
                subject: facts.subject.clone(),
            });
        }
        Ok(Self { certificate, key })
    }

    /// Issues a server certificate with a new P-256 key for DNS names (also wildcards) and IP addresses.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn issue_server(
        &self,
        names: &[String],
        not_before: Moment,
        not_after: Moment,
    ) -> Result<Leaf, AuthorityError> {
        self.issue_server_for(&ServerRequest {
            names: names.to_vec(),
            not_before,
            not_after,
            key: KeyChoice::EcP256,
        })
    }

    /// Issues a server certificate with a new key of the kind asked for.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn issue_server_for(&self, request: &ServerRequest) -> Result<Leaf, AuthorityError> {
        let mut params = params(request.not_before, request.not_after)?;
        params.subject_alt_names = server_names(&request.names)?;
        params.distinguished_name = server_subject(&request.names, None);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = leaf_usages(request.key);
        self.issue(params, request.key)
    }

    /// Issues a client certificate with a new key; for `demo` and tests.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn issue_client(&self, request: &ClientRequest) -> Result<Leaf, AuthorityError> {
        self.issue(client_params(request)?, request.key)
    }

    fn issue(&self, params: CertificateParams, choice: KeyChoice) -> Result<Leaf, AuthorityError> {
        let leaf = self.sign(params, choice)?;
        let issuer = leaf.certificate.facts().raw_issuer == self.certificate.facts().raw_subject;
        if !issuer || !signed_by(&leaf.certificate, &self.certificate) {
            return Err(AuthorityError::IssuerName {
                subject: self.certificate.facts().subject.clone(),
            });
        }
        Ok(leaf)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        choice: KeyChoice,
    ) -> Result<Leaf, AuthorityError> {
        params.use_authority_key_identifier_extension = true;
        let key = PrivateKey::generate(choice)?;
        let own = CertificateDer::from(self.certificate.der());
        let issuer = Issuer::from_ca_cert_der(&own, Signer::new(&self.key)?).map_err(library)?;
        let written = params
            .signed_by(&Signer::new(&key)?, &issuer)
            .map_err(library)?;
        let certificate = Certificate::from_der(written.der())?;
        Ok(Leaf { certificate, key })
    }
}

/// Somebody who issues in the name of a CA, key identifier included, without its key; for attacks on ourselves.
#[derive(Clone, Debug)]
pub struct Forger(Authority);

impl Forger {
    /// Pretends to be the CA of this certificate.
    ///
    /// # Errors
    /// [`AuthorityError`] where no key can be made.
    pub fn of(pretended: &Certificate) -> Result<Self, AuthorityError> {
        Ok(Self(Authority {
            certificate: pretended.clone(),
            key: PrivateKey::generate(KeyChoice::EcP256)?,
        }))
    }

    /// Issues a client certificate that the CA has not signed.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn issue_client(&self, request: &ClientRequest) -> Result<Leaf, AuthorityError> {
        self.0.sign(client_params(request)?, request.key)
    }

    /// Makes a CA that is below the pretended one by its own word only.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub fn subordinate(&self, request: &AuthorityRequest) -> Result<Authority, AuthorityError> {
        let leaf = self.0.sign(authority_params(request)?, request.key)?;
        Ok(Authority {
            certificate: leaf.certificate,
            key: leaf.key,
        })
    }
}

/// The subject of a server certificate or request: the common name given, else the first name if it is short enough.
pub(crate) fn server_subject(names: &[String], common_name: Option<&str>) -> DistinguishedName {
    let mut out = DistinguishedName::new();
    // X.520 allows 64 characters in a common name.
    let first = names
        .first()
        .map(String::as_str)
        .filter(|name| name.len() <= 64);
    if let Some(name) = common_name.filter(|name| !name.is_empty()).or(first) {
        out.push(DnType::CommonName, name);
    }
    out
}

/// DNS names and IP addresses as alternative names.
pub(crate) fn server_names(names: &[String]) -> Result<Vec<SanType>, AuthorityError> {
    if names.is_empty() {
        return Err(AuthorityError::NoNames);
    }
    names
        .iter()
        .map(|name| match name.parse::<IpAddr>() {
            Ok(address) => Ok(SanType::IpAddress(address)),
            Err(_) => dns_name(name),
        })
        .collect()
}

fn client_params(request: &ClientRequest) -> Result<CertificateParams, AuthorityError> {
    let mut params = params(request.not_before, request.not_after)?;
    params.distinguished_name = subject(&request.common_name, request.organization.as_deref());
    params.subject_alt_names = request
        .sans
        .iter()
        .map(|san| labelled_name(san))
        .collect::<Result<_, _>>()?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.key_usages = leaf_usages(request.key);
    Ok(params)
}

fn authority_params(request: &AuthorityRequest) -> Result<CertificateParams, AuthorityError> {
    let mut params = params(request.not_before, request.not_after)?;
    params.distinguished_name = subject(&request.common_name, request.organization.as_deref());
    params.is_ca = IsCa::Ca(match request.path_length {
        Some(length) => BasicConstraints::Constrained(length),
        None => BasicConstraints::Unconstrained,
    });
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn params(not_before: Moment, not_after: Moment) -> Result<CertificateParams, AuthorityError> {
    let invalid = || AuthorityError::InvalidValidity {
        not_before,
        not_after,
    };
    let mut params = CertificateParams::default();
    params.not_before = date(not_before).ok_or_else(invalid)?;
    params.not_after = date(not_after).ok_or_else(invalid)?;
    if params.not_after < params.not_before {
        return Err(invalid());
    }
    params.serial_number = Some(random_serial()?);
    // Said in so many words, which also brings the subject key identifier with it.
    params.is_ca = IsCa::ExplicitNoCa;
    Ok(params)
}

fn date(moment: Moment) -> Option<OffsetDateTime> {
    let date = OffsetDateTime::from_unix_timestamp(moment.unix_millis().div_euclid(1000)).ok()?;
    (0..=9999).contains(&date.year()).then_some(date)
}

/// 128 random bits but for the first two, which make it positive and of one length.
fn random_serial() -> Result<SerialNumber, KeyFailure> {
    let mut octets = [0_u8; 16];
    rand::fill(&mut octets).map_err(|_| KeyFailure)?;
    if let Some(first) = octets.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    Ok(SerialNumber::from_slice(&octets))
}

fn subject(common_name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut out = DistinguishedName::new();
    if let Some(organization) = organization.filter(|organization| !organization.is_empty()) {
        out.push(DnType::OrganizationName, organization);
    }
    out.push(DnType::CommonName, common_name);
    out
}

fn leaf_usages(key: KeyChoice) -> Vec<KeyUsagePurpose> {
    match key {
        // Key exchange by RSA is TLS 1.2's old way; some clients still look for the usage.
        KeyChoice::Rsa2048 => vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ],
        KeyChoice::EcP256 | KeyChoice::EcP384 | KeyChoice::Ed25519 => {
            vec![KeyUsagePurpose::DigitalSignature]
        }
    }
}

fn labelled_name(san: &str) -> Result<SanType, AuthorityError> {
    let invalid = || AuthorityError::InvalidName {
        name: san.to_owned(),
    };
    let (label, name) = san.split_once(':').ok_or_else(invalid)?;
    match label {
        "DNS" => dns_name(name),
        "IP" => name.parse().map(SanType::IpAddress).map_err(|_| invalid()),
        "URI" => visible(name).map(SanType::URI),
        "email" => visible(name).map(SanType::Rfc822Name),
        _ => Err(invalid()),
    }
}

/// Whether a server certificate can bear `name`: a DNS name, with a wildcard too, or an address.
pub fn can_name(name: &str) -> bool {
    name.parse::<std::net::IpAddr>().is_ok() || dns_name(name).is_ok()
}

fn dns_name(name: &str) -> Result<SanType, AuthorityError> {
    let labels = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
    };
    if labels.len() <= 253 && labels.split('.').all(is_label) {
        visible(name).map(SanType::DnsName)
    } else {
        Err(AuthorityError::InvalidName {
            name: name.to_owned(),
        })
    }
}

fn visible(name: &str) -> Result<Ia5String, AuthorityError> {
    let invalid = || AuthorityError::InvalidName {
        name: name.to_owned(),
    };
    if name.is_empty() || !name.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err(invalid());
    }
    Ia5String::try_from(name).map_err(|_| invalid())
}

fn library(_: rcgen::Error) -> AuthorityError {
    AuthorityError::Library
}

#[cfg(test)]
mod tests;
