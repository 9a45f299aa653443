//! Connections that the upstream closed while they were idle, and what may be tried twice.

use std::sync::Arc;
use std::sync::Mutex;

use tokio::net::TcpStream;

use crate::outbound::error::OutboundError;
use crate::outbound::limits::OutboundLimits;
use crate::outbound::upstream::{
    ANSWER, Given, call, empty, fetch, listen, pools, read_head, request, target, text, until,
    write,
};

type Seen = Arc<Mutex<Vec<String>>>;

async fn note(stream: &mut TcpStream, seen: &Seen) {
    let head = read_head(stream).await;
    if let Some(line) = head.lines().next() {
        seen.lock().unwrap().push(line.to_owned());
    }
}

/// Answers the first request of the first connection and closes it on the second, after `last_word`. Other connections
/// are served well.
async fn fickle(last_word: &'static str) -> (std::net::SocketAddr, Seen) {
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let address = listen(move |mut stream, number| {
        let seen = Arc::clone(&noted);
        async move {
            note(&mut stream, &seen).await;
            write(&mut stream, ANSWER).await;
            note(&mut stream, &seen).await;
            if number == 0 {
                write(&mut stream, last_word).await;
                return;
            }
            write(&mut stream, ANSWER).await;
            note(&mut stream, &seen).await;
        }
    })
    .await;
    (address, seen)
}

#[tokio::test]
async fn sends_an_idempotent_request_again_on_a_new_connection() {
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"] {
        let (address, seen) = fickle("").await;
        let (pools, target) = (pools(OutboundLimits::default()), target(address));
        fetch(&pools, &target, request("GET", "/1", empty())).await;
        let mut second = request(method, "/2?a=b", empty());
        second
            .headers_mut()
            .insert("x-told", "twice".parse().unwrap());
        let answer = call(&pools, &target, second).await.unwrap();
        assert_eq!(answer.status(), 200);
        let line = format!("{method} /2?a=b HTTP/1.1");
        assert_eq!(*seen.lock().unwrap(), ["GET /1 HTTP/1.1", &line, &line]);
    }
}

async fn fails_without_trying_again(second: http::Request<Given>, last_word: &'static str) {
    let (address, seen) = fickle(last_word).await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    fetch(&pools, &target, request("GET", "/1", empty())).await;
    let line = format!("{} /2 HTTP/1.1", second.method());
    let error = call(&pools, &target, second).await.err().unwrap();
    assert!(matches!(error, OutboundError::Broke { .. }), "{error}");
    assert_eq!(*seen.lock().unwrap(), ["GET /1 HTTP/1.1", &line]);
    until("the connection is closed", || pools.open() == 0).await;
}

#[tokio::test]
async fn does_not_repeat_what_may_have_been_done() {
    fails_without_trying_again(request("POST", "/2", text("pay")), "").await;
    fails_without_trying_again(request("POST", "/2", empty()), "").await;
    fails_without_trying_again(request("PATCH", "/2", empty()), "").await;
    fails_without_trying_again(request("PUT", "/2", text("body")), "").await;
}

#[tokio::test]
async fn does_not_repeat_what_was_answered_in_part() {
    fails_without_trying_again(request("GET", "/2", empty()), "HTTP/1.1 2").await;
    fails_without_trying_again(request("GET", "/2", empty()), "HTTP/1.1 200 OK\r\nx: y\r\n").await;
    fails_without_trying_again(request("GET", "/2", empty()), "no http\r\n\r\n").await;
}

#[tokio::test]
async fn does_not_repeat_what_failed_on_a_new_connection() {
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let address = listen(move |mut stream, _| {
        let seen = Arc::clone(&noted);
        async move { note(&mut stream, &seen).await }
    })
    .await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    let error = call(&pools, &target, request("GET", "/", empty()))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, OutboundError::Broke { .. }), "{error}");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_is_not_used() {
    // Whether the close was seen before the next request or is found out by it, a request that cannot be repeated
    // arrives exactly once.
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let address = listen(move |mut stream, _| {
        let seen = Arc::clone(&noted);
        async move {
            note(&mut stream, &seen).await;
            write(&mut stream, ANSWER).await;
        }
    })
    .await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    for _ in 0..20 {
        fetch(&pools, &target, request("POST", "/", empty())).await;
        until("the connection is closed", || pools.open() == 0).await;
    }
    assert_eq!(seen.lock().unwrap().len(), 20);
}

#[tokio::test]
async fn an_upstream_that_closes_after_each_answer_costs_no_get() {
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let address = listen(move |mut stream, _| {
        let seen = Arc::clone(&noted);
        async move {
            note(&mut stream, &seen).await;
            write(&mut stream, ANSWER).await;
        }
    })
    .await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    for _ in 0..200 {
        assert_eq!(
            fetch(&pools, &target, request("GET", "/", empty())).await,
            "ok"
        );
    }
}
