//! Pipelines: the published APIs of a realm.

use std::fmt;

use crate::clock::Moment;
use crate::domain::name::{ConnectionName, PipelineName};
use crate::domain::template::JsonTemplate;
use crate::domain::trigger::Trigger;

/// A pipeline's name and major version: what tells it from the realm's others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PipelineKey {
    /// Its name.
    pub name: PipelineName,
    /// Its major version, from 1.
    pub major: u16,
}

impl fmt::Display for PipelineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.major)
    }
}

/// What answers a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Handler {
    /// Answers with the message; for trying things out.
    Echo,
    /// Answers with a document of its own.
    Mock(JsonTemplate),
    /// Passes the call on to a connection, streaming both ways.
    Upstream {
        /// The target.
        connection: ConnectionName,
        /// Which identity headers it gets besides `Client-Cert` and `Client-Cert-Chain` (RFC 9440).
        identity_headers: IdentityHeaders,
    },
}

impl Handler {
    /// The word used everywhere: `echo`, `mock` or `upstream`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Mock(_) => "mock",
            Self::Upstream { .. } => "upstream",
        }
    }
}

/// The identity headers that an upstream gets where they are switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdentityHeaders {
    /// Readable `X-Client-Cert-*` headers.
    pub readable: bool,
    /// Envoy's `X-Forwarded-Client-Cert`.
    pub forwarded_client_cert: bool,
}

/// A published API of a realm.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Its name and major version.
    pub key: PipelineKey,
    /// Counts the times it was saved, from 1.
    pub revision: u64,
    /// How it is called.
    pub trigger: Trigger,
    /// What answers.
    pub handler: Handler,
    /// When it was last saved.
    pub updated: Moment,
}
