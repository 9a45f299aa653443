//! For each class of attacks a build that is broken on purpose, and `realmgate prove` finds it out.
//!
//! Needs the feature `flaws`: `cargo test --features flaws --test broken`.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test that goes wrong says so by ending"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use realmgate::flaw::{Flaw, VARIABLE};
use realmgate::prove::board::Class;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_realmgate");

/// The class that is to find a flaw.
const fn finds(flaw: Flaw) -> Class {
    match flaw {
        Flaw::Signatures => Class::Strangers,
        Flaw::Names => Class::Names,
        Flaw::SplitHello => Class::SplitHello,
        Flaw::Tickets => Class::Resumption,
        Flaw::Authority => Class::Authority,
        Flaw::Paths => Class::Paths,
        Flaw::ChainLimits => Class::HostileCertificates,
        Flaw::Possession => Class::Possession,
        Flaw::AnyLeaf => Class::ChainConfusion,
        Flaw::Headers => Class::IdentityHeaders,
        Flaw::SecondDoor => Class::SecondDoor,
        Flaw::Lists => Class::Revocation,
        Flaw::Rules => Class::ClientRules,
        Flaw::Denials => Class::DenyList,
        Flaw::Epoch => Class::Change,
        Flaw::Explain => Class::Explain,
    }
}

#[test]
fn each_flaw_is_found_by_its_class_and_by_no_other() {
    let mut found = BTreeSet::new();
    for flaw in Flaw::ALL {
        let (status, board) = Demo::start(flaw.as_str()).prove();
        let class = finds(flaw);
        assert_eq!(
            (status, not_held(&board)),
            (1, BTreeSet::from([class.as_str().to_owned()])),
            "{flaw:?}"
        );
        found.insert(class);
    }
    assert_eq!(found, BTreeSet::from(Class::ALL), "each class finds one");
}

#[test]
fn without_a_flaw_everything_holds() {
    let (status, board) = Demo::start("").prove();
    assert_eq!((status, not_held(&board)), (0, BTreeSet::new()));
}

#[test]
fn such_a_build_says_what_it_is() {
    let version = Command::new(BINARY).arg("--version").output().unwrap();
    let told = String::from_utf8(version.stdout).unwrap();
    assert!(told.contains("DELIBERATE FLAWS"), "{told}");
    let demo = Demo::start("names");
    let log = std::fs::read_to_string(demo.directory.path().join("log.txt")).unwrap();
    assert!(
        log.contains("DELIBERATE FLAWS") && log.contains("planted: names"),
        "{log}"
    );
}

/// The classes with a try that was not withstood.
fn not_held(board: &Value) -> BTreeSet<String> {
    let rows = board["rows"].as_array().unwrap().iter();
    rows.filter(|row| row["verdict"] == "not-held")
        .map(|row| row["class"].as_str().unwrap().to_owned())
        .collect()
}

/// A demo with a flaw.
struct Demo {
    child: Child,
    directory: tempfile::TempDir,
}

impl Demo {
    fn start(flaw: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(directory.path().join("log.txt")).unwrap();
        let child = Command::new(BINARY)
            .args(["demo", "--port-base", "0", "--dir"])
            .arg(directory.path().join("demo"))
            .arg("--ready-file")
            .arg(directory.path().join("ready.json"))
            .env(VARIABLE, flaw)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let demo = Self { child, directory };
        let ready = demo.directory.path().join("ready.json");
        for _ in 0..1500 {
            if ready.exists() {
                return demo;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the demo was not ready within 30 s");
    }

    /// The exit status of `prove`, and its board.
    fn prove(&self) -> (i32, Value) {
        let data: PathBuf = self.directory.path().join("demo").join("data");
        let output = Command::new(BINARY)
            .args(["prove", "--json"])
            .env("REALMGATE_DATA_DIR", data)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let status = output.status.code().unwrap_or(-1);
        let board = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        (status, board)
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
