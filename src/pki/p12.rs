//! PKCS#12 files (RFC 7292): reading what browsers, Java, Windows and OpenSSL export, writing what they import.
//!
//! The library that does the work keeps its own copies of decrypted keys and does not overwrite them; ours are. It can
//! be made to panic (by a scrypt cost of 0) and to take much memory (by a high one), hence the guards here.

use p12_keystore::error::Error as LibraryError;
use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12Archive, PrivateKeyChain};
use zeroize::Zeroizing;

use crate::pki::certificate::Certificate;
use crate::pki::der::{self, Element, tag};
use crate::pki::key::{InvalidKey, PrivateKey};
use crate::pki::secret::Secret;

/// The largest file that is read, in bytes. A hostile one makes us derive a key for each of its parts, so this bounds
/// the work too.
pub const P12_BYTES_MAX: usize = 256 * 1024;
/// How often the password is hashed in files that we write.
const ITERATIONS: u32 = 10_000;

/// How much memory the password of a single encrypted key may take to be hashed, in bytes. OpenSSL takes 16 MiB unless
/// told otherwise, and no more than this.
const SCRYPT_BYTES_MAX: u64 = 32 * 1024 * 1024;

const OID_SCRYPT: [u8; 9] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
const OID_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const OID_SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const OID_SHROUDED_KEY_BAG: [u8; 11] = [
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x02,
];

/// What was in a file, undecoded and in its order.
#[derive(Default)]
pub struct Contents {
    /// DER of the certificates.
    pub certificates: Vec<Vec<u8>>,
    /// PKCS#8 of the private keys.
    pub keys: Vec<Zeroizing<Vec<u8>>>,
}

/// A PKCS#12 file that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidP12 {
    /// More than [`P12_BYTES_MAX`].
    #[error(
        "the PKCS#12 file has {bytes} bytes, more than the {limit} that are read: export only what is needed"
    )]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        limit: usize,
    },
    /// No password was given, and the file has one.
    #[error("the PKCS#12 file is protected by a password: give the password too")]
    PasswordNeeded,
    /// Another password than the file's.
    #[error("the password does not open the PKCS#12 file: check it and try again")]
    WrongPassword,
    /// An encryption or a structure that is not read.
    #[error(
        "the PKCS#12 file is made in a way that is not read: export it with AES-256 and SHA-256, or convert it to PEM"
    )]
    Unsupported,
    /// The structure is broken.
    #[error("the PKCS#12 file is damaged: export it again")]
    Damaged,
}

/// A PKCS#12 file that cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum P12Failure {
    /// Password or alias hold characters that PKCS#12 cannot (those beyond the Basic Multilingual Plane).
    #[error(
        "PKCS#12 cannot hold some of the characters of the password or the alias: choose letters and digits"
    )]
    Characters,
    /// The library failed.
    #[error("the PKCS#12 file could not be written: use PEM files instead")]
    Library,
}

/// Whether the bytes look like a PKCS#12 file.
pub fn is_p12(der: &[u8]) -> bool {
    let Ok(parts) = der::single(der).and_then(|pfx| pfx.children_of(tag::SEQUENCE)) else {
        return false;
    };
    let [version, content, ..] = parts.as_slice() else {
        return false;
    };
    let kind = content
        .children_of(tag::SEQUENCE)
        .ok()
        .and_then(|parts| parts.first().copied());
    (version.tag, version.content) == (tag::INTEGER, &[3])
        && kind.is_some_and(|kind| kind.content == OID_DATA || kind.content == OID_SIGNED_DATA)
}

/// Reads a file. Without a password an empty one is tried, as it is usual for trust stores.
///
/// # Errors
/// [`InvalidP12`].
pub fn read(der: &[u8], password: Option<&Secret>) -> Result<Contents, InvalidP12> {
    if der.len() > P12_BYTES_MAX {
        return Err(InvalidP12::TooLarge {
            bytes: der.len(),
            limit: P12_BYTES_MAX,
        });
    }
    let refused = match password {
        Some(_) => InvalidP12::WrongPassword,
        None => InvalidP12::PasswordNeeded,
    };
    let Some(text) = password
        .map_or(Some(""), Secret::expose_str)
        .filter(|text| is_bmp(text))
    else {
        return Err(InvalidP12::WrongPassword);
    };
    // Nobody protects these files with scrypt but who wants to use up our memory.
    if der.windows(OID_SCRYPT.len()).any(|part| part == OID_SCRYPT) {
        return Err(InvalidP12::Unsupported);
    }
    let archive = open(der, text).map_err(|cause| match cause {
        Cause::Password => refused,
        Cause::Unsupported => InvalidP12::Unsupported,
        // The library tells unknown algorithms and broken structures alike; a damaged file shows at the outline.
        Cause::Structure if is_p12(der) => InvalidP12::Unsupported,
        Cause::Structure => InvalidP12::Damaged,
    })?;
    Ok(Contents {
        certificates: archive
            .certs
            .iter()
            .map(|bag| bag.cert.as_der().to_vec())
            .collect(),
        keys: archive
            .keys
            .iter()
            .map(|bag| Zeroizing::new(bag.key.as_der().to_vec()))
            .collect(),
    })
}

/// Writes a leaf, its issuers and its key under one password: AES-256 with PBKDF2-HMAC-SHA-256, as OpenSSL 3, current
/// Java, .NET and Windows read and write it (not macOS's keychain before version 15, nor Windows before 2019).
///
/// # Errors
/// [`P12Failure`].
pub fn write(
    leaf: &Certificate,
    chain: &[Certificate],
    key: &PrivateKey,
    password: &str,
    alias: &str,
) -> Result<Vec<u8>, P12Failure> {
    if !is_bmp(password) || !is_bmp(alias) {
        return Err(P12Failure::Characters);
    }
    let certificates = std::iter::once(leaf)
        .chain(chain)
        .map(|certificate| p12_keystore::Certificate::from_der(certificate.der()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| P12Failure::Library)?;
    let key = p12_keystore::PrivateKey::from_der(key.pkcs8()).map_err(|_| P12Failure::Library)?;
    let local_id = leaf.fingerprint().as_bytes().to_vec();
    let mut store = KeyStore::new();
    store.add_entry(
        alias,
        KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new(local_id, key, certificates)),
    );
    store
        .writer(password)
        .encryption_iterations(ITERATIONS)
        .mac_iterations(ITERATIONS)
        .write()
        .map_err(|_| P12Failure::Library)
}

/// Decrypts an EncryptedPrivateKeyInfo (RFC 5958) to a PrivateKeyInfo.
///
/// # Errors
/// [`InvalidKey::WrongPassword`] or [`InvalidKey::UnsupportedEncryption`].
pub(crate) fn open_encrypted_key(
    der: &[u8],
    password: &Secret,
) -> Result<Zeroizing<Vec<u8>>, InvalidKey> {
    let Some(password) = password.expose_str() else {
        return Err(InvalidKey::WrongPassword);
    };
    if scrypt_memory(der).is_some_and(|bytes| bytes > SCRYPT_BYTES_MAX) {
        return Err(InvalidKey::UnsupportedEncryption);
    }
    // A PKCS#12 file holds encrypted keys in just this form, so the library opens one in a file made around it.
    let bag = der::encode(
        tag::SEQUENCE,
        &[
            &der::encode(tag::OID, &[&OID_SHROUDED_KEY_BAG]),
            &der::encode(tag::CONTEXT_0, &[der]),
        ],
    );
    let safe = data(&der::encode(tag::SEQUENCE, &[&bag]));
    let file = der::encode(
        tag::SEQUENCE,
        &[
            &der::encode(tag::INTEGER, &[&[3]]),
            &data(&der::encode(tag::SEQUENCE, &[&safe])),
        ],
    );
    let archive = open(&file, password).map_err(|cause| match cause {
        Cause::Password => InvalidKey::WrongPassword,
        Cause::Unsupported | Cause::Structure => InvalidKey::UnsupportedEncryption,
    })?;
    match archive.keys.as_slice() {
        [bag] => Ok(Zeroizing::new(bag.key.as_der().to_vec())),
        _ => Err(InvalidKey::UnsupportedEncryption),
    }
}

enum Cause {
    Password,
    Unsupported,
    Structure,
}

/// Lets the library open a file. A panic in it, which hostile bytes can cause, is an error like any other; it works on
/// nothing but its arguments, so nothing is left half done.
fn open(file: &[u8], password: &str) -> Result<Pkcs12Archive, Cause> {
    match std::panic::catch_unwind(|| Pkcs12Archive::from_pkcs12(file, password)) {
        Ok(opened) => opened.map_err(|error| cause(&error)),
        Err(_) => Err(Cause::Structure),
    }
}

/// The memory that the key of an EncryptedPrivateKeyInfo takes to derive, in bytes, where it is by scrypt (RFC 7914).
pub(crate) fn scrypt_memory(der: &[u8]) -> Option<u64> {
    let info = der::single(der).ok()?;
    let algorithm = inside(inside(&info)?.first()?)?;
    let derivation = inside(inside(algorithm.get(1)?)?.first()?)?;
    if derivation.first()?.content != OID_SCRYPT {
        return None;
    }
    let parameters = inside(derivation.get(1)?)?;
    let number = |place: usize| {
        let octets = parameters
            .get(place)
            .map(|part| part.content)
            .unwrap_or_default();
        octets.iter().fold(0_u64, |number, octet| {
            number.saturating_mul(256).saturating_add(u64::from(*octet))
        })
    };
    Some(number(1).saturating_mul(number(2)).saturating_mul(128))
}

fn inside<'a>(element: &Element<'a>) -> Option<Vec<Element<'a>>> {
    der::elements(element.content).ok()
}

fn cause(error: &LibraryError) -> Cause {
    match error {
        LibraryError::MacError(_) | LibraryError::UnpadError | LibraryError::InvalidPrivateKey => {
            Cause::Password
        }
        // The library passes the reason on as text only.
        LibraryError::Pkcs5Error(reason) if reason.contains("decryption failed") => Cause::Password,
        LibraryError::Pkcs5Error(_)
        | LibraryError::InvalidVersion
        | LibraryError::UnsupportedContentType
        | LibraryError::UnsupportedCertificateType
        | LibraryError::UnsupportedEncryptionScheme
        | LibraryError::UnsupportedMacAlgorithm
        | LibraryError::InvalidParameters => Cause::Unsupported,
        LibraryError::IoError(_)
        | LibraryError::DerError(_)
        | LibraryError::X509Error(_)
        | LibraryError::InvalidLength
        | LibraryError::InvalidData => Cause::Structure,
    }
}

/// A ContentInfo of the kind `data` (RFC 5652).
fn data(content: &[u8]) -> Vec<u8> {
    let octets = der::encode(tag::OCTET_STRING, &[content]);
    der::encode(
        tag::SEQUENCE,
        &[
            &der::encode(tag::OID, &[&OID_DATA]),
            &der::encode(tag::CONTEXT_0, &[&octets]),
        ],
    )
}

fn is_bmp(text: &str) -> bool {
    text.chars().all(|character| u32::from(character) <= 0xffff)
}

#[cfg(test)]
mod tests;
