//! The canonical path: made once of every request, and the only form that the matcher, the log and the upstream see.
//!
//! What two programs could read as two different paths is refused, not repaired. What is left is one spelling:
//! unreserved characters stand for themselves, everything else that is percent-encoded has capital digits
//! (RFC 3986, 6.2.2). Case is significant.

use http::uri::PathAndQuery;
use percent_encoding::percent_decode_str;

use crate::flaw::{Flaw, planted};

/// The longest path, in bytes.
pub const PATH_BYTES_MAX: usize = 4096;
/// The longest path and query together, in bytes: with the path of a target's base URL they still fit into a URI.
pub const TARGET_BYTES_MAX: usize = 16 * 1024;

/// A path in its canonical form. It begins with `/`, and its canonical form is itself.
#[derive(Clone, Debug)]
pub struct CanonicalPath(Text);

#[derive(Clone, Debug)]
enum Text {
    /// The client wrote it canonically: its bytes are shared with the request.
    AsSent(PathAndQuery),
    Rewritten(String),
}

impl CanonicalPath {
    /// The canonical form of a request's path; the query plays no part in it.
    ///
    /// # Errors
    /// [`AmbiguousPath`] says what makes it ambiguous.
    pub fn of(sent: &PathAndQuery) -> Result<Self, AmbiguousPath> {
        if sent.as_str().len() > TARGET_BYTES_MAX {
            return Err(AmbiguousPath::TargetTooLong);
        }
        if planted(Flaw::Paths) {
            return Ok(Self(Text::Rewritten(resolved(sent.path()))));
        }
        Ok(Self(match canonical(sent.path())? {
            None => Text::AsSent(sent.clone()),
            Some(rewritten) => Text::Rewritten(rewritten),
        }))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::AsSent(sent) => sent.path(),
            Text::Rewritten(text) => text,
        }
    }

    /// The realm that the path names: `acme` of `/pipeline/acme/…`.
    pub fn realm(&self) -> Option<&str> {
        let rest = self.as_str().strip_prefix("/pipeline/")?;
        let (realm, _) = rest.split_once('/')?;
        Some(realm)
    }
}

/// What many programs make of a path, and we must not. Nothing but [`Flaw::Paths`] leads here.
fn resolved(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let mut segments: Vec<&str> = Vec::new();
    for segment in decoded.split(['/', '\\']) {
        let plain = segment.split([';', '\0']).next().unwrap_or_default();
        match plain {
            "" | "." => {}
            ".." => drop(segments.pop()),
            plain => segments.push(plain),
        }
    }
    format!("/{}", segments.join("/"))
}

/// Why a path is not served: two programs could read it in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmbiguousPath {
    /// Nothing, or something that does not begin with `/`.
    #[error("the request's path must begin with '/'")]
    NotAbsolute,
    /// More than [`PATH_BYTES_MAX`] bytes.
    #[error("the request's path has more than 4096 bytes: shorten it")]
    TooLong,
    /// More than [`TARGET_BYTES_MAX`] bytes with the query, or more than a URI can have where it is passed on.
    #[error("the request's target is too long: send large values in the body")]
    TargetTooLong,
    /// `//`.
    #[error("the request's path has an empty segment ('//'): remove it")]
    EmptySegment,
    /// `.` or `..`, plain or percent-encoded.
    #[error("the request's path has a '.' or '..' segment: write the path that is meant")]
    DotSegment,
    /// `%2F`, `%5C` or `\`.
    #[error(
        "the request's path has a backslash or an encoded slash: send such values in the query or the body"
    )]
    HiddenSlash,
    /// `;`.
    #[error("the request's path has a ';': send parameters in the query")]
    PathParameter,
    /// A percent sign without two hexadecimal digits behind it.
    #[error(
        "the request's path has a '%' without two hexadecimal digits: write '%25' for the sign itself"
    )]
    BrokenEncoding,
    /// A control character, plain or percent-encoded.
    #[error("the request's path has a control character: remove it")]
    Control,
    /// A character that has to be percent-encoded (RFC 3986, 3.3).
    #[error("the request's path has a character that must be percent-encoded: encode it")]
    NotEncoded,
}

/// The canonical form of `path`; `None` where that is `path` itself.
///
/// # Errors
/// [`AmbiguousPath`].
pub fn canonical(path: &str) -> Result<Option<String>, AmbiguousPath> {
    if path.len() > PATH_BYTES_MAX {
        return Err(AmbiguousPath::TooLong);
    }
    let rest = path.strip_prefix('/').ok_or(AmbiguousPath::NotAbsolute)?;
    if is_plain(rest) {
        return check_segments(rest).map(|()| None);
    }
    let mut rewritten = String::with_capacity(path.len());
    rewritten.push('/');
    let mut bytes = rest.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let (Some(high), Some(low)) = (bytes.next(), bytes.next()) else {
                    return Err(AmbiguousPath::BrokenEncoding);
                };
                push_encoded(&mut rewritten, high, low)?;
            }
            b';' => return Err(AmbiguousPath::PathParameter),
            b'\\' => return Err(AmbiguousPath::HiddenSlash),
            0..=0x1f | 0x7f => return Err(AmbiguousPath::Control),
            b'/' => rewritten.push('/'),
            other if is_segment_character(other) => rewritten.push(char::from(other)),
            _ => return Err(AmbiguousPath::NotEncoded),
        }
    }
    check_segments(rewritten.strip_prefix('/').unwrap_or_default())?;
    Ok((rewritten != path).then_some(rewritten))
}

/// Whether every character stands for itself, so that nothing is to be rewritten.
fn is_plain(rest: &str) -> bool {
    rest.bytes()
        .all(|byte| byte == b'/' || is_segment_character(byte))
}

fn check_segments(rest: &str) -> Result<(), AmbiguousPath> {
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            // One slash at the end is no empty segment inside the path.
            "" if segments.peek().is_some() => return Err(AmbiguousPath::EmptySegment),
            "." | ".." => return Err(AmbiguousPath::DotSegment),
            _ => {}
        }
    }
    Ok(())
}

fn push_encoded(text: &mut String, high: u8, low: u8) -> Result<(), AmbiguousPath> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let (Some(upper), Some(lower)) = (digit(high), digit(low)) else {
        return Err(AmbiguousPath::BrokenEncoding);
    };
    match upper << 4 | lower {
        b'/' | b'\\' => Err(AmbiguousPath::HiddenSlash),
        0..=0x1f | 0x7f => Err(AmbiguousPath::Control),
        decoded if is_unreserved(decoded) => {
            text.push(char::from(decoded));
            Ok(())
        }
        _ => {
            text.push('%');
            text.push(char::from(high.to_ascii_uppercase()));
            text.push(char::from(low.to_ascii_uppercase()));
            Ok(())
        }
    }
}

/// RFC 3986, 2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// RFC 3986, 3.3: what stands unencoded in a segment; without `;`, which some programs cut a segment at.
const fn is_segment_character(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_spelling_is_left() {
        let cases = [
            ("/", "/"),
            ("/pipeline/acme/v1/orders", "/pipeline/acme/v1/orders"),
            ("/pipeline/acme/v1/orders/", "/pipeline/acme/v1/orders/"),
            ("/pipeline/%61cme/v1/%7Ex", "/pipeline/acme/v1/~x"),
            ("/a/%c3%a4%20b", "/a/%C3%A4%20b"),
            ("/a/b%2Bc", "/a/b%2Bc"),
            ("/a/%3bx", "/a/%3Bx"),
            ("/a/%25%32%66", "/a/%252f"),
            ("/A/b", "/A/b"),
            ("/a/.well-known/...", "/a/.well-known/..."),
            ("/a/(b)!$&'*+,=:@", "/a/(b)!$&'*+,=:@"),
        ];
        for (sent, expect) in cases {
            let path = CanonicalPath::of(&PathAndQuery::try_from(sent).unwrap()).unwrap();
            assert_eq!(path.as_str(), expect, "{sent}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        use AmbiguousPath as A;
        let cases = [
            ("", A::NotAbsolute),
            ("*", A::NotAbsolute),
            ("a", A::NotAbsolute),
            ("//", A::EmptySegment),
            ("/a//b", A::EmptySegment),
            ("/.", A::DotSegment),
            ("/a/../b", A::DotSegment),
            ("/a/%2e%2E/b", A::DotSegment),
            ("/a/.%2e", A::DotSegment),
            ("/a/%2e/", A::DotSegment),
            ("/a%2fb", A::HiddenSlash),
            ("/a%2Fb", A::HiddenSlash),
            ("/a%5cb", A::HiddenSlash),
            ("/a\\b", A::HiddenSlash),
            ("/a;b=c/d", A::PathParameter),
            ("/a%", A::BrokenEncoding),
            ("/a%2", A::BrokenEncoding),
            ("/a%zz", A::BrokenEncoding),
            ("/a%+1", A::BrokenEncoding),
            ("/a%00", A::Control),
            ("/a%0d%0ab", A::Control),
            ("/a%7f", A::Control),
            ("/a\u{1}", A::Control),
            ("/ä", A::NotEncoded),
            ("/a#b", A::NotEncoded),
            ("/a?b", A::NotEncoded),
            ("/a b", A::NotEncoded),
            ("/a{b}", A::NotEncoded),
            ("/a\"b", A::NotEncoded),
        ];
        for (path, expect) in cases {
            assert_eq!(canonical(path), Err(expect), "{path:?}");
        }
        assert_eq!(
            canonical(&format!("/{}", "a".repeat(PATH_BYTES_MAX))),
            Err(A::TooLong)
        );
    }

    #[test]
    fn the_realm_is_the_segment_after_pipeline() {
        let realm = |path: &'static str| {
            let path = CanonicalPath::of(&PathAndQuery::from_static(path)).unwrap();
            path.realm().map(str::to_owned)
        };
        assert_eq!(realm("/pipeline/acme/v1/orders").as_deref(), Some("acme"));
        assert_eq!(realm("/pipeline/%61cme/").as_deref(), Some("acme"));
        for none in ["/", "/pipeline", "/pipeline/acme", "/Pipeline/acme/v1/x"] {
            assert_eq!(realm(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_a_fixed_point(path in "/([a-z./%;~A-F0-9é?]|%[0-9a-fA-F]{2}){0,40}") {
            if let Ok(Some(rewritten)) = canonical(&path) {
                prop_assert_eq!(canonical(&rewritten), Ok(None));
                prop_assert_ne!(&rewritten, &path);
            }
        }

        #[test]
        fn no_decoder_finds_another_segment_in_a_canonical_path(path in "/([a-z./]|%2[efEF0-9]|%5[cC]|%252[eEfF]){0,40}") {
            let Ok(rewritten) = canonical(&path) else { return Ok(()) };
            let canonical = rewritten.unwrap_or(path);
            let decoded = percent_encoding::percent_decode_str(&canonical).decode_utf8_lossy();
            prop_assert_eq!(decoded.matches('/').count(), canonical.matches('/').count());
            prop_assert!(decoded.split('/').all(|segment| segment != "." && segment != ".."));
        }

        #[test]
        fn any_text_is_judged_without_a_panic(path in "\\PC*") {
            let _ = canonical(&path);
        }
    }
}
