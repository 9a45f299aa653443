//! The shapes of a manifest. They are the TOML of `realmgate apply` and the JSON bodies of the admin API.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer};
use serde::{Deserialize as Read, Serialize as Write};
use serde_json::Value;

use crate::clock::Moment;
use crate::domain::account::AccountType;
use crate::domain::address::BaseUrl;
use crate::domain::crl_source::CrlUrl;
use crate::domain::environment::Environment;
use crate::domain::media_type::MediaRange;
use crate::domain::name::{AccountName, ConnectionName, CrlSourceName, PipelineName, RealmName};
use crate::domain::trigger::{Method, RoutePattern};
use crate::domain::trust_policy::{HandshakePolicy, Pin, RevocationScope, Signatures};
use crate::manifest::connection::{BaseUrlDocument, TrustDocument};
use crate::manifest::denial::DenyDocument;
use crate::manifest::given::GivenSecret;
use crate::manifest::text::Text;
use crate::manifest::trust::{OutOfDateDocument, RecordBytesDocument};
use crate::pki::fingerprint::Fingerprint;
use crate::rule::client_rule::ClientRule;

/// A whole manifest.
#[derive(Clone, Debug, Default, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Document {
    /// The realms that it tells of.
    #[serde(default)]
    pub realm: Vec<RealmDocument>,
}

/// A change of whom a realm trusts in one environment, to be thought through before it is made. What is named happens in
/// the order of the fields.
#[derive(Clone, Debug, Default, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ChangeDocument {
    /// A manifest is applied. Of the realms in it, it may name this one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Document>,
    /// The certificates of these accounts are installed: those of the request that waits, else the account's present
    /// ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub install: Vec<Text<AccountName>>,
    /// The installations of these accounts are removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<Text<AccountName>>,
    /// These are put on the deny list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<DenyDocument>,
}

/// One realm.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RealmDocument {
    /// Its name.
    pub name: Text<RealmName>,
    /// Whether it serves; left out, it stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<RealmStateWord>,
    /// Its accounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub account: Vec<AccountDocument>,
    /// Which accounts are to be its trust.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub installation: Vec<InstallationDocument>,
    /// What it asks of its clients in an environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust: Vec<RealmTrustDocument>,
    /// Its outgoing targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connection: Vec<ConnectionDocument>,
    /// Its pipelines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pipeline: Vec<PipelineDocument>,
    /// What is deployed where.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployment: Vec<DeploymentDocument>,
}

/// Whether a realm serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Read, Write)]
#[serde(rename_all = "kebab-case")]
pub enum RealmStateWord {
    /// It does.
    Active,
    /// Nothing of it answers.
    Suspended,
}

/// An account with its name.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AccountDocument {
    /// Its name.
    pub name: Text<AccountName>,
    /// Its type.
    #[serde(rename = "type")]
    pub account_type: Text<AccountType>,
    /// Its values in `test`; left out, they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<ValuesDocument>,
    /// Its values in `prod`; left out, they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prod: Option<ValuesDocument>,
}

/// An account whose name stands elsewhere: the body of a `PUT`.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AccountBody {
    /// Its type.
    #[serde(rename = "type")]
    pub account_type: Text<AccountType>,
    /// Its values in `test`; left out, they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<ValuesDocument>,
    /// Its values in `prod`; left out, they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prod: Option<ValuesDocument>,
}

/// The values of an account in one environment. Which of them are asked for depends on its type. A field `x-file` names
/// a file, relative to the manifest, that holds the value of `x`.
#[derive(Clone, Debug, Default, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ValuesDocument {
    /// `true` removes the values of this environment; nothing else may stand beside it.
    #[serde(skip_serializing_if = "is_false")]
    pub clear: bool,
    /// `certificate-chain`: certificates as PEM, optionally with their private key; `keep` leaves all that is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<GivenSecret>,
    /// The same as base64 of DER or PKCS#12.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_base64: Option<GivenSecret>,
    /// The same in a file: PEM, DER or PKCS#12.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_file: Option<String>,
    /// `certificate-chain`: intermediates that only help to build paths, as PEM; left out, there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helpers: Option<String>,
    /// The same as base64 of DER or PKCS#12.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helpers_base64: Option<String>,
    /// The same in a file: PEM, DER or PKCS#12.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helpers_file: Option<String>,
    /// `certificate-chain`: the private key as PEM, where it is not in the chain. `private-key`, `public-key` and
    /// `secret-key`: the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<GivenSecret>,
    /// The same in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
    /// `basic`: the password. `certificate-chain`: of an encrypted key or PKCS#12 file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<GivenSecret>,
    /// The same in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<String>,
    /// `basic`: the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `custom-auth-header`: the header's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_name: Option<String>,
    /// `custom-auth-header`: the header's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_value: Option<GivenSecret>,
    /// The same in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_value_file: Option<String>,
    /// `oauth-bearer`: the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<GivenSecret>,
    /// The same in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<String>,
    /// `api-key`: the name of the URL parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_param_name: Option<String>,
    /// `api-key`: the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<GivenSecret>,
    /// The same in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_file: Option<String>,
    /// `private-key`: what the key is encrypted with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<GivenSecret>,
    /// The same in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase_file: Option<String>,
}

/// An account that is to be a realm's trust in one environment.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InstallationDocument {
    /// Which account.
    pub account: Text<AccountName>,
    /// Where.
    pub environment: Text<Environment>,
    /// How far it is to go; `installed` unless stated.
    #[serde(default)]
    pub state: InstallationStateWord,
    /// The account's revision that was reviewed; another one is not installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Until when it is to stay at work, where it retires; left out, nothing is told of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Text<Moment>>,
}

/// How far an installation is to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Read, Write)]
#[serde(rename_all = "kebab-case")]
pub enum InstallationStateWord {
    /// An operator is asked.
    Requested,
    /// It is put to work; a realm admin's manifest can only ask for it.
    #[default]
    Installed,
    /// It is put to work, and announced to go.
    Retiring,
}

/// What a realm asks of its clients in one environment, beyond a chain to one of its anchors. Keys that are left out stay
/// as they are.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RealmTrustDocument {
    /// Where.
    pub environment: Text<Environment>,
    /// Which certificates of a client's path are looked up in revocation lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Text<RevocationScope>>,
    /// What a list is worth after its nextUpdate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crl_out_of_date: Option<OutOfDateDocument>,
    /// With what certificates may be signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatures: Option<Text<Signatures>>,
    /// The clients that are expected: all of the pins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pins: Option<Vec<Text<Pin>>>,
    /// Whether the realm's own host tells the names of its anchors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_names: Option<bool>,
    /// What becomes of the handshake of a client that is not let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake: Option<Text<HandshakePolicy>>,
    /// How much content a TLS record has at most that the realm's own host sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_bytes: Option<RecordBytesDocument>,
    /// Anchors with an exception: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Vec<AnchorDocument>>,
    /// Revocation lists as PEM, several in one text where that is easier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crls: Vec<String>,
    /// Revocation lists as base64 of DER.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crls_base64: Vec<String>,
    /// Files, relative to the manifest, of revocation lists in PEM or DER.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crl_files: Vec<String>,
    /// What is let in no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<DenyDocument>,
    /// What revocation lists are fetched from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crl_source: Vec<CrlSourceDocument>,
}

/// A trust policy whose place stands elsewhere: the body of a `PUT`. Keys that are left out stay as they are.
#[derive(Clone, Debug, Default, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TrustBody {
    /// Which certificates of a client's path are looked up in revocation lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Text<RevocationScope>>,
    /// What a list is worth after its nextUpdate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crl_out_of_date: Option<OutOfDateDocument>,
    /// With what certificates may be signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signatures: Option<Text<Signatures>>,
    /// The clients that are expected: all of the pins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pins: Option<Vec<Text<Pin>>>,
    /// Whether the realm's own host tells the names of its anchors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_names: Option<bool>,
    /// What becomes of the handshake of a client that is not let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake: Option<Text<HandshakePolicy>>,
    /// How much content a TLS record has at most that the realm's own host sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_bytes: Option<RecordBytesDocument>,
    /// Anchors with an exception: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Vec<AnchorDocument>>,
}

/// What holds of the clients of one anchor; keys that are left out are as for all others.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AnchorDocument {
    /// The SHA-256 of the anchor.
    pub sha256: Text<Fingerprint>,
    /// Which certificates of a client's path are looked up in revocation lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Text<RevocationScope>>,
    /// What a list is worth after its nextUpdate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crl_out_of_date: Option<OutOfDateDocument>,
}

/// What revocation lists are fetched from.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CrlSourceDocument {
    /// What it is called.
    pub name: Text<CrlSourceName>,
    /// Where it is.
    pub url: Text<CrlUrl>,
}

/// What revocation lists are fetched from, whose name stands elsewhere: the body of a `PUT`.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CrlSourceBody {
    /// Where it is.
    pub url: Text<CrlUrl>,
}

/// Revocation lists: the body of a `POST`.
#[derive(Clone, Debug, Default, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CrlsBody {
    /// Revocation lists as PEM, several in one text where that is easier.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crls: Vec<String>,
    /// Revocation lists as base64 of DER.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub crls_base64: Vec<String>,
}

/// A connection with its name.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConnectionDocument {
    /// Its name.
    pub name: Text<ConnectionName>,
    /// Where it leads.
    pub base_url: BaseUrlDocument,
    /// Whom we trust there; the system's roots unless stated.
    #[serde(default)]
    pub trust: TrustDocument,
    /// How long connecting may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout_ms: Option<u32>,
    /// How many unused connections each worker keeps at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_connections_max: Option<u16>,
    /// How long an unused connection is kept, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_ms: Option<u32>,
}

/// A connection whose name stands elsewhere: the body of a `PUT`.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConnectionBody {
    /// Where it leads.
    pub base_url: BaseUrlDocument,
    /// Whom we trust there; the system's roots unless stated.
    #[serde(default)]
    pub trust: TrustDocument,
    /// How long connecting may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout_ms: Option<u32>,
    /// How many unused connections each worker keeps at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_connections_max: Option<u16>,
    /// How long an unused connection is kept, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_timeout_ms: Option<u32>,
}

/// A base URL for each environment.
#[derive(Clone, Debug, PartialEq, Eq, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BaseUrls {
    /// Where it leads in `test`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Text<BaseUrl>>,
    /// Where it leads in `prod`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prod: Option<Text<BaseUrl>>,
}

/// A pipeline with its name and major version.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PipelineDocument {
    /// Its name.
    pub name: Text<PipelineName>,
    /// Its major version, from 1.
    pub major: u16,
    /// How it is called.
    pub trigger: TriggerDocument,
    /// What answers.
    pub handler: HandlerDocument,
}

/// A pipeline whose name and major version stand elsewhere: the body of a `PUT`.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PipelineBody {
    /// How it is called.
    pub trigger: TriggerDocument,
    /// What answers.
    pub handler: HandlerDocument,
}

/// The kinds of trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Read, Write)]
#[serde(rename_all = "kebab-case")]
pub enum TriggerWord {
    /// Takes and gives whatever content there is.
    Rest,
    /// Holds requests and answers to content types.
    Http,
}

/// How a pipeline is called.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TriggerDocument {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: TriggerWord,
    /// Admitted methods; all of them unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub methods: Option<Vec<Text<Method>>>,
    /// `http`: the content types of requests that are admitted; all of them unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_content_types: Option<Vec<Text<MediaRange>>>,
    /// `http`: the content types that answers may have; `application/json` unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_content_types: Option<Vec<Text<MediaRange>>>,
    /// How long the answer's head may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// The largest request body, in MB of 1,048,576 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_size_mb: Option<u32>,
    /// *External API*; must be stated where `mtls` is on, else on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<bool>,
    /// *Internal API*.
    #[serde(default)]
    pub internal: bool,
    /// *mTLS enabled API*.
    #[serde(default)]
    pub mtls: bool,
    /// Additional routes below the pipeline's path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Text<RoutePattern>>,
    /// Which verified clients may call on the mtls gateway: a CEL expression; all of them unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_rule: Option<Text<ClientRule>>,
    /// Headers added to the answer; values may hold `{{ … }}` expressions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub response_headers: BTreeMap<String, String>,
}

/// The kinds of handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Read, Write)]
#[serde(rename_all = "kebab-case")]
pub enum HandlerWord {
    /// Answers with a document.
    Mock,
    /// Answers with the message.
    Echo,
    /// Passes the call on to a connection.
    Upstream,
}

/// What answers. Which fields are asked for depends on its type.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HandlerDocument {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: HandlerWord,
    /// `mock`: any JSON value, with `{{ … }}` expressions in its strings.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub document: Option<Value>,
    /// `mock`: the same as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_json: Option<String>,
    /// `upstream`: the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Text<ConnectionName>>,
    /// `upstream`: whether it gets readable `X-Client-Cert-*` headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readable_identity_headers: Option<bool>,
    /// `upstream`: whether it gets Envoy's `X-Forwarded-Client-Cert`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x_forwarded_client_cert: Option<bool>,
}

/// A pipeline that is to be deployed.
#[derive(Clone, Debug, Read, Write)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeploymentDocument {
    /// The pipeline's name.
    pub pipeline: Text<PipelineName>,
    /// Its major version.
    pub major: u16,
    /// Where it is to serve.
    pub environments: Vec<Text<Environment>>,
}

impl From<&AccountDocument> for AccountBody {
    fn from(document: &AccountDocument) -> Self {
        Self {
            account_type: document.account_type.clone(),
            test: document.test.clone(),
            prod: document.prod.clone(),
        }
    }
}

impl From<&ConnectionDocument> for ConnectionBody {
    fn from(document: &ConnectionDocument) -> Self {
        Self {
            base_url: document.base_url.clone(),
            trust: document.trust.clone(),
            connect_timeout_ms: document.connect_timeout_ms,
            idle_connections_max: document.idle_connections_max,
            idle_timeout_ms: document.idle_timeout_ms,
        }
    }
}

impl From<&PipelineDocument> for PipelineBody {
    fn from(document: &PipelineDocument) -> Self {
        Self {
            trigger: document.trigger.clone(),
            handler: document.handler.clone(),
        }
    }
}

/// Tells `null` from a field that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}
