//! The row of a realm. What belongs to the realm has rows of its own.

use serde::{Deserialize, Serialize};

use crate::domain::name::RealmName;
use crate::domain::realm::{Realm, RealmState};
use crate::store::row::codec::{self, RowError};
use crate::store::seal::RowSeal;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RealmRowV1 {
    state: StateV1,
    created: i64,
    next_installation: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StateV1 {
    Active,
    Suspended,
}

/// The row of a realm.
pub(crate) fn encode(realm: &Realm, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let row = RealmRowV1 {
        state: match realm.state {
            RealmState::Active => StateV1::Active,
            RealmState::Suspended => StateV1::Suspended,
        },
        created: realm.created.unix_millis(),
        next_installation: realm.next_installation,
    };
    codec::encode(VERSION, &row, seal)
}

/// The realm of a row, with nothing in it.
pub(crate) fn decode(name: &str, row: &[u8], seal: &RowSeal<'_>) -> Result<Realm, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    let row: RealmRowV1 = codec::decode(body)?;
    let mut realm = Realm::new(RealmName::parse(name)?, codec::moment(row.created));
    realm.state = match row.state {
        StateV1::Active => RealmState::Active,
        StateV1::Suspended => RealmState::Suspended,
    };
    realm.next_installation = row.next_installation;
    Ok(realm)
}
