//! What an error becomes: the one place that decides the API's statuses.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::control::error::{ControlError, FailureKind};
use crate::domain::rejection::Rejection;
use crate::manifest::read::Unreadable;

/// Why a request was not answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// `control` did not do it.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The body is no such JSON document.
    #[error("the request's body cannot be read: {0}")]
    Unreadable(#[from] Unreadable),
    /// A part of the path or of the query that is none.
    #[error("'{name}': {message}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// Why it is none, in the words of the type that it should be.
        message: String,
    },
    /// The path or the query cannot be decoded.
    #[error("the URL cannot be read: {message}")]
    Url {
        /// Why, in the words of the decoder.
        message: String,
    },
    /// No token.
    #[error("there is no token in the request: send 'Authorization: Bearer rgt_…'")]
    TokenMissing,
    /// A token that nobody bears.
    #[error("the token is unknown, was revoked or has ended: ask an operator for another one")]
    TokenUnknown,
    /// A body that is too large.
    #[error(
        "the request's body has more than {most} bytes: make it smaller, or raise the setting admin_body_mb_max"
    )]
    BodyTooLarge {
        /// How many it may have.
        most: usize,
    },
    /// A body that broke off, or did not come in time.
    #[error("the request's body did not arrive: send it again")]
    BodyBroken,
    /// No such path.
    #[error("there is nothing at this path: see docs/api.md for those there are")]
    NoSuchPath,
    /// A method that the path does not have.
    #[error("this path does not have that method: see docs/api.md for those it has")]
    MethodNotAllowed,
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        Self::Control(ControlError::Rejected(rejection))
    }
}

impl ApiError {
    const fn status(&self) -> StatusCode {
        match self {
            Self::Control(error) => match error.kind() {
                FailureKind::NotFound => StatusCode::NOT_FOUND,
                FailureKind::Conflict => StatusCode::CONFLICT,
                FailureKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                FailureKind::Forbidden => StatusCode::FORBIDDEN,
                FailureKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
                FailureKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            },
            Self::Unreadable(_) | Self::Parameter { .. } | Self::Url { .. } => {
                StatusCode::BAD_REQUEST
            }
            Self::TokenMissing | Self::TokenUnknown => StatusCode::UNAUTHORIZED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyBroken => StatusCode::REQUEST_TIMEOUT,
            Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    const fn code(&self) -> &'static str {
        match self {
            Self::Control(error) => error.code(),
            Self::Unreadable(_) => "invalid-body",
            Self::Parameter { .. } => "invalid-parameter",
            Self::Url { .. } => "invalid-url",
            Self::TokenMissing => "token-missing",
            Self::TokenUnknown => "token-unknown",
            Self::BodyTooLarge { .. } => "body-too-large",
            Self::BodyBroken => "body-broken",
            Self::NoSuchPath => "no-such-path",
            Self::MethodNotAllowed => "method-not-allowed",
        }
    }
}

/// An error on its way out; [`crate::api::finish`] makes the answer's body of it, since only it knows the request's id.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The stable code.
    pub code: &'static str,
    /// What happened and what to do.
    pub message: String,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let failure = Failure {
            code: self.code(),
            message: self.to_string(),
        };
        response.extensions_mut().insert(failure);
        response
    }
}
