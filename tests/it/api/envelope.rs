//! What all calls have in common: numbers, headers, tokens, paths and methods that are not there.

use axum::body::Body;
use http::Request;
use serde_json::Value;

use crate::api::server::{Reply, Server};

#[track_caller]
fn bears_its_headers(reply: &Reply) {
    assert_eq!(reply.header("cache-control"), "no-store", "{reply:?}");
    let id: uuid::Uuid = reply.header("x-request-id").parse().unwrap();
    assert_eq!(id.get_version_num(), 7);
}

fn plain(method: &str, path: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    request.body(Body::empty()).unwrap()
}

#[test]
fn health_needs_no_token() {
    let server = Server::start();
    let reply = server.send(plain("GET", "/healthz"));
    assert_eq!((reply.status, reply.body.as_slice()), (200, &b"ok\n"[..]));
    bears_its_headers(&reply);
}

#[test]
fn every_answer_has_a_number_and_is_not_kept() {
    let server = Server::start();
    let good = server.get("/status").ok();
    bears_its_headers(&good);
    let bad = server.get("/realms/nobody");
    bears_its_headers(&bad);
    assert_eq!(bad.json()["error"]["requestId"], bad.header("x-request-id"));
    assert_eq!(bad.header("content-type"), "application/json");
    assert_ne!(good.header("x-request-id"), bad.header("x-request-id"));
}

#[test]
fn a_missing_malformed_unknown_or_ended_token_gets_one_answer() {
    let server = Server::start();
    let ended = server.token("ended", "operator", None);
    server.delete("/tokens/ended").ok();
    let answer = |header: Option<&str>| {
        let mut request = plain("GET", "/api/v1/status");
        if let Some(header) = header {
            let headers = request.headers_mut();
            headers.insert("authorization", header.parse().unwrap());
        }
        let reply = server.send(request);
        reply.refused(401, "unauthorized");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
        bears_its_headers(&reply);
        let message = reply.message();
        assert!(message.contains("Authorization: Bearer"), "{message}");
        without_number(&reply)
    };
    let missing = answer(None);
    for header in [
        "",
        "Bearer",
        "Bearer x",
        "Basic Zm9vOmJhcg==",
        &format!("Bearer rgt_{}", "A".repeat(43)),
        &format!("Bearer {ended}"),
        &format!("Bearer {}x", server.operator),
    ] {
        assert_eq!(answer(Some(header)), missing, "{header}");
    }
}

/// The body without the number of the call.
pub(crate) fn without_number(reply: &Reply) -> Value {
    let mut body = reply.json();
    body["error"]["requestId"].take();
    body
}

#[test]
fn unknown_paths_and_methods_are_told_in_json() {
    let server = Server::start();
    for path in [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/realms/",
        "/healthz/x",
    ] {
        let reply = server.send(plain("GET", path));
        reply.refused(404, "no-such-path");
        bears_its_headers(&reply);
    }
    let reply = server.call("PATCH", "/realms/acme", None);
    reply.refused(405, "method-not-allowed");
    bears_its_headers(&reply);
    let mut allowed: Vec<&str> = reply.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "HEAD", "PUT"]);
}

#[test]
fn a_path_that_is_no_text_and_names_that_are_none_are_told_with_their_field() {
    let server = Server::start();
    let check = |path: &str, words: &str| {
        let reply = server.get(path);
        assert_eq!(reply.status, 400, "{path}: {reply:?}");
        let message = reply.message();
        assert!(message.contains(words), "{path}: {message}");
    };
    check("/realms/%ff", "UTF-8");
    check("/realms/Acme", "'realm': 'Acme' is no realm name");
    check("/realms/a%2Fb", "'realm': 'a/b' is no realm name");
    check("/realms/acme/accounts/-x", "'account': '-x'");
    check("/realms/acme/connections/a%0A", "'connection': 'a\\n'");
    check("/realms/acme/pipelines/orders/1", "'version'");
    check("/realms/acme/pipelines/orders/v0", "'version'");
    check("/realms/acme/installations/live/x", "'environment'");
    check("/realms/acme/installations?state=new", "'state'");
    check(
        "/realms/acme/installations?stat=new",
        "'stat' is no parameter",
    );
    check("/realms/acme/deployments?environment=dev", "'environment'");
    check("/audit?limit=0", "'limit' takes a whole number");
    check("/audit?before=x", "'before' takes a whole number");
    check("/audit?limit=1&limit=2", "'limit' is given twice");
    check("/audit?realm=A", "'realm': 'A'");
    check("/refusals?limit=%ff", "'limit' takes a whole number");
}
