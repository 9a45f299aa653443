//! What answers have in common.

use axum::response::Json;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::api::error::ApiError;
use crate::control::executing::Done;

/// The answer to a question, or why there is none.
pub(crate) type Answer<T> = Result<Json<T>, ApiError>;

/// What a change came to.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Changed {
    /// Whether there was anything to do.
    changed: bool,
    /// The catalog's revision.
    revision: u64,
    /// What there is to know about it, a sentence each.
    warnings: Vec<String>,
}

impl From<Done> for Changed {
    fn from(done: Done) -> Self {
        Self {
            changed: done.changed,
            revision: done.revision,
            warnings: done.warnings.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A list under its name: `{"realms": […]}`.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    name: &'static str,
    items: Vec<T>,
}

impl<T> Listed<T> {
    /// Names a list.
    pub(crate) fn of(name: &'static str, items: Vec<T>) -> Json<Self> {
        Json(Self { name, items })
    }
}

impl<T: Serialize> Serialize for Listed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.name, &self.items)?;
        map.end()
    }
}

/// A page of a list that is read backwards: `{"records": […], "next": 17}`, where `next` is what `before` has to be for
/// the page behind it; `null` where there is none.
#[derive(Debug)]
pub(crate) struct Paged<T> {
    list: Listed<T>,
    next: Option<u64>,
}

impl<T> Paged<T> {
    /// Makes a page of `limit` items at most, the last one of which has the smallest `sequence`.
    pub(crate) fn of(
        name: &'static str,
        items: Vec<T>,
        limit: usize,
        sequence: impl FnOnce(&T) -> u64,
    ) -> Json<Self> {
        let full = items.len() >= limit;
        let next = items.last().map(sequence).filter(|last| full && *last > 1);
        Json(Self {
            list: Listed { name, items },
            next,
        })
    }
}

impl<T: Serialize> Serialize for Paged<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(self.list.name, &self.list.items)?;
        map.serialize_entry("next", &self.next)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_where_the_next_one_begins() {
        let page = |items: Vec<u64>| {
            let page = Paged::of("records", items, 2, |last| *last);
            serde_json::to_string(&page.0).unwrap()
        };
        assert_eq!(page(vec![9, 8]), r#"{"records":[9,8],"next":8}"#);
        assert_eq!(page(vec![9]), r#"{"records":[9],"next":null}"#);
        assert_eq!(page(vec![2, 1]), r#"{"records":[2,1],"next":null}"#);
        assert_eq!(page(vec![]), r#"{"records":[],"next":null}"#);
    }
}
