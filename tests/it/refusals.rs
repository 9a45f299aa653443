//! Refused clients find out why, and so do their realm's people, and nobody else.

use std::io::{Read, Write};

use serde_json::{Value, json};

use crate::support::clients::{Call, curl, s_client};
use crate::support::demo::Demo;
use crate::support::tls;
use crate::support::wait;

fn refusals(demo: &Demo, token: &str, path: &str) -> Vec<Value> {
    let reply = demo.api_as(token, "GET", path, None);
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    body["refusals"]
        .as_array()
        .or_else(|| body.as_array())
        .cloned()
        .unwrap_or_default()
}

fn token(demo: &Demo, name: &str, realm: &str) -> String {
    let body = json!({"name": name, "role": "realm-admin", "realm": realm});
    let reply = demo.api("POST", "/api/v1/tokens", Some(&body));
    assert!(reply.status < 300, "{reply:?}");
    reply.json()["token"].as_str().unwrap().to_owned()
}

#[test]
fn a_refusal_is_recorded_with_reason_address_name_and_certificate() {
    let demo = Demo::start();
    let host = demo.text("acme", "prod", "mtlsHost");
    let expired = demo.client("acme", "prod", "expired");
    Call::new(&demo, "mtls", &host, &Demo::path("acme", "hello"))
        .by(&expired)
        .send();
    Call::new(&demo, "mtls", &host, &Demo::path("acme", "hello")).send();
    let acme = token(&demo, "acme-people", "acme");
    let kept = refusals(&demo, &acme, "/api/v1/realms/acme/refusals");
    let reasons: Vec<&str> = kept
        .iter()
        .map(|one| one["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["no-certificate", "expired"], "{kept:?}");
    let record = &kept[1];
    assert_eq!(record["address"], "127.0.0.1");
    assert_eq!(record["serverName"], host.as_str());
    assert!(
        record["certificate"]["subject"]
            .as_str()
            .unwrap()
            .contains("CN="),
        "{record}"
    );
    assert!(record["sentence"].as_str().unwrap().len() > 20, "{record}");
    let globex = token(&demo, "globex-people", "globex");
    assert!(refusals(&demo, &globex, "/api/v1/realms/globex/refusals").is_empty());
    let (other, none) = (
        demo.api_as(&globex, "GET", "/api/v1/realms/acme/refusals", None),
        demo.api_as(&globex, "GET", "/api/v1/realms/nobody/refusals", None),
    );
    assert_eq!((other.status, none.status), (404, 404));
    let told = demo.cli_ok(&["refusals", "list", "--realm", "acme"]);
    assert!(
        told.contains("expired") && told.contains("no-certificate"),
        "{told}"
    );
}

#[test]
fn refusals_of_no_realm_are_the_operators() {
    let demo = Demo::start();
    Call::new(&demo, "mtls", "nobody.api2.gate.localhost", "/").send();
    let operators = demo.api("GET", "/api/v1/refusals", None).json();
    let text = operators.to_string();
    assert!(
        text.contains("unknown-name") && text.contains("nobody.api2.gate.localhost"),
        "{text}"
    );
}

#[test]
fn the_alert_arrives_every_time() {
    let demo = Demo::start();
    let host = demo.text("acme", "prod", "mtlsHost");
    let stranger = demo.client("acme", "prod", "unknown-issuer");
    // The request is sent together with the client's last flight: it lies unread in our socket when we refuse.
    let python = format!(
        r#"
import socket, ssl
context = ssl.create_default_context(cafile={ca:?})
context.load_cert_chain({cert:?}, {key:?})
seen = 0
for _ in range(1000):
    tls = context.wrap_socket(socket.create_connection(("127.0.0.1", {port})), server_hostname={host:?})
    try:
        tls.sendall(b"GET /pipeline/acme/v1/hello HTTP/1.1\r\nHost: {host}\r\n\r\n" + b"x" * 8000)
        tls.recv(1)
    except ssl.SSLError as error:
        seen += "unknown ca" in str(error).lower() or "UNKNOWN_CA" in str(error)
    except OSError as error:
        print(error)
print("seen", seen)
"#,
        ca = demo.server_ca(),
        cert = stranger.cert,
        key = stranger.key,
        port = demo.port("mtls"),
    );
    let told = crate::support::clients::script("python3", &["-"], &python);
    assert!(told.ends_with("seen 1000"), "{told}");
}

#[test]
fn a_flood_of_refusals_neither_grows_the_journal_nor_pushes_out_another_realms() {
    let demo = Demo::start();
    let globex_host = demo.text("globex", "prod", "mtlsHost");
    Call::new(&demo, "mtls", &globex_host, "/").send();
    let python = format!(
        r#"
import socket, ssl
context = ssl.create_default_context(cafile={ca:?})
for _ in range(1500):
    tls = context.wrap_socket(socket.create_connection(("127.0.0.1", {port})), server_hostname={host:?})
    try: tls.recv(1)
    except OSError: pass
"#,
        ca = demo.server_ca(),
        port = demo.port("mtls"),
        host = demo.text("acme", "prod", "mtlsHost"),
    );
    crate::support::clients::script("python3", &["-"], &python);
    let globex = token(&demo, "globex-people", "globex");
    let kept = refusals(&demo, &globex, "/api/v1/realms/globex/refusals");
    assert_eq!(kept.len(), 1, "{kept:?}");
    let flooded = demo.api("GET", "/api/v1/realms/acme/refusals?limit=10000", None);
    let flooded = flooded.json();
    let flooded = flooded["refusals"]
        .as_array()
        .or_else(|| flooded.as_array())
        .unwrap();
    assert!(flooded.len() <= 1000, "{}", flooded.len());
    let left_out: u64 = flooded
        .iter()
        .map(|one| one["leftOut"].as_u64().unwrap_or(0))
        .sum();
    assert!(flooded.len() as u64 + left_out <= 1500, "{left_out}");
}

#[test]
fn a_realm_made_again_under_an_old_name_is_told_nothing_of_the_former_one() {
    let demo = Demo::start();
    let audit = |token: &str| {
        demo.api_as(token, "GET", "/api/v1/audit?realm=again", None)
            .text()
    };
    let make = || {
        assert!(
            demo.api("PUT", "/api/v1/realms/again", Some(&json!({})))
                .status
                < 300
        )
    };
    make();
    assert!(
        demo.api(
            "PUT",
            "/api/v1/realms/again/accounts/secret-partner",
            Some(&json!({
                "type": "public-key", "prod": {"key": "k"}
            }))
        )
        .status
            < 300
    );
    let first = token(&demo, "first", "again");
    assert!(
        audit(&first).contains("secret-partner"),
        "{}",
        audit(&first)
    );
    assert!(demo.api("DELETE", "/api/v1/realms/again", None).status < 300);
    assert_eq!(
        demo.api_as(&first, "GET", "/api/v1/realms/again", None)
            .status,
        401
    );
    make();
    let second = token(&demo, "second", "again");
    assert!(
        audit(&second).contains("realm.create"),
        "{}",
        audit(&second)
    );
    assert!(
        !audit(&second).contains("secret-partner"),
        "{}",
        audit(&second)
    );
}

#[test]
fn whatever_goes_wrong_at_the_first_try_is_recorded_with_what_to_do() {
    let demo = Demo::start();
    let host = demo.text("acme", "prod", "mtlsHost");
    let mut silent = tls::socket(&demo, "mtls");
    silent.write_all(&[22, 3, 1, 1, 0, 1]).unwrap();
    let port = demo.port("mtls");
    let untrusting = curl(&[
        "--connect-to".to_owned(),
        format!("{host}:{port}:127.0.0.1:{port}"),
        format!("https://{host}:{port}/"),
    ]);
    assert_eq!(untrusting.exit, 60, "{untrusting:?}");
    for arguments in [
        &["-tls1_2", "-cipher", "AES128-SHA"][..],
        &["-tls1_3", "-groups", "P-521"],
        &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
    ] {
        s_client(&demo, "mtls", Some(&host), arguments, "");
    }
    curl(&[format!("http://{}/", demo.address("mtls"))]);
    s_client(&demo, "mtls", Some("nobody.api2.gate.localhost"), &[], "");
    s_client(&demo, "mtls", None, &[], "");
    let mut garbage = tls::socket(&demo, "mtls");
    garbage.write_all(&[22, 3, 1, 0, 4, 99, 0, 0, 0]).unwrap();
    let _ = garbage.read(&mut [0; 16]);

    let operators = || refusals(&demo, &operator(&demo), "/api/v1/refusals?limit=100");
    wait::until("the handshake to time out", 20, || {
        operators()
            .iter()
            .any(|one| one["reason"] == "handshake-timeout")
    });
    let acmes = refusals(&demo, &operator(&demo), "/api/v1/realms/acme/refusals");
    let kept: Vec<Value> = operators().into_iter().chain(acmes).collect();
    for (reason, count, words) in [
        ("client-rejected-us", 1, "the alert UnknownCA (48)"),
        ("no-common-parameters", 3, "share no"),
        ("plain-http", 1, "https://"),
        ("unknown-name", 1, "endpoint sheet"),
        ("no-name", 1, "server name"),
        ("handshake-timeout", 1, "in time"),
        ("protocol-error", 1, "broke off"),
    ] {
        let of_reason: Vec<&Value> = kept.iter().filter(|one| one["reason"] == reason).collect();
        assert_eq!(of_reason.len(), count, "{reason}: {kept:?}");
        for one in of_reason {
            let (sentence, advice) = (one["sentence"].as_str(), one["advice"].as_str());
            let (sentence, advice) = (sentence.unwrap(), advice.unwrap());
            assert!(sentence.contains(words), "{reason}: {sentence}");
            assert!(
                sentence.ends_with('.') && advice.contains(": "),
                "{sentence} {advice}"
            );
            assert_eq!(one["address"], "127.0.0.1");
        }
    }
}

fn operator(demo: &Demo) -> String {
    let file = demo.ready["admin"]["tokenFile"].as_str().unwrap();
    std::fs::read_to_string(file).unwrap().trim().to_owned()
}
