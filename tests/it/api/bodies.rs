//! What the API makes of bodies: their type, their size, and their mistakes.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body::Frame;
use realmgate::api::limits::ApiLimits;
use realmgate::clock::Clock;
use serde_json::json;

use crate::api::server::{Reply, Server, now};

fn send(server: &Server, path: &str, content_type: Option<&str>, body: impl Into<Body>) -> Reply {
    let mut request = Request::builder()
        .method("PUT")
        .uri(format!("/api/v1{path}"))
        .header("authorization", format!("Bearer {}", server.operator));
    if path == "/apply" || path == "/tokens" {
        request = request.method("POST");
    }
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    server.send(request.body(body.into()).unwrap())
}

const JSON: Option<&str> = Some("application/json");
const PIPELINE: &str = "/realms/acme/pipelines/hello/v1";

#[test]
fn a_mistake_in_a_body_is_told_with_field_line_and_column() {
    let server = Server::start();
    server.realm("acme");
    let check = |path: &str, body: &'static str, words: &[&str]| {
        let reply = send(&server, path, JSON, body);
        reply.refused(400, "invalid-body");
        for word in words {
            assert!(reply.message().contains(word), "{}", reply.message());
        }
    };
    check(PIPELINE, "", &["line 1", "EOF"]);
    check(PIPELINE, "{", &["line 1, column 1"]);
    check(
        PIPELINE,
        "{\"trigger\": {\"type\": \"rest\"}, \"handler\": {\"type\": \"echo\"}}\n{}",
        &["line 2", "trailing characters"],
    );
    check(
        PIPELINE,
        "{\"trigger\": {\"type\": \"rest\",\n \"mtsl\": true}}",
        &["line 2", "'trigger.mtsl'", "unknown field"],
    );
    check(
        PIPELINE,
        r#"{"trigger": {"type": "rest", "methods": ["FETCH"]}, "handler": {"type": "echo"}}"#,
        &["'trigger.methods[0]'", "FETCH"],
    );
    check(
        "/apply",
        r#"{"documents": [{"realm": [{"name": "Acme"}]}]}"#,
        &["'documents[0].realm[0].name'", "no realm name"],
    );
    check("/apply", r#"{"document": []}"#, &["'document'"]);
    check("/tokens", r#"{"name": "x", "role": "root"}"#, &["'role'"]);
    check("/realms/other", r#"{"name": "x"}"#, &["'name'"]);
}

#[test]
fn a_value_of_a_token_that_cannot_be_is_told_with_its_field() {
    let server = Server::start();
    let check = |body: serde_json::Value, words: &str| {
        let reply = server.post("/tokens", &body);
        reply.refused(400, "invalid-value");
        assert!(reply.message().contains(words), "{}", reply.message());
    };
    check(json!({"name": "A", "role": "auditor"}), "'name': 'A'");
    check(
        json!({"name": "a", "role": "realm-admin"}),
        "'realm' is missing",
    );
    check(
        json!({"name": "a", "role": "realm-admin", "realm": "A"}),
        "'realm': 'A'",
    );
    check(
        json!({"name": "a", "role": "operator", "realm": "acme"}),
        "'realm' belongs to the role realm-admin",
    );
    check(
        json!({"name": "a", "role": "auditor", "expires": "tomorrow"}),
        "'expires': not a time",
    );
}

#[test]
fn a_body_must_be_sent_as_json() {
    let server = Server::start();
    server.realm("acme");
    let body = r#"{"trigger": {"type": "rest"}, "handler": {"type": "echo"}}"#;
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
    ] {
        let reply = send(&server, PIPELINE, content_type, body);
        reply.refused(415, "unsupported-media-type");
    }
    send(&server, "/realms/new", None, "{}").refused(415, "unsupported-media-type");
    let charset = Some("Application/JSON; charset=utf-8");
    send(&server, PIPELINE, charset, body).ok();
    send(&server, "/realms/new", None, "").ok();
    send(&server, "/realms/newer", JSON, "{}").ok();
}

/// A body of so many blanks, of which nobody says how many they are.
struct Streamed(usize);

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let now = self.0.min(1000);
        self.0 -= now;
        let frame = Frame::data(Bytes::from(vec![b' '; now]));
        Poll::Ready((now > 0).then_some(Ok(frame)))
    }
}

/// A body of which nothing comes.
struct Silent;

impl http_body::Body for Silent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[test]
fn a_body_has_a_largest_size_announced_or_not() {
    let limits = ApiLimits {
        apply_bytes_max: 2 << 20,
        ..ApiLimits::default()
    };
    let server = Server::with_clock(Clock::manual(now()), limits);
    let (most, apply_most) = (1 << 20, 2 << 20);
    for (path, most) in [
        (PIPELINE, most),
        ("/tokens", most),
        ("/realms/new", most),
        ("/apply", apply_most),
    ] {
        let announced = |bytes| send(&server, path, JSON, vec![b' '; bytes]);
        let streamed = |bytes| send(&server, path, JSON, Body::new(Streamed(bytes)));
        announced(most + 1).refused(413, "body-too-large");
        streamed(most + 1).refused(413, "body-too-large");
        announced(most).refused(400, "invalid-body");
        streamed(most).refused(400, "invalid-body");
    }
}

#[test]
fn a_body_of_which_nothing_comes_is_given_up() {
    let limits = ApiLimits {
        body_idle_timeout_ms: 20,
        ..ApiLimits::default()
    };
    let server = Server::with_clock(Clock::manual(now()), limits);
    let reply = send(&server, PIPELINE, JSON, Body::new(Silent));
    reply.refused(408, "body-too-slow");
}

#[test]
fn who_has_no_token_gets_no_body_read() {
    let server = Server::start();
    let request = Request::builder().method("POST").uri("/api/v1/apply");
    let reply = server.send(request.body(Body::new(Silent)).unwrap());
    reply.refused(401, "unauthorized");
}
