//! Certificates (RFC 5280, 4.1), with every field to be set as one likes.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::foundry::asn1::{bit_string, explicit, integer, integer_octets, sequence};
use crate::foundry::extension::{self, Extension, purpose, usage};
use crate::foundry::key::{Key, Kind, Signing};
use crate::foundry::moment;
use crate::foundry::name::{Name, cn};

/// What is wrong with a certificate or a list as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The last octet of the signature is another.
    BrokenSignature,
    /// One octet follows.
    TrailingOctet,
    /// The outermost length is written in more octets than it needs.
    LongLength,
    /// The outermost length is left open, and an end is marked (BER).
    OpenLength,
    /// The last ten octets are missing.
    CutOff,
}

/// A certificate. Its bytes are made when they are first asked for, and stay the same until something is set.
#[derive(Clone)]
pub struct Certificate {
    version: Option<u32>,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    not_before: Vec<u8>,
    not_after: Vec<u8>,
    key: Key,
    key_info: Vec<u8>,
    extensions: Vec<Extension>,
    signer: Key,
    signing: Option<Signing>,
    stated_signing: Option<Signing>,
    outer_signing: Option<Signing>,
    flaw: Option<Flaw>,
    made: OnceLock<Vec<u8>>,
}

/// A self-signed CA.
pub fn ca(name: &str) -> Certificate {
    ca_named(&cn(name))
}

/// A self-signed CA with any name.
pub fn ca_named(name: &Name) -> Certificate {
    let key = Key::new(Kind::P256);
    let mut certificate = bare(name, key);
    certificate.extensions = vec![
        extension::basic_constraints(true, None),
        extension::key_usage(&[usage::KEY_CERT_SIGN, usage::CRL_SIGN]),
        extension::subject_key_id(&certificate.key.id()),
    ];
    certificate
}

/// A client's certificate; self-signed until it is issued by somebody.
pub fn leaf(name: &str) -> Certificate {
    leaf_named(&cn(name))
}

/// A client's certificate with any name.
pub fn leaf_named(name: &Name) -> Certificate {
    let mut certificate = bare(name, Key::new(Kind::P256));
    certificate.extensions = vec![
        extension::key_usage(&[usage::DIGITAL_SIGNATURE]),
        extension::extended_key_usage(&[purpose::CLIENT_AUTH]),
    ];
    certificate
}

fn bare(name: &Name, key: Key) -> Certificate {
    static SERIAL: AtomicU32 = AtomicU32::new(1);
    let number = SERIAL.fetch_add(1, Ordering::Relaxed);
    Certificate {
        version: Some(2),
        serial: [&[0x01], number.to_be_bytes().as_slice()].concat(),
        issuer: name.der(),
        subject: name.der(),
        not_before: moment::utc("200101000000Z"),
        not_after: moment::utc("450101000000Z"),
        key_info: key.info(),
        signer: key.clone(),
        key,
        extensions: Vec::new(),
        signing: None,
        stated_signing: None,
        outer_signing: None,
        flaw: None,
        made: OnceLock::new(),
    }
}

impl Certificate {
    /// Issued by `issuer`: its name, its key, its key identifier.
    pub fn issued_by(self, issuer: &Self) -> Self {
        let id = extension::authority_key_id(&issuer.key.id());
        self.signed_with(&issuer.key)
            .set(|certificate| certificate.issuer.clone_from(&issuer.subject))
            .with(id)
    }

    /// Signed with another key; whom it names as its issuer stays.
    pub fn signed_with(self, key: &Key) -> Self {
        self.set(|certificate| certificate.signer = key.clone())
    }

    /// Names another issuer; who signs stays.
    pub fn naming_issuer(self, name: &Name) -> Self {
        self.set(|certificate| certificate.issuer = name.der())
    }

    /// Has this key. A CA takes its identifier along, and one that signed itself signs with it.
    pub fn key(self, key: &Key) -> Self {
        let old = self.key.id();
        let signs_itself = self.signer.id() == old;
        self.set(|certificate| {
            certificate.key_info = key.info();
            certificate.key = key.clone();
            if signs_itself {
                certificate.signer = key.clone();
            }
            for one in &mut certificate.extensions {
                if one.kind == extension::SUBJECT_KEY_ID {
                    *one = extension::subject_key_id(&key.id());
                }
            }
        })
    }

    /// States another public key than the one it signs with.
    pub fn key_info(self, info: &[u8]) -> Self {
        self.set(|certificate| certificate.key_info = info.to_vec())
    }

    /// `None` is version 1; `Some(1)` version 2, `Some(2)` version 3.
    pub fn version(self, version: Option<u32>) -> Self {
        self.set(|certificate| certificate.version = version)
    }

    /// Version 1, which knows no extensions.
    pub fn version_1(self) -> Self {
        self.version(None)
            .set(|certificate| certificate.extensions.clear())
    }

    /// The content octets of its serial number.
    pub fn serial(self, octets: &[u8]) -> Self {
        self.set(|certificate| certificate.serial = octets.to_vec())
    }

    /// Begins then; the DER of a Time.
    pub fn from(self, time: Vec<u8>) -> Self {
        self.set(|certificate| certificate.not_before = time)
    }

    /// Ends then; the DER of a Time.
    pub fn until(self, time: Vec<u8>) -> Self {
        self.set(|certificate| certificate.not_after = time)
    }

    /// Has an extension, instead of one of its kind that it had.
    pub fn with(self, extension: Extension) -> Self {
        self.without(extension.kind).and_again(extension)
    }

    /// Has an extension more, even if it has one of the kind.
    pub fn and_again(self, extension: Extension) -> Self {
        self.set(|certificate| certificate.extensions.push(extension))
    }

    /// Has no extension of a kind.
    pub fn without(self, kind: &str) -> Self {
        self.set(|certificate| certificate.extensions.retain(|one| one.kind != kind))
    }

    /// Is signed in another way than is usual for the key.
    pub fn signing(self, signing: Signing) -> Self {
        self.set(|certificate| certificate.signing = Some(signing))
    }

    /// States another way of signing, in both places, than it is signed in.
    pub fn signing_by_name(self, signing: Signing) -> Self {
        self.set(|certificate| certificate.stated_signing = Some(signing))
    }

    /// States another way of signing on the outside than on the inside.
    pub fn signing_outside(self, signing: Signing) -> Self {
        self.set(|certificate| certificate.outer_signing = Some(signing))
    }

    /// Has something wrong with it.
    pub fn but(self, flaw: Flaw) -> Self {
        self.set(|certificate| certificate.flaw = Some(flaw))
    }

    fn set(mut self, change: impl FnOnce(&mut Self)) -> Self {
        self.made = OnceLock::new();
        change(&mut self);
        self
    }

    /// Its key.
    pub fn own_key(&self) -> &Key {
        &self.key
    }

    /// The DER of its subject.
    pub fn subject_der(&self) -> &[u8] {
        &self.subject
    }

    /// The content octets of its serial number.
    pub fn serial_octets(&self) -> &[u8] {
        &self.serial
    }

    /// Its bytes.
    pub fn der(&self) -> &[u8] {
        self.made.get_or_init(|| self.make())
    }

    fn make(&self) -> Vec<u8> {
        let signing = self.signing.unwrap_or_else(|| self.signer.usual_signing());
        let stated = self.stated_signing.unwrap_or(signing);
        let version = self
            .version
            .map(|version| explicit(0, &[&integer(version)]))
            .unwrap_or_default();
        let extensions = if self.extensions.is_empty() {
            Vec::new()
        } else {
            explicit(3, &[&extension::all(&self.extensions)])
        };
        let signed = sequence(&[
            &version,
            &integer_octets(&self.serial),
            &stated.identifier(),
            &self.issuer,
            &sequence(&[&self.not_before, &self.not_after]),
            &self.subject,
            &self.key_info,
            &extensions,
        ]);
        let signature = self.signer.sign(signing, &signed);
        let outer = self.outer_signing.unwrap_or(stated);
        sealed(&signed, outer, signature, self.flaw)
    }
}

/// The signed part with its signature, and with what is to be wrong.
pub fn sealed(
    signed: &[u8],
    signing: Signing,
    mut signature: Vec<u8>,
    flaw: Option<Flaw>,
) -> Vec<u8> {
    if flaw == Some(Flaw::BrokenSignature) {
        let last = signature.last_mut().unwrap();
        *last ^= 1;
    }
    let mut whole = sequence(&[signed, &signing.identifier(), &bit_string(&signature)]);
    match flaw {
        None | Some(Flaw::BrokenSignature) => {}
        Some(Flaw::TrailingOctet) => whole.push(0),
        Some(Flaw::CutOff) => whole.truncate(whole.len() - 10),
        // Certificates have 256 to 65,535 octets here: 30 82 and two octets of length.
        Some(Flaw::LongLength) => {
            assert_eq!(whole[1], 0x82);
            whole[1] = 0x83;
            whole.insert(2, 0);
        }
        Some(Flaw::OpenLength) => {
            assert_eq!(whole[1], 0x82);
            whole.splice(1..4, [0x80]);
            whole.extend([0, 0]);
        }
    }
    whole
}
