//! Parts of paths and queries: from text to typed names.

use std::collections::HashMap;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::api::error::ApiError;
use crate::api::router::Api;
use crate::clock::Moment;
use crate::control::view::server_identity;
use crate::domain::deployment::DeploymentKey;
use crate::domain::environment::Environment;
use crate::domain::identity::IdentitySlot;
use crate::domain::name::{AccountName, ConnectionName, PipelineName, RealmName, TokenName};
use crate::domain::pipeline::PipelineKey;

/// How many records are told unless the query says how many.
const LIMIT_DEFAULT: usize = 100;

/// The parts of the path that the route names, by name.
pub struct Parameters(HashMap<String, String>);

impl FromRequestParts<Api> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let read = Path::<HashMap<String, String>>::from_request_parts(parts, api).await;
        let url = |rejection: PathRejection| ApiError::Url {
            message: rejection.body_text(),
        };
        read.map(|Path(named)| Self(named)).map_err(url)
    }
}

impl Parameters {
    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The realm.
    ///
    /// # Errors
    /// [`ApiError::Parameter`].
    pub fn realm(&self) -> Result<RealmName, ApiError> {
        parsed("realm", RealmName::parse(self.text("realm")))
    }

    /// The account.
    ///
    /// # Errors
    /// [`ApiError::Parameter`].
    pub fn account(&self) -> Result<AccountName, ApiError> {
        parsed("account", AccountName::parse(self.text("account")))
    }

    /// The connection.
    ///
    /// # Errors
    /// [`ApiError::Parameter`].
    pub fn connection(&self) -> Result<ConnectionName, ApiError> {
        parsed("connection", ConnectionName::parse(self.text("connection")))
    }

    /// The token's name.
    ///
    /// # Errors
    /// [`ApiError::Parameter`].
    pub fn token(&self) -> Result<TokenName, ApiError> {
        parsed("token", TokenName::parse(self.text("token")))
    }

    /// The environment.
    ///
    /// # Errors
    /// [`ApiError::Parameter`].
    pub fn environment(&self) -> Result<Environment, ApiError> {
        parsed("environment", Environment::parse(self.text("environment")))
    }

    /// Whose server identity.
    ///
    /// # Errors
    /// [`ApiError::Parameter`].
    pub fn slot(&self) -> Result<IdentitySlot, ApiError> {
        parsed("slot", server_identity::parse_slot(self.text("slot")))
    }

    /// The pipeline: its name, and its major version as `v1`.
    ///
    /// # Errors
    /// [`ApiError::Parameter`].
    pub fn pipeline(&self) -> Result<PipelineKey, ApiError> {
        let name = parsed("name", PipelineName::parse(self.text("name")))?;
        let digits = self
            .text("major")
            .strip_prefix('v')
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let major = digits.and_then(|digits| digits.parse().ok());
        let wrong = || ApiError::Parameter {
            name: "major",
            message: "a major version is written v1, v2 and so on, up to v65535".to_owned(),
        };
        Ok(PipelineKey {
            name,
            major: major.ok_or_else(wrong)?,
        })
    }

    /// The deployment: environment and pipeline.
    ///
    /// # Errors
    /// [`ApiError::Parameter`].
    pub fn deployment(&self) -> Result<DeploymentKey, ApiError> {
        Ok(DeploymentKey {
            environment: self.environment()?,
            pipeline: self.pipeline()?,
        })
    }
}

/// The query, read into `T`, whose fields are all optional.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Api> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let read = Query::<T>::from_request_parts(parts, api).await;
        let url = |rejection: QueryRejection| ApiError::Url {
            message: rejection.body_text(),
        };
        read.map(|Query(asked)| Self(asked)).map_err(url)
    }
}

/// A page of a journal.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// How many records at most.
    pub limit: Option<usize>,
    /// Only those before this sequence.
    pub before: Option<u64>,
}

impl Page {
    /// How many records at most.
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(LIMIT_DEFAULT)
    }
}

/// A word of a query or of a small body.
///
/// # Errors
/// [`ApiError::Parameter`].
pub fn environment(text: Option<&str>) -> Result<Option<Environment>, ApiError> {
    text.map(|text| parsed("environment", Environment::parse(text)))
        .transpose()
}

/// A realm's name in a query or in a small body.
///
/// # Errors
/// [`ApiError::Parameter`].
pub fn realm(text: Option<&str>) -> Result<Option<RealmName>, ApiError> {
    text.map(|text| parsed("realm", RealmName::parse(text)))
        .transpose()
}

/// An account's name in a query.
///
/// # Errors
/// [`ApiError::Parameter`].
pub fn account(text: Option<&str>) -> Result<Option<AccountName>, ApiError> {
    text.map(|text| parsed("account", AccountName::parse(text)))
        .transpose()
}

/// A moment in a small body.
///
/// # Errors
/// [`ApiError::Parameter`].
pub fn moment(name: &'static str, text: Option<&str>) -> Result<Option<Moment>, ApiError> {
    text.map(|text| parsed(name, Moment::parse(text)))
        .transpose()
}

/// What was read, or why it could not be.
///
/// # Errors
/// [`ApiError::Parameter`].
pub fn parsed<T, E: std::fmt::Display>(
    name: &'static str,
    read: Result<T, E>,
) -> Result<T, ApiError> {
    read.map_err(|error| ApiError::Parameter {
        name,
        message: error.to_string(),
    })
}
