//! Keys: what one is, and finding one by its name.

use crate::settings::table::GROUPS;

/// What a key's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text; what it may hold is decided by the room that uses it.
    Text,
    /// A path on this machine.
    Path,
    /// A whole number.
    Count {
        /// The unit, as it stands in the documentation.
        unit: &'static str,
        /// The smallest value.
        least: u64,
        /// The largest value.
        most: u64,
    },
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `address:port`.
    Address,
    /// Any number of `address:port`.
    Addresses,
    /// Any number of texts.
    Texts,
    /// Any number of networks in CIDR form.
    Networks,
}

impl Kind {
    /// Whether a TOML file writes it as an array, and the environment with commas.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::Addresses | Self::Texts | Self::Networks)
    }

    /// What is expected, as the end of the sentence "write …".
    pub fn expected(self) -> String {
        match self {
            Self::Text => "a text in quotes".to_owned(),
            Self::Path => "a path in quotes".to_owned(),
            Self::Count { unit, least, most } => {
                format!("a whole number of {unit} from {least} to {most}")
            }
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Address => "an address and a port, like 127.0.0.1:7443 or [::1]:7443".to_owned(),
            Self::Addresses => "a list of addresses with ports, like [\"0.0.0.0:8443\"]".to_owned(),
            Self::Texts => "a list of texts, like [\"gate.example.com\"]".to_owned(),
            Self::Networks => "a list of networks, like [\"127.0.0.0/8\", \"fd00::/8\"]".to_owned(),
        }
    }
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name in the file; `REALMGATE_` and the same in capitals in the environment.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: Kind,
    /// Its default, as TOML.
    pub default: &'static str,
    /// What it does, in a sentence or two.
    pub text: &'static str,
}

impl Key {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.name.to_ascii_uppercase())
    }
}

/// Some keys that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Its title.
    pub title: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// What the name of every environment variable of ours begins with.
pub const VARIABLE_PREFIX: &str = "REALMGATE_";

/// Variables of ours that are no keys: where the client finds the server, and the master key itself.
pub const OTHER_VARIABLES: [&str; 4] = [
    "REALMGATE_ADMIN_URL",
    "REALMGATE_TOKEN_FILE",
    "REALMGATE_ADMIN_CA",
    "REALMGATE_MASTER_KEY",
];

/// The key of that name.
pub fn find(name: &str) -> Option<&'static Key> {
    all().find(|key| key.name == name)
}

/// Every key, in the order of the table.
pub fn all() -> impl Iterator<Item = &'static Key> {
    GROUPS.iter().flat_map(|group| group.keys)
}

/// The key whose name is most like `name`, where one is like enough to be meant.
pub fn nearest(name: &str) -> Option<&'static str> {
    let near = all()
        .map(|key| (distance(key.name, name), key.name))
        .min()?;
    (near.0 <= 3).then_some(near.1)
}

/// How many letters must be put in, left out or exchanged to make `right` of `left` (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(80).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, from) in left.chars().take(80).enumerate() {
        let mut diagonal = above;
        let mut before = above.saturating_add(1);
        let mut next = vec![before];
        for (to, up) in right.iter().zip(row.iter().skip(1)) {
            let exchanged = diagonal.saturating_add(usize::from(from != *to));
            before = exchanged
                .min(before.saturating_add(1))
                .min(up.saturating_add(1));
            diagonal = *up;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_key_is_there_once_and_documented() {
        let mut names = BTreeSet::new();
        for key in all() {
            assert!(names.insert(key.name), "{} twice", key.name);
            assert!(key.text.ends_with('.'), "{}", key.name);
            assert!(
                !OTHER_VARIABLES.contains(&key.variable().as_str()),
                "{}",
                key.name
            );
        }
    }

    #[test]
    fn a_mistyped_key_is_guessed() {
        assert_eq!(nearest("data_dri"), Some("data_dir"));
        assert_eq!(nearest("handshake_timeout"), Some("handshake_timeout_ms"));
        assert_eq!(nearest("colour"), None);
    }
}
