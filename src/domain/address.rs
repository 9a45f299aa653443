//! Addresses of outgoing targets.

use std::fmt;

/// How a target is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

/// An absolute `http` or `https` URL without query, fragment or user information; what is called is appended to its
/// path.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    scheme: Scheme,
    host: String,
    port: u16,
    path: String,
}

impl Scheme {
    /// As URLs write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl BaseUrl {
    /// Reads a base URL.
    ///
    /// # Errors
    /// [`InvalidBaseUrl`], which says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidBaseUrl> {
        let wrong = |rule| InvalidBaseUrl {
            text: text
                .chars()
                .take(120)
                .flat_map(char::escape_debug)
                .collect(),
            rule,
        };
        let uri: http::Uri = text.parse().map_err(|_| wrong("it is no URL"))?;
        let scheme = match uri.scheme_str() {
            Some("http") => Scheme::Http,
            Some("https") => Scheme::Https,
            _ => return Err(wrong("it must begin with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong(
                "it must not hold a user name or password; use an account",
            ));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(wrong("it must not have a query or fragment"));
        }
        let host = authority.host().to_ascii_lowercase();
        if host.is_empty() {
            return Err(wrong("it has no host"));
        }
        let named_well = |b: u8| {
            b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':' | b'[' | b']')
        };
        if !host.bytes().all(named_well) {
            return Err(wrong("its host has characters that no host name has"));
        }
        let default_port = match scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        };
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if authority.as_str().len() == authority.host().len() => default_port,
            None => 0,
        };
        if port == 0 {
            return Err(wrong("its port is out of range"));
        }
        let path = uri.path().trim_end_matches('/').to_owned();
        if path
            .split('/')
            .any(|segment| segment == "." || segment == "..")
        {
            return Err(wrong("its path must not have '.' or '..' segments"));
        }
        Ok(Self {
            scheme,
            host,
            port,
            path,
        })
    }

    /// How it is spoken to.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host: a name, an IPv4 address, or an IPv6 address in brackets; lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The path without a trailing `/`; empty for the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What stands in a request's `Host`: the port only where it is not the scheme's own.
    pub fn authority(&self) -> String {
        match (self.scheme, self.port) {
            (Scheme::Http, 80) | (Scheme::Https, 443) => self.host.clone(),
            _ => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.scheme.as_str();
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no base URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' cannot be a base URL: {rule}")]
pub struct InvalidBaseUrl {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub rule: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_base_urls() {
        let cases = [
            ("http://a.example", "http://a.example"),
            ("HTTPS://A.Example:443/x/", "https://a.example/x"),
            ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
            ("https://[::1]:8443/a/b", "https://[::1]:8443/a/b"),
        ];
        for (text, expect) in cases {
            assert_eq!(BaseUrl::parse(text).unwrap().to_string(), expect);
        }
    }

    #[test]
    fn refuses_what_is_no_base_url() {
        for bad in [
            "",
            "a.example",
            "ftp://a",
            "http://u:p@a",
            "http://a?x=1",
            "http://a#f",
            "http://a:0",
            "http://a:70000",
            "http://a/../b",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
