//! What a message says of a call, seen through `echo` and `mock`.

use http::Request;
use http_body_util::Full;
use serde_json::json;

use crate::domain::pipeline::Handler;
use crate::domain::trigger::RoutePattern;
use crate::gateway::testing::{House, Like, Visit, mock};

fn echoing() -> (House, Visit) {
    let mut house = House::new();
    let like = Like::triggered(Handler::Echo, |trigger| {
        trigger.routes = vec![RoutePattern::parse("/products/:id").unwrap()];
    });
    house.pipeline("acme", "echo", like);
    let visit = house.acme_at_home();
    (house, visit)
}

#[tokio::test]
async fn a_message_has_the_form_of_the_specification() {
    let (house, visit) = echoing();
    let request = Request::post("/pipeline/acme/v1/echo/products/a%2Bb%20c?x=1&y=a+b%26")
        .header("content-type", "application/json")
        .header("X-Mixed-Case", "1")
        .header("x-mixed-case", "2")
        .header("cookie", "a=1")
        .header("cookie", "b=2");
    let told = visit
        .ask(request.body(Full::from(r#"{"product":"hat"}"#)).unwrap())
        .await;
    assert_eq!(told.status, 200);
    assert_eq!(told.headers["content-type"], "application/json");
    let facts = house.acme.leaf.certificate.facts();
    let expected = json!({
        "body": r#"{"product":"hat"}"#,
        "form": {},
        "headers": {
            "content-type": "application/json",
            "x-mixed-case": "1, 2",
            "cookie": "a=1; b=2",
            "host": "acme.api2.gate.localhost",
            "content-length": "17",
        },
        "queryAndPath": {"x": "1", "y": "a b&", "id": "a+b c"},
        "method": "POST",
        "contentType": "application/json",
        "path": "/pipeline/acme/v1/echo/products/a%2Bb%20c",
        "files": [],
        "client": {
            "subject": facts.subject,
            "sans": ["DNS:client-1.acme.example"],
            "issuer": facts.issuer,
            "serial": facts.serial,
            "fingerprint": house.acme.leaf.certificate.fingerprint().to_string(),
            "anchor": house.acme.root.certificate.fingerprint().to_string(),
            "account": "dgb-mtls-autocorp",
        },
    });
    assert_eq!(told.json(), expected);
    let keys: Vec<String> = told.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        [
            "body",
            "form",
            "headers",
            "queryAndPath",
            "method",
            "contentType",
            "path",
            "files",
            "client"
        ]
    );
}

#[tokio::test]
async fn without_body_type_and_certificate_there_is_less_to_say() {
    let (house, _) = echoing();
    let told = house.outside().get("/pipeline/acme/v1/echo").await.json();
    assert_eq!(told["body"], "");
    assert_eq!(told["contentType"], json!(null));
    assert_eq!(told["queryAndPath"], json!({}));
    assert_eq!(told["client"], json!(null));
    assert_eq!(told["method"], "GET");
}

#[tokio::test]
async fn form_fields_are_decoded_where_the_body_is_a_form() {
    let (_house, visit) = echoing();
    let path = "/pipeline/acme/v1/echo?id=1&id=2&flag";
    let kind = "application/x-www-form-urlencoded; charset=UTF-8";
    let told = visit
        .post(path, kind, "a=1&b=%C3%A4+%2B&a=2&&=x")
        .await
        .json();
    assert_eq!(told["form"], json!({"a": "1, 2", "b": "ä +", "": "x"}));
    assert_eq!(told["queryAndPath"], json!({"id": "1, 2", "flag": ""}));
    let plain = visit.post(path, "text/plain", "a=1").await.json();
    assert_eq!(plain["form"], json!({}));
}

#[tokio::test]
async fn a_form_of_very_many_fields_is_too_large() {
    let (_house, visit) = echoing();
    let kind = "application/x-www-form-urlencoded";
    let fits = visit
        .post("/pipeline/acme/v1/echo", kind, &"a&".repeat(1000))
        .await;
    assert_eq!(fits.status, 200);
    let over = visit
        .post("/pipeline/acme/v1/echo", kind, &"a&".repeat(1001))
        .await;
    assert_eq!(over.status, 413);
}

#[tokio::test]
async fn what_is_not_utf_8_is_replaced() {
    let (_house, visit) = echoing();
    let request = Request::post("/pipeline/acme/v1/echo?a=%ff");
    let told = visit
        .ask(request.body(Full::from(vec![b'x', 0xff, b'y'])).unwrap())
        .await
        .json();
    assert_eq!(told["body"], "x\u{fffd}y");
    assert_eq!(told["queryAndPath"]["a"], "\u{fffd}");
}

#[tokio::test]
async fn a_route_parameter_takes_the_place_of_a_query_parameter_of_its_name() {
    let (_house, visit) = echoing();
    let told = visit
        .get("/pipeline/acme/v1/echo/products/7?id=8")
        .await
        .json();
    assert_eq!(told["queryAndPath"], json!({"id": "7"}));
}

#[tokio::test]
async fn expressions_reach_into_message_body_and_metadata() {
    let mut house = House::new();
    let document = json!({
        "product": "{{ message.body.product }}",
        "missing": "{{ message.body.missing }}",
        "client": "by {{ message.client.subject }}",
        "pipeline": "{{ metadata.pipeline.name }} v{{ metadata.pipeline.major }}",
        "at": "{{ metadata.realm }}/{{ metadata.environment }}/{{ metadata.gateway }}",
        "id": "{{ metadata.requestId }}",
    });
    house.pipeline("acme", "mock", Like::everywhere(mock(document)));
    let visit = house.acme_at_home();
    let told = visit
        .post(
            "/pipeline/acme/v1/mock",
            "application/vnd.acme+json",
            r#"{"product":{"id":1}}"#,
        )
        .await;
    let expected = json!({
        "product": {"id": 1},
        "missing": null,
        "client": format!("by {}", house.acme.leaf.certificate.facts().subject),
        "pipeline": "mock v1",
        "at": "acme/prod/mtls",
        "id": told.headers["x-request-id"].to_str().unwrap(),
    });
    assert_eq!(told.json(), expected);
    let plain = visit
        .post("/pipeline/acme/v1/mock", "text/plain", r#"{"product":1}"#)
        .await
        .json();
    assert_eq!(plain["product"], json!(null));
}
