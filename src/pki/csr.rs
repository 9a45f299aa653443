//! Signing requests (PKCS#10, RFC 2986) for our own server identity.

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose};

use crate::pki::authority::{AuthorityError, server_names, server_subject};
use crate::pki::certificate::to_pem;
use crate::pki::key::{KeyChoice, KeyFailure, PrivateKey, Signer};

/// The key that a request is made for.
#[derive(Clone, Copy, Debug)]
pub enum RequestKey<'a> {
    /// One that is there already.
    Existing(&'a PrivateKey),
    /// A new one.
    New(KeyChoice),
}

/// A signing request, and the key that it was made with.
#[derive(Clone, Debug)]
pub struct Csr {
    /// The request, label `CERTIFICATE REQUEST`.
    pub pem: String,
    /// The key, which the certificate will belong to.
    pub key: PrivateKey,
}

/// A signing request that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsrError {
    /// A name that cannot be in a certificate, or none at all.
    #[error(transparent)]
    Names(AuthorityError),
    /// No key could be made or used.
    #[error(transparent)]
    Key(#[from] KeyFailure),
    /// The library could not write the request.
    #[error("the signing request could not be written: use another key or shorter names")]
    Library,
}

/// Makes a request for a server certificate for DNS names (also wildcards) and IP addresses. Without a common name the
/// first of the names stands for it.
///
/// # Errors
/// [`CsrError`].
pub fn create(key: RequestKey<'_>, names: &[String], common_name: &str) -> Result<Csr, CsrError> {
    let key = match key {
        RequestKey::Existing(key) => key.clone(),
        RequestKey::New(choice) => PrivateKey::generate(choice)?,
    };
    let mut params = CertificateParams::default();
    params.subject_alt_names = server_names(names).map_err(CsrError::Names)?;
    params.distinguished_name = server_subject(names, Some(common_name));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let request = params
        .serialize_request(&Signer::new(&key)?)
        .map_err(|_| CsrError::Library)?;
    let pem = to_pem("CERTIFICATE REQUEST", request.der());
    Ok(Csr { pem, key })
}

#[cfg(test)]
mod tests;
