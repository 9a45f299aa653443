//! `Forwarded` (RFC 7239) and its older kin: where a call came from, as an upstream is told.
//!
//! Nobody before us is trusted yet, so what a client sent under these names is gone when they are set here.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What is told of all calls of one connection that name the same port.
#[derive(Debug)]
pub struct Forwarding {
    port: Option<u16>,
    host: HeaderValue,
    address: HeaderValue,
    forwarded: HeaderValue,
}

impl Forwarding {
    /// What is told of a client at `address` that called `host`, a DNS name, and named `port` or none.
    pub fn new(address: SocketAddr, host: &str, port: Option<u16>) -> Self {
        let address = address.ip().to_canonical();
        let node = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("\"[{address}]\""),
        };
        // RFC 7239, 4: a colon makes quotation marks necessary.
        let (host, quoted) = match port {
            Some(port) => (format!("{host}:{port}"), format!("\"{host}:{port}\"")),
            None => (host.to_owned(), host.to_owned()),
        };
        Self {
            port,
            host: value(&host),
            address: value(&address.to_string()),
            forwarded: value(&format!("for={node};host={quoted};proto=https")),
        }
    }

    /// Whether it tells of calls that name `port`.
    pub fn is_of(&self, port: Option<u16>) -> bool {
        self.port == port
    }

    /// Sets the headers.
    pub fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(header::FORWARDED, self.forwarded.clone());
        headers.insert(FORWARDED_FOR, self.address.clone());
        headers.insert(FORWARDED_HOST, self.host.clone());
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
    }
}

/// A host name, a port and an address are visible ASCII, so that this never falls back.
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
                None,
                [
                    "for=192.0.2.7;host=a.example;proto=https",
                    "192.0.2.7",
                    "a.example",
                ],
            ),
            (
                "[2001:db8::7]:5000",
                Some(9443),
                [
                    "for=\"[2001:db8::7]\";host=\"a.example:9443\";proto=https",
                    "2001:db8::7",
                    "a.example:9443",
                ],
            ),
            (
                "[::ffff:10.0.0.1]:5000",
                Some(443),
                [
                    "for=10.0.0.1;host=\"a.example:443\";proto=https",
                    "10.0.0.1",
                    "a.example:443",
                ],
            ),
        ];
        for (address, port, [forwarded, node, host]) in cases {
            let mut headers = HeaderMap::new();
            Forwarding::new(address.parse().unwrap(), "a.example", port).tell(&mut headers);
            assert_eq!(headers["forwarded"], forwarded);
            assert_eq!(headers["x-forwarded-for"], node);
            assert_eq!(headers["x-forwarded-host"], host);
            assert_eq!(headers["x-forwarded-proto"], "https");
            assert_eq!(headers.len(), 4);
        }
    }
}
