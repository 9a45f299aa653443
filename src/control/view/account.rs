//! Accounts, as they are told: never with a secret.

use serde::Serialize;

use crate::control::authorise;
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::control::executing::Done;
use crate::control::view::certificate::CertificateView;
use crate::control::view::time::Time;
use crate::domain::account::{Account, AccountValues};
use crate::domain::environment::Environment;
use crate::domain::keeping;
use crate::domain::name::{AccountName, RealmName};
use crate::domain::rejection::Rejection;
use crate::domain::token::Actor;
use crate::manifest::account;
use crate::manifest::document::AccountBody;
use crate::manifest::invalid::InvalidManifest;

/// An account in a list.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub account_type: &'static str,
    /// Counts the times it was saved.
    pub revision: u64,
    /// The environments that it has values in.
    pub environments: Vec<&'static str>,
    /// The earliest end of its certificates, where it has any.
    pub expires: Option<Time>,
    /// When it was last saved.
    pub updated: Time,
}

/// An account with what may be seen of its values.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountSheet {
    /// What a list tells of it.
    #[serde(flatten)]
    pub account: AccountView,
    /// What uses it.
    pub used_by: Vec<String>,
    /// Its values in `test`.
    pub test: Option<ValuesView>,
    /// Its values in `prod`.
    pub prod: Option<ValuesView>,
}

/// What may be seen of an account's values.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValuesView {
    /// `certificate-chain`: its certificates, decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Vec<CertificateView>>,
    /// `certificate-chain`: intermediates that only help to build paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helpers: Option<Vec<CertificateView>>,
    /// Whether there is a private key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<bool>,
    /// Whether there is another secret value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<bool>,
    /// `basic`: the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `custom-auth-header`: the header's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_name: Option<String>,
    /// `api-key`: the parameter's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_param_name: Option<String>,
    /// `public-key`: the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

impl Control {
    /// A realm's accounts, by name.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn accounts(
        &self,
        actor: &Actor,
        realm: &RealmName,
    ) -> Result<Vec<AccountView>, Rejection> {
        Ok(self
            .seen_realm(actor, realm)?
            .accounts
            .values()
            .map(|account| view(account))
            .collect())
    }

    /// One account.
    ///
    /// # Errors
    /// [`Rejection`].
    pub fn account(
        &self,
        actor: &Actor,
        realm: &RealmName,
        name: &AccountName,
    ) -> Result<AccountSheet, Rejection> {
        let realm = self.seen_realm(actor, realm)?;
        let missing = || Rejection::NoAccount {
            realm: realm.name.clone(),
            account: name.clone(),
        };
        let account = realm.accounts.get(name).ok_or_else(missing)?;
        let values = |environment| account.values.get(environment).as_ref().map(values_view);
        Ok(AccountSheet {
            account: view(account),
            used_by: keeping::users(&realm, name),
            test: values(Environment::Test),
            prod: values(Environment::Prod),
        })
    }

    /// Makes or changes an account as its document says. Blocks.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn save_account(
        &self,
        actor: &Actor,
        realm: &RealmName,
        name: &AccountName,
        body: &AccountBody,
    ) -> Result<Done, ControlError> {
        authorise::inside(actor, realm, "account.save")?;
        self.change(actor, |catalog, _| {
            let present = catalog
                .realms
                .get(realm)
                .and_then(|realm| realm.accounts.get(name));
            let prefix = &self.rules.trust_account_prefix;
            let command = account::command(realm, name, body, present.map(AsRef::as_ref), prefix);
            let command = command.map_err(|source| InvalidManifest::Account {
                realm: realm.clone(),
                account: name.clone(),
                source,
            })?;
            Ok::<_, InvalidManifest>(vec![command])
        })
    }
}

fn view(account: &Account) -> AccountView {
    let there = account.values.iter().filter(|(_, values)| values.is_some());
    let ends = account
        .values
        .iter()
        .filter_map(|(_, values)| values.as_ref().and_then(AccountValues::expires));
    AccountView {
        name: account.name.to_string(),
        account_type: account.account_type.as_str(),
        revision: account.revision,
        environments: there.map(|(environment, _)| environment.as_str()).collect(),
        expires: ends.min().map(Time),
        updated: Time(account.updated),
    }
}

fn values_view(values: &AccountValues) -> ValuesView {
    let nothing = ValuesView::default();
    match values {
        AccountValues::CertificateChain {
            certificates,
            helpers,
            key,
        } => ValuesView {
            certificates: Some(CertificateView::all(certificates)),
            helpers: Some(CertificateView::all(helpers)),
            private_key: Some(key.is_some()),
            ..nothing
        },
        AccountValues::Basic { username, password } => ValuesView {
            username: Some(username.clone()),
            secret: Some(!password.is_empty()),
            ..nothing
        },
        AccountValues::CustomAuthHeader {
            header_name,
            header_value,
        } => ValuesView {
            header_name: Some(header_name.clone()),
            secret: Some(!header_value.is_empty()),
            ..nothing
        },
        AccountValues::OauthBearer { token } => ValuesView {
            secret: Some(!token.is_empty()),
            ..nothing
        },
        AccountValues::ApiKey {
            url_param_name,
            api_key,
        } => ValuesView {
            url_param_name: Some(url_param_name.clone()),
            secret: Some(!api_key.is_empty()),
            ..nothing
        },
        AccountValues::PrivateKey { key, passphrase } => ValuesView {
            private_key: Some(!key.is_empty()),
            secret: Some(!passphrase.is_empty()),
            ..nothing
        },
        AccountValues::PublicKey { key } => ValuesView {
            public_key: Some(key.clone()),
            ..nothing
        },
        AccountValues::SecretKey { key } => ValuesView {
            secret: Some(!key.is_empty()),
            ..nothing
        },
    }
}
