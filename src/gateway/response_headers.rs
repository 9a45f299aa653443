//! The headers that a trigger adds to its handler's answers.

use http::{HeaderMap, HeaderValue};

use crate::domain::template::Scope;
use crate::snapshot::route::{AddedHeader, AddedValue};

/// Whether any of them holds an expression, so that a scope is needed.
pub fn need_scope(added: &[AddedHeader]) -> bool {
    added
        .iter()
        .any(|header| matches!(header.value, AddedValue::Rendered(_)))
}

/// The longest rendered value, in bytes.
const VALUE_BYTES_MAX: usize = 8192;

/// Adds them, in the place of headers of the same name. One whose rendered value cannot stand in a header, because a
/// caller's text with line breaks became part of it or it is longer than 8 KiB, is left out.
pub fn add(added: &[AddedHeader], scope: Option<&Scope>, headers: &mut HeaderMap) {
    for header in added {
        let value = match (&header.value, scope) {
            (AddedValue::Fixed(value), _) => Some(value.clone()),
            (AddedValue::Rendered(template), Some(scope)) => template
                .render(scope, VALUE_BYTES_MAX)
                .ok()
                .and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok()),
            (AddedValue::Rendered(_), None) => None,
        };
        if let Some(value) = value {
            headers.insert(&header.name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::trigger::ResponseHeader;

    fn added(name: &str, value: &str) -> AddedHeader {
        AddedHeader::compile(&ResponseHeader::parse(name, value).unwrap()).unwrap()
    }

    fn scope(id: &str) -> Scope {
        Scope {
            message: json!({"queryAndPath": {"id": id}}),
            body: None,
            metadata: json!({"pipeline": {"name": "orders"}}),
        }
    }

    #[test]
    fn fixed_and_rendered_values_are_added_in_place_of_the_handlers() {
        let added = [
            added("X-Fixed", "as it is"),
            added(
                "X-Id",
                "{{ message.queryAndPath.id }}/{{ metadata.pipeline.name }}",
            ),
            added("Content-Type", "text/plain"),
        ];
        assert!(need_scope(&added));
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        add(&added, Some(&scope("7")), &mut headers);
        assert_eq!(headers["x-fixed"], "as it is");
        assert_eq!(headers["x-id"], "7/orders");
        assert_eq!(headers["content-type"], "text/plain");
        assert_eq!(headers.len(), 3);
    }

    #[test]
    fn a_callers_line_break_makes_no_header() {
        let added = [added("X-Id", "{{ message.queryAndPath.id }}")];
        let mut headers = HeaderMap::new();
        add(&added, Some(&scope("a\r\nset-cookie: b")), &mut headers);
        assert!(headers.is_empty());
    }
}
