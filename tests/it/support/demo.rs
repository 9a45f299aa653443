//! A demo of one's own: `realmgate demo` on free ports and a directory that goes when it is dropped.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::support::clients::Reply;
use crate::support::wait;

pub const BINARY: &str = env!("CARGO_BIN_EXE_realmgate");

/// A running demo.
pub struct Demo {
    child: Child,
    directory: tempfile::TempDir,
    pub ready: Value,
}

/// A client certificate of the demo's throw-away PKI.
#[derive(Clone, Debug)]
pub struct Client {
    pub cert: String,
    pub key: String,
    pub chain: String,
    pub p12: String,
    pub p12_password: String,
}

impl Demo {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let child = spawn(directory.path());
        let mut demo = Self {
            child,
            directory,
            ready: Value::Null,
        };
        demo.await_ready();
        demo
    }

    fn await_ready(&mut self) {
        let file = self.directory.path().join("ready.json");
        let child = &mut self.child;
        wait::until("the demo's ready file", 60, || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the demo ended before it was ready: {status}");
            }
            file.exists()
        });
        self.ready = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills the demo as a crash would, and starts it again on the same directory.
    pub fn kill_and_restart(&mut self) {
        self.kill_and_restart_after(|_| ());
    }

    /// The same, with something done to its data directory in between.
    pub fn kill_and_restart_after(&mut self, meddle: impl FnOnce(&Path)) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        meddle(&self.directory.path().join("demo/data"));
        std::fs::remove_file(self.directory.path().join("ready.json")).unwrap();
        self.child = spawn(self.directory.path());
        self.await_ready();
    }

    pub fn environment(&self, realm: &str, environment: &str) -> &Value {
        let realms = self.ready["realms"].as_array().unwrap();
        let realm = realms.iter().find(|one| one["name"] == realm).unwrap();
        &realm["environments"][environment]
    }

    pub fn text(&self, realm: &str, environment: &str, key: &str) -> String {
        self.environment(realm, environment)[key]
            .as_str()
            .unwrap_or_else(|| panic!("no {key}"))
            .to_owned()
    }

    /// The first client of which `expect` is expected.
    pub fn client(&self, realm: &str, environment: &str, expect: &str) -> Client {
        let clients = self.environment(realm, environment)["clients"]
            .as_array()
            .unwrap();
        let client = clients.iter().find(|one| one["expect"] == expect).unwrap();
        let text = |key: &str| client[key].as_str().unwrap_or_default().to_owned();
        Client {
            cert: text("cert"),
            key: text("key"),
            chain: text("chain"),
            p12: text("p12"),
            p12_password: text("p12Password"),
        }
    }

    pub fn address(&self, gateway: &str) -> String {
        self.ready["gateways"][gateway]["addr"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub fn port(&self, gateway: &str) -> u16 {
        self.address(gateway)
            .rsplit(':')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    pub fn server_ca(&self) -> String {
        self.ready["serverCa"].as_str().unwrap().to_owned()
    }

    /// The path of a pipeline of a realm.
    pub fn path(realm: &str, pipeline: &str) -> String {
        format!("/pipeline/{realm}/v1/{pipeline}")
    }

    /// Runs a command of the CLI as the demo's operator.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        let admin = &self.ready["admin"];
        Command::new(BINARY)
            .args(arguments)
            .env("REALMGATE_ADMIN_URL", admin["url"].as_str().unwrap())
            .env("REALMGATE_TOKEN_FILE", admin["tokenFile"].as_str().unwrap())
            .env("REALMGATE_ADMIN_CA", admin["ca"].as_str().unwrap())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs a command of the CLI that must succeed, and answers with what it printed.
    pub fn cli_ok(&self, arguments: &[&str]) -> String {
        let output = self.cli(arguments);
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{arguments:?}: {out}{err}");
        out.into_owned()
    }

    /// Calls the admin API with curl.
    pub fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let admin = &self.ready["admin"];
        let token = std::fs::read_to_string(admin["tokenFile"].as_str().unwrap()).unwrap();
        self.api_as(token.trim(), method, path, body)
    }

    /// Calls the admin API with curl and another token.
    pub fn api_as(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let admin = &self.ready["admin"];
        let url = format!("{}{path}", admin["url"].as_str().unwrap());
        let mut arguments = vec![
            "-X".to_owned(),
            method.to_owned(),
            "--cacert".to_owned(),
            admin["ca"].as_str().unwrap().to_owned(),
            "-H".to_owned(),
            format!("Authorization: Bearer {token}"),
        ];
        if let Some(body) = body {
            arguments.extend(["-H".to_owned(), "Content-Type: application/json".to_owned()]);
            arguments.extend(["-d".to_owned(), body.to_string()]);
        }
        arguments.push(url);
        crate::support::clients::curl(&arguments)
    }

    pub fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

fn spawn(directory: &Path) -> Child {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(directory.join("log.txt"))
        .unwrap();
    Command::new(BINARY)
        .args(["demo", "--port-base", "0"])
        .arg("--dir")
        .arg(directory.join("demo"))
        .arg("--ready-file")
        .arg(directory.join("ready.json"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log =
                std::fs::read_to_string(self.directory.path().join("log.txt")).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("--- the demo's last lines");
            for line in tail.iter().rev() {
                eprintln!("{line}");
            }
        }
    }
}
