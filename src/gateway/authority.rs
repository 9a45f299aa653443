//! Whom a request is addressed to: it must be the host that the handshake was made for.
//!
//! The server name of the handshake decided which clients were let in. A request for another host on that connection
//! would go round that decision, so it is answered with 421 (RFC 9110, 15.5.20); one whose target cannot be told for
//! certain with 400.

use http::header::HOST;
use http::{HeaderMap, Uri, Version};

/// Why a request's authority was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongAuthority {
    /// It is another host, or another scheme, than the connection was made for.
    #[error(
        "this connection was made for another host name: open a new one for the name in the URL"
    )]
    Misdirected,
    /// An HTTP/1.1 or HTTP/2 request that names no host.
    #[error("the request names no host: send exactly one Host header")]
    Missing,
    /// More than one `Host`.
    #[error("the request has several Host headers: send exactly one")]
    SeveralHosts,
    /// `Host` and the request's target differ.
    #[error("the Host header and the request's target name different hosts: send the same in both")]
    Contradiction,
    /// Not a host name, or not followed by a port, or with user information.
    #[error("the request's host cannot be read: write a host name and, where needed, a port")]
    Malformed,
}

/// Checks that a request is addressed to `host`, which is in lower case and has neither port nor trailing dot.
///
/// Gives the port that the client named, where it named one.
///
/// # Errors
/// [`WrongAuthority`].
pub fn check(
    version: Version,
    target: &Uri,
    headers: &HeaderMap,
    host: &str,
) -> Result<Option<u16>, WrongAuthority> {
    if target
        .scheme()
        .is_some_and(|scheme| *scheme != http::uri::Scheme::HTTPS)
    {
        return Err(WrongAuthority::Misdirected);
    }
    let mut hosts = headers.get_all(HOST).iter();
    let header = match (hosts.next(), hosts.next()) {
        (_, Some(_)) => return Err(WrongAuthority::SeveralHosts),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| WrongAuthority::Malformed)?;
            Some(split(text)?)
        }
        (None, None) => None,
    };
    let in_target = target
        .authority()
        .map(|authority| split(authority.as_str()))
        .transpose()?;
    // RFC 9112, 3.2: Host is there even where the target is in absolute form.
    if header.is_none() && version == Version::HTTP_11 {
        return Err(WrongAuthority::Missing);
    }
    let named = match (in_target, header) {
        (Some(target), Some(header)) if !target.same_as(header) => {
            return Err(WrongAuthority::Contradiction);
        }
        (Some(one), _) | (None, Some(one)) => one,
        (None, None) if version == Version::HTTP_10 => return Ok(None),
        (None, None) => return Err(WrongAuthority::Missing),
    };
    if named.host.eq_ignore_ascii_case(host) {
        Ok(named.port)
    } else {
        Err(WrongAuthority::Misdirected)
    }
}

#[derive(Clone, Copy)]
struct Parts<'a> {
    host: &'a str,
    port: Option<u16>,
}

impl Parts<'_> {
    fn same_as(self, other: Parts<'_>) -> bool {
        self.host.eq_ignore_ascii_case(other.host) && self.port == other.port
    }
}

/// Splits `host[:port]` and takes one trailing dot off the host.
fn split(text: &str) -> Result<Parts<'_>, WrongAuthority> {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, behind) = match bracketed {
        Some((address, behind)) => (address, behind),
        None => match text.find(':') {
            Some(colon) => text.split_at(colon),
            None => (text, ""),
        },
    };
    let port = match behind.strip_prefix(':') {
        Some(digits) => Some(read_port(digits).ok_or(WrongAuthority::Malformed)?),
        None if behind.is_empty() => None,
        None => return Err(WrongAuthority::Malformed),
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    let in_a_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let in_an_address = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let spelled_well = match bracketed {
        Some(_) => host.bytes().all(in_an_address),
        None => host.bytes().all(in_a_name),
    };
    if host.is_empty() || host.ends_with('.') || !spelled_well {
        return Err(WrongAuthority::Malformed);
    }
    Ok(Parts { host, port })
}

fn read_port(digits: &str) -> Option<u16> {
    if digits.is_empty() || digits.len() > 5 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const OURS: &str = "acme.api2.gate.localhost";

    fn ask(version: Version, target: &str, hosts: &[&str]) -> Result<Option<u16>, WrongAuthority> {
        let target: Uri = target.parse().unwrap();
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_bytes(host.as_bytes()).unwrap());
        }
        check(version, &target, &headers, OURS)
    }

    #[test]
    fn the_host_of_the_handshake_is_accepted_in_every_honest_form() {
        let v11 = Version::HTTP_11;
        let cases: [(Version, &str, &[&str], Option<u16>); 8] = [
            (v11, "/a", &["acme.api2.gate.localhost"], None),
            (v11, "/a", &["ACME.api2.Gate.localhost.:9443"], Some(9443)),
            (
                v11,
                "https://acme.api2.gate.localhost:1/a",
                &["acme.api2.gate.localhost:1"],
                Some(1),
            ),
            (
                Version::HTTP_10,
                "/a",
                &["acme.api2.gate.localhost:443"],
                Some(443),
            ),
            (Version::HTTP_10, "/a", &[], None),
            (
                Version::HTTP_2,
                "https://acme.api2.gate.localhost:9443/a",
                &[],
                Some(9443),
            ),
            (
                Version::HTTP_2,
                "https://acme.api2.gate.localhost/a",
                &["acme.api2.gate.localhost."],
                None,
            ),
            (Version::HTTP_2, "/a", &["acme.api2.gate.localhost"], None),
        ];
        for (version, target, hosts, port) in cases {
            assert_eq!(
                ask(version, target, hosts),
                Ok(port),
                "{version:?} {target} {hosts:?}"
            );
        }
    }

    #[test]
    fn every_other_host_is_misdirected() {
        for other in [
            "api2.gate.localhost",
            "globex.api2.gate.localhost",
            "acme.test2.gate.localhost",
            "xacme.api2.gate.localhost",
            "acme.api2.gate.localhost.evil.example",
            "127.0.0.1:9443",
            "[::1]:9443",
        ] {
            assert_eq!(
                ask(Version::HTTP_11, "/a", &[other]),
                Err(WrongAuthority::Misdirected),
                "{other}"
            );
            let target = format!("https://{other}/a");
            assert_eq!(
                ask(Version::HTTP_2, &target, &[]),
                Err(WrongAuthority::Misdirected),
                "{other}"
            );
        }
        let plain = ask(Version::HTTP_2, "http://acme.api2.gate.localhost/a", &[]);
        assert_eq!(plain, Err(WrongAuthority::Misdirected));
    }

    #[test]
    fn an_authority_that_is_not_certain_is_ambiguous() {
        use WrongAuthority as W;
        let cases: [(Version, &str, &[&str], W); 13] = [
            (Version::HTTP_11, "/a", &[], W::Missing),
            (Version::HTTP_2, "/a", &[], W::Missing),
            (
                Version::HTTP_11,
                "https://acme.api2.gate.localhost/a",
                &[],
                W::Missing,
            ),
            (Version::HTTP_11, "/a", &[OURS, OURS], W::SeveralHosts),
            (
                Version::HTTP_11,
                "/a",
                &[OURS, "b.example"],
                W::SeveralHosts,
            ),
            (
                Version::HTTP_11,
                "https://acme.api2.gate.localhost/a",
                &["b.example"],
                W::Contradiction,
            ),
            (
                Version::HTTP_2,
                "https://acme.api2.gate.localhost/a",
                &["b.example"],
                W::Contradiction,
            ),
            (
                Version::HTTP_2,
                "https://acme.api2.gate.localhost:1/a",
                &["acme.api2.gate.localhost:2"],
                W::Contradiction,
            ),
            (Version::HTTP_11, "/a", &[""], W::Malformed),
            (
                Version::HTTP_11,
                "/a",
                &["u@acme.api2.gate.localhost"],
                W::Malformed,
            ),
            (
                Version::HTTP_11,
                "/a",
                &["acme.api2.gate.localhost:"],
                W::Malformed,
            ),
            (
                Version::HTTP_11,
                "/a",
                &["acme.api2.gate.localhost:99999"],
                W::Malformed,
            ),
            (
                Version::HTTP_11,
                "/a",
                &["acme.api2.gate.localhost, b"],
                W::Malformed,
            ),
        ];
        for (version, target, hosts, expect) in cases {
            assert_eq!(
                ask(version, target, hosts),
                Err(expect),
                "{version:?} {target} {hosts:?}"
            );
        }
        for odd in [
            "acme.api2.gate.localhost:+1",
            "acme.api2.gate.localhost:0",
            "acme.api2.gate.localhost..",
            "[::1",
            "a/b",
            "a b",
            ".",
        ] {
            assert_eq!(
                ask(Version::HTTP_11, "/a", &[odd]),
                Err(WrongAuthority::Malformed),
                "{odd}"
            );
        }
    }

    proptest! {
        #[test]
        fn only_the_own_name_is_accepted(host in "[a-zA-Z.:@0-9\\[\\] -]{0,40}") {
            let Ok(value) = HeaderValue::from_str(&host) else { return Ok(()) };
            let mut headers = HeaderMap::new();
            headers.insert(HOST, value);
            let accepted = check(Version::HTTP_11, &Uri::from_static("/a"), &headers, "a.b").is_ok();
            let lower = host.to_ascii_lowercase();
            let bare = lower.split_once(':').map_or(lower.as_str(), |(name, _)| name);
            prop_assert!(!accepted || bare == "a.b" || bare == "a.b.");
        }

        #[test]
        fn capitals_dots_and_ports_make_no_difference(capitals in any::<u32>(), dot in any::<bool>(), port in 1_u16..) {
            let mixed: String = OURS
                .chars()
                .enumerate()
                .map(|(i, c)| if capitals >> (i % 32) & 1 == 1 { c.to_ascii_uppercase() } else { c })
                .collect();
            let host = format!("{mixed}{}:{port}", if dot { "." } else { "" });
            prop_assert!(ask(Version::HTTP_11, "/a", &[&host]).is_ok());
        }
    }
}
