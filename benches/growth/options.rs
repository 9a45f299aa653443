//! What was asked for on the command line.

use std::path::PathBuf;

/// The first word of a process that measures for another.
pub const CHILD: &str = "--measure";

const AXES: [&str; 5] = [
    "anchors",
    "routes",
    "realms",
    "same-name",
    "same-name-realms",
];

/// What is to be measured, and where the results go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Fewer numbers and rounds.
    pub quick: bool,
    /// The server to start.
    pub server: PathBuf,
    /// A file for the results.
    pub json: Option<PathBuf>,
    /// A directory for the plots.
    pub plots: Option<PathBuf>,
}

impl Options {
    /// Reads the command line.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let mut options = Self {
            quick: false,
            server: PathBuf::from(env!("CARGO_BIN_EXE_realmgate")),
            json: None,
            plots: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                let value = words.next().map(PathBuf::from);
                value.ok_or_else(|| format!("{word} wants a value behind it"))
            };
            match word.as_str() {
                "--quick" => options.quick = true,
                "--server" => options.server = value()?,
                "--json" => options.json = Some(value()?),
                "--plots" => options.plots = Some(value()?),
                _ => {
                    return Err(format!(
                        "'{word}' is not known: there are --quick, --server BIN, --json FILE and --plots DIR"
                    ));
                }
            }
        }
        Ok(options)
    }

    /// What is measured over growing numbers.
    pub const fn axes(&self) -> &'static [&'static str] {
        &AXES
    }

    /// The largest number of anchors and realms.
    pub const fn most(&self) -> usize {
        if self.quick { 1_000 } else { 10_000 }
    }
}
