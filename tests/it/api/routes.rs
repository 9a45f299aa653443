//! `docs/api.md` lists every call, and every call that it lists is there.

use std::collections::BTreeSet;

use axum::body::Body;
use http::Request;

use crate::api::server::Server;

/// The calls of the document, each as method and path.
fn listed() -> Vec<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/api.md");
    let text = std::fs::read_to_string(path).unwrap();
    let calls = text.lines().filter_map(|line| {
        let call = line.strip_prefix("| `")?.split_once('`')?.0;
        let (method, path) = call.split_once(' ')?;
        Some((method.to_owned(), path.to_owned()))
    });
    calls.collect()
}

/// A path with names where the document has placeholders.
fn filled(path: &str) -> String {
    [
        ("{realm}", "acme"),
        ("{account}", "dgb-mtls-acme"),
        ("{environment}", "prod"),
        ("{pipeline}", "hello"),
        ("{major}", "1"),
        ("{connection}", "backend"),
        ("{token}", "one"),
        ("{slot}", "admin"),
        ("{source}", "root"),
        ("{sequence}", "1"),
        (
            "{sha256}",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
    ]
    .into_iter()
    .fold(path.to_owned(), |path, (name, value)| {
        path.replace(name, value)
    })
}

#[test]
fn every_listed_call_is_there_and_asks_for_a_token() {
    let server = Server::start();
    let calls = listed();
    assert!(calls.len() > 35, "{calls:?}");
    for (method, path) in &calls {
        let request = Request::builder().method(method.as_str()).uri(filled(path));
        let reply = server.send(request.body(Body::empty()).unwrap());
        assert_eq!(reply.status, 401, "{method} {path}");
    }
}

#[test]
fn no_call_is_there_that_is_not_listed() {
    let server = Server::start();
    let calls = listed();
    let paths: BTreeSet<&String> = calls.iter().map(|(_, path)| path).collect();
    for path in paths {
        let request = Request::builder().method("TRACE").uri(filled(path));
        let reply = server.send(request.body(Body::empty()).unwrap());
        reply.refused(405, "method-not-allowed");
        let allowed: BTreeSet<&str> = reply.header("allow").split(',').collect();
        let of_path = calls.iter().filter(|(_, other)| other == path);
        let mut expected: BTreeSet<&str> = of_path.map(|(method, _)| method.as_str()).collect();
        if expected.contains("GET") {
            expected.insert("HEAD");
        }
        assert_eq!(allowed, expected, "{path}");
    }
}
