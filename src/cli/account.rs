//! `realmgate account …`

use std::path::{Path as FilePath, PathBuf};

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::cli::certificate;
use crate::cli::error::CliError;
use crate::cli::files;
use crate::cli::flag;
use crate::cli::session::{Asking, Session};
use crate::cli::show::{self, Column};
use crate::client::path::Path;
use crate::manifest::document::ValuesDocument;
use crate::manifest::inline;
use crate::pki::upload::{self, InvalidUpload};

/// What to do with accounts.
#[derive(Clone, Debug, Subcommand)]
pub enum AccountVerb {
    /// List a realm's accounts
    List {
        /// Whose
        #[arg(long, value_parser = flag::realm)]
        realm: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Show one account: its certificates decoded, its secrets never
    Show {
        /// Its name
        #[arg(value_parser = flag::account)]
        name: String,
        /// Whose
        #[arg(long, value_parser = flag::realm)]
        realm: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
    /// Make or change an account; what is not given stays as it is
    Save(Box<Save>),
    /// Remove an account that nothing uses
    Delete {
        /// Its name
        #[arg(value_parser = flag::account)]
        name: String,
        /// Whose
        #[arg(long, value_parser = flag::realm)]
        realm: String,
        /// How the server is asked.
        #[command(flatten)]
        asking: Asking,
    },
}

/// An account and its values. Secrets come from files, or from standard input (`-`), never from the command line.
#[derive(Clone, Debug, clap::Args)]
pub struct Save {
    /// Its name; one that serves as trust source begins with dgb-mtls-
    #[arg(value_parser = flag::account)]
    name: String,
    /// Whose
    #[arg(long, value_parser = flag::realm)]
    realm: String,
    /// Where the values are for; give it twice for both
    #[arg(long, required = true, value_parser = ["test", "prod"])]
    environment: Vec<String>,
    /// Its type: certificate-chain, basic, custom-auth-header, oauth-bearer, api-key, private-key, public-key, secret-key
    #[arg(
        long = "type",
        value_name = "TYPE",
        default_value = "certificate-chain",
        value_parser = [
            "certificate-chain",
            "basic",
            "custom-auth-header",
            "oauth-bearer",
            "api-key",
            "private-key",
            "public-key",
            "secret-key",
        ]
    )]
    account_type: String,
    /// Take the values of these environments away
    #[arg(long)]
    clear: bool,
    /// certificate-chain: the certificates (PEM, DER or PKCS#12)
    #[arg(long, value_name = "FILE")]
    chain: Option<PathBuf>,
    /// certificate-chain: intermediates that only help to build paths
    #[arg(long, value_name = "FILE")]
    helpers: Option<PathBuf>,
    /// basic: the password; certificate-chain: of an encrypted key or PKCS#12 file
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// basic: the user name
    #[arg(long)]
    username: Option<String>,
    /// custom-auth-header: the header's name
    #[arg(long)]
    header_name: Option<String>,
    /// custom-auth-header: the header's value
    #[arg(long, value_name = "FILE")]
    header_value_file: Option<PathBuf>,
    /// oauth-bearer: the token
    #[arg(long, value_name = "FILE")]
    bearer_token_file: Option<PathBuf>,
    /// api-key: the name of the URL parameter
    #[arg(long)]
    url_param_name: Option<String>,
    /// api-key: the key
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// private-key, public-key, secret-key: the key; certificate-chain: the key where it is not in the chain
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// private-key: what the key is encrypted with
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// How the server is asked.
    #[command(flatten)]
    asking: Asking,
}

const COLUMNS: &[Column] = &[
    ("NAME", "/name"),
    ("TYPE", "/type"),
    ("REVISION", "/revision"),
    ("VALUES IN", "/environments"),
    ("ENDS", "/expires"),
    ("SAVED", "/updated"),
];

/// Carries it out.
///
/// # Errors
/// [`CliError`].
pub fn run(verb: &AccountVerb) -> Result<(), CliError> {
    match verb {
        AccountVerb::List { realm, asking } => {
            let session = Session::open(asking)?;
            let answer = session.get(&Path::of(&["realms", realm, "accounts"]))?;
            let empty = "There are no accounts yet: make one with 'realmgate account save NAME'.";
            session.print(&answer, |answer| {
                show::list(show::items(answer, "/accounts"), COLUMNS, empty)
            })
        }
        AccountVerb::Show {
            name,
            realm,
            asking,
        } => {
            let session = Session::open(asking)?;
            let answer = session.get(&Path::of(&["realms", realm, "accounts", name]))?;
            session.print(&answer, in_words)
        }
        AccountVerb::Save(save) => {
            let body = save.body()?;
            let session = Session::open(&save.asking)?;
            let answer = session.put(
                &Path::of(&["realms", &save.realm, "accounts", &save.name]),
                &body,
            )?;
            session.print_change(
                &answer,
                &format!("account {} of realm {} is saved", save.name, save.realm),
            )
        }
        AccountVerb::Delete {
            name,
            realm,
            asking,
        } => {
            let session = Session::open(asking)?;
            asking.yes.confirm(
                &format!("remove account {name} of realm {realm}, for good"),
                &[],
            )?;
            let answer = session.delete(&Path::of(&["realms", realm, "accounts", name]))?;
            session.print_change(&answer, &format!("account {name} of realm {realm} is gone"))
        }
    }
}

impl Save {
    /// What a chain's file lacks is told with its name; everything else is for the server to say.
    fn check_chain(&self) -> Result<(), CliError> {
        let Some(path) = self.chain.as_deref().filter(|path| path.as_os_str() != "-") else {
            return Ok(());
        };
        let path = path.to_owned();
        match upload::read(&files::of_disk(&path)?, None) {
            Err(InvalidUpload::EmptyUpload) => Err(CliError::Empty { path }),
            Err(InvalidUpload::PasswordNeeded) if self.password_file.is_none() => {
                Err(CliError::PasswordNeeded { path })
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn body(&self) -> Result<Value, CliError> {
        self.check_chain()?;
        let mut values = ValuesDocument {
            clear: self.clear,
            chain_file: written(self.chain.as_deref())?,
            helpers_file: written(self.helpers.as_deref())?,
            key_file: written(self.key_file.as_deref())?,
            password_file: written(self.password_file.as_deref())?,
            username: self.username.clone(),
            header_name: self.header_name.clone(),
            header_value_file: written(self.header_value_file.as_deref())?,
            token_file: written(self.bearer_token_file.as_deref())?,
            url_param_name: self.url_param_name.clone(),
            api_key_file: written(self.api_key_file.as_deref())?,
            passphrase_file: written(self.passphrase_file.as_deref())?,
            ..ValuesDocument::default()
        };
        let mut stdin_left = 1_u8;
        inline::values(&mut values, |file| match (file, stdin_left) {
            ("-", 0) => Err(CliError::StdinTwice),
            ("-", _) => {
                stdin_left = 0;
                files::bytes(FilePath::new(file))
            }
            (_, _) => files::bytes(FilePath::new(file)),
        })
        .map_err(|problem| match problem {
            inline::Problem::File { source, .. } => source,
            inline::Problem::Twice { key } | inline::Problem::NotText { key } => {
                CliError::SecretNotText { key }
            }
        })?;
        let values = serde_json::to_value(&values).map_err(|source| CliError::Encode { source })?;
        let mut body = Map::new();
        body.insert("type".to_owned(), json!(self.account_type));
        for environment in &self.environment {
            body.insert(environment.clone(), values.clone());
        }
        Ok(Value::Object(body))
    }
}

fn written(path: Option<&FilePath>) -> Result<Option<String>, CliError> {
    let Some(path) = path else { return Ok(None) };
    match path.to_str() {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(CliError::NotText {
            path: path.to_owned(),
        }),
    }
}

fn in_words(answer: &Value) -> String {
    let rows = [
        ("name", "/name"),
        ("type", "/type"),
        ("revision", "/revision"),
        ("saved", "/updated"),
        ("ends", "/expires"),
        ("used by", "/usedBy"),
    ];
    let mut text = show::sheet(answer, &rows, 0);
    for environment in ["test", "prod"] {
        let Some(values) = answer.get(environment).filter(|values| !values.is_null()) else {
            continue;
        };
        text.push_str(&format!("\nIn {environment}:\n"));
        let rows = [
            ("user name", "/username"),
            ("header", "/headerName"),
            ("URL parameter", "/urlParamName"),
            ("secret", "/secret"),
            ("private key", "/privateKey"),
            ("public key", "/publicKey"),
        ];
        text.push_str(&show::sheet(values, &rows, 2));
        text.push_str(&certificate::all_in_words(
            show::items(values, "/certificates"),
            "Certificate",
            2,
        ));
        text.push_str(&certificate::all_in_words(
            show::items(values, "/helpers"),
            "Helper",
            2,
        ));
    }
    text
}
