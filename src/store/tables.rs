//! The tables of the store's file, and the words they go by.

use std::fmt;

use redb::TableDefinition;

/// What the store keeps of itself: see the `META_…` keys.
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Realms, by name.
pub(crate) const REALMS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("realms");
/// Accounts, by realm and name.
pub(crate) const ACCOUNTS: TableDefinition<'_, (&str, &str), &[u8]> =
    TableDefinition::new("accounts");
/// Installations, by realm and number.
pub(crate) const INSTALLATIONS: TableDefinition<'_, (&str, u64), &[u8]> =
    TableDefinition::new("installations");
/// Trust policies that differ from the default, by realm and environment.
pub(crate) const TRUST_POLICIES: TableDefinition<'_, (&str, &str), &[u8]> =
    TableDefinition::new("trust_policies");
/// Revocation lists, by realm, environment and SHA-256.
pub(crate) const CRLS: TableDefinition<'_, (&str, &str, &str), &[u8]> =
    TableDefinition::new("crls");
/// The deny lists, by realm, environment and the denial's id.
pub(crate) const DENIALS: TableDefinition<'_, (&str, &str, &str), &[u8]> =
    TableDefinition::new("denials");
/// What revocation lists are fetched from, by realm, environment and name.
pub(crate) const CRL_SOURCES: TableDefinition<'_, (&str, &str, &str), &[u8]> =
    TableDefinition::new("crl_sources");
/// Pipelines, by realm, name and major version.
pub(crate) const PIPELINES: TableDefinition<'_, (&str, &str, u16), &[u8]> =
    TableDefinition::new("pipelines");
/// Deployments, by realm, environment, name and major version.
pub(crate) const DEPLOYMENTS: TableDefinition<'_, (&str, &str, &str, u16), &[u8]> =
    TableDefinition::new("deployments");
/// Connections, by realm and name.
pub(crate) const CONNECTIONS: TableDefinition<'_, (&str, &str), &[u8]> =
    TableDefinition::new("connections");
/// Access tokens, by name.
pub(crate) const TOKENS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("tokens");
/// Server identities by slot, and the server's authority under [`AUTHORITY`].
pub(crate) const IDENTITIES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("identities");
/// Audit records, by sequence.
pub(crate) const AUDIT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("audit");
/// The audit's index: realm and sequence.
pub(crate) const AUDIT_BY_REALM: TableDefinition<'_, (&str, u64), ()> =
    TableDefinition::new("audit_by_realm");
/// Refusals, by realm (empty for the operator's own) and sequence.
pub(crate) const REFUSALS: TableDefinition<'_, (&str, u64), &[u8]> =
    TableDefinition::new("refusals");
/// Of each realm's refusals: the oldest kept sequence, and the next one to give.
pub(crate) const REFUSAL_META: TableDefinition<'_, &str, (u64, u64)> =
    TableDefinition::new("refusal_meta");

/// Clients that were seen, by realm, environment and SHA-256.
pub(crate) const CLIENTS_SEEN: TableDefinition<'_, (&str, &str, &str), &[u8]> =
    TableDefinition::new("clients_seen");
/// Their index: realm, when last in milliseconds since the Unix epoch, environment and SHA-256.
pub(crate) const CLIENTS_SEEN_AT: TableDefinition<'_, (&str, i64, &str, &str), ()> =
    TableDefinition::new("clients_seen_at");
/// The use of trust anchors, by realm, environment and SHA-256.
pub(crate) const ANCHORS_SEEN: TableDefinition<'_, (&str, &str, &str), &[u8]> =
    TableDefinition::new("anchors_seen");

/// Which layout of tables the file has: 4 bytes, little endian.
pub(crate) const META_FORMAT: &str = "format";
/// What the store's keys are derived with, besides the master key; see [`crate::store::seal`].
pub(crate) const META_KEY_CHECK: &str = "key-check";
/// The catalog's revision: 8 bytes, little endian.
pub(crate) const META_REVISION: &str = "revision";
/// When the store was made: milliseconds since the Unix epoch, 8 bytes, little endian.
pub(crate) const META_CREATED: &str = "created";

/// The layout of tables that this version reads and writes. 2 added trust policies and revocation lists to 1, and 3 the
/// deny list and what keeps lists fresh: a version that knew nothing of them would let revoked or denied clients in, and
/// must not open it.
pub(crate) const FORMAT: u32 = 3;
/// The key of the server's authority in [`IDENTITIES`]; no slot is named so.
pub(crate) const AUTHORITY: &str = "authority";

/// What a pipeline's row is bound to, besides its realm.
pub(crate) fn pipeline_object(name: &str, major: u16) -> String {
    format!("{name} v{major}")
}

/// What a revocation list's row is bound to, besides its realm.
pub(crate) fn crl_object(environment: &str, sha256: &str) -> String {
    format!("{environment} {sha256}")
}

/// What a denial's row is bound to, besides its realm.
pub(crate) fn denial_object(environment: &str, id: &str) -> String {
    format!("{environment} {id}")
}

/// What the row of a source of revocation lists is bound to, besides its realm.
pub(crate) fn crl_source_object(environment: &str, name: &str) -> String {
    format!("{environment} {name}")
}

/// What the row of a client or an anchor that was seen is bound to, besides its realm.
pub(crate) fn seen_object(environment: &str, sha256: &str) -> String {
    format!("{environment} {sha256}")
}

/// What a deployment's row is bound to, besides its realm.
pub(crate) fn deployment_object(environment: &str, name: &str, major: u16) -> String {
    format!("{environment} {name} v{major}")
}

/// A table that holds rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Realms.
    Realms,
    /// Accounts.
    Accounts,
    /// Installations.
    Installations,
    /// Trust policies.
    TrustPolicies,
    /// Revocation lists.
    Crls,
    /// Deny lists.
    Denials,
    /// What revocation lists are fetched from.
    CrlSources,
    /// Pipelines.
    Pipelines,
    /// Deployments.
    Deployments,
    /// Connections.
    Connections,
    /// Access tokens.
    Tokens,
    /// Server identities and the server's authority.
    Identities,
    /// The audit.
    Audit,
    /// The refusal journal.
    Refusals,
    /// Clients that were seen.
    ClientsSeen,
    /// The use of trust anchors.
    AnchorsSeen,
}

impl Table {
    /// Its name in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Realms => "realms",
            Self::Accounts => "accounts",
            Self::Installations => "installations",
            Self::TrustPolicies => "trust_policies",
            Self::Crls => "crls",
            Self::Denials => "denials",
            Self::CrlSources => "crl_sources",
            Self::Pipelines => "pipelines",
            Self::Deployments => "deployments",
            Self::Connections => "connections",
            Self::Tokens => "tokens",
            Self::Identities => "identities",
            Self::Audit => "audit",
            Self::Refusals => "refusals",
            Self::ClientsSeen => "clients_seen",
            Self::AnchorsSeen => "anchors_seen",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
