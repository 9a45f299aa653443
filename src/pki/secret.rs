//! Values that must not be seen: held in memory that is overwritten when they are dropped, and never printed.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

/// A secret value, such as a password or a token.
///
/// It cannot be printed or serialised; who needs it says so with [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes over a text.
    pub fn new(text: String) -> Self {
        Self::from_bytes(text.into_bytes())
    }

    /// Takes over bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret's bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text; `None` where it is not UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PartialEq for Secret {
    /// Takes the same time wherever the two differ; only their lengths can be learned from it.
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_printed() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(
            format!("{secret:?} {:?}", Some(&secret)),
            "Secret(…) Some(Secret(…))"
        );
    }

    #[test]
    fn compares_by_content() {
        let secret = Secret::new("a".to_owned());
        assert_eq!(secret, Secret::from_bytes(vec![b'a']));
        assert_ne!(secret, Secret::new("b".to_owned()));
        assert_ne!(secret, Secret::new("aa".to_owned()));
        assert_eq!(Secret::new(String::new()), Secret::from_bytes(Vec::new()));
    }

    #[test]
    fn gives_text_only_where_it_is_text() {
        assert_eq!(Secret::new("ä".to_owned()).expose_str(), Some("ä"));
        assert_eq!(Secret::from_bytes(vec![0xff]).expose_str(), None);
        assert_eq!(Secret::from_bytes(vec![0xff]).expose(), [0xff]);
        assert!(Secret::new(String::new()).is_empty());
    }
}
