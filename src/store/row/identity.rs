//! The rows of the server's authority and of its identities. Their private keys are sealed.

use serde::{Deserialize, Serialize};

use crate::domain::identity::{
    IdentityCertificate, IdentitySlot, Origin, ServerAuthority, ServerIdentity,
};
use crate::pki::key::PrivateKey;
use crate::store::row::codec::{self, Bytes, RowError};
use crate::store::row::installation::{Certificates, der};
use crate::store::seal::RowSeal;

const AUTHORITY_VERSION: u8 = 1;
const VERSION: u8 = 1;

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
