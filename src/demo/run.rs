//! Running the demo, from an empty directory to Ctrl-C.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use http::Method;
use serde_json::json;

use crate::app::files;
use crate::app::running::Running;
use crate::app::start;
use crate::app::stop::StopSignals;
use crate::client::admin::Client;
use crate::client::path::Path as ApiPath;
use crate::client::reached::Told;
use crate::clock::Clock;
use crate::demo::content;
use crate::demo::error::DemoError;
use crate::demo::pki;
use crate::demo::ready::Ready;
use crate::demo::service::Service;
use crate::demo::tell::{self, Around, Seen};
use crate::settings::given::{Flag, Given};
use crate::settings::settled::{MasterKeyHints, Settings};

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where everything goes; a fresh temporary directory, gone at the end, where it is left out.
    pub directory: Option<PathBuf>,
    /// The first of five ports: mtls, external, internal, admin, service; 0 for any free ones.
    pub port_base: u16,
    /// Where the ready file goes.
    pub ready_file: Option<PathBuf>,
}

const PORTS: u16 = 5;

/// Sets everything up, says what it did, and serves until SIGINT or SIGTERM.
///
/// # Errors
/// [`DemoError`].
pub fn run(options: &Options, clock: &Clock, say: impl FnOnce(&str)) -> Result<(), DemoError> {
    let signals = StopSignals::catch()?;
    if let Some(stale) = &options.ready_file {
        let removed = files::remove(stale);
        removed.map_err(|source| DemoError::Write {
            path: stale.clone(),
            source,
        })?;
    }
    let addresses = Addresses::of(options.port_base)?;
    let directory = Directory::prepare(options.directory.as_deref())?;
    let made = set_up(directory.path(), addresses, clock).and_then(|(running, service, seen)| {
        let ready = Ready::of_server(&running).with_demo(&running, directory.path());
        let around = Around {
            directory: directory.path(),
            data_dir: &data_dir(directory.path()),
            program: &tell::program(),
            seen,
        };
        say(&tell::account(&ready, &around));
        if let Some(path) = &options.ready_file {
            ready.write(path)?;
        }
        Ok((running, service))
    });
    let ended = made.map(|(running, service)| {
        signals.wait();
        running.shut_down();
        drop(service);
    });
    directory.leave();
    ended
}

fn set_up(
    directory: &Path,
    addresses: Addresses,
    clock: &Clock,
) -> Result<(Running, Service, Seen), DemoError> {
    addresses.check()?;
    pki::prepare(directory, clock.now())?;
    let service = Service::start(addresses.service)?;
    let settings = settings(directory, addresses)?;
    start::start_log(&settings.log, clock)?;
    let running = start::start(settings, clock)?;
    let seen = fill(directory, &service)?;
    Ok((running, service, seen))
}

/// Makes the realms through the admin API, unless an earlier run has: then only their connections are led to where the
/// service listens now.
fn fill(directory: &Path, service: &Service) -> Result<Seen, DemoError> {
    let told = Told {
        data_dir: Some(data_dir(directory)),
        ..Told::default()
    };
    let client = Client::new(told.find()?)?;
    let present = client.call(&Method::GET, &ApiPath::of(&["realms"]), None)?;
    let names: Vec<&str> = present
        .pointer("/realms")
        .and_then(serde_json::Value::as_array)
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .filter_map(|realm| realm.get("name")?.as_str())
        .collect();
    if !pki::REALMS.iter().any(|realm| names.contains(realm)) {
        let manifest = content::manifest(directory, service.address())?;
        let body = json!({ "documents": [manifest], "dryRun": false, "prune": false });
        client.call(&Method::POST, &ApiPath::of(&["apply"]), Some(&body))?;
        return Ok(Seen::New);
    }
    for realm in pki::REALMS.iter().filter(|realm| names.contains(realm)) {
        let path = ApiPath::of(&["realms", realm, "connections", content::CONNECTION]);
        if client.call(&Method::GET, &path, None).is_ok() {
            client.call(
                &Method::PUT,
                &path,
                Some(&content::connection(service.address())),
            )?;
        }
    }
    Ok(Seen::Before)
}

fn data_dir(directory: &Path) -> PathBuf {
    directory.join("data")
}

/// The settings of the demo; the environment has no say in them.
fn settings(directory: &Path, addresses: Addresses) -> Result<Settings, DemoError> {
    let flags = [
        ("data_dir", data_dir(directory).display().to_string()),
        (
            "access_log",
            directory.join("access.log").display().to_string(),
        ),
        ("log_level", "warn".to_owned()),
        ("mtls_listen", addresses.mtls.to_string()),
        ("external_listen", addresses.external.to_string()),
        ("internal_listen", addresses.internal.to_string()),
        ("admin_listen", addresses.admin.to_string()),
        // Its own service is on loopback, where outgoing calls may not go otherwise.
        ("outgoing_networks_allowed", "127.0.0.1/32".to_owned()),
    ];
    let flags = flags.map(|(key, value)| Flag {
        flag: "demo",
        key,
        value,
    });
    Ok(Settings::settle(
        &Given::gather(None, [], &flags)?,
        MasterKeyHints::default(),
    )?)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Addresses {
    mtls: SocketAddr,
    external: SocketAddr,
    internal: SocketAddr,
    admin: SocketAddr,
    service: SocketAddr,
}

impl Addresses {
    fn of(base: u16) -> Result<Self, DemoError> {
        let most = u16::MAX.saturating_sub(PORTS).saturating_add(1);
        if base > most {
            return Err(DemoError::PortBase { base, most });
        }
        let at = |offset: u16| {
            let port = if base == 0 {
                0
            } else {
                base.saturating_add(offset)
            };
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
        };
        Ok(Self {
            mtls: at(0),
            external: at(1),
            internal: at(2),
            admin: at(3),
            service: at(4),
        })
    }

    /// Finds out early, before anything is made, that a port is in use.
    fn check(self) -> Result<(), DemoError> {
        for address in [
            self.mtls,
            self.external,
            self.internal,
            self.admin,
            self.service,
        ] {
            match std::net::TcpListener::bind(address) {
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                    return Err(DemoError::PortInUse { address });
                }
                Err(source) => return Err(DemoError::Bind { address, source }),
            }
        }
        Ok(())
    }
}

/// Where the demo keeps everything.
enum Directory {
    /// Chosen by the user; it stays.
    Chosen(PathBuf),
    /// Made by us; it goes.
    Temporary(PathBuf),
}

impl Directory {
    fn prepare(chosen: Option<&Path>) -> Result<Self, DemoError> {
        let made = |path: PathBuf| {
            let made = files::make_directory(&path);
            made.map_err(|source| DemoError::Directory {
                path: path.clone(),
                source,
            })?;
            // The ready file names absolute paths, whatever the reader's working directory.
            path.canonicalize()
                .map_err(|source| DemoError::Directory { path, source })
        };
        let Some(path) = chosen else {
            let unique = uuid::Uuid::new_v4().simple().to_string();
            return made(std::env::temp_dir().join(format!("realmgate-demo-{unique}")))
                .map(Self::Temporary);
        };
        let path = made(path.to_owned())?;
        let foreign = fs::read_dir(&path)
            .map_err(|source| DemoError::Directory {
                path: path.clone(),
                source,
            })?
            .filter_map(Result::ok)
            .any(|entry| {
                !["pki", "data", "access.log", "ready.json"]
                    .iter()
                    .any(|ours| entry.file_name() == *ours)
            });
        if foreign && !data_dir(&path).exists() {
            return Err(DemoError::NotADemo { path });
        }
        Ok(Self::Chosen(path))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Chosen(path) | Self::Temporary(path) => path,
        }
    }

    fn leave(self) {
        match self {
            Self::Chosen(_) => {}
            Self::Temporary(path) => {
                let _ = fs::remove_dir_all(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_follow_one_another() {
        let addresses = Addresses::of(9443).unwrap();
        let ports = [
            addresses.mtls,
            addresses.external,
            addresses.internal,
            addresses.admin,
            addresses.service,
        ];
        assert_eq!(
            ports.map(|address| address.port()),
            [9443, 9444, 9445, 9446, 9447]
        );
        assert_eq!(Addresses::of(0).unwrap().service.port(), 0);
        assert_eq!(Addresses::of(65_531).unwrap().service.port(), 65_535);
        assert!(matches!(
            Addresses::of(65_532),
            Err(DemoError::PortBase { most: 65_531, .. })
        ));
    }

    #[test]
    fn a_port_in_use_is_told_before_anything_is_made() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let addresses = Addresses {
            external: address,
            ..Addresses::of(0).unwrap()
        };
        let error = addresses.check().unwrap_err();
        assert!(
            matches!(error, DemoError::PortInUse { address: told } if told == address),
            "{error}"
        );
    }

    #[test]
    fn somebody_elses_directory_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "").unwrap();
        assert!(matches!(
            Directory::prepare(Some(folder.path())),
            Err(DemoError::NotADemo { .. })
        ));
        let fresh = folder.path().join("fresh");
        assert!(matches!(
            Directory::prepare(Some(&fresh)),
            Ok(Directory::Chosen(_))
        ));
    }

    #[test]
    fn the_settings_settle() {
        let settings = settings(Path::new("/tmp/demo"), Addresses::of(9443).unwrap()).unwrap();
        assert_eq!(settings.data_dir, Path::new("/tmp/demo/data"));
        assert_eq!(settings.listeners.admin.port(), 9446);
    }
}
