//! The program's own log: `tracing` events, as text or JSON, on the standard error stream.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::clock::Clock;

/// How the lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people; in colour on a terminal.
    Text,
    /// One JSON object per line, for programs.
    Json,
}

impl LogFormat {
    /// Reads `text` or `json`; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// What is logged.
#[derive(Clone, Debug)]
pub struct LogFilter(EnvFilter);

impl LogFilter {
    /// Reads a level (`error`, `warn`, `info`, `debug`, `trace`, `off`), or a list of levels for parts of the program,
    /// such as `info,realmgate::gateway=debug`.
    ///
    /// # Errors
    /// [`InvalidLogFilter`] where a part of the text is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidLogFilter> {
        let invalid = || InvalidLogFilter {
            text: text.chars().take(80).flat_map(char::escape_debug).collect(),
        };
        if text.trim().is_empty() || !text.split(',').all(is_level_or_pair) {
            return Err(invalid());
        }
        EnvFilter::builder()
            .parse(text)
            .map(Self)
            .map_err(|_| invalid())
    }
}

/// A word alone that is no level would be taken for the name of a part, and the rest of the program would fall silent.
fn is_level_or_pair(directive: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let directive = directive.trim();
    let is_level = |word: &&str| directive.eq_ignore_ascii_case(word);
    directive.contains('=') || LEVELS.iter().any(is_level)
}

/// A text that is no log filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is no log filter: write error, warn, info, debug or trace, or a list such as info,realmgate::gateway=debug"
)]
pub struct InvalidLogFilter {
    /// The text, shortened, control characters escaped.
    pub text: String,
}

/// Sends the events of the whole process to the standard error stream from now on, stamped with `clock`'s time.
///
/// # Errors
/// [`LogStartedAlready`] where this, or another subscriber, was started before.
pub fn start(format: LogFormat, filter: LogFilter, clock: Clock) -> Result<(), LogStartedAlready> {
    let colour = match (format, std::io::stderr().is_terminal()) {
        (LogFormat::Text, true) => Colour::On,
        (LogFormat::Text, false) | (LogFormat::Json, _) => Colour::Off,
    };
    let started = match format {
        LogFormat::Text => {
            tracing::subscriber::set_global_default(text(filter, clock, colour, std::io::stderr))
        }
        LogFormat::Json => {
            tracing::subscriber::set_global_default(json(filter, clock, std::io::stderr))
        }
    };
    started.map_err(|_| LogStartedAlready)
}

/// The process has a log already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log was started already: start it once, at the beginning of the process")]
pub struct LogStartedAlready;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Colour {
    On,
    Off,
}

fn text<W>(filter: LogFilter, clock: Clock, colour: Colour, out: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter.0)
        .with_timer(ClockTime(clock))
        .with_ansi(colour == Colour::On)
        .with_writer(out)
        .finish()
}

fn json<W>(filter: LogFilter, clock: Clock, out: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter.0)
        .with_timer(ClockTime(clock))
        .with_writer(out)
        .finish()
}

/// Stamps events with our clock's time, so that a test can set it and the log agrees with the records.
struct ClockTime(Clock);

impl FormatTime for ClockTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", self.0.now())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::clock::Moment;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Memory {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn noon() -> Clock {
        Clock::manual(Moment::parse("2027-01-31T12:00:00Z").unwrap())
    }

    fn filter(text: &str) -> LogFilter {
        LogFilter::parse(text).unwrap()
    }

    #[test]
    fn a_json_line_has_its_time_its_level_and_its_fields() {
        let memory = Memory::default();
        let out = memory.clone();
        let subscriber = json(filter("info"), noon(), move || out.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(realm = "acme", revision = 7, "published");
            tracing::debug!("not told");
        });
        let line: serde_json::Value = serde_json::from_str(&memory.text()).unwrap();
        assert_eq!(line["timestamp"], "2027-01-31T12:00:00Z");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "published");
        assert_eq!(line["realm"], "acme");
        assert_eq!(line["revision"], 7);
    }

    #[test]
    fn a_text_line_is_plain_where_nobody_watches_and_passes_no_control_characters_on() {
        let memory = Memory::default();
        let out = memory.clone();
        let subscriber = text(filter("warn"), noon(), Colour::Off, move || out.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(name = "a\u{1b}[31mb\nc", "refused");
            tracing::info!("not told");
        });
        let told = memory.text();
        assert!(told.starts_with("2027-01-31T12:00:00Z  WARN "), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(!told.contains('\u{1b}'), "{told}");
    }

    #[test]
    fn a_filter_is_a_level_or_a_list_of_levels() {
        for good in ["info", "off", "WARN", "info,realmgate::gateway=debug"] {
            assert!(LogFilter::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            "loud",
            "warning",
            "inof",
            "info,realmgate::gateway",
            "realmgate=loud",
            "info,=,",
            "a=b=c",
        ] {
            assert!(LogFilter::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_format_is_text_or_json() {
        let cases = [
            ("text", Some(LogFormat::Text)),
            ("json", Some(LogFormat::Json)),
            ("JSON", None),
        ];
        for (word, expected) in cases {
            assert_eq!(LogFormat::parse(word), expected);
        }
    }
}
