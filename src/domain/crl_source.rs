//! Where a realm's revocation lists are fetched from: URLs that an operator approved.

use std::fmt;

use crate::clock::Moment;
use crate::domain::address::{BaseUrl, Scheme};
use crate::domain::name::CrlSourceName;

/// How many sources a realm may have in one environment.
pub const SOURCES_MAX: usize = 50;
/// How long the URL of one may be, in bytes.
pub const URL_BYTES_MAX: usize = 1_000;

/// A place that revocation lists are fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlSource {
    /// What it is called.
    pub name: CrlSourceName,
    /// Where it is.
    pub url: CrlUrl,
    /// When it was approved first.
    pub added: Moment,
    /// When its URL was last changed.
    pub updated: Moment,
}

/// An absolute `http` or `https` URL without fragment or user information; it may have a query.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CrlUrl {
    origin: BaseUrl,
    /// Path and query, as they stand in a request; begins with `/`.
    target: String,
}

impl CrlUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`InvalidCrlUrl`], which says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidCrlUrl> {
        let wrong = |rule| InvalidCrlUrl {
            text: text
                .chars()
                .take(120)
                .flat_map(char::escape_debug)
                .collect(),
            rule,
        };
        if text.len() > URL_BYTES_MAX {
            return Err(wrong("it has more than 1000 bytes"));
        }
        if text.contains('#') {
            return Err(wrong("it must not have a fragment"));
        }
        let uri: http::Uri = text.parse().map_err(|_| wrong("it is no URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong("it must begin with http:// or https://"));
        };
        let origin = BaseUrl::parse(&format!("{scheme}://{authority}"));
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        Ok(Self {
            origin: origin.map_err(|invalid| wrong(invalid.rule))?,
            target: if target.starts_with('/') {
                target.to_owned()
            } else {
                format!("/{target}")
            },
        })
    }

    /// The URL that a redirect from here leads to: `location` is absolute, or relative to this one (RFC 3986, 5.2, as
    /// far as servers use it).
    ///
    /// # Errors
    /// [`InvalidCrlUrl`].
    pub fn follow(&self, location: &str) -> Result<Self, InvalidCrlUrl> {
        let location = location.split('#').next().unwrap_or_default();
        let has_scheme = location
            .split_once(':')
            .is_some_and(|(scheme, _)| !scheme.is_empty() && !scheme.contains(['/', '?']));
        if has_scheme {
            return Self::parse(location);
        }
        let scheme = self.scheme().as_str();
        if location.starts_with("//") {
            return Self::parse(&format!("{scheme}:{location}"));
        }
        let origin = format!("{scheme}://{}", self.origin.authority());
        if location.starts_with('/') {
            return Self::parse(&format!("{origin}{location}"));
        }
        let path = self.target.split('?').next().unwrap_or("/");
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        Self::parse(&format!("{origin}{folder}/{location}"))
    }

    /// How it is spoken to.
    pub const fn scheme(&self) -> Scheme {
        self.origin.scheme()
    }

    /// Scheme, host and port.
    pub const fn origin(&self) -> &BaseUrl {
        &self.origin
    }

    /// Path and query; begins with `/`.
    pub fn target(&self) -> &str {
        &self.target
    }
}

impl fmt::Display for CrlUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.target)
    }
}

impl fmt::Debug for CrlUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text cannot be the URL of a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' cannot be the URL of a revocation list: {rule}")]
pub struct InvalidCrlUrl {
    /// What was written, escaped and cut.
    pub text: String,
    /// What is wrong with it.
    pub rule: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_urls_and_writes_them_as_they_are_called() {
        let cases = [
            (
                "http://pki.example/acme.crl",
                Ok("http://pki.example/acme.crl"),
            ),
            ("https://PKI.example:443", Ok("https://pki.example/")),
            ("http://pki.example?dn=a", Ok("http://pki.example/?dn=a")),
            (
                "http://[2001:db8::1]:81/a/b?c=%20d",
                Ok("http://[2001:db8::1]:81/a/b?c=%20d"),
            ),
            (
                "ldap://pki.example/cn=a",
                Err("it must begin with http:// or https://"),
            ),
            ("file:///etc/passwd", Err("it is no URL")),
            ("pki.example/acme.crl", Err("it is no URL")),
            ("/acme.crl", Err("it must begin with http:// or https://")),
            (
                "http://user:secret@pki.example/a",
                Err("it must not hold a user name or password; use an account"),
            ),
            ("http://pki.example/a#b", Err("it must not have a fragment")),
            ("http://pki.example:99999/", Err("its port is out of range")),
        ];
        for (text, expect) in cases {
            let read = CrlUrl::parse(text).map(|url| url.to_string());
            let read = read.as_deref().map_err(|invalid| invalid.rule);
            assert_eq!(read, expect, "{text}");
        }
        let long = format!("http://pki.example/{}", "a".repeat(URL_BYTES_MAX));
        assert!(CrlUrl::parse(&long).is_err());
    }

    #[test]
    fn follows_redirects_as_servers_write_them() {
        let here = CrlUrl::parse("https://pki.example:8443/a/b.crl?c=d").unwrap();
        for (location, expect) in [
            ("http://other.example/x", "http://other.example/x"),
            ("//other.example/x", "https://other.example/x"),
            ("/x?y", "https://pki.example:8443/x?y"),
            ("x.crl#z", "https://pki.example:8443/a/x.crl"),
        ] {
            assert_eq!(here.follow(location).unwrap().to_string(), expect);
        }
        for bad in [
            "file:///etc/passwd",
            "ftp://pki.example/",
            "http://",
            "http://a@b/",
        ] {
            assert!(here.follow(bad).is_err(), "{bad}");
        }
    }
}
