//! The story of the specification, as far as the API tells it: from a realm to its endpoint sheet, and back.

use serde_json::{Value, json};

use crate::api::pki::{self, chain_account};
use crate::api::server::Server;

#[test]
fn from_a_realm_to_its_endpoint_sheet_and_back() {
    let server = Server::start();
    server.realm("acme");
    let admin = server.token("acme-people", "realm-admin", Some("acme"));
    let by_admin = |method: &str, path: &str, body: Option<&Value>| {
        let path = format!("/realms/acme{path}");
        server.call_as(&admin, method, &path, body).ok().json()
    };
    let ca = pki::ca("Acme CA");
    let account = chain_account(&ca.certificate.to_pem());
    let saved = by_admin("PUT", "/accounts/dgb-mtls-a", Some(&account));
    assert_eq!(saved["changed"], true);
    assert!(saved["revision"].as_u64().unwrap() > 0, "{saved}");
    let shown = by_admin("GET", "/accounts/dgb-mtls-a", None);
    assert_eq!(shown["prod"]["certificates"][0]["subject"], "CN=Acme CA");
    assert_eq!(shown["prod"]["privateKey"], false);
    assert_eq!(shown["test"], Value::Null);

    let pipeline = json!({
        "trigger": {"type": "rest", "mtls": true, "external": false},
        "handler": {"type": "mock", "document": {"hello": "{{ message.client.subject }}"}},
    });
    by_admin("PUT", "/pipelines/hello/v1", Some(&pipeline));
    let again = by_admin("PUT", "/pipelines/hello/v1", Some(&pipeline));
    assert_eq!(again["changed"], false, "{again}");
    let deployed = by_admin("PUT", "/deployments/prod/hello/v1", None);
    assert!(
        deployed["warnings"].to_string().contains("no effect"),
        "{deployed}"
    );
    let sheet = by_admin("GET", "/endpoints?environment=prod", None);
    assert_eq!(sheet["endpoints"].as_array().unwrap().len(), 1);
    assert_eq!(sheet["endpoints"][0]["mtls"], false, "{sheet}");

    let installation = "/installations/prod/dgb-mtls-a";
    by_admin("POST", &format!("{installation}/request"), None);
    let path = format!("/realms/acme{installation}");
    let waiting = server
        .get("/realms/acme/installations?state=requested")
        .ok()
        .json();
    assert_eq!(waiting["installations"][0]["account"], "dgb-mtls-a");
    let review = server.get(&path).ok().json();
    assert_eq!(review["certificates"][0]["subject"], "CN=Acme CA");
    let revision = json!({"revision": review["accountRevision"]});
    server.post(&format!("{path}/install"), &revision).ok();

    let sheet = by_admin("GET", "/endpoints?environment=prod", None);
    let sheet = &sheet["endpoints"][0];
    assert_eq!(sheet["mtls"], true, "{sheet}");
    assert_eq!(sheet["mtlsHost"], "acme.api2.gate.localhost");
    let listed = by_admin("GET", "/deployments?environment=test", None);
    assert_eq!(listed["deployments"], json!([]));
    let listed = by_admin("GET", "/deployments?environment=prod", None);
    assert_eq!(listed["deployments"][0]["pipeline"], "hello");

    by_admin("POST", &format!("{installation}/remove"), None);
    let sheet = by_admin("GET", "/endpoints?environment=prod", None);
    assert_eq!(sheet["endpoints"][0]["mtls"], false);

    let audit = server.get("/audit?realm=acme&limit=2").ok().json();
    let records = audit["records"].as_array().unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["action"], "installation.remove");
    assert_eq!(records[0]["actor"], "acme-people");
    assert_eq!(records[0]["address"], "192.0.2.7");
    let next = audit["next"].as_u64().unwrap();
    let older = server.get(&format!("/audit?realm=acme&limit=1000&before={next}"));
    let older = older.ok().json();
    assert!(older["records"][0]["sequence"].as_u64().unwrap() < next);
    assert_eq!(older["next"], Value::Null);
}

#[test]
fn secrets_do_not_come_back() {
    let server = Server::start();
    server.realm("acme");
    let secret = "hunter2-hunter2";
    let bodies = [
        json!({"type": "basic", "prod": {"username": "u", "password": secret}}),
        json!({"type": "custom-auth-header", "prod": {"header-name": "X-A", "header-value": secret}}),
        json!({"type": "oauth-bearer", "prod": {"token": secret}}),
        json!({"type": "api-key", "prod": {"url-param-name": "k", "api-key": secret}}),
        json!({"type": "secret-key", "prod": {"key": secret}}),
        json!({"type": "private-key", "prod": {"key": secret, "passphrase": secret}}),
    ];
    for body in &bodies {
        let path = format!("/realms/acme/accounts/{}", body["type"].as_str().unwrap());
        server.put(&path, body).ok();
        let shown = server.get(&path).ok();
        assert!(
            !String::from_utf8_lossy(&shown.body).contains("hunter2"),
            "{shown:?}"
        );
    }
    let leaf = pki::client(&pki::ca("Acme CA"));
    let chain = leaf.certificate.to_pem();
    let values = json!({"chain": chain, "key": pki::key_pem(&leaf)});
    let body = json!({"type": "certificate-chain", "prod": values});
    server.put("/realms/acme/accounts/own", &body).ok();
    let kept = json!({"type": "certificate-chain", "prod": {"chain": chain, "key": "keep"}});
    server.put("/realms/acme/accounts/own", &kept).ok();
    let shown = server.get("/realms/acme/accounts/own").ok().json();
    assert_eq!(shown["prod"]["privateKey"], true, "{shown}");
    for path in [
        "/audit?limit=1000",
        "/realms/acme/accounts",
        "/realms/acme",
        "/tokens",
    ] {
        let text = String::from_utf8_lossy(&server.get(path).ok().body).into_owned();
        assert!(
            !text.contains("hunter2") && !text.contains("PRIVATE KEY"),
            "{path}"
        );
        assert!(!text.contains("rgt_"), "{path}");
    }
}

#[test]
fn a_token_is_shown_once_and_works_until_it_is_revoked() {
    let server = Server::start();
    let body = json!({"name": "eyes", "role": "auditor", "expires": "2031-01-31"});
    let made = server.post("/tokens", &body);
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!(
        (&made["changed"], &made["name"]),
        (&json!(true), &json!("eyes"))
    );
    assert_eq!(
        (&made["role"], &made["expires"]),
        (&json!("auditor"), &json!("2031-01-31T00:00:00Z"))
    );
    let token = made["token"].as_str().unwrap();
    server.call_as(token, "GET", "/realms", None).ok();
    server.delete("/tokens/eyes").ok();
    server
        .call_as(token, "GET", "/realms", None)
        .refused(401, "unauthorized");
}

#[test]
fn a_manifest_is_planned_then_applied_then_nothing_is_left_to_do() {
    let server = Server::start();
    let ca = pki::ca("Acme CA").certificate.to_pem();
    let manifest = json!({"realm": [{
        "name": "acme",
        "account": [{"name": "dgb-mtls-a", "type": "certificate-chain", "prod": {"chain": ca}}],
        "installation": [{"account": "dgb-mtls-a", "environment": "prod"}],
        "pipeline": [{
            "name": "hello", "major": 1,
            "trigger": {"type": "rest", "mtls": true, "external": false},
            "handler": {"type": "echo"},
        }],
        "deployment": [{"pipeline": "hello", "major": 1, "environments": ["prod"]}],
    }]});
    let apply = |more: Value| {
        let mut body = json!({"documents": [manifest]});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        server.post("/apply", &body).ok().json()
    };
    let verbs = |answer: &Value| -> Vec<String> {
        let steps = answer["plan"].as_array().unwrap().iter();
        steps
            .map(|step| format!("{} {}", step["verb"], step["noun"]).replace('"', ""))
            .collect()
    };
    let planned = apply(json!({"dryRun": true}));
    assert_eq!(
        (&planned["applied"], verbs(&planned).len()),
        (&json!(false), 5),
        "{planned}"
    );
    server.get("/realms/acme").refused(404, "no-realm");
    let applied = apply(json!({}));
    assert_eq!(applied["applied"], true);
    assert_eq!(verbs(&applied), verbs(&planned));
    let again = apply(json!({"prune": true}));
    assert!(
        verbs(&again)
            .iter()
            .all(|verb| verb.starts_with("unchanged")),
        "{again}"
    );
    assert_eq!(again["revision"], applied["revision"]);
}

#[test]
fn the_servers_own_ca_comes_as_pem() {
    let server = Server::start();
    let reply = server.get("/server-ca").ok();
    assert_eq!(
        reply.header("content-type"),
        "application/pem-certificate-chain"
    );
    assert!(reply.body.starts_with(b"-----BEGIN CERTIFICATE-----"));
    let identities = server.get("/server-identities").ok().json();
    let identities = identities["serverIdentities"].as_array().unwrap();
    assert_eq!(identities.len(), 7);
    assert!(identities.iter().all(|one| one["origin"] == "generated"));
}

#[test]
fn a_plan_that_needs_confirmation_is_carried_out_once_it_is_given() {
    let server = Server::start();
    let realm = |state: &str| json!({"realm": [{"name": "acme", "state": state}]});
    server
        .post("/apply", &json!({"documents": [realm("active")]}))
        .ok();
    let documents = [realm("suspended")];
    let planned = server
        .post("/apply", &json!({"documents": documents, "dryRun": true}))
        .ok()
        .json();
    assert_eq!(planned["plan"][0]["needsConfirmation"], true, "{planned}");
    server
        .post("/apply", &json!({"documents": documents}))
        .refused(409, "confirmation-needed");
    assert_eq!(server.get("/realms/acme").ok().json()["state"], "active");
    let body = json!({"documents": documents, "confirmed": true});
    let applied = server.post("/apply", &body).ok().json();
    assert_eq!(applied["applied"], true, "{applied}");
    assert_eq!(server.get("/realms/acme").ok().json()["state"], "suspended");
}
