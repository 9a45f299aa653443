//! What flags may say, by the rules that manifests are read by: wrong ones are told before anything is sent.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::manifest::document::{
    AccountDocument, ConnectionBody, ConnectionDocument, PipelineBody, PipelineDocument,
    RealmDocument,
};
use crate::manifest::read;

/// A flag that says what cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFlag {
    /// It breaks a rule.
    #[error("{message}")]
    Rule {
        /// The rule, as a manifest's reader tells it.
        message: String,
    },
    /// Nothing was written.
    #[error("it is empty: write a name")]
    Empty,
}

/// A realm's name.
///
/// # Errors
/// [`InvalidFlag`].
pub fn realm(text: &str) -> Result<String, InvalidFlag> {
    checked::<RealmDocument>(text, &json!({ "name": text }))
}

/// An account's name.
///
/// # Errors
/// [`InvalidFlag`].
pub fn account(text: &str) -> Result<String, InvalidFlag> {
    checked::<AccountDocument>(text, &json!({ "name": text, "type": "basic" }))
}

/// A pipeline's name.
///
/// # Errors
/// [`InvalidFlag`].
pub fn pipeline(text: &str) -> Result<String, InvalidFlag> {
    let document = json!({
        "name": text, "major": 1, "trigger": { "type": "rest" }, "handler": { "type": "echo" }
    });
    checked::<PipelineDocument>(text, &document)
}

/// A connection's name.
///
/// # Errors
/// [`InvalidFlag`].
pub fn connection(text: &str) -> Result<String, InvalidFlag> {
    let document = json!({ "name": text, "base-url": "http://a.example" });
    checked::<ConnectionDocument>(text, &document)
}

/// A connection's base URL.
///
/// # Errors
/// [`InvalidFlag`].
pub fn base_url(text: &str) -> Result<String, InvalidFlag> {
    checked::<ConnectionBody>(text, &json!({ "base-url": text }))
}

/// A method that a trigger can admit.
///
/// # Errors
/// [`InvalidFlag`].
pub fn method(text: &str) -> Result<String, InvalidFlag> {
    checked::<PipelineBody>(text, &body(&json!({ "type": "rest", "methods": [text] })))
}

/// An additional route.
///
/// # Errors
/// [`InvalidFlag`].
pub fn route(text: &str) -> Result<String, InvalidFlag> {
    checked::<PipelineBody>(text, &body(&json!({ "type": "rest", "routes": [text] })))
}

/// Any name at all: the server knows which ones there are.
///
/// # Errors
/// [`InvalidFlag::Empty`].
pub fn some_name(text: &str) -> Result<String, InvalidFlag> {
    if text.is_empty() {
        Err(InvalidFlag::Empty)
    } else {
        Ok(text.to_owned())
    }
}

fn body(trigger: &Value) -> Value {
    json!({ "trigger": trigger, "handler": { "type": "echo" } })
}

fn checked<T: DeserializeOwned>(text: &str, document: &Value) -> Result<String, InvalidFlag> {
    match read::json::<T>(document.to_string().as_bytes()) {
        Ok(_) => Ok(text.to_owned()),
        Err(unreadable) => Err(InvalidFlag::Rule {
            message: unreadable.message,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_passes_and_what_is_wrong_is_told_by_its_own_rule() {
        for (check, right, wrong, rule) in [
            (realm as fn(&str) -> _, "acme", "Acme", "no realm name"),
            (account, "dgb-mtls-a", "", "no account name"),
            (pipeline, "hello", "Hello", "no pipeline name"),
            (connection, "backend", "back end", "no connection name"),
            (base_url, "https://a.example/x", "ftp://a", "http://"),
            (method, "GET", "get", "no method"),
            (route, "/products/:id", "products", "/"),
            (some_name, "X", "", "empty"),
        ] {
            assert_eq!(check(right).as_deref(), Ok(right));
            let told = check(wrong).unwrap_err().to_string();
            assert!(told.contains(rule), "{told}");
        }
    }
}
