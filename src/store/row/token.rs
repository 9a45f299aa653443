//! The row of an access token. Of its secret the hash is kept, and nothing else.

use serde::{Deserialize, Serialize};

use crate::domain::name::{RealmName, TokenName};
use crate::domain::token::{Role, Token};
use crate::pki::fingerprint::Fingerprint;
use crate::store::row::codec::{self, Bytes, RowError};
use crate::store::seal::RowSeal;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenRowV1<'a> {
    #[serde(borrow)]
    role: RoleV1<'a>,
    #[serde(borrow)]
    hash: Bytes<'a>,
    created: i64,
    expires: Option<i64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RoleV1<'a> {
    Operator,
    RealmAdmin(&'a str),
    Auditor,
}

/// The row of an access token.
pub(crate) fn encode(token: &Token, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let row = TokenRowV1 {
        role: match &token.role {
            Role::Operator => RoleV1::Operator,
            Role::RealmAdmin(realm) => RoleV1::RealmAdmin(realm.as_str()),
            Role::Auditor => RoleV1::Auditor,
        },
        hash: Bytes::of(token.hash.as_bytes()),
        created: token.created.unix_millis(),
        expires: token.expires.map(|end| end.unix_millis()),
    };
    codec::encode(VERSION, &row, seal)
}

/// The access token of a row.
pub(crate) fn decode(name: &str, row: &[u8], seal: &RowSeal<'_>) -> Result<Token, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    let row: TokenRowV1<'_> = codec::decode(body)?;
    let hash = <[u8; 32]>::try_from(&*row.hash.0).map_err(|_| RowError::Range { field: "hash" })?;
    Ok(Token {
        name: TokenName::parse(name)?,
        role: match row.role {
            RoleV1::Operator => Role::Operator,
            RoleV1::RealmAdmin(realm) => Role::RealmAdmin(RealmName::parse(realm)?),
            RoleV1::Auditor => Role::Auditor,
        },
        hash: Fingerprint::from_bytes(hash),
        created: codec::moment(row.created),
        expires: row.expires.map(codec::moment),
    })
}
