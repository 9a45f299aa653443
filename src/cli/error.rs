//! What can go wrong with a command, in sentences that say what to do.

use std::io;
use std::path::PathBuf;

use crate::app::error::StartError;
use crate::client::error::ClientError;
use crate::clock::InvalidMoment;
use crate::demo::error::DemoError;
use crate::manifest::inline::{CrlProblem, NotInlined};
use crate::manifest::read::Unreadable;
use crate::pki::presented::InvalidPresented;
use crate::settings::error::InvalidSettings;

/// A command that came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// The server was not reached, or said no.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server cannot be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The demo cannot go on.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than the server would take.
    #[error("{} is larger than {megabytes} MB: split it", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How large it may be, in MB of 1,048,576 bytes.
        megabytes: u64,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard input or output broke.
    #[error("cannot use the terminal: {source}")]
    Terminal {
        /// Why.
        source: io::Error,
    },
    /// A file that should hold text does not.
    #[error("{} is not text (UTF-8): give the file that you mean", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// A file that holds nothing.
    #[error("{} is empty: give the file that you mean", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// An encrypted file without its password.
    #[error("--chain {}: this is encrypted: add --password-file FILE", path.display())]
    PasswordNeeded {
        /// The file.
        path: PathBuf,
    },
    /// Two flags read standard input.
    #[error("only one flag can read standard input ('-'): give a file to the other one")]
    StdinTwice,
    /// A TOML file that is none.
    #[error("{}, line {line}: this is no TOML: {}", path.display(), source.message())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser found.
        source: Box<toml::de::Error>,
    },
    /// A document with unknown, missing or ill-formed keys.
    #[error("{}, {source}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: Unreadable,
    },
    /// A manifest whose files cannot be put into it.
    #[error("{}: {source}", path.display())]
    Inline {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        source: Box<NotInlined<Self>>,
    },
    /// A file that holds no revocation lists, or damaged ones.
    #[error(transparent)]
    Crl {
        /// What is wrong.
        source: Box<CrlProblem<Self>>,
    },
    /// A file to test that holds no chain.
    #[error("{}: {source}", path.display())]
    Presented {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: InvalidPresented,
    },
    /// A file by which nothing can be denied.
    #[error("{}: {problem}", path.display())]
    NotDeniable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// What holds for a whole realm, given for one of its anchors.
    #[error(
        "--anchor goes with --revocation and --crl-out-of-date only: signatures, pins, CA names, handshake and records hold for the whole realm, so change them without --anchor"
    )]
    NotOfAnAnchor,
    /// A file of a secret that is no text.
    #[error("the file of '{key}' holds no UTF-8 text: give a text file")]
    SecretNotText {
        /// The field.
        key: &'static str,
    },
    /// A document that cannot be sent.
    #[error("this cannot be written as JSON: {source}")]
    Encode {
        /// Why.
        source: serde_json::Error,
    },
    /// A server identity that does not exist.
    #[error("there is no server identity '{slot}': 'realmgate server-identity list' lists them")]
    NoSlot {
        /// What was written.
        slot: String,
    },
    /// A realm has no host of its own there.
    #[error(
        "realms have no host of their own on {slot}: write mtls-test or mtls-prod with --realm"
    )]
    NoRealmsSlot {
        /// What was written.
        slot: String,
    },
    /// A value on the command line that cannot be.
    #[error("'{flag} {found}' cannot be: write {expected}")]
    Flag {
        /// The flag.
        flag: &'static str,
        /// What was written.
        found: String,
        /// What may be written.
        expected: &'static str,
    },
    /// With mTLS on, whether a pipeline is open to the internet as well has no default.
    #[error(
        "say with --mtls whether the pipeline is open to the internet as well: --external false lets in verified clients only, --external true answers everybody as well"
    )]
    ExternalNotStated,
    /// A new pipeline that nothing answers.
    #[error("there is no {pipeline} yet: say what answers with --handler echo, mock or upstream")]
    NoHandler {
        /// The pipeline, in words.
        pipeline: String,
    },
    /// A handler without something that it needs.
    #[error("--handler {handler} needs {flag}")]
    HandlerLacks {
        /// The handler's type.
        handler: String,
        /// The missing flag.
        flag: &'static str,
    },
    /// A new connection that leads nowhere.
    #[error(
        "there is no connection '{name}' yet: say where it leads with --base-url, --base-url-test or --base-url-prod"
    )]
    NoBaseUrl {
        /// The connection.
        name: String,
    },
    /// A text that is no moment.
    #[error("{flag} '{found}' is {source}, or a number of days like 30d")]
    Expires {
        /// The flag.
        flag: &'static str,
        /// What was written.
        found: String,
        /// Why.
        source: InvalidMoment,
    },
    /// A question that nobody is there to answer.
    #[error(
        "this would {deed}, and there is nobody at a terminal to ask: add --yes to do it all the same"
    )]
    NeedsYes {
        /// What would be done.
        deed: String,
    },
    /// A plan with weighty steps that nobody is there to look at.
    #[error(
        "the plan needs somebody to look at it ({steps}), and there is nobody at a terminal to ask: look at it with --dry-run, then add --yes"
    )]
    PlanUnseen {
        /// The steps, in words.
        steps: String,
    },
    /// The answer was no.
    #[error("nothing was changed")]
    Declined,
}
