//! Calls that are passed on, to services that the tests start.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::domain::connection::ConnectionLimits;
use crate::domain::media_type::MediaRange;
use crate::domain::trigger::{
    ContentTypes, ResponseHeader, RoutePattern, TimeoutMs, Trigger, TriggerKind,
};
use crate::gateway::limits::GatewayLimits;
use crate::gateway::testing::{Fed, House, Like, Told, Visit, fed, service, upstream};
use crate::outbound::limits::OutboundLimits;

const SHOP: &str = "/pipeline/acme/v1/shop";

fn routed(trigger: &mut Trigger) {
    trigger.routes = ["/products/:id", "/slow"]
        .map(|route| RoutePattern::parse(route).unwrap())
        .into();
}

/// A house whose acme has the pipeline `shop`, passed on to `url`.
fn shop_at(url: &str) -> House {
    shop_within(url, GatewayLimits::default(), routed)
}

fn shop_within(url: &str, limits: GatewayLimits, trigger: fn(&mut Trigger)) -> House {
    let mut house = House::with_limits(limits);
    house.target(url);
    house.pipeline("acme", "shop", Like::triggered(upstream(), trigger));
    house
}

#[tokio::test]
async fn an_upstreams_answer_is_held_to_the_content_types_of_an_http_trigger() {
    for (content_types, status) in [
        (&["application/json"][..], 200),
        (&["application/problem+json"], 500),
        (&["application/json", "text/html"], 500),
        (&[], 500),
    ] {
        let url = service(move |_: Request<Incoming>| async move {
            let mut answer = Response::new(Full::from("{}"));
            for of in content_types {
                answer
                    .headers_mut()
                    .append("content-type", HeaderValue::from_static(of));
            }
            answer
        })
        .await;
        let house = shop_within(&url, GatewayLimits::default(), |trigger| {
            trigger.kind = TriggerKind::Http(ContentTypes {
                requests: vec![],
                responses: vec![MediaRange::parse("application/json").unwrap()],
            });
        });
        for visit in [house.acme_at_home(), house.acme_at_home().over_http2()] {
            let told = visit.get(SHOP).await;
            assert_eq!(told.status, status, "{content_types:?}");
            assert_eq!(&told.body[..] == b"{}", status == 200);
        }
    }
}

/// What a service saw of a request.
#[derive(Clone, Debug)]
struct Seen {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
    body: Bytes,
}

/// A service that answers 200 with `seen`, and remembers what it saw.
async fn remembering() -> (String, Arc<Mutex<Vec<Seen>>>) {
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let memory = Arc::clone(&seen);
    let url = service(move |request: Request<Incoming>| {
        let memory = Arc::clone(&memory);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            memory.lock().unwrap().push(Seen {
                method: head.method,
                uri: head.uri,
                version: head.version,
                headers: head.headers,
                body,
            });
            Response::new(Full::from("seen"))
        }
    })
    .await;
    (url, seen)
}

async fn one_seen(visit: &Visit, seen: &Mutex<Vec<Seen>>, request: Request<Full<Bytes>>) -> Seen {
    let told = visit.ask(request).await;
    assert_eq!((told.status.as_u16(), told.text()), (200, "seen"));
    seen.lock().unwrap().pop().unwrap()
}

#[tokio::test]
async fn a_call_is_passed_on_with_the_targets_path_and_host() {
    let (url, seen) = remembering().await;
    let house = shop_at(&format!("{url}/base/path"));
    let cases = [
        ("?a=1&b=%20%2F", "/base/path?a=1&b=%20%2F"),
        ("/products/a%2bb", "/base/path/products/a%2Bb"),
        ("/products/%61?", "/base/path/products/a"),
        ("/slow?x", "/base/path/slow?x"),
    ];
    for visit in [house.acme_at_home(), house.acme_at_home().over_http2()] {
        for (called, asked) in cases {
            let request = Request::post(format!("{SHOP}{called}"))
                .body(Full::from("hello"))
                .unwrap();
            let seen = one_seen(&visit, &seen, request).await;
            assert_eq!(
                (seen.method, seen.uri.to_string().as_str()),
                (Method::POST, asked)
            );
            assert_eq!(
                (seen.version, &seen.body[..]),
                (Version::HTTP_11, &b"hello"[..])
            );
            assert_eq!(seen.headers["host"], url.trim_start_matches("http://"));
            assert_eq!(seen.headers["content-length"], "5");
        }
    }
    let bare = shop_at(&url);
    let request = Request::get(SHOP).body(Full::default()).unwrap();
    let seen = one_seen(&bare.acme_at_home(), &seen, request).await;
    assert_eq!(seen.uri, "/");
    assert_eq!(seen.headers.get("content-length"), None);
    assert_eq!(seen.headers.get("transfer-encoding"), None);
}

#[tokio::test]
async fn the_target_learns_who_calls_and_from_where_and_no_forgery_gets_through() {
    let (url, seen) = remembering().await;
    let house = shop_at(&url);
    let forged = || {
        let mut request = Request::get(SHOP);
        for name in [
            "Client-Cert",
            "Client_Cert_Chain",
            "X-Client-Cert-Subject",
            "X_Client_Cert_Sans",
            "x-client-cert-invented",
            "X-Forwarded-Client-Cert",
            "Forwarded",
            "X-Forwarded-For",
            "X_Forwarded_Host",
            "X-Forwarded-Prefix",
        ] {
            request = request.header(name, "forged");
        }
        request
            .header("connection", "client-cert, x-forwarded-for, x-mine")
            .header("x-mine", "1")
    };
    let of_mtls = one_seen(
        &house.acme_at_home(),
        &seen,
        forged().body(Full::default()).unwrap(),
    )
    .await;
    let headers = &of_mtls.headers;
    assert!(
        headers.values().all(|value| value != "forged"),
        "{headers:?}"
    );
    let sent = STANDARD
        .decode(headers["client-cert"].to_str().unwrap().trim_matches(':'))
        .unwrap();
    assert_eq!(sent, house.acme.leaf.certificate.der());
    assert!(headers.contains_key("client-cert-chain"));
    assert_eq!(
        headers["x-client-cert-subject"],
        house.acme.leaf.certificate.facts().subject.as_str()
    );
    assert_eq!(headers["x-client-cert-verify"], "SUCCESS");
    assert_eq!(headers["x-client-cert-account"], "dgb-mtls-autocorp");
    assert!(
        headers["x-forwarded-client-cert"]
            .to_str()
            .unwrap()
            .starts_with("Hash=")
    );
    assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
    assert_eq!(headers["x-forwarded-host"], "acme.api2.gate.localhost");
    assert_eq!(headers["x-forwarded-proto"], "https");
    assert_eq!(
        headers["forwarded"],
        "for=192.0.2.7;host=acme.api2.gate.localhost;proto=https"
    );
    assert_eq!(headers.get("x-mine"), None);
    for name in ["client-cert", "x-forwarded-for", "x-client-cert-subject"] {
        assert_eq!(headers.get_all(name).iter().count(), 1, "{name}");
    }
    let of_outside = one_seen(
        &house.outside(),
        &seen,
        forged().body(Full::default()).unwrap(),
    )
    .await;
    let headers = &of_outside.headers;
    assert!(
        headers.values().all(|value| value != "forged"),
        "{headers:?}"
    );
    assert_eq!(headers["x-client-cert-verify"], "NONE");
    let of_certificates = headers
        .keys()
        .filter(|name| name.as_str().contains("client-cert"))
        .count();
    assert_eq!(of_certificates, 1);
}

#[tokio::test]
async fn what_concerns_one_hop_is_not_passed_on() {
    let (url, seen) = remembering().await;
    let house = shop_at(&url);
    let request = Request::post(SHOP)
        .header("te", "trailers, deflate")
        .header("keep-alive", "timeout=5")
        .header("proxy-authorization", "Basic eDp5")
        .header("upgrade", "h2c")
        .header("expect", "100-continue")
        .header("authorization", "Bearer kept")
        .header("cookie", "a=1");
    let seen = one_seen(
        &house.acme_at_home(),
        &seen,
        request.body(Full::from("x")).unwrap(),
    )
    .await;
    for name in [
        "keep-alive",
        "proxy-authorization",
        "upgrade",
        "expect",
        "connection",
        "transfer-encoding",
    ] {
        assert_eq!(seen.headers.get(name), None, "{name}");
    }
    assert_eq!(seen.headers["te"], "trailers");
    assert_eq!(seen.headers["authorization"], "Bearer kept");
    assert_eq!(seen.headers["cookie"], "a=1");
    assert_eq!(seen.headers["x-request-id"].len(), 36);
}

#[tokio::test]
async fn the_answer_comes_back_with_its_own_status_and_headers() {
    let url = service(|_: Request<Incoming>| async {
        Response::builder()
            .status(418)
            .header("content-type", "text/x-tea")
            .header("connection", "x-hop")
            .header("x-hop", "1")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .header("x-request-id", "the target's")
            .body(Full::from("short and stout"))
            .unwrap()
    })
    .await;
    let house = shop_within(&url, GatewayLimits::default(), |trigger| {
        trigger.response_headers = vec![
            ResponseHeader::parse("X-Fixed", "1").unwrap(),
            ResponseHeader::parse(
                "X-Asked",
                "{{ message.queryAndPath.q }}/{{ message.headers.x-a }}",
            )
            .unwrap(),
        ];
    });
    for visit in [house.acme_at_home(), house.acme_at_home().over_http2()] {
        let request = Request::get(format!("{SHOP}?q=7"))
            .header("x-a", "b")
            .body(Full::default())
            .unwrap();
        let told = visit.ask(request).await;
        assert_eq!(
            (told.status.as_u16(), told.text()),
            (418, "short and stout")
        );
        assert_eq!(told.headers["content-type"], "text/x-tea");
        assert_eq!(told.headers.get_all("set-cookie").iter().count(), 2);
        assert_eq!(
            (told.headers.get("x-hop"), told.headers.get("connection")),
            (None, None)
        );
        assert_ne!(told.headers["x-request-id"], "the target's");
        assert_eq!(
            (&told.headers["x-fixed"], &told.headers["x-asked"]),
            (&"1".parse().unwrap(), &"7/b".parse().unwrap())
        );
    }
}

#[tokio::test]
async fn both_bodies_stream() {
    let url =
        service(|request: Request<Incoming>| async { Response::new(request.into_body()) }).await;
    let house = shop_at(&url);
    for visit in [house.acme_at_home(), house.acme_at_home().over_http2()] {
        let (feeder, body) = fed();
        let answer = visit.send(Request::post(SHOP).body(body).unwrap()).await;
        assert_eq!(answer.status(), 200);
        let mut answer = answer.into_body();
        // Each piece comes back before the next one is sent: neither side waits for the end.
        for piece in ["one", "two", "three"] {
            feeder
                .send(Frame::data(Bytes::from_static(piece.as_bytes())))
                .await
                .unwrap();
            let came = answer.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(came, piece);
        }
        drop(feeder);
        assert_eq!(answer.collect().await.unwrap().to_bytes(), "");
    }
    for record in house.records() {
        assert_eq!(
            (
                &record["bytesIn"],
                &record["bytesOut"],
                record.get("aborted")
            ),
            (&json!(11), &json!(11), None)
        );
    }
}

#[tokio::test]
async fn an_early_answer_is_passed_on_while_the_body_still_comes() {
    let url = service(|request: Request<Incoming>| async move {
        drop(request);
        Response::builder()
            .status(413)
            .body(Full::from("enough"))
            .unwrap()
    })
    .await;
    let house = shop_at(&url);
    let (feeder, body) = fed();
    feeder
        .send(Frame::data(Bytes::from_static(b"begun")))
        .await
        .unwrap();
    let answer = house
        .acme_at_home()
        .send(Request::post(SHOP).body(body).unwrap())
        .await;
    assert_eq!(answer.status(), 413);
    assert_eq!(
        answer.into_body().collect().await.unwrap().to_bytes(),
        "enough"
    );
}

/// A body of unknown length, as HTTP/1.1 wants it for trailers, that ends with `trailers`.
fn trailing(trailers: HeaderMap) -> Fed {
    let (feeder, body) = fed();
    tokio::spawn(async move {
        for frame in [
            Frame::data(Bytes::from_static(b"x")),
            Frame::trailers(trailers),
        ] {
            let _ = feeder.send(frame).await;
        }
    });
    body
}

#[tokio::test]
async fn trailers_are_passed_on_both_ways_without_forgeries() {
    let (mut request_trailers, mut answer_trailers) = (HeaderMap::new(), HeaderMap::new());
    request_trailers.insert("x-sum", "1".parse().unwrap());
    request_trailers.insert("client-cert", "forged".parse().unwrap());
    answer_trailers.insert("x-end", "2".parse().unwrap());
    let seen: Arc<Mutex<Option<HeaderMap>>> = Arc::default();
    let url = service({
        let seen = Arc::clone(&seen);
        move |request: Request<Incoming>| {
            let (seen, answer_trailers) = (Arc::clone(&seen), answer_trailers.clone());
            async move {
                let body = request.into_body().collect().await.unwrap();
                *seen.lock().unwrap() = body.trailers().cloned();
                let body = trailing(answer_trailers);
                Response::builder()
                    .header("trailer", "x-end")
                    .body(body)
                    .unwrap()
            }
        }
    })
    .await;
    let house = shop_at(&url);
    for visit in [house.acme_at_home(), house.acme_at_home().over_http2()] {
        let request = Request::post(SHOP)
            .header("te", "trailers")
            .header("trailer", "x-sum, client-cert");
        let answer = visit
            .send(request.body(trailing(request_trailers.clone())).unwrap())
            .await;
        let answer = answer.into_body().collect().await.unwrap();
        assert_eq!(answer.trailers().unwrap()["x-end"], "2");
        let seen = seen.lock().unwrap().take().unwrap();
        assert_eq!(
            (seen.len(), &seen["x-sum"]),
            (1, &"1".parse::<HeaderValue>().unwrap())
        );
    }
}

#[tokio::test]
async fn head_and_bodiless_answers_end_with_their_head() {
    let url = service(|request: Request<Incoming>| async move {
        let status = if request.method() == Method::HEAD {
            200
        } else {
            204
        };
        let length = if status == 200 { "1000" } else { "0" };
        let mut answer = Response::builder().status(status);
        if status == 200 {
            answer = answer.header("content-length", length);
        }
        answer.body(Full::<Bytes>::default()).unwrap()
    })
    .await;
    let house = shop_at(&url);
    for visit in [house.acme_at_home(), house.acme_at_home().over_http2()] {
        let told = visit
            .ask(Request::head(SHOP).body(Full::default()).unwrap())
            .await;
        assert_eq!((told.status.as_u16(), told.body.len()), (200, 0));
        assert_eq!(told.headers["content-length"], "1000");
        let told = visit.get(SHOP).await;
        assert_eq!((told.status.as_u16(), told.body.len()), (204, 0));
    }
    for record in house.records() {
        assert_eq!(
            (&record["bytesOut"], record.get("aborted")),
            (&json!(0), None)
        );
    }
}

/// A service that never answers, and keeps what it is asked.
async fn silent() -> String {
    service(|request: Request<Incoming>| async move {
        let _body = request.into_body().collect().await;
        std::future::pending::<Response<Full<Bytes>>>().await
    })
    .await
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_not_waited_for() {
    let limits = GatewayLimits::default();
    let house = shop_within(&silent().await, limits, |trigger| {
        trigger.timeout = TimeoutMs::new(50).unwrap()
    });
    let visit = house.acme_at_home();
    for told in [
        visit.get(SHOP).await,
        visit.post(SHOP, "text/plain", "with a body").await,
    ] {
        assert_eq!((told.status.as_u16(), told.body.len()), (500, 0));
        assert_eq!(told.headers.get("content-type"), None);
    }
    for record in house.records() {
        assert_eq!(
            (&record["reason"], &record["status"]),
            (&json!("timeout"), &json!(500))
        );
    }
}

#[tokio::test]
async fn the_timeout_begins_with_the_last_byte_of_the_body() {
    let url = service(|request: Request<Incoming>| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Response::new(Full::from(body))
    })
    .await;
    let house = shop_within(&url, GatewayLimits::default(), |trigger| {
        trigger.timeout = TimeoutMs::new(300).unwrap()
    });
    let (feeder, body) = fed();
    let slowly = tokio::spawn(async move {
        let began = crate::clock::Stopwatch::start();
        // Until the timeout would have been over twice, had it begun with the head.
        while began.elapsed() < Duration::from_millis(600) {
            feeder
                .send(Frame::data(Bytes::from_static(b"x")))
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let answer = house
        .acme_at_home()
        .send(Request::post(SHOP).body(body).unwrap())
        .await;
    slowly.await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_sender_that_stands_still_is_not_waited_for() {
    let limits = GatewayLimits {
        body_idle_timeout_ms: 50,
        ..GatewayLimits::default()
    };
    let house = shop_within(&silent().await, limits, routed);
    let (feeder, body) = fed();
    feeder
        .send(Frame::data(Bytes::from_static(b"begun")))
        .await
        .unwrap();
    let answer = house
        .acme_at_home()
        .send(Request::post(SHOP).body(body).unwrap())
        .await;
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.headers()["connection"], "close");
    drop(feeder);
    assert_eq!(house.records()[0]["bytesIn"], 5);
}

#[tokio::test]
async fn an_answer_that_stands_still_is_broken_off() {
    let url = service(|_: Request<Incoming>| async {
        let (feeder, body) = fed();
        feeder
            .send(Frame::data(Bytes::from_static(b"begun")))
            .await
            .unwrap();
        tokio::spawn(async move { feeder.closed().await });
        // Kept open by the task above until the gateway goes away.
        Response::new(body)
    })
    .await;
    let limits = GatewayLimits {
        body_idle_timeout_ms: 50,
        ..GatewayLimits::default()
    };
    let house = shop_within(&url, limits, routed);
    let visit = house.acme_at_home();
    let answer = visit
        .send(Request::get(SHOP).body(Full::<Bytes>::default()).unwrap())
        .await;
    assert_eq!(answer.status(), 200);
    assert!(answer.into_body().collect().await.is_err());
    let record = &house.records()[0];
    assert_eq!(
        (&record["reason"], &record["status"]),
        (&json!("timeout"), &json!(200))
    );
    assert_eq!(
        (&record["aborted"], &record["bytesOut"]),
        (&json!(true), &json!(5))
    );
}

#[tokio::test]
async fn a_slow_upload_keeps_an_answer_alive_that_waits_for_it() {
    // Sends its head at once, and its body when it has got all of the request's.
    let url = service(|request: Request<Incoming>| async move {
        let (feeder, body) = fed();
        tokio::spawn(async move {
            let whole = request.into_body().collect().await.unwrap().to_bytes();
            let _ = feeder.send(Frame::data(whole)).await;
        });
        Response::new(body)
    })
    .await;
    let limits = GatewayLimits {
        body_idle_timeout_ms: 500,
        ..GatewayLimits::default()
    };
    let house = shop_within(&url, limits, routed);
    let (feeder, body) = fed();
    tokio::spawn(async move {
        for _ in 0..30 {
            feeder
                .send(Frame::data(Bytes::from_static(b"x")))
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    });
    let answer = house
        .acme_at_home()
        .send(Request::post(SHOP).body(body).unwrap())
        .await;
    assert_eq!(
        answer.into_body().collect().await.unwrap().to_bytes().len(),
        30
    );
}

#[tokio::test]
async fn a_client_that_leaves_an_answer_is_told_as_aborted() {
    let url = service(|_: Request<Incoming>| async {
        let (feeder, body) = fed();
        tokio::spawn(async move {
            while feeder
                .send(Frame::data(Bytes::from(vec![0; 65_536])))
                .await
                .is_ok()
            {}
        });
        Response::new(body)
    })
    .await;
    let house = shop_at(&url);
    let visit = house.acme_at_home();
    let answer = visit
        .send(Request::get(SHOP).body(Full::<Bytes>::default()).unwrap())
        .await;
    let mut body = answer.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    drop(body);
    while Arc::strong_count(&visit.peer) > 1 {
        tokio::task::yield_now().await;
    }
    let records = house.records();
    assert_eq!(records.len(), 1);
    assert_eq!(
        (&records[0]["aborted"], &records[0]["status"]),
        (&json!(true), &json!(200))
    );
    assert!(records[0]["bytesOut"].as_u64().unwrap() >= 65_536);
    assert_eq!(records[0].get("reason"), None);
}

async fn refused(house: &House, status: u16, reason: &str) -> Told {
    let told = house.acme_at_home().get(SHOP).await;
    assert_eq!(
        (told.status.as_u16(), told.reason().as_str()),
        (status, reason)
    );
    assert_eq!(house.records()[0]["reason"], reason);
    assert!(!told.text().contains("127.0.0.1"), "{}", told.text());
    told
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_a_bad_gateway() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    refused(
        &shop_at(&format!("http://{address}")),
        502,
        "upstream-connect",
    )
    .await;
}

#[tokio::test]
async fn a_target_that_may_not_be_called_is_a_bad_gateway() {
    refused(&shop_at("http://[::1]:9"), 502, "upstream-connect").await;
}

#[tokio::test]
async fn an_upstream_that_does_not_shake_hands_in_time_is_a_gateway_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut house = shop_at("http://127.0.0.1:1");
    let limits = ConnectionLimits {
        connect_timeout_ms: 50,
        ..ConnectionLimits::default()
    };
    house.target_within(
        &format!("https://{}", listener.local_addr().unwrap()),
        limits,
    );
    refused(&house, 504, "upstream-connect").await;
}

#[tokio::test]
async fn an_upstream_that_speaks_no_tls_is_told_apart() {
    let url =
        service(|_: Request<Incoming>| async { Response::new(Full::<Bytes>::default()) }).await;
    refused(
        &shop_at(&url.replace("http:", "https:")),
        502,
        "upstream-tls",
    )
    .await;
}

/// A service that reads a request's head and then writes `answer` and closes.
async fn rude(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                if stream.read_buf(&mut head).await.unwrap() == 0 {
                    break;
                }
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn an_upstream_that_breaks_off_before_its_answer_is_a_bad_gateway() {
    for answer in [
        "",
        "HTTP/1.1 2",
        "nonsense\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ] {
        refused(&shop_at(&rude(answer).await), 502, "upstream-broke").await;
    }
}

#[tokio::test]
async fn an_upstream_that_breaks_off_its_answer_breaks_ours_off() {
    let url = rude("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await;
    let house = shop_at(&url);
    let answer = house
        .acme_at_home()
        .send(Request::get(SHOP).body(Full::<Bytes>::default()).unwrap())
        .await;
    assert_eq!(answer.status(), 200);
    assert!(answer.into_body().collect().await.is_err());
    let record = &house.records()[0];
    assert_eq!(
        (&record["reason"], &record["aborted"]),
        (&json!("upstream-broke"), &json!(true))
    );
}

#[tokio::test]
async fn a_body_that_grows_too_large_for_the_trigger_is_cut_off_on_its_way() {
    let house = shop_at(&silent().await);
    let (feeder, body) = fed();
    tokio::spawn(async move {
        while feeder
            .send(Frame::data(Bytes::from(vec![b'x'; 65_536])))
            .await
            .is_ok()
        {}
    });
    let answer = house
        .acme_at_home()
        .send(Request::post(SHOP).body(body).unwrap())
        .await;
    assert_eq!(answer.status(), 413);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], br#"{"message": "Request size limit exceeded"}"#);
}

#[tokio::test]
async fn connections_to_an_upstream_are_used_again() {
    let (url, seen) = remembering().await;
    let house = shop_at(&url);
    let visit = house.acme_at_home();
    for _ in 0..20 {
        one_seen(
            &visit,
            &seen,
            Request::get(SHOP).body(Full::default()).unwrap(),
        )
        .await;
    }
    assert_eq!(house.worker.pools.open(), 1);
}

#[tokio::test]
async fn a_call_without_a_connection_to_spare_is_turned_away() {
    let outbound = OutboundLimits {
        connections_per_target_max: 1,
        wait_timeout_ms: 20,
        ..OutboundLimits::default()
    };
    let mut house = House::with_all_limits(GatewayLimits::default(), outbound);
    house.target(&silent().await);
    house.pipeline("acme", "shop", Like::everywhere(upstream()));
    let visit = house.acme_at_home();
    let waiting = tokio::spawn(async move { visit.get(SHOP).await });
    while house.worker.pools.open() == 0 {
        tokio::task::yield_now().await;
    }
    refused(&house, 503, "overload").await;
    waiting.abort();
}

#[tokio::test]
async fn a_target_that_is_too_long_never_leaves_the_base_path() {
    let (url, seen) = remembering().await;
    let house = shop_at(&format!("{url}/{}", "b".repeat(1000)));
    let visit = house.acme_at_home();
    let fits = "q".repeat(16_384 - SHOP.len() - 1);
    assert_eq!(visit.get(&format!("{SHOP}?{fits}")).await.status, 200);
    assert!(seen.lock().unwrap().pop().unwrap().uri.path().len() > 1000);
    for query in [format!("{fits}q"), "q".repeat(64_535)] {
        let told = visit.get(&format!("{SHOP}?{query}")).await;
        assert_eq!(
            (told.status.as_u16(), told.reason().as_str()),
            (400, "ambiguous-request")
        );
        assert!(told.text().contains("too long"), "{}", told.text());
    }
    assert!(seen.lock().unwrap().is_empty());
    let far = shop_at(&format!("{url}/{}", "b".repeat(60_000)));
    let told = far.acme_at_home().get(&format!("{SHOP}?{fits}")).await;
    assert_eq!(told.status, 400);
    assert!(seen.lock().unwrap().is_empty());
}
