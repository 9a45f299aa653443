//! Possession: a certificate is public, only its key makes a client.

use crate::domain::environment::Gateway;
use crate::pki::key::{KeyChoice, PrivateKey};
use crate::prove::board::Rows;
use crate::prove::run::ProveError;
use crate::prove::stage::{CLOSED, Stage};
use crate::prove::tls::{Proving, Shows, Version};

/// Tries the class.
///
/// # Errors
/// [`ProveError`].
pub async fn attack(stage: &Stage, rows: &mut Rows) -> Result<(), ProveError> {
    let Some(at) = stage.door(Gateway::Mtls, rows) else {
        return Ok(());
    };
    let another = PrivateKey::generate(KeyChoice::EcP256)
        .map_err(crate::pki::authority::AuthorityError::from)?;
    let tries = [
        (
            "signed with another key",
            Shows {
                key: another,
                ..stage.good().clone()
            },
        ),
        (
            "with one bit of the signature changed",
            Shows {
                proving: Proving::Altered,
                ..stage.good().clone()
            },
        ),
    ];
    for host in [stage.host(), stage.shared_host(Gateway::Mtls)] {
        for version in Version::ALL {
            for (what, shows) in &tries {
                let came = stage
                    .get(at, &host, Some(shows), version, &stage.path(CLOSED))
                    .await?;
                let tried = format!(
                    "{host}: a trusted certificate, its CertificateVerify {what} ({})",
                    version.as_str()
                );
                rows.refused(tried, "alert decrypt_error", &came);
            }
        }
    }
    Ok(())
}
