//! The row of a source of revocation lists.

use serde::{Deserialize, Serialize};

use crate::domain::crl_source::{CrlSource, CrlUrl};
use crate::domain::name::CrlSourceName;
use crate::store::row::codec::{self, RowError};
use crate::store::seal::RowSeal;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CrlSourceRowV1 {
    url: String,
    added: i64,
    updated: i64,
}

/// The row of a source.
pub(crate) fn encode(of: &CrlSource, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let row = CrlSourceRowV1 {
        url: of.url.to_string(),
        added: of.added.unix_millis(),
        updated: of.updated.unix_millis(),
    };
    codec::encode(VERSION, &row, seal)
}

/// The source of a row.
pub(crate) fn decode(name: &str, row: &[u8], seal: &RowSeal<'_>) -> Result<CrlSource, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    let row: CrlSourceRowV1 = codec::decode(body)?;
    Ok(CrlSource {
        name: CrlSourceName::parse(name)?,
        url: CrlUrl::parse(&row.url)?,
        added: codec::moment(row.added),
        updated: codec::moment(row.updated),
    })
}
