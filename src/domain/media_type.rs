//! Media types: what a trigger admits in requests, and its handler in answers.

use std::fmt;

/// A media range (RFC 9110 §12.5.1) without parameters: `application/json`, `image/*` or `*/*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaRange(String);

/// The longest that a media range may be, in bytes.
const BYTES_MAX: usize = 128;

impl MediaRange {
    /// Reads a media range; capitals are the same as small letters.
    ///
    /// # Errors
    /// [`InvalidMediaRange`], which says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidMediaRange> {
        let wrong = |rule| {
            Err(InvalidMediaRange {
                text: text.chars().take(80).flat_map(char::escape_debug).collect(),
                rule,
            })
        };
        if text.contains(';') {
            return wrong("leave out its parameters, from the ';' on");
        }
        let Some((kind, subtype)) = text.split_once('/') else {
            return wrong("write a type, '/' and a subtype, like application/json");
        };
        let named = is_token(kind) && is_token(subtype);
        let wild = (subtype == "*" && is_token(kind)) || text == "*/*";
        if text.len() > BYTES_MAX || !(named || wild) {
            return wrong(
                "write it like application/json, image/* or */*, with at most 128 characters",
            );
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The range in small letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `content_type`, the value of a `Content-Type` field, lies in the range. Its parameters do not matter.
    pub fn takes(&self, content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or_default();
        let Some((kind, subtype)) = essence.trim_matches([' ', '\t']).split_once('/') else {
            return false;
        };
        let Some((own_kind, own_subtype)) = self.0.split_once('/') else {
            return false;
        };
        let same = |own: &str, other: &str| {
            is_token(other) && (own == "*" || own.eq_ignore_ascii_case(other))
        };
        same(own_kind, kind) && same(own_subtype, subtype)
    }
}

impl fmt::Display for MediaRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A token of RFC 9110 §5.6.2. The star is one of its characters, and stands for anything in ranges: no type has it.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&b))
}

/// A text that is no media range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no media type that can be admitted: {rule}")]
pub struct InvalidMediaRange {
    /// What was written.
    pub text: String,
    /// What to write.
    pub rule: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_by_their_rules() {
        for good in [
            "application/json",
            "Application/JSON",
            "image/*",
            "*/*",
            "application/vnd.acme+xml",
        ] {
            assert!(MediaRange::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "json",
            "/",
            "a/",
            "/b",
            "*/json",
            "a/*b",
            "a/b/c",
            "a/b; charset=utf-8",
            "a /b",
            "a/b\n",
            "ä/b",
        ] {
            assert!(MediaRange::parse(bad).is_err(), "{bad}");
        }
        assert!(MediaRange::parse(&format!("a/{}", "b".repeat(127))).is_err());
    }

    #[test]
    fn a_content_type_lies_in_its_range_whatever_its_case_and_parameters() {
        let cases = [
            ("application/json", "application/json", true),
            ("application/json", "APPLICATION/Json;charset=utf-8", true),
            ("application/json", " application/json ; a=b", true),
            ("application/json", "application/json-patch+json", false),
            ("application/json", "application/jso", false),
            ("application/json", "text/json", false),
            ("application/json", "", false),
            ("application/json", "application/json, text/html", false),
            ("image/*", "image/png", true),
            ("image/*", "image/", false),
            ("image/*", "images/png", false),
            ("*/*", "a/b", true),
            ("*/*", "nonsense", false),
        ];
        for (range, content_type, takes) in cases {
            let range = MediaRange::parse(range).unwrap();
            assert_eq!(range.takes(content_type), takes, "{range} {content_type}");
        }
    }
}
