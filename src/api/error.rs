//! What can go wrong with a call, and the one place that decides which status that is.

use axum::response::{IntoResponse, Response};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};

use crate::api::envelope::Told;
use crate::clock::InvalidMoment;
use crate::control::error::{ControlError, FailureKind};
use crate::control::view::client::WouldCutView;
use crate::domain::environment::InvalidWord;
use crate::domain::name::InvalidName;
use crate::domain::rejection::Rejection;
use crate::manifest::invalid::InvalidManifest;
use crate::manifest::read::Unreadable;
use crate::pki::fingerprint::InvalidFingerprint;
use crate::prove::run::ProveError;

/// Why a call is not answered as it asks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Control says no.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The attack on ourselves could not be carried out.
    #[error(transparent)]
    Prove(ProveError),
    /// What the path names is not there, whatever that would be where a document names it.
    #[error(transparent)]
    Absent(Rejection),
    /// There is no such path.
    #[error(
        "there is nothing at this path: calls begin with /api/v1, and docs/api.md lists them all"
    )]
    NoRoute,
    /// The path is there, the method is not.
    #[error("this path does not know this method: the header Allow names those that it knows")]
    MethodNotAllowed,
    /// No token, or none that is good. There is one answer for all of them, so that nobody learns which.
    #[error(
        "no valid token: send the header 'Authorization: Bearer rgt_…' with a token that has neither ended nor been revoked; an operator makes one with 'realmgate token create'"
    )]
    Unauthorized,
    /// A path that is no UTF-8.
    #[error("the path is no UTF-8 text: encode its characters as UTF-8, with % and two digits")]
    PathNotText,
    /// Parameters that are no UTF-8.
    #[error(
        "the parameters behind '?' cannot be read: write name=value, joined with '&', with other characters as UTF-8, with % and two digits"
    )]
    QueryNotText,
    /// A name that is none.
    #[error("'{field}': {source}")]
    Name {
        /// Where it stands.
        field: &'static str,
        /// Why.
        source: InvalidName,
    },
    /// A word that is not one of the few allowed.
    #[error("'{field}': {source}")]
    Word {
        /// Where it stands.
        field: &'static str,
        /// Why.
        source: InvalidWord,
    },
    /// A class of attacks that there is not.
    #[error("'classes': no such class {name:?}: write {}", source.allowed)]
    Class {
        /// What was asked for.
        name: String,
        /// Why.
        source: InvalidWord,
    },
    /// A text that is no time.
    #[error("'{field}': {source}")]
    Moment {
        /// Where it stands.
        field: &'static str,
        /// Why.
        source: InvalidMoment,
    },
    /// A text that is no SHA-256.
    #[error("'{field}': {source}")]
    Fingerprint {
        /// Where it stands.
        field: &'static str,
        /// Why.
        source: InvalidFingerprint,
    },
    /// A text that is no number.
    #[error("'{field}' takes a whole number, from 1")]
    Number {
        /// Where it stands.
        field: &'static str,
    },
    /// A number of clients that is none.
    #[error("'cut' takes the number of clients that you know to be cut, or 'any'")]
    Cut,
    /// A major version that is none.
    #[error("'version': no such major version: write v1, v2 and so on, up to v65535")]
    Version,
    /// A parameter that the call does not know.
    #[error("'{name}' is no parameter of this call: it knows {}", known.join(", "))]
    UnknownParameter {
        /// Its name, shortened and escaped.
        name: String,
        /// Those that it knows.
        known: &'static [&'static str],
    },
    /// A parameter given twice.
    #[error("'{name}' is given twice: give it once")]
    RepeatedParameter {
        /// Its name, shortened and escaped.
        name: String,
    },
    /// A body of another type.
    #[error("the body must be JSON: send it with the header 'Content-Type: application/json'")]
    MediaType,
    /// A body that cannot be read.
    #[error("the body cannot be read: {0}")]
    Body(Unreadable),
    /// A body that is too large.
    #[error(
        "the body is larger than the {most} bytes that this call takes: send less at once, or, of a manifest, raise the setting admin_body_mb_max"
    )]
    BodyTooLarge {
        /// How large it may be, in bytes.
        most: usize,
    },
    /// A body that stood still.
    #[error("the body came too slowly, so that the call was given up: send it again")]
    BodyTooSlow,
    /// A body that broke off.
    #[error("the body broke off before its end: send it again")]
    BodyBroke,
    /// A realm admin of no realm.
    #[error("'realm' is missing: a token of role realm-admin belongs to one realm")]
    RealmMissing,
    /// A realm for a role that has none.
    #[error("'realm' belongs to the role realm-admin alone: leave it out")]
    RealmSurplus,
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        Self::Control(rejection.into())
    }
}

impl From<ProveError> for ApiError {
    fn from(error: ProveError) -> Self {
        match error {
            ProveError::Control(error) => Self::Control(error),
            error @ (ProveError::Pki(_) | ProveError::Tls(_) | ProveError::Name) => {
                Self::Prove(error)
            }
        }
    }
}

impl From<InvalidManifest> for ApiError {
    fn from(invalid: InvalidManifest) -> Self {
        Self::Control(invalid.into())
    }
}

impl ApiError {
    /// Which status it is, and its stable code.
    const fn decided(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Control(error) => (of_kind(error.kind()), error.code()),
            Self::Prove(_) => (StatusCode::INTERNAL_SERVER_ERROR, "prove-failed"),
            Self::Absent(rejection) => (StatusCode::NOT_FOUND, rejection.code()),
            Self::NoRoute => (StatusCode::NOT_FOUND, "no-such-path"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::PathNotText
            | Self::Name { .. }
            | Self::Word { .. }
            | Self::Class { .. }
            | Self::Moment { .. }
            | Self::Fingerprint { .. }
            | Self::Number { .. }
            | Self::Cut
            | Self::Version
            | Self::RealmMissing
            | Self::RealmSurplus => (StatusCode::BAD_REQUEST, "invalid-value"),
            Self::QueryNotText | Self::UnknownParameter { .. } | Self::RepeatedParameter { .. } => {
                (StatusCode::BAD_REQUEST, "invalid-parameter")
            }
            Self::Body(_) => (StatusCode::BAD_REQUEST, "invalid-body"),
            Self::BodyBroke => (StatusCode::BAD_REQUEST, "body-broke-off"),
            Self::BodyTooSlow => (StatusCode::REQUEST_TIMEOUT, "body-too-slow"),
            Self::BodyTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type"),
        }
    }
}

const fn of_kind(kind: FailureKind) -> StatusCode {
    match kind {
        FailureKind::NotFound => StatusCode::NOT_FOUND,
        FailureKind::Conflict => StatusCode::CONFLICT,
        FailureKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        FailureKind::Forbidden => StatusCode::FORBIDDEN,
        FailureKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        FailureKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl IntoResponse for ApiError {
    /// The status, and what the envelope needs to make the body.
    fn into_response(self) -> Response {
        let (status, code) = self.decided();
        let mut response = status.into_response();
        if status == StatusCode::UNAUTHORIZED {
            let headers = response.headers_mut();
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(Told {
            code,
            message: self.to_string(),
            cut: if let Self::Control(ControlError::WouldCut(cut)) = &self {
                Some(WouldCutView::of(cut))
            } else {
                None
            },
        });
        response
    }
}
