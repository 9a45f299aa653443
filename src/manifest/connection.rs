//! Connections of a manifest: their two-formed values, and what becomes of them.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::domain::address::BaseUrl;
use crate::domain::command::Command;
use crate::domain::connection::{Connection, ConnectionLimits, ServerTrust};
use crate::domain::environment::PerEnvironment;
use crate::domain::name::{AccountName, ConnectionName, RealmName};
use crate::manifest::document::{BaseUrls, ConnectionBody};
use crate::manifest::text::{Text, Written};

/// The word for the authorities that the operating system trusts.
const SYSTEM: &str = "system";
/// The longest that connecting may take, in milliseconds.
const CONNECT_TIMEOUT_MS_MAX: u32 = 300_000;
/// The most unused connections that each worker keeps.
const IDLE_CONNECTIONS_MAX: u32 = 10_000;
/// The longest that an unused connection is kept, in milliseconds.
const IDLE_TIMEOUT_MS_MAX: u32 = 3_600_000;

/// Where a connection leads: one URL for both environments, or one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseUrlDocument {
    /// The same everywhere.
    Both(BaseUrl),
    /// Each its own.
    Each(BaseUrls),
}

impl<'de> Deserialize<'de> for BaseUrlDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BaseUrlVisitor)
    }
}

impl Serialize for BaseUrlDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Both(url) => serializer.serialize_str(&url.to_string()),
            Self::Each(urls) => urls.serialize(serializer),
        }
    }
}

struct BaseUrlVisitor;

impl<'de> Visitor<'de> for BaseUrlVisitor {
    type Value = BaseUrlDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL, or one for each of 'test' and 'prod'")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        BaseUrl::read(text)
            .map(BaseUrlDocument::Both)
            .map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        BaseUrls::deserialize(MapAccessDeserializer::new(map)).map(BaseUrlDocument::Each)
    }
}

/// Whom we trust at the other end: `"system"`, or `{ account = "…" }`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TrustDocument {
    /// The authorities that the operating system trusts.
    #[default]
    System,
    /// The certificates of an account.
    Account(AccountName),
}

impl<'de> Deserialize<'de> for TrustDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TrustVisitor)
    }
}

impl Serialize for TrustDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::System => serializer.serialize_str(SYSTEM),
            Self::Account(account) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("account", account.as_str())?;
                map.end()
            }
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct TrustedAccount {
    account: Text<AccountName>,
}

struct TrustVisitor;

impl<'de> Visitor<'de> for TrustVisitor {
    type Value = TrustDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"system\", or { account = \"…\" }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text == SYSTEM {
            Ok(TrustDocument::System)
        } else {
            Err(E::custom(format_args!(
                "no such trust: write \"system\", or {{ account = \"…\" }}"
            )))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let trusted = TrustedAccount::deserialize(MapAccessDeserializer::new(map))?;
        Ok(TrustDocument::Account(trusted.account.0))
    }
}

/// Why a connection of a manifest cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConnection {
    /// It leads nowhere.
    #[error("'base-url' names no environment: give a URL for test, prod or both")]
    LeadsNowhere,
    /// A bound that is out of bounds.
    #[error("'{key}' is {given}: write {least} to {most}")]
    OutOfBounds {
        /// Its key.
        key: &'static str,
        /// What was given.
        given: u32,
        /// The least that it may be.
        least: u32,
        /// The most that it may be.
        most: u32,
    },
}

/// The command that brings a connection to what its document says.
///
/// # Errors
/// [`InvalidConnection`].
pub fn command(
    realm: &RealmName,
    name: &ConnectionName,
    body: &ConnectionBody,
) -> Result<Command, InvalidConnection> {
    let base_url = match &body.base_url {
        BaseUrlDocument::Both(url) => PerEnvironment {
            test: Some(url.clone()),
            prod: Some(url.clone()),
        },
        BaseUrlDocument::Each(urls) => PerEnvironment {
            test: urls.test.clone().map(|url| url.0),
            prod: urls.prod.clone().map(|url| url.0),
        },
    };
    if base_url.iter().all(|(_, url)| url.is_none()) {
        return Err(InvalidConnection::LeadsNowhere);
    }
    let trust = match &body.trust {
        TrustDocument::System => ServerTrust::SystemRoots,
        TrustDocument::Account(account) => ServerTrust::Account(account.clone()),
    };
    Ok(Command::SaveConnection {
        realm: realm.clone(),
        name: name.clone(),
        base_url,
        trust,
        limits: limits(body)?,
    })
}

fn limits(body: &ConnectionBody) -> Result<ConnectionLimits, InvalidConnection> {
    let default = ConnectionLimits::default();
    let limits = ConnectionLimits {
        connect_timeout_ms: body
            .connect_timeout_ms
            .unwrap_or(default.connect_timeout_ms),
        idle_connections_max: body
            .idle_connections_max
            .unwrap_or(default.idle_connections_max),
        idle_timeout_ms: body.idle_timeout_ms.unwrap_or(default.idle_timeout_ms),
    };
    let bounds = [
        (
            "connect-timeout-ms",
            limits.connect_timeout_ms,
            1,
            CONNECT_TIMEOUT_MS_MAX,
        ),
        (
            "idle-connections-max",
            u32::from(limits.idle_connections_max),
            0,
            IDLE_CONNECTIONS_MAX,
        ),
        (
            "idle-timeout-ms",
            limits.idle_timeout_ms,
            1,
            IDLE_TIMEOUT_MS_MAX,
        ),
    ];
    for (key, given, least, most) in bounds {
        if given < least || given > most {
            return Err(InvalidConnection::OutOfBounds {
                key,
                given,
                least,
                most,
            });
        }
    }
    Ok(limits)
}

/// A connection as its document: what a `PUT` of it would leave unchanged.
pub fn document(connection: &Connection) -> ConnectionBody {
    let PerEnvironment { test, prod } = connection.base_url.clone();
    let base_url = BaseUrlDocument::Each(BaseUrls {
        test: test.map(Text),
        prod: prod.map(Text),
    });
    ConnectionBody {
        base_url,
        trust: match &connection.trust {
            ServerTrust::SystemRoots => TrustDocument::System,
            ServerTrust::Account(account) => TrustDocument::Account(account.clone()),
        },
        connect_timeout_ms: Some(connection.limits.connect_timeout_ms),
        idle_connections_max: Some(connection.limits.idle_connections_max),
        idle_timeout_ms: Some(connection.limits.idle_timeout_ms),
    }
}
