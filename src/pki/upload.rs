//! What people upload: PEM with certificates, a key and revocation lists in any mixture, single DER objects, PKCS#12.

use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::pki::certificate::{Certificate, InvalidCertificate};
use crate::pki::der::{self, tag};
use crate::pki::foreign::Foreign;
use crate::pki::key::{InvalidKey, PrivateKey};
use crate::pki::p12::{self, InvalidP12};
use crate::pki::pem::{self, Block, InvalidPem};
use crate::pki::secret::Secret;

/// The most bytes that are read.
pub const UPLOAD_BYTES_MAX: usize = pem::INPUT_BYTES_MAX;
/// The most certificates of one upload.
pub const CERTIFICATES_MAX: usize = pem::BLOCKS_MAX;

/// What was found in an upload.
#[derive(Debug, Default)]
pub struct Upload {
    /// The certificates, each once. From PKCS#12 with a key: its leaf first, then issuer after issuer, then the others;
    /// else in the order of the file.
    pub certificates: Vec<Certificate>,
    /// The private key.
    pub key: Option<PrivateKey>,
    /// Revocation lists, as DER.
    pub crls: Vec<Vec<u8>>,
}

/// An upload that cannot be used. Positions count the certificates from 1, lines those of the text from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUpload {
    /// Nothing, or white space only.
    #[error("nothing was given: give certificates as PEM, DER or PKCS#12")]
    EmptyUpload,
    /// More than [`UPLOAD_BYTES_MAX`].
    #[error(
        "the upload has {bytes} bytes, more than the {limit} that are read: give only the certificates that are needed"
    )]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        limit: usize,
    },
    /// More than [`CERTIFICATES_MAX`].
    #[error(
        "there are {count} certificates, more than the {limit} that are read: give only those that are needed"
    )]
    TooManyCertificates {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The PEM text is damaged.
    #[error(transparent)]
    Pem(InvalidPem),
    /// The PKCS#12 file cannot be opened.
    #[error(transparent)]
    Pkcs12(InvalidP12),
    /// One certificate is none.
    #[error("certificate {position} is not usable: {source}")]
    Certificate {
        /// Which one.
        position: usize,
        /// Why.
        source: InvalidCertificate,
    },
    /// The same certificate twice.
    #[error(
        "certificate {position} is the same as certificate {first}: give each certificate once"
    )]
    DuplicateCertificate {
        /// The later one.
        position: usize,
        /// The earlier one.
        first: usize,
    },
    /// More than one private key.
    #[error("there is more than one private key in it: give one key")]
    TwoKeys,
    /// The private key cannot be used.
    #[error(transparent)]
    Key(InvalidKey),
    /// One revocation list is none.
    #[error("revocation list {position} is damaged: download it again")]
    Crl {
        /// Which one, counted from 1.
        position: usize,
    },
    /// A key or file is encrypted, and no password was given.
    #[error("this is encrypted: give its password too")]
    PasswordNeeded,
    /// The password is not the one of the key or file.
    #[error("the password does not open it: check the password and try again")]
    WrongPassword,
    /// A key encrypted in OpenSSL's old way, which protects it badly.
    #[error(
        "line {line}: this key is encrypted in OpenSSL's old format: convert it with `openssl pkcs8 -topk8 -in FILE`"
    )]
    OldKeyEncryption {
        /// The line of its BEGIN.
        line: usize,
    },
    /// Something that was recognised, but is of no use here.
    #[error("{}this is {what}: {}", at(.line), what.advice())]
    Foreign {
        /// What it is.
        what: Foreign,
        /// The line of its BEGIN, where it came as PEM.
        line: Option<usize>,
    },
    /// A PEM block with a label that is not known.
    #[error(
        "line {line}: a block {label} is of no use here: give certificates, a private key or revocation lists"
    )]
    UnknownBlock {
        /// The line of its BEGIN.
        line: usize,
        /// What it says it is.
        label: String,
    },
    /// None of the known formats.
    #[error(
        "this is neither PEM nor DER nor PKCS#12: export the certificate again in one of these formats"
    )]
    NotRecognised,
}

/// Reads an upload. The password is used for what is encrypted, and ignored where nothing is.
///
/// # Errors
/// [`InvalidUpload`]: the first thing that is wrong. Where it is well, something was found.
pub fn read(bytes: &[u8], password: Option<&Secret>) -> Result<Upload, InvalidUpload> {
    if bytes.len() > UPLOAD_BYTES_MAX {
        return Err(InvalidUpload::TooLarge {
            bytes: bytes.len(),
            limit: UPLOAD_BYTES_MAX,
        });
    }
    if bytes.trim_ascii().is_empty() {
        return Err(InvalidUpload::EmptyUpload);
    }
    // An empty password field means that there is none.
    let password = password.filter(|password| !password.is_empty());
    if is_der(bytes) {
        read_der(bytes, password)
    } else {
        read_text(bytes, password)
    }
}

/// A text may begin with the digit 0, which is also the tag of a SEQUENCE; but then no long length follows.
fn is_der(bytes: &[u8]) -> bool {
    match bytes {
        [tag::SEQUENCE, 0x80..=0xff, ..] => true,
        [tag::SEQUENCE, ..] => der::single(bytes).is_ok(),
        _ => false,
    }
}

fn read_text(bytes: &[u8], password: Option<&Secret>) -> Result<Upload, InvalidUpload> {
    let blocks = pem::read(bytes).map_err(|error| match (error, Foreign::of_text(bytes)) {
        (InvalidPem::NothingFound, Some(what)) => InvalidUpload::Foreign { what, line: None },
        (InvalidPem::NothingFound, None) => InvalidUpload::NotRecognised,
        (error, _) => InvalidUpload::Pem(error),
    })?;
    let mut upload = Upload::default();
    for block in &blocks {
        upload.take(block, password)?;
    }
    upload.without_duplicates()
}

fn read_der(bytes: &[u8], password: Option<&Secret>) -> Result<Upload, InvalidUpload> {
    if p12::is_p12(bytes) {
        return read_p12(bytes, password);
    }
    let mut upload = Upload::default();
    match der_kind(bytes) {
        DerKind::SignedObject => match Certificate::from_der(bytes) {
            Ok(certificate) => upload.certificates.push(certificate),
            // Three objects share this outline; whatever is no other is a damaged certificate.
            Err(source) => match foreign_signed(bytes) {
                Signed::Crl => upload.crls.push(bytes.to_vec()),
                Signed::Request => {
                    return Err(InvalidUpload::Foreign {
                        what: Foreign::SigningRequest,
                        line: None,
                    });
                }
                Signed::Other => {
                    return Err(InvalidUpload::Certificate {
                        position: 1,
                        source,
                    });
                }
            },
        },
        DerKind::Key => upload.key = Some(PrivateKey::from_der(bytes).map_err(key_error)?),
        DerKind::EncryptedKey => upload.key = Some(encrypted_key(bytes, password)?),
        DerKind::Foreign(what) => return Err(InvalidUpload::Foreign { what, line: None }),
        DerKind::Unknown => return Err(InvalidUpload::NotRecognised),
    }
    Ok(upload)
}

fn read_p12(bytes: &[u8], password: Option<&Secret>) -> Result<Upload, InvalidUpload> {
    let contents = p12::read(bytes, password).map_err(|error| match error {
        InvalidP12::PasswordNeeded => InvalidUpload::PasswordNeeded,
        InvalidP12::WrongPassword => InvalidUpload::WrongPassword,
        InvalidP12::TooLarge { .. } | InvalidP12::Unsupported | InvalidP12::Damaged => {
            InvalidUpload::Pkcs12(error)
        }
    })?;
    if contents.certificates.len() > CERTIFICATES_MAX {
        return Err(InvalidUpload::TooManyCertificates {
            count: contents.certificates.len(),
            limit: CERTIFICATES_MAX,
        });
    }
    let mut upload = Upload::default();
    for der in &contents.certificates {
        upload.take_certificate(der)?;
    }
    for der in &contents.keys {
        upload.take_key(PrivateKey::from_der(der).map_err(key_error)?)?;
    }
    if upload.certificates.is_empty() && upload.key.is_none() {
        return Err(InvalidUpload::EmptyUpload);
    }
    let mut upload = upload.without_duplicates()?;
    if let Some(key) = &upload.key {
        upload.certificates = leaf_first(upload.certificates, key);
    }
    Ok(upload)
}

impl Upload {
    fn take(&mut self, block: &Block, password: Option<&Secret>) -> Result<(), InvalidUpload> {
        let foreign = |what| {
            Err(InvalidUpload::Foreign {
                what,
                line: Some(block.line),
            })
        };
        match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => self.take_certificate(&block.der),
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "DSA PRIVATE KEY" => {
                if block.encrypted {
                    return Err(InvalidUpload::OldKeyEncryption { line: block.line });
                }
                self.take_key(PrivateKey::from_der(&block.der).map_err(key_error)?)
            }
            "ENCRYPTED PRIVATE KEY" => self.take_key(encrypted_key(&block.der, password)?),
            "X509 CRL" => {
                if !is_crl(&block.der) {
                    return Err(InvalidUpload::Crl {
                        position: self.crls.len().saturating_add(1),
                    });
                }
                self.crls.push(block.der.to_vec());
                Ok(())
            }
            // OpenSSL writes the name of the curve before a key that also holds it.
            "EC PARAMETERS" => Ok(()),
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => foreign(Foreign::SigningRequest),
            "PUBLIC KEY" | "RSA PUBLIC KEY" => foreign(Foreign::PublicKey),
            "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => foreign(Foreign::Pkcs7),
            "OPENSSH PRIVATE KEY" => foreign(Foreign::OpenSshKey),
            "TRUSTED CERTIFICATE" => foreign(Foreign::TrustedCertificate),
            _ => Err(InvalidUpload::UnknownBlock {
                line: block.line,
                label: block.label.clone(),
            }),
        }
    }

    fn take_certificate(&mut self, der: &[u8]) -> Result<(), InvalidUpload> {
        let position = self.certificates.len().saturating_add(1);
        let certificate = Certificate::from_der(der)
            .map_err(|source| InvalidUpload::Certificate { position, source })?;
        self.certificates.push(certificate);
        Ok(())
    }

    fn take_key(&mut self, key: PrivateKey) -> Result<(), InvalidUpload> {
        if self.key.is_some() {
            return Err(InvalidUpload::TwoKeys);
        }
        self.key = Some(key);
        Ok(())
    }

    fn without_duplicates(self) -> Result<Self, InvalidUpload> {
        for (index, certificate) in self.certificates.iter().enumerate() {
            if let Some(first) = self
                .certificates
                .iter()
                .take(index)
                .position(|earlier| earlier == certificate)
            {
                let (position, first) = (index.saturating_add(1), first.saturating_add(1));
                return Err(InvalidUpload::DuplicateCertificate { position, first });
            }
        }
        if self.certificates.is_empty() && self.key.is_none() && self.crls.is_empty() {
            return Err(InvalidUpload::EmptyUpload);
        }
        Ok(self)
    }
}

/// The certificate of the key, then its issuer, and so on; then what is left, in its order.
fn leaf_first(mut certificates: Vec<Certificate>, key: &PrivateKey) -> Vec<Certificate> {
    let mut ordered: Vec<Certificate> = Vec::with_capacity(certificates.len());
    let mut next = certificates
        .iter()
        .position(|certificate| key.belongs_to(certificate));
    while let Some(place) = next {
        let current = certificates.remove(place);
        let issuer = current.facts().raw_issuer.clone();
        ordered.push(current);
        next = certificates
            .iter()
            .position(|candidate| candidate.facts().raw_subject == issuer);
    }
    ordered.append(&mut certificates);
    ordered
}

fn encrypted_key(der: &[u8], password: Option<&Secret>) -> Result<PrivateKey, InvalidUpload> {
    let password = password.ok_or(InvalidUpload::PasswordNeeded)?;
    PrivateKey::from_encrypted_der(der, password).map_err(key_error)
}

fn key_error(error: InvalidKey) -> InvalidUpload {
    match error {
        InvalidKey::PasswordNeeded => InvalidUpload::PasswordNeeded,
        InvalidKey::WrongPassword => InvalidUpload::WrongPassword,
        InvalidKey::TooLarge { .. }
        | InvalidKey::NotAKey
        | InvalidKey::Unsupported { .. }
        | InvalidKey::Inconsistent { .. }
        | InvalidKey::UnsupportedEncryption => InvalidUpload::Key(error),
    }
}

fn is_crl(der: &[u8]) -> bool {
    CertificateRevocationList::from_der(der).is_ok_and(|(rest, _)| rest.is_empty())
}

enum DerKind {
    /// To be signed, algorithm, signature: a certificate, a revocation list or a signing request.
    SignedObject,
    Key,
    EncryptedKey,
    Foreign(Foreign),
    Unknown,
}

fn der_kind(bytes: &[u8]) -> DerKind {
    // Bytes that follow do not change what it is; the certificate's own decoder complains of them.
    let parts = der::first(bytes)
        .and_then(|(element, _)| element.children_of(tag::SEQUENCE))
        .unwrap_or_default();
    let tags: Vec<u8> = parts.iter().map(|part| part.tag).collect();
    match tags.as_slice() {
        [tag::SEQUENCE, tag::SEQUENCE, tag::BIT_STRING] => DerKind::SignedObject,
        [tag::SEQUENCE, tag::BIT_STRING] => DerKind::Foreign(Foreign::PublicKey),
        [tag::SEQUENCE, tag::OCTET_STRING] => DerKind::EncryptedKey,
        [tag::OID, tag::CONTEXT_0] => DerKind::Foreign(Foreign::Pkcs7),
        [tag::INTEGER, tag::INTEGER] => DerKind::Foreign(Foreign::PublicKey),
        [tag::INTEGER, ..] => DerKind::Key,
        _ => DerKind::Unknown,
    }
}

enum Signed {
    Crl,
    Request,
    Other,
}

fn foreign_signed(bytes: &[u8]) -> Signed {
    if is_crl(bytes) {
        return Signed::Crl;
    }
    match x509_parser::certification_request::X509CertificationRequest::from_der(bytes) {
        Ok(_) => Signed::Request,
        Err(_) => Signed::Other,
    }
}

fn at(line: &Option<usize>) -> String {
    line.map(|line| format!("line {line}: "))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
