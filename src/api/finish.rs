//! What every answer has in common: the request's id, headers against caching, and the shape of errors.

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::json;
use uuid::{NoContext, Timestamp, Uuid};

use crate::api::error::Failure;
use crate::api::router::Api;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Runs the request and finishes its answer.
pub async fn finish(State(api): State<Api>, request: Request, next: Next) -> Response {
    let id = request_id(&api);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        tell(&mut response, &failure, &id);
        let status = response.status();
        let code = failure.code;
        if status.is_server_error() {
            tracing::error!(request_id = %id, %method, path, code, "{}", failure.message);
        } else {
            tracing::debug!(request_id = %id, %method, path, code, "{}", failure.message);
        }
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

fn tell(response: &mut Response, failure: &Failure, id: &str) {
    let body =
        json!({"error": {"code": failure.code, "message": failure.message, "requestId": id}});
    *response.body_mut() = axum::body::Body::from(body.to_string());
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"realmgate\""),
        );
    }
    let headers = response.headers_mut();
    headers.remove(axum::http::header::CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
}

/// A UUID of version 7: ids sort by time.
fn request_id(api: &Api) -> String {
    let now = api.control.now().unix_millis().unsigned_abs();
    let nanos = u32::try_from(now % 1000)
        .unwrap_or(0)
        .saturating_mul(1_000_000);
    Uuid::new_v7(Timestamp::from_unix(NoContext, now / 1000, nanos)).to_string()
}
