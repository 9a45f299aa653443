//! Makes certificates for the tests of this room: good ones, and those that nobody should issue.

use std::rc::Rc;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData,
    SignatureAlgorithm,
};
use rustls_pki_types::CertificateDer;
use time::macros::datetime;

use crate::clock::Moment;
use crate::pki::certificate::Certificate;
use crate::trust::issuer::Issuer as AnyIssuer;
use crate::trust::search::Path;
use crate::trust::set::{TrustSet, TrustSource};

/// The moment at which tests judge, unless they say another: within the validity of what is made here.
pub(crate) fn now() -> Moment {
    Moment::parse("2030-06-01").unwrap()
}

/// A certificate with its key and what it was made from.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) params: CertificateParams,
    pub(crate) key: Rc<KeyPair>,
    pub(crate) certificate: Certificate,
}

impl Made {
    /// A CA that vouches for itself.
    pub(crate) fn root(params: CertificateParams) -> Self {
        Self::root_with(params, Rc::new(KeyPair::generate().unwrap()))
    }

    pub(crate) fn root_with(params: CertificateParams, key: Rc<KeyPair>) -> Self {
        let certificate = decoded(params.self_signed(&*key).unwrap().der());
        Self {
            params,
            key,
            certificate,
        }
    }

    /// Issues a certificate with a new key.
    pub(crate) fn issue(&self, params: CertificateParams) -> Self {
        self.issue_for(params, Rc::new(KeyPair::generate().unwrap()))
    }

    pub(crate) fn issue_for(&self, params: CertificateParams, key: Rc<KeyPair>) -> Self {
        let issuer = Issuer::from_params(&self.params, &*self.key);
        let certificate = decoded(params.signed_by(&*key, &issuer).unwrap().der());
        Self {
            params,
            key,
            certificate,
        }
    }

    /// Issues a certificate for an RSA key of so many bits that nobody has.
    pub(crate) fn issue_for_rsa(&self, params: &CertificateParams, bits: usize) -> Certificate {
        let issuer = Issuer::from_params(&self.params, &*self.key);
        decoded(
            params
                .signed_by(&NobodysRsa::new(bits), &issuer)
                .unwrap()
                .der(),
        )
    }

    /// The same CA, spelling its name another way in what it issues.
    pub(crate) fn calling_itself(&self, name: DistinguishedName) -> Self {
        let mut other = self.clone();
        other.params.distinguished_name = name;
        other
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        der(&self.certificate)
    }
}

pub(crate) fn der(certificate: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from(certificate.der().to_vec())
}

pub(crate) fn chain(certificates: &[&Made]) -> Vec<CertificateDer<'static>> {
    certificates.iter().map(|made| made.der()).collect()
}

pub(crate) fn set(anchors: &[&Made]) -> TrustSet {
    set_with_helpers(anchors, &[])
}

pub(crate) fn set_with_helpers(anchors: &[&Made], helpers: &[&Made]) -> TrustSet {
    let account: Arc<str> = Arc::from("dgb-mtls-test");
    let anchors = anchors
        .iter()
        .map(|made| (made.certificate.clone(), Arc::clone(&account)))
        .collect();
    TrustSet::build(TrustSource {
        anchors,
        helpers: helpers
            .iter()
            .map(|made| made.certificate.clone())
            .collect(),
        ..TrustSource::default()
    })
    .unwrap()
}

pub(crate) fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

pub(crate) fn ca(common_name: &str) -> CertificateParams {
    let mut params = blank(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

pub(crate) fn client(common_name: &str) -> CertificateParams {
    let mut params = blank(common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// Neither key identifiers nor usages nor CA flag.
pub(crate) fn bare(common_name: &str) -> CertificateParams {
    let mut params = blank(common_name);
    params.use_authority_key_identifier_extension = false;
    params
}

/// A CA without a subject key identifier.
pub(crate) fn ca_without_key_id(common_name: &str) -> CertificateParams {
    with(bare(common_name), |params| {
        let mut constraints =
            CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 3, 1, 1, 0xff]);
        constraints.set_criticality(true);
        params.custom_extensions.push(constraints);
    })
}

pub(crate) fn with(
    mut params: CertificateParams,
    edit: impl FnOnce(&mut CertificateParams),
) -> CertificateParams {
    edit(&mut params);
    params
}

pub(crate) fn with_path_length(params: CertificateParams, length: u8) -> CertificateParams {
    with(params, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length))
    })
}

pub(crate) fn with_key_id(params: CertificateParams, key_id: &[u8]) -> CertificateParams {
    with(params, |params| {
        params.key_identifier_method = KeyIdMethod::PreSpecified(key_id.to_vec())
    })
}

pub(crate) fn with_critical_extension(params: CertificateParams) -> CertificateParams {
    with(params, |params| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    })
}

pub(crate) fn with_extension(
    params: CertificateParams,
    oid: &[u64],
    content: &[u8],
    criticality: Criticality,
) -> CertificateParams {
    with(params, |params| {
        let mut extension = CustomExtension::from_oid_content(oid, content.to_vec());
        extension.set_criticality(criticality == Criticality::Critical);
        params.custom_extensions.push(extension);
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Criticality {
    Critical,
    NotCritical,
}

/// A path from a client's certificate up to an anchor; whether they belong together, nobody looks.
pub(crate) fn path(certificates: &[&Certificate]) -> Path {
    let issuer =
        |certificate: &&Certificate| Arc::new(AnyIssuer::prepare((*certificate).clone()).unwrap());
    let [leaf, intermediates @ .., anchor] = certificates else {
        panic!("a path has a leaf and an anchor");
    };
    Path {
        leaf: (*leaf).clone(),
        intermediates: intermediates.iter().map(issuer).collect(),
        anchor: issuer(anchor),
    }
}

fn blank(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(common_name);
    params.not_before = datetime!(2030-01-01 0:00 UTC);
    params.not_after = datetime!(2031-01-01 0:00 UTC);
    params.use_authority_key_identifier_extension = true;
    params
}

fn decoded(der: &[u8]) -> Certificate {
    Certificate::from_der(der).unwrap()
}

struct NobodysRsa(Vec<u8>);

impl NobodysRsa {
    fn new(bits: usize) -> Self {
        use crate::pki::der::{encode, tag};
        let modulus = [&[0][..], &vec![0xff; bits / 8]].concat();
        let parts = [
            encode(tag::INTEGER, &[&modulus]),
            encode(tag::INTEGER, &[&[1, 0, 1]]),
        ];
        Self(encode(tag::SEQUENCE, &[&parts[0], &parts[1]]))
    }
}

impl PublicKeyData for NobodysRsa {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}
