//! The upstream handler: streaming both ways, identity headers, and what cannot be spoofed.

use serde_json::json;

use crate::support::clients::Call;
use crate::support::demo::Demo;

#[test]
fn the_upstream_learns_who_calls_and_nothing_that_the_caller_made_up() {
    let demo = Demo::start();
    let good = demo.client("acme", "prod", "accepted");
    let spoofed = [
        "-H",
        "Client-Cert: :Zm9v:",
        "-H",
        "client-cert-chain: :Zm9v:",
        "-H",
        "X-Client-Cert-Subject: CN=root",
        "-H",
        "X_Client_Cert_Subject: CN=root",
        "-H",
        "X-Forwarded-Client-Cert: Subject=\"CN=root\"",
        "-H",
        "X-Forwarded-For: 1.2.3.4",
        "-H",
        "Forwarded: for=1.2.3.4",
    ];
    let reply = Call::new(
        &demo,
        "mtls",
        &demo.text("acme", "prod", "mtlsHost"),
        &Demo::path("acme", "orders"),
    )
    .by(&good)
    .with(&spoofed)
    .send();
    assert_eq!(reply.status, 200, "{reply:?}");
    let text = reply.text();
    for made_up in ["Zm9v", "CN=root", "1.2.3.4"] {
        assert!(!text.contains(made_up), "{made_up} in {text}");
    }
    assert!(text.to_ascii_lowercase().contains("client-cert"), "{text}");
}

#[test]
fn a_body_over_the_limit_is_turned_down_with_an_answer_every_time() {
    let demo = Demo::start();
    let good = demo.client("acme", "prod", "accepted");
    let large = demo.file("large", &vec![b'x'; 6 << 20]);
    let large = format!("@{}", large.display());
    for pipeline in ["echo", "orders"] {
        for version in ["--http1.1", "--http2"] {
            for arguments in [
                &["--data-binary", large.as_str()][..],
                &[
                    "-T",
                    &large[1..],
                    "-X",
                    "POST",
                    "-H",
                    "Transfer-Encoding: chunked",
                ],
            ] {
                if version == "--http2" && arguments.contains(&"-T") {
                    continue;
                }
                let reply = Call::new(
                    &demo,
                    "mtls",
                    &demo.text("acme", "prod", "mtlsHost"),
                    &Demo::path("acme", pipeline),
                )
                .by(&good)
                .with(&[version])
                .with(arguments)
                .send();
                assert_eq!(
                    reply.status, 413,
                    "{pipeline} {version} {arguments:?}: {reply:?}"
                );
                assert_eq!(
                    reply.json(),
                    json!({"message": "Request size limit exceeded"})
                );
            }
        }
    }
}

#[test]
fn methods_that_the_trigger_does_not_admit_get_405_and_allow() {
    let demo = Demo::start();
    let document = json!({
        "trigger": {"type": "rest", "methods": ["GET", "POST"], "external": false, "mtls": true, "routes": ["/items/:id"]},
        "handler": {"type": "mock", "document": {"id": "{{ message.queryAndPath.id }}"}},
    });
    let saved = demo.api(
        "PUT",
        "/api/v1/realms/acme/pipelines/shop/v2",
        Some(&document),
    );
    assert!(saved.status < 300, "{saved:?}");
    assert!(
        demo.api("PUT", "/api/v1/realms/acme/deployments/prod/shop/v2", None)
            .status
            < 300
    );
    let good = demo.client("acme", "prod", "accepted");
    let host = demo.text("acme", "prod", "mtlsHost");
    let call = |method: &str, path: &str| {
        Call::new(&demo, "mtls", &host, path)
            .by(&good)
            .with(&["-X", method])
            .send()
    };
    let reply = call("DELETE", "/pipeline/acme/v2/shop");
    assert_eq!(
        (reply.status, reply.header("allow")),
        (405, Some("POST, GET, HEAD")),
        "{reply:?}"
    );
    assert_eq!(reply.json()["reason"], "method-not-allowed");
    assert_eq!(
        call("GET", "/pipeline/acme/v2/shop/items/7").json(),
        json!({"id": "7"})
    );
    assert_eq!(call("GET", "/pipeline/acme/v2/shop/items").status, 404);
    assert_eq!(call("GET", "/pipeline/acme/v1/shop").status, 404);
}
