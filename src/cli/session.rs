//! One command's talk with the server: ask, then print the JSON as it came, or words.

use std::io::Write;
use std::path::{Path, PathBuf};

use http::Method;
use serde_json::Value;

use crate::cli::ask::Yes;
use crate::cli::error::CliError;
use crate::cli::impact;
use crate::cli::reach::Reach;
use crate::cli::show;
use crate::cli::table::plain;
use crate::client::admin::Client;
use crate::client::error::ClientError;
use crate::client::path::Path as ApiPath;

/// Flags of every command that speaks to the server.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Asking {
    /// Print the answer of the API as it is
    #[arg(long)]
    pub json: bool,
    /// Whether to ask first.
    #[command(flatten)]
    pub yes: Yes,
    /// Where the server is.
    #[command(flatten)]
    pub reach: Reach,
}

/// A talk with the server.
pub struct Session {
    client: Client,
    token_file: PathBuf,
    json: bool,
}

impl Session {
    /// Finds the server; connects only when asked something.
    ///
    /// # Errors
    /// [`CliError`], which says what to set.
    pub fn open(asking: &Asking) -> Result<Self, CliError> {
        let reached = asking.reach.told().find()?;
        Ok(Self {
            token_file: reached.token_file.clone(),
            client: Client::new(reached)?,
            json: asking.json,
        })
    }

    /// Whether JSON is to be printed rather than words.
    pub const fn json(&self) -> bool {
        self.json
    }

    /// The file that holds the access token in use.
    pub fn token_file(&self) -> &Path {
        &self.token_file
    }

    /// The host by which the server is reached, unless a certificate (DER) names it.
    pub fn unnamed_host(&self, leaf: &[u8]) -> Option<&str> {
        self.client.unnamed_host(leaf)
    }

    /// GETs a path below `/api/v1/`.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn get(&self, path: &ApiPath) -> Result<Value, CliError> {
        Ok(self.client.call(&Method::GET, path, None)?)
    }

    /// GETs what may not be there.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn find(&self, path: &ApiPath) -> Result<Option<Value>, CliError> {
        match self.client.call(&Method::GET, path, None) {
            Ok(found) => Ok(Some(found)),
            Err(ClientError::Api { status: 404, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// GETs a path below `/api/v1/` whose answer is plain text.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn get_text(&self, path: &ApiPath) -> Result<String, CliError> {
        Ok(self.client.text(path)?)
    }

    /// PUTs a body.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn put(&self, path: &ApiPath, body: &Value) -> Result<Value, CliError> {
        Ok(self.client.call(&Method::PUT, path, Some(body))?)
    }

    /// POSTs a body.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn post(&self, path: &ApiPath, body: &Value) -> Result<Value, CliError> {
        Ok(self.client.call(&Method::POST, path, Some(body))?)
    }

    /// Sends a change that may cut clients: asks first where the server says that it would, and whom.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn change_asking(
        &self,
        (method, path, body): (&Method, &ApiPath, &Value),
        yes: Yes,
        deed: &str,
    ) -> Result<Value, CliError> {
        let send = |cut: Option<&str>| {
            let path = path.clone().with("cut", cut);
            self.client.call(method, &path, Some(body))
        };
        if yes.yes {
            return Ok(send(Some("any"))?);
        }
        match send(None) {
            Err(ClientError::Api { cut, .. }) if !cut.is_null() => {
                let count = impact::count(&cut, "/count");
                let clients = show::items(&cut, "/clients");
                let deed = format!("{deed}, {}", impact::cutting(count));
                yes.confirm(&deed, &impact::cut_in_words(clients, count, clients.len()))?;
                Ok(send(Some(&count.to_string()))?)
            }
            answer => Ok(answer?),
        }
    }

    /// DELETEs.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn delete(&self, path: &ApiPath) -> Result<Value, CliError> {
        Ok(self.client.call(&Method::DELETE, path, None)?)
    }

    /// Prints an answer: as JSON where that is asked for, else in the words that `words` makes of it.
    ///
    /// # Errors
    /// [`CliError::Terminal`] where it cannot be written.
    pub fn print(
        &self,
        answer: &Value,
        words: impl FnOnce(&Value) -> String,
    ) -> Result<(), CliError> {
        if self.json {
            say(&format!("{answer:#}\n"))
        } else {
            say(&words(answer))
        }
    }

    /// Prints what a change came to: `done`, or that it was so already; then the warnings.
    ///
    /// # Errors
    /// [`CliError::Terminal`] where it cannot be written.
    pub fn print_change(&self, answer: &Value, done: &str) -> Result<(), CliError> {
        self.print(answer, |answer| change_in_words(answer, done))
    }
}

/// What a change came to, in words.
pub fn change_in_words(answer: &Value, done: &str) -> String {
    let mut text = match answer.pointer("/changed").and_then(Value::as_bool) {
        Some(false) => format!("Nothing to do: {done} already.\n"),
        Some(true) | None => format!("Done: {done}.\n"),
    };
    text.push_str(&warnings_in_words(answer));
    text
}

/// The warnings of an answer, a line each.
pub fn warnings_in_words(answer: &Value) -> String {
    let lines = show::items(answer, "/warnings")
        .iter()
        .map(|warning| match warning.as_str() {
            Some(sentence) => format!("Note: {}\n", plain(sentence)),
            None => format!("Note: {}\n", plain(&show::text(warning, "/message"))),
        });
    lines.collect()
}

/// Writes to standard output. A reader that went away is no error.
///
/// # Errors
/// [`CliError::Terminal`].
pub fn say(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(source) if source.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CliError::Terminal { source })
        }
        Err(_) | Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_says_what_was_done_and_what_to_note() {
        let answer = json!({"changed": true, "revision": 5, "warnings": ["mTLS is off"]});
        assert_eq!(
            change_in_words(&answer, "realm acme is there"),
            "Done: realm acme is there.\nNote: mTLS is off\n"
        );
        let answer = json!({"changed": false, "revision": 5, "warnings": []});
        assert_eq!(
            change_in_words(&answer, "realm acme is there"),
            "Nothing to do: realm acme is there already.\n"
        );
    }
}
