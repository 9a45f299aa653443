//! The certificates that a client would present, as a file holds them: PEM blocks in their order, or one in DER.
//!
//! Unlike [`crate::pki::upload`] this looks into no certificate: what is wrong with one is the judgement's to say. A
//! private key is refused and not looked at.

use crate::pki::certificate::Certificate;
use crate::pki::der::{self, tag};
use crate::pki::p12;
use crate::pki::pem;
use crate::pki::upload::{self, InvalidUpload, UPLOAD_BYTES_MAX};

/// A file that holds no chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPresented {
    /// There is a private key in it.
    #[error(
        "{}there is a private key in it, which is not needed and was not looked at: give the certificates alone, for example with `openssl x509 -in FILE`", at(.line)
    )]
    Key {
        /// The line of its BEGIN, where it came as PEM.
        line: Option<usize>,
    },
    /// A PKCS#12 file, which usually holds a private key.
    #[error(
        "this is a PKCS#12 file, which usually holds a private key: give the certificates alone, for example with `openssl pkcs12 -nokeys -in FILE`"
    )]
    Pkcs12,
    /// A revocation list.
    #[error(
        "{}this is a revocation list, not a certificate: give the certificates that the client sends, and test the list as a part of the change", at(.line)
    )]
    Crl {
        /// The line of its BEGIN, where it came as PEM.
        line: Option<usize>,
    },
    /// Something else, or nothing.
    #[error(transparent)]
    Other(InvalidUpload),
}

/// Reads the certificates of a chain, each as DER.
///
/// # Errors
/// [`InvalidPresented`]: the first thing that is no certificate. Where it is well, there is at least one.
pub fn read(bytes: &[u8]) -> Result<Vec<Vec<u8>>, InvalidPresented> {
    if bytes.len() > UPLOAD_BYTES_MAX {
        return Err(InvalidPresented::Other(InvalidUpload::TooLarge {
            bytes: bytes.len(),
            limit: UPLOAD_BYTES_MAX,
        }));
    }
    if p12::is_p12(bytes) {
        return Err(InvalidPresented::Pkcs12);
    }
    let Ok(blocks) = pem::read(bytes) else {
        return read_single(bytes);
    };
    let mut found = Vec::new();
    for block in &blocks {
        let line = Some(block.line);
        match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => found.push(block.der.to_vec()),
            "X509 CRL" => return Err(InvalidPresented::Crl { line }),
            "EC PARAMETERS" => {}
            label if label.ends_with("PRIVATE KEY") => {
                return Err(InvalidPresented::Key { line });
            }
            _ => return Err(refused(bytes)),
        }
    }
    if found.is_empty() {
        return Err(refused(bytes));
    }
    Ok(found)
}

/// One certificate in DER. One that cannot be decoded, but has a certificate's outline, is left to the judgement.
fn read_single(bytes: &[u8]) -> Result<Vec<Vec<u8>>, InvalidPresented> {
    if Certificate::from_der(bytes).is_ok() {
        return Ok(vec![bytes.to_vec()]);
    }
    if is_key(bytes) {
        return Err(InvalidPresented::Key { line: None });
    }
    match upload::read(bytes, None) {
        Err(InvalidUpload::Certificate { .. }) if bytes.first() == Some(&tag::SEQUENCE) => {
            Ok(vec![bytes.to_vec()])
        }
        Err(other) => Err(InvalidPresented::Other(other)),
        Ok(found) if found.key.is_some() => Err(InvalidPresented::Key { line: None }),
        Ok(_) => Err(InvalidPresented::Crl { line: None }),
    }
}

/// Whether DER has the outline of a private key: a version first (PKCS#1, PKCS#8, SEC 1), or encrypted.
fn is_key(bytes: &[u8]) -> bool {
    let parts = der::first(bytes).and_then(|(element, _)| element.children_of(tag::SEQUENCE));
    let tags: Vec<u8> = parts
        .unwrap_or_default()
        .iter()
        .map(|part| part.tag)
        .collect();
    matches!(
        tags.as_slice(),
        [tag::INTEGER, _, _, ..]
            | [tag::INTEGER, tag::OCTET_STRING]
            | [tag::SEQUENCE, tag::OCTET_STRING]
    )
}

/// What uploads say of it.
fn refused(bytes: &[u8]) -> InvalidPresented {
    InvalidPresented::Other(
        upload::read(bytes, None)
            .err()
            .unwrap_or(InvalidUpload::NotRecognised),
    )
}

fn at(line: &Option<usize>) -> String {
    line.map(|line| format!("line {line}: "))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::certificate::to_pem;

    fn certificate() -> Vec<u8> {
        rcgen::generate_simple_self_signed(vec!["a".to_owned()])
            .unwrap()
            .cert
            .der()
            .to_vec()
    }

    fn told(bytes: impl AsRef<[u8]>) -> String {
        read(bytes.as_ref()).unwrap_err().to_string()
    }

    #[test]
    fn certificates_come_in_their_order_whatever_stands_between_them() {
        let (one, two) = (certificate(), certificate());
        let text = format!(
            "Bag Attributes\n{}subject=x\n{}{}",
            to_pem("CERTIFICATE", &one),
            to_pem("CERTIFICATE", &two),
            to_pem("CERTIFICATE", &one)
        );
        assert_eq!(
            read(text.as_bytes()),
            Ok(vec![one.clone(), two, one.clone()])
        );
        assert_eq!(read(&one), Ok(vec![one.clone()]));
    }

    #[test]
    fn what_is_no_certificate_inside_is_left_to_the_judgement() {
        let mut broken = certificate();
        let text = to_pem("CERTIFICATE", b"garbage");
        assert_eq!(read(text.as_bytes()), Ok(vec![b"garbage".to_vec()]));
        broken.push(0);
        assert_eq!(read(&broken), Ok(vec![broken.clone()]));
    }

    #[test]
    fn a_private_key_in_whatever_form_is_refused_and_not_told() {
        let key = rcgen::KeyPair::generate().unwrap();
        let der = key.serialize_der();
        let pem = to_pem("CERTIFICATE", &certificate()) + &key.serialize_pem();
        assert!(told(&pem).contains("there is a private key in it"));
        assert!(told(&pem).starts_with("line "));
        assert!(told(&der).starts_with("there is a private key in it"));
        for label in [
            "ENCRYPTED PRIVATE KEY",
            "RSA PRIVATE KEY",
            "EC PRIVATE KEY",
            "OPENSSH PRIVATE KEY",
        ] {
            let told = told(to_pem(label, &der));
            assert!(
                told.contains("there is a private key in it"),
                "{label}: {told}"
            );
        }
    }

    #[test]
    fn other_files_are_called_by_their_names() {
        let list = "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";
        for (given, words) in [
            ("", "nothing was given"),
            ("hello", "neither PEM nor DER"),
            ("<html>", "a web page"),
            (list, "this is a revocation list"),
            (
                "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n",
                "signing request",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nM?=\n-----END CERTIFICATE-----\n",
                "base64",
            ),
            ("-----BEGIN CERTIFICATE-----\nMAA=\n", "no END line"),
        ] {
            let told = told(given);
            assert!(told.contains(words), "{given}: {told}");
        }
        assert!(told(vec![b'x'; UPLOAD_BYTES_MAX + 1]).contains("bytes, more than"));
    }
}
