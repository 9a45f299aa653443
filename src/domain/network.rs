//! Networks: whose connections a gateway takes, and who speaks for others.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::domain::environment::Gateway;

/// The network rules and the trusted proxies. Addresses are compared in canonical form (`::ffff:10.0.0.1` is 10.0.0.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkRules {
    internal: Vec<IpNet>,
    proxies: Vec<IpNet>,
}

impl NetworkRules {
    /// The rules of `internal` (`internal_networks`; empty: no rules) and `proxies` (`trusted_proxies`).
    pub fn new(internal: Vec<IpNet>, proxies: Vec<IpNet>) -> Self {
        let canonical = |networks: Vec<IpNet>| networks.into_iter().map(canonical).collect();
        Self {
            internal: canonical(internal),
            proxies: canonical(proxies),
        }
    }

    /// Whether `gateway` takes connections from `address`: mtls those from outside of the internal networks, internal
    /// those from within, external all.
    pub fn admits(&self, gateway: Gateway, address: IpAddr) -> bool {
        match gateway {
            Gateway::External => true,
            Gateway::Internal => self.internal.is_empty() || self.is_internal(address),
            Gateway::Mtls => !self.is_internal(address),
        }
    }

    /// Whether `address` lies in an internal network.
    pub fn is_internal(&self, address: IpAddr) -> bool {
        holds(&self.internal, address)
    }

    /// Whether connections from `address` begin with a PROXY header, which tells whose they are.
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        holds(&self.proxies, address)
    }

    /// The internal networks.
    pub fn internal(&self) -> &[IpNet] {
        &self.internal
    }

    /// The trusted proxies.
    pub fn proxies(&self) -> &[IpNet] {
        &self.proxies
    }
}

fn holds(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// Reads a network in CIDR form, or a single address, into its canonical form. `None` where it is neither.
pub fn parse(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().ok();
    let network = network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network.map(canonical)
}

/// The network with its first address; one of IPv4 addresses mapped into IPv6 (RFC 4291 §2.5.5.2) is one of IPv4.
fn canonical(network: IpNet) -> IpNet {
    let network = network.trunc();
    v4_of(network).map_or(network, IpNet::V4)
}

fn v4_of(network: IpNet) -> Option<Ipv4Net> {
    const MAPPED: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0);
    const MAPPED_BITS: u8 = 96;
    let IpNet::V6(network) = network else {
        return None;
    };
    let bits = network.prefix_len().checked_sub(MAPPED_BITS)?;
    let mapped = Ipv6Net::new(MAPPED, MAPPED_BITS).ok()?;
    let address = network.addr();
    let address = mapped.contains(&address).then(|| address.to_ipv4_mapped());
    Ipv4Net::new(address??, bits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(internal: &[&str], proxies: &[&str]) -> NetworkRules {
        let networks = |list: &[&str]| list.iter().map(|text| parse(text).unwrap()).collect();
        NetworkRules::new(networks(internal), networks(proxies))
    }

    #[test]
    fn each_gateway_takes_its_own_side_and_the_external_one_both() {
        let rules = rules(&["10.0.0.0/8", "fd00::/8", "::ffff:192.168.0.0/112"], &[]);
        let cases = [
            ("10.0.0.0", true),
            ("10.255.255.255", true),
            ("::ffff:10.0.0.1", true),
            ("11.0.0.0", false),
            ("9.255.255.255", false),
            ("fd12::1", true),
            ("fe00::1", false),
            ("192.168.7.1", true),
            ("::ffff:192.168.7.1", true),
            ("192.169.0.1", false),
            // The deprecated compatible form is an IPv6 address of its own.
            ("::10.0.0.1", false),
        ];
        for (address, is_internal) in cases {
            let address = address.parse().unwrap();
            let admitted = Gateway::ALL.map(|gateway| (gateway, rules.admits(gateway, address)));
            for (gateway, admits) in admitted {
                let expect = match gateway {
                    Gateway::External => true,
                    Gateway::Internal => is_internal,
                    Gateway::Mtls => !is_internal,
                };
                assert_eq!(admits, expect, "{gateway} {address}");
            }
        }
    }

    #[test]
    fn without_internal_networks_there_are_no_rules() {
        let rules = rules(&[], &["10.0.0.5"]);
        for gateway in Gateway::ALL {
            for address in ["10.0.0.5", "192.0.2.1", "::1"] {
                assert!(rules.admits(gateway, address.parse().unwrap()));
            }
        }
    }

    #[test]
    fn proxies_are_known_in_every_spelling_of_their_address() {
        let rules = rules(&[], &["10.0.0.5", "::ffff:10.0.1.0/120", "2001:db8::5"]);
        let cases = [
            ("10.0.0.5", true),
            ("::ffff:10.0.0.5", true),
            ("10.0.0.4", false),
            ("10.0.1.255", true),
            ("10.0.2.0", false),
            ("2001:db8::5", true),
            ("2001:db8::6", false),
        ];
        for (address, expect) in cases {
            assert_eq!(
                rules.is_proxy(address.parse().unwrap()),
                expect,
                "{address}"
            );
        }
    }

    #[test]
    fn networks_have_one_canonical_form() {
        let cases = [
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("::ffff:10.0.0.0/104", Some("10.0.0.0/8")),
            ("::ffff:10.1.2.3/104", Some("10.0.0.0/8")),
            ("::ffff:0.0.0.0/96", Some("0.0.0.0/0")),
            ("::ffff:10.0.0.1", Some("10.0.0.1/32")),
            ("10.0.0.1", Some("10.0.0.1/32")),
            ("fd00::1", Some("fd00::1/128")),
            ("FD00::/8", Some("fd00::/8")),
            // Wider than all of IPv4: a network of IPv6, in which no IPv4 address lies.
            ("::ffff:0.0.0.0/90", Some("::ffc0:0:0/90")),
            ("::/0", Some("::/0")),
            ("10.0.0.0/33", None),
            ("10.0.0/8", None),
            ("lan", None),
            ("", None),
        ];
        for (text, expect) in cases {
            let parsed = parse(text).map(|network| network.to_string());
            assert_eq!(parsed.as_deref(), expect, "{text}");
        }
    }
}
