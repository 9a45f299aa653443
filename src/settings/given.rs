//! What was written, and where: defaults, then the file, then the environment, then flags.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::pki::printable::is_unsafe;
use crate::settings::error::{InvalidSettings, Origin};
use crate::settings::key::{self, Key, Kind};

/// A value of the kind that its key asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, a path, a word or an address.
    Text(String),
    /// A number.
    Count(u64),
    /// Any number of texts.
    List(Vec<String>),
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Value,
    /// Where it was written.
    pub origin: Origin,
}

/// A flag of the command line that sets a key.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag, with its dashes.
    pub flag: &'static str,
    /// The key that it sets.
    pub key: &'static str,
    /// What was written.
    pub value: String,
}

/// Every key with the value that counts.
#[derive(Clone, Debug)]
pub struct Given {
    entries: BTreeMap<&'static str, Entry>,
}

impl Given {
    /// The defaults alone.
    ///
    /// # Errors
    /// [`InvalidSettings`] never, as a test holds.
    pub fn defaults() -> Result<Self, InvalidSettings> {
        let mut entries = BTreeMap::new();
        for key in key::all() {
            let fail = || InvalidSettings::NotInTable { name: key.name };
            let parsed = DeValue::parse(key.default).map_err(|_| fail())?;
            let value = from_toml(key, parsed.get_ref()).ok_or_else(fail)?;
            entries.insert(
                key.name,
                Entry {
                    value,
                    origin: Origin::Default,
                },
            );
        }
        Ok(Self { entries })
    }

    /// Gathers the defaults, the file, the environment and the flags; the later one wins.
    ///
    /// # Errors
    /// [`InvalidSettings`] for what cannot be read, keys that do not exist, and values of another kind.
    pub fn gather(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        flags: &[Flag],
    ) -> Result<Self, InvalidSettings> {
        let mut given = Self::defaults()?;
        if let Some(path) = file {
            let text =
                std::fs::read_to_string(path).map_err(|source| InvalidSettings::Unreadable {
                    path: path.to_owned(),
                    source,
                })?;
            given.read_file(path, &text)?;
        }
        for (name, value) in variables {
            given.read_variable(&name, &value)?;
        }
        for flag in flags {
            let key = key::find(flag.key).ok_or(InvalidSettings::NotInTable { name: flag.key })?;
            given.set_text(
                key,
                &flag.value,
                Origin::Flag {
                    flag: flag.flag.to_owned(),
                },
            )?;
        }
        Ok(given)
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`InvalidSettings::NotInTable`].
    pub fn entry(&self, name: &'static str) -> Result<&Entry, InvalidSettings> {
        self.entries
            .get(name)
            .ok_or(InvalidSettings::NotInTable { name })
    }

    fn read_file(&mut self, path: &Path, text: &str) -> Result<(), InvalidSettings> {
        let place = |span: Range<usize>| Origin::File {
            path: path.to_owned(),
            line: line_at(text, span.start),
        };
        let table = DeTable::parse(text).map_err(|source| InvalidSettings::NotToml {
            path: path.to_owned(),
            line: line_at(text, source.span().map_or(0, |span| span.start)),
            source: Box::new(source),
        })?;
        let mut rows: Vec<(&Spanned<_>, &Spanned<DeValue<'_>>)> = table.get_ref().iter().collect();
        rows.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in rows {
            let origin = place(name.span());
            let Some(key) = key::find(name.get_ref()) else {
                let near = key::nearest(name.get_ref());
                return Err(InvalidSettings::UnknownKey {
                    name: shortened(name.get_ref()),
                    origin,
                    near,
                });
            };
            match from_toml(key, value.get_ref()) {
                Some(value) => self.entries.insert(key.name, Entry { value, origin }),
                None => {
                    let written = text.get(value.span()).unwrap_or_default();
                    return Err(wrong(key, place(value.span()), written));
                }
            };
        }
        Ok(())
    }

    fn read_variable(&mut self, name: &OsString, value: &OsString) -> Result<(), InvalidSettings> {
        let name = name.to_string_lossy();
        let Some(rest) = name.strip_prefix(key::VARIABLE_PREFIX) else {
            return Ok(());
        };
        if key::OTHER_VARIABLES.contains(&name.as_ref()) {
            return Ok(());
        }
        let lower = rest.to_ascii_lowercase();
        let Some(key) = key::find(&lower).filter(|key| key.variable() == name) else {
            let near = key::nearest(&lower);
            return Err(InvalidSettings::UnknownVariable {
                name: shortened(&name),
                near,
            });
        };
        let Some(text) = value.to_str() else {
            return Err(InvalidSettings::NotUnicode {
                name: name.into_owned(),
            });
        };
        self.set_text(
            key,
            text,
            Origin::Variable {
                name: name.into_owned(),
            },
        )
    }

    fn set_text(
        &mut self,
        key: &'static Key,
        text: &str,
        origin: Origin,
    ) -> Result<(), InvalidSettings> {
        match from_text(key, text) {
            Some(value) => {
                self.entries.insert(key.name, Entry { value, origin });
                Ok(())
            }
            None => Err(wrong(key, origin, text)),
        }
    }
}

/// The error for a value that its key cannot have.
pub fn wrong(key: &Key, origin: Origin, found: &str) -> InvalidSettings {
    InvalidSettings::Value {
        key: key.name,
        origin,
        found: shortened(found),
        expected: key.kind.expected(),
    }
}

/// A text from outside, fit for a sentence: at most 120 characters, control characters escaped.
pub fn shortened(text: &str) -> String {
    let mut short = String::new();
    for letter in text.chars().take(120) {
        if is_unsafe(letter) {
            short.extend(letter.escape_debug());
        } else {
            short.push(letter);
        }
    }
    if text.chars().nth(120).is_some() {
        short.push('…');
    }
    short
}

fn from_toml(key: &Key, value: &DeValue<'_>) -> Option<Value> {
    let text = |value: &DeValue<'_>| value.as_str().map(str::to_owned);
    match key.kind {
        Kind::Text | Kind::Path | Kind::Address | Kind::Choice(_) => {
            let text = text(value)?;
            allowed(key.kind, &text).then_some(Value::Text(text))
        }
        Kind::Count { least, most, .. } => {
            let number = value.as_integer()?;
            let number =
                u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()?;
            (least..=most)
                .contains(&number)
                .then_some(Value::Count(number))
        }
        Kind::Addresses | Kind::Texts | Kind::Networks => {
            if let Some(text) = value.as_str() {
                return from_text(key, text);
            }
            let items = value.as_array()?.iter().map(|item| text(item.get_ref()));
            items.collect::<Option<Vec<_>>>().map(Value::List)
        }
    }
}

fn from_text(key: &Key, text: &str) -> Option<Value> {
    match key.kind {
        Kind::Text | Kind::Path | Kind::Address | Kind::Choice(_) => {
            allowed(key.kind, text).then(|| Value::Text(text.to_owned()))
        }
        Kind::Count { least, most, .. } => {
            let number = text.trim().parse().ok()?;
            (least..=most)
                .contains(&number)
                .then_some(Value::Count(number))
        }
        Kind::Addresses | Kind::Texts | Kind::Networks => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Some(Value::List(items.map(str::to_owned).collect()))
        }
    }
}

fn allowed(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Choice(words) => words.contains(&text),
        Kind::Text | Kind::Path | Kind::Address => !text.chars().any(char::is_control),
        Kind::Count { .. } | Kind::Addresses | Kind::Texts | Kind::Networks => true,
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    let before = text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count();
    before.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(text: &str) -> Result<Given, InvalidSettings> {
        let mut given = Given::defaults().unwrap();
        given
            .read_file(Path::new("realmgate.toml"), text)
            .map(|()| given)
    }

    fn of_variable(name: &str, value: &str) -> Result<Given, InvalidSettings> {
        Given::gather(None, [(name.into(), value.into())], &[])
    }

    /// A value other than the default, for any key: as TOML and as the text of a variable.
    fn another(key: &Key) -> (String, String) {
        match key.kind {
            Kind::Text | Kind::Path => ("\"another\"".into(), "another".into()),
            Kind::Count { least, most, .. } => {
                let number = if key.default == least.to_string() {
                    most
                } else {
                    least
                };
                (number.to_string(), number.to_string())
            }
            Kind::Choice(words) => {
                let word = words
                    .iter()
                    .find(|word| format!("\"{word}\"") != key.default)
                    .unwrap();
                (format!("\"{word}\""), (*word).into())
            }
            Kind::Address => ("\"[::1]:1\"".into(), "[::1]:1".into()),
            Kind::Addresses => (
                "[\"[::1]:1\", \"127.0.0.1:2\"]".into(),
                "[::1]:1, 127.0.0.1:2".into(),
            ),
            Kind::Texts => ("[\"a\", \"b\"]".into(), "a,b".into()),
            Kind::Networks => ("[\"10.0.0.0/8\"]".into(), "10.0.0.0/8".into()),
        }
    }

    #[test]
    fn every_key_can_be_set_in_the_file_and_in_the_environment() {
        let defaults = Given::defaults().unwrap();
        for key in key::all() {
            let (toml, text) = another(key);
            let by_file = of_file(&format!("# a comment\n{} = {toml}\n", key.name)).unwrap();
            let by_variable = of_variable(&key.variable(), &text).unwrap();
            let (file, variable) = (
                by_file.entry(key.name).unwrap(),
                by_variable.entry(key.name).unwrap(),
            );
            assert_eq!(file.value, variable.value, "{}", key.name);
            assert_ne!(
                file.value,
                defaults.entry(key.name).unwrap().value,
                "{}",
                key.name
            );
            assert_eq!(
                file.origin,
                Origin::File {
                    path: "realmgate.toml".into(),
                    line: 2
                }
            );
            assert_eq!(
                variable.origin,
                Origin::Variable {
                    name: key.variable()
                }
            );
        }
    }

    #[test]
    fn the_flag_wins_over_the_environment_and_that_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.toml");
        std::fs::write(&path, "workers = 1\nstreams_max = 1\nlinger_ms = 1").unwrap();
        let variables = [("REALMGATE_WORKERS", "2"), ("REALMGATE_STREAMS_MAX", "2")];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let flags = [Flag {
            flag: "--workers",
            key: "workers",
            value: "3".into(),
        }];
        let given = Given::gather(Some(&path), variables, &flags).unwrap();
        for (key, expect) in [("workers", 3), ("streams_max", 2), ("linger_ms", 1)] {
            assert_eq!(
                given.entry(key).unwrap().value,
                Value::Count(expect),
                "{key}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_key_and_line() {
        let cases = [
            (
                "domain = \"a.example\"\n\nhandshake_timeout = 5\n",
                "there is no key 'handshake_timeout' (realmgate.toml, line 3): did you mean 'handshake_timeout_ms'?",
            ),
            (
                "\"col\\nour\" = 1",
                "there is no key 'col\\nour' (realmgate.toml, line 1): 'realmgate config print' lists all keys",
            ),
            (
                "[limits]\nworkers = 1",
                "there is no key 'limits' (realmgate.toml, line 1): 'realmgate config print' lists all keys",
            ),
            (
                "streams_max = 0",
                "'streams_max' in realmgate.toml, line 1 cannot be '0': write a whole number of streams from 1 to 10000",
            ),
            (
                "\nstreams_max = \"5\"",
                "'streams_max' in realmgate.toml, line 2 cannot be '\"5\"': write a whole number of streams from 1 to 10000",
            ),
            (
                "streams_max = -5",
                "'streams_max' in realmgate.toml, line 1 cannot be '-5': write a whole number of streams from 1 to 10000",
            ),
            (
                "worker_model = \"many\"",
                "'worker_model' in realmgate.toml, line 1 cannot be '\"many\"': write one of per-core, shared",
            ),
            (
                "mtls_listen = 8443",
                "'mtls_listen' in realmgate.toml, line 1 cannot be '8443': write a list of addresses with ports, like [\"0.0.0.0:8443\"]",
            ),
        ];
        for (text, expect) in cases {
            assert_eq!(of_file(text).unwrap_err().to_string(), expect);
        }
        let broken = of_file("domain = \"a\"\nworkers =\n")
            .unwrap_err()
            .to_string();
        assert!(
            broken.starts_with("realmgate.toml, line 2: this is no TOML: "),
            "{broken}"
        );
        let twice = of_file("workers = 1\nworkers = 2\n")
            .unwrap_err()
            .to_string();
        assert!(
            twice.starts_with("realmgate.toml, line 2: this is no TOML: "),
            "{twice}"
        );
    }

    #[test]
    fn an_unknown_variable_of_ours_is_an_error_and_the_clients_own_are_not() {
        let told = of_variable("REALMGATE_DATA_DRI", "x")
            .unwrap_err()
            .to_string();
        assert_eq!(
            told,
            "there is no setting for the environment variable REALMGATE_DATA_DRI: did you mean 'data_dir'?"
        );
        assert!(of_variable("REALMGATE_data_dir", "x").is_err());
        for name in key::OTHER_VARIABLES {
            assert!(of_variable(name, "x").is_ok(), "{name}");
        }
        assert!(of_variable("REALMGATES", "x").is_ok());
        let told = of_variable("REALMGATE_WORKERS", "many")
            .unwrap_err()
            .to_string();
        assert_eq!(
            told,
            "'workers' in the environment (REALMGATE_WORKERS) cannot be 'many': write a whole number of threads from 0 to 1024"
        );
    }

    #[test]
    fn numbers_may_have_underscores_and_other_bases() {
        let given = of_file("header_bytes_max = 65_536\nlinger_bytes = 0x100").unwrap();
        assert_eq!(
            given.entry("header_bytes_max").unwrap().value,
            Value::Count(65_536)
        );
        assert_eq!(
            given.entry("linger_bytes").unwrap().value,
            Value::Count(256)
        );
    }
}
