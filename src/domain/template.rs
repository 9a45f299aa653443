//! Double Braces: text and JSON documents with `{{ message.body.product }}` in them.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

/// A path into the message or the metadata, such as `message.queryAndPath.id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Box<str>);

impl Path {
    fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let wrong = || InvalidTemplate::Path {
            text: text.chars().take(80).collect(),
        };
        let text = text.trim();
        let spelled_well = |s: &str| {
            !s.is_empty()
                && s.chars()
                    .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
        };
        let mut segments = text.split('.');
        let rooted = matches!(segments.clone().next(), Some("message" | "metadata"));
        if rooted && segments.clone().count() <= 32 && segments.all(spelled_well) {
            Ok(Self(text.into()))
        } else {
            Err(wrong())
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    Value(Path),
}

/// A text with expressions in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextTemplate {
    source: Box<str>,
    pieces: Box<[Piece]>,
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
                pieces.push(Piece::Text(before.into()));
            }
            pieces.push(Piece::Value(Path::parse(inside)?));
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.into()));
        }
        Ok(Self {
            source: text.into(),
            pieces: pieces.into(),
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
            .then_some(&*self.source)
    }

    /// The text with every expression replaced by the text of its value; a missing path is `null`.
    ///
    /// # Errors
    /// [`TooLong`] where it would have more than `bytes_max` bytes.
    pub fn render(&self, scope: &Scope, bytes_max: usize) -> Result<String, TooLong> {
        self.render_within(scope, &mut Budget(bytes_max))
    }

    fn render_within(&self, scope: &Scope, budget: &mut Budget) -> Result<String, TooLong> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(fixed) => {
                    budget.take(fixed.len())?;
                    text.push_str(fixed);
                }
                Piece::Value(path) => match scope.look_up(path).as_ref() {
                    Value::String(value) => {
                        budget.take(value.len())?;
                        text.push_str(value);
                    }
                    other @ (Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::Array(_)
                    | Value::Object(_)) => {
                        budget.take_value(other)?;
                        text.push_str(&other.to_string());
                    }
                },
            }
        }
        Ok(text)
    }

    fn render_value(&self, scope: &Scope, budget: &mut Budget) -> Result<Value, TooLong> {
        match &*self.pieces {
            [Piece::Value(path)] => {
                let value = scope.look_up(path);
                budget.take_value(&value)?;
                Ok(value.into_owned())
            }
            _ => self.render_within(scope, budget).map(Value::String),
        }
    }

    fn expressions(&self) -> usize {
        let values = self
            .pieces
            .iter()
            .filter(|piece| matches!(piece, Piece::Value(_)));
        values.count()
    }
}

/// How much a rendering may still yield, in bytes. Every JSON value besides its text counts as much as it takes in
/// memory, so that a document cannot multiply what a caller sends.
struct Budget(usize);

/// What a JSON value takes in memory besides its text, in bytes.
const VALUE_BYTES: usize = size_of::<Value>();

impl Budget {
    fn take(&mut self, bytes: usize) -> Result<(), TooLong> {
        self.0 = self.0.checked_sub(bytes).ok_or(TooLong)?;
        Ok(())
    }

    /// Stops as soon as the budget is used up: looking at a value costs no more than copying what is left.
    fn take_value(&mut self, value: &Value) -> Result<(), TooLong> {
        self.take(VALUE_BYTES)?;
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
            Value::String(text) => self.take(text.len()),
            Value::Array(items) => items.iter().try_for_each(|item| self.take_value(item)),
            Value::Object(entries) => entries.iter().try_for_each(|(key, value)| {
                self.take(key.len())?;
                self.take_value(value)
            }),
        }
    }
}

/// A rendering that would be longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("with this call's values the template yields more than it may")]
pub struct TooLong;

/// How many expressions a document may hold.
const EXPRESSIONS_MAX: usize = 1000;

/// A JSON document with expressions in its strings. An expression that stands alone becomes the JSON value; inside a
/// longer string it becomes text. Cheap to clone: pipelines and what is deployed of them share it.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonTemplate(Arc<Node>);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Fixed(Value),
    Text(TextTemplate),
    List(Box<[Self]>),
    Object(Box<[(Box<str>, Self)]>),
}

impl JsonTemplate {
    /// Reads a document.
    ///
    /// # Errors
    /// [`InvalidTemplate`] where a string in it cannot be read, or it holds more than 1000 expressions.
    pub fn parse(source: Value) -> Result<Self, InvalidTemplate> {
        let root = Node::parse(source)?;
        let expressions = root.expressions();
        if expressions > EXPRESSIONS_MAX {
            return Err(InvalidTemplate::TooMany {
                expressions,
                most: EXPRESSIONS_MAX,
            });
        }
        Ok(Self(Arc::new(root)))
    }

    /// The document as it was written.
    pub fn source(&self) -> Value {
        self.0.source()
    }

    /// The document with every expression replaced.
    ///
    /// # Errors
    /// [`TooLong`] where it would take more than `bytes_max` bytes of memory.
    pub fn render(&self, scope: &Scope, bytes_max: usize) -> Result<Value, TooLong> {
        self.0.render(scope, &mut Budget(bytes_max))
    }
}

impl Node {
    fn parse(value: Value) -> Result<Self, InvalidTemplate> {
        Ok(match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Fixed(value),
            Value::String(text) => {
                let template = TextTemplate::parse(&text)?;
                if template.fixed().is_some() {
                    Self::Fixed(Value::String(text))
                } else {
                    Self::Text(template)
                }
            }
            Value::Array(items) => Self::List(
                items
                    .into_iter()
                    .map(Self::parse)
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(entries) => {
                let parsed = entries
                    .into_iter()
                    .map(|(key, value)| Ok((key.into(), Self::parse(value)?)));
                Self::Object(parsed.collect::<Result<_, InvalidTemplate>>()?)
            }
        })
    }

    fn source(&self) -> Value {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Text(text) => Value::String(text.source().to_owned()),
            Self::List(items) => Value::Array(items.iter().map(Self::source).collect()),
            Self::Object(entries) => {
                let entries = entries.iter();
                Value::Object(
                    entries
                        .map(|(key, node)| (key.to_string(), node.source()))
                        .collect(),
                )
            }
        }
    }

    fn render(&self, scope: &Scope, budget: &mut Budget) -> Result<Value, TooLong> {
        match self {
            Self::Fixed(value) => {
                budget.take_value(value)?;
                Ok(value.clone())
            }
            Self::Text(text) => text.render_value(scope, budget),
            Self::List(items) => {
                budget.take(VALUE_BYTES)?;
                let rendered = items.iter().map(|item| item.render(scope, budget));
                rendered.collect::<Result<_, _>>().map(Value::Array)
            }
            Self::Object(entries) => {
                budget.take(VALUE_BYTES)?;
                let rendered = entries.iter().map(|(key, node)| {
                    budget.take(key.len())?;
                    Ok((key.to_string(), node.render(scope, budget)?))
                });
                rendered
                    .collect::<Result<Map<_, _>, _>>()
                    .map(Value::Object)
            }
        }
    }

    fn expressions(&self) -> usize {
        match self {
            Self::Fixed(_) => 0,
            Self::Text(text) => text.expressions(),
            Self::List(items) => items.iter().map(Self::expressions).sum(),
            Self::Object(entries) => entries.iter().map(|(_, node)| node.expressions()).sum(),
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
        let segments: Vec<&str> = path.0.split('.').collect();
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
    /// More expressions than a document may hold.
    #[error("it holds {expressions} expressions; at most {most} are allowed: repeat less")]
    TooMany {
        /// How many there are.
        expressions: usize,
        /// How many there may be.
        most: usize,
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
                    .render(&scope(), 10_000)
                    .unwrap(),
                expect,
                "{source}"
            );
        }
    }

    #[test]
    fn a_document_cannot_multiply_what_a_caller_sends() {
        let large = Scope {
            message: json!({"body": "x".repeat(100_000)}),
            body: Some(json!({"list": vec![0; 10_000]})),
            metadata: json!({}),
        };
        let many = |text: &str| JsonTemplate::parse(json!(vec![text; 500])).unwrap();
        for text in [
            "{{ message.body }}",
            "a {{ message.body }}",
            "{{ message.body.list }}",
            "{{ message }}",
        ] {
            assert_eq!(many(text).render(&large, 1_000_000), Err(TooLong), "{text}");
        }
        let once = JsonTemplate::parse(json!("{{ message.body }}")).unwrap();
        assert!(once.render(&large, 1_000_000).is_ok());
        let header = TextTemplate::parse("{{ message.body }}").unwrap();
        assert_eq!(header.render(&large, 8192), Err(TooLong));
    }

    #[test]
    fn a_document_holds_a_thousand_expressions_at_most() {
        let of = |count: usize| JsonTemplate::parse(json!(vec!["{{ message.path }}"; count]));
        assert!(of(1000).is_ok());
        assert!(matches!(of(1001), Err(InvalidTemplate::TooMany { .. })));
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
