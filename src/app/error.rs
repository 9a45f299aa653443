//! Why the server cannot be started.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::control::error::ControlError;
use crate::domain::name::InvalidName;
use crate::store::error::StoreError;
use crate::store::master_key::MasterKeyError;
use crate::telemetry::access::AccessLogError;
use crate::telemetry::log::LogStartedAlready;

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
    /// A file that was to be made is there already.
    #[error("{} is there already: choose another file, or remove it first", path.display())]
    Present {
        /// The file.
        path: PathBuf,
    },
    /// A file that somebody named cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Out {
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
    /// There is no store to recover a token of.
    #[error("there is no store {}: give the data directory of the server with --data-dir or --config", path.display())]
    NoStore {
        /// The file.
        path: PathBuf,
    },
    /// What `control` says against it.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The first token cannot be called what it should be.
    #[error(transparent)]
    TokenName {
        /// Why.
        source: InvalidName,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {source}")]
    Tls {
        /// Why.
        source: rustls::Error,
    },
    /// The log cannot be started.
    #[error(transparent)]
    Log(#[from] LogStartedAlready),
    /// The access log cannot be started.
    #[error(transparent)]
    AccessLog(#[from] AccessLogError),
    /// Threads cannot be started.
    #[error("the threads of the server cannot be started: {source}")]
    Runtime {
        /// Why.
        source: io::Error,
    },
}

impl StartError {
    /// An address that cannot be listened on.
    pub fn listen(key: &'static str, address: SocketAddr, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::AddrInUse {
            Self::AddressInUse { key, address }
        } else {
            Self::Listen {
                key,
                address,
                source,
            }
        }
    }

    /// A file, named by somebody, that cannot be made or written.
    pub fn out(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::AlreadyExists {
            Self::Present { path }
        } else {
            Self::Out { path, source }
        }
    }
}

/// What to do about a port that needs privileges.
fn privileges(address: SocketAddr, source: &io::Error) -> &'static str {
    if source.kind() == io::ErrorKind::PermissionDenied && address.port() < 1024 {
        "; ports below 1024 need the right to bind them (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)"
    } else {
        ""
    }
}
