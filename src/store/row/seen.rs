//! The rows of a client that was seen, and of the use of a trust anchor.

use serde::{Deserialize, Serialize};

use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::domain::seen::{AnchorUse, SeenClient};
use crate::pki::fingerprint::Fingerprint;
use crate::store::row::codec::{self, Bytes, RowError};
use crate::store::seal::RowSeal;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientRowV1<'a> {
    subject: &'a str,
    #[serde(borrow)]
    sans: Vec<&'a str>,
    issuer: &'a str,
    serial: &'a str,
    spki_sha256: Bytes<'a>,
    not_after: i64,
    anchor: Bytes<'a>,
    anchor_subject: &'a str,
    account: &'a str,
    chain: Vec<Bytes<'a>>,
    chain_cut: bool,
    first: i64,
    last: i64,
    handshakes: u64,
    full_handshakes: u64,
    address: String,
    tls: &'a str,
    protocol: &'a str,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnchorRowV1 {
    handshakes: u64,
    first: i64,
    last: i64,
}

/// The row of a client that was seen. Whose it is, and which, stands in its key.
pub(crate) fn encode_client(of: &SeenClient, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let row = ClientRowV1 {
        subject: &of.subject,
        sans: of.sans.iter().map(String::as_str).collect(),
        issuer: &of.issuer,
        serial: &of.serial,
        spki_sha256: Bytes::of(of.spki_sha256.as_bytes()),
        not_after: of.not_after.unix_millis(),
        anchor: Bytes::of(of.anchor.as_bytes()),
        anchor_subject: &of.anchor_subject,
        account: &of.account,
        chain: of.chain.iter().map(|der| Bytes::of(der)).collect(),
        chain_cut: of.chain_cut,
        first: of.first.unix_millis(),
        last: of.last.unix_millis(),
        handshakes: of.handshakes,
        full_handshakes: of.full_handshakes,
        address: of.address.to_string(),
        tls: &of.tls,
        protocol: &of.protocol,
    };
    codec::encode(VERSION, &row, seal)
}

/// The client of a row of `realm`.
pub(crate) fn decode_client(
    realm: &str,
    environment: &str,
    sha256: &str,
    row: &[u8],
    seal: &RowSeal<'_>,
) -> Result<SeenClient, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    let row: ClientRowV1<'_> = codec::decode(body)?;
    Ok(SeenClient {
        realm: RealmName::parse(realm)?,
        environment: Environment::parse(environment)?,
        fingerprint: key(sha256)?,
        subject: row.subject.to_owned(),
        sans: row.sans.into_iter().map(str::to_owned).collect(),
        issuer: row.issuer.to_owned(),
        serial: row.serial.to_owned(),
        spki_sha256: fingerprint("key", &row.spki_sha256)?,
        not_after: codec::moment(row.not_after),
        anchor: fingerprint("anchor", &row.anchor)?,
        anchor_subject: row.anchor_subject.to_owned(),
        account: row.account.to_owned(),
        chain: row
            .chain
            .into_iter()
            .map(|der| der.0.into_owned())
            .collect(),
        chain_cut: row.chain_cut,
        first: codec::moment(row.first),
        last: codec::moment(row.last),
        handshakes: row.handshakes,
        full_handshakes: row.full_handshakes,
        address: row.address.parse()?,
        tls: row.tls.to_owned(),
        protocol: row.protocol.to_owned(),
    })
}

/// The row of the use of a trust anchor. Which one stands in its key.
pub(crate) fn encode_anchor(of: &AnchorUse, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let row = AnchorRowV1 {
        handshakes: of.handshakes,
        first: of.first.unix_millis(),
        last: of.last.unix_millis(),
    };
    codec::encode(VERSION, &row, seal)
}

/// The use of a trust anchor of a row.
pub(crate) fn decode_anchor(
    sha256: &str,
    row: &[u8],
    seal: &RowSeal<'_>,
) -> Result<AnchorUse, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    let row: AnchorRowV1 = codec::decode(body)?;
    Ok(AnchorUse {
        anchor: key(sha256)?,
        handshakes: row.handshakes,
        first: codec::moment(row.first),
        last: codec::moment(row.last),
    })
}

fn key(sha256: &str) -> Result<Fingerprint, RowError> {
    Fingerprint::parse(sha256).map_err(|_| RowError::UnknownWord { field: "SHA-256" })
}

fn fingerprint(field: &'static str, bytes: &Bytes<'_>) -> Result<Fingerprint, RowError> {
    let bytes = <[u8; 32]>::try_from(&*bytes.0).map_err(|_| RowError::Range { field })?;
    Ok(Fingerprint::from_bytes(bytes))
}
