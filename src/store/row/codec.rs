//! How every row is written and read: version, tag, and a MessagePack map with named fields.

use std::borrow::Cow;
use std::fmt;
use std::net::AddrParseError;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Moment;
use crate::domain::address::InvalidBaseUrl;
use crate::domain::crl_source::InvalidCrlUrl;
use crate::domain::environment::{Environment, InvalidWord};
use crate::domain::name::InvalidName;
use crate::domain::template::InvalidTemplate;
use crate::domain::trigger::InvalidTrigger;
use crate::pki::certificate::InvalidCertificate;
use crate::pki::crl::InvalidCrl;
use crate::pki::distinguished::InvalidDistinguishedName;
use crate::pki::key::InvalidKey;
use crate::rule::invalid::InvalidClientRule;
use crate::store::seal::{RowSeal, SealError, TAG_BYTES};

/// Why a row cannot be read, or made.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// A version that only a later realmgate knows.
    #[error("it was written by a newer realmgate (version {version}, known up to {known})")]
    Newer {
        /// The row's version.
        version: u8,
        /// The latest version known here.
        known: u8,
    },
    /// A row without a tag, or whose tag is another's.
    #[error("it was damaged, or moved here from another place")]
    Damaged,
    /// A row of a realm that is not there.
    #[error("it belongs to a realm that is not there")]
    Orphan,
    /// A body that is not the map it should be.
    #[error("its content cannot be decoded ({0})")]
    Undecodable(#[from] rmp_serde::decode::Error),
    /// A body that cannot be written.
    #[error("its content cannot be encoded ({0})")]
    Unencodable(#[from] rmp_serde::encode::Error),
    /// A sealed value.
    #[error("{0}")]
    Seal(#[from] SealError),
    /// A name.
    #[error("{0}")]
    Name(#[from] InvalidName),
    /// One of a few words.
    #[error("{0}")]
    Word(#[from] InvalidWord),
    /// A word of a few that only the store uses.
    #[error("its {field} is none that is known")]
    UnknownWord {
        /// The field.
        field: &'static str,
    },
    /// A number or a length out of its range.
    #[error("its {field} is out of range")]
    Range {
        /// The field.
        field: &'static str,
    },
    /// A certificate.
    #[error("{0}")]
    Certificate(#[from] InvalidCertificate),
    /// A revocation list.
    #[error("{0}")]
    Crl(#[from] InvalidCrl),
    /// A distinguished name.
    #[error("{0}")]
    DistinguishedName(#[from] InvalidDistinguishedName),
    /// A private key.
    #[error("{0}")]
    Key(#[from] InvalidKey),
    /// A trigger.
    #[error("{0}")]
    Trigger(#[from] InvalidTrigger),
    /// A client rule.
    #[error("{0}")]
    ClientRule(#[from] InvalidClientRule),
    /// A mock's document that is no JSON.
    #[error("its document is no JSON ({0})")]
    Json(#[from] serde_json::Error),
    /// A mock's document that is no template.
    #[error("{0}")]
    Template(#[from] InvalidTemplate),
    /// A base URL.
    #[error("{0}")]
    BaseUrl(#[from] InvalidBaseUrl),
    /// The URL of a source of revocation lists.
    #[error("{0}")]
    CrlUrl(#[from] InvalidCrlUrl),
    /// An IP address.
    #[error("its address is none ({0})")]
    Address(#[from] AddrParseError),
}

/// Writes a row: version, tag, body.
pub(crate) fn encode<T: Serialize>(
    version: u8,
    row: &T,
    seal: &RowSeal<'_>,
) -> Result<Vec<u8>, RowError> {
    let body = rmp_serde::to_vec_named(row)?;
    let tag = seal.tag(version, &body);
    Ok([[version].as_slice(), &tag, &body].concat())
}

/// Takes a row apart into its version, which is `known` at most, and its body, which was written for this place.
pub(crate) fn open<'a>(
    known: u8,
    row: &'a [u8],
    seal: &RowSeal<'_>,
) -> Result<(u8, &'a [u8]), RowError> {
    let (version, rest) = row.split_first().ok_or(RowError::Damaged)?;
    if *version > known {
        return Err(RowError::Newer {
            version: *version,
            known,
        });
    }
    let (tag, body) = rest.split_at_checked(TAG_BYTES).ok_or(RowError::Damaged)?;
    if !seal.is_tagged(*version, body, tag) {
        return Err(RowError::Damaged);
    }
    Ok((*version, body))
}

/// Reads a body that borrows from the row.
pub(crate) fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, RowError> {
    Ok(rmp_serde::from_slice(body)?)
}

/// Bytes in a row: MessagePack's binary form, read without a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bytes<'a>(pub(crate) Cow<'a, [u8]>);

impl<'a> Bytes<'a> {
    /// Bytes that lie elsewhere.
    pub(crate) const fn of(bytes: &'a [u8]) -> Self {
        Self(Cow::Borrowed(bytes))
    }
}

impl From<Vec<u8>> for Bytes<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Cow::Owned(bytes))
    }
}

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;
        impl<'de> Visitor<'de> for Borrowing {
            type Value = Bytes<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Bytes::of(bytes))
            }
        }
        deserializer.deserialize_bytes(Borrowing)
    }
}

/// A moment as rows have it: milliseconds since the Unix epoch.
pub(crate) const fn moment(millis: i64) -> Moment {
    Moment::from_unix_millis(millis)
}

/// An environment's word, or nothing.
pub(crate) fn environment(word: Option<&str>) -> Result<Option<Environment>, RowError> {
    Ok(word.map(Environment::parse).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::master_key::MasterKey;
    use crate::store::seal::StoreKeys;
    use crate::store::tables::Table;

    #[test]
    fn a_row_is_read_at_its_place_only_and_every_damaged_byte_is_noticed() {
        let (keys, _) = StoreKeys::create(&MasterKey::from_bytes([1; 32])).unwrap();
        let table = keys.table(Table::Realms).unwrap();
        let row = encode(1, &("a", 1), &table.at("", "acme")).unwrap();
        let (version, body) = open(1, &row, &table.at("", "acme")).unwrap();
        assert_eq!(
            (version, decode::<(&str, u8)>(body).unwrap()),
            (1, ("a", 1))
        );
        assert!(matches!(
            open(1, &row, &table.at("", "globex")),
            Err(RowError::Damaged)
        ));
        for place in 0..row.len() {
            let mut damaged = row.clone();
            damaged[place] ^= 1;
            assert!(
                open(1, &damaged, &table.at("", "acme")).is_err(),
                "byte {place}"
            );
            assert!(
                open(1, &row[..place], &table.at("", "acme")).is_err(),
                "cut at {place}"
            );
        }
    }

    #[test]
    fn a_newer_version_is_named_before_anything_else_is_looked_at() {
        let (keys, _) = StoreKeys::create(&MasterKey::from_bytes([1; 32])).unwrap();
        let table = keys.table(Table::Realms).unwrap();
        let error = open(1, &[2], &table.at("", "acme")).unwrap_err();
        assert!(matches!(
            error,
            RowError::Newer {
                version: 2,
                known: 1
            }
        ));
    }
}
