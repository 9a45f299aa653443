//! The row of an audit record.

use serde::{Deserialize, Serialize};

use crate::domain::audit::AuditRecord;
use crate::domain::name::RealmName;
use crate::store::row::codec::{self, RowError};
use crate::store::seal::RowSeal;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditRowV1<'a> {
    revision: u64,
    at: i64,
    actor: &'a str,
    role: &'a str,
    address: Option<String>,
    action: &'a str,
    realm: Option<&'a str>,
    environment: Option<&'a str>,
    object: &'a str,
    #[serde(borrow)]
    detail: Vec<(&'a str, &'a str)>,
}

/// The row of an audit record.
pub(crate) fn encode(record: &AuditRecord, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let detail = record.detail.iter();
    let row = AuditRowV1 {
        revision: record.revision,
        at: record.at.unix_millis(),
        actor: &record.actor,
        role: &record.role,
        address: record.address.map(|address| address.to_string()),
        action: &record.action,
        realm: record.realm.as_ref().map(RealmName::as_str),
        environment: record.environment.map(|environment| environment.as_str()),
        object: &record.object,
        detail: detail
            .map(|(fact, value)| (fact.as_str(), value.as_str()))
            .collect(),
    };
    codec::encode(VERSION, &row, seal)
}

/// The audit record of a row.
pub(crate) fn decode(
    sequence: u64,
    row: &[u8],
    seal: &RowSeal<'_>,
) -> Result<AuditRecord, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    let row: AuditRowV1<'_> = codec::decode(body)?;
    let detail = row.detail.into_iter();
    Ok(AuditRecord {
        sequence,
        revision: row.revision,
        at: codec::moment(row.at),
        actor: row.actor.to_owned(),
        role: row.role.to_owned(),
        address: row.address.map(|address| address.parse()).transpose()?,
        action: row.action.to_owned(),
        realm: row.realm.map(RealmName::parse).transpose()?,
        environment: codec::environment(row.environment)?,
        object: row.object.to_owned(),
        detail: detail
            .map(|(fact, value)| (fact.to_owned(), value.to_owned()))
            .collect(),
    })
}
