//! Why a call out failed. The texts are for logs and for a realm's own people, never for outside callers.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::outbound::guard::Forbidden;
use crate::outbound::tls_failure::TlsFailure;

/// Why a call out failed.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The host's name could not be resolved.
    #[error("the name {host} could not be resolved ({source}): check it, and this host's resolver")]
    Resolve {
        /// The host.
        host: Box<str>,
        /// What the resolver said.
        source: io::Error,
    },
    /// The host's name has no address.
    #[error("the name {host} has no address: check it, and its records in the DNS")]
    NoAddress {
        /// The host.
        host: Box<str>,
    },
    /// None of the host's addresses may be called.
    #[error(
        "{host} may not be called because {address} is {because}: call another address, or let an operator add its network to outgoing_networks_allowed"
    )]
    NotAllowed {
        /// The host.
        host: Box<str>,
        /// The first of its addresses.
        address: IpAddr,
        /// What that is.
        because: Forbidden,
    },
    /// None of the host's addresses took the connection.
    #[error(
        "no connection to {host} at {address} ({source}): check that its server runs and that no firewall stands between"
    )]
    Connect {
        /// The host.
        host: Box<str>,
        /// The first address that failed.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Connecting, TLS included, took longer than the connection allows.
    #[error(
        "no connection to {host} within {after_ms} ms, {step}: check the network, or raise the connection's connect timeout"
    )]
    ConnectTimeout {
        /// The host.
        host: Box<str>,
        /// How long it was allowed to take, in milliseconds.
        after_ms: u32,
        /// What was being waited for.
        step: ConnectStep,
    },
    /// The TLS handshake failed.
    #[error("TLS with {host} failed: {failure}")]
    Tls {
        /// The host.
        host: Box<str>,
        /// Why.
        failure: TlsFailure,
    },
    /// There was no room for another connection, and none became free in time.
    #[error("{bound}, and none became free in time: call less often, or raise the limit")]
    Overload {
        /// What was full.
        bound: Bound,
    },
    /// The request's own body failed, not the upstream: mostly because the caller went away.
    #[error("the request's body broke off ({source}): the caller went away or was stopped")]
    RequestBody {
        /// What happened to it.
        source: hyper::Error,
    },
    /// The connection broke, or what came back was no HTTP, before the answer's head was complete.
    #[error("{host} did not answer properly ({source}): look into its logs")]
    Broke {
        /// The host.
        host: Box<str>,
        /// What happened.
        source: hyper::Error,
    },
    /// The connection broke, or what came back was no HTTP, while the answer's body was under way.
    #[error("the answer's body broke off ({source}): look into the upstream's logs")]
    BodyBroke {
        /// What happened.
        source: hyper::Error,
    },
    /// The upstream switched to another protocol, which nobody had asked for.
    #[error("{host} answered 101 without having been asked to: have its server corrected")]
    SwitchedProtocols {
        /// The host.
        host: Box<str>,
    },
}

/// What was being waited for when the time to connect was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectStep {
    /// The resolver.
    Resolve,
    /// The TCP connection.
    Connect,
    /// The TLS handshake.
    Handshake,
}

impl std::fmt::Display for ConnectStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Resolve => "waiting for the resolver",
            Self::Connect => "waiting for the TCP connection",
            Self::Handshake => "waiting for the TLS handshake",
        })
    }
}

/// What was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// As many connections lead to the target as may.
    Target {
        /// How many.
        connections_max: usize,
    },
    /// As many connections are open in all as may be.
    Process {
        /// How many.
        connections_max: usize,
    },
    /// As many calls wait for a connection as may.
    Waiting {
        /// How many.
        calls_max: usize,
    },
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Target { connections_max } => {
                write!(
                    f,
                    "all {connections_max} connections that may lead to the target are in use"
                )
            }
            Self::Process { connections_max } => {
                write!(f, "all {connections_max} outgoing connections are in use")
            }
            Self::Waiting { calls_max } => {
                write!(
                    f,
                    "{calls_max} calls wait for an outgoing connection already"
                )
            }
        }
    }
}
