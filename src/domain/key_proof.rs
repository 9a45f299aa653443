//! Proof that whoever brings a CA holds its key: the challenge, and what answers it.

use std::fmt;

use crate::clock::Moment;
use crate::domain::environment::Environment;
use crate::domain::installation::Installation;
use crate::domain::name::{AccountName, RealmName};
use crate::pki::certificate::{self, Certificate};
use crate::pki::fingerprint::Fingerprint;
use crate::pki::name;
use crate::pki::signature;

/// commonName (RFC 5280, appendix A.1), as content octets.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];

/// What stands in front of a token where a certificate bears it as a URI.
pub const TOKEN_URN: &str = "urn:realmgate:challenge:";

/// The random part of a challenge: 32 bytes that nobody could have foreseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge(pub [u8; 32]);

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Where certificates become anchors only with proof of their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProofDemand {
    /// Nowhere.
    #[default]
    Off,
    /// In `prod`.
    Prod,
    /// In both environments.
    All,
}

impl ProofDemand {
    /// Reads the word of a setting.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "off" => Some(Self::Off),
            "prod" => Some(Self::Prod),
            "all" => Some(Self::All),
            _ => None,
        }
    }

    /// Whether proof is asked for in `environment`.
    pub const fn holds_in(self, environment: Environment) -> bool {
        match (self, environment) {
            (Self::Off, _) | (Self::Prod, Environment::Test) => false,
            (Self::Prod, Environment::Prod) | (Self::All, _) => true,
        }
    }
}

/// What is asked of a certificate before it becomes an anchor, besides the operator's review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntakeRules {
    /// Where proof of the CA's key is asked for.
    pub ca_key_proof: ProofDemand,
    /// How many handshakes clients of the anchor must have made in `test` before it is installed in `prod`.
    pub prod_handshakes_required: u64,
}

/// How a key was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofWay {
    /// The challenge was signed with it.
    Signature,
    /// A certificate that bears the challenge was issued with it.
    Certificate,
}

impl ProofWay {
    /// The word used everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Certificate => "certificate",
        }
    }
}

/// That the key of one certificate was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyProof {
    /// The SHA-256 of the certificate.
    pub anchor: Fingerprint,
    /// How.
    pub way: ProofWay,
    /// When.
    pub at: Moment,
    /// Who brought the proof.
    pub by: String,
}

/// What somebody brings as proof.
#[derive(Clone, Debug)]
pub enum GivenProof {
    /// A signature over the text of the challenge.
    Signature(Vec<u8>),
    /// A certificate that bears the token of the challenge.
    Certificate(Certificate),
}

impl GivenProof {
    /// How it proves.
    pub const fn way(&self) -> ProofWay {
        match self {
            Self::Signature(_) => ProofWay::Signature,
            Self::Certificate(_) => ProofWay::Certificate,
        }
    }
}

/// What the key of one certificate has to answer. It names everything that the answer is for, so that it can be taken
/// for nothing else and counts nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The exact bytes to be signed; their last is a line feed.
    pub text: String,
    /// The SHA-256 of the text, as 64 hexadecimal digits: as much as fits into a common name.
    pub token: String,
}

impl Question {
    /// The question of `challenge` to the key of `anchor`.
    pub fn of(
        realm: &RealmName,
        installation: &Installation,
        challenge: Challenge,
        anchor: &Fingerprint,
    ) -> Self {
        let (environment, account) = (installation.environment, &installation.account);
        let revision = installation.account_revision;
        Self::written(realm, environment, account, revision, challenge, anchor)
    }

    fn written(
        realm: &RealmName,
        environment: Environment,
        account: &AccountName,
        revision: u64,
        challenge: Challenge,
        anchor: &Fingerprint,
    ) -> Self {
        let text = format!(
            "realmgate: proof that the registrant holds the key of a CA\nrealm: {realm}\nenvironment: {environment}\n\
             account: {account}\nrevision: {revision}\nCA SHA-256: {anchor}\nchallenge: {challenge}\n"
        );
        let token = Fingerprint::of(text.as_bytes()).to_string();
        Self { text, token }
    }

    /// Whether `proof` answers it with the key of `anchor`.
    ///
    /// # Errors
    /// Why it does not.
    pub fn answered_by(&self, proof: &GivenProof, anchor: &Certificate) -> Result<(), Unproven> {
        match proof {
            GivenProof::Signature(signature) => {
                if signature::signed_with(anchor, self.text.as_bytes(), signature) {
                    Ok(())
                } else {
                    Err(Unproven::Signature)
                }
            }
            GivenProof::Certificate(given) if !self.is_borne_by(given) => Err(Unproven::Token),
            GivenProof::Certificate(given) if given.facts().is_ca() => Err(Unproven::Ca),
            GivenProof::Certificate(given) if !certificate::signed_by(given, anchor) => {
                Err(Unproven::Issuer)
            }
            GivenProof::Certificate(_) => Ok(()),
        }
    }

    /// Whether a certificate names the token, as its common name or as a URI among its alternative names.
    fn is_borne_by(&self, given: &Certificate) -> bool {
        let facts = given.facts();
        // As the values stand in the certificate: in text another attribute could pretend to be one.
        let names = name::values(&facts.raw_subject, COMMON_NAME).unwrap_or_default();
        let uri = format!("URI:{TOKEN_URN}{}", self.token);
        names.iter().flatten().any(|name| *name == self.token)
            || facts.sans.iter().any(|of| of.eq_ignore_ascii_case(&uri))
    }
}

/// Why something is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// A signature that none of the accepted algorithms confirms.
    #[error(
        "the signature does not hold over the challenge: sign the very file that 'realmgate installation challenge --out' wrote, with the CA's own key and SHA-256, SHA-384 or SHA-512 (Ed25519: without a digest)"
    )]
    Signature,
    /// A certificate without the token.
    #[error(
        "the certificate does not bear the challenge: give it the token that 'realmgate installation challenge' tells as its common name (CN), or as URI urn:realmgate:challenge:TOKEN among its alternative names; a token counts for one realm, environment, account, revision and CA only"
    )]
    Token,
    /// A certificate of a CA.
    #[error("the certificate is itself a CA's: issue one that is not")]
    Ca,
    /// A certificate of another issuer.
    #[error("the certificate was not signed with the CA's key: issue it with the CA itself")]
    Issuer,
}

#[cfg(test)]
mod tests;
