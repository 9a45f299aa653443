//! The `openssl` program, as a second opinion in tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory of its own, in which `openssl` runs and files are kept until it is dropped.
pub struct Openssl(tempfile::TempDir);

impl Openssl {
    /// An empty directory.
    #[expect(
        clippy::new_without_default,
        reason = "a directory is made, nothing is by default"
    )]
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Runs `openssl` with the words of `command`, and gives its output; it has to succeed.
    pub fn run(&self, command: &str) -> Vec<u8> {
        let output = self.try_run(command);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {command}: {errors}");
        output.stdout
    }

    /// As [`Openssl::run`], as text.
    pub fn text(&self, command: &str) -> String {
        String::from_utf8(self.run(command)).unwrap()
    }

    /// Runs `openssl` with the words of `command`; words that hold spaces stand in single quotes.
    pub fn try_run(&self, command: &str) -> Output {
        let mut words = Vec::new();
        for (place, part) in command.split('\'').enumerate() {
            if place % 2 == 1 {
                words.push(part);
            } else {
                words.extend(part.split_whitespace());
            }
        }
        Command::new("openssl")
            .args(words)
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    /// Puts a file there.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// Reads a file there.
    pub fn get(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::join(self.0.path(), name)
    }
}
