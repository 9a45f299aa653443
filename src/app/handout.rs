//! What the server hands out in its data directory: how the admin API is reached, whom to trust, the first token.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::app::error::StartError;
use crate::app::files::{self, PRIVATE, PUBLIC};
use crate::control::engine::Control;
use crate::control::tokens;
use crate::domain::catalog::Catalog;
use crate::domain::identity::{IdentitySlot, Origin};
use crate::domain::name::TokenName;
use crate::pki::certificate::Certificate;
use crate::pki::secret::Secret;
use crate::settings::settled::{
    ADMIN_CA_FILE, ADMIN_URL_FILE, OPERATOR_TOKEN_FILE, SERVER_CA_FILE, Settings,
};

/// What the first operator's token is called.
const FIRST_TOKEN: &str = "first-operator";

/// Where it is.
#[derive(Clone, Debug)]
pub struct HandedOut {
    /// The admin API's address, for this machine.
    pub admin_url: String,
    /// The first operator's token; the file may be gone by now.
    pub operator_token: PathBuf,
    /// Who vouches for the admin listener.
    pub admin_ca: PathBuf,
    /// Who vouches for the gateways' generated identities.
    pub server_ca: PathBuf,
}

/// Writes the files that are missing or out of date; where nobody holds an operator's token, makes one.
///
/// # Errors
/// [`StartError`].
pub fn write(
    settings: &Settings,
    control: &Control,
    admin: SocketAddr,
) -> Result<HandedOut, StartError> {
    let handed_out = HandedOut {
        admin_url: format!("https://{}", reachable(admin)),
        operator_token: settings.data_file(OPERATOR_TOKEN_FILE),
        admin_ca: settings.data_file(ADMIN_CA_FILE),
        server_ca: settings.data_file(SERVER_CA_FILE),
    };
    let catalog = control.catalog();
    let server_ca: String = catalog
        .server_authority
        .iter()
        .map(|own| own.certificate.to_pem())
        .collect();
    hand_out(&handed_out.server_ca, &server_ca)?;
    hand_out(&handed_out.admin_ca, &admin_ca(&catalog, server_ca))?;
    hand_out(
        &settings.data_file(ADMIN_URL_FILE),
        &format!("{}\n", handed_out.admin_url),
    )?;
    if control.needs_operator() {
        let secret = tokens::generate()?;
        // Written first: a token that is stored but that nobody has could be used by nobody.
        write_token(&handed_out.operator_token, &secret)?;
        let name =
            TokenName::parse(FIRST_TOKEN).map_err(|source| StartError::TokenName { source })?;
        control.admit_operator(name, &secret)?;
    }
    Ok(handed_out)
}

/// Writes a token's secret to a file that its owner alone can read.
///
/// # Errors
/// [`StartError::Write`].
pub fn write_token(path: &Path, secret: &Secret) -> Result<(), StartError> {
    let written = files::write(path, &[secret.expose(), b"\n"].concat(), PRIVATE);
    written.map_err(|source| StartError::Write {
        path: path.to_owned(),
        source,
    })
}

fn hand_out(path: &Path, text: &str) -> Result<(), StartError> {
    let written = files::write_if_changed(path, text.as_bytes(), PUBLIC);
    written.map_err(|source| StartError::Write {
        path: path.to_owned(),
        source,
    })
}

/// An address to connect to from this machine.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(_) | IpAddr::V6(_) => address.ip(),
    };
    SocketAddr::new(ip, address.port())
}

/// Our own authority; where a real certificate was put in place, what came with it besides: its issuers, or itself where
/// it came alone.
fn admin_ca(catalog: &Catalog, server_ca: String) -> String {
    let provided = catalog
        .server_identities
        .get(&IdentitySlot::Admin)
        .filter(|own| own.origin == Origin::Provided);
    let mut pem = server_ca;
    for certificate in provided.iter().flat_map(|identity| &identity.certificates) {
        let issuers = certificate
            .chain
            .get(1..)
            .filter(|issuers| !issuers.is_empty());
        pem.extend(
            issuers
                .unwrap_or(&certificate.chain)
                .iter()
                .map(Certificate::to_pem),
        );
    }
    pem
}
