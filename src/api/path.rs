//! The names in a path.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::api::error::ApiError;
use crate::api::router::Api;
use crate::control::view::server_identity::parse_slot;
use crate::domain::deployment::DeploymentKey;
use crate::domain::environment::Environment;
use crate::domain::identity::IdentitySlot;
use crate::domain::name::{
    AccountName, ConnectionName, CrlSourceName, InvalidName, PipelineName, RealmName, TokenName,
};
use crate::domain::pipeline::PipelineKey;
use crate::pki::fingerprint::Fingerprint;

/// The segments of a path that bear names, decoded.
pub(crate) struct Path(Vec<(String, String)>);

impl FromRequestParts<Api> for Path {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Self::Rejection> {
        let params = RawPathParams::from_request_parts(parts, api)
            .await
            .map_err(|_| ApiError::PathNotText)?;
        let owned = params
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Self(owned.collect()))
    }
}

impl Path {
    /// `{realm}`.
    pub(crate) fn realm(&self) -> Result<RealmName, ApiError> {
        self.name("realm", RealmName::parse)
    }

    /// `{account}`.
    pub(crate) fn account(&self) -> Result<AccountName, ApiError> {
        self.name("account", AccountName::parse)
    }

    /// `{connection}`.
    pub(crate) fn connection(&self) -> Result<ConnectionName, ApiError> {
        self.name("connection", ConnectionName::parse)
    }

    /// `{source}`.
    pub(crate) fn crl_source(&self) -> Result<CrlSourceName, ApiError> {
        self.name("source", CrlSourceName::parse)
    }

    /// `{sha256}`.
    pub(crate) fn sha256(&self) -> Result<Fingerprint, ApiError> {
        let field = "sha256";
        Fingerprint::parse(self.text(field))
            .map_err(|source| ApiError::Fingerprint { field, source })
    }

    /// `{sequence}`: the number of a record.
    pub(crate) fn sequence(&self) -> Result<u64, ApiError> {
        let field = "sequence";
        let text = self.text(field);
        // There is one way to write a number, so that each record has one path.
        let canonical = !text.starts_with(['0', '+']);
        let number = text.parse().ok().filter(|_| canonical);
        number.ok_or(ApiError::Number { field })
    }

    /// `{id}`, of a denial.
    pub(crate) fn id(&self) -> Result<Fingerprint, ApiError> {
        let field = "id";
        Fingerprint::parse(self.text(field))
            .map_err(|source| ApiError::Fingerprint { field, source })
    }

    /// `{token}`.
    pub(crate) fn token(&self) -> Result<TokenName, ApiError> {
        self.name("token", TokenName::parse)
    }

    /// `{environment}`.
    pub(crate) fn environment(&self) -> Result<Environment, ApiError> {
        let field = "environment";
        Environment::parse(self.text(field)).map_err(|source| ApiError::Word { field, source })
    }

    /// `{pipeline}/{version}`, where the version is written `v1`.
    pub(crate) fn pipeline(&self) -> Result<PipelineKey, ApiError> {
        Ok(PipelineKey {
            name: self.name("pipeline", PipelineName::parse)?,
            major: major(self.text("version")).ok_or(ApiError::Version)?,
        })
    }

    /// `{environment}/{pipeline}/{version}`.
    pub(crate) fn deployment(&self) -> Result<DeploymentKey, ApiError> {
        Ok(DeploymentKey {
            environment: self.environment()?,
            pipeline: self.pipeline()?,
        })
    }

    /// `{slot}`.
    pub(crate) fn slot(&self) -> Result<IdentitySlot, ApiError> {
        let field = "slot";
        parse_slot(self.text(field)).map_err(|source| ApiError::Word { field, source })
    }

    /// `{realm}` and `{environment}`, of the realm's own mTLS host.
    pub(crate) fn own_slot(&self) -> Result<IdentitySlot, ApiError> {
        Ok(IdentitySlot::Realm(self.realm()?, self.environment()?))
    }

    fn name<T>(
        &self,
        field: &'static str,
        parse: impl FnOnce(&str) -> Result<T, InvalidName>,
    ) -> Result<T, ApiError> {
        parse(self.text(field)).map_err(|source| ApiError::Name { field, source })
    }

    fn text(&self, field: &str) -> &str {
        let found = self.0.iter().find(|(name, _)| name == field);
        found.map_or("", |(_, value)| value)
    }
}

/// `v1` → 1. There is one way to write a number, so that each thing has one path.
fn major(text: &str) -> Option<u16> {
    let digits = text.strip_prefix('v')?;
    let canonical = !digits.starts_with(['0', '+']);
    digits.parse().ok().filter(|_| canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_v_and_a_number_from_one() {
        assert_eq!(major("v1"), Some(1));
        assert_eq!(major("v65535"), Some(65535));
        for bad in [
            "", "v", "1", "v0", "v01", "v+1", "v-1", "v65536", "V1", "v1 ", "v1.0",
        ] {
            assert_eq!(major(bad), None, "{bad}");
        }
    }
}
