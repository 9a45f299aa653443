//! The main job, with real clients: who holds a certificate of the realm's CA is served, and nobody else.

use serde_json::json;

use crate::support::clients::{Call, s_client, script};
use crate::support::demo::Demo;
use crate::support::wait;

const REQUEST: &str =
    "GET /pipeline/acme/v1/hello HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n";

fn own_host(demo: &Demo) -> String {
    demo.text("acme", "prod", "mtlsHost")
}

fn shared_host(demo: &Demo) -> String {
    demo.text("acme", "prod", "sharedMtlsHost")
}

fn hello<'d>(demo: &'d Demo, host: &str) -> Call<'d> {
    Call::new(demo, "mtls", host, &Demo::path("acme", "hello"))
}

#[test]
fn the_good_client_is_served_on_both_hosts_by_http_1_and_2_over_tls_1_2_and_1_3() {
    let demo = Demo::start();
    let good = demo.client("acme", "prod", "accepted");
    for host in [own_host(&demo), shared_host(&demo)] {
        for version in ["--http1.1", "--http2"] {
            for tls in [&["--tls-max", "1.2"][..], &["--tlsv1.3"]] {
                let reply = hello(&demo, &host)
                    .by(&good)
                    .with(&[version])
                    .with(tls)
                    .send();
                assert_eq!(reply.status, 200, "{host} {version} {tls:?}: {reply:?}");
                assert_eq!(reply.header("content-type"), Some("application/json"));
            }
        }
    }
}

#[test]
fn every_client_of_the_demo_gets_what_the_ready_file_says() {
    let demo = Demo::start();
    for realm in ["acme", "globex"] {
        for environment in ["prod", "test"] {
            let host = demo.text(realm, environment, "mtlsHost");
            let clients = demo.environment(realm, environment)["clients"]
                .as_array()
                .unwrap()
                .clone();
            assert!(clients.len() >= 3, "{clients:?}");
            for client in clients {
                let expect = client["expect"].as_str().unwrap().to_owned();
                let path = |key: &str| client[key].as_str().unwrap().to_owned();
                let reply = Call::new(&demo, "mtls", &host, &Demo::path(realm, "hello"))
                    .with(&["--cert", &path("chain"), "--key", &path("key")])
                    .send();
                if expect == "accepted" {
                    assert_eq!(
                        reply.status, 200,
                        "{realm} {environment} {client}: {reply:?}"
                    );
                } else {
                    assert_ne!(reply.exit, 0, "{realm} {environment} {client}: {reply:?}");
                }
            }
        }
    }
}

#[test]
fn a_pkcs12_file_serves_curl_as_well() {
    let demo = Demo::start();
    let good = demo.client("acme", "prod", "accepted");
    let certificate = format!("{}:{}", good.p12, good.p12_password);
    let reply = hello(&demo, &own_host(&demo))
        .with(&["--cert-type", "P12", "--cert", &certificate])
        .send();
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[test]
fn refused_clients_get_the_alert_of_the_specification() {
    let demo = Demo::start();
    let expired = demo.client("acme", "prod", "expired");
    let stranger = demo.client("acme", "prod", "unknown-issuer");
    let other_realm = demo.client("globex", "prod", "accepted");
    for host in [own_host(&demo), shared_host(&demo)] {
        for version in ["-tls1_3", "-tls1_2"] {
            let input = REQUEST.replace("HOST", &host);
            let call = |client: &crate::support::demo::Client| {
                let arguments = [
                    version,
                    "-cert",
                    &client.cert,
                    "-key",
                    &client.key,
                    "-cert_chain",
                    &client.chain,
                ];
                s_client(&demo, "mtls", Some(&host), &arguments, &input)
            };
            let none = s_client(&demo, "mtls", Some(&host), &[version], &input);
            let no_certificate = if version == "-tls1_3" {
                "alert certificate required"
            } else {
                "alert"
            };
            assert!(none.contains(no_certificate), "{host} {version}: {none}");
            assert!(
                call(&expired).contains("alert certificate expired"),
                "{host} {version}"
            );
            assert!(
                call(&stranger).contains("alert unknown ca"),
                "{host} {version}"
            );
            let other = call(&other_realm);
            if host == own_host(&demo) {
                assert!(
                    other.contains("alert unknown ca"),
                    "{host} {version}: {other}"
                );
            } else {
                assert!(other.contains("HTTP/1.1 404"), "{host} {version}: {other}");
            }
        }
    }
    for name in [
        "nobody.api2.gate.localhost",
        "gate.localhost",
        "api2.example.com",
    ] {
        let told = s_client(&demo, "mtls", Some(name), &[], "");
        assert!(told.contains("unrecognized name"), "{name}: {told}");
    }
    let told = s_client(&demo, "mtls", None, &[], "");
    assert!(told.contains("unrecognized name"), "no name: {told}");
}

#[test]
fn on_the_shared_host_another_realm_looks_like_none_at_all() {
    let demo = Demo::start();
    let globex = demo.client("globex", "prod", "accepted");
    let call = |path: &str| {
        Call::new(&demo, "mtls", &shared_host(&demo), path)
            .by(&globex)
            .send()
    };
    let (other, none) = (
        call("/pipeline/acme/v1/hello"),
        call("/pipeline/nobody/v1/hello"),
    );
    assert_eq!((other.status, none.status), (404, 404));
    let but_id = |mut body: serde_json::Value| {
        body["requestId"] = json!(null);
        body
    };
    assert_eq!(but_id(other.json()), but_id(none.json()));
    assert_eq!(call("/pipeline/globex/v1/hello").status, 200);
}

#[test]
fn the_wrong_authority_is_misdirected() {
    let demo = Demo::start();
    let good = demo.client("acme", "prod", "accepted");
    for (host, header, status) in [
        (own_host(&demo), "Host: globex.api2.gate.localhost", 421),
        (own_host(&demo), "Host: api2.gate.localhost", 421),
        (shared_host(&demo), "Host: acme.api2.gate.localhost", 421),
        (own_host(&demo), "Host: ACME.API2.gate.localhost.", 200),
    ] {
        let reply = hello(&demo, &host)
            .by(&good)
            .with(&["--http1.1", "-H", header])
            .send();
        assert_eq!(reply.status, status, "{host} {header}: {reply:?}");
    }
}

#[test]
fn ambiguous_paths_are_turned_down() {
    let demo = Demo::start();
    let good = demo.client("acme", "prod", "accepted");
    for path in [
        "/pipeline/globex/v1/../../acme/v1/hello",
        "/pipeline/acme/v1/%2e%2e/v1/hello",
        "/pipeline/acme%2fv1/hello",
        "//pipeline/acme/v1/hello",
        "/pipeline/acme/v1/hello;x",
        "/pipeline/acme/v1/hello%00",
        "/pipeline/acme\\v1/hello",
    ] {
        let reply = Call::new(&demo, "mtls", &own_host(&demo), path)
            .by(&good)
            .send();
        assert_eq!(reply.status, 400, "{path}: {reply:?}");
        assert_eq!(reply.json()["reason"], "ambiguous-request", "{path}");
    }
    let reply = Call::new(&demo, "mtls", &own_host(&demo), "/pipeline/ACME/v1/hello")
        .by(&good)
        .send();
    assert_eq!(reply.status, 404);
}

#[test]
fn python_and_node_call_with_their_certificates() {
    let demo = Demo::start();
    let good = demo.client("acme", "prod", "accepted");
    let (host, port) = (own_host(&demo), demo.port("mtls"));
    let python = format!(
        r#"
import requests, socket
resolve = socket.getaddrinfo
# glibc does not resolve names below .localhost: stand in for the hosts file.
socket.getaddrinfo = lambda host, *more, **named: resolve("127.0.0.1" if host == {host:?} else host, *more, **named)
answer = requests.get("https://{host}:{port}/pipeline/acme/v1/echo?id=7", cert=({cert:?}, {key:?}), verify={ca:?})
print(answer.status_code, answer.json()["client"]["subject"])
"#,
        ca = demo.server_ca(),
        cert = good.chain,
        key = good.key,
    );
    let told = script(&python_with_requests(), &["-"], &python);
    assert!(told.starts_with("200 CN="), "{told}");
    let node = format!(
        r#"
const https = require("https"), fs = require("fs");
const request = https.request({{
  host: "127.0.0.1", port: {port}, servername: {host:?}, path: "/pipeline/acme/v1/echo?id=7",
  headers: {{ Host: {host:?} }}, ca: fs.readFileSync({ca:?}), cert: fs.readFileSync({cert:?}), key: fs.readFileSync({key:?}),
}}, answer => {{
  let text = ""; answer.on("data", part => text += part);
  answer.on("end", () => console.log(answer.statusCode, JSON.parse(text).client.subject));
}});
request.on("error", error => console.log("error", error.code)); request.end();
"#,
        ca = demo.server_ca(),
        cert = good.chain,
        key = good.key,
    );
    let told = script("node", &["-"], &node);
    assert!(told.starts_with("200 CN="), "{told}");
}

#[test]
fn removal_cuts_new_and_open_connections_and_nobody_else() {
    let demo = Demo::start();
    let (acme, globex) = (
        demo.client("acme", "prod", "accepted"),
        demo.client("globex", "prod", "accepted"),
    );
    let mut open: Vec<Idle> = vec![
        Idle::open(&demo, &own_host(&demo), &acme),
        Idle::open(&demo, &shared_host(&demo), &acme),
    ];
    let mut others = Idle::open(&demo, &demo.text("globex", "prod", "mtlsHost"), &globex);
    let account = demo.text("acme", "prod", "account");
    demo.cli_ok(&[
        "installation",
        "remove",
        "--realm",
        "acme",
        "--environment",
        "prod",
        "--account",
        &account,
        "--yes",
    ]);
    for idle in &mut open {
        idle.ends_within_a_second();
    }
    assert!(others.is_open());
    let told = s_client(
        &demo,
        "mtls",
        Some(&own_host(&demo)),
        &["-cert", &acme.cert, "-key", &acme.key],
        "",
    );
    assert!(told.contains("unrecognized name"), "{told}");
    let reply = hello(&demo, &shared_host(&demo)).by(&acme).send();
    assert_ne!(reply.exit, 0, "{reply:?}");
    let reply = Call::new(
        &demo,
        "mtls",
        &demo.text("acme", "test", "mtlsHost"),
        &Demo::path("acme", "hello"),
    )
    .by(&demo.client("acme", "test", "accepted"))
    .send();
    assert_eq!(
        reply.status, 200,
        "the other environment is untouched: {reply:?}"
    );
}

#[test]
fn suspending_a_realm_is_instant_and_resuming_brings_it_back() {
    let demo = Demo::start();
    let acme = demo.client("acme", "prod", "accepted");
    let mut idle = Idle::open(&demo, &own_host(&demo), &acme);
    demo.cli_ok(&["realm", "suspend", "acme", "--yes"]);
    idle.ends_within_a_second();
    assert_ne!(hello(&demo, &own_host(&demo)).by(&acme).send().exit, 0);
    let external = demo.text("acme", "prod", "externalHost");
    let open_pipeline = demo.environment("acme", "prod")["pipelines"]
        .as_array()
        .unwrap()
        .iter()
        .find(|pipeline| pipeline["externalUrl"].is_string())
        .map(|pipeline| pipeline["name"].as_str().unwrap().to_owned());
    if let Some(name) = &open_pipeline {
        assert_eq!(
            Call::new(&demo, "external", &external, &Demo::path("acme", name))
                .send()
                .status,
            404
        );
    }
    demo.cli_ok(&["realm", "resume", "acme"]);
    assert_eq!(hello(&demo, &own_host(&demo)).by(&acme).send().status, 200);
}

#[test]
fn a_pipeline_without_the_flag_is_not_reachable_by_mutual_tls() {
    let demo = Demo::start();
    let document = json!({
        "trigger": {"type": "rest", "external": true, "mtls": false},
        "handler": {"type": "echo"},
    });
    let saved = demo.api(
        "PUT",
        "/api/v1/realms/acme/pipelines/open/v1",
        Some(&document),
    );
    assert!(saved.status < 300, "{saved:?}");
    let deployed = demo.api("PUT", "/api/v1/realms/acme/deployments/prod/open/v1", None);
    assert!(deployed.status < 300, "{deployed:?}");
    let good = demo.client("acme", "prod", "accepted");
    let path = Demo::path("acme", "open");
    let external = Call::new(
        &demo,
        "external",
        &demo.text("acme", "prod", "externalHost"),
        &path,
    )
    .send();
    assert_eq!(external.status, 200, "{external:?}");
    for host in [own_host(&demo), shared_host(&demo)] {
        assert_eq!(
            Call::new(&demo, "mtls", &host, &path)
                .by(&good)
                .send()
                .status,
            404,
            "{host}"
        );
    }
}

#[test]
fn plain_http_on_the_tls_port_is_told_so() {
    let demo = Demo::start();
    let reply = crate::support::clients::curl(&[format!("http://{}/", demo.address("mtls"))]);
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(reply.text().contains("https://"), "{reply:?}");
}

/// The Python that `tests/run` equips with `requests`.
fn python_with_requests() -> String {
    std::env::var("TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// An idle connection: one request was answered on it, and it stays open.
struct Idle {
    child: std::process::Child,
}

impl Idle {
    fn open(demo: &Demo, host: &str, client: &crate::support::demo::Client) -> Self {
        use std::io::{BufRead, Write};
        let realm = if client.cert.contains("globex") {
            "globex"
        } else {
            "acme"
        };
        let python = format!(
            r#"
import socket, ssl, sys
context = ssl.create_default_context(cafile={ca:?})
context.load_cert_chain({cert:?}, {key:?})
tls = context.wrap_socket(socket.create_connection(("127.0.0.1", {port})), server_hostname={host:?})
tls.sendall(b"GET /pipeline/{realm}/v1/hello HTTP/1.1\r\nHost: {host}\r\n\r\n")
print(tls.recv(65536).split(b"\r\n")[0].decode(), flush=True)
try:
    while tls.recv(65536): pass
except OSError: pass
"#,
            ca = demo.server_ca(),
            cert = client.chain,
            key = client.key,
            port = demo.port("mtls"),
        );
        let mut child = std::process::Command::new("python3")
            .arg("-")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(python.as_bytes())
            .unwrap();
        let mut line = String::new();
        std::io::BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line.trim(), "HTTP/1.1 200 OK");
        Self { child }
    }

    fn is_open(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    fn ends_within_a_second(&mut self) {
        wait::until("an idle connection to be cut", 1, || !self.is_open());
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
