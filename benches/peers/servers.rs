//! Starts the targets: realmgate and its peers.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use realmgate::clock::Stopwatch;

use crate::client::Aim;
use crate::options::Options;
use crate::pki::{HOST, Pki};
use crate::process::{Running, SERVERS, pinned, start};
use crate::realmgate_server;

/// The target whose figures are compared with those of the peers.
pub const OURS: &str = "realmgate";

/// How long a server has to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// What all targets have in common.
pub struct Surroundings {
    /// Certificates and keys.
    pub pki: Pki,
    /// Where the upstream listens.
    pub upstream: SocketAddr,
    /// For the files of the targets.
    pub directory: PathBuf,
}

/// A server that runs.
pub struct Target {
    /// Its name in the table.
    pub name: &'static str,
    /// What it says of itself.
    pub version: String,
    /// Ends when this is dropped.
    pub running: Running,
    /// How clients find it.
    pub aim: Aim,
}

impl Target {
    /// Starts it, with files of its own.
    pub fn start(
        name: &'static str,
        options: &Options,
        around: &Surroundings,
    ) -> Result<Self, String> {
        let directory = tempfile::tempdir_in(&around.directory).unwrap().keep();
        if name == OURS {
            realmgate_server::start_it(&options.server, &directory, around)
        } else {
            peer(name, options, &directory, around)
        }
    }
}

fn peer(
    name: &'static str,
    options: &Options,
    directory: &Path,
    around: &Surroundings,
) -> Result<Target, String> {
    let is_new = name.ends_with("36");
    let library = match (&options.openssl36, is_new) {
        (None, true) => {
            return Err(
                "needs OpenSSL 3.6: build it, and give its directory of libraries by --openssl36"
                    .to_owned(),
            );
        }
        (library, true) => library.clone(),
        (_, false) => None,
    };
    let program = name.trim_end_matches("36");
    let version = version(program)?;
    let address = free_address();
    // OpenSSL 3.0 knows no hybrid exchange, and refuses to start with one.
    let groups = if is_new {
        "X25519MLKEM768:X25519:P-256"
    } else {
        "X25519:P-256"
    };
    let template = match program {
        "nginx" => include_str!("nginx.conf"),
        _ => include_str!("haproxy.cfg"),
    };
    let text = |path: &Path| path.display().to_string();
    let configuration = template
        .replace("<RUN>", &text(directory))
        .replace("<UPSTREAM>", &around.upstream.to_string())
        .replace("<LISTEN>", &address.to_string())
        .replace("<HOST>", HOST)
        .replace("<GROUPS>", groups)
        .replace("<CERTIFICATE>", &text(&around.pki.server))
        .replace("<KEY>", &text(&around.pki.server_key))
        .replace("<BOTH>", &text(&around.pki.server_both))
        .replace("<CA>", &text(&around.pki.ca));
    let file = directory.join(format!("{program}.conf"));
    fs::write(&file, configuration).unwrap();
    let mut command = pinned(SERVERS, Path::new(program));
    match program {
        "nginx" => command.arg("-c").arg(&file).arg("-p").arg(directory),
        _ => command.arg("-f").arg(&file).arg("-db"),
    };
    if let Some(library) = &library {
        command.env("LD_LIBRARY_PATH", library);
    }
    let log = fs::File::create(directory.join("output")).unwrap();
    command
        .stdout(log.try_clone().unwrap())
        .stderr(Stdio::from(log));
    let mut running = start(&mut command);
    let begun = Stopwatch::start();
    while TcpStream::connect(address).is_err() {
        if !running.lives() || begun.elapsed() > PATIENCE {
            let log = fs::read_to_string(directory.join("output")).unwrap_or_default();
            return Err(format!(
                "does not start: {}",
                log.trim().replace('\n', "; ")
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let version = match library {
        Some(_) => format!("{version}, OpenSSL 3.6"),
        None => version,
    };
    let aim = Aim {
        address,
        prefix: String::new(),
        pki: around.pki.directory.clone(),
    };
    Ok(Target {
        name,
        version,
        running,
        aim,
    })
}

/// The first line of what a program says to `-v`.
fn version(program: &str) -> Result<String, String> {
    let output = Command::new(program).arg("-v").output();
    let output = output.map_err(|error| {
        format!("{program}: {error}; install it: apt-get install --no-install-recommends nginx-core haproxy")
    })?;
    // nginx says it on standard error.
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Ok(said.lines().next().unwrap_or_default().to_owned())
}

/// An address that is free now. Somebody may take it before the server does; then the server says so.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}
