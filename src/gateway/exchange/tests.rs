//! Calls, from the request to the answer, the record and the journal.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Frame;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::domain::media_type::MediaRange;
use crate::domain::pipeline::Handler;
use crate::domain::trigger::{
    ContentTypes, MethodSet, Publication, ResponseHeader, Trigger, TriggerKind,
};
use crate::gateway::limits::GatewayLimits;
use crate::gateway::testing::{House, Like, Told, fed, mock, realm};
use crate::trust::reason::Reason;

fn house() -> House {
    let mut house = House::new();
    for name in ["acme", "globex"] {
        house.pipeline(
            name,
            "orders",
            Like::everywhere(mock(json!({"of": "{{ metadata.realm }}"}))),
        );
    }
    house
}

const ORDERS: &str = "/pipeline/acme/v1/orders";

#[tokio::test]
async fn a_good_call_is_answered_on_every_way_in() {
    let house = house();
    let ways = [
        house.acme_at_home(),
        house.at_the_shared_host(&house.acme),
        house.outside(),
    ];
    for visit in ways {
        let told = visit.get(ORDERS).await;
        assert_eq!(
            (told.status.as_u16(), told.json()),
            (200, json!({"of": "acme"}))
        );
        let over_http2 = visit.over_http2().get(ORDERS).await;
        assert_eq!(
            (over_http2.status.as_u16(), over_http2.json()),
            (200, json!({"of": "acme"}))
        );
    }
    let records = house.records();
    assert_eq!(records.len(), 6);
    for (record, gateway) in records
        .iter()
        .zip(["mtls", "mtls", "mtls", "mtls", "external", "external"])
    {
        assert_eq!(record["gateway"], gateway);
        assert_eq!(record["status"], 200);
        assert_eq!(record["bytesOut"], 13);
        assert_eq!(record.get("aborted"), None);
        assert_eq!(record.get("client").is_some(), gateway == "mtls");
    }
}

#[tokio::test]
async fn every_answer_names_its_call() {
    let house = house();
    let visit = house.acme_at_home();
    let mut ids = BTreeSet::new();
    for path in [ORDERS, "/", "/a//b"] {
        let told = visit.get(path).await;
        let id = told.headers["x-request-id"].to_str().unwrap().to_owned();
        if told.status != 200 {
            assert_eq!(told.json()["requestId"], id.as_str());
        }
        assert!(ids.insert(id));
    }
    let told: BTreeSet<String> = house
        .records()
        .iter()
        .map(|record| record["requestId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, ids);
}

#[tokio::test]
async fn another_hosts_requests_are_misdirected() {
    let house = house();
    let visit = house.acme_at_home();
    for host in [
        "globex.api2.gate.localhost",
        "api.gate.localhost",
        "api2.gate.localhost",
    ] {
        let request = Request::get(ORDERS).header("host", host);
        let told = visit.ask(request.body(Full::default()).unwrap()).await;
        assert_eq!(
            (told.status.as_u16(), told.reason().as_str()),
            (421, "misdirected"),
            "{host}"
        );
    }
    let request = Request::get(ORDERS).header("host", "ACME.api2.gate.localhost.:9443");
    assert_eq!(
        visit
            .ask(request.body(Full::default()).unwrap())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn requests_that_can_be_read_in_two_ways_are_refused() {
    let house = house();
    let visit = house.acme_at_home();
    let host = "Host: acme.api2.gate.localhost\r\n";
    let cases = [
        format!("GET {ORDERS} HTTP/1.1\r\n"),
        format!("GET {ORDERS} HTTP/1.1\r\n{host}{host}"),
        format!("GET {ORDERS} HTTP/1.1\r\n{host}Host: b.example\r\n"),
        format!("GET https://b.example{ORDERS} HTTP/1.1\r\n{host}"),
        format!("GET {ORDERS} HTTP/1.1\r\nHost: u@acme.api2.gate.localhost\r\n"),
        format!("GET {ORDERS}/../orders HTTP/1.1\r\n{host}"),
        format!("GET {ORDERS}/%2e%2e/orders HTTP/1.1\r\n{host}"),
        format!("GET /pipeline//acme/v1/orders HTTP/1.1\r\n{host}"),
        format!("GET /pipeline/acme%2fv1/orders HTTP/1.1\r\n{host}"),
        format!("GET {ORDERS};a=b HTTP/1.1\r\n{host}"),
        format!("GET {ORDERS}%00 HTTP/1.1\r\n{host}"),
        format!("GET {ORDERS}% HTTP/1.1\r\n{host}"),
        format!("OPTIONS * HTTP/1.1\r\n{host}"),
    ];
    for head in &cases {
        let answer = visit.raw(&format!("{head}Connection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{head}: {answer}");
        assert!(
            answer.contains("\"reason\":\"ambiguous-request\""),
            "{head}: {answer}"
        );
    }
    let absolute = format!(
        "GET https://acme.api2.gate.localhost{ORDERS} HTTP/1.1\r\n{host}Connection: close\r\n\r\n"
    );
    assert!(visit.raw(&absolute).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(house.records().len(), cases.len() + 1);
}

#[tokio::test]
async fn connect_is_a_method_like_any_other_that_is_not_allowed() {
    let house = house();
    let head = "CONNECT acme.api2.gate.localhost:443 HTTP/1.1\r\nHost: acme.api2.gate.localhost:443\r\n\r\n";
    let answer = house
        .acme_at_home()
        .raw(&format!(
            "{head}GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
        ))
        .await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}

#[tokio::test]
async fn what_is_not_published_on_a_gateway_is_not_found_there() {
    let mut house = house();
    let only = |external, mtls| Publication {
        external,
        internal: false,
        mtls,
    };
    for (name, publication) in [
        ("outside", only(true, false)),
        ("inside", only(false, true)),
    ] {
        house.pipeline(
            "acme",
            name,
            Like {
                publication,
                ..Like::everywhere(Handler::Echo)
            },
        );
    }
    let home = house.acme_at_home();
    let cases = [
        (&home, "/pipeline/acme/v1/outside", 404),
        (&home, "/pipeline/acme/v1/inside", 200),
        (&house.outside(), "/pipeline/acme/v1/outside", 200),
        (&house.outside(), "/pipeline/acme/v1/inside", 404),
        (&home, "/pipeline/acme/v2/inside", 404),
        (&home, "/pipeline/acme/v1/inside/more", 404),
        (&home, "/pipeline/acme/v1/inside/", 404),
        (&home, "/pipeline/acme/v1/Inside", 404),
        (&home, "/pipeline/%61cme/v1/%69nside", 200),
    ];
    for (visit, path, status) in cases {
        assert_eq!(visit.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_realm_that_does_not_trust_the_client_looks_like_none() {
    let house = house();
    let shared = house.at_the_shared_host(&house.acme);
    let home = house.acme_at_home();
    let unknown = shared.get("/pipeline/nobody/v1/orders").await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.reason().as_str()),
        (404, "not-found")
    );
    let strip = |told: &Told| {
        let id = told.headers["x-request-id"].to_str().unwrap().to_owned();
        let mut headers = told.headers.clone();
        headers.remove("x-request-id");
        headers.remove("date");
        (told.status, headers, told.text().replace(&id, ""))
    };
    let others = [
        shared.get("/pipeline/globex/v1/orders").await,
        shared.get("/pipeline/globex/v1/nothing").await,
        home.get("/pipeline/globex/v1/orders").await,
        home.get("/pipeline/nobody/v1/orders").await,
    ];
    for told in &others {
        assert_eq!(strip(told), strip(&unknown));
    }
    let journal = house.journal();
    let told: Vec<(&str, &str)> = journal
        .iter()
        .map(|(realm, reason, _)| (realm.as_str(), reason.as_str()))
        .collect();
    let mut expected = vec![
        ("globex", "other-realm"),
        ("globex", "other-realm"),
        ("acme", "other-realm"),
        ("acme", "other-realm"),
    ];
    let mut sorted = told.clone();
    sorted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
    let reasons: Vec<_> = house
        .records()
        .iter()
        .map(|record| record["reason"].clone())
        .collect();
    assert_eq!(
        reasons,
        [
            "not-found",
            "other-realm",
            "other-realm",
            "other-realm",
            "other-realm"
        ]
    );
}

#[tokio::test]
async fn a_client_whose_anchor_went_is_told_why_and_dismissed() {
    let mut house = house();
    let visit = house.acme_at_home();
    assert_eq!(visit.get(ORDERS).await.status, 200);
    house.uninstall("acme");
    let told = visit.get(ORDERS).await;
    assert_eq!(
        (told.status.as_u16(), told.reason().as_str()),
        (403, "anchor-removed")
    );
    assert_eq!(told.headers["connection"], "close");
    tokio::time::timeout(Duration::from_secs(5), visit.peer.dismissed())
        .await
        .unwrap();
    let journal = house.journal();
    assert_eq!(journal.len(), 1);
    assert_eq!(
        (journal[0].0.as_str(), journal[0].1.as_str()),
        ("acme", "anchor-removed")
    );
    house.change(&crate::domain::command::Command::SuspendRealm {
        realm: realm("acme"),
    });
    let told = visit.over_http2().get(ORDERS).await;
    assert_eq!(
        (told.status.as_u16(), told.reason().as_str()),
        (403, "realm-closed")
    );
}

#[tokio::test]
async fn other_methods_are_told_which_ones_are_allowed() {
    let mut house = house();
    let like = Like::triggered(Handler::Echo, |trigger| {
        use crate::domain::trigger::Method::{Get, Put};
        trigger.methods = MethodSet::of([Get, Put]).unwrap();
    });
    house.pipeline("acme", "some", like);
    let visit = house.acme_at_home();
    for method in [
        Method::POST,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
        Method::from_bytes(b"BREW").unwrap(),
    ] {
        let request = Request::builder()
            .method(method.clone())
            .uri("/pipeline/acme/v1/some");
        let told = visit.ask(request.body(Full::default()).unwrap()).await;
        assert_eq!(
            (told.status.as_u16(), told.reason().as_str()),
            (405, "method-not-allowed"),
            "{method}"
        );
        assert_eq!(told.headers["allow"], "PUT, GET, HEAD");
    }
    assert_eq!(visit.get("/pipeline/acme/v1/some").await.status, 200);
}

fn xml_or_images(trigger: &mut Trigger) {
    let ranges = |of: &[&str]| of.iter().map(|of| MediaRange::parse(of).unwrap()).collect();
    trigger.kind = TriggerKind::Http(ContentTypes {
        requests: ranges(&["text/xml", "image/*"]),
        responses: ranges(&["application/json"]),
    });
}

#[tokio::test]
async fn an_http_trigger_admits_its_content_types_only() {
    let mut house = house();
    house.pipeline(
        "acme",
        "typed",
        Like::triggered(Handler::Echo, xml_or_images),
    );
    let cases: [(&[&str], &'static str, u16); 10] = [
        (&["text/xml"], "<a/>", 200),
        (&["Text/XML; charset=utf-8"], "<a/>", 200),
        (&["image/png"], "png", 200),
        (&["application/json"], "{}", 415),
        (&["text/xml-external"], "<a/>", 415),
        (&[], "<a/>", 415),
        (&["text/xml", "application/json"], "<a/>", 415),
        (&["text/xml, application/json"], "<a/>", 415),
        // Without a body there is nothing to be of a type.
        (&[], "", 200),
        (&["application/json"], "", 200),
    ];
    for visit in [house.acme_at_home(), house.acme_at_home().over_http2()] {
        for (types, body, status) in cases {
            let mut request = Request::post("/pipeline/acme/v1/typed");
            for of in types {
                request = request.header("content-type", *of);
            }
            let told = visit.ask(request.body(Full::from(body)).unwrap()).await;
            assert_eq!(told.status, status, "{types:?}");
            if status == 415 {
                assert_eq!(told.reason(), "unsupported-media-type");
                assert_eq!(told.headers["accept"], "text/xml, image/*");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_of_a_type_that_an_http_trigger_does_not_declare_becomes_a_500() {
    let mut house = house();
    let answers = [
        (json!({"code": 200, "body": {"a": 1}}), 200),
        (
            json!({"code": 404, "Content-Type": "application/json; charset=utf-8", "body": "{}"}),
            404,
        ),
        (json!({"code": 204}), 204),
        (json!({"code": 200}), 200),
        (json!({"code": 200, "body": "text"}), 500),
        (
            json!({"code": 200, "Content-Type": "text/html", "body": "<p>secret</p>"}),
            500,
        ),
        (json!({"code": 200, "Content-Type": "text/html"}), 500),
    ];
    for (index, (answer, status)) in answers.into_iter().enumerate() {
        let name = format!("typed-{index}");
        let like = Like::triggered(mock(answer.clone()), xml_or_images);
        house.pipeline("acme", &name, like);
        let path = format!("/pipeline/acme/v1/{name}");
        let told = house.acme_at_home().get(&path).await;
        assert_eq!(told.status, status, "{answer}");
        if status == 500 {
            assert_eq!(told.reason(), "upstream-broke");
            assert!(!String::from_utf8_lossy(&told.body).contains("secret"));
        }
    }
}

#[tokio::test]
async fn head_is_answered_as_get_without_a_body() {
    let house = house();
    let visit = house.acme_at_home();
    for visit in [visit, house.acme_at_home().over_http2()] {
        let told = visit
            .ask(Request::head(ORDERS).body(Full::default()).unwrap())
            .await;
        assert_eq!((told.status.as_u16(), told.body.len()), (200, 0));
        assert_eq!(told.headers["content-length"], "13");
    }
    for record in house.records() {
        assert_eq!(
            (
                &record["status"],
                &record["bytesOut"],
                record.get("aborted")
            ),
            (&json!(200), &json!(0), None)
        );
    }
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_before_it_is_read() {
    let house = house();
    let head = format!(
        "POST {ORDERS} HTTP/1.1\r\nHost: acme.api2.gate.localhost\r\nContent-Length: 1048577\r\nExpect: 100-continue\r\n\r\n"
    );
    let answer = house.acme_at_home().raw(&head).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert!(
        answer.ends_with("\r\n\r\n{\"message\": \"Request size limit exceeded\"}"),
        "{answer}"
    );
    assert_eq!(house.records()[0]["reason"], "body-too-large");
}

#[tokio::test]
async fn a_body_that_grows_too_large_is_cut_off() {
    let house = house();
    for visit in [house.acme_at_home(), house.acme_at_home().over_http2()] {
        let (feeder, body) = fed();
        tokio::spawn(async move {
            while feeder
                .send(Frame::data(Bytes::from(vec![b'x'; 65_536])))
                .await
                .is_ok()
            {}
        });
        let answer = visit.send(Request::post(ORDERS).body(body).unwrap()).await;
        assert_eq!(answer.status(), 413);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], br#"{"message": "Request size limit exceeded"}"#);
    }
    for record in house.records() {
        assert!(record["bytesIn"].as_u64().unwrap() > 1_048_576);
        assert!(record["bytesIn"].as_u64().unwrap() < 1_300_000);
    }
}

#[tokio::test]
async fn a_body_that_stops_coming_is_not_waited_for() {
    let mut house = House::with_limits(GatewayLimits {
        body_idle_timeout_ms: 50,
        ..GatewayLimits::default()
    });
    house.pipeline("acme", "orders", Like::everywhere(Handler::Echo));
    let (feeder, body) = fed();
    feeder
        .send(Frame::data(Bytes::from_static(b"begun")))
        .await
        .unwrap();
    let visit = house.acme_at_home();
    let answer = visit.send(Request::post(ORDERS).body(body).unwrap()).await;
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.headers()["connection"], "close");
    assert_eq!(
        answer.into_body().collect().await.unwrap().to_bytes().len(),
        0
    );
    drop(feeder);
    let record = &house.records()[0];
    assert_eq!(
        (&record["reason"], &record["bytesIn"]),
        (&json!("timeout"), &json!(5))
    );
}

#[tokio::test]
async fn a_body_that_is_not_framed_properly_is_refused() {
    let house = house();
    let head = format!(
        "POST {ORDERS} HTTP/1.1\r\nHost: acme.api2.gate.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let answer = house.acme_at_home().raw(&format!("{head}zz\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        answer.contains("\"reason\":\"ambiguous-request\""),
        "{answer}"
    );
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_one_record() {
    let house = house();
    let visit = house.acme_at_home();
    let mut stream = visit.stream();
    let head = format!(
        "POST {ORDERS} HTTP/1.1\r\nHost: acme.api2.gate.localhost\r\nContent-Length: 10\r\n\r\nhalf"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The call has begun once it holds the peer, besides the visit, its service and its connection's clone of it.
    let idle = std::sync::Arc::strong_count(&visit.peer);
    while std::sync::Arc::strong_count(&visit.peer) <= idle {
        tokio::task::yield_now().await;
    }
    drop(stream);
    while std::sync::Arc::strong_count(&visit.peer) > 1 {
        tokio::task::yield_now().await;
    }
    let records = house.records();
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(
        (&record["bytesIn"], &record["pipeline"]),
        (&json!(4), &json!("orders"))
    );
}

#[tokio::test]
async fn several_requests_on_one_connection_are_several_calls() {
    let house = house();
    let mut stream = house.acme_at_home().stream();
    for _ in 0..3 {
        let head = format!("GET {ORDERS} HTTP/1.1\r\nHost: acme.api2.gate.localhost\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(br#"{"of":"acme"}"#) {
            stream.read_buf(&mut answer).await.unwrap();
        }
    }
    drop(stream);
    assert_eq!(house.records().len(), 3);
}

#[tokio::test]
async fn a_mock_can_state_its_answer_and_a_bad_one_is_an_error() {
    let mut house = house();
    let created =
        json!({"code": 201, "Content-Type": "text/plain", "body": "made {{ message.body.n }}"});
    house.pipeline("acme", "created", Like::everywhere(mock(created)));
    house.pipeline(
        "acme",
        "bad",
        Like::everywhere(mock(json!({"code": "{{ message.body.n }}"}))),
    );
    let visit = house.acme_at_home();
    let told = visit
        .post(
            "/pipeline/acme/v1/created",
            "application/json",
            r#"{"n":7}"#,
        )
        .await;
    assert_eq!((told.status.as_u16(), told.text()), (201, "made 7"));
    assert_eq!(told.headers["content-type"], "text/plain");
    let told = visit
        .post("/pipeline/acme/v1/bad", "application/json", r#"{"n":204}"#)
        .await;
    assert_eq!((told.status.as_u16(), told.body.len()), (204, 0));
    let told = visit
        .post("/pipeline/acme/v1/bad", "application/json", r#"{"n":7}"#)
        .await;
    assert_eq!(
        (told.status.as_u16(), told.reason().as_str()),
        (500, "upstream-broke")
    );
}

#[tokio::test]
async fn a_triggers_response_headers_are_on_its_answers_and_on_no_refusal() {
    let mut house = house();
    let like = Like::triggered(mock(json!(1)), |trigger| {
        trigger.response_headers = vec![
            ResponseHeader::parse("X-Fixed", "always").unwrap(),
            ResponseHeader::parse("X-Asked", "{{ message.queryAndPath.q }}").unwrap(),
            ResponseHeader::parse("Content-Type", "application/problem+json").unwrap(),
        ];
    });
    house.pipeline("acme", "dressed", like);
    let visit = house.acme_at_home();
    let told = visit.get("/pipeline/acme/v1/dressed?q=7").await;
    assert_eq!(told.headers["x-fixed"], "always");
    assert_eq!(told.headers["x-asked"], "7");
    assert_eq!(told.headers["content-type"], "application/problem+json");
    let told = visit
        .get("/pipeline/acme/v1/dressed?q=7%0d%0aset-cookie:%20a")
        .await;
    assert_eq!(
        (told.headers.get("x-asked"), told.headers.get("set-cookie")),
        (None, None)
    );
    let told = visit.ask(
        Request::builder()
            .method("TRACE")
            .uri("/pipeline/acme/v1/dressed")
            .body(Full::default())
            .unwrap(),
    );
    assert_eq!(told.await.headers.get("x-fixed"), None);
}

#[tokio::test]
async fn an_echo_shows_no_identity_that_a_client_made_up() {
    let mut house = house();
    house.pipeline("acme", "echo", Like::everywhere(Handler::Echo));
    for visit in [
        house.acme_at_home(),
        house.outside(),
        house.at_the_shared_host(&house.acme),
    ] {
        let mut request = Request::get("/pipeline/acme/v1/echo").header("x-kept", "1");
        for name in [
            "client-cert",
            "X_Client_Cert_Subject",
            "x-forwarded-client-cert",
            "forwarded",
            "X-Forwarded-For",
        ] {
            request = request.header(name, "forged");
        }
        let told = visit.ask(request.body(Full::default()).unwrap()).await;
        assert_eq!(told.json()["headers"]["x-kept"], "1");
        assert!(!told.text().contains("forged"), "{}", told.text());
    }
}

#[tokio::test]
async fn calls_are_counted_by_pipeline_and_refusals_by_reason() {
    let house = house();
    let visit = house.acme_at_home();
    visit.get(ORDERS).await;
    visit.get("/").await;
    visit
        .ask(
            Request::builder()
                .method("TRACE")
                .uri(ORDERS)
                .body(Full::default())
                .unwrap(),
        )
        .await;
    let snapshot = house.worker.live.load();
    let routes = &snapshot
        .realm("acme", crate::domain::environment::Environment::Prod)
        .unwrap()
        .routes;
    assert_eq!(
        routes.find(ORDERS).unwrap().deployed.counters.by_class(),
        [0, 1, 0, 1, 0]
    );
    let refused = house.worker.counters.snapshot().refused;
    let count = |reason: Reason| {
        refused
            .iter()
            .find(|(known, _)| *known == reason)
            .unwrap()
            .1
    };
    assert_eq!(
        (count(Reason::OtherRealm), count(Reason::MethodNotAllowed)),
        (1, 1)
    );
}

#[tokio::test]
async fn over_http2_what_is_left_of_a_body_is_read_away_behind_the_answer() {
    let house = House::new();
    let visit = house.acme_at_home().over_http2();
    let (feeder, body) = fed();
    let piece = || Frame::data(Bytes::from(vec![b'x'; 65_536]));
    feeder.send(piece()).await.unwrap();
    let answer = visit.send(Request::post(ORDERS).body(body).unwrap()).await;
    assert_eq!(answer.status(), 404);
    answer.into_body().collect().await.unwrap();
    let mut taken = 0;
    while feeder.send(piece()).await.is_ok() {
        taken += 65_536;
    }
    let limit = house.worker.limits.linger_bytes;
    // The windows of both sides and the pipe between them hold some more.
    assert!((limit - 65_536..2 * limit).contains(&taken), "{taken}");
}

#[tokio::test]
async fn gathered_bodies_share_a_bounded_memory_and_time() {
    let mut house = House::with_limits(GatewayLimits {
        gathered_bytes_max: 200_000,
        gather_timeout_ms: 300,
        ..GatewayLimits::default()
    });
    house.pipeline("acme", "echo", Like::everywhere(Handler::Echo));
    let visit = house.acme_at_home();
    let path = "/pipeline/acme/v1/echo";
    let told = visit.post(path, "text/plain", &"x".repeat(100_001)).await;
    assert_eq!(
        (told.status.as_u16(), told.reason().as_str()),
        (503, "overload")
    );
    assert_eq!(told.headers["retry-after"], "1");
    assert_eq!(
        visit
            .post(path, "text/plain", &"x".repeat(100_000))
            .await
            .status,
        200
    );
    // It never stands still, and never ends.
    let (feeder, body) = fed();
    tokio::spawn(async move {
        while feeder
            .send(Frame::data(Bytes::from_static(b"x")))
            .await
            .is_ok()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let answer = visit.send(Request::post(path).body(body).unwrap()).await;
    assert_eq!(answer.status(), 500);
    assert_eq!(house.worker.chores.gathered().bytes(), 0);
}

#[tokio::test]
async fn a_body_in_a_transfer_coding_besides_chunked_is_refused() {
    let house = house();
    for (coding, status) in [
        ("chunked", 200),
        ("Chunked", 200),
        ("gzip, chunked", 400),
        ("chunked\r\nTransfer-Encoding: chunked", 400),
    ] {
        let head = format!(
            "POST {ORDERS} HTTP/1.1\r\nHost: acme.api2.gate.localhost\r\nConnection: close\r\n"
        );
        let text = format!("{head}Transfer-Encoding: {coding}\r\n\r\n0\r\n\r\n");
        let answer = house.acme_at_home().raw(&text).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{coding}: {answer}");
    }
}

#[tokio::test]
async fn a_message_names_the_host_over_either_protocol() {
    let mut house = house();
    house.pipeline("acme", "echo", Like::everywhere(Handler::Echo));
    for visit in [house.acme_at_home(), house.acme_at_home().over_http2()] {
        let told = visit.get("/pipeline/acme/v1/echo").await;
        assert_eq!(told.json()["headers"]["host"], "acme.api2.gate.localhost");
    }
}
