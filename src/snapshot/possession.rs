//! Whether a client holds the key of the certificate that it shows: the CertificateVerify of TLS 1.3 (RFC 8446 §4.4.3)
//! and of TLS 1.2 (RFC 5246 §7.4.8).
//!
//! rustls's own functions read the certificate once more, by rustls-webpki, which turns down certificates that `trust`
//! accepts (critical certificate policies, dates before 1970). What is verified here is the same signature with the same
//! algorithms, with the key that the certificate states.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use rustls::{CertificateError, DigitallySignedStruct, Error};

use crate::pki::certificate::StatedKey;

/// Verifies the signature of a TLS 1.3 handshake.
///
/// # Errors
/// [`Error`], which makes rustls send the fitting alert.
pub(crate) fn tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let key = stated_key(certificate)?;
    let key = SubjectPublicKeyInfoDer::from(key.whole);
    verify_tls13_signature_with_raw_key(message, &key, signature, algorithms)
}

/// Verifies the signature of a TLS 1.2 handshake, where a scheme does not say which curve it is for.
///
/// # Errors
/// [`Error`], which makes rustls send the fitting alert.
pub(crate) fn tls12(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let key = stated_key(certificate)?;
    let of_scheme = algorithms
        .mapping
        .iter()
        .filter(|(scheme, _)| *scheme == signature.scheme)
        .flat_map(|(_, algorithms)| algorithms.iter());
    let fitting = of_scheme
        .filter(|algorithm| algorithm.public_key_alg_id().as_ref() == key.algorithm)
        .find(|algorithm| {
            let verified = algorithm.verify_signature(key.octets, message, signature.signature());
            verified.is_ok()
        });
    match fitting {
        Some(_) => Ok(HandshakeSignatureValid::assertion()),
        None => Err(CertificateError::BadSignature.into()),
    }
}

fn stated_key<'a>(certificate: &'a CertificateDer<'_>) -> Result<StatedKey<'a>, Error> {
    StatedKey::read(certificate).ok_or_else(|| CertificateError::BadEncoding.into())
}
