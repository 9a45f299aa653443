//! Accounts: named credentials of a realm, with separate values per environment.

use std::fmt;

use crate::clock::Moment;
use crate::domain::environment::{Environment, InvalidWord, PerEnvironment};
use crate::domain::name::AccountName;
use crate::pki::certificate::Certificate;
use crate::pki::key::PrivateKey;
use crate::pki::secret::Secret;

/// What kind of credential an account holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountType {
    /// Certificates, and a private key where they identify us.
    CertificateChain,
    /// A name and a password.
    Basic,
    /// A header of one's own.
    CustomAuthHeader,
    /// A bearer token.
    OauthBearer,
    /// A key in a URL parameter.
    ApiKey,
    /// A private key.
    PrivateKey,
    /// A public key.
    PublicKey,
    /// A symmetric key.
    SecretKey,
}

impl AccountType {
    /// All types, in the order of the specification.
    pub const ALL: [Self; 8] = [
        Self::CertificateChain,
        Self::Basic,
        Self::CustomAuthHeader,
        Self::OauthBearer,
        Self::ApiKey,
        Self::PrivateKey,
        Self::PublicKey,
        Self::SecretKey,
    ];

    /// The word used everywhere, for example `certificate-chain`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CertificateChain => "certificate-chain",
            Self::Basic => "basic",
            Self::CustomAuthHeader => "custom-auth-header",
            Self::OauthBearer => "oauth-bearer",
            Self::ApiKey => "api-key",
            Self::PrivateKey => "private-key",
            Self::PublicKey => "public-key",
            Self::SecretKey => "secret-key",
        }
    }

    /// Reads the word of a type.
    ///
    /// # Errors
    /// [`InvalidWord`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidWord> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(InvalidWord {
            what: "account type",
            allowed: "certificate-chain, basic, custom-auth-header, oauth-bearer, api-key, private-key, public-key or secret-key",
        })
    }
}

impl fmt::Display for AccountType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The values of an account in one environment. Equality compares secrets too, in constant time.
#[derive(Clone, Debug, PartialEq)]
pub enum AccountValues {
    /// Certificates in the order given. As a trust source each of them becomes an anchor; as an identity the leaf
    /// comes first.
    CertificateChain {
        /// The certificates of the field *chain*.
        certificates: Vec<Certificate>,
        /// Intermediates that only help to build paths and are not trusted by themselves.
        helpers: Vec<Certificate>,
        /// The private key that belongs to the first certificate; never in a trust source.
        key: Option<PrivateKey>,
    },
    /// HTTP Basic.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A header of one's own.
    CustomAuthHeader {
        /// The header's name.
        header_name: String,
        /// Its value.
        header_value: Secret,
    },
    /// A bearer token.
    OauthBearer {
        /// The token.
        token: Secret,
    },
    /// A key in a URL parameter.
    ApiKey {
        /// The parameter's name.
        url_param_name: String,
        /// The key.
        api_key: Secret,
    },
    /// A private key.
    PrivateKey {
        /// The key as text.
        key: Secret,
        /// What it is encrypted with; empty if it is not.
        passphrase: Secret,
    },
    /// A public key.
    PublicKey {
        /// The key as text.
        key: String,
    },
    /// A symmetric key.
    SecretKey {
        /// The key.
        key: Secret,
    },
}

impl AccountValues {
    /// The type that these are values of.
    pub const fn account_type(&self) -> AccountType {
        match self {
            Self::CertificateChain { .. } => AccountType::CertificateChain,
            Self::Basic { .. } => AccountType::Basic,
            Self::CustomAuthHeader { .. } => AccountType::CustomAuthHeader,
            Self::OauthBearer { .. } => AccountType::OauthBearer,
            Self::ApiKey { .. } => AccountType::ApiKey,
            Self::PrivateKey { .. } => AccountType::PrivateKey,
            Self::PublicKey { .. } => AccountType::PublicKey,
            Self::SecretKey { .. } => AccountType::SecretKey,
        }
    }

    /// The earliest end of the certificates, where there are any.
    pub fn expires(&self) -> Option<Moment> {
        match self {
            Self::CertificateChain { certificates, .. } => certificates
                .iter()
                .map(|certificate| certificate.facts().not_after)
                .min(),
            Self::Basic { .. }
            | Self::CustomAuthHeader { .. }
            | Self::OauthBearer { .. }
            | Self::ApiKey { .. }
            | Self::PrivateKey { .. }
            | Self::PublicKey { .. }
            | Self::SecretKey { .. } => None,
        }
    }
}

/// A named credential of a realm.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name.
    pub name: AccountName,
    /// Its type; fixed once made.
    pub account_type: AccountType,
    /// Counts the times it was saved, from 1. `install` names the revision that was shown.
    pub revision: u64,
    /// Its values, where an environment has any.
    pub values: PerEnvironment<Option<AccountValues>>,
    /// When it was last saved.
    pub updated: Moment,
}

impl Account {
    /// The certificates and helpers of `environment`, where this is a certificate chain with values there.
    pub fn chain(&self, environment: Environment) -> Option<(&[Certificate], &[Certificate])> {
        match self.values.get(environment) {
            Some(AccountValues::CertificateChain {
                certificates,
                helpers,
                ..
            }) => Some((certificates, helpers)),
            Some(
                AccountValues::Basic { .. }
                | AccountValues::CustomAuthHeader { .. }
                | AccountValues::OauthBearer { .. }
                | AccountValues::ApiKey { .. }
                | AccountValues::PrivateKey { .. }
                | AccountValues::PublicKey { .. }
                | AccountValues::SecretKey { .. },
            )
            | None => None,
        }
    }
}
