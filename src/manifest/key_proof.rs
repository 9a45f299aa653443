//! Proofs that a registrant holds a CA's key, as bodies bring them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::domain::key_proof::GivenProof;
use crate::manifest::text::Text;
use crate::pki::fingerprint::Fingerprint;
use crate::pki::upload::{self, InvalidUpload};

/// A proof: the body of a `POST`. It holds a signature or a certificate.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct KeyProofBody {
    /// The SHA-256 of the CA's certificate; left out, whichever of the account's it is a proof of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<Text<Fingerprint>>,
    /// A signature over the text of the challenge, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_base64: Option<String>,
    /// A certificate that bears the token of the challenge, as PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The same as base64 of a file, PEM or DER.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_base64: Option<String>,
}

/// A body that holds no proof that could be looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeyProof {
    /// None, or several.
    #[error("give one of 'signature-base64', 'certificate' and 'certificate-base64'")]
    NotOne,
    /// Not base64.
    #[error("'{key}' is no base64")]
    Base64 {
        /// Which.
        key: &'static str,
    },
    /// Not a certificate.
    #[error("the certificate cannot be read: {0}")]
    Certificate(InvalidUpload),
    /// A key without its certificate.
    #[error("there is no certificate in it: give the one that the CA issued")]
    NoCertificate,
}

impl KeyProofBody {
    /// A signature, as it stands in a file.
    pub fn of_signature(bytes: &[u8]) -> Self {
        Self {
            signature_base64: Some(STANDARD.encode(bytes)),
            ..Self::default()
        }
    }

    /// A certificate, as it stands in a file: PEM or DER.
    pub fn of_certificate(bytes: &[u8]) -> Self {
        Self {
            certificate_base64: Some(STANDARD.encode(bytes)),
            ..Self::default()
        }
    }

    /// The proof in it. Of several certificates, the first counts.
    ///
    /// # Errors
    /// [`InvalidKeyProof`].
    pub fn read(&self) -> Result<GivenProof, InvalidKeyProof> {
        match (
            &self.signature_base64,
            &self.certificate,
            &self.certificate_base64,
        ) {
            (Some(signature), None, None) => {
                decode("signature-base64", signature).map(GivenProof::Signature)
            }
            (None, Some(pem), None) => certificate(pem.as_bytes()),
            (None, None, Some(text)) => certificate(&decode("certificate-base64", text)?),
            _ => Err(InvalidKeyProof::NotOne),
        }
    }
}

fn decode(key: &'static str, text: &str) -> Result<Vec<u8>, InvalidKeyProof> {
    STANDARD
        .decode(text.trim())
        .map_err(|_| InvalidKeyProof::Base64 { key })
}

fn certificate(bytes: &[u8]) -> Result<GivenProof, InvalidKeyProof> {
    let read = upload::read(bytes, None).map_err(InvalidKeyProof::Certificate)?;
    let first = read.certificates.into_iter().next();
    first
        .map(GivenProof::Certificate)
        .ok_or(InvalidKeyProof::NoCertificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_one_thing_that_can_be_read() {
        let some = |text: &str| Some(text.to_owned());
        let read = |body: KeyProofBody| body.read().map(|proof| proof.way().as_str());
        let signature = KeyProofBody {
            signature_base64: some("AAEC\n"),
            ..KeyProofBody::default()
        };
        assert_eq!(read(signature.clone()), Ok("signature"));
        assert_eq!(read(KeyProofBody::default()), Err(InvalidKeyProof::NotOne));
        let both = KeyProofBody {
            certificate: some("x"),
            ..signature
        };
        assert_eq!(read(both), Err(InvalidKeyProof::NotOne));
        let key = "signature-base64";
        let garbled = KeyProofBody {
            signature_base64: some("*"),
            ..KeyProofBody::default()
        };
        assert_eq!(read(garbled), Err(InvalidKeyProof::Base64 { key }));
        let no_certificate = KeyProofBody {
            certificate: some("hello"),
            ..KeyProofBody::default()
        };
        assert!(matches!(
            read(no_certificate),
            Err(InvalidKeyProof::Certificate(_))
        ));
    }
}
