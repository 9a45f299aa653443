//! The rows of the server's authority and of its identities. Their private keys are sealed.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::environment::{Environment, Gateway};
use crate::domain::identity::{
    IdentityCertificate, IdentitySlot, KeptCertificate, Origin, RealmIdentity, ServerAuthority,
    ServerIdentity,
};
use crate::domain::name::RealmName;
use crate::pki::key::{KeptKey, PrivateKey};
use crate::store::row::codec::{self, Bytes, RowError};
use crate::store::row::installation::{Certificates, der};
use crate::store::seal::RowSeal;

const AUTHORITY_VERSION: u8 = 1;
const VERSION: u8 = 1;
/// Of a realm's own identity. Not 1, so that a realmgate that knows none of them names a newer one rather than damage.
const REALM_VERSION: u8 = 2;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorityRowV1<'a> {
    #[serde(borrow)]
    certificate: Bytes<'a>,
    #[serde(borrow)]
    sealed_key: Bytes<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityRowV1<'a> {
    origin: OriginV1,
    updated: i64,
    #[serde(borrow)]
    certificates: Vec<IdentityCertificateV1<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OriginV1 {
    Generated,
    Provided,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityCertificateV1<'a> {
    #[serde(borrow)]
    chain: Vec<Bytes<'a>>,
    #[serde(borrow)]
    sealed_key: Bytes<'a>,
}

/// The row of the server's authority.
pub(crate) fn encode_authority(
    authority: &ServerAuthority,
    seal: &RowSeal<'_>,
) -> Result<Vec<u8>, RowError> {
    let row = AuthorityRowV1 {
        certificate: Bytes::of(authority.certificate.der()),
        sealed_key: seal.seal("", "key", authority.key.pkcs8())?.into(),
    };
    codec::encode(AUTHORITY_VERSION, &row, seal)
}

/// The server's authority of a row.
pub(crate) fn decode_authority(
    row: &[u8],
    seal: &RowSeal<'_>,
    certificates: &mut Certificates,
) -> Result<ServerAuthority, RowError> {
    let (_, body) = codec::open(AUTHORITY_VERSION, row, seal)?;
    let row: AuthorityRowV1<'_> = codec::decode(body)?;
    Ok(ServerAuthority {
        certificate: certificates.read(&row.certificate.0)?,
        key: PrivateKey::from_der(&seal.open("", "key", &row.sealed_key.0)?)?,
    })
}

/// The row of a server identity.
pub(crate) fn encode(of: &ServerIdentity, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let mut certificates = Vec::new();
    for (position, certificate) in of.certificates.iter().enumerate() {
        let sealed = seal.seal(&position.to_string(), "key", certificate.key.pkcs8())?;
        let chain = der(&certificate.chain);
        certificates.push(IdentityCertificateV1 {
            chain,
            sealed_key: sealed.into(),
        });
    }
    let row = IdentityRowV1 {
        origin: match of.origin {
            Origin::Generated => OriginV1::Generated,
            Origin::Provided => OriginV1::Provided,
        },
        updated: of.updated.unix_millis(),
        certificates,
    };
    codec::encode(VERSION, &row, seal)
}

/// The row of a realm's own identity.
pub(crate) fn encode_own(of: &RealmIdentity, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let mut certificates = Vec::new();
    for (position, kept) in of.certificates.iter().enumerate() {
        let sealed = seal.seal(&position.to_string(), "key", kept.key.pkcs8())?;
        let chain = kept.chain.iter().map(|one| Bytes::of(one));
        certificates.push(IdentityCertificateV1 {
            chain: chain.collect(),
            sealed_key: sealed.into(),
        });
    }
    let row = IdentityRowV1 {
        origin: OriginV1::Provided,
        updated: of.updated.unix_millis(),
        certificates,
    };
    codec::encode(REALM_VERSION, &row, seal)
}

/// A realm's own identity of a row. Certificates and keys are left as the bytes that they were when they were checked and
/// stored: the row's tag and the key's seal say that they still are.
pub(crate) fn decode_own(
    row: &[u8],
    seal: &RowSeal<'_>,
    issuers: &mut Issuers,
) -> Result<RealmIdentity, RowError> {
    let (_, body) = codec::open(REALM_VERSION, row, seal)?;
    let row: IdentityRowV1<'_> = codec::decode(body)?;
    let mut certificates = Vec::with_capacity(row.certificates.len());
    for (position, certificate) in row.certificates.iter().enumerate() {
        let key = seal.open(&position.to_string(), "key", &certificate.sealed_key.0)?;
        let chain = certificate.chain.iter().enumerate();
        let chain = chain.map(|(place, der)| match place {
            0 => der.0.as_ref().into(),
            _ => issuers.shared(&der.0),
        });
        certificates.push(KeptCertificate {
            chain: chain.collect(),
            key: KeptKey::kept(key),
        });
    }
    Ok(RealmIdentity {
        certificates,
        updated: codec::moment(row.updated),
    })
}

/// The realm and the environment of a row's key, where it is a realm's own identity's.
pub(crate) fn own_place(slot: &str) -> Option<(RealmName, Environment)> {
    let (gateway, rest) = slot.split_once('/')?;
    let (environment, realm) = rest.split_once('/')?;
    let environment = Environment::parse(environment).ok()?;
    let realm = RealmName::parse(realm).ok()?;
    (gateway == Gateway::Mtls.as_str()).then_some((realm, environment))
}

/// The issuers that realms' chains have in common, each held once.
#[derive(Default)]
pub(crate) struct Issuers(HashSet<Arc<[u8]>>);

impl Issuers {
    fn shared(&mut self, der: &[u8]) -> Arc<[u8]> {
        if let Some(known) = self.0.get(der) {
            return Arc::clone(known);
        }
        let held: Arc<[u8]> = der.into();
        self.0.insert(Arc::clone(&held));
        held
    }
}

/// The server identity of a row.
pub(crate) fn decode(
    slot: &str,
    row: &[u8],
    seal: &RowSeal<'_>,
    certificates: &mut Certificates,
) -> Result<ServerIdentity, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    let row: IdentityRowV1<'_> = codec::decode(body)?;
    let slot = IdentitySlot::all().find(|known| known.to_string() == slot);
    let mut opened = Vec::new();
    for (position, certificate) in row.certificates.iter().enumerate() {
        let key = seal.open(&position.to_string(), "key", &certificate.sealed_key.0)?;
        let chain = certificates.read_all(&certificate.chain)?;
        opened.push(IdentityCertificate {
            chain,
            key: PrivateKey::from_der(&key)?,
        });
    }
    Ok(ServerIdentity {
        slot: slot.ok_or(RowError::UnknownWord { field: "slot" })?,
        origin: match row.origin {
            OriginV1::Generated => Origin::Generated,
            OriginV1::Provided => Origin::Provided,
        },
        certificates: opened,
        updated: codec::moment(row.updated),
    })
}
