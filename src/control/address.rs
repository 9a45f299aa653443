//! Where the gateways can be reached, as it is told to people.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crate::domain::environment::Gateway;
use crate::domain::network::NetworkRules;

/// An address that is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The address, its port filled in; unspecified where all of the machine's are meant.
    pub address: SocketAddr,
    /// The gateways that it serves.
    pub gateways: Vec<Gateway>,
    /// Who may connect to which of them, and who speaks for others.
    pub network: Arc<NetworkRules>,
}

impl Listener {
    /// Where to connect to from this machine.
    pub const fn local(&self) -> SocketAddr {
        let address = match self.address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            address @ (IpAddr::V4(_) | IpAddr::V6(_)) => address,
        };
        SocketAddr::new(address, self.address.port())
    }
}

/// Where one gateway listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Its address; unspecified where it listens on all of them.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
}

impl Reach {
    /// An address to connect to from this machine.
    pub const fn local(&self) -> IpAddr {
        if self.address.is_unspecified() {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        } else {
            self.address
        }
    }
}

/// Where the gateways listen; a gateway without a listener has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// The external gateway.
    pub external: Option<Reach>,
    /// The internal gateway.
    pub internal: Option<Reach>,
    /// The mtls gateway.
    pub mtls: Option<Reach>,
}

impl Addresses {
    /// Where one gateway listens.
    pub const fn of(&self, gateway: Gateway) -> Option<Reach> {
        match gateway {
            Gateway::External => self.external,
            Gateway::Internal => self.internal,
            Gateway::Mtls => self.mtls,
        }
    }

    /// A URL on a host of a gateway: with the port, unless it is 443. Before the listeners are known, without one.
    pub fn url(&self, gateway: Gateway, host: &str, path: &str) -> String {
        match self.of(gateway) {
            Some(Reach { port, .. }) if port != 443 => format!("https://{host}:{port}{path}"),
            Some(_) | None => format!("https://{host}{path}"),
        }
    }
}
