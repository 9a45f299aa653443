//! Every reason of the domain to refuse a command, provoked through the API, with its status and code.

use serde_json::{Value, json};

use crate::api::pki::{self, chain_account};
use crate::api::server::{Reply, Server};

const ACCOUNT: &str = "/realms/acme/accounts/dgb-mtls-a";
const INSTALLATION: &str = "/realms/acme/installations/prod/dgb-mtls-a";
const PIPELINE: &str = "/realms/acme/pipelines/orders/v1";
const DEPLOYMENT: &str = "/realms/acme/deployments/prod/orders/v1";
const CONNECTION: &str = "/realms/acme/connections/backend";

fn server() -> Server {
    let server = Server::start();
    server.realm("acme");
    server
}

/// A pipeline whose handler is an upstream.
fn upstream() -> Value {
    let handler = json!({"type": "upstream", "connection": "backend"});
    json!({"trigger": {"type": "rest"}, "handler": handler})
}

fn echo(trigger: &Value) -> Value {
    json!({"trigger": trigger, "handler": {"type": "echo"}})
}

fn post(server: &Server, verb: &str) -> Reply {
    server.call("POST", &format!("{INSTALLATION}/{verb}"), None)
}

fn install(server: &Server, revision: u64) -> Reply {
    let body = json!({ "revision": revision });
    server.post(&format!("{INSTALLATION}/install"), &body)
}

/// An account with the certificate of a CA, and its installation.
fn installed(server: &Server) -> Value {
    let account = chain_account(&pki::ca("Acme CA").certificate.to_pem());
    server.put(ACCOUNT, &account).ok();
    post(server, "request").ok();
    install(server, 1).ok();
    account
}

#[test]
fn realms() {
    let server = server();
    server.get("/realms/nope").refused(404, "no-realm");
    server.delete("/realms/nope").refused(404, "no-realm");
    let again = server.call("PUT", "/realms/acme", None);
    again.refused(409, "realm-exists");
    let admin = server.token("people", "realm-admin", Some("acme"));
    let reply = server.call_as(&admin, "POST", "/realms/acme/suspend", None);
    reply.refused(403, "forbidden");
    assert!(
        reply.message().contains("realm-admin"),
        "{}",
        reply.message()
    );
}

#[test]
fn accounts() {
    let server = server();
    server.get(ACCOUNT).refused(404, "no-account");
    server.delete(ACCOUNT).refused(404, "no-account");
    post(&server, "request").refused(404, "no-account");
    installed(&server);
    server.delete(ACCOUNT).refused(409, "account-in-use");
    let other = json!({"type": "secret-key", "prod": {"key": "x"}});
    server
        .put(ACCOUNT, &other)
        .refused(409, "account-type-fixed");
}

#[test]
fn what_an_account_cannot_hold_is_told_with_its_field() {
    let server = server();
    let check = |values: Value, words: &[&str]| {
        let body = json!({"type": "certificate-chain", "prod": values});
        let reply = server.put("/realms/acme/accounts/own", &body);
        reply.refused(422, "invalid-account");
        for word in words {
            assert!(
                reply.message().contains(word),
                "{word}: {}",
                reply.message()
            );
        }
    };
    let leaf = pki::client(&pki::ca("Acme CA"));
    let key = pki::key_pem(&leaf);
    let pem = pki::ca("Other CA").certificate.to_pem();
    check(json!({}), &["prod", "needs 'chain'"]);
    check(json!({"chain": ""}), &["'chain' is empty"]);
    check(json!({"chain": "hello"}), &["'chain'", "PEM"]);
    check(json!({"chain": key}), &["'chain'", "private key"]);
    check(
        json!({"chain": format!("{pem}{pem}")}),
        &["'chain'", "same as"],
    );
    check(json!({"chain": pem[..200]}), &["'chain'", "line"]);
    check(json!({"chain": "keep"}), &["'chain'", "nothing is stored"]);
    check(
        json!({"chain-file": "ca.pem"}),
        &["'chain-file'", "send its content"],
    );
    check(json!({"chain": pem, "username": "x"}), &["'username'"]);
    check(json!({"chain": pem, "key": key}), &["does not belong"]);
    assert_eq!(
        server.get("/realms/acme/accounts").ok().json()["accounts"],
        json!([])
    );
}

#[test]
fn trust_sources() {
    let server = server();
    let ca = pki::ca("Acme CA");
    let other = json!({"type": "secret-key", "prod": {"key": "x"}});
    server.put(ACCOUNT, &other).refused(422, "trust-source");

    let in_test = json!({"type": "certificate-chain", "test": {"chain": ca.certificate.to_pem()}});
    server.put(ACCOUNT, &in_test).ok();
    post(&server, "request").refused(422, "no-certificates");

    let leaf = pki::client(&ca).certificate.to_pem();
    let reply = server.put(ACCOUNT, &chain_account(&leaf));
    reply.refused(422, "trust-source");
    assert!(reply.message().contains("not a CA"), "{}", reply.message());

    let account = chain_account(&ca.certificate.to_pem());
    server.put("/realms/acme/accounts/partner", &account).ok();
    let path = "/realms/acme/installations/prod/partner/request";
    let reply = server.call("POST", path, None);
    reply.refused(422, "trust-source-name");
}

#[test]
fn installations() {
    let server = server();
    server.get(INSTALLATION).refused(404, "no-account");
    let account = chain_account(&pki::ca("Acme CA").certificate.to_pem());
    server.put(ACCOUNT, &account).ok();
    server.get(INSTALLATION).refused(404, "nothing-installed");
    install(&server, 1).refused(404, "nothing-requested");
    post(&server, "remove").refused(404, "nothing-installed");
    post(&server, "request").ok();
    install(&server, 2).refused(409, "revision-changed");
    for reason in ["", "  "] {
        let body = json!({ "reason": reason });
        let reply = server.post(&format!("{INSTALLATION}/reject"), &body);
        reply.refused(422, "reason-missing");
    }
    install(&server, 1).ok();
    post(&server, "request").refused(409, "already-installed");
}

#[test]
fn denials() {
    let server = server();
    let (list, key) = ("/realms/acme/denials/prod", "0".repeat(64));
    let cases = [
        (json!({"reason": "nothing named"}), 422, "invalid-denial"),
        (
            json!({"key-sha256": key, "serial": "01", "reason": "both"}),
            422,
            "invalid-denial",
        ),
        (
            json!({"key-sha256": key, "issuer": "CN=a", "reason": "x"}),
            422,
            "invalid-denial",
        ),
        (
            json!({"key-sha256": key, "reason": " "}),
            400,
            "invalid-body",
        ),
        (
            json!({"subject": "C=US, CN=a", "reason": "x"}),
            400,
            "invalid-body",
        ),
        (
            json!({"key-sha256": key, "reason": "x", "until": "2020-01-01"}),
            422,
            "denial-ended",
        ),
    ];
    for (body, status, code) in cases {
        server.post(list, &body).refused(status, code);
    }
    server
        .delete(&format!("{list}/{key}"))
        .refused(404, "no-denial");
    server
        .delete(&format!("{list}/x"))
        .refused(400, "invalid-value");
    let body = json!({"subject": "cn=a,o=Acme", "reason": "left"});
    server.post(list, &body).ok();
    let told = server.get(list).ok().json();
    let denial = &told["denials"][0];
    assert_eq!(
        (
            &denial["what"],
            &denial["subject"],
            &denial["state"],
            &denial["until"]
        ),
        (
            &json!("subject"),
            &json!("CN=a,O=Acme"),
            &json!("active"),
            &json!(null)
        ),
        "{told}"
    );
    let id = denial["id"].as_str().unwrap();
    server.delete(&format!("{list}/{id}")).ok();
    assert_eq!(server.get(list).ok().json(), json!({"denials": []}));
}

#[test]
fn trust_policies_and_revocation_lists() {
    let server = server();
    let (trust, crls) = ("/realms/acme/trust/prod", "/realms/acme/crls/prod");
    let ca = pki::ca("Acme CA");
    let account = chain_account(&ca.certificate.to_pem());
    server.put(ACCOUNT, &account).ok();
    let hex = "0".repeat(64);
    let told = server.get(trust).ok().json();
    let expect = json!({"realm": "acme", "environment": "prod", "crls": 0, "denials": 0, "revocation": "off",
        "crl-out-of-date": "refuse", "signatures": "modern", "pins": [], "ca-names": false, "anchor": [],
        "handshake": "strict", "record-bytes": "default", "notInstalled": []});
    assert_eq!(told, expect);
    let alone = json!({"anchor": [{"sha256": hex, "revocation": "off"}]});
    let reply = server.put(trust, &alone).ok().json();
    let warnings = reply["warnings"].to_string();
    assert!(warnings.contains("no installed anchor"), "{warnings}");
    assert_eq!(server.get(trust).ok().json()["notInstalled"], json!([hex]));
    let twice = json!({"anchor": [{"sha256": hex, "revocation": "off"}, {"sha256": hex, "revocation": "off"}]});
    let reply = server.put(trust, &twice);
    reply.refused(422, "invalid-trust-policy");
    let bad = json!({"crl-out-of-date": {"allow-hours": 0}});
    server.put(trust, &bad).refused(400, "invalid-body");
    let pins: Vec<String> = (0..10_001).map(|pin| format!("key:{pin:064x}")).collect();
    let reply = server.put(trust, &json!({ "pins": pins }));
    reply.refused(422, "too-many");
    let anchors = json!([{"sha256": hex, "crl-out-of-date": {"allow-hours": 8760}}]);
    let body = json!({"revocation": "chain", "anchor": anchors, "pins": pins[..10_000]});
    let reply = server.put(trust, &body).ok().json();
    assert!(
        reply["warnings"][0]
            .as_str()
            .unwrap()
            .contains("has none there"),
        "{reply}"
    );
    let told = server.get(trust).ok().json();
    assert_eq!(
        (&told["revocation"], &told["anchor"]),
        (&json!("chain"), &anchors)
    );

    let add = |list: &str| server.post(crls, &json!({ "crls": [list] }));
    add("hello").refused(422, "invalid-trust-policy");
    let second = pki::crl(&ca, 2);
    add(&second).ok();
    add(&pki::crl(&ca, 1)).refused(409, "crl-older");
    add(&pki::crl(&pki::ca("Acme CA"), 3)).refused(422, "crl-not-signed");
    add(&pki::endless_crl(&ca)).refused(422, "crl-without-end");
    let listed = server.get(crls).ok().json();
    assert_eq!(listed["crls"].as_array().unwrap().len(), 1, "{listed}");
    let sha256 = listed["crls"][0]["sha256"].as_str().unwrap();
    server
        .delete(&format!("{crls}/{hex}"))
        .refused(404, "no-crl");
    let reply = server.delete(&format!("{crls}/00"));
    reply.refused(400, "invalid-value");
    server.delete(&format!("{crls}/{sha256}")).ok();
    server
        .delete(&format!("{crls}/{sha256}"))
        .refused(404, "no-crl");
}

#[test]
fn pipelines_and_deployments() {
    let server = server();
    let rest = json!({"type": "rest"});
    server.get(PIPELINE).refused(404, "no-pipeline");
    server.delete(PIPELINE).refused(404, "no-pipeline");
    server
        .call("PUT", DEPLOYMENT, None)
        .refused(404, "no-pipeline");
    server.delete(DEPLOYMENT).refused(404, "not-deployed");

    let twice = json!({"type": "rest", "routes": ["/a/:id", "/a/:name"]});
    server.put(PIPELINE, &echo(&twice)).refused(422, "trigger");
    let large = json!({"type": "rest", "request-size-mb": 1025});
    let reply = server.put(PIPELINE, &echo(&large));
    reply.refused(422, "request-size-ceiling");
    let unstated = json!({"type": "rest", "mtls": true});
    let reply = server.put(PIPELINE, &echo(&unstated));
    reply.refused(422, "invalid-pipeline");
    assert!(
        reply.message().contains("'trigger.external'"),
        "{}",
        reply.message()
    );
    let pipeline = json!({"name": "p", "major": 0, "trigger": rest, "handler": {"type": "echo"}});
    let manifest = json!({"realm": [{"name": "acme", "pipeline": [pipeline]}]});
    let reply = server.post("/apply", &json!({"documents": [manifest]}));
    reply.refused(422, "major-zero");

    server.put(PIPELINE, &echo(&rest)).ok();
    server.call("PUT", DEPLOYMENT, None).ok();
    server.delete(PIPELINE).refused(409, "pipeline-deployed");
}

#[test]
fn connections() {
    let server = server();
    server.get(CONNECTION).refused(404, "no-connection");
    server.delete(CONNECTION).refused(404, "no-connection");
    server
        .put(PIPELINE, &upstream())
        .refused(422, "no-connection");
    let reply = server.put(CONNECTION, &json!({"base-url": {}}));
    reply.refused(422, "invalid-connection");

    let in_test = json!({"base-url": {"test": "https://backend.example"}});
    server.put(CONNECTION, &in_test).ok();
    server.put(PIPELINE, &upstream()).ok();
    let reply = server.call("PUT", DEPLOYMENT, None);
    reply.refused(422, "connection-leads-nowhere");
    server.delete(CONNECTION).refused(409, "connection-in-use");

    let account = json!({"type": "secret-key", "prod": {"key": "x"}});
    server.put("/realms/acme/accounts/key", &account).ok();
    let trust = json!({"base-url": "https://backend.example", "trust": {"account": "key"}});
    server
        .put(CONNECTION, &trust)
        .refused(422, "not-a-certificate-chain");
}

#[test]
fn tokens() {
    let server = server();
    server.delete("/tokens/nobodys").refused(404, "no-token");
    let body =
        |name: &str, expires: &str| json!({"name": name, "role": "auditor", "expires": expires});
    let reply = server.post("/tokens", &body("past", "2030-06-01T11:59:59Z"));
    reply.refused(422, "token-expired");
    server.post("/tokens", &body("future", "2030-06-02")).ok();
    let reply = server.post("/tokens", &body("future", "2030-06-02"));
    reply.refused(409, "token-exists");
    server.delete("/tokens/first").refused(409, "last-operator");
}

#[test]
fn server_identities() {
    let server = server();
    let path = "/server-identities/mtls-prod";
    let ca = pki::ca("Public CA");
    let leaf = pki::server(&ca, &["api2.gate.localhost", "*.api2.gate.localhost"]);
    let (pem, key) = (leaf.certificate.to_pem(), pki::key_pem(&leaf));
    let provide = |chain: &str, key: &str| server.put(path, &json!({"chain": chain, "key": key}));
    provide(&pem, &pki::key_pem(&pki::client(&ca))).refused(422, "key-mismatch");
    provide(&key, &key).refused(422, "chain-missing");
    let ended = pki::ended_server(&ca);
    let reply = provide(&ended.certificate.to_pem(), &pki::key_pem(&ended));
    reply.refused(422, "server-certificate-expired");
    provide("x", &key).refused(422, "invalid-upload");
    provide(&pem, "x").refused(422, "invalid-upload");
    provide(&pem, &pem).refused(422, "key-missing");
    let body = json!({"chain": pem, "key": key});
    let reply = server.put("/server-identities/mtls-live", &body);
    reply.refused(400, "invalid-value");
    let reply = provide(&pem, &key).ok().json();
    assert_eq!(
        (&reply["changed"], &reply["warnings"]),
        (&json!(true), &json!([]))
    );
    let other = pki::server(&ca, &["elsewhere.example"]);
    let reply = provide(&other.certificate.to_pem(), &pki::key_pem(&other));
    let warned = reply.ok().json()["warnings"].to_string();
    assert!(warned.contains("api2.gate.localhost"), "{warned}");
}

#[test]
fn a_realms_own_server_identity() {
    let server = server();
    let path = "/realms/acme/server-identities/prod";
    let ca = pki::ca("Public CA");
    let leaf = pki::server(&ca, &["acme.api2.gate.localhost"]);
    let (pem, key) = (leaf.certificate.to_pem(), pki::key_pem(&leaf));
    let provide =
        |path: &str, chain: &str, key: &str| server.put(path, &json!({"chain": chain, "key": key}));
    provide(path, &pem, &pki::key_pem(&pki::client(&ca))).refused(422, "key-mismatch");
    let client = pki::client(&ca);
    provide(path, &client.certificate.to_pem(), &pki::key_pem(&client))
        .refused(422, "not-for-servers");
    let ended = pki::ended_server(&ca);
    provide(path, &ended.certificate.to_pem(), &pki::key_pem(&ended))
        .refused(422, "server-certificate-expired");
    provide("/realms/nope/server-identities/prod", &pem, &key).refused(404, "no-realm");
    provide("/realms/acme/server-identities/live", &pem, &key).refused(400, "invalid-value");
    let reply = provide(path, &pem, &key).ok().json();
    assert_eq!(
        (&reply["changed"], &reply["warnings"]),
        (&json!(true), &json!([]))
    );
    let all = server.get("/server-identities").ok().json();
    let own = server.get("/realms/acme/server-identities").ok().json();
    let (all, own) = (&all["serverIdentities"], &own["serverIdentities"]);
    assert_eq!(all.as_array().unwrap().last(), own.get(0));
    assert_eq!(
        (&own[0]["slot"], &own[0]["realm"], &own[0]["origin"]),
        (&json!("mtls-prod"), &json!("acme"), &json!("provided"))
    );
    let shared = pki::server(&ca, &["api2.gate.localhost"]);
    let reply = provide(path, &shared.certificate.to_pem(), &pki::key_pem(&shared));
    let warned = reply.ok().json()["warnings"].to_string();
    assert!(
        warned.contains("for mtls/prod/acme does not name acme.api2.gate.localhost"),
        "{warned}"
    );
    for changed in [true, false] {
        assert_eq!(server.delete(path).ok().json()["changed"], changed);
    }
    let own = server.get("/realms/acme/server-identities").ok().json();
    assert_eq!(own["serverIdentities"], json!([]));
}

#[test]
fn there_can_be_too_many_of_a_thing() {
    let server = server();
    let account =
        |number| json!({"name": format!("a{number}"), "type": "secret-key", "prod": {"key": "x"}});
    let accounts: Vec<Value> = (0..10_001).map(account).collect();
    let manifest = json!({"realm": [{"name": "acme", "account": accounts}]});
    let before = server.get("/status").json()["revision"].clone();
    let reply = server.post("/apply", &json!({"documents": [manifest]}));
    reply.refused(422, "too-many");
    assert_eq!(server.get("/status").json()["revision"], before);
}

#[test]
fn a_manifest_that_names_something_twice_is_refused() {
    let server = server();
    let account = json!({"name": "a", "type": "secret-key", "prod": {"key": "x"}});
    let twice = json!({"realm": [{"name": "acme", "account": [account, account]}]});
    let reply = server.post("/apply", &json!({"documents": [twice]}));
    reply.refused(422, "twice");
    let states =
        json!({"realm": [{"name": "a", "state": "active"}, {"name": "a", "state": "suspended"}]});
    let reply = server.post("/apply", &json!({"documents": [states]}));
    reply.refused(422, "twice");
}
