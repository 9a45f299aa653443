//! The upstream handler: streaming both ways, identity headers, and what cannot be spoofed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use rustls::version;
use serde_json::json;

use crate::support::clients::Call;
use crate::support::demo::Demo;
use crate::support::tls::Caller;

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

/// A service that takes one request and answers it: where it listens, and what will have come.
fn listener() -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let came = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut came = Vec::new();
        let mut piece = [0; 4096];
        // The last chunk, then trailers, then an empty line.
        while !came.windows(5).any(|end| end == b"\r\n0\r\n") || !came.ends_with(b"\r\n\r\n") {
            let bytes = stream.read(&mut piece).unwrap();
            assert!(bytes > 0, "{}", String::from_utf8_lossy(&came));
            came.extend_from_slice(&piece[..bytes]);
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            .unwrap();
        String::from_utf8_lossy(&came).to_ascii_lowercase()
    });
    (address, came)
}

#[test]
fn no_gateway_passes_on_an_identity_that_a_client_wrote_itself_in_headers_or_trailers() {
    let demo = Demo::start();
    let document = json!({
        "trigger": {"type": "rest", "external": true, "internal": true, "mtls": true},
        "handler": {"type": "upstream", "connection": "raw", "readable-identity-headers": true,
            "x-forwarded-client-cert": true},
    });
    let put = |path: &str, body: Option<&serde_json::Value>| {
        let reply = demo.api("PUT", &format!("/api/v1/realms/acme/{path}"), body);
        assert!(reply.status < 300, "{reply:?}");
    };
    let names = [
        "Client-Cert",
        "CLIENT-CERT",
        "client_cert",
        "Client_Cert-Chain",
        "client-cert-chain",
        "Client.Cert",
        "X-Client-Cert-Subject",
        "x_client_cert_subject",
        "X-CLIENT-cert_Fingerprint",
        "X-Client-Cert",
        "X-Forwarded-Client-Cert",
        "x_forwarded_client_cert",
        "X-Forwarded-For",
        "X_Forwarded_For",
        "X-Forwarded-Host",
        "Forwarded",
        "FORWARDED",
    ];
    let spoofed: String = names
        .iter()
        .map(|name| format!("{name}: forged-by-client\r\n"))
        .collect();
    let client = demo.client("acme", "prod", "accepted");
    for (gateway, host) in [
        ("mtls", "mtlsHost"),
        ("mtls", "sharedMtlsHost"),
        ("external", "externalHost"),
        ("internal", "internalHost"),
    ] {
        let (address, came) = listener();
        let connection = json!({ "base-url": format!("http://{address}") });
        put("connections/raw", Some(&connection));
        put("pipelines/raw/v1", Some(&document));
        put("deployments/prod/raw/v1", None);
        let host = demo.text("acme", "prod", host);
        let caller = Caller::new(&demo, &version::TLS13, Some(&client));
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{spoofed}\
             Trailer: X-Honest, {}\r\nTransfer-Encoding: chunked\r\n\r\n\
             4\r\nbody\r\n0\r\nX-Honest: yes\r\n{spoofed}\r\n",
            Demo::path("acme", "raw"),
            names.join(", "),
        );
        let (answer, _) = caller.ask(&demo, gateway, &host, &request).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200"),
            "{gateway} {host}: {answer}"
        );
        let came = came.join().unwrap();
        let (head, body) = came.split_once("\r\n\r\n").unwrap();
        assert!(
            !came.contains("forged-by-client"),
            "{gateway} {host}: {came}"
        );
        assert!(body.contains("x-honest: yes"), "{gateway} {host}: {came}");
        for told in [
            "client-cert: :",
            "x-client-cert-subject: ",
            "x-forwarded-client-cert: ",
        ] {
            let expected = gateway == "mtls";
            assert_eq!(head.contains(told), expected, "{gateway} {host}: {came}");
        }
    }
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

#[test]
fn a_head_over_the_limit_gets_431() {
    let demo = Demo::start();
    let good = demo.client("acme", "prod", "accepted");
    let host = demo.text("acme", "prod", "mtlsHost");
    for (bytes, status) in [(60_000, 200), (70_000, 431)] {
        let header = format!("X-Filler: {}", "x".repeat(bytes));
        let reply = Call::new(&demo, "mtls", &host, &Demo::path("acme", "hello"))
            .by(&good)
            .with(&["--http1.1", "-H", &header])
            .send();
        assert_eq!(reply.status, status, "{bytes}: {reply:?}");
    }
}
