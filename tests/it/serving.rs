//! `realmgate serve`: the first start, the ready file, certificates of one's own, a lost token.

use std::process::Command;

use realmgate::clock::Clock;
use realmgate::pki::authority::{Authority, AuthorityRequest, Leaf, ServerRequest};
use realmgate::pki::key::KeyChoice;
use serde_json::Value;

use crate::support::clients::curl;
use crate::support::demo::{BINARY, Demo};
use crate::support::server::{Server, mode, text};

#[test]
fn the_first_start_makes_all_that_is_needed_and_says_where() {
    let mut server = Server::start();
    let log = server.log();
    assert!(log.contains("First start"), "{log}");
    for (file, expect) in [
        ("realmgate.redb", 0o600),
        ("master.key", 0o600),
        ("operator.token", 0o600),
        ("admin-ca.pem", 0o644),
        ("server-ca.pem", 0o644),
    ] {
        let path = server.data(file);
        assert!(log.contains(&path.display().to_string()), "{file} in {log}");
        assert_eq!(mode(&path), expect, "{file}");
    }
    assert_eq!(mode(&server.path("data")), 0o700);
    let token = std::fs::read(server.data("operator.token")).unwrap();
    let status = server.json("status");
    assert_eq!(
        (&status["realms"], &status["domain"]),
        (&0.into(), &"gate.localhost".into())
    );
    server.stop();
    server.start_again();
    assert!(!server.log().contains("First start"), "{}", server.log());
    assert_eq!(std::fs::read(server.data("operator.token")).unwrap(), token);
    assert_eq!(
        server.json("token list")["tokens"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

/// Every key of a JSON document, as a path; lists count as their items.
fn keys(value: &Value, path: &str, found: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = format!("{path}.{name}");
                keys(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| keys(item, &format!("{path}[]"), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_ready_file_is_the_one_of_the_documentation() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ready-file.md"))
        .unwrap();
    let example = page
        .split("```json")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let (mut documented, mut written) = Default::default();
    keys(&serde_json::from_str(example).unwrap(), "", &mut documented);
    let demo = Demo::start();
    let mut ready = demo.ready.clone();
    for realm in ready["realms"].as_array_mut().unwrap() {
        let environments = realm["environments"].as_object_mut().unwrap();
        let test = environments.remove("test").unwrap();
        let (mut of_test, mut of_prod) = Default::default();
        keys(&test, "", &mut of_test);
        keys(&environments["prod"], "", &mut of_prod);
        assert_eq!(of_test, of_prod);
    }
    keys(&ready, "", &mut written);
    assert_eq!(written, documented);
    assert_eq!(ready["pid"], demo.pid());
    let server = Server::start();
    assert_eq!(server.ready["realms"], serde_json::json!([]));
    assert_eq!(
        server.ready["gateways"].as_object().unwrap().len(),
        2,
        "the internal gateway does not listen"
    );
}

#[test]
fn a_real_server_certificate_is_shown_from_the_next_handshake_on() {
    let server = Server::start();
    let Leaf { certificate, key } = server_leaf("api.gate.localhost");
    let chain = server.write("chain.pem", certificate.to_pem());
    let key_file = server.write("key.pem", key.to_pkcs8_pem().expose());
    let other_key = server.write(
        "other.pem",
        server_leaf("api.gate.localhost")
            .key
            .to_pkcs8_pem()
            .expose(),
    );
    let told = server.refused(&format!(
        "server-identity save external-prod --chain {chain} --key-file {other_key}"
    ));
    assert!(told.contains("key"), "{told}");
    server.line(&format!(
        "server-identity save external-prod --chain {chain} --key-file {key_file}"
    ));
    assert!(
        shown(&server, "api.gate.localhost").contains("CN = api.gate.localhost"),
        "{}",
        shown(&server, "api.gate.localhost")
    );
    assert!(shown(&server, "api.gate.localhost").contains("O = Real CA"));
    assert!(!shown(&server, "test.gate.localhost").contains("O = Real CA"));
    let listed = server.line("server-identity list");
    assert!(
        listed.contains("external-prod  -      provided"),
        "{listed}"
    );
    let save = format!("server-identity save admin --chain {chain} --key-file {key_file}");
    let told = server.refused(&save);
    assert!(told.contains("does not name '127.0.0.1'"), "{told}");
    let told = server.line(&format!("{save} --yes"));
    assert!(told.contains("server-identity reset admin"), "{told}");
    let told = server.refused("realm list");
    assert!(told.contains("REALMGATE_ADMIN_CA"), "{told}");
}

fn shown(server: &Server, name: &str) -> String {
    let output = Command::new("openssl")
        .args([
            "s_client",
            "-connect",
            server.ready["gateways"]["external"]["addr"]
                .as_str()
                .unwrap(),
        ])
        .args(["-servername", name, "-showcerts"])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    text(&output.stdout)
}

fn server_leaf(name: &str) -> Leaf {
    let now = Clock::system().now();
    let day = std::time::Duration::from_secs(86_400);
    let authority = Authority::self_signed(&AuthorityRequest {
        common_name: "Real Root".into(),
        organization: Some("Real CA".into()),
        not_before: now.minus(day),
        not_after: now.plus(30 * day),
        path_length: None,
        key: KeyChoice::EcP256,
    });
    let request = ServerRequest {
        names: vec![name.into()],
        not_before: now.minus(day),
        not_after: now.plus(20 * day),
        key: KeyChoice::EcP256,
    };
    authority.unwrap().issue_server_for(&request).unwrap()
}

#[test]
fn a_lost_operator_token_is_replaced_with_the_server_stopped() {
    let mut server = Server::start();
    let token = server.data("operator.token");
    let recover = [
        "token",
        "recover",
        "--config",
        &server.configuration().display().to_string(),
    ]
    .map(str::to_owned);
    let recover: Vec<&str> = recover.iter().map(String::as_str).collect();
    // Its own data directory is in the configuration, not in the environment.
    let run = |server: &Server| {
        server
            .command(&recover)
            .env_remove("REALMGATE_DATA_DIR")
            .output()
            .unwrap()
    };
    std::fs::remove_file(&token).unwrap();
    let told = text(&run(&server).stderr);
    assert!(told.contains("in use by another realmgate"), "{told}");
    server.stop();
    let key = server.data("master.key");
    let right = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let told = text(&run(&server).stderr);
    assert!(
        told.starts_with("realmgate: ") && told.contains("master"),
        "{told}"
    );
    assert!(
        !key.exists() && !token.exists(),
        "nothing is made up in place of what is missing"
    );
    std::fs::write(&key, right).unwrap();
    Command::new("chmod").arg("600").arg(&key).status().unwrap();
    assert!(
        run(&server).status.success(),
        "{}",
        text(&run(&server).stderr)
    );
    assert_eq!(mode(&token), 0o600);
    server.start_again();
    let names = server.line("token list");
    assert!(
        names.contains("first-operator") && names.contains("recovered-operator"),
        "{names}"
    );
    server.line("token delete first-operator --yes");
    let missing = Command::new(BINARY)
        .args(["token", "recover", "--data-dir", "/nonexistent"])
        .output()
        .unwrap();
    assert!(
        text(&missing.stderr).contains("there is no store"),
        "{}",
        text(&missing.stderr)
    );
}

#[test]
fn what_the_environment_says_of_settings_is_checked_too() {
    let run = |name: &str, value: &str| {
        let output = Command::new(BINARY)
            .args(["config", "check"])
            .env(name, value)
            .output()
            .unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let (code, told) = run("REALMGATE_STREAM_MAX", "5");
    assert_eq!(code, Some(1));
    assert!(
        told.contains("REALMGATE_STREAM_MAX") && told.contains("streams_max"),
        "{told}"
    );
    let (_, told) = run("REALMGATE_STREAMS_MAX", "many");
    assert!(
        told.contains("'streams_max' in the environment (REALMGATE_STREAMS_MAX) cannot be 'many'"),
        "{told}"
    );
    assert_eq!(run("REALMGATE_STREAMS_MAX", "5").0, Some(0));
}

#[test]
fn the_demo_goes_on_where_an_earlier_one_left_off() {
    let mut demo = Demo::start();
    let (before, ca) = (
        demo.ready.clone(),
        std::fs::read(demo.text("acme", "prod", "caCert")).unwrap(),
    );
    demo.cli_ok(&["realm", "create", "mine"]);
    demo.kill_and_restart();
    assert_eq!(
        before["realms"][0]["environments"]["prod"]["clients"],
        demo.ready["realms"][0]["environments"]["prod"]["clients"]
    );
    assert_eq!(
        std::fs::read(demo.text("acme", "prod", "caCert")).unwrap(),
        ca
    );
    assert!(demo.cli_ok(&["realm", "list"]).contains("mine"));
    let good = demo.client("acme", "prod", "accepted");
    let host = demo.text("acme", "prod", "mtlsHost");
    let reply =
        crate::support::clients::Call::new(&demo, "mtls", &host, &Demo::path("acme", "orders"))
            .by(&good)
            .send();
    assert_eq!(
        reply.status, 200,
        "its service listens elsewhere now: {reply:?}"
    );
}

#[test]
fn the_admin_api_answers_health_checks_without_a_token() {
    let server = Server::start();
    let url = server.ready["admin"]["url"].as_str().unwrap().to_owned();
    let ca = server.ready["admin"]["ca"].as_str().unwrap().to_owned();
    let ask = |path: &str| curl(&["--cacert".to_owned(), ca.clone(), format!("{url}{path}")]);
    assert_eq!(ask("/healthz").status, 200);
    assert_eq!(ask("/api/v1/status").status, 401);
}

#[test]
fn a_check_finds_what_a_start_would_and_says_which_values_are_in_no_file() {
    let server = Server::start();
    let file = server.configuration().display().to_string();
    let told = server.line(&format!("config check --config {file} --domain a.example"));
    assert!(told.contains("a.example (from --domain)"), "{told}");
    assert!(told.contains("data (from REALMGATE_DATA_DIR)"), "{told}");
    let nowhere = server.path("nowhere/access.log");
    for (flags, word) in [
        (
            format!("--access-log {}", nowhere.display()),
            "there is no directory",
        ),
        ("--log-level loud".to_owned(), "no log filter"),
        (
            "--mtls-listen 0.0.0.0:28443,[::]:28443".to_owned(),
            "one address to the system",
        ),
    ] {
        let told = server.refused(&format!("config check --config {file} {flags}"));
        assert!(told.contains(word), "{told}");
    }
}
