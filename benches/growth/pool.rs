//! Certificates to measure with: made once, and read by the processes that measure.

use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use realmgate::pki::certificate::Certificate;
use rustls_pki_types::CertificateDer;

use crate::reading::{pieces, write_pieces};

/// How many anchors of one name there are at most.
pub const NAMESAKES: usize = 1_000;
/// What they are called.
const ONE_NAME: &str = "Root CA";

/// What a client presents, and its key.
pub struct Client {
    /// Its own certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// PKCS#8.
    pub key: Vec<u8>,
}

/// What the directory holds.
pub struct Pool {
    /// Anchors with names of their own. The first is the client's.
    pub various: Vec<Certificate>,
    /// Anchors of one name. The middle one is the client's.
    pub namesakes: Vec<Certificate>,
    /// The client of the first of the various.
    pub client: Client,
    /// One whose issuer is one of the namesakes, told by a key identifier.
    pub identified: Vec<CertificateDer<'static>>,
    /// The same without a key identifier.
    pub bare: Vec<CertificateDer<'static>>,
    /// The same, which presents its anchor too.
    pub presenting: Vec<CertificateDer<'static>>,
    /// One of an issuer of that name that is none of them, told by a key identifier.
    pub stranger: Vec<CertificateDer<'static>>,
    /// The same without a key identifier.
    pub bare_stranger: Vec<CertificateDer<'static>>,
}

struct Root {
    params: CertificateParams,
    key: KeyPair,
    der: Vec<u8>,
}

/// Makes the certificates, of various names so many.
pub fn make(directory: &Path, various: usize) {
    let half = various / 2;
    let (first, second) = std::thread::scope(|scope| {
        let second = scope.spawn(|| roots(half..various, |place| format!("Root {place}")));
        let first = roots(0..half, |place| format!("Root {place}"));
        (first, second.join().unwrap())
    });
    let own = &first[0];
    let client = leaf(own, true);
    write_pieces(&directory.join("client"), [&client.0[..], &client.1]);
    let ders = first.iter().chain(&second).map(|root| &root.der[..]);
    write_pieces(&directory.join("various"), ders);

    let namesakes = roots(0..NAMESAKES, |_| ONE_NAME.to_owned());
    // In each number that is measured: the first ones are taken.
    let (issuer, other) = (&namesakes[0], &roots(0..1, |_| ONE_NAME.to_owned())[0]);
    let leaves = [
        leaf(issuer, true).0,
        leaf(issuer, false).0,
        leaf(other, true).0,
        leaf(other, false).0,
    ];
    write_pieces(&directory.join("leaves"), leaves.iter().map(Vec::as_slice));
    let ders = namesakes.iter().map(|root| &root.der[..]);
    write_pieces(&directory.join("namesakes"), ders);
}

impl Pool {
    /// Reads the certificates, of those with various names so many.
    pub fn read(directory: &Path, various: usize) -> Self {
        let certificates = |name: &str, most: usize| -> Vec<Certificate> {
            let ders = pieces(&directory.join(name)).into_iter().take(most);
            ders.map(|der| Certificate::from_der(&der).unwrap())
                .collect()
        };
        let mut client = pieces(&directory.join("client"));
        let key = client.pop().unwrap();
        let namesakes = certificates("namesakes", NAMESAKES);
        let leaves: Vec<CertificateDer<'static>> = pieces(&directory.join("leaves"))
            .into_iter()
            .map(CertificateDer::from)
            .collect();
        let [identified, bare, stranger, bare_stranger] = leaves.as_slice() else {
            panic!("four leaves");
        };
        let anchor = CertificateDer::from(namesakes[0].der().to_vec());
        Self {
            various: certificates("various", various),
            client: Client {
                chain: client.into_iter().map(CertificateDer::from).collect(),
                key,
            },
            identified: vec![identified.clone()],
            bare: vec![bare.clone()],
            presenting: vec![bare.clone(), anchor],
            stranger: vec![stranger.clone()],
            bare_stranger: vec![bare_stranger.clone()],
            namesakes,
        }
    }
}

fn roots(places: std::ops::Range<usize>, name: impl Fn(usize) -> String) -> Vec<Root> {
    let root = |place| {
        let key = KeyPair::generate().unwrap();
        let mut params = named(&name(place));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Root { params, key, der }
    };
    places.map(root).collect()
}

/// A client's certificate and its key.
fn leaf(issuer: &Root, key_identifier: bool) -> (Vec<u8>, Vec<u8>) {
    let mut params = named("client");
    params.use_authority_key_identifier_extension = key_identifier;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::from_params(&issuer.params, &issuer.key);
    let der = params.signed_by(&key, &issuer).unwrap().der().to_vec();
    (der, key.serialize_der())
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params
}
