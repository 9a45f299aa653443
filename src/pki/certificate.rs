//! X.509 certificates (RFC 5280), decoded once into facts.

use std::sync::{Arc, LazyLock};

use base64::Engine;
use x509_parser::certificate::{X509Certificate, X509CertificateParser};
use x509_parser::nom::Parser;

use crate::clock::Moment;
use crate::pki::der::tag;
use crate::pki::distribution::DistributionPoint;
use crate::pki::extension::Extensions;
use crate::pki::fingerprint::Fingerprint;
use crate::pki::general_name::GeneralName;
use crate::pki::policy::{Oid, PolicyConstraints, PolicyMapping};
use crate::pki::strict::{self, Validity};
use crate::pki::{der, name, signature};

/// The largest certificate that is decoded, in bytes.
pub const CERTIFICATE_BYTES_MAX: usize = 64 * 1024;
/// The longest serial number that is decoded, in bytes (RFC 5280, 4.1.2.2).
pub const SERIAL_BYTES_MAX: usize = 20;

/// A decoded certificate. Cloning it is cheap; two are equal when their bytes are.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    der: Box<[u8]>,
    fingerprint: Fingerprint,
    facts: Facts,
}

/// What a certificate says. Texts are bounded and escaped (see [`crate::pki::printable`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// X.509 version: 1, 2 or 3. Only 3 has extensions.
    pub version: u32,
    /// Subject as RFC 4514 text.
    pub subject: String,
    /// Issuer as RFC 4514 text.
    pub issuer: String,
    /// Subject as the DER of its Name.
    pub raw_subject: Vec<u8>,
    /// Issuer as the DER of its Name.
    pub raw_issuer: Vec<u8>,
    /// Serial number, as the content octets of its DER INTEGER.
    pub raw_serial: Vec<u8>,
    /// Serial number in lower-case hexadecimal digits, two for each byte; a negative one with `-` before it.
    pub serial: String,
    /// First moment of the validity.
    pub not_before: Moment,
    /// Last second of the validity, which still belongs to it.
    pub not_after: Moment,
    /// The subject's key.
    pub key: KeyFacts,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub spki_sha256: Fingerprint,
    /// How the issuer signed, in OpenSSL's words (`ecdsa-with-SHA256`), else a dotted OID.
    pub signature_algorithm: String,
    /// Whether it is a CA, and how many more CAs may follow below it.
    pub basic_constraints: Option<BasicConstraints>,
    /// What the key may do; `None` where nothing is said, which means everything.
    pub key_usage: Option<KeyUsage>,
    /// What the key may do on the application's side: names, else dotted OIDs. `None` where nothing is said.
    pub extended_key_usage: Option<Vec<String>>,
    /// Alternative names, see [`crate::pki::general_name`].
    pub sans: Vec<String>,
    /// Alternative names as they are, all of them, in their order.
    pub alternative_names: Vec<GeneralName>,
    /// Subject key identifier.
    pub subject_key_id: Option<Vec<u8>>,
    /// Key identifier of the issuer.
    pub authority_key_id: Option<Vec<u8>>,
    /// Whether subject and issuer are the same name, as RFC 5280 compares names.
    pub self_issued: bool,
    /// All critical extensions, as dotted OIDs.
    pub critical: Vec<String>,
    /// Critical extensions that are not understood here, as dotted OIDs; such a certificate is not to be accepted.
    pub unknown_critical: Vec<String>,
    /// See [`Facts::rare`].
    rare: Option<Box<RareFacts>>,
}

/// What few certificates say. Ten thousand anchors are kept decoded, so those who say nothing of it hold no place for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RareFacts {
    /// What names a CA may give.
    pub name_constraints: Option<NameConstraintsText>,
    /// What names a CA may give, as they are.
    pub subtrees: Option<NameSubtrees>,
    /// Certificate policies (RFC 5280, 4.2.1.4); `None` where the extension is not there.
    pub policies: Option<Vec<Oid>>,
    /// Policy mappings (RFC 5280, 4.2.1.5).
    pub policy_mappings: Vec<PolicyMapping>,
    /// Policy constraints (RFC 5280, 4.2.1.11).
    pub policy_constraints: Option<PolicyConstraints>,
    /// Inhibit anyPolicy (RFC 5280, 4.2.1.14): after how many more certificates anyPolicy stands for nothing.
    pub inhibit_any_policy: Option<u32>,
    /// Where its revocation lists are, as [`crate::pki::general_name`] texts.
    pub crl_distribution_points: Vec<String>,
    /// Where its revocation lists are (RFC 5280, 4.2.1.13).
    pub distribution_points: Vec<DistributionPoint>,
}

static NOTHING_RARE: LazyLock<RareFacts> = LazyLock::new(RareFacts::default);

impl Facts {
    /// What few certificates say.
    pub fn rare(&self) -> &RareFacts {
        self.rare.as_deref().unwrap_or(&NOTHING_RARE)
    }

    /// Whether it may identify a TLS client: nothing is said of usages, or `clientAuth` or `anyExtendedKeyUsage` is.
    pub fn allows_client_auth(&self) -> bool {
        self.allows("clientAuth")
    }

    /// Whether it may identify a TLS server; as [`Facts::allows_client_auth`], with `serverAuth`.
    pub fn allows_server_auth(&self) -> bool {
        self.allows("serverAuth")
    }

    /// Whether it says of itself that it is a CA.
    pub fn is_ca(&self) -> bool {
        self.basic_constraints
            .is_some_and(|constraints| constraints.ca)
    }

    /// Whether `moment` lies within its validity; the last second belongs to it as a whole.
    pub fn is_valid_at(&self, moment: Moment) -> bool {
        self.not_before <= moment
            && moment.unix_millis() < self.not_after.unix_millis().saturating_add(1000)
    }

    /// Whether it was signed with a digest that is broken (MD2, MD4, MD5, SHA-1).
    pub fn has_weak_signature(&self) -> bool {
        signature::is_weak(&self.signature_algorithm)
    }

    fn allows(&self, usage: &str) -> bool {
        let Some(usages) = &self.extended_key_usage else {
            return true;
        };
        usages
            .iter()
            .any(|known| known == usage || known == "anyExtendedKeyUsage")
    }
}

/// What is known of a public key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyFacts {
    /// Kind and size.
    pub algorithm: KeyAlgorithm,
}

impl std::fmt::Display for KeyFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.algorithm.fmt(f)
    }
}

/// Kind and size of a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// RSA with a modulus of so many bits.
    Rsa {
        /// Length of the modulus.
        bits: u32,
    },
    /// Elliptic curve P-256 (secp256r1).
    EcP256,
    /// Elliptic curve P-384.
    EcP384,
    /// Elliptic curve P-521.
    EcP521,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Another one: its OID, dotted; of an elliptic curve, the curve's.
    Other(String),
}

impl KeyAlgorithm {
    /// Whether the key is too short to be trusted: RSA under 2,048 bits.
    pub const fn is_weak(&self) -> bool {
        matches!(self, Self::Rsa { bits: ..2048 })
    }
}

impl std::fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
            Self::EcP256 => f.write_str("EC P-256"),
            Self::EcP384 => f.write_str("EC P-384"),
            Self::EcP521 => f.write_str("EC P-521"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Other(oid) => write!(f, "unknown ({oid})"),
        }
    }
}

/// Basic constraints (RFC 5280, 4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether it is a CA.
    pub ca: bool,
    /// How many CAs may stand between it and a leaf; `None` means any number.
    pub path_length: Option<u32>,
}

/// Key usages (RFC 5280, 4.2.1.3), a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(u16);

const KEY_USAGE_NAMES: [&str; 9] = [
    "digitalSignature",
    "contentCommitment",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

impl KeyUsage {
    /// The set from the octets of the bit string, the first bit being the highest of the first octet.
    pub fn from_bits(octets: &[u8]) -> Self {
        let first = octets.first().copied().unwrap_or(0);
        let second = octets.get(1).copied().unwrap_or(0);
        Self(u16::from_be_bytes([first, second]))
    }

    /// Whether the key may sign, as a TLS client or server does.
    pub const fn digital_signature(self) -> bool {
        self.0 & 0x8000 != 0
    }

    /// Whether the key may sign certificates.
    pub const fn key_cert_sign(self) -> bool {
        self.0 & 0x0400 != 0
    }

    /// Whether the key may sign revocation lists.
    pub const fn crl_sign(self) -> bool {
        self.0 & 0x0200 != 0
    }

    /// The names of RFC 5280, in its order.
    pub fn names(self) -> Vec<&'static str> {
        let bits = (0..16).map(|place| self.0 & (0x8000 >> place) != 0);
        KEY_USAGE_NAMES
            .into_iter()
            .zip(bits)
            .filter_map(|(name, set)| set.then_some(name))
            .collect()
    }
}

/// Name constraints (RFC 5280, 4.2.1.10) as [`crate::pki::general_name::constraint_text`] writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameConstraintsText {
    /// Names have to lie within one of these, for the kinds of names that occur here.
    pub permitted: Vec<String>,
    /// Names must not lie within one of these.
    pub excluded: Vec<String>,
}

/// The subtrees of name constraints (RFC 5280, 4.2.1.10), as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameSubtrees {
    /// Bases of the permitted subtrees.
    pub permitted: Vec<GeneralName>,
    /// Bases of the excluded subtrees.
    pub excluded: Vec<GeneralName>,
}

/// Bytes that are no certificate that can be put to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCertificate {
    /// More bytes than [`CERTIFICATE_BYTES_MAX`].
    #[error(
        "the certificate has {bytes} bytes, more than the {limit} that are read: check that it is a certificate"
    )]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The structure of a certificate is not there.
    #[error(
        "this is not the DER of an X.509 certificate: export the certificate again, as PEM or DER"
    )]
    Undecodable,
    /// Its parts are there, but not in the one form that DER allows.
    #[error(
        "the certificate is encoded in a way that DER forbids: have it issued again, by other software"
    )]
    NotDer,
    /// A version that does not exist, or version 1 where it is written out, which DER forbids.
    #[error(
        "its version is none of 1, 2 and 3 in their one form: have the certificate issued again"
    )]
    UnsupportedVersion,
    /// It has extensions or unique identifiers, and is of a version that does not have them.
    #[error(
        "it is of version {version} and has parts of later versions: have it issued as version 3"
    )]
    BeyondItsVersion {
        /// Its version.
        version: u32,
    },
    /// A date that does not exist, or in a form other than `YYMMDDHHMMSSZ` and `YYYYMMDDHHMMSSZ`.
    #[error("a date of its validity cannot be read: have the certificate issued again")]
    UndecodableDate,
    /// Something follows the certificate.
    #[error("{bytes} bytes follow the certificate: export it again, alone or as PEM")]
    TrailingBytes {
        /// How many follow.
        bytes: usize,
    },
    /// A serial number longer than [`SERIAL_BYTES_MAX`].
    #[error(
        "its serial number has {bytes} bytes, where 20 are allowed: have the certificate issued again"
    )]
    SerialTooLong {
        /// How many there are.
        bytes: usize,
    },
    /// The signed and the unsigned statement of the signature's algorithm are not the same.
    #[error("it states two different signature algorithms: have the certificate issued again")]
    AlgorithmsDiffer,
    /// The public key is not in the form of its algorithm.
    #[error("its public key cannot be decoded: have the certificate issued again")]
    UndecodableKey,
    /// An extension occurs twice.
    #[error("its extension {oid} occurs twice: have the certificate issued again")]
    DuplicateExtension {
        /// Which one, dotted.
        oid: String,
    },
    /// An extension that has to be understood is not in its form.
    #[error("its extension {oid} cannot be decoded: have the certificate issued again")]
    UndecodableExtension {
        /// Which one, dotted.
        oid: String,
    },
}

impl Certificate {
    /// Decodes one certificate.
    ///
    /// # Errors
    /// [`InvalidCertificate`] where the bytes are not exactly one certificate, or one that contradicts itself.
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidCertificate> {
        if der.len() > CERTIFICATE_BYTES_MAX {
            return Err(InvalidCertificate::TooLarge {
                bytes: der.len(),
                limit: CERTIFICATE_BYTES_MAX,
            });
        }
        let (rest, parsed) = parse(der).ok_or(InvalidCertificate::Undecodable)?;
        if !rest.is_empty() {
            return Err(InvalidCertificate::TrailingBytes { bytes: rest.len() });
        }
        let validity = strict::certificate(der)?;
        let facts = facts(&parsed, validity)?;
        Ok(Self(Arc::new(Inner {
            der: der.into(),
            fingerprint: Fingerprint::of(der),
            facts,
        })))
    }

    /// Its DER.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// Its PEM: lines of 64 characters, each ending in a line feed (RFC 7468).
    pub fn to_pem(&self) -> String {
        to_pem("CERTIFICATE", self.der())
    }

    /// What it says.
    pub fn facts(&self) -> &Facts {
        &self.0.facts
    }

    /// SHA-256 of its DER.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// Whether it is self-issued and its signature was made with its own key.
    pub fn is_self_signed(&self) -> bool {
        self.facts().self_issued && signed_by(self, self)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl std::hash::Hash for Certificate {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.fingerprint().hash(state);
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Certificate({}, {})",
            self.facts().subject,
            self.fingerprint()
        )
    }
}

/// The subject's key as a certificate states it (RFC 5280, 4.1.2.7).
#[derive(Clone, Copy, Debug)]
pub struct StatedKey<'a> {
    /// The whole SubjectPublicKeyInfo.
    pub whole: &'a [u8],
    /// The content of its AlgorithmIdentifier.
    pub algorithm: &'a [u8],
    /// The octets of the key.
    pub octets: &'a [u8],
}

impl<'a> StatedKey<'a> {
    /// The key in the DER of a certificate; `None` where it is not where RFC 5280, 4.1 has it.
    pub fn read(certificate: &'a [u8]) -> Option<Self> {
        let whole = der::single(certificate).ok()?;
        let parts = whole.children_of(tag::SEQUENCE).ok()?;
        let signed = parts.first()?.children_of(tag::SEQUENCE).ok()?;
        let has_version = signed.first()?.tag == tag::CONTEXT_0;
        let key = signed.get(if has_version { 6 } else { 5 })?;
        match key.children_of(tag::SEQUENCE).ok()?.as_slice() {
            [algorithm, octets] if algorithm.tag == tag::SEQUENCE => Some(Self {
                whole: key.whole,
                algorithm: algorithm.content,
                octets: der::whole_octets(octets).ok()?,
            }),
            _ => None,
        }
    }
}

/// Whether the signature on `child` was made with the key of `issuer`; names and validity are not looked at.
///
/// Algorithms: RSA (2,048 to 8,192 bits) PKCS#1 and PSS (with a salt as long as the digest), ECDSA on P-256, P-384 and
/// P-521, each with SHA-256, SHA-384 or SHA-512, and Ed25519. With any other it is false.
pub fn signed_by(child: &Certificate, issuer: &Certificate) -> bool {
    let (Some((_, child)), Some((_, signer))) = (parse(child.der()), parse(issuer.der())) else {
        return false;
    };
    signature::verifies(&child, &signer, &issuer.facts().key.algorithm)
}

/// PEM of one block (RFC 7468): lines of 64 characters, each ending in a line feed.
pub fn to_pem(label: &str, der: &[u8]) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

/// Reads the structure of a certificate, and gives what follows it.
pub(super) fn parse(der: &[u8]) -> Option<(&[u8], X509Certificate<'_>)> {
    X509CertificateParser::new()
        .with_deep_parse_extensions(false)
        .parse(der)
        .ok()
}

fn facts(parsed: &X509Certificate<'_>, validity: Validity) -> Result<Facts, InvalidCertificate> {
    let signed = &parsed.tbs_certificate;
    let raw_subject = signed.subject.as_raw().to_vec();
    let raw_issuer = signed.issuer.as_raw().to_vec();
    let extensions = Extensions::decode(signed.extensions())?;
    let rare = RareFacts {
        name_constraints: extensions.name_constraints,
        subtrees: extensions.subtrees,
        policies: extensions.policies,
        policy_mappings: extensions.policy_mappings,
        policy_constraints: extensions.policy_constraints,
        inhibit_any_policy: extensions.inhibit_any_policy,
        crl_distribution_points: extensions.crl_distribution_points,
        distribution_points: extensions.distribution_points,
    };
    Ok(Facts {
        version: signed.version.0.saturating_add(1),
        subject: exactly(name::text(&raw_subject)),
        issuer: exactly(name::text(&raw_issuer)),
        raw_serial: signed.raw_serial().to_vec(),
        serial: serial(signed.raw_serial()),
        not_before: validity.not_before,
        not_after: validity.not_after,
        key: KeyFacts {
            algorithm: signature::key_algorithm(&signed.subject_pki)?,
        },
        spki_sha256: Fingerprint::of(signed.subject_pki.raw),
        signature_algorithm: signature::algorithm_name(&parsed.signature_algorithm),
        basic_constraints: extensions.basic_constraints,
        key_usage: extensions.key_usage,
        extended_key_usage: extensions.extended_key_usage,
        sans: extensions.sans,
        alternative_names: extensions.alternative_names,
        critical: extensions.critical,
        rare: (rare != RareFacts::default()).then(|| Box::new(rare)),
        subject_key_id: extensions.subject_key_id,
        authority_key_id: extensions.authority_key_id,
        self_issued: name::normal_form(&raw_subject) == name::normal_form(&raw_issuer),
        unknown_critical: extensions.unknown_critical,
        raw_subject,
        raw_issuer,
    })
}

/// A text that is kept long, without room for more.
fn exactly(mut text: String) -> String {
    text.shrink_to_fit();
    text
}

fn serial(octets: &[u8]) -> String {
    let negative = octets.first().is_some_and(|first| first & 0x80 != 0);
    let mut magnitude = octets.to_vec();
    if negative {
        // Two's complement: invert, then add one from the last octet on.
        let mut carry = true;
        for octet in magnitude.iter_mut().rev() {
            let (sum, over) = (!*octet).overflowing_add(u8::from(carry));
            (*octet, carry) = (sum, over);
        }
    }
    let zeros = magnitude.iter().take_while(|octet| **octet == 0).count();
    let digits = match magnitude.get(zeros..) {
        Some([]) | None => "00".to_owned(),
        Some(digits) => der::hex(digits),
    };
    if negative {
        format!("-{digits}")
    } else {
        digits
    }
}

#[cfg(test)]
mod tests;
