//! The row of an account. Certificates, names and public keys lie open; everything secret is sealed.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::account::{Account, AccountType, AccountValues};
use crate::domain::environment::{Environment, PerEnvironment};
use crate::domain::name::AccountName;
use crate::pki::key::PrivateKey;
use crate::pki::secret::Secret;
use crate::store::row::codec::{self, Bytes, RowError};
use crate::store::row::installation::{Certificates, der};
use crate::store::seal::RowSeal;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountRowV1<'a> {
    #[serde(rename = "type")]
    account_type: &'a str,
    revision: u64,
    updated: i64,
    #[serde(borrow)]
    test: Option<ValuesV1<'a>>,
    #[serde(borrow)]
    prod: Option<ValuesV1<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum ValuesV1<'a> {
    CertificateChain {
        #[serde(borrow)]
        certificates: Vec<Bytes<'a>>,
        helpers: Vec<Bytes<'a>>,
        sealed_key: Option<Bytes<'a>>,
    },
    Basic {
        username: &'a str,
        sealed_password: Bytes<'a>,
    },
    CustomAuthHeader {
        header_name: &'a str,
        sealed_header_value: Bytes<'a>,
    },
    OauthBearer {
        sealed_token: Bytes<'a>,
    },
    ApiKey {
        url_param_name: &'a str,
        sealed_api_key: Bytes<'a>,
    },
    PrivateKey {
        sealed_key: Bytes<'a>,
        sealed_passphrase: Bytes<'a>,
    },
    PublicKey {
        key: &'a str,
    },
    SecretKey {
        sealed_key: Bytes<'a>,
    },
}

/// The row of an account.
pub(crate) fn encode(account: &Account, seal: &RowSeal<'_>) -> Result<Vec<u8>, RowError> {
    let values = |environment| {
        let values = account.values.get(environment).as_ref();
        values
            .map(|values| seal_values(values, environment, seal))
            .transpose()
    };
    let row = AccountRowV1 {
        account_type: account.account_type.as_str(),
        revision: account.revision,
        updated: account.updated.unix_millis(),
        test: values(Environment::Test)?,
        prod: values(Environment::Prod)?,
    };
    codec::encode(VERSION, &row, seal)
}

/// The account of a row.
pub(crate) fn decode(
    name: &str,
    row: &[u8],
    seal: &RowSeal<'_>,
    certificates: &mut Certificates,
) -> Result<Account, RowError> {
    let (_, body) = codec::open(VERSION, row, seal)?;
    let row: AccountRowV1<'_> = codec::decode(body)?;
    let mut open = |values: Option<ValuesV1<'_>>, environment| {
        values
            .map(|values| open_values(&values, environment, seal, certificates))
            .transpose()
    };
    Ok(Account {
        name: AccountName::parse(name)?,
        account_type: AccountType::parse(row.account_type)?,
        revision: row.revision,
        values: PerEnvironment {
            test: open(row.test, Environment::Test)?,
            prod: open(row.prod, Environment::Prod)?,
        },
        updated: codec::moment(row.updated),
    })
}

fn seal_values<'a>(
    values: &'a AccountValues,
    environment: Environment,
    seal: &RowSeal<'_>,
) -> Result<ValuesV1<'a>, RowError> {
    let sealed = |field, secret: &[u8]| -> Result<Bytes<'a>, RowError> {
        Ok(seal.seal(environment.as_str(), field, secret)?.into())
    };
    Ok(match values {
        AccountValues::CertificateChain {
            certificates,
            helpers,
            key,
        } => ValuesV1::CertificateChain {
            certificates: der(certificates),
            helpers: der(helpers),
            sealed_key: key
                .as_ref()
                .map(|key| sealed("key", key.pkcs8()))
                .transpose()?,
        },
        AccountValues::Basic { username, password } => ValuesV1::Basic {
            username,
            sealed_password: sealed("password", password.expose())?,
        },
        AccountValues::CustomAuthHeader {
            header_name,
            header_value,
        } => {
            let sealed_header_value = sealed("header-value", header_value.expose())?;
            ValuesV1::CustomAuthHeader {
                header_name,
                sealed_header_value,
            }
        }
        AccountValues::OauthBearer { token } => ValuesV1::OauthBearer {
            sealed_token: sealed("token", token.expose())?,
        },
        AccountValues::ApiKey {
            url_param_name,
            api_key,
        } => ValuesV1::ApiKey {
            url_param_name,
            sealed_api_key: sealed("api-key", api_key.expose())?,
        },
        AccountValues::PrivateKey { key, passphrase } => ValuesV1::PrivateKey {
            sealed_key: sealed("key", key.expose())?,
            sealed_passphrase: sealed("passphrase", passphrase.expose())?,
        },
        AccountValues::PublicKey { key } => ValuesV1::PublicKey { key },
        AccountValues::SecretKey { key } => ValuesV1::SecretKey {
            sealed_key: sealed("key", key.expose())?,
        },
    })
}

fn open_values(
    values: &ValuesV1<'_>,
    environment: Environment,
    seal: &RowSeal<'_>,
    certificates: &mut Certificates,
) -> Result<AccountValues, RowError> {
    let open = |field, sealed: &Bytes<'_>| seal.open(environment.as_str(), field, &sealed.0);
    let secret = |field, sealed: &Bytes<'_>| -> Result<Secret, RowError> {
        let mut opened: Zeroizing<Vec<u8>> = open(field, sealed)?;
        Ok(Secret::from_bytes(std::mem::take(&mut *opened)))
    };
    Ok(match values {
        ValuesV1::CertificateChain {
            certificates: chain,
            helpers,
            sealed_key,
        } => {
            let key = match sealed_key {
                Some(sealed) => Some(PrivateKey::from_der(&open("key", sealed)?)?),
                None => None,
            };
            AccountValues::CertificateChain {
                certificates: certificates.read_all(chain)?,
                helpers: certificates.read_all(helpers)?,
                key,
            }
        }
        ValuesV1::Basic {
            username,
            sealed_password,
        } => AccountValues::Basic {
            username: (*username).to_owned(),
            password: secret("password", sealed_password)?,
        },
        ValuesV1::CustomAuthHeader {
            header_name,
            sealed_header_value,
        } => AccountValues::CustomAuthHeader {
            header_name: (*header_name).to_owned(),
            header_value: secret("header-value", sealed_header_value)?,
        },
        ValuesV1::OauthBearer { sealed_token } => AccountValues::OauthBearer {
            token: secret("token", sealed_token)?,
        },
        ValuesV1::ApiKey {
            url_param_name,
            sealed_api_key,
        } => AccountValues::ApiKey {
            url_param_name: (*url_param_name).to_owned(),
            api_key: secret("api-key", sealed_api_key)?,
        },
        ValuesV1::PrivateKey {
            sealed_key,
            sealed_passphrase,
        } => AccountValues::PrivateKey {
            key: secret("key", sealed_key)?,
            passphrase: secret("passphrase", sealed_passphrase)?,
        },
        ValuesV1::PublicKey { key } => AccountValues::PublicKey {
            key: (*key).to_owned(),
        },
        ValuesV1::SecretKey { sealed_key } => AccountValues::SecretKey {
            key: secret("key", sealed_key)?,
        },
    })
}
