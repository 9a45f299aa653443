//! Connections: the outgoing targets of a realm.

use crate::clock::Moment;
use crate::domain::address::BaseUrl;
use crate::domain::environment::PerEnvironment;
use crate::domain::name::{AccountName, ConnectionName};

/// Whom we trust at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerTrust {
    /// The certificate authorities that the operating system trusts.
    SystemRoots,
    /// The certificates of a `certificate-chain` account, and no others.
    Account(AccountName),
}

/// The bounds of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How long connecting, TLS included, may take, in milliseconds.
    pub connect_timeout_ms: u32,
    /// How many unused connections each worker keeps at most.
    pub idle_connections_max: u16,
    /// How long an unused connection is kept, in milliseconds.
    pub idle_timeout_ms: u32,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 5_000,
            idle_connections_max: 64,
            idle_timeout_ms: 60_000,
        }
    }
}

/// A named outgoing target.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// Its name.
    pub name: ConnectionName,
    /// Counts the times it was saved, from 1.
    pub revision: u64,
    /// Where it leads, where an environment has it.
    pub base_url: PerEnvironment<Option<BaseUrl>>,
    /// Whom we trust there.
    pub trust: ServerTrust,
    /// Its bounds.
    pub limits: ConnectionLimits,
    /// When it was last saved.
    pub updated: Moment,
}
