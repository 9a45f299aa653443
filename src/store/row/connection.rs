//! The row of a connection.

use serde::{Deserialize, Serialize};

use crate::domain::address::BaseUrl;
use crate::domain::connection::{Connection, ConnectionLimits, ServerTrust};
use crate::domain::environment::PerEnvironment;
use crate::domain::name::{AccountName, ConnectionName};
use crate::store::row::codec::{self, RowError};
use crate::store::seal::RowSeal;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectionRowV1<'a> {
    revision: u64,
    test_url: Option<String>,
    prod_url: Option<String>,
    #[serde(borrow)]
    trust: TrustV1<'a>,
    connect_timeout_ms: u32,
    idle_connections_max: u16,
    idle_timeout_ms: u32,
    updated: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TrustV1<'a> {
    SystemRoots,
    Account(&'a str),
}

/// The row of a connection.
pub(crate) fn encode(of: &Connection, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let row = ConnectionRowV1 {
        revision: of.revision,
        test_url: of.base_url.test.as_ref().map(BaseUrl::to_string),
        prod_url: of.base_url.prod.as_ref().map(BaseUrl::to_string),
        trust: match &of.trust {
            ServerTrust::SystemRoots => TrustV1::SystemRoots,
            ServerTrust::Account(account) => TrustV1::Account(account.as_str()),
        },
        connect_timeout_ms: of.limits.connect_timeout_ms,
        idle_connections_max: of.limits.idle_connections_max,
        idle_timeout_ms: of.limits.idle_timeout_ms,
        updated: of.updated.unix_millis(),
    };
    codec::encode(VERSION, &row, seal)
}

/// The connection of a row.
pub(crate) fn decode(name: &str, row: &[u8], seal: &RowSeal<'_>) -> Result<Connection, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    let row: ConnectionRowV1<'_> = codec::decode(body)?;
    let url = |text: Option<String>| text.as_deref().map(BaseUrl::parse).transpose();
    Ok(Connection {
        name: ConnectionName::parse(name)?,
        revision: row.revision,
        base_url: PerEnvironment {
            test: url(row.test_url)?,
            prod: url(row.prod_url)?,
        },
        trust: match row.trust {
            TrustV1::SystemRoots => ServerTrust::SystemRoots,
            TrustV1::Account(account) => ServerTrust::Account(AccountName::parse(account)?),
        },
        limits: ConnectionLimits {
            connect_timeout_ms: row.connect_timeout_ms,
            idle_connections_max: row.idle_connections_max,
            idle_timeout_ms: row.idle_timeout_ms,
        },
        updated: codec::moment(row.updated),
    })
}
