//! A handler's answer, and how the JSON that a document yields becomes one.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// An answer that is JSON.
pub fn json(value: &Value) -> Response<Bytes> {
    // A JSON value can always be written.
    let mut answer = Response::new(Bytes::from(serde_json::to_vec(value).unwrap_or_default()));
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    answer
}

/// The answer that a document stands for.
///
/// An object that has `code`, and besides it nothing but `Content-Type` and `body`, says what the answer is: `body` is
/// sent as it is where it is a string, as JSON where it is another value, and not at all where it is missing or the
/// status allows none. Without `Content-Type` a string is `text/plain`, another value `application/json`. Every other
/// value, an object with more keys included, is the answer's body itself, with status 200.
///
/// # Errors
/// [`InvalidAnswer`] where `code` is no status from 200 to 599, or `Content-Type` no header value.
pub fn interpret(value: &Value) -> Result<Response<Bytes>, InvalidAnswer> {
    let Some(object) = value
        .as_object()
        .filter(|object| describes_an_answer(object))
    else {
        return Ok(json(value));
    };
    let status = object
        .get("code")
        .and_then(status)
        .ok_or(InvalidAnswer::Code)?;
    let stated = match object.get("Content-Type") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(
            HeaderValue::from_str(text)
                .ok()
                .filter(|value| !value.is_empty())
                .ok_or(InvalidAnswer::ContentType)?,
        ),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return Err(InvalidAnswer::ContentType);
        }
    };
    let (body, usual) = match object.get("body") {
        None => (Bytes::new(), None),
        Some(Value::String(text)) => (Bytes::copy_from_slice(text.as_bytes()), Some(TEXT)),
        Some(other) => (json(other).into_body(), Some(JSON)),
    };
    let bodiless = matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
    );
    let mut answer = Response::new(if bodiless { Bytes::new() } else { body });
    *answer.status_mut() = status;
    if let Some(content_type) = stated.or(usual).filter(|_| !bodiless) {
        answer.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    Ok(answer)
}

fn describes_an_answer(object: &Map<String, Value>) -> bool {
    object.contains_key("code")
        && object
            .keys()
            .all(|key| matches!(key.as_str(), "code" | "Content-Type" | "body"))
}

fn status(code: &Value) -> Option<StatusCode> {
    let number = match code {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let number = u16::try_from(number)
        .ok()
        .filter(|number| (200..600).contains(number))?;
    StatusCode::from_u16(number).ok()
}

/// Why a handler's answer cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAnswer {
    /// `code` is no status.
    #[error(
        "This API gave an answer whose 'code' is not a status from 200 to 599: tell the people who run it."
    )]
    Code,
    /// `Content-Type` is no text that a header can hold.
    #[error(
        "This API gave an answer whose 'Content-Type' cannot stand in a header: tell the people who run it."
    )]
    ContentType,
    /// `Content-Type` is none that the trigger admits, or is there twice, or not at all.
    #[error(
        "This API gave an answer of a content type that it does not declare: tell the people who run it."
    )]
    ForeignContentType,
    /// The document would yield more than it may.
    #[error(
        "This API's answer would be too long with what was sent: send less, or tell the people who run it."
    )]
    TooLong,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: &Value, status: u16, content_type: Option<&str>, body: &str) {
        let answer = interpret(value).unwrap();
        assert_eq!(answer.status(), status, "{value}");
        assert_eq!(
            answer
                .headers()
                .get(CONTENT_TYPE)
                .map(|value| value.to_str().unwrap()),
            content_type,
            "{value}"
        );
        assert_eq!(std::str::from_utf8(answer.body()).unwrap(), body, "{value}");
    }

    #[test]
    fn a_plain_value_is_the_body() {
        let json_type = Some("application/json");
        check(&json!({"a": 1}), 200, json_type, r#"{"a":1}"#);
        check(&json!("text"), 200, json_type, r#""text""#);
        check(&json!(null), 200, json_type, "null");
        check(&json!({"body": "x"}), 200, json_type, r#"{"body":"x"}"#);
        check(
            &json!({"code": "X-1", "name": "hat"}),
            200,
            json_type,
            r#"{"code":"X-1","name":"hat"}"#,
        );
    }

    #[test]
    fn an_object_with_a_code_says_what_the_answer_is() {
        check(&json!({"code": 204}), 204, None, "");
        check(
            &json!({"code": 404, "body": {"a": 1}}),
            404,
            Some("application/json"),
            r#"{"a":1}"#,
        );
        check(
            &json!({"code": 200, "body": "hello"}),
            200,
            Some("text/plain; charset=utf-8"),
            "hello",
        );
        check(
            &json!({"code": 200, "Content-Type": "text/xml", "body": "<a/>"}),
            200,
            Some("text/xml"),
            "<a/>",
        );
        check(
            &json!({"code": "201", "body": null}),
            201,
            Some("application/json"),
            "null",
        );
        check(
            &json!({"code": 304, "body": "x", "Content-Type": "text/xml"}),
            304,
            None,
            "",
        );
        check(&json!({"code": 500}), 500, None, "");
    }

    #[test]
    fn an_answer_that_cannot_be_sent_is_an_error() {
        for code in [
            json!(99),
            json!(100),
            json!(101),
            json!(600),
            json!(200.5),
            json!(-1),
            json!("ok"),
            json!(null),
            json!([]),
        ] {
            assert_eq!(
                interpret(&json!({"code": code, "body": 1})).unwrap_err(),
                InvalidAnswer::Code,
                "{code}"
            );
        }
        for content_type in [json!("a\r\nb: c"), json!(""), json!(7), json!({})] {
            let answer = json!({"code": 200, "Content-Type": content_type});
            assert_eq!(
                interpret(&answer).unwrap_err(),
                InvalidAnswer::ContentType,
                "{content_type}"
            );
        }
    }
}
