//! realmgate as a target: an empty data directory, a manifest, and the certificate that all targets show.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use realmgate::clock::Stopwatch;
use serde_json::Value;

use crate::client::Aim;
use crate::pki::DOMAIN;
use crate::process::{SERVERS, pinned, start};
use crate::servers::{OURS, Surroundings, Target};

/// How long it has to listen.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where the manifest's pipeline is found.
const PREFIX: &str = "/pipeline/bench/v1/relay";

/// Starts it and sets it up.
pub fn start_it(binary: &Path, directory: &Path, around: &Surroundings) -> Result<Target, String> {
    let text = |path: &Path| path.display().to_string();
    let filled = |template: &str| {
        template
            .replace("<RUN>", &text(directory))
            .replace("<DOMAIN>", DOMAIN)
            .replace("<UPSTREAM>", &around.upstream.to_string())
            .replace("<CA>", &text(&around.pki.ca))
    };
    let (settings, manifest) = (
        directory.join("realmgate.toml"),
        directory.join("manifest.toml"),
    );
    fs::write(&settings, filled(include_str!("realmgate.toml"))).unwrap();
    fs::write(&manifest, filled(include_str!("manifest.toml"))).unwrap();
    let (ready, log) = (directory.join("ready.json"), directory.join("output"));
    let output = fs::File::create(&log).unwrap();
    let mut command = pinned(SERVERS, binary);
    command
        .args([
            "serve",
            "--config",
            &text(&settings),
            "--ready-file",
            &text(&ready),
        ])
        .stdout(output.try_clone().unwrap())
        .stderr(Stdio::from(output));
    let mut running = start(&mut command);
    let begun = Stopwatch::start();
    while !ready.exists() {
        if !running.lives() || begun.elapsed() > PATIENCE {
            let log = fs::read_to_string(&log).unwrap_or_default();
            return Err(format!(
                "does not start: {}",
                log.trim().replace('\n', "; ")
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let data = text(&directory.join("data"));
    let admin = |arguments: &[&str]| told(binary, arguments, &data);
    admin(&["apply", &text(&manifest), "--yes"])?;
    admin(&[
        "server-identity",
        "save",
        "mtls-prod",
        "--chain",
        &text(&around.pki.server),
        "--key-file",
        &text(&around.pki.server_key),
    ])?;
    let ready: Value = serde_json::from_slice(&fs::read(&ready).unwrap()).unwrap();
    let address = ready["gateways"]["mtls"]["addr"].as_str().unwrap();
    let version = Command::new(binary).arg("--version").output().unwrap();
    Ok(Target {
        name: OURS,
        version: String::from_utf8_lossy(&version.stdout).trim().to_owned(),
        running,
        aim: Aim {
            address: address.parse().unwrap(),
            prefix: PREFIX.to_owned(),
            pki: around.pki.directory.clone(),
        },
    })
}

fn told(binary: &Path, arguments: &[&str], data: &str) -> Result<(), String> {
    let mut command = Command::new(binary);
    let output = command.args(arguments).args(["--data-dir", data]).output();
    let output = output.map_err(|error| format!("{}: {error}", binary.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "`realmgate {}` failed: {said}",
        arguments.join(" ")
    ))
}
