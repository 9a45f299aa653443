//! The names of things: each a type of its own, parsed once at the edge.

use std::fmt;
use std::sync::Arc;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no {what} name: {rule}")]
pub struct InvalidName {
    /// What was to be named.
    pub what: &'static str,
    /// The text, shortened, control characters escaped.
    pub text: String,
    /// What such a name looks like.
    pub rule: &'static str,
}

impl InvalidName {
    fn new(what: &'static str, text: &str, rule: &'static str) -> Self {
        Self {
            what,
            text: shortened(text),
            rule,
        }
    }
}

/// The first characters, with a mark where more were cut off.
fn shortened(text: &str) -> String {
    let mut chars = text.chars();
    let mut short: String = chars
        .by_ref()
        .take(60)
        .flat_map(char::escape_debug)
        .collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

fn is_label(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The name of a realm: a DNS label, 1 to 40 of `a-z 0-9 -`, no leading or trailing `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RealmName(Arc<str>);

impl RealmName {
    /// Reads a realm's name.
    ///
    /// # Errors
    /// [`InvalidName`] where the text breaks the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if is_label(text, 40) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName::new(
                "realm",
                text,
                "use 1 to 40 of a-z, 0-9 and -, not starting or ending with -",
            ))
        }
    }

    /// The name as a text that shares its memory.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

/// The realm that `realmgate prove` makes and removes; nobody else can.
const RESERVED: &str = "realmgate-prove";

impl RealmName {
    /// The name of the realm that is reserved for `realmgate prove`.
    pub fn reserved() -> Self {
        Self(RESERVED.into())
    }

    /// Whether it is the reserved one.
    pub fn is_reserved(&self) -> bool {
        self.as_str() == RESERVED
    }
}

/// The name of an account: 1 to 80 of `a-z A-Z 0-9 - _ .`, beginning with a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName(Arc<str>);

impl AccountName {
    /// Reads an account's name.
    ///
    /// # Errors
    /// [`InvalidName`] where the text breaks the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let starts_well = text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric());
        if text.len() <= 80 && starts_well && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            let rule =
                "use 1 to 80 of a-z, A-Z, 0-9, '-', '_' and '.', beginning with a letter or digit";
            Err(InvalidName::new("account", text, rule))
        }
    }

    /// The name as a text that shares its memory.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

/// The name of a pipeline, as it stands in its URL: 1 to 63 of `a-z 0-9 -`, no leading or trailing `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PipelineName(Arc<str>);

impl PipelineName {
    /// Reads a pipeline's name.
    ///
    /// # Errors
    /// [`InvalidName`] where the text breaks the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if is_label(text, 63) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName::new(
                "pipeline",
                text,
                "use 1 to 63 of a-z, 0-9 and -, not starting or ending with -",
            ))
        }
    }
}

/// The name of a connection: 1 to 63 of `a-z 0-9 -`, no leading or trailing `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionName(Arc<str>);

impl ConnectionName {
    /// Reads a connection's name.
    ///
    /// # Errors
    /// [`InvalidName`] where the text breaks the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if is_label(text, 63) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName::new(
                "connection",
                text,
                "use 1 to 63 of a-z, 0-9 and -, not starting or ending with -",
            ))
        }
    }
}

/// The name of an access token: 1 to 63 of `a-z 0-9 -`, no leading or trailing `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenName(Arc<str>);

impl TokenName {
    /// Reads a token's name.
    ///
    /// # Errors
    /// [`InvalidName`] where the text breaks the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if is_label(text, 63) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName::new(
                "token",
                text,
                "use 1 to 63 of a-z, 0-9 and -, not starting or ending with -",
            ))
        }
    }
}

/// The name of a source of revocation lists: 1 to 63 of `a-z 0-9 -`, no leading or trailing `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrlSourceName(Arc<str>);

impl CrlSourceName {
    /// Reads a source's name.
    ///
    /// # Errors
    /// [`InvalidName`] where the text breaks the rule above.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if is_label(text, 63) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName::new(
                "source",
                text,
                "use 1 to 63 of a-z, 0-9 and -, not starting or ending with -",
            ))
        }
    }
}

macro_rules! text_of_a_name {
    ($($name:ident),*) => {$(
        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

text_of_a_name!(
    RealmName,
    AccountName,
    PipelineName,
    ConnectionName,
    TokenName,
    CrlSourceName
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_name_is_a_dns_label() {
        for good in ["a", "acme", "a-1", "0", &"x".repeat(40)] {
            assert!(RealmName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            "a-",
            "Acme",
            "a.b",
            "a_b",
            "ä",
            "a b",
            "a\n",
            &"x".repeat(41),
        ] {
            assert!(RealmName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_account_name_may_bear_dots_and_capitals() {
        for good in ["dgb-mtls-autocorp", "A.b_c-1", "9"] {
            assert!(AccountName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", ".a", "a/b", "a b", "a\u{0}", &"x".repeat(81)] {
            assert!(AccountName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_error_marks_a_name_that_it_cuts_off() {
        let error = |length: usize| RealmName::parse(&"x".repeat(length)).unwrap_err().text;
        assert_eq!(error(60), "x".repeat(60));
        assert_eq!(error(61), format!("{}…", "x".repeat(60)));
    }

    #[test]
    fn the_error_shows_no_raw_control_characters() {
        let error = RealmName::parse("a\r\nb").unwrap_err().to_string();
        assert!(!error.contains('\n'), "{error}");
        assert!(error.contains("\\r\\n"), "{error}");
    }
}
