//! Why the demo cannot go on.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::app::error::StartError;
use crate::client::error::ClientError;
use crate::pki::authority::AuthorityError;
use crate::pki::p12::P12Failure;
use crate::settings::error::InvalidSettings;

/// Why the demo cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The base port leaves no room for the others.
    #[error(
        "--port-base {base} leaves no room for the five ports of the demo: choose one up to {most}, or 0 for any free ports"
    )]
    PortBase {
        /// What was written.
        base: u16,
        /// The largest one.
        most: u16,
    },
    /// A port is in use.
    #[error(
        "{address} is in use: end what listens there, or choose other ports with --port-base N (0: any free ones)"
    )]
    PortInUse {
        /// The address.
        address: SocketAddr,
    },
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}; choose other ports with --port-base N (0: any free ones)"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A directory cannot be made.
    #[error("cannot make the directory {}: {source}; choose another one with --dir DIR", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory is somebody else's.
    #[error("{} has files in it that no demo made: choose an empty directory, or one of an earlier demo, with --dir DIR", path.display())]
    NotADemo {
        /// The directory.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of an earlier demo cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A certificate cannot be made.
    #[error("a certificate of the demo cannot be made: {0}")]
    Authority(#[from] AuthorityError),
    /// A PKCS#12 file cannot be made.
    #[error("a PKCS#12 file of the demo cannot be made: {0}")]
    P12(#[from] P12Failure),
    /// The built-in service cannot be started.
    #[error("the demo's own HTTP service cannot be started: {source}")]
    Service {
        /// Why.
        source: io::Error,
    },
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// The server cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The admin API said no.
    #[error("the demo's realms cannot be set up: {0}")]
    Client(#[from] ClientError),
    /// The ready file cannot be put into words.
    #[error("the ready file cannot be written as JSON: {source}")]
    Encode {
        /// Why.
        source: serde_json::Error,
    },
}
