//! Triggers from outside: saved with the command line, deployed, and called with curl.

use serde_json::json;

use crate::support::clients::{Call, Reply};
use crate::support::demo::Demo;

fn save_and_deploy(demo: &Demo, pipeline: &str, flags: &[&str]) {
    demo.cli_ok(&[&["pipeline", "save", pipeline, "--realm", "acme"], flags].concat());
    let place = ["--realm", "acme", "--environment", "prod"];
    demo.cli_ok(&[&["deployment", "create", pipeline], place.as_slice()].concat());
}

fn call(demo: &Demo, pipeline: &str, with: &[&str]) -> Reply {
    let host = demo.text("acme", "prod", "mtlsHost");
    Call::new(demo, "mtls", &host, &Demo::path("acme", pipeline))
        .by(&demo.client("acme", "prod", "accepted"))
        .with(with)
        .send()
}

#[test]
fn an_http_trigger_holds_calls_to_its_content_types_until_it_is_a_rest_trigger_again() {
    let demo = Demo::start();
    let types = "application/xml,image/*";
    save_and_deploy(
        &demo,
        "echo",
        &["--type", "http", "--request-content-types", types],
    );
    for version in ["--http1.1", "--http2"] {
        let of = |kind: &str| {
            let header = format!("Content-Type: {kind}");
            call(&demo, "echo", &[version, "-H", &header, "-d", "<a/>"])
        };
        for admitted in [
            "application/xml",
            "Application/XML;charset=utf-8",
            "image/png",
        ] {
            let reply = of(admitted);
            assert_eq!(reply.status, 200, "{version} {admitted}: {reply:?}");
        }
        let reply = of("application/json");
        assert_eq!(reply.status, 415, "{version}: {reply:?}");
        assert_eq!(reply.json()["reason"], "unsupported-media-type");
        assert_eq!(reply.header("accept"), Some("application/xml, image/*"));
    }

    // An echo is JSON: declared as anything else, it is an error.
    save_and_deploy(&demo, "echo", &["--response-content-types", "text/plain"]);
    let reply = call(&demo, "echo", &[]);
    assert_eq!(
        (reply.status, reply.json()["reason"].clone()),
        (500, json!("upstream-broke"))
    );

    save_and_deploy(&demo, "echo", &["--type", "rest"]);
    let reply = call(
        &demo,
        "echo",
        &["-H", "Content-Type: text/csv", "-d", "a,b"],
    );
    assert_eq!(reply.status, 200, "{reply:?}");
}
