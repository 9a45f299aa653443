//! The parameters behind the question mark.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;

use crate::api::error::ApiError;
use crate::api::router::Api;
use crate::clock::Moment;
use crate::control::impact::Cutting;
use crate::domain::environment::{Environment, InvalidWord};
use crate::domain::name::{AccountName, InvalidName, RealmName};
use crate::pki::fingerprint::Fingerprint;

/// How many records a page has unless stated.
const LIMIT_DEFAULT: usize = 100;
/// How many records a page has at most; who asks for more gets so many.
const LIMIT_MAX: usize = 1000;

/// The parameters of a request, decoded.
pub(crate) struct Parameters(Vec<(String, String)>);

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Only records with a smaller sequence number.
    pub(crate) before: Option<u64>,
    /// How many at most.
    pub(crate) limit: usize,
}

impl FromRequestParts<Api> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Self::Rejection> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(given)| Self(given))
            .map_err(|_| ApiError::QueryNotText)
    }
}

impl Parameters {
    /// The same, where there are none but `known` ones, each once.
    pub(crate) fn only(self, known: &'static [&'static str]) -> Result<Self, ApiError> {
        for (position, (name, _)) in self.0.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(ApiError::UnknownParameter {
                    name: shown(name),
                    known,
                });
            }
            if self.0.iter().take(position).any(|(other, _)| other == name) {
                return Err(ApiError::RepeatedParameter { name: shown(name) });
            }
        }
        Ok(self)
    }

    /// `realm`.
    pub(crate) fn realm(&self) -> Result<Option<RealmName>, ApiError> {
        self.name("realm", RealmName::parse)
    }

    /// `account`.
    pub(crate) fn account(&self) -> Result<Option<AccountName>, ApiError> {
        self.name("account", AccountName::parse)
    }

    /// `environment`.
    pub(crate) fn environment(&self) -> Result<Option<Environment>, ApiError> {
        self.word("environment", Environment::parse)
    }

    /// `since`: a moment, or a day.
    pub(crate) fn since(&self) -> Result<Option<Moment>, ApiError> {
        let field = "since";
        self.get(field)
            .map(Moment::parse)
            .transpose()
            .map_err(|source| ApiError::Moment { field, source })
    }

    /// One of a few words.
    pub(crate) fn word<T>(
        &self,
        field: &'static str,
        parse: impl FnOnce(&str) -> Result<T, InvalidWord>,
    ) -> Result<Option<T>, ApiError> {
        self.get(field)
            .map(parse)
            .transpose()
            .map_err(|source| ApiError::Word { field, source })
    }

    /// `cut`: whether the caller knows of the clients that a change cuts.
    pub(crate) fn cut(self) -> Result<Cutting, ApiError> {
        let parameters = self.only(&["cut"])?;
        if parameters.get("cut") == Some("any") {
            return Ok(Cutting::Confirmed);
        }
        let known = parameters.number("cut");
        let known = known.map_err(|_| ApiError::Cut)?;
        Ok(known.map_or(Cutting::Unknown, Cutting::UpTo))
    }

    /// `days`.
    pub(crate) fn days(&self) -> Result<Option<u32>, ApiError> {
        let days = self.number("days")?;
        Ok(days.map(|days| u32::try_from(days).unwrap_or(u32::MAX)))
    }

    /// A moment.
    pub(crate) fn moment(&self, field: &'static str) -> Result<Option<Moment>, ApiError> {
        let read = self.get(field).map(Moment::parse).transpose();
        read.map_err(|source| ApiError::Moment { field, source })
    }

    /// A SHA-256.
    pub(crate) fn fingerprint(&self, field: &'static str) -> Result<Option<Fingerprint>, ApiError> {
        let read = self.get(field).map(Fingerprint::parse).transpose();
        read.map_err(|source| ApiError::Fingerprint { field, source })
    }

    /// `before` and `limit`.
    pub(crate) fn page(&self) -> Result<Page, ApiError> {
        Ok(Page {
            before: self.number("before")?,
            limit: self.limit()?,
        })
    }

    /// `limit`.
    pub(crate) fn limit(&self) -> Result<usize, ApiError> {
        let limit = self.number("limit")?.map_or(LIMIT_DEFAULT, |limit| {
            usize::try_from(limit).unwrap_or(LIMIT_MAX).min(LIMIT_MAX)
        });
        if limit == 0 {
            return Err(ApiError::Number { field: "limit" });
        }
        Ok(limit)
    }

    fn name<T>(
        &self,
        field: &'static str,
        parse: impl FnOnce(&str) -> Result<T, InvalidName>,
    ) -> Result<Option<T>, ApiError> {
        self.get(field)
            .map(parse)
            .transpose()
            .map_err(|source| ApiError::Name { field, source })
    }

    fn number(&self, field: &'static str) -> Result<Option<u64>, ApiError> {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        self.get(field)
            .map(|text| text.parse().ok().filter(|_| plain(text)))
            .map(|number| number.ok_or(ApiError::Number { field }))
            .transpose()
    }

    fn get(&self, field: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == field);
        found.map(|(_, value)| value.as_str())
    }
}

/// The start of a text from outside, to be named in a message.
fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(text: &str) -> Parameters {
        let uri = format!("/x?{text}").parse().unwrap();
        Parameters(Query::try_from_uri(&uri).unwrap().0)
    }

    #[test]
    fn a_page_is_bounded() {
        let page = |text: &str| parameters(text).page().ok();
        let expect = |before, limit| Some(Page { before, limit });
        assert_eq!(page(""), expect(None, 100));
        assert_eq!(page("limit=7&before=9"), expect(Some(9), 7));
        assert_eq!(page("limit=100000000000000000"), expect(None, 1000));
        for bad in [
            "limit=0",
            "limit=",
            "limit=-1",
            "limit=+1",
            "limit=x",
            "before=",
            "before=1.5",
        ] {
            assert_eq!(page(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_unknown_or_repeated_parameter_is_named() {
        let refused = |text: &str| {
            let error = parameters(text).only(&["limit", "before"]).err();
            error.map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(refused("limit=1&before=2"), "");
        assert_eq!(
            refused("limt=1"),
            "'limt' is no parameter of this call: it knows limit, before"
        );
        assert!(refused("limit=1&limit=2").contains("'limit' is given twice"));
        assert!(refused("a%0Ab=1").contains("'a\\nb'"));
    }
}
