//! A server that runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::app::handout::{HandedOut, reachable};
use crate::control::engine::Control;
use crate::domain::endpoint::NamePlan;
use crate::domain::environment::Gateway;
use crate::gateway::listener::GatewaySet;
use crate::gateway::server::RunningGateway;
use crate::settings::settled::{MasterKeySource, Settings};
use crate::telemetry::access::AccessLog;

/// A server that runs, until it is shut down.
pub struct Running {
    pub(crate) settings: Settings,
    pub(crate) store_file: PathBuf,
    pub(crate) is_first_start: bool,
    pub(crate) handed_out: HandedOut,
    pub(crate) admin_address: SocketAddr,
    pub(crate) bound: Vec<(SocketAddr, GatewaySet)>,
    pub(crate) stopping: Stopping,
}

/// What has to be ended, in order.
pub(crate) struct Stopping {
    pub(crate) gateway: RunningGateway,
    pub(crate) admin: Runtime,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) access: Arc<AccessLog>,
    pub(crate) control: Arc<Control>,
}

impl Running {
    /// Where the admin API listens, ports filled in.
    pub const fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// The admin API's address, for this machine.
    pub fn admin_url(&self) -> &str {
        &self.handed_out.admin_url
    }

    /// Every address that a gateway listens on, ports filled in.
    pub fn gateways(&self) -> impl Iterator<Item = (Gateway, SocketAddr)> {
        Gateway::ALL.into_iter().flat_map(|gateway| {
            self.bound
                .iter()
                .filter(move |(_, set)| set.has(gateway))
                .map(move |(address, _)| (gateway, *address))
        })
    }

    /// An address of a gateway to connect to from this machine; `None` where it does not listen.
    pub fn reachable(&self, gateway: Gateway) -> Option<SocketAddr> {
        self.gateways()
            .find(|(of, _)| *of == gateway)
            .map(|(_, address)| reachable(address))
    }

    /// The host names.
    pub const fn names(&self) -> &NamePlan {
        &self.settings.rules.names
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        &self.settings.data_dir
    }

    /// The store's file.
    pub fn store_file(&self) -> &Path {
        &self.store_file
    }

    /// Whether there was no store before.
    pub const fn is_first_start(&self) -> bool {
        self.is_first_start
    }

    /// Where the master key comes from, in words.
    pub fn master_key_told(&self) -> String {
        match &self.settings.master_key {
            MasterKeySource::Given(_) => "from the environment".to_owned(),
            MasterKeySource::Credential(path) | MasterKeySource::File(path) => {
                path.display().to_string()
            }
        }
    }

    /// The file of the first operator's token.
    pub fn operator_token_file(&self) -> &Path {
        &self.handed_out.operator_token
    }

    /// The file of whoever vouches for the admin listener.
    pub fn admin_ca_file(&self) -> &Path {
        &self.handed_out.admin_ca
    }

    /// The file of whoever vouches for the gateways' generated identities.
    pub fn server_ca_file(&self) -> &Path {
        &self.handed_out.server_ca
    }

    /// Where everything is, as an event of the log.
    pub fn log_account(&self) {
        let listening: Vec<String> = self
            .gateways()
            .map(|(gateway, address)| format!("{gateway} {address}"))
            .collect();
        tracing::info!(
            gateways = %listening.join(", "),
            admin = %self.admin_url(),
            data_dir = %self.data_dir().display(),
            first_start = self.is_first_start,
            "realmgate serves"
        );
    }

    /// Accepts nothing more, lets open calls end within their grace, stores what waits to be stored, and returns.
    pub fn shut_down(self) {
        tracing::info!("realmgate stops");
        let Stopping {
            gateway,
            admin,
            stop,
            access,
            control,
        } = self.stopping;
        stop.send_replace(true);
        gateway.shut_down();
        if let Err(error) = control.drain_refusals() {
            tracing::error!(%error, "the last refusals could not be stored");
        }
        if let Err(error) = control.store_last_cuts() {
            tracing::error!(%error, "whom was cut last could not be stored");
        }
        let grace = Duration::from_millis(u64::from(self.settings.admin.shutdown_grace_ms));
        admin.shutdown_timeout(grace);
        if !access.close() {
            tracing::warn!("the last lines of the access log were lost: nobody reads it");
        }
    }
}
