//! What surrounds every call: its number, the headers that all answers bear, and the form of errors.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Json, Response};
use http::header::CACHE_CONTROL;
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use uuid::Uuid;

use crate::control::view::client::WouldCutView;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// What an error says. The envelope makes the answer's body of it, since only it knows the call's number.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// A stable kebab-case code.
    pub(crate) code: &'static str,
    /// One sentence.
    pub(crate) message: String,
    /// Whom a change would have cut, where that is why it was refused.
    pub(crate) cut: Option<WouldCutView>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorFacts<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorFacts<'a> {
    code: &'a str,
    message: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<&'a WouldCutView>,
}

/// Numbers the call, and finishes its answer.
pub(crate) async fn wrap(request: Request, next: Next) -> Response {
    let request_id = Uuid::now_v7().to_string();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    if let Some(told) = response.extensions_mut().remove::<Told>() {
        if status.is_server_error() {
            tracing::error!(requestId = request_id, %method, path, code = told.code, error = told.message, "a call of the admin API failed");
        } else {
            tracing::debug!(requestId = request_id, %method, path, code = told.code, error = told.message, "a call of the admin API was refused");
        }
        let headers = std::mem::take(response.headers_mut());
        let error = ErrorFacts {
            code: told.code,
            message: &told.message,
            request_id: &request_id,
            cut: told.cut.as_ref(),
        };
        response = (status, Json(ErrorBody { error })).into_response();
        response.headers_mut().extend(headers);
    } else {
        tracing::debug!(requestId = request_id, %method, path, status = status.as_u16(), "a call of the admin API");
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, NO_STORE);
    if let Ok(value) = HeaderValue::try_from(request_id) {
        headers.insert(X_REQUEST_ID, value);
    }
    response
}
