//! The customer's PKI, made up: for each realm a root, an intermediate and clients, and a stranger's CA.
//!
//! A directory that has one already keeps it: certificates that were copied elsewhere go on working.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::app::files::{self, PRIVATE, PUBLIC};
use crate::clock::Moment;
use crate::demo::error::DemoError;
use crate::pki::authority::{Authority, AuthorityRequest, ClientRequest, Leaf};
use crate::pki::certificate::Certificate;
use crate::pki::key::KeyChoice;
use crate::pki::p12;

/// The demo's realms.
pub const REALMS: [&str; 2] = ["acme", "globex"];
/// The password of every PKCS#12 file of the demo.
pub const P12_PASSWORD: &str = "demo";

/// What becomes of a client's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// They are answered.
    Accepted,
    /// Its handshakes fail: its certificate has ended.
    Expired,
    /// Its handshakes fail: nobody knows its CA.
    UnknownIssuer,
}

impl Expect {
    /// The word in the ready file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Expired => "expired",
            Self::UnknownIssuer => "unknown-issuer",
        }
    }
}

/// Every client of a realm, and what becomes of its calls.
pub const CLIENTS: [(&str, Expect); 4] = [
    ("client-1", Expect::Accepted),
    ("client-2", Expect::Accepted),
    ("expired", Expect::Expired),
    ("stranger", Expect::UnknownIssuer),
];

/// The files of a realm's PKI.
#[derive(Clone, Debug)]
pub struct RealmPki {
    /// The root's certificate (PEM).
    pub ca_cert: PathBuf,
    /// The root's key.
    pub ca_key: PathBuf,
    /// The intermediate's certificate, issued by the root.
    pub intermediate_cert: PathBuf,
    /// The intermediate's key.
    pub intermediate_key: PathBuf,
    /// The clients.
    pub clients: Vec<ClientFiles>,
}

/// The files of a client.
#[derive(Clone, Debug)]
pub struct ClientFiles {
    /// Its name.
    pub name: &'static str,
    /// What becomes of its calls.
    pub expect: Expect,
    /// Its certificate alone (PEM).
    pub cert: PathBuf,
    /// Its key (PKCS#8, PEM).
    pub key: PathBuf,
    /// Its certificate and the intermediates (PEM).
    pub chain: PathBuf,
    /// All of it as PKCS#12, under [`P12_PASSWORD`].
    pub p12: PathBuf,
}

/// Where the files of a realm's PKI are, in the demo's directory.
pub fn of_realm(directory: &Path, realm: &str) -> RealmPki {
    let folder = directory.join("pki").join(realm);
    let clients = CLIENTS.map(|(name, expect)| ClientFiles {
        name,
        expect,
        cert: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
        chain: folder.join(format!("{name}-chain.pem")),
        p12: folder.join(format!("{name}.p12")),
    });
    RealmPki {
        ca_cert: folder.join("ca.pem"),
        ca_key: folder.join("ca.key"),
        intermediate_cert: folder.join("intermediate.pem"),
        intermediate_key: folder.join("intermediate.key"),
        clients: clients.into(),
    }
}

/// Makes the PKI, unless the directory has one already.
///
/// # Errors
/// [`DemoError`].
pub fn prepare(directory: &Path, now: Moment) -> Result<(), DemoError> {
    // Written last: where it is, all of it is.
    let note = directory.join("pki").join("README.txt");
    if note.exists() {
        return Ok(());
    }
    let stranger = authority("Stranger's CA", "Stranger", now)?;
    for realm in REALMS {
        make(&of_realm(directory, realm), realm, &stranger, now)?;
    }
    let text = "Made up by 'realmgate demo', to be thrown away: these certificates and keys stand for those that a realm's\n\
                own people issue. Use them for nothing else. The password of the .p12 files is 'demo'.\n";
    write(&note, text.as_bytes(), PUBLIC)
}

fn make(pki: &RealmPki, realm: &str, stranger: &Authority, now: Moment) -> Result<(), DemoError> {
    let organization = organization(realm);
    let root = authority(&format!("{organization} Root CA"), organization, now)?;
    let intermediate = root.subordinate(&AuthorityRequest {
        path_length: Some(0),
        ..authority_request(&format!("{organization} Issuing CA"), organization, now)
    })?;
    write_authority(&root, &pki.ca_cert, &pki.ca_key)?;
    write_authority(&intermediate, &pki.intermediate_cert, &pki.intermediate_key)?;
    for client in &pki.clients {
        let request = ClientRequest {
            common_name: client.name.to_owned(),
            organization: Some(organization.to_owned()),
            sans: vec![format!("DNS:{}.{realm}.example", client.name)],
            not_before: days_before(now, 30),
            not_after: years_after(now, 9),
            key: KeyChoice::EcP256,
        };
        let (leaf, issuers) = match (client.name, client.expect) {
            ("client-2", _) => (
                intermediate.issue_client(&request)?,
                vec![intermediate.certificate.clone()],
            ),
            (_, Expect::Accepted) => (root.issue_client(&request)?, Vec::new()),
            (_, Expect::Expired) => {
                let request = ClientRequest {
                    not_after: days_before(now, 1),
                    ..request
                };
                (root.issue_client(&request)?, Vec::new())
            }
            (_, Expect::UnknownIssuer) => (stranger.issue_client(&request)?, Vec::new()),
        };
        write_client(client, &leaf, &issuers)?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), DemoError> {
    let folder = path.parent().unwrap_or(path);
    let written = files::make_directory(folder).and_then(|()| files::write(path, bytes, mode));
    written.map_err(|source| DemoError::Write {
        path: path.to_owned(),
        source,
    })
}

fn write_authority(authority: &Authority, cert: &Path, key: &Path) -> Result<(), DemoError> {
    write(cert, authority.certificate.to_pem().as_bytes(), PUBLIC)?;
    write(key, authority.key.to_pkcs8_pem().expose(), PRIVATE)
}

fn write_client(
    client: &ClientFiles,
    leaf: &Leaf,
    issuers: &[Certificate],
) -> Result<(), DemoError> {
    let chain = std::iter::once(&leaf.certificate)
        .chain(issuers)
        .map(Certificate::to_pem);
    let p12 = p12::write(
        &leaf.certificate,
        issuers,
        &leaf.key,
        P12_PASSWORD,
        client.name,
    )?;
    write(&client.cert, leaf.certificate.to_pem().as_bytes(), PUBLIC)?;
    write(&client.key, leaf.key.to_pkcs8_pem().expose(), PRIVATE)?;
    write(&client.chain, chain.collect::<String>().as_bytes(), PUBLIC)?;
    write(&client.p12, &p12, PRIVATE)
}

fn authority(common_name: &str, organization: &str, now: Moment) -> Result<Authority, DemoError> {
    Ok(Authority::self_signed(&authority_request(
        common_name,
        organization,
        now,
    ))?)
}

fn authority_request(common_name: &str, organization: &str, now: Moment) -> AuthorityRequest {
    AuthorityRequest {
        common_name: common_name.to_owned(),
        organization: Some(organization.to_owned()),
        not_before: days_before(now, 60),
        not_after: years_after(now, 10),
        path_length: None,
        key: KeyChoice::EcP256,
    }
}

fn organization(realm: &str) -> &'static str {
    if realm == "acme" { "Acme" } else { "Globex" }
}

fn days_before(now: Moment, days: u64) -> Moment {
    now.minus(Duration::from_secs(days.saturating_mul(86_400)))
}

fn years_after(now: Moment, years: u64) -> Moment {
    now.plus(Duration::from_secs(years.saturating_mul(365 * 86_400)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::certificate::signed_by;
    use crate::pki::secret::Secret;
    use crate::pki::upload;

    fn read(path: &Path) -> Vec<Certificate> {
        upload::read(&std::fs::read(path).unwrap(), None)
            .unwrap()
            .certificates
    }

    #[test]
    fn every_client_is_what_the_ready_file_says_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let now = Moment::parse("2027-01-31T12:00:00Z").unwrap();
        prepare(folder.path(), now).unwrap();
        for realm in REALMS {
            let pki = of_realm(folder.path(), realm);
            let root = read(&pki.ca_cert).remove(0);
            let intermediate = read(&pki.intermediate_cert).remove(0);
            assert!(
                root.is_self_signed() && signed_by(&intermediate, &root),
                "{realm}"
            );
            for client in &pki.clients {
                let chain = read(&client.chain);
                let leaf = &chain[0];
                assert_eq!(read(&client.cert), chain[..1], "{realm} {}", client.name);
                let issuer = chain.get(1).unwrap_or(&root);
                assert_eq!(
                    signed_by(leaf, issuer),
                    client.expect != Expect::UnknownIssuer,
                    "{realm} {}",
                    client.name
                );
                assert_eq!(
                    leaf.facts().is_valid_at(now),
                    client.expect != Expect::Expired,
                    "{realm} {}",
                    client.name
                );
                let password = Secret::new(P12_PASSWORD.to_owned());
                let opened =
                    upload::read(&std::fs::read(&client.p12).unwrap(), Some(&password)).unwrap();
                assert_eq!(opened.certificates, chain, "{realm} {}", client.name);
                assert!(
                    opened.key.unwrap().belongs_to(leaf),
                    "{realm} {}",
                    client.name
                );
            }
            assert_eq!(
                read(&pki.clients[1].chain).len(),
                2,
                "one client comes with an intermediate"
            );
        }
    }

    #[test]
    fn a_second_run_keeps_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let now = Moment::parse("2027-01-31").unwrap();
        prepare(folder.path(), now).unwrap();
        let before = std::fs::read(of_realm(folder.path(), "acme").ca_cert).unwrap();
        prepare(folder.path(), years_after(now, 1)).unwrap();
        assert_eq!(
            std::fs::read(of_realm(folder.path(), "acme").ca_cert).unwrap(),
            before
        );
    }
}
