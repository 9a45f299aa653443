//! Reading documents, with errors that name the key and the place.

use serde::de::DeserializeOwned;
use serde_path_to_error::Path;

use crate::manifest::document::Document;

/// A text that is no such document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}{}: {message}", at(.key))]
pub struct Unreadable {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The key that it is about, such as `realm[0].pipeline[2].major`; empty where the text is damaged as a whole.
    pub key: String,
    /// What is wrong, in the parser's words.
    pub message: String,
}

fn at(key: &str) -> String {
    if key.is_empty() {
        String::new()
    } else {
        format!(", '{key}'")
    }
}

/// Reads a manifest.
///
/// # Errors
/// [`Unreadable`]: no TOML, or with unknown, missing or ill-formed keys.
pub fn toml(text: &str) -> Result<Document, Unreadable> {
    let damaged = |error: &toml::de::Error, key_of: String| {
        let (line, column) = place(text, error.span().map_or(0, |span| span.start));
        Unreadable {
            line,
            column,
            key: key_of.clone(),
            message: hinted(error.message(), &key_of),
        }
    };
    let parsed = toml::Deserializer::parse(text).map_err(|error| damaged(&error, String::new()))?;
    serde_path_to_error::deserialize(parsed).map_err(|error| {
        let key = key(error.path());
        damaged(error.inner(), key)
    })
}

/// The parser's words, with what to write in place of a single table where a list is expected.
fn hinted(message: &str, key: &str) -> String {
    if message.contains("map, expected a sequence") && !key.is_empty() {
        let table = plain(key);
        return format!("there can be several of these: write [[{table}]]");
    }
    without_values(message)
}

/// The parser's words without the text that it found: it may be a secret in the wrong place, and errors end up in logs.
fn without_values(message: &str) -> String {
    match (
        message.split_once("string \""),
        message.rsplit_once("\", expected"),
    ) {
        (Some((before, _)), Some((_, after))) => format!("{before}a text, expected{after}"),
        _ => message.to_owned(),
    }
}

/// The key without the numbers of lists, as it stands in a table's head.
fn plain(key: &str) -> String {
    key.split('.')
        .map(|part| part.split_once('[').map_or(part, |(name, _)| name))
        .collect::<Vec<_>>()
        .join(".")
}

/// Reads a JSON document, such as the body of a request.
///
/// # Errors
/// [`Unreadable`]: no JSON, something behind it, or with unknown, missing or ill-formed keys.
pub fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut parser).map_err(|error| {
        let key = key(error.path());
        damaged_json(error.inner(), key)
    })?;
    parser
        .end()
        .map_err(|error| damaged_json(&error, String::new()))?;
    Ok(value)
}

fn damaged_json(error: &serde_json::Error, key: String) -> Unreadable {
    let whole = error.to_string();
    let ending = format!(" at line {} column {}", error.line(), error.column());
    let message = without_values(whole.strip_suffix(&ending).unwrap_or(&whole));
    let key = if error.is_syntax() || error.is_eof() {
        String::new()
    } else {
        key
    };
    Unreadable {
        line: error.line(),
        column: error.column(),
        key,
        message,
    }
}

fn key(path: &Path) -> String {
    let text = path.to_string();
    if text == "." { String::new() } else { text }
}

/// Line and column, from 1, of a byte of the text.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |last| last.chars().count())
        .saturating_add(1);
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, expect: &str) {
        let error = toml(text).unwrap_err().to_string();
        assert!(error.contains(expect), "{text}\n→ {error}");
    }

    #[test]
    fn a_mistake_in_a_manifest_names_key_and_line() {
        refused(
            "[[realm]]\nnmae = 'a'\n",
            "line 2, column 1, 'realm[0].nmae': unknown field `nmae`",
        );
        refused("[[realm]]\nname = 'a'\nstate = 'on'\n", "line 3");
        refused(
            "[[realm]]\nname = 'Acme'\n",
            "line 2, column 8, 'realm[0].name': 'Acme' is no realm name",
        );
        refused(
            "[[realm]]\nname = 1\n",
            "line 2, column 8, 'realm[0].name': invalid type",
        );
        refused("[[realm]]\nname = \n", "line 2");
        refused(
            "[[realm]]\nname = 'a'\n[[realm.pipeline]]\nname = 'p'\nmajor = 70000\n",
            "line 5",
        );
        refused("[[realm]]\nname = 'a'\nname = 'b'\n", "line 3");
        refused("[[realm]]\n", "missing field `name`");
        refused("[realm]\nname = 'a'\n", "write [[realm]]");
        refused(
            "[[realm]]\nname = 'a'\n[realm.pipeline]\nname = 'p'\n",
            "write [[realm.pipeline]]",
        );
        refused(
            "[[realm]]\nname = 'a'\n[[realm.connection]]\nname = 'c'\nbase-url = 'ftp://x'\n",
            "line 5",
        );
    }

    #[test]
    fn a_mistake_in_json_names_field_and_position() {
        let refused = |text: &str, expect: &str| {
            let error = json::<Document>(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expect), "{text}\n→ {error}");
        };
        refused(
            "{\"realm\":[{\"name\":5}]}",
            "line 1, column 19, 'realm[0].name': invalid type",
        );
        refused(
            "{\"realm\":[{\"nmae\":\"a\"}]}",
            "'realm[0].nmae': unknown field `nmae`",
        );
        refused("{\"realm\":", "line 1, column 9: EOF");
        refused("{} x", "trailing characters");
        refused("", "EOF");
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_not_told_again() {
        let document =
            "[[realm]]\nname = \"a\"\n[[realm.pipeline]]\nname = \"p\"\nmajor = \"hush\\\"hush\"\n";
        let json_document =
            r#"{"realm":[{"name":"a","pipeline":[{"name":"p","major":"hush\"hush"}]}]}"#;
        let told = [
            toml(document).unwrap_err().to_string(),
            json::<Document>(json_document.as_bytes())
                .unwrap_err()
                .to_string(),
        ];
        for error in told {
            assert!(!error.contains("hush"), "{error}");
            assert!(
                error.contains("major") && error.contains("expected"),
                "{error}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_given_is_read_or_refused(text in "(\\[\\[realm(\\.[a-z]{1,10})?\\]\\]\n|[a-z-]{1,12} = ['\"a-z0-9{}:/.-]{0,12}\n|\\PC{0,8}){0,8}") {
            let _ = toml(&text);
            let _ = json::<Document>(text.as_bytes());
        }
    }
}
