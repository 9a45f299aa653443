//! Real clients: curl, openssl, Python and Node, as their users run them.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::demo::{Client, Demo};

/// What curl got.
#[derive(Debug)]
pub struct Reply {
    /// curl's exit status: 0, or why there was no answer.
    pub exit: i32,
    /// The status code; 0 without an answer.
    pub status: u16,
    /// The heads of the answer, lower-case names.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
    /// What curl says of its failure.
    #[expect(dead_code, reason = "shown where a test fails")]
    pub error: String,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}:");
        self.head
            .lines()
            .find(|line| line.to_ascii_lowercase().starts_with(&prefix))
            .map(|line| line[prefix.len()..].trim())
    }
}

/// Runs curl with `arguments`.
pub fn curl(arguments: &[String]) -> Reply {
    let directory = tempfile::tempdir().unwrap();
    let (head, body) = (directory.path().join("head"), directory.path().join("body"));
    let output = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "30",
            "--noproxy",
            "*",
            "--write-out",
            "%{http_code}",
        ])
        .arg("--dump-header")
        .arg(&head)
        .arg("--output")
        .arg(&body)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("curl is installed");
    Reply {
        exit: output.status.code().unwrap_or(-1),
        status: String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .unwrap_or(0),
        head: std::fs::read_to_string(&head).unwrap_or_default(),
        body: std::fs::read(&body).unwrap_or_default(),
        error: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A call with curl to `host` at a gateway of the demo.
pub struct Call<'a> {
    demo: &'a Demo,
    gateway: &'a str,
    host: String,
    path: String,
    arguments: Vec<String>,
}

impl<'a> Call<'a> {
    pub fn new(demo: &'a Demo, gateway: &'a str, host: &str, path: &str) -> Self {
        Self {
            demo,
            gateway,
            host: host.to_owned(),
            path: path.to_owned(),
            arguments: Vec::new(),
        }
    }

    /// Shows a client certificate, with its chain, as a PEM file and a key file.
    pub fn by(mut self, client: &Client) -> Self {
        self.arguments.extend([
            "--cert".to_owned(),
            client.chain.clone(),
            "--key".to_owned(),
            client.key.clone(),
        ]);
        self
    }

    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    pub fn send(self) -> Reply {
        let port = self.demo.port(self.gateway);
        let mut arguments = self.arguments;
        arguments.extend(["--cacert".to_owned(), self.demo.server_ca()]);
        arguments.extend([
            "--connect-to".to_owned(),
            format!("{}:{port}:127.0.0.1:{port}", self.host),
        ]);
        arguments.push("--path-as-is".to_owned());
        arguments.push(format!("https://{}:{port}{}", self.host, self.path));
        curl(&arguments)
    }
}

/// Runs `openssl s_client` against the mtls gateway; answers with all that it printed.
pub fn s_client(
    demo: &Demo,
    gateway: &str,
    name: Option<&str>,
    arguments: &[&str],
    input: &str,
) -> String {
    let mut command = Command::new("openssl");
    command.args([
        "s_client",
        "-connect",
        &demo.address(gateway),
        "-CAfile",
        &demo.server_ca(),
        "-ign_eof",
    ]);
    match name {
        Some(name) => command.args(["-servername", name]),
        None => command.arg("-noservername"),
    };
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    // A refused client cannot write any more: that is for the output to tell.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Runs a script with an interpreter; answers with what it printed, trimmed.
pub fn script(interpreter: &str, arguments: &[&str], text: &str) -> String {
    let mut child = Command::new(interpreter)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{interpreter} is installed: {error}"));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    format!("{out}{err}").trim().to_owned()
}
