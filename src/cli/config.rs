//! `realmgate config …`, and the flags that set settings.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::error::CliError;
use crate::cli::session::say;
use crate::pki::secret::Secret;
use crate::settings::given::{Flag, Given};
use crate::settings::key;
use crate::settings::print;
use crate::settings::settled::{MasterKeyHints, Settings};
use crate::settings::warnings;

/// What to do with the configuration.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigVerb {
    /// Say whether the configuration is right
    Check {
        /// Which configuration.
        #[command(flatten)]
        settings: SettingFlags,
    },
    /// Print a configuration file: every key with its text, and its default commented out where nothing else is set
    Print {
        /// Which configuration.
        #[command(flatten)]
        settings: SettingFlags,
        /// Print the page docs/configuration.md instead
        #[arg(long)]
        markdown: bool,
    },
}

/// The configuration file, and flags for the common keys. They win over the environment, and that over the file.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Settings (all keys: realmgate config print)")]
pub struct SettingFlags {
    /// The configuration file (TOML)
    #[arg(long, short = 'c', value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The data directory
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// The domain that all host names lie under
    #[arg(long, value_name = "NAME")]
    pub domain: Option<String>,
    /// Where the admin API listens
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub admin_listen: Option<String>,
    /// Where the mtls gateway listens (several with commas)
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub mtls_listen: Option<String>,
    /// Where the external gateway listens (several with commas)
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub external_listen: Option<String>,
    /// Where the internal gateway listens (several with commas)
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub internal_listen: Option<String>,
    /// How many threads serve the gateways
    #[arg(long, value_name = "NUMBER")]
    pub workers: Option<String>,
    /// How they share the work: per-core or shared
    #[arg(long, value_name = "MODEL")]
    pub worker_model: Option<String>,
    /// The least severe message that is logged
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Where the access log goes: stdout, off or a path
    #[arg(long, value_name = "TARGET")]
    pub access_log: Option<String>,
}

impl SettingFlags {
    /// Gathers what was written: defaults, file, environment, flags.
    ///
    /// # Errors
    /// [`CliError::Settings`].
    pub fn gather(&self) -> Result<Given, CliError> {
        Ok(Given::gather(
            self.config.as_deref(),
            std::env::vars_os(),
            &self.flags(),
        )?)
    }

    /// Gathers it and makes typed settings of it.
    ///
    /// # Errors
    /// [`CliError::Settings`].
    pub fn settle(&self) -> Result<Settings, CliError> {
        Ok(Settings::settle(&self.gather()?, hints())?)
    }

    /// Where the data directory was written, where that is not the file: the end of a sentence.
    ///
    /// # Errors
    /// [`CliError::Settings`].
    pub fn data_dir_from(&self) -> Result<String, CliError> {
        let given = self.gather()?;
        Ok(given.entry("data_dir")?.origin.told_beside_a_file())
    }

    fn flags(&self) -> Vec<Flag> {
        let flags = [
            ("--data-dir", "data_dir", &self.data_dir),
            ("--domain", "domain", &self.domain),
            ("--admin-listen", "admin_listen", &self.admin_listen),
            ("--mtls-listen", "mtls_listen", &self.mtls_listen),
            (
                "--external-listen",
                "external_listen",
                &self.external_listen,
            ),
            (
                "--internal-listen",
                "internal_listen",
                &self.internal_listen,
            ),
            ("--workers", "workers", &self.workers),
            ("--worker-model", "worker_model", &self.worker_model),
            ("--log-level", "log_level", &self.log_level),
            ("--access-log", "access_log", &self.access_log),
        ];
        let set = flags.into_iter().filter_map(|(flag, key, value)| {
            Some(Flag {
                flag,
                key,
                value: value.clone()?,
            })
        });
        set.collect()
    }
}

fn hints() -> MasterKeyHints {
    let variable =
        |name| std::env::var_os(name).filter(|value: &std::ffi::OsString| !value.is_empty());
    MasterKeyHints {
        given: variable("REALMGATE_MASTER_KEY")
            .map(|key| Secret::new(key.to_string_lossy().into_owned())),
        credentials_directory: variable("CREDENTIALS_DIRECTORY").map(PathBuf::from),
    }
}

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &ConfigVerb) -> Result<(), CliError> {
    match verb {
        ConfigVerb::Check { settings } => {
            let given = settings.gather()?;
            let settled = Settings::settle(&given, hints())?;
            settled.check_places()?;
            let listeners = &settled.listeners;
            let addresses = |list: &[std::net::SocketAddr]| {
                list.iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let facts = [
                (
                    "data directory",
                    "data_dir",
                    settled.data_dir.display().to_string(),
                ),
                ("domain", "domain", settled.rules.names.domain().to_owned()),
                ("admin", "admin_listen", listeners.admin.to_string()),
                ("mtls", "mtls_listen", addresses(&listeners.mtls)),
                (
                    "external",
                    "external_listen",
                    addresses(&listeners.external),
                ),
                (
                    "internal",
                    "internal_listen",
                    addresses(&listeners.internal),
                ),
            ];
            let mut text = "The configuration is right.\n".to_owned();
            for (label, key, value) in &facts {
                let from = given.entry(key)?.origin.told_beside_a_file();
                let _ = writeln!(text, "  {label:<14}  {value}{from}");
            }
            for key in key::all().filter(|key| facts.iter().all(|(_, told, _)| *told != key.name)) {
                let from = given.entry(key.name)?.origin.told_beside_a_file();
                if !from.is_empty() {
                    let _ = writeln!(text, "  {}{from}", key.name);
                }
            }
            for warning in warnings::of(&settled) {
                let _ = writeln!(text, "Warning: {warning}.");
            }
            say(&text)
        }
        ConfigVerb::Print { markdown: true, .. } => say(&print::as_markdown()),
        ConfigVerb::Print {
            settings,
            markdown: false,
        } => {
            let given = settings.gather()?;
            Settings::settle(&given, hints())?;
            say(&print::as_toml(&given)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_sets_a_key() {
        let some = || Some("1".to_owned());
        let flags = SettingFlags {
            config: None,
            data_dir: some(),
            domain: some(),
            admin_listen: some(),
            mtls_listen: some(),
            external_listen: some(),
            internal_listen: some(),
            workers: some(),
            worker_model: some(),
            log_level: some(),
            access_log: some(),
        };
        for flag in flags.flags() {
            assert!(key::find(flag.key).is_some(), "{}", flag.key);
            assert_eq!(
                flag.flag.trim_start_matches("--").replace('-', "_"),
                flag.key
            );
        }
    }
}
