//! What can be wrong with settings.

use std::net::{AddrParseError, SocketAddr};
use std::path::PathBuf;

use crate::domain::endpoint::InvalidNamePlan;
use crate::telemetry::log::InvalidLogFilter;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// In the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// In an environment variable.
    Variable {
        /// Its name.
        name: String,
    },
    /// On the command line.
    Flag {
        /// The flag, with its dashes.
        flag: String,
    },
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("the defaults"),
            Self::File { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Variable { name } => write!(f, "the environment ({name})"),
            Self::Flag { flag } => write!(f, "the command line ({flag})"),
        }
    }
}

impl Origin {
    /// Where a value comes from that stands in no file, such as ` (from REALMGATE_DATA_DIR)`; nothing for other ones.
    pub fn told_beside_a_file(&self) -> String {
        match self {
            Self::Default | Self::File { .. } => String::new(),
            Self::Variable { name } => format!(" (from {name})"),
            Self::Flag { flag } => format!(" (from {flag})"),
        }
    }
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSettings {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{}, line {line}: this is no TOML: {}", path.display(), source.message())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser found.
        source: Box<toml::de::Error>,
    },
    /// A key that does not exist.
    #[error("there is no key '{name}' ({origin}): {}", guess(*near))]
    UnknownKey {
        /// The key, shortened and escaped.
        name: String,
        /// Where it is.
        origin: Origin,
        /// A key whose name is like it.
        near: Option<&'static str>,
    },
    /// A variable that looks like one of ours and is none.
    #[error("there is no setting for the environment variable {name}: {}", guess(*near))]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The key whose name is like it.
        near: Option<&'static str>,
    },
    /// A variable that is no Unicode.
    #[error("the environment variable {name} is not UTF-8: write it anew")]
    NotUnicode {
        /// The variable.
        name: String,
    },
    /// A value of the wrong kind, or out of range.
    #[error("'{key}' in {origin} cannot be '{found}': write {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// Where it is.
        origin: Origin,
        /// What was found, shortened and escaped.
        found: String,
        /// What may be written.
        expected: String,
    },
    /// An address that cannot be read.
    #[error(
        "'{key}' in {origin} cannot be '{found}': write an address (not a name) and a port, like 127.0.0.1:7443 or [::1]:7443"
    )]
    Address {
        /// The key.
        key: &'static str,
        /// Where it is.
        origin: Origin,
        /// What was found, shortened and escaped.
        found: String,
        /// Why.
        source: AddrParseError,
    },
    /// A log level that cannot be.
    #[error("'log_level' in {origin}: {source}")]
    LogFilter {
        /// Where it is.
        origin: Origin,
        /// Why.
        source: InvalidLogFilter,
    },
    /// Host names that cannot be.
    #[error("{source} (keys domain and host_label_…)")]
    Names {
        /// Why.
        source: InvalidNamePlan,
    },
    /// Two limits that contradict one another.
    #[error("'{smaller}' ({least}) is above '{larger}' ({most}): no value could pass both")]
    Contradiction {
        /// The key of the lower bound.
        smaller: &'static str,
        /// Its value.
        least: u64,
        /// The key of the upper bound.
        larger: &'static str,
        /// Its value.
        most: u64,
    },
    /// The admin listener on a gateway's address.
    #[error(
        "'admin_listen' and '{key}' are both {address}: give the admin API an address of its own"
    )]
    AdminShared {
        /// The gateway's key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// Two listeners that cannot be there at once.
    #[error(
        "{left} ('{left_key}') and {right} ('{right_key}') are one address to the system, since a listener on {} takes the port on every address: give one of them another port, or list single addresses", wildcard(*left, *right)
    )]
    ListenersClash {
        /// The key of one.
        left_key: &'static str,
        /// Its address.
        left: SocketAddr,
        /// The key of the other.
        right_key: &'static str,
        /// Its address.
        right: SocketAddr,
    },
    /// A name of the admin listener that is none.
    #[error(
        "'admin_names' in {origin} cannot hold '{found}': write DNS names and addresses, like [\"gate.example.com\", \"10.0.0.5\"]"
    )]
    AdminName {
        /// Where it is.
        origin: Origin,
        /// What was found, shortened and escaped.
        found: String,
    },
    /// An access log that goes nowhere.
    #[error("'access_log' in {origin} is empty: write stdout, off or the path of a file")]
    AccessLogEmpty {
        /// Where it is.
        origin: Origin,
    },
    /// The access log's directory is not there.
    #[error("there is no directory {} for the access log: make it, or change 'access_log'", directory.display())]
    AccessLogDirectory {
        /// The directory.
        directory: PathBuf,
    },
    /// A key that the table does not have was asked for: a mistake in the program.
    #[error("the setting '{name}' is missing from the table of keys: please report this")]
    NotInTable {
        /// The key.
        name: &'static str,
    },
}

fn wildcard(left: SocketAddr, right: SocketAddr) -> SocketAddr {
    let (other, v6) = if left.is_ipv6() {
        (right, left)
    } else {
        (left, right)
    };
    if v6.ip().is_unspecified() { v6 } else { other }
}

fn guess(near: Option<&'static str>) -> String {
    match near {
        Some(near) => format!("did you mean '{near}'?"),
        None => "'realmgate config print' lists all keys".to_owned(),
    }
}
