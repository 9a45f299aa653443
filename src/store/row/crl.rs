//! The row of a revocation list.

use serde::{Deserialize, Serialize};

use crate::domain::revocation::RevocationList;
use crate::pki::crl::Crl;
use crate::store::row::codec::{self, Bytes, RowError};
use crate::store::seal::RowSeal;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CrlRowV1<'a> {
    #[serde(borrow)]
    der: Bytes<'a>,
    added: i64,
}

/// The row of a revocation list.
pub(crate) fn encode(of: &RevocationList, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let row = CrlRowV1 {
        der: Bytes::of(of.crl.der()),
        added: of.added.unix_millis(),
    };
    codec::encode(VERSION, &row, seal)
}

/// The revocation list of a row.
pub(crate) fn decode(row: &[u8], seal: &RowSeal<'_>) -> Result<RevocationList, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    let row: CrlRowV1<'_> = codec::decode(body)?;
    Ok(RevocationList {
        crl: Crl::from_der(&row.der.0)?,
        added: codec::moment(row.added),
    })
}
