//! `Forwarded` (RFC 7239) and its older kin: where a call came from, as an upstream is told.
//!
//! Nobody before us is trusted yet, so what a client sent under these names is gone when they are set here.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What is told of all calls of one connection that name their host alike.
#[derive(Debug)]
pub struct Forwarding {
    host: HeaderValue,
    address: HeaderValue,
    forwarded: HeaderValue,
}

impl Forwarding {
    /// What is told of a client at `address` that wrote `authority`, an accepted one, as host.
    pub fn new(address: SocketAddr, authority: &str) -> Self {
        let address = address.ip().to_canonical();
        let node = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("\"[{address}]\""),
        };
        let host = if authority
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        {
            authority.to_owned()
        } else {
            format!("\"{authority}\"")
        };
        Self {
            host: value(authority),
            address: value(&address.to_string()),
            forwarded: value(&format!("for={node};host={host};proto=https")),
        }
    }

    /// Whether it tells of calls that name `authority` as host.
    pub fn is_of(&self, authority: &str) -> bool {
        self.host.as_bytes() == authority.as_bytes()
    }

    /// Sets the headers.
    pub fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(header::FORWARDED, self.forwarded.clone());
        headers.insert(FORWARDED_FOR, self.address.clone());
        headers.insert(FORWARDED_HOST, self.host.clone());
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
    }
}

/// An accepted authority and an address are visible ASCII, so that this never falls back.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_address_host_and_scheme() {
        let cases = [
            (
                "192.0.2.7:5000",
                "acme.api2.gate.localhost",
                [
                    "for=192.0.2.7;host=acme.api2.gate.localhost;proto=https",
                    "192.0.2.7",
                    "acme.api2.gate.localhost",
                ],
            ),
            (
                "[2001:db8::7]:5000",
                "api2.gate.localhost:9443",
                [
                    "for=\"[2001:db8::7]\";host=\"api2.gate.localhost:9443\";proto=https",
                    "2001:db8::7",
                    "api2.gate.localhost:9443",
                ],
            ),
            (
                "[::ffff:10.0.0.1]:5000",
                "a",
                ["for=10.0.0.1;host=a;proto=https", "10.0.0.1", "a"],
            ),
        ];
        for (address, authority, [forwarded, node, host]) in cases {
            let mut headers = HeaderMap::new();
            Forwarding::new(address.parse().unwrap(), authority).tell(&mut headers);
            assert_eq!(headers["forwarded"], forwarded);
            assert_eq!(headers["x-forwarded-for"], node);
            assert_eq!(headers["x-forwarded-host"], host);
            assert_eq!(headers["x-forwarded-proto"], "https");
            assert_eq!(headers.len(), 4);
        }
    }
}
