//! Flags that say where the server is, who asks, and whom to trust.

use std::path::PathBuf;

use crate::client::reached::Told;

/// Flags that say where the server is and who asks.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Where the server is, and who asks")]
pub struct Reach {
    /// Address of the admin API, such as https://127.0.0.1:7443
    #[arg(
        long,
        value_name = "URL",
        env = "REALMGATE_ADMIN_URL",
        hide_env_values = true
    )]
    pub admin_url: Option<String>,
    /// File that holds the access token
    #[arg(
        long,
        value_name = "FILE",
        env = "REALMGATE_TOKEN_FILE",
        hide_env_values = true
    )]
    pub token_file: Option<PathBuf>,
    /// CA that vouches for the admin listener (PEM); the system's CAs where there is none
    #[arg(
        long,
        value_name = "FILE",
        env = "REALMGATE_ADMIN_CA",
        hide_env_values = true
    )]
    pub admin_ca: Option<PathBuf>,
    /// The server's data directory, where the three above are looked for
    #[arg(
        long,
        value_name = "DIR",
        env = "REALMGATE_DATA_DIR",
        hide_env_values = true
    )]
    pub data_dir: Option<PathBuf>,
}

impl Reach {
    /// What was told; an empty variable counts as none.
    pub fn told(&self) -> Told {
        let path =
            |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
        Told {
            admin_url: self.admin_url.clone().filter(|url| !url.is_empty()),
            token_file: path(&self.token_file),
            admin_ca: path(&self.admin_ca),
            data_dir: path(&self.data_dir),
        }
    }
}
