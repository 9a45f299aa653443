//! Which header fields go on, and which do not.
//!
//! Three kinds stop here: those that say who the client is or where a call came from (only the gateway says that), those
//! that concern one hop only (RFC 9110, 7.6.1), and fields that have no place among trailers (RFC 9110, 6.5.1).

use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};

/// Whole names that only the gateway may set, spelled with `-`.
const RESERVED: [&[u8]; 4] = [
    b"client-cert",
    b"client-cert-chain",
    b"forwarded",
    b"x-client-cert",
];
/// Beginnings of names that only the gateway may set, spelled with `-`.
const RESERVED_FAMILIES: [&[u8]; 2] = [b"x-client-cert-", b"x-forwarded-"];

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Fields that concern one hop, besides those that `Connection` names.
static HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Whether only the gateway may set a field of this name.
///
/// Programs behind the gateway read names in many spellings (`X_Client_Cert_Subject`, `HTTP_CLIENT_CERT`), so every
/// character that is neither letter nor digit counts as `-` here.
pub fn is_reserved(name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    // Most names end here.
    if !matches!(name.first(), Some(b'c' | b'f' | b'x')) {
        return false;
    }
    RESERVED
        .iter()
        .any(|reserved| name.len() == reserved.len() && begins_with(name, reserved))
        || RESERVED_FAMILIES
            .iter()
            .any(|family| begins_with(name, family))
}

/// Header names reach us in lower case.
fn begins_with(name: &[u8], beginning: &[u8]) -> bool {
    name.len() >= beginning.len()
        && name.iter().zip(beginning).all(|(byte, expect)| {
            byte == expect || (*expect == b'-' && !byte.is_ascii_alphanumeric())
        })
}

/// Removes every field that only the gateway may set.
pub fn remove_reserved(headers: &mut HeaderMap) {
    let found: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_reserved(name))
        .cloned()
        .collect();
    for name in found {
        headers.remove(name);
    }
}

/// Removes the fields that concern one hop only. `Trailer` stays: it tells the next hop which trailers to expect.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    // One pass over the few names that are there is cheaper than looking each of ours up.
    let found: Vec<HeaderName> = headers
        .keys()
        .filter(|name| HOP_BY_HOP.contains(name))
        .cloned()
        .collect();
    if found.contains(&header::CONNECTION) {
        remove_named_by_connection(headers);
    }
    for name in found {
        headers.remove(name);
    }
}

fn remove_named_by_connection(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok())
        // Framing and target of the message are not a sender's to take away.
        .filter(|name| {
            *name != header::HOST && *name != header::CONTENT_LENGTH && *name != header::TRAILER
        })
        .collect();
    for name in named {
        headers.remove(name);
    }
}

/// Removes from trailers what may not be there.
pub fn clean_trailers(trailers: &mut HeaderMap) {
    remove_reserved(trailers);
    remove_hop_by_hop(trailers);
    for name in [
        header::HOST,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::CONTENT_ENCODING,
        header::CONTENT_RANGE,
        header::TRAILER,
        header::AUTHORIZATION,
        header::COOKIE,
        header::SET_COOKIE,
    ] {
        trailers.remove(name);
    }
}

/// Whether the sender of `headers` takes trailers (RFC 9110, 10.1.4).
pub fn takes_trailers(headers: &HeaderMap) -> bool {
    let tokens = headers
        .get_all(header::TE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tokens
        .map(<[u8]>::trim_ascii)
        .any(|token| token.eq_ignore_ascii_case(b"trailers"))
}

/// Makes one `Cookie` of the several that HTTP/2 allows (RFC 9113, 8.2.3).
pub fn join_cookies(headers: &mut HeaderMap) {
    let Entry::Occupied(mut cookies) = headers.entry(header::COOKIE) else {
        return;
    };
    if cookies.iter().nth(1).is_none() {
        return;
    }
    let joined = cookies
        .iter()
        .map(HeaderValue::as_bytes)
        .collect::<Vec<_>>()
        .join(b"; ".as_slice());
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        cookies.insert(joined);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<String> {
        let mut names: Vec<String> = headers
            .keys()
            .map(|name| name.as_str().to_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_client_cannot_say_who_it_is_in_any_spelling() {
        for name in [
            "Client-Cert",
            "client_cert",
            "CLIENT.CERT",
            "Client-Cert-Chain",
            "client_cert-chain",
            "X-Client-Cert",
            "X-Client-Cert-Subject",
            "X_Client_Cert_Subject",
            "x_client-cert_verify",
            "X-Client-Cert-Anything-New",
            "X-Forwarded-Client-Cert",
            "x_forwarded_client_cert",
            "Forwarded",
            "X-Forwarded-For",
            "X_FORWARDED_FOR",
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "X~Forwarded~Port",
        ] {
            let mut headers = map(&[(name, "forged"), ("accept", "*/*"), (name, "twice")]);
            remove_reserved(&mut headers);
            assert_eq!(names(&headers), ["accept"], "{name}");
        }
    }

    #[test]
    fn names_that_only_look_alike_stay() {
        for name in [
            "client-certificate",
            "x-client",
            "x-client-certs",
            "x-forwarded",
            "forwarded-for",
            "cookie",
            "x-request-id",
        ] {
            assert!(
                !is_reserved(&HeaderName::from_bytes(name.as_bytes()).unwrap()),
                "{name}"
            );
        }
    }

    #[test]
    fn what_concerns_one_hop_stays_behind() {
        let mut headers = map(&[
            ("connection", "close, X-Mine"),
            ("connection", "x-other ,, bad name, host, content-length"),
            ("x-mine", "1"),
            ("x-other", "1"),
            ("keep-alive", "1"),
            ("proxy-connection", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("trailer", "x-sum"),
            ("host", "a"),
            ("content-length", "1"),
            ("x-kept", "1"),
        ]);
        remove_hop_by_hop(&mut headers);
        assert_eq!(
            names(&headers),
            ["content-length", "host", "trailer", "x-kept"]
        );
    }

    #[test]
    fn trailers_bear_neither_identity_nor_framing() {
        let mut trailers = map(&[
            ("x-sum", "1"),
            ("Client_Cert", "forged"),
            ("content-length", "1"),
            ("te", "x"),
            ("host", "b"),
        ]);
        clean_trailers(&mut trailers);
        assert_eq!(names(&trailers), ["x-sum"]);
    }

    #[test]
    fn knows_who_takes_trailers() {
        assert!(takes_trailers(&map(&[("te", "gzip, Trailers")])));
        assert!(takes_trailers(&map(&[("te", "gzip"), ("te", "trailers")])));
        assert!(!takes_trailers(&map(&[("te", "gzip;trailers")])));
        assert!(!takes_trailers(&map(&[])));
    }

    #[test]
    fn several_cookies_become_one() {
        let mut headers = map(&[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")]);
        join_cookies(&mut headers);
        assert_eq!(
            headers.get_all("cookie").iter().collect::<Vec<_>>(),
            ["a=1; b=2; c=3"]
        );
    }

    proptest! {
        #[test]
        fn no_mix_of_case_and_separators_gets_through(
            family in 0_usize..6,
            separators in prop::collection::vec("[-_.!~]", 4),
            capitals in any::<u32>(),
        ) {
            let words: &[&str] = [
                &["client", "cert"][..],
                &["client", "cert", "chain"],
                &["x", "client", "cert", "subject"],
                &["x", "forwarded", "client", "cert"],
                &["x", "forwarded", "for"],
                &["x", "client", "cert"],
            ][family];
            let mut name = String::new();
            for (word, separator) in words.iter().zip(&separators) {
                if !name.is_empty() {
                    name.push_str(separator);
                }
                name.push_str(word);
            }
            let mixed: Vec<u8> = name
                .bytes()
                .enumerate()
                .map(|(i, byte)| if capitals >> (i % 32) & 1 == 1 { byte.to_ascii_uppercase() } else { byte })
                .collect();
            prop_assert!(is_reserved(&HeaderName::from_bytes(&mixed).unwrap()));
        }
    }
}
