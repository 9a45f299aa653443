//! Where the server is, who asks, and whom to trust: what was told, else what lies in the server's data directory.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;

use crate::client::error::ClientError;
use crate::pki::secret::Secret;
use crate::pki::upload;
use crate::settings::settled::{ADMIN_CA_FILE, ADMIN_URL_FILE, OPERATOR_TOKEN_FILE};

/// Where the admin API listens unless told otherwise.
const URL_DEFAULT: &str = "https://127.0.0.1:7443";
/// The server's data directory unless told otherwise.
const DATA_DIR_DEFAULT: &str = "/var/lib/realmgate";

/// What somebody said of all this; what is left out is looked for.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The admin API's address.
    pub admin_url: Option<String>,
    /// The file of the access token.
    pub token_file: Option<PathBuf>,
    /// The file of the CA that vouches for the admin listener.
    pub admin_ca: Option<PathBuf>,
    /// The server's data directory.
    pub data_dir: Option<PathBuf>,
}

/// Everything that is needed to speak to a server.
#[derive(Debug)]
pub struct Reached {
    /// The admin API's address.
    pub url: String,
    /// The access token.
    pub token: Secret,
    /// The file it came from.
    pub token_file: PathBuf,
    /// Whom to trust.
    pub trust: AdminTrust,
}

/// Who may vouch for the admin listener.
#[derive(Clone, Debug)]
pub enum AdminTrust {
    /// These certificates, from that file, and no others.
    File {
        /// The file.
        path: PathBuf,
        /// Its certificates.
        roots: Vec<CertificateDer<'static>>,
    },
    /// The CAs that the operating system trusts.
    System,
}

impl Told {
    /// Finds what is needed.
    ///
    /// # Errors
    /// [`ClientError`], which names the variable or file to set.
    pub fn find(&self) -> Result<Reached, ClientError> {
        let data_dir = match self.data_dir.as_deref() {
            Some(told) => told,
            None => Path::new(DATA_DIR_DEFAULT),
        };
        let token_file = match &self.token_file {
            Some(path) => path.clone(),
            None => self.token_beside(data_dir)?,
        };
        let trust = match self
            .admin_ca
            .clone()
            .or_else(|| beside(data_dir, ADMIN_CA_FILE))
        {
            Some(path) => AdminTrust::File {
                roots: read_roots(&path)?,
                path,
            },
            None => AdminTrust::System,
        };
        let token = read_token(&token_file)?;
        let url = match &self.admin_url {
            Some(told) => told.clone(),
            None => self.url_beside(data_dir)?,
        };
        Ok(Reached {
            url,
            token,
            token_file,
            trust,
        })
    }

    fn token_beside(&self, data_dir: &Path) -> Result<PathBuf, ClientError> {
        let path = data_dir.join(OPERATOR_TOKEN_FILE);
        match std::fs::metadata(&path) {
            Ok(_) => Ok(path),
            Err(source) if self.data_dir.is_none() && source.kind() == ErrorKind::NotFound => {
                Err(ClientError::NoToken)
            }
            Err(source) => Err(ClientError::TokenFile { path, source }),
        }
    }

    fn url_beside(&self, data_dir: &Path) -> Result<String, ClientError> {
        let path = data_dir.join(ADMIN_URL_FILE);
        match std::fs::read_to_string(&path) {
            Ok(url) => Ok(url.trim().to_owned()),
            Err(_) if self.data_dir.is_none() => Ok(URL_DEFAULT.to_owned()),
            Err(source) => Err(ClientError::UrlFile { path, source }),
        }
    }
}

fn beside(data_dir: &Path, name: &str) -> Option<PathBuf> {
    let path = data_dir.join(name);
    path.exists().then_some(path)
}

fn read_token(path: &Path) -> Result<Secret, ClientError> {
    let bytes = std::fs::read(path).map_err(|source| ClientError::TokenFile {
        path: path.to_owned(),
        source,
    })?;
    let token = std::str::from_utf8(&bytes).unwrap_or_default().trim();
    let spelled_well = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if token.starts_with("rgt_") && token.len() <= 256 && token.bytes().all(spelled_well) {
        Ok(Secret::new(token.to_owned()))
    } else {
        Err(ClientError::NotAToken {
            path: path.to_owned(),
        })
    }
}

fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let bytes = std::fs::read(path).map_err(|source| ClientError::CaFile {
        path: path.to_owned(),
        source,
    })?;
    let upload = upload::read(&bytes, None).map_err(|_| ClientError::NotACa {
        path: path.to_owned(),
    })?;
    if upload.certificates.is_empty() {
        return Err(ClientError::NotACa {
            path: path.to_owned(),
        });
    }
    Ok(upload
        .certificates
        .iter()
        .map(|root| CertificateDer::from(root.der().to_vec()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::pki::authority::{Authority, AuthorityRequest};
    use crate::pki::key::KeyChoice;

    fn ca_pem() -> String {
        let request = AuthorityRequest {
            common_name: "admin".into(),
            organization: None,
            not_before: Moment::from_unix_seconds(0),
            not_after: Moment::from_unix_seconds(4_000_000_000),
            path_length: None,
            key: KeyChoice::EcP256,
        };
        Authority::self_signed(&request)
            .unwrap()
            .certificate
            .to_pem()
    }

    #[test]
    fn the_data_directory_has_all_that_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let told = Told {
            data_dir: Some(folder.path().to_owned()),
            ..Told::default()
        };
        assert!(matches!(told.find(), Err(ClientError::TokenFile { .. })));
        write(OPERATOR_TOKEN_FILE, "not a token\n");
        assert!(matches!(told.find(), Err(ClientError::NotAToken { .. })));
        write(OPERATOR_TOKEN_FILE, "rgt_abc-_1\n");
        assert!(matches!(told.find(), Err(ClientError::UrlFile { .. })));
        write(ADMIN_URL_FILE, "https://127.0.0.1:8\n");
        let found = told.find().unwrap();
        assert_eq!(
            (found.url.as_str(), found.token.expose_str()),
            ("https://127.0.0.1:8", Some("rgt_abc-_1"))
        );
        assert!(matches!(found.trust, AdminTrust::System));
        write(ADMIN_CA_FILE, "nothing");
        assert!(matches!(told.find(), Err(ClientError::NotACa { .. })));
        write(ADMIN_CA_FILE, &ca_pem());
        write(ADMIN_URL_FILE, "https://127.0.0.1:9\n");
        let found = told.find().unwrap();
        assert_eq!(found.url, "https://127.0.0.1:9");
        assert!(matches!(found.trust, AdminTrust::File { roots, .. } if roots.len() == 1));
    }

    #[test]
    fn what_is_told_wins_over_the_data_directory() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join(OPERATOR_TOKEN_FILE),
            "rgt_of-the-directory",
        )
        .unwrap();
        let other = folder.path().join("mine");
        std::fs::write(&other, "rgt_mine").unwrap();
        let told = Told {
            admin_url: Some("https://gate.example:1".into()),
            token_file: Some(other.clone()),
            admin_ca: Some(folder.path().join("missing.pem")),
            data_dir: Some(folder.path().to_owned()),
        };
        assert!(matches!(told.find(), Err(ClientError::CaFile { .. })));
        let found = Told {
            admin_ca: None,
            ..told
        }
        .find()
        .unwrap();
        assert_eq!(
            (found.url.as_str(), found.token_file),
            ("https://gate.example:1", other)
        );
    }
}
