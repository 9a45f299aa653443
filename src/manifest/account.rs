//! Accounts of a manifest: from the fields of a document to typed values.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::account::{Account, AccountType, AccountValues};
use crate::domain::command::{Command, ValueChange};
use crate::domain::environment::{Environment, PerEnvironment};
use crate::domain::name::{AccountName, RealmName};
use crate::manifest::document::{AccountBody, ValuesDocument};
use crate::manifest::given::GivenSecret;
use crate::pki::certificate::Certificate;
use crate::pki::key::PrivateKey;
use crate::pki::secret::Secret;
use crate::pki::upload::{self, InvalidUpload, Upload};

/// The longest plain value of an account, in bytes.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// Why the values of an account cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValues {
    /// A field that values of this type need.
    #[error("an account of type {account_type} needs '{key}'")]
    Lacks {
        /// The account's type.
        account_type: AccountType,
        /// The missing field.
        key: &'static str,
    },
    /// A field that is not one of this type.
    #[error("'{key}' is no field of an account of type {account_type}: leave it out")]
    Foreign {
        /// The account's type.
        account_type: AccountType,
        /// The field.
        key: &'static str,
    },
    /// A field that a file is named for, where there are no files.
    #[error(
        "'{key}' names a file, which the server does not read: send its content, as 'realmgate apply' does"
    )]
    File {
        /// The field.
        key: &'static str,
    },
    /// Two fields for one value.
    #[error("both '{first}' and '{second}' are given: give one of them")]
    Twice {
        /// One of them.
        first: &'static str,
        /// The other one.
        second: &'static str,
    },
    /// `clear` beside something else.
    #[error("'clear' removes the values, so that nothing else may stand beside it")]
    ClearAndMore,
    /// `keep` where nothing is stored.
    #[error("'{key}' is \"keep\", but nothing is stored that could be kept: give its value")]
    NothingToKeep {
        /// The field.
        key: &'static str,
    },
    /// Not base64.
    #[error("'{key}' is no base64")]
    Base64 {
        /// The field.
        key: &'static str,
    },
    /// An upload that cannot be read.
    #[error("'{key}': {source}")]
    Upload {
        /// The field.
        key: &'static str,
        /// Why.
        source: InvalidUpload,
    },
    /// Nothing where certificates belong.
    #[error("'{key}' is empty: give certificates, as PEM, DER or PKCS#12")]
    Empty {
        /// The field.
        key: &'static str,
    },
    /// A key where certificates belong.
    #[error(
        "'{key}' holds a private key, which was not kept, and no certificate: give at least one certificate, as PEM, DER or PKCS#12"
    )]
    NoCertificate {
        /// The field.
        key: &'static str,
    },
    /// A private key among the helpers.
    #[error("'helpers' holds a private key, which was not kept: give certificates alone")]
    KeyInHelpers,
    /// Certificates or revocation lists where they are of no use.
    #[error("'{key}' holds {what}: leave them out")]
    Surplus {
        /// The field.
        key: &'static str,
        /// What there is too much of.
        what: &'static str,
    },
    /// A private key both in `chain` and in `key`.
    #[error("there is a private key in 'chain' and another in 'key': give one of them")]
    TwoKeys,
    /// The key of another certificate.
    #[error(
        "the private key does not belong to the first certificate, {subject}: put the certificate that it was made for first"
    )]
    KeyMismatch {
        /// The certificate's subject.
        subject: String,
    },
    /// A header name that cannot be sent.
    #[error("'header-name' is no header name: write one like X-Api-Token")]
    HeaderName,
    /// A header value that cannot be sent.
    #[error(
        "'header-value' has characters that no header may have: write visible ASCII characters and spaces"
    )]
    HeaderValue,
    /// A value that is too long.
    #[error("'{key}' is longer than {most} bytes: check that it is what was meant")]
    TooLong {
        /// The field.
        key: &'static str,
        /// How long it may be.
        most: usize,
    },
}

/// The values of an account in one environment that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{environment}: {source}")]
pub struct InvalidAccount {
    /// Where.
    pub environment: Environment,
    /// Why.
    pub source: InvalidValues,
}

/// The command that brings an account to what its document says. `present` is the account as it is stored, for what
/// is to be kept; `trust_prefix` begins the names of trust sources, whose rules are the domain's.
///
/// # Errors
/// [`InvalidAccount`].
pub fn command(
    realm: &RealmName,
    name: &AccountName,
    body: &AccountBody,
    present: Option<&Account>,
    trust_prefix: &str,
) -> Result<Command, InvalidAccount> {
    let account_type = body.account_type.0;
    let change = |environment, document: Option<&ValuesDocument>| {
        let Some(document) = document else {
            return Ok(ValueChange::Keep);
        };
        let stored = present.and_then(|account| account.values.get(environment).as_ref());
        let changed = value_change(account_type, document, stored);
        let changed = changed.and_then(|change| {
            let trusted = !trust_prefix.is_empty() && name.as_str().starts_with(trust_prefix);
            if !trusted {
                check_key(&change)?;
            }
            Ok(change)
        });
        changed.map_err(|source| InvalidAccount {
            environment,
            source,
        })
    };
    let values = PerEnvironment {
        test: change(Environment::Test, body.test.as_ref())?,
        prod: change(Environment::Prod, body.prod.as_ref())?,
    };
    Ok(Command::SaveAccount {
        realm: realm.clone(),
        name: name.clone(),
        account_type,
        values,
    })
}

/// A key must be that of the first certificate; of a trust source the domain says that there must be none at all.
fn check_key(change: &ValueChange) -> Result<(), InvalidValues> {
    match change {
        ValueChange::Set(AccountValues::CertificateChain {
            certificates,
            key: Some(key),
            ..
        }) => match certificates.first() {
            Some(leaf) if key.belongs_to(leaf) => Ok(()),
            Some(leaf) => Err(InvalidValues::KeyMismatch {
                subject: leaf.facts().subject.clone(),
            }),
            None => Err(InvalidValues::NoCertificate { key: "chain" }),
        },
        ValueChange::Set(_) | ValueChange::Keep | ValueChange::Clear => Ok(()),
    }
}

fn value_change(
    account_type: AccountType,
    document: &ValuesDocument,
    stored: Option<&AccountValues>,
) -> Result<ValueChange, InvalidValues> {
    let given = fields(document);
    if let Some((key, _)) = given
        .iter()
        .find(|(key, given)| *given && key.ends_with("-file"))
    {
        return Err(InvalidValues::File { key });
    }
    if document.clear {
        let alone = given.iter().all(|(_, given)| !given);
        return if alone {
            Ok(ValueChange::Clear)
        } else {
            Err(InvalidValues::ClearAndMore)
        };
    }
    let own = own_fields(account_type);
    if let Some((key, _)) = given
        .iter()
        .find(|(key, given)| *given && !own.contains(key))
    {
        return Err(InvalidValues::Foreign { account_type, key });
    }
    let reader = Reader {
        account_type,
        document,
        stored,
    };
    let values = match account_type {
        AccountType::CertificateChain => return reader.certificate_chain(),
        AccountType::Basic => AccountValues::Basic {
            username: reader.text("username", document.username.as_ref())?,
            password: reader.secret("password", document.password.as_ref())?,
        },
        AccountType::CustomAuthHeader => reader.header()?,
        AccountType::OauthBearer => AccountValues::OauthBearer {
            token: reader.secret("token", document.token.as_ref())?,
        },
        AccountType::ApiKey => AccountValues::ApiKey {
            url_param_name: reader.text("url-param-name", document.url_param_name.as_ref())?,
            api_key: reader.secret("api-key", document.api_key.as_ref())?,
        },
        AccountType::PrivateKey => AccountValues::PrivateKey {
            key: reader.secret("key", document.key.as_ref())?,
            passphrase: match &document.passphrase {
                Some(_) => reader.secret("passphrase", document.passphrase.as_ref())?,
                None => Secret::new(String::new()),
            },
        },
        AccountType::PublicKey => {
            let key = reader.secret("key", document.key.as_ref())?;
            AccountValues::PublicKey {
                key: key.expose_str().unwrap_or_default().to_owned(),
            }
        }
        AccountType::SecretKey => AccountValues::SecretKey {
            key: reader.secret("key", document.key.as_ref())?,
        },
    };
    Ok(ValueChange::Set(values))
}

/// Every field and whether it is given.
fn fields(document: &ValuesDocument) -> [(&'static str, bool); 21] {
    [
        ("chain", document.chain.is_some()),
        ("chain-base64", document.chain_base64.is_some()),
        ("chain-file", document.chain_file.is_some()),
        ("helpers", document.helpers.is_some()),
        ("helpers-base64", document.helpers_base64.is_some()),
        ("helpers-file", document.helpers_file.is_some()),
        ("key", document.key.is_some()),
        ("key-file", document.key_file.is_some()),
        ("password", document.password.is_some()),
        ("password-file", document.password_file.is_some()),
        ("username", document.username.is_some()),
        ("header-name", document.header_name.is_some()),
        ("header-value", document.header_value.is_some()),
        ("header-value-file", document.header_value_file.is_some()),
        ("token", document.token.is_some()),
        ("token-file", document.token_file.is_some()),
        ("url-param-name", document.url_param_name.is_some()),
        ("api-key", document.api_key.is_some()),
        ("api-key-file", document.api_key_file.is_some()),
        ("passphrase", document.passphrase.is_some()),
        ("passphrase-file", document.passphrase_file.is_some()),
    ]
}

const fn own_fields(account_type: AccountType) -> &'static [&'static str] {
    match account_type {
        AccountType::CertificateChain => &[
            "chain",
            "chain-base64",
            "helpers",
            "helpers-base64",
            "key",
            "password",
        ],
        AccountType::Basic => &["username", "password"],
        AccountType::CustomAuthHeader => &["header-name", "header-value"],
        AccountType::OauthBearer => &["token"],
        AccountType::ApiKey => &["url-param-name", "api-key"],
        AccountType::PrivateKey => &["key", "passphrase"],
        AccountType::PublicKey | AccountType::SecretKey => &["key"],
    }
}

/// What the fields of one environment are read with.
#[derive(Clone, Copy)]
struct Reader<'a> {
    account_type: AccountType,
    document: &'a ValuesDocument,
    stored: Option<&'a AccountValues>,
}

impl Reader<'_> {
    fn lacks(self, key: &'static str) -> InvalidValues {
        InvalidValues::Lacks {
            account_type: self.account_type,
            key,
        }
    }

    fn text(self, key: &'static str, given: Option<&String>) -> Result<String, InvalidValues> {
        let text = given
            .filter(|text| !text.is_empty())
            .ok_or_else(|| self.lacks(key))?;
        if text.len() > VALUE_BYTES_MAX {
            return Err(InvalidValues::TooLong {
                key,
                most: VALUE_BYTES_MAX,
            });
        }
        Ok(text.clone())
    }

    fn secret(
        self,
        key: &'static str,
        given: Option<&GivenSecret>,
    ) -> Result<Secret, InvalidValues> {
        match given {
            None => Err(self.lacks(key)),
            Some(GivenSecret::New(secret)) if secret.expose().len() > VALUE_BYTES_MAX => {
                Err(InvalidValues::TooLong {
                    key,
                    most: VALUE_BYTES_MAX,
                })
            }
            Some(GivenSecret::New(secret)) => Ok(secret.clone()),
            Some(GivenSecret::Keep) => self
                .stored_secret(key)
                .ok_or(InvalidValues::NothingToKeep { key }),
        }
    }

    fn stored_secret(self, key: &str) -> Option<Secret> {
        match (self.stored?, key) {
            (AccountValues::Basic { password, .. }, "password") => Some(password.clone()),
            (AccountValues::CustomAuthHeader { header_value, .. }, "header-value") => {
                Some(header_value.clone())
            }
            (AccountValues::OauthBearer { token }, "token") => Some(token.clone()),
            (AccountValues::ApiKey { api_key, .. }, "api-key") => Some(api_key.clone()),
            (AccountValues::PrivateKey { passphrase, .. }, "passphrase") => {
                Some(passphrase.clone())
            }
            (AccountValues::PrivateKey { key, .. } | AccountValues::SecretKey { key }, "key") => {
                Some(key.clone())
            }
            (AccountValues::PublicKey { key }, "key") => Some(Secret::new(key.clone())),
            (
                AccountValues::CertificateChain { .. }
                | AccountValues::Basic { .. }
                | AccountValues::CustomAuthHeader { .. }
                | AccountValues::OauthBearer { .. }
                | AccountValues::ApiKey { .. }
                | AccountValues::PrivateKey { .. }
                | AccountValues::PublicKey { .. }
                | AccountValues::SecretKey { .. },
                _,
            ) => None,
        }
    }

    fn header(self) -> Result<AccountValues, InvalidValues> {
        let header_name = self.text("header-name", self.document.header_name.as_ref())?;
        http::HeaderName::from_bytes(header_name.as_bytes())
            .map_err(|_| InvalidValues::HeaderName)?;
        let header_value = self.secret("header-value", self.document.header_value.as_ref())?;
        http::HeaderValue::from_bytes(header_value.expose())
            .map_err(|_| InvalidValues::HeaderValue)?;
        Ok(AccountValues::CustomAuthHeader {
            header_name,
            header_value,
        })
    }

    fn certificate_chain(self) -> Result<ValueChange, InvalidValues> {
        let document = self.document;
        let (field, chain) = match (&document.chain, &document.chain_base64) {
            (Some(_), Some(_)) => {
                return Err(InvalidValues::Twice {
                    first: "chain",
                    second: "chain-base64",
                });
            }
            (Some(chain), None) => ("chain", chain),
            (None, Some(chain)) => ("chain-base64", chain),
            (None, None) => return Err(self.lacks("chain")),
        };
        // The password of an encrypted key is not stored, so that there is none to keep.
        let password = match &document.password {
            Some(GivenSecret::New(password)) => Some(password),
            Some(GivenSecret::Keep) | None => None,
        };
        let (certificates, in_chain) = match chain {
            GivenSecret::Keep => self
                .stored_chain()
                .ok_or(InvalidValues::NothingToKeep { key: field })?,
            GivenSecret::New(given) => {
                let upload = read_upload(field, given, password)?;
                if upload.certificates.is_empty() {
                    return Err(InvalidValues::NoCertificate { key: field });
                }
                (upload.certificates, upload.key)
            }
        };
        let key = match &document.key {
            None => in_chain,
            Some(GivenSecret::Keep) => {
                let stored = self.stored_chain().and_then(|(_, key)| key);
                Some(stored.ok_or(InvalidValues::NothingToKeep { key: "key" })?)
            }
            Some(GivenSecret::New(_)) if in_chain.is_some() && *chain != GivenSecret::Keep => {
                return Err(InvalidValues::TwoKeys);
            }
            Some(GivenSecret::New(given)) => {
                let upload = read_upload("key", given, password)?;
                if !upload.certificates.is_empty() {
                    return Err(InvalidValues::Surplus {
                        key: "key",
                        what: "certificates",
                    });
                }
                upload.key
            }
        };
        let helpers = self.helpers()?;
        Ok(ValueChange::Set(AccountValues::CertificateChain {
            certificates,
            helpers,
            key,
        }))
    }

    fn helpers(self) -> Result<Vec<Certificate>, InvalidValues> {
        let (field, given) = match (&self.document.helpers, &self.document.helpers_base64) {
            (Some(_), Some(_)) => {
                return Err(InvalidValues::Twice {
                    first: "helpers",
                    second: "helpers-base64",
                });
            }
            (Some(text), None) if text.trim().is_empty() => return Ok(Vec::new()),
            (Some(text), None) => ("helpers", text),
            (None, Some(text)) => ("helpers-base64", text),
            (None, None) => return Ok(Vec::new()),
        };
        let upload = read_upload(field, &Secret::new(given.clone()), None)?;
        if upload.key.is_some() {
            return Err(InvalidValues::KeyInHelpers);
        }
        Ok(upload.certificates)
    }

    fn stored_chain(self) -> Option<(Vec<Certificate>, Option<PrivateKey>)> {
        match self.stored? {
            AccountValues::CertificateChain {
                certificates, key, ..
            } => Some((certificates.clone(), key.clone())),
            AccountValues::Basic { .. }
            | AccountValues::CustomAuthHeader { .. }
            | AccountValues::OauthBearer { .. }
            | AccountValues::ApiKey { .. }
            | AccountValues::PrivateKey { .. }
            | AccountValues::PublicKey { .. }
            | AccountValues::SecretKey { .. } => None,
        }
    }
}

fn read_upload(
    key: &'static str,
    given: &Secret,
    password: Option<&Secret>,
) -> Result<Upload, InvalidValues> {
    let decoded = if key.ends_with("-base64") {
        let compact: Vec<u8> = given
            .expose()
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        Secret::from_bytes(
            STANDARD
                .decode(&compact)
                .map_err(|_| InvalidValues::Base64 { key })?,
        )
    } else {
        given.clone()
    };
    if decoded.expose().trim_ascii().is_empty() {
        return Err(InvalidValues::Empty { key });
    }
    let upload = upload::read(decoded.expose(), password)
        .map_err(|source| InvalidValues::Upload { key, source })?;
    if !upload.crls.is_empty() {
        return Err(InvalidValues::Surplus {
            key,
            what: "revocation lists, which are added with 'realmgate crl add'",
        });
    }
    Ok(upload)
}

#[cfg(test)]
mod tests;
