//! The table of keys as a configuration file and as documentation.

use std::fmt::Write as _;

use crate::settings::error::{InvalidSettings, Origin};
use crate::settings::given::{Given, Value};
use crate::settings::key::{Key, Kind};
use crate::settings::table::GROUPS;

/// A configuration file that says what `given` says, each key with its text. What is the default is commented out.
///
/// # Errors
/// [`InvalidSettings::NotInTable`] never, as a test holds.
pub fn as_toml(given: &Given) -> Result<String, InvalidSettings> {
    let mut out = String::from(
        "# The configuration of realmgate. A line that begins with '#key' shows the default.\n\
         # Each key may also be set by an environment variable: REALMGATE_ and its name in capitals.\n",
    );
    for group in GROUPS {
        let _ = write!(out, "\n# ---- {} ----\n", group.title);
        for key in group.keys {
            let entry = given.entry(key.name)?;
            out.push('\n');
            for line in wrapped(&described(key), 98) {
                let _ = writeln!(out, "# {line}");
            }
            let written = toml_text(&entry.value);
            match &entry.origin {
                Origin::Default => {
                    let _ = writeln!(out, "#{} = {written}", key.name);
                }
                Origin::File { .. } | Origin::Variable { .. } | Origin::Flag { .. } => {
                    let _ = writeln!(out, "{} = {written}", key.name);
                }
            }
        }
    }
    Ok(out)
}

/// `docs/configuration.md`.
pub fn as_markdown() -> String {
    let mut out = String::from(
        "# Configuration\n\n\
         <!-- Made from src/settings/table.rs by `realmgate config print --markdown`; a test holds it to that. -->\n\n\
         `realmgate serve --config FILE` reads a TOML file of the keys below. Each of them may also be set by an\n\
         environment variable, `REALMGATE_` and the key in capitals (`REALMGATE_DATA_DIR`; lists are written with commas),\n\
         and the common ones by a flag (`realmgate serve --help`). The flag wins over the variable, and the variable over the\n\
         file. A key or a `REALMGATE_…` variable that does not exist is an error. `realmgate config check --config FILE` says\n\
         whether a file is right, and `realmgate config print` writes one with all defaults. Relative paths count from the\n\
         working directory. Changes take effect at the next start.\n\n\
         Four more variables are no keys: `REALMGATE_MASTER_KEY` (the master key itself, as hex or base64) for the server,\n\
         and `REALMGATE_ADMIN_URL`, `REALMGATE_TOKEN_FILE` and `REALMGATE_ADMIN_CA` for the commands that speak to it.\n",
    );
    for group in GROUPS {
        let _ = write!(
            out,
            "\n## {}\n\n| key | value | default | |\n| --- | --- | --- | --- |\n",
            group.title
        );
        for key in group.keys {
            let text = key.text.replace('|', "\\|");
            let _ = writeln!(
                out,
                "| `{}` | {} | `{}` | {text} |",
                key.name,
                value_text(key.kind),
                key.default
            );
        }
    }
    out
}

fn described(key: &Key) -> String {
    match key.kind {
        Kind::Count { unit, least, most } => format!("{} In {unit}, {least} to {most}.", key.text),
        Kind::Choice(words) => format!("{} One of: {}.", key.text, words.join(", ")),
        Kind::Text
        | Kind::Path
        | Kind::Address
        | Kind::Addresses
        | Kind::Texts
        | Kind::Networks => key.text.to_owned(),
    }
}

fn value_text(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Count { unit, least, most } => format!("{least} to {most} {unit}"),
        Kind::Choice(words) => words
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", "),
        Kind::Address => "address:port".to_owned(),
        Kind::Addresses => "list of address:port".to_owned(),
        Kind::Texts => "list of texts".to_owned(),
        Kind::Networks => "list of networks".to_owned(),
    }
}

fn toml_text(value: &Value) -> String {
    match value {
        Value::Text(text) => toml::Value::String(text.clone()).to_string(),
        Value::Count(number) => number.to_string(),
        Value::List(items) => {
            let items = items
                .iter()
                .map(|item| toml::Value::String(item.clone()).to_string());
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
    }
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len().saturating_add(word.len()) < width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::key;

    #[test]
    fn the_printed_file_says_the_defaults_and_can_be_read_back() {
        let printed = as_toml(&Given::defaults().unwrap()).unwrap();
        for key in key::all() {
            assert!(
                printed.contains(&format!("\n#{} = {}\n", key.name, key.default)),
                "{}",
                key.name
            );
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("realmgate.toml");
        let live: String = printed
            .lines()
            .map(|line| {
                if key::all().any(|key| line.starts_with(&format!("#{} =", key.name))) {
                    &line[1..]
                } else {
                    line
                }
            })
            .fold(String::new(), |text, line| text + line + "\n");
        std::fs::write(&path, live).unwrap();
        let read = Given::gather(Some(&path), [], &[]).unwrap();
        let again = as_toml(&read).unwrap();
        for key in key::all() {
            assert!(
                again.contains(&format!("\n{} = {}\n", key.name, key.default)),
                "{}",
                key.name
            );
        }
    }

    #[test]
    fn the_documentation_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == as_markdown(),
            "make it anew: realmgate config print --markdown > docs/configuration.md"
        );
    }
}
