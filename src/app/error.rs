//! Why the server cannot be started.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::store::error::StoreError;
use crate::store::master_key::MasterKeyError;

/// Why the server cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be made.
    #[error("cannot make the data directory {}: {source}; say where it may be with data_dir", path.display())]
    DataDirectory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the data directory cannot be written.
    #[error("cannot write {}: {source}; check who owns the data directory and whether its disk is full", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The master key cannot be had.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The store cannot be opened or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address is in use.
    #[error("{address} ('{key}') is in use: end what listens there, or choose another address")]
    AddressInUse {
        /// The setting.
        key: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address} ('{key}'): {source}{}", privileges(*address, source))]
    Listen {
        /// The setting.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Threads cannot be started.
    #[error("the threads of the server cannot be started: {source}")]
    Runtime {
        /// Why.
        source: io::Error,
    },
}

/// What to do about a port that needs privileges.
fn privileges(address: SocketAddr, source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::PermissionDenied && address.port() < 1024 {
        "; ports below 1024 need the right to bind them (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)"
    } else {
        ""
    }
}
