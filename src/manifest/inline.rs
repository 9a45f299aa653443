//! Putting the content of the files that a manifest names into the manifest itself, before it is sent.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::environment::Environment;
use crate::domain::name::{AccountName, RealmName};
use crate::domain::revocation::LISTS_MAX;
use crate::manifest::document::{CrlsBody, Document, ValuesDocument};
use crate::manifest::given::GivenSecret;
use crate::pki::crl::{self, InvalidCrl};

/// Why the files of a manifest cannot be put into it.
#[derive(Debug, thiserror::Error)]
pub enum NotInlined<E> {
    /// Those of an account.
    #[error("realm {realm}, account {account}, {environment}, {problem}")]
    Account {
        /// Whose.
        realm: RealmName,
        /// Of which account.
        account: AccountName,
        /// Where.
        environment: Environment,
        /// What is wrong.
        problem: Problem<E>,
    },
    /// A file of revocation lists.
    #[error("realm {realm}, trust in {environment}, 'crl-files': {problem}")]
    Crls {
        /// Whose.
        realm: RealmName,
        /// Where.
        environment: Environment,
        /// What is wrong.
        problem: CrlProblem<E>,
    },
}

/// Why a file of revocation lists cannot be put into a manifest.
#[derive(Debug, thiserror::Error)]
pub enum CrlProblem<E> {
    /// It cannot be read.
    #[error("{0}")]
    File(E),
    /// It holds none, or a damaged one.
    #[error("{file}: {source}")]
    Crl {
        /// The file, as the manifest names it.
        file: String,
        /// Why.
        source: InvalidCrl,
    },
}

/// Replaces every field `x-file` by the content of its file, which `fetch` reads. Certificates in DER or PKCS#12 become
/// base64; of other texts of one line, the line's end is dropped, as editors put it there.
///
/// # Errors
/// [`NotInlined`].
pub fn files<E>(
    document: &mut Document,
    mut fetch: impl FnMut(&str) -> Result<Vec<u8>, E>,
) -> Result<(), NotInlined<E>> {
    for realm in &mut document.realm {
        for account in &mut realm.account {
            let of_environments = [
                (Environment::Test, &mut account.test),
                (Environment::Prod, &mut account.prod),
            ];
            for (environment, values) in of_environments {
                let Some(values) = values else { continue };
                self::values(values, &mut fetch).map_err(|problem| NotInlined::Account {
                    realm: realm.name.0.clone(),
                    account: account.name.0.clone(),
                    environment,
                    problem,
                })?;
            }
        }
        for trust in &mut realm.trust {
            let files = std::mem::take(&mut trust.crl_files);
            let lists = crls(&files, &mut fetch).map_err(|problem| NotInlined::Crls {
                realm: realm.name.0.clone(),
                environment: trust.environment.0,
                problem,
            })?;
            trust.crls.extend(lists.crls);
            trust.crls_base64.extend(lists.crls_base64);
        }
    }
    Ok(())
}

/// Reads files of revocation lists. They are decoded already here, where their names are known.
///
/// # Errors
/// [`CrlProblem`].
pub fn crls<E>(
    files: &[String],
    mut fetch: impl FnMut(&str) -> Result<Vec<u8>, E>,
) -> Result<CrlsBody, CrlProblem<E>> {
    let mut lists = CrlsBody::default();
    for file in files {
        let content = fetch(file).map_err(CrlProblem::File)?;
        crl::read_crls(&content, LISTS_MAX).map_err(|source| CrlProblem::Crl {
            file: file.clone(),
            source,
        })?;
        match as_pem(content) {
            Ok(text) => lists.crls.push(text),
            Err(base64) => lists.crls_base64.push(base64),
        }
    }
    Ok(lists)
}

/// Does the same for the values of one account in one environment, where there is no place to tell.
///
/// # Errors
/// [`Problem`].
pub fn values<E>(
    values: &mut ValuesDocument,
    mut fetch: impl FnMut(&str) -> Result<Vec<u8>, E>,
) -> Result<(), Problem<E>> {
    let chain_given = values.chain.is_some() || values.chain_base64.is_some();
    if let Some(content) = fetched("chain", values.chain_file.take(), chain_given, &mut fetch)? {
        match as_pem(content) {
            Ok(text) => values.chain = Some(GivenSecret::from_text(text)),
            Err(base64) => values.chain_base64 = Some(GivenSecret::from_text(base64)),
        }
    }
    let helpers_given = values.helpers.is_some() || values.helpers_base64.is_some();
    if let Some(content) = fetched(
        "helpers",
        values.helpers_file.take(),
        helpers_given,
        &mut fetch,
    )? {
        match as_pem(content) {
            Ok(text) => values.helpers = Some(text),
            Err(base64) => values.helpers_base64 = Some(base64),
        }
    }
    let texts = [
        ("key", &mut values.key_file, &mut values.key),
        ("password", &mut values.password_file, &mut values.password),
        (
            "header-value",
            &mut values.header_value_file,
            &mut values.header_value,
        ),
        ("token", &mut values.token_file, &mut values.token),
        ("api-key", &mut values.api_key_file, &mut values.api_key),
        (
            "passphrase",
            &mut values.passphrase_file,
            &mut values.passphrase,
        ),
    ];
    for (key, file, value) in texts {
        if let Some(content) = fetched(key, file.take(), value.is_some(), &mut fetch)? {
            let mut text = String::from_utf8(content).map_err(|_| Problem::NotText { key })?;
            let end = text.trim_end_matches('\n').trim_end_matches('\r').len();
            if text.ends_with('\n') && text.matches('\n').count() == 1 {
                text.truncate(end);
            }
            *value = Some(GivenSecret::from_text(text));
        }
    }
    Ok(())
}

/// Why a file of one account's values cannot be put into them.
#[derive(Debug, thiserror::Error)]
pub enum Problem<E> {
    /// A file cannot be read.
    #[error("'{key}-file': {source}")]
    File {
        /// The field.
        key: &'static str,
        /// Why.
        source: E,
    },
    /// A value given both inline and by file.
    #[error("both '{key}' and '{key}-file' are given: give one of them")]
    Twice {
        /// The field.
        key: &'static str,
    },
    /// A file of a text value that is no text.
    #[error("'{key}-file': the file holds no UTF-8 text: give a text file")]
    NotText {
        /// The field.
        key: &'static str,
    },
}

fn fetched<E>(
    key: &'static str,
    file: Option<String>,
    given: bool,
    fetch: &mut impl FnMut(&str) -> Result<Vec<u8>, E>,
) -> Result<Option<Vec<u8>>, Problem<E>> {
    let Some(file) = file else { return Ok(None) };
    if given {
        return Err(Problem::Twice { key });
    }
    fetch(&file)
        .map(Some)
        .map_err(|source| Problem::File { key, source })
}

/// The content as text where it is PEM, else as base64. Binary formats are not always invalid UTF-8, so that the
/// dashes decide.
fn as_pem(content: Vec<u8>) -> Result<String, String> {
    if content.windows(11).any(|window| window == b"-----BEGIN ") {
        String::from_utf8(content).map_err(|error| STANDARD.encode(error.into_bytes()))
    } else {
        Err(STANDARD.encode(content))
    }
}

#[cfg(test)]
mod tests;
