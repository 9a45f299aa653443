//! `realmgate prove` against the real binary: everything holds, nothing is left behind, nobody is disturbed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use realmgate::prove::board::Class;
use serde_json::{Value, json};

use crate::support::clients::Call;
use crate::support::demo::Demo;

const RESERVED: &str = "realmgate-prove";

fn rows_of(board: &Value, verdict: &str) -> Vec<Value> {
    let rows = board["rows"].as_array().unwrap().iter();
    rows.filter(|row| row["verdict"] == verdict)
        .cloned()
        .collect()
}

/// The actions of the audit's last records that belong to the reserved realm, newest first.
fn audited(demo: &Demo) -> Vec<String> {
    let reply = demo.api("GET", &format!("/api/v1/audit?realm={RESERVED}"), None);
    let records = reply.json()["records"].as_array().unwrap().clone();
    let action = |record: &Value| record["action"].as_str().unwrap().to_owned();
    records.iter().map(action).collect()
}

#[test]
fn everything_holds_and_nothing_is_left_behind() {
    let demo = Demo::start();
    let before = demo.api("GET", "/api/v1/realms", None).json();
    let output = demo.cli(&["prove", "--json"]);
    let board: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows_of(&board, "not-held"), Vec::<Value>::new());
    assert_eq!(rows_of(&board, "not-tried"), Vec::<Value>::new());
    assert_eq!(output.status.code(), Some(0));
    let tried: BTreeSet<&str> = board["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["class"].as_str().unwrap())
        .collect();
    let all: BTreeSet<&str> = Class::ALL.iter().map(|class| class.as_str()).collect();
    assert_eq!(tried, all);
    assert_eq!(demo.api("GET", "/api/v1/realms", None).json(), before);
    let status = demo.api("GET", "/api/v1/status", None).json();
    assert_eq!(status["realms"], 2);
    let audited = audited(&demo);
    assert_eq!(audited.first().unwrap(), "proof.end");
    assert_eq!(audited.last().unwrap(), "proof.begin");
}

#[test]
fn a_realm_with_traffic_is_not_disturbed() {
    let demo = Demo::start();
    let good = demo.client("acme", "prod", "accepted");
    let host = demo.text("acme", "prod", "mtlsHost");
    let over = AtomicBool::new(false);
    let calls = std::thread::scope(|scope| {
        let caller = scope.spawn(|| {
            let mut calls = 0;
            while calls < 3 || !over.load(Ordering::Acquire) {
                let path = Demo::path("acme", "hello");
                let reply = Call::new(&demo, "mtls", &host, &path).by(&good).send();
                assert_eq!(reply.status, 200, "{reply:?}");
                calls += 1;
            }
            calls
        });
        let output = demo.cli(&["prove"]);
        over.store(true, Ordering::Release);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{told}");
        assert!(told.contains("tries were withstood"), "{told}");
        caller.join().unwrap()
    });
    assert!(calls >= 3);
}

#[test]
fn one_class_alone_can_be_tried_and_only_classes_that_there_are() {
    let demo = Demo::start();
    let output = demo.cli(&["prove", "--class", "paths", "--all"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("%2e%2e") && !told.contains("strangers"),
        "{told}"
    );
    let output = demo.cli(&["prove", "--class", "paths", "--class", "everything"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("no such class \"everything\""), "{told}");
}

#[test]
fn only_operators_may_and_the_reserved_name_is_nobodys() {
    let demo = Demo::start();
    for role in [
        json!({"name": "looks", "role": "auditor"}),
        json!({"name": "people", "role": "realm-admin", "realm": "acme"}),
    ] {
        let made = demo.api("POST", "/api/v1/tokens", Some(&role)).json();
        let token = made["token"].as_str().unwrap();
        let reply = demo.api_as(token, "POST", "/api/v1/prove", Some(&json!({})));
        assert_eq!(reply.status, 403, "{reply:?}");
    }
    let path = format!("/api/v1/realms/{RESERVED}");
    let reply = demo.api("PUT", &path, None);
    assert_eq!((reply.status, code(&reply.json())), (409, "realm-reserved"));
    let reply = demo.api("GET", &path, None);
    assert_eq!((reply.status, code(&reply.json())), (404, "no-realm"));
    let documents = json!({"documents": [{"realm": [{"name": RESERVED}]}]});
    let reply = demo.api("POST", "/api/v1/apply", Some(&documents));
    assert_eq!((reply.status, code(&reply.json())), (409, "realm-reserved"));
    assert_eq!(audited(&demo), Vec::<String>::new());
}

fn code(answer: &Value) -> &str {
    match answer["error"]["code"].as_str() {
        Some("realm-reserved") => "realm-reserved",
        Some("no-realm") => "no-realm",
        _ => "another",
    }
}
