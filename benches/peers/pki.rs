//! A throw-away CA with a certificate for the servers and one for the clients, all of them P-256.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use realmgate::clock::Clock;
use realmgate::pki::authority::{Authority, AuthorityRequest, ClientRequest, Leaf};
use realmgate::pki::key::KeyChoice;

/// The domain of the servers' names.
pub const DOMAIN: &str = "test";
/// The host that all targets are called by.
pub const HOST: &str = "bench.gw.test";
/// The client's common name, which the upstream has to be told.
pub const CLIENT: &str = "client-0001";

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Files of a directory; those of the servers are PEM.
#[derive(Debug)]
pub struct Pki {
    /// Where all of it is.
    pub directory: PathBuf,
    /// The CA's certificate.
    pub ca: PathBuf,
    /// The servers' certificate.
    pub server: PathBuf,
    /// Its key.
    pub server_key: PathBuf,
    /// Both in one file.
    pub server_both: PathBuf,
}

/// The client's certificate in such a directory, DER.
pub const CLIENT_FILE: &str = "client.der";
/// Its key, PKCS#8 as DER.
pub const CLIENT_KEY_FILE: &str = "client-key.der";
/// The CA's certificate, DER.
pub const CA_FILE: &str = "ca.der";

impl Pki {
    /// Makes all of it in a directory.
    pub fn make(directory: &Path) -> Self {
        let now = Clock::system().now();
        let (not_before, not_after) = (now.minus(DAY), now.plus(DAY * 7));
        let ca = Authority::self_signed(&AuthorityRequest {
            common_name: "Bench root".to_owned(),
            organization: Some("Bench".to_owned()),
            not_before,
            not_after,
            path_length: None,
            key: KeyChoice::EcP256,
        })
        .unwrap();
        let names = ["gw.test", "*.gw.test"].map(str::to_owned);
        let server = ca.issue_server(&names, not_before, not_after).unwrap();
        let client = ca
            .issue_client(&ClientRequest {
                common_name: CLIENT.to_owned(),
                organization: Some("Bench partner".to_owned()),
                sans: Vec::new(),
                not_before,
                not_after,
                key: KeyChoice::EcP256,
            })
            .unwrap();
        write(directory, CLIENT_FILE, client.certificate.der());
        write(directory, CLIENT_KEY_FILE, client.key.der().secret_der());
        write(directory, CA_FILE, ca.certificate.der());
        let (certificate, key) = (server.certificate.to_pem(), pem(&server));
        let both = format!("{certificate}{key}");
        Self {
            directory: directory.to_owned(),
            ca: write(directory, "ca.pem", ca.certificate.to_pem().as_bytes()),
            server: write(directory, "server.pem", certificate.as_bytes()),
            server_key: write(directory, "server.key", key.as_bytes()),
            server_both: write(directory, "server-both.pem", both.as_bytes()),
        }
    }
}

fn pem(leaf: &Leaf) -> String {
    String::from_utf8(leaf.key.to_pkcs8_pem().expose().to_vec()).unwrap()
}

fn write(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap();
    path
}
