//! Double Braces: text and JSON documents with `{{ message.body.product }}` in them.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// A path into the message or the metadata, such as `message.queryAndPath.id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    segments: Vec<String>,
}

impl Path {
    fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let wrong = || InvalidTemplate::Path {
            text: text.chars().take(80).collect(),
        };
        let segments: Vec<String> = text.trim().split('.').map(str::to_owned).collect();
        let spelled_well = |s: &String| {
            !s.is_empty()
                && s.chars()
                    .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
        };
        let rooted = matches!(
            segments.first().map(String::as_str),
            Some("message" | "metadata")
        );
        if rooted && segments.len() <= 32 && segments.iter().all(spelled_well) {
            Ok(Self { segments })
        } else {
            Err(wrong())
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Path),
}

/// A text with expressions in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextTemplate {
    source: String,
    pieces: Vec<Piece>,
}

impl TextTemplate {
    /// Reads a text.
    ///
    /// # Errors
    /// [`InvalidTemplate`] where braces are not closed or hold no path.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((inside, behind)) = after.split_once("}}") else {
                return Err(InvalidTemplate::NotClosed {
                    text: after.chars().take(40).collect(),
                });
            };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Value(Path::parse(inside)?));
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self {
            source: text.to_owned(),
            pieces,
        })
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text where it holds no expression at all.
    pub fn fixed(&self) -> Option<&str> {
        self.pieces
            .iter()
            .all(|piece| matches!(piece, Piece::Text(_)))
            .then_some(self.source.as_str())
    }

    /// The text with every expression replaced by the text of its value; a missing path is `null`.
    pub fn render(&self, scope: &Scope) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(fixed) => text.push_str(fixed),
                Piece::Value(path) => match scope.look_up(path).as_ref() {
                    Value::String(value) => text.push_str(value),
                    other @ (Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::Array(_)
                    | Value::Object(_)) => {
                        text.push_str(&other.to_string());
                    }
                },
            }
        }
        text
    }

    fn render_value(&self, scope: &Scope) -> Value {
        match self.pieces.as_slice() {
            [Piece::Value(path)] => scope.look_up(path).into_owned(),
            _ => Value::String(self.render(scope)),
        }
    }
}

/// A JSON document with expressions in its strings. An expression that stands alone becomes the JSON value; inside a
/// longer string it becomes text.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonTemplate {
    source: Value,
    root: Node,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Fixed(Value),
    Text(TextTemplate),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl JsonTemplate {
    /// Reads a document.
    ///
    /// # Errors
    /// [`InvalidTemplate`] where a string in it cannot be read.
    pub fn parse(source: Value) -> Result<Self, InvalidTemplate> {
        let root = Node::parse(&source)?;
        Ok(Self { source, root })
    }

    /// The document as it was written.
    pub const fn source(&self) -> &Value {
        &self.source
    }

    /// The document with every expression replaced.
    pub fn render(&self, scope: &Scope) -> Value {
        self.root.render(scope)
    }
}

impl Node {
    fn parse(value: &Value) -> Result<Self, InvalidTemplate> {
        Ok(match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Fixed(value.clone()),
            Value::String(text) => {
                let template = TextTemplate::parse(text)?;
                if template.fixed().is_some() {
                    Self::Fixed(value.clone())
                } else {
                    Self::Text(template)
                }
            }
            Value::Array(items) => {
                Self::List(items.iter().map(Self::parse).collect::<Result<_, _>>()?)
            }
            Value::Object(entries) => {
                let parsed = entries
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), Self::parse(value)?)));
                Self::Object(parsed.collect::<Result<_, InvalidTemplate>>()?)
            }
        })
    }

    fn render(&self, scope: &Scope) -> Value {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(text) => text.render_value(scope),
            Self::List(items) => {
                Value::Array(items.iter().map(|item| item.render(scope)).collect())
            }
            Self::Object(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, node)| (key.clone(), node.render(scope)))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

/// What expressions see: the message of a call, and metadata about what serves it.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The message, in the specification's form.
    pub message: Value,
    /// The body's value, where its content type is JSON and it is well-formed: `message.body.…` reaches into it.
    pub body: Option<Value>,
    /// `metadata.…`.
    pub metadata: Value,
}

impl Scope {
    fn look_up(&self, path: &Path) -> Cow<'_, Value> {
        let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
        let found = match segments.as_slice() {
            ["message", "body", inside @ ..] if !inside.is_empty() => {
                self.body.as_ref().and_then(|body| walk(body, inside))
            }
            ["message", inside @ ..] => walk(&self.message, inside),
            ["metadata", inside @ ..] => walk(&self.metadata, inside),
            _ => None,
        };
        found.map_or(Cow::Owned(Value::Null), Cow::Borrowed)
    }
}

fn walk<'a>(start: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(start, |value, segment| match value {
        Value::Array(items) => segment
            .parse::<usize>()
            .ok()
            .and_then(|position| items.get(position)),
        Value::Object(entries) => entries.get(*segment),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// Why a template cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// `{{` without `}}`.
    #[error("'{{{{{text}' has no closing '}}}}'")]
    NotClosed {
        /// What follows the opening braces.
        text: String,
    },
    /// Something in braces that is no path.
    #[error(
        "'{{{{{text}}}}}' is no expression: write a path such as {{{{ message.body.product }}}} or {{{{ metadata.pipeline.name }}}}"
    )]
    Path {
        /// What stands between the braces.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        Scope {
            message: json!({"body": "{\"product\":\"hat\",\"sizes\":[1,2]}", "queryAndPath": {"id": "7"}, "client": {"subject": "CN=a"}}),
            body: Some(json!({"product": "hat", "sizes": [1, 2], "price": {"net": 9.5}})),
            metadata: json!({"pipeline": {"name": "orders"}}),
        }
    }

    #[test]
    fn expressions_become_values_or_text() {
        let cases = [
            (json!("{{ message.body.product }}"), json!("hat")),
            (json!("{{message.body.sizes}}"), json!([1, 2])),
            (json!("{{ message.body.sizes.1 }}"), json!(2)),
            (json!("{{ message.body.price.net }} EUR"), json!("9.5 EUR")),
            (
                json!({"a": ["{{ message.queryAndPath.id }}", 1]}),
                json!({"a": ["7", 1]}),
            ),
            (json!("{{ message.body.missing }}"), json!(null)),
            (json!("x{{ message.missing }}y"), json!("xnully")),
            (
                json!("{{ metadata.pipeline.name }}/{{ message.client.subject }}"),
                json!("orders/CN=a"),
            ),
            (json!("no braces"), json!("no braces")),
        ];
        for (source, expect) in cases {
            assert_eq!(
                JsonTemplate::parse(source.clone())
                    .unwrap()
                    .render(&scope()),
                expect,
                "{source}"
            );
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(matches!(
            TextTemplate::parse("{{ message.a"),
            Err(InvalidTemplate::NotClosed { .. })
        ));
        for bad in [
            "{{}}",
            "{{ other.a }}",
            "{{ message..a }}",
            "{{ a b }}",
            "{{ {{ message.a }} }}",
        ] {
            assert!(
                matches!(TextTemplate::parse(bad), Err(InvalidTemplate::Path { .. })),
                "{bad}"
            );
        }
    }
}
