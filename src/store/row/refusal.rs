//! The row of a refusal.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::environment::Gateway;
use crate::domain::name::RealmName;
use crate::domain::refusal::{PresentedChain, RefusalRecord, ShownCertificate};
use crate::store::row::codec::{self, Bytes, RowError};
use crate::store::seal::RowSeal;

/// 2 added the chain that was shown.
const VERSION: u8 = 2;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusalRowV1<'a> {
    at: i64,
    gateway: &'a str,
    environment: Option<&'a str>,
    address: String,
    server_name: Option<&'a str>,
    reason: &'a str,
    sentence: &'a str,
    #[serde(borrow)]
    certificate: Option<ShownV1<'a>>,
    left_out: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusalRowV2<'a> {
    at: i64,
    gateway: &'a str,
    environment: Option<&'a str>,
    address: String,
    server_name: Option<&'a str>,
    reason: &'a str,
    sentence: &'a str,
    #[serde(borrow)]
    certificate: Option<ShownV1<'a>>,
    left_out: u64,
    /// The certificates as they came, the client's own first.
    #[serde(borrow)]
    chain: Vec<Bytes<'a>>,
    chain_left_out: u32,
}

impl<'a> From<RefusalRowV1<'a>> for RefusalRowV2<'a> {
    fn from(row: RefusalRowV1<'a>) -> Self {
        let RefusalRowV1 {
            at,
            gateway,
            environment,
            address,
            server_name,
            reason,
            sentence,
            certificate,
            left_out,
        } = row;
        Self {
            at,
            gateway,
            environment,
            address,
            server_name,
            reason,
            sentence,
            certificate,
            left_out,
            chain: Vec::new(),
            chain_left_out: 0,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShownV1<'a> {
    subject: &'a str,
    issuer: &'a str,
    serial: &'a str,
    fingerprint: &'a str,
    not_before: i64,
    not_after: i64,
}

/// The row of a refusal. Whose it is stands in its key.
pub(crate) fn encode(of: &RefusalRecord, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let chain = of.chain.as_ref();
    let row = RefusalRowV2 {
        at: of.at.unix_millis(),
        gateway: of.gateway.as_str(),
        environment: of.environment.map(|environment| environment.as_str()),
        address: of.address.to_string(),
        server_name: of.server_name.as_deref(),
        reason: &of.reason,
        sentence: &of.sentence,
        certificate: of.certificate.as_ref().map(|shown| ShownV1 {
            subject: &shown.subject,
            issuer: &shown.issuer,
            serial: &shown.serial,
            fingerprint: &shown.fingerprint,
            not_before: shown.not_before.unix_millis(),
            not_after: shown.not_after.unix_millis(),
        }),
        left_out: of.left_out,
        chain: chain.map_or_else(Vec::new, |chain| {
            chain.certificates().map(Bytes::of).collect()
        }),
        chain_left_out: chain.map_or(0, PresentedChain::left_out),
    };
    codec::encode(VERSION, &row, seal)
}

/// The refusal of a row of `realm`, empty for the operator's own.
pub(crate) fn decode(
    realm: &str,
    row: &[u8],
    seal: &RowSeal<'_>,
) -> Result<RefusalRecord, RowError> {
    let (version, body) = codec::open(VERSION, row, seal)?;
    let row: RefusalRowV2<'_> = if version < 2 {
        codec::decode::<RefusalRowV1<'_>>(body)?.into()
    } else {
        codec::decode(body)?
    };
    let chain = row.chain.iter().map(|one| Box::from(&*one.0)).collect();
    let realm = Some(realm).filter(|name| !name.is_empty());
    Ok(RefusalRecord {
        at: codec::moment(row.at),
        realm: realm.map(RealmName::parse).transpose()?,
        gateway: Gateway::parse(row.gateway)?,
        environment: codec::environment(row.environment)?,
        address: row.address.parse()?,
        server_name: row.server_name.map(str::to_owned),
        reason: Cow::Owned(row.reason.to_owned()),
        sentence: row.sentence.to_owned(),
        certificate: row.certificate.map(|shown| ShownCertificate {
            subject: shown.subject.to_owned(),
            issuer: shown.issuer.to_owned(),
            serial: shown.serial.to_owned(),
            fingerprint: shown.fingerprint.to_owned(),
            not_before: codec::moment(shown.not_before),
            not_after: codec::moment(shown.not_after),
        }),
        chain: PresentedChain::kept(chain, row.chain_left_out),
        left_out: row.left_out,
    })
}
