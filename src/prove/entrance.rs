//! Where the attack comes in.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::control::address::Listener;
use crate::domain::environment::Gateway;

/// A PROXY header of version 2 with the command LOCAL: whoever connects speaks for nobody else.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// A gateway's address, and how a connection to it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// The address.
    pub at: SocketAddr,
    source: Option<IpAddr>,
    relayed: bool,
}

impl Entrance {
    /// The way from this machine to a listener.
    pub fn to(listener: &Listener) -> Self {
        let at = listener.local();
        let source = source(at);
        let relayed = source.is_some_and(|source| listener.network.is_proxy(source));
        Self {
            at,
            source,
            relayed,
        }
    }

    /// The address of this machine that the network rule of `gateway` keeps out there, where it does.
    pub fn barred(self, listener: &Listener, gateway: Gateway) -> Option<IpAddr> {
        self.source
            .filter(|source| !listener.network.admits(gateway, *source))
    }

    /// What is sent before anything else: nothing, unless the gateways take this machine for a load balancer.
    pub const fn header(self) -> &'static [u8] {
        if self.relayed { LOCAL } else { &[] }
    }
}

impl fmt::Display for Entrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.fmt(f)
    }
}

/// The address that this machine calls `at` from. Connecting a datagram socket sends nothing.
fn source(at: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = match at {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(at).ok()?;
    Some(socket.local_addr().ok()?.ip().to_canonical())
}
