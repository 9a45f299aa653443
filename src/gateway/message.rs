//! The message that a trigger hands to `mock` and `echo`, and what expressions see of a call.

use std::borrow::Cow;

use http::header::{CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::domain::template::Scope;
use crate::gateway::policy::Permit;

/// The most fields of a form. One with more is refused: each costs much more memory than its bytes.
pub const FIELDS_MAX: usize = 1000;

/// A form with more than [`FIELDS_MAX`] fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form has more than 1000 fields")]
pub struct TooManyFields;

/// What expressions see of a call: its message, and `metadata` about what serves it.
///
/// Where the body was not gathered, as for an `upstream`, `body` is empty and the message's body is the empty text.
///
/// # Errors
/// [`TooManyFields`].
pub fn scope(
    permit: &Permit,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Scope, TooManyFields> {
    let parsed = is_json(headers)
        .then(|| serde_json::from_slice(body).ok())
        .flatten();
    let deployed = permit.deployed();
    let metadata = json!({
        "realm": deployed.realm.as_str(),
        "environment": deployed.environment.as_str(),
        "gateway": permit.gateway().as_str(),
        "pipeline": {
            "name": deployed.key.name.as_str(),
            "major": deployed.key.major,
            "revision": deployed.revision,
        },
        "requestId": permit.request_id().as_str(),
    });
    Ok(Scope {
        message: message(permit, query, headers, body)?,
        body: parsed,
        metadata,
    })
}

/// The message of a call.
///
/// Texts that are not UTF-8 (the body, header values, decoded parameters) have U+FFFD in place of what cannot be read.
/// Several values of one name, in headers, query or form, are joined with `, `; cookies with `; `. A route parameter
/// takes the place of a query parameter of its name.
///
/// # Errors
/// [`TooManyFields`].
pub fn message(
    permit: &Permit,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, TooManyFields> {
    let text = String::from_utf8_lossy(body);
    let form = if is_form(headers) {
        form(&text)?
    } else {
        Map::new()
    };
    // A query is part of the request's head, which is bounded itself.
    let mut query_and_path = fields(query.unwrap_or_default());
    for (name, value) in permit.parameters() {
        query_and_path.insert(name.clone(), Value::String(value.clone()));
    }
    let content_type = headers.get(CONTENT_TYPE).map_or(Value::Null, |value| {
        Value::String(lossy(value).into_owned())
    });
    let mut message = Map::with_capacity(9);
    message.insert("body".to_owned(), Value::String(text.into_owned()));
    message.insert("form".to_owned(), Value::Object(form));
    message.insert("headers".to_owned(), Value::Object(header_fields(headers)));
    message.insert("queryAndPath".to_owned(), Value::Object(query_and_path));
    message.insert(
        "method".to_owned(),
        Value::String(permit.method().as_str().to_owned()),
    );
    message.insert("contentType".to_owned(), content_type);
    message.insert(
        "path".to_owned(),
        Value::String(permit.path().as_str().to_owned()),
    );
    message.insert("files".to_owned(), Value::Array(Vec::new()));
    let client = permit
        .client()
        .map_or(Value::Null, |client| client.message().clone());
    message.insert("client".to_owned(), client);
    Ok(Value::Object(message))
}

fn header_fields(headers: &HeaderMap) -> Map<String, Value> {
    let mut fields = Map::with_capacity(headers.keys_len());
    for (name, value) in headers {
        let separator = if *name == COOKIE { "; " } else { ", " };
        push(
            &mut fields,
            Cow::Borrowed(name.as_str()),
            &lossy(value),
            separator,
        );
    }
    fields
}

fn form(body: &str) -> Result<Map<String, Value>, TooManyFields> {
    let pairs = body.split('&').filter(|pair| !pair.is_empty());
    if pairs.count() > FIELDS_MAX {
        Err(TooManyFields)
    } else {
        Ok(fields(body))
    }
}

/// The fields of a query or of an `application/x-www-form-urlencoded` body.
fn fields(text: &str) -> Map<String, Value> {
    let mut fields = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        push(&mut fields, decoded(name), &decoded(value), ", ");
    }
    fields
}

fn push(fields: &mut Map<String, Value>, name: Cow<'_, str>, value: &str, separator: &str) {
    match fields.get_mut(name.as_ref()) {
        Some(Value::String(before)) => {
            before.push_str(separator);
            before.push_str(value);
        }
        Some(_) | None => {
            fields.insert(name.into_owned(), Value::String(value.to_owned()));
        }
    }
}

fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

fn lossy(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

/// The media type, without its parameters.
fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim())
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| {
        let suffix = kind
            .len()
            .checked_sub("+json".len())
            .and_then(|start| kind.get(start..));
        kind.eq_ignore_ascii_case("application/json")
            || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"))
    })
}

fn is_form(headers: &HeaderMap) -> bool {
    media_type(headers)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

#[cfg(test)]
mod tests;
