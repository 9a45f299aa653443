//! Bits of the API's JSON as words.

use serde_json::Value;

use crate::cli::table::{Table, plain};

/// One column of a list: its heading, and where its cell lies in an item (a JSON pointer).
pub type Column = (&'static str, &'static str);

/// The text at a JSON pointer: texts as they are, numbers in digits, yes and no, lists with commas; `-` where there is
/// nothing.
pub fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).map_or_else(|| "-".to_owned(), words)
}

/// The text at a JSON pointer, where there is one.
pub fn some_text(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer) {
        None | Some(Value::Null) => None,
        Some(Value::Array(items)) if items.is_empty() => None,
        Some(there) => Some(words(there)),
    }
}

/// The items at a JSON pointer; none where there is no list.
pub fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// A list as a table, or `empty` where it has no items.
pub fn list(items: &[Value], columns: &[Column], empty: &str) -> String {
    if items.is_empty() {
        return format!("{empty}\n");
    }
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    let mut table = Table::new(&headings);
    for item in items {
        table.push(columns.iter().map(|(_, pointer)| text(item, pointer)));
    }
    table.to_text()
}

/// Labels and values below one another; what is not there is left out.
pub fn sheet(value: &Value, rows: &[Column], indent: usize) -> String {
    let there: Vec<(&str, String)> = rows
        .iter()
        .filter_map(|(label, pointer)| Some((*label, some_text(value, pointer)?)))
        .collect();
    let widest = there
        .iter()
        .map(|(label, _)| label.chars().count())
        .max()
        .unwrap_or(0);
    let margin = " ".repeat(indent);
    let mut out = String::new();
    for (label, text) in there {
        out.push_str(&format!("{margin}{label:widest$}  {}\n", plain(&text)));
    }
    out
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => whole_seconds(text).unwrap_or_else(|| text.clone()),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let there = fields.iter().filter(|(_, value)| !value.is_null());
            there
                .map(|(name, value)| format!("{name}={}", words(value)))
                .collect::<Vec<_>>()
                .join(" ")
        }
    }
}

/// A moment without its fraction of a second; `None` for any other text.
fn whole_seconds(text: &str) -> Option<String> {
    let (seconds, fraction) = text.strip_suffix('Z')?.split_once('.')?;
    let is_moment = seconds.len() == 19 && seconds.get(10..11) == Some("T");
    let digits = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
    (is_moment && digits).then(|| format!("{seconds}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_become_words() {
        let value =
            json!({"a": "x", "b": true, "c": [1, "two"], "d": null, "e": {"f": 1}, "g": []});
        let cases = [
            ("/a", "x"),
            ("/b", "yes"),
            ("/c", "1, two"),
            ("/d", "-"),
            ("/e", "f=1"),
            ("/g", "-"),
            ("/z", "-"),
        ];
        for (pointer, expect) in cases {
            assert_eq!(text(&value, pointer), expect, "{pointer}");
        }
    }

    #[test]
    fn moments_are_told_to_the_second() {
        for (text, expect) in [
            ("2027-01-31T12:00:00.721Z", "2027-01-31T12:00:00Z"),
            ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z"),
            ("1.2.3.Z", "1.2.3.Z"),
            ("ABCDEFGHIJTBCDEFGHI.Z", "ABCDEFGHIJTBCDEFGHI.Z"),
        ] {
            assert_eq!(super::text(&json!({ "a": text }), "/a"), expect);
        }
    }

    #[test]
    fn a_sheet_leaves_out_what_is_not_there() {
        let value = json!({"name": "acme", "end": null, "state": "active"});
        let rows = [
            ("name", "/name"),
            ("ends", "/end"),
            ("is now", "/state"),
            ("more", "/more"),
        ];
        assert_eq!(
            sheet(&value, &rows, 2),
            "  name    acme\n  is now  active\n"
        );
    }
}
