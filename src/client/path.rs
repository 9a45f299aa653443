//! Paths of the admin API.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A path below `/api/v1`, each segment encoded.
#[derive(Clone, Debug)]
pub struct Path(String);

impl Path {
    /// The path of these segments.
    pub fn of(segments: &[&str]) -> Self {
        let mut path = String::from("/api/v1");
        for segment in segments {
            path.push('/');
            path.extend(utf8_percent_encode(segment, SEGMENT));
        }
        Self(path)
    }

    /// The same path with a query parameter, where it has a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            self.0.push_str(name);
            self.0.push('=');
            self.0.extend(utf8_percent_encode(value, SEGMENT));
        }
        self
    }

    /// The path and its query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_and_parameters_are_encoded() {
        let path = Path::of(&["realms", "a/b c", "ü"])
            .with("state", None)
            .with("limit", Some("5"))
            .with("q", Some("a&b"));
        assert_eq!(
            path.as_str(),
            "/api/v1/realms/a%2Fb%20c/%C3%BC?limit=5&q=a%26b"
        );
    }
}
