//! A server of one's own: `realmgate serve` on free ports and an empty data directory.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::support::demo::BINARY;
use crate::support::wait;

/// A server that can be stopped and started again on the same directory.
pub(crate) struct Server {
    child: Option<Child>,
    directory: tempfile::TempDir,
    pub(crate) ready: Value,
}

impl Server {
    /// Starts a server on an empty directory. Its configuration is found in `realmgate.toml`.
    pub(crate) fn start() -> Self {
        Self::start_with(|_| String::new())
    }

    /// Starts a server with more settings, made of its directory.
    pub(crate) fn start_with(settings: impl FnOnce(&Path) -> String) -> Self {
        Self::start_at(|directory| {
            let usual = "mtls_listen = \"127.0.0.1:0\"\nexternal_listen = \"127.0.0.1:0\"\n\
                         internal_listen = []\naccess_log = \"off\"\n";
            usual.to_owned() + &settings(directory)
        })
    }

    /// Starts a server whose settings are these, but for the directory and the admin listener.
    pub(crate) fn start_at(settings: impl FnOnce(&Path) -> String) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            "data_dir = {:?}\nadmin_listen = \"127.0.0.1:0\"\n",
            directory.path().join("data")
        );
        let text = text + &settings(directory.path());
        std::fs::write(directory.path().join("realmgate.toml"), text).unwrap();
        let mut server = Self {
            child: None,
            directory,
            ready: Value::Null,
        };
        server.start_again();
        server
    }

    /// Starts it after it was stopped.
    pub(crate) fn start_again(&mut self) {
        let ready = self.path("ready.json");
        let mut server = Command::new(BINARY);
        server
            .args(["serve", "--config"])
            .arg(self.configuration())
            .arg("--ready-file")
            .arg(&ready)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        self.child = Some(wait::started(&mut server, &ready, &self.path("log.txt")));
        self.ready = serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap();
    }

    /// Stops it as systemd does. It must end by itself, without an error.
    pub(crate) fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        let killed = Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        let status = child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
        let _ = std::fs::remove_file(self.path("ready.json"));
    }

    /// Ends it as a power cut does, without a chance to do anything.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let _ = std::fs::remove_file(self.path("ready.json"));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.path("data").join(name)
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.path("realmgate.toml")
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log.txt")).unwrap_or_default()
    }

    /// A command of the CLI as the operator, who is found in the data directory; nobody is at a terminal.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .env("REALMGATE_DATA_DIR", self.path("data"))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn cli(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and answers with what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.cli(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {out}{err}");
        out
    }

    /// Runs a line of words, as above.
    pub(crate) fn line(&self, line: &str) -> String {
        self.ok(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs a line of words with `--json`.
    pub(crate) fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.line(&format!("{line} --json"))).unwrap()
    }

    /// Runs a line of words that must fail with one sentence, and answers with it.
    pub(crate) fn refused(&self, line: &str) -> String {
        let output = self.cli(&line.split_whitespace().collect::<Vec<_>>());
        let told = text(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{line}: {}{told}",
            text(&output.stdout)
        );
        assert!(
            told.starts_with("realmgate: ") && told.trim_end().lines().count() == 1,
            "{line}: {told}"
        );
        told
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The permissions of a file, as `chmod` writes them.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}", self.log());
        }
    }
}
