//! Which addresses may be called: realm admins write targets, and must not reach what is ours through them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// Decides, at connect, whether a resolved address may be called.
#[derive(Clone, Debug, Default)]
pub struct OutgoingGuard {
    allowed: Vec<IpNet>,
    listeners: Vec<SocketAddr>,
}

/// Why an address may not be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// It leads to this host.
    Loopback,
    /// It is no address of anything, and on many systems leads to this host.
    Unspecified,
    /// It leads to the link's own services, such as the metadata service of a cloud.
    LinkLocal,
    /// It leads to a group of hosts.
    Multicast,
    /// It leads to every host of the link.
    Broadcast,
    /// One of our own listeners is there.
    OwnListener,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "a loopback address",
            Self::Unspecified => "an unspecified address",
            Self::LinkLocal => "a link-local address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "a broadcast address",
            Self::OwnListener => "the address of one of our own listeners",
        })
    }
}

impl OutgoingGuard {
    /// Opens `allowed` (`outgoing_networks_allowed`), which otherwise forbidden addresses may lie in, and shuts
    /// `listeners`, our own bound addresses, whatever is allowed. A listener on an unspecified address stands for every address of this
    /// host; one with port 0, whose port is not known, for every port of its address that no allowed network
    /// opens.
    pub fn new(allowed: Vec<IpNet>, listeners: Vec<SocketAddr>) -> Self {
        let listeners = listeners
            .into_iter()
            .map(|listener| SocketAddr::new(listener.ip().to_canonical(), listener.port()))
            .collect();
        Self { allowed, listeners }
    }

    /// Whether `address` may be called. `is_ours` tells whether an address is one of this host's; it is asked only
    /// where a listener of ours is bound to all of them.
    ///
    /// # Errors
    /// [`Forbidden`], which says what the address is.
    pub fn check(
        &self,
        address: SocketAddr,
        is_ours: impl Fn(IpAddr) -> bool,
    ) -> Result<(), Forbidden> {
        let ip = address.ip().to_canonical();
        let meant = meant(ip);
        let is_at = |listener: &SocketAddr| {
            let own = listener.ip();
            let here = kind(meant).is_some_and(is_this_host);
            // Unspecified addresses lead to the loopback address.
            own == meant
                || own.is_loopback() && kind(meant) == Some(Forbidden::Unspecified)
                || own.is_unspecified() && (here || is_ours(meant))
        };
        let has_port = |listener: &&SocketAddr| listener.port() == address.port();
        if self.listeners.iter().filter(has_port).any(is_at) {
            return Err(Forbidden::OwnListener);
        }
        if self.allowed.iter().any(|network| network.contains(&ip)) {
            return Ok(());
        }
        if let Some(forbidden) = kind(ip) {
            return Err(forbidden);
        }
        let on_any_port = |listener: &&SocketAddr| listener.port() == 0;
        match self.listeners.iter().filter(on_any_port).any(is_at) {
            true => Err(Forbidden::OwnListener),
            false => Ok(()),
        }
    }
}

const fn is_this_host(kind: Forbidden) -> bool {
    matches!(kind, Forbidden::Loopback | Forbidden::Unspecified)
}

/// The address that this one leads to: an IPv4 address where it is a disguise of one.
fn meant(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(ip) if !ip.is_unspecified() && !ip.is_loopback() => {
            embedded_v4(ip).map_or(IpAddr::V6(ip), IpAddr::V4)
        }
        IpAddr::V4(_) | IpAddr::V6(_) => ip,
    }
}

/// What kind of forbidden address this is, where it is one.
fn kind(ip: IpAddr) -> Option<Forbidden> {
    match ip {
        IpAddr::V4(ip) => kind_v4(ip),
        IpAddr::V6(ip) => kind_v6(ip),
    }
}

fn kind_v4(ip: Ipv4Addr) -> Option<Forbidden> {
    // All of 0.0.0.0/8 is "this host on this network" (RFC 1122 §3.2.1.3).
    match ip.octets() {
        [0, ..] => Some(Forbidden::Unspecified),
        _ if ip.is_loopback() => Some(Forbidden::Loopback),
        _ if ip.is_link_local() => Some(Forbidden::LinkLocal),
        _ if ip.is_multicast() => Some(Forbidden::Multicast),
        _ if ip.is_broadcast() => Some(Forbidden::Broadcast),
        _ => None,
    }
}

fn kind_v6(ip: Ipv6Addr) -> Option<Forbidden> {
    if ip.is_unspecified() {
        return Some(Forbidden::Unspecified);
    }
    if ip.is_loopback() {
        return Some(Forbidden::Loopback);
    }
    if ip.is_unicast_link_local() {
        return Some(Forbidden::LinkLocal);
    }
    if ip.is_multicast() {
        return Some(Forbidden::Multicast);
    }
    embedded_v4(ip).and_then(kind_v4)
}

/// The IPv4 address that an IPv6 address stands for: mapped ones are canonical already; these are the deprecated
/// compatible form (RFC 4291 §2.5.5.1), the translators' well-known prefix (RFC 6052) and theirs of RFC 2765.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let low = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, x, y] => Some(low(x, y)),
        [0x64, 0xff9b, 0, 0, 0, 0, x, y] => Some(low(x, y)),
        [0, 0, 0, 0, 0xffff, 0, x, y] => Some(low(x, y)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &OutgoingGuard, address: &str) -> Result<(), Forbidden> {
        guard.check(address.parse().unwrap(), |ip| {
            ip == IpAddr::from([10, 0, 0, 7])
        })
    }

    fn guard(allowed: &[&str], listeners: &[&str]) -> OutgoingGuard {
        OutgoingGuard::new(
            allowed
                .iter()
                .map(|network| network.parse().unwrap())
                .collect(),
            listeners
                .iter()
                .map(|listener| listener.parse().unwrap())
                .collect(),
        )
    }

    #[test]
    fn knows_what_must_not_be_called() {
        let guard = guard(&[], &[]);
        let cases = [
            ("127.0.0.1:80", Some(Forbidden::Loopback)),
            ("127.255.3.4:80", Some(Forbidden::Loopback)),
            ("[::1]:80", Some(Forbidden::Loopback)),
            ("[::ffff:127.0.0.1]:80", Some(Forbidden::Loopback)),
            ("[::127.0.0.1]:80", Some(Forbidden::Loopback)),
            ("[64:ff9b::7f00:1]:80", Some(Forbidden::Loopback)),
            ("[::ffff:0:127.0.0.1]:80", Some(Forbidden::Loopback)),
            ("0.0.0.0:80", Some(Forbidden::Unspecified)),
            ("0.1.2.3:80", Some(Forbidden::Unspecified)),
            ("[::]:80", Some(Forbidden::Unspecified)),
            ("[::ffff:0.0.0.0]:80", Some(Forbidden::Unspecified)),
            ("169.254.169.254:80", Some(Forbidden::LinkLocal)),
            ("[::ffff:169.254.169.254]:80", Some(Forbidden::LinkLocal)),
            ("[64:ff9b::a9fe:a9fe]:80", Some(Forbidden::LinkLocal)),
            ("[fe80::1]:80", Some(Forbidden::LinkLocal)),
            ("[febf::1]:80", Some(Forbidden::LinkLocal)),
            ("224.0.0.1:80", Some(Forbidden::Multicast)),
            ("239.255.255.255:80", Some(Forbidden::Multicast)),
            ("[ff02::1]:80", Some(Forbidden::Multicast)),
            ("255.255.255.255:80", Some(Forbidden::Broadcast)),
            ("10.0.0.1:80", None),
            ("192.168.1.1:80", None),
            ("93.184.216.34:443", None),
            ("[2001:db8::1]:443", None),
            ("[fd00::1]:443", None),
            ("[64:ff9b::808:808]:443", None),
        ];
        for (address, expect) in cases {
            assert_eq!(check(&guard, address).err(), expect, "{address}");
        }
    }

    #[test]
    fn lets_through_what_the_operator_lists() {
        let guard = guard(
            &["127.0.0.0/8", "fe80::/10", "10.1.0.0/16"],
            &["10.1.0.1:443"],
        );
        for address in [
            "127.0.0.1:80",
            "[::ffff:127.0.0.1]:80",
            "[fe80::1]:80",
            "10.1.0.1:444",
        ] {
            assert_eq!(check(&guard, address), Ok(()), "{address}");
        }
        assert_eq!(check(&guard, "[::1]:80"), Err(Forbidden::Loopback));
    }

    #[test]
    fn refuses_our_own_listeners() {
        let guard = guard(
            &[],
            &[
                "192.0.2.1:443",
                "[2001:db8::1]:8443",
                "[::ffff:192.0.2.2]:443",
                "192.0.2.3:0",
            ],
        );
        let cases = [
            ("192.0.2.1:443", false),
            ("[::ffff:192.0.2.1]:443", false),
            ("192.0.2.1:444", true),
            ("[2001:db8::1]:8443", false),
            ("192.0.2.2:443", false),
            ("192.0.2.3:1", false),
            ("192.0.2.3:65535", false),
            ("192.0.2.4:443", true),
        ];
        for (address, passes) in cases {
            assert_eq!(check(&guard, address).is_ok(), passes, "{address}");
        }
    }

    #[test]
    fn no_allowed_network_opens_our_own_listeners() {
        let everything = ["0.0.0.0/0", "::/0"];
        let one = guard(&everything, &["127.0.0.1:9443", "192.0.2.1:443"]);
        for address in [
            "127.0.0.1:9443",
            "0.0.0.0:9443",
            "[::]:9443",
            "[::ffff:127.0.0.1]:9443",
            "[64:ff9b::7f00:1]:9443",
            "[::127.0.0.1]:9443",
            "192.0.2.1:443",
            "[64:ff9b::c000:201]:443",
        ] {
            assert_eq!(
                check(&one, address),
                Err(Forbidden::OwnListener),
                "{address}"
            );
        }
        assert_eq!(check(&one, "127.0.0.1:9000"), Ok(()));
        for everywhere in ["0.0.0.0:443", "[::]:443"] {
            let all = guard(&everything, &[everywhere]);
            for address in [
                "127.0.0.2:443",
                "[::1]:443",
                "0.0.0.0:443",
                "10.0.0.7:443",
                "[64:ff9b::a00:7]:443",
            ] {
                assert_eq!(
                    check(&all, address),
                    Err(Forbidden::OwnListener),
                    "{address}"
                );
            }
            assert_eq!(check(&all, "10.0.0.8:443"), Ok(()));
        }
    }

    #[test]
    fn a_listener_on_all_addresses_shuts_its_port_on_each_address_of_this_host() {
        for everywhere in ["0.0.0.0:443", "[::]:443"] {
            let guard = guard(&[], &[everywhere]);
            assert_eq!(check(&guard, "10.0.0.7:443"), Err(Forbidden::OwnListener));
            assert_eq!(check(&guard, "10.0.0.7:9000"), Ok(()));
            assert_eq!(check(&guard, "10.0.0.8:443"), Ok(()));
        }
    }
}
