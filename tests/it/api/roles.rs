//! Who may do what, asked through the API: every call, by every role.

use serde_json::{Value, json};

use crate::api::envelope::without_number;
use crate::api::pki;
use crate::api::server::Server;

/// What comes of a call, of no matter whom it is possible for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// The role does not stand against it: it is done, or refused for another reason.
    Allowed,
    /// 403.
    Forbidden,
    /// 404 of a realm that does not exist.
    NoRealm,
}

/// Who may: the operator always may.
#[derive(Clone, Copy)]
struct May {
    admin: Came,
    other_admin: Came,
    auditor: Came,
}

/// Reads what is in a realm.
const READ_REALM: May = May {
    admin: Came::Allowed,
    other_admin: Came::NoRealm,
    auditor: Came::Allowed,
};
/// Changes what is in a realm.
const CHANGE_REALM: May = May {
    admin: Came::Allowed,
    other_admin: Came::NoRealm,
    auditor: Came::Forbidden,
};
/// Changes what only operators change in a realm.
const OPERATE_REALM: May = May {
    admin: Came::Forbidden,
    other_admin: Came::NoRealm,
    auditor: Came::Forbidden,
};
/// Reads what belongs to the appliance.
const READ_APPLIANCE: May = May {
    admin: Came::Forbidden,
    other_admin: Came::Forbidden,
    auditor: Came::Allowed,
};
/// Changes the appliance.
const OPERATE: May = May {
    admin: Came::Forbidden,
    other_admin: Came::Forbidden,
    auditor: Came::Forbidden,
};
/// Reads what everybody may.
const READ_ALL: May = May {
    admin: Came::Allowed,
    other_admin: Came::Allowed,
    auditor: Came::Allowed,
};

/// A server certificate and its key.
fn identity() -> Value {
    let leaf = pki::server(&pki::ca("Public CA"), &["localhost"]);
    json!({"chain": leaf.certificate.to_pem(), "key": pki::key_pem(&leaf)})
}

fn calls() -> Vec<(&'static str, String, Option<Value>, May)> {
    let in_realm = |path: &str| format!("/realms/acme{path}");
    let installation = |verb: &str| in_realm(&format!("/installations/prod/dgb-mtls-a{verb}"));
    let account = json!({"type": "secret-key", "prod": {"key": "x"}});
    let pipeline = json!({"trigger": {"type": "rest"}, "handler": {"type": "echo"}});
    let connection = json!({"base-url": "https://backend.example"});
    let token = json!({"name": "new", "role": "auditor"});
    let apply = json!({"documents": [{"realm": [{"name": "acme"}]}], "dryRun": true});
    vec![
        ("GET", "/status".to_owned(), None, READ_ALL),
        ("GET", "/realms".to_owned(), None, READ_ALL),
        ("GET", in_realm(""), None, READ_REALM),
        ("GET", in_realm("/accounts"), None, READ_REALM),
        ("GET", in_realm("/accounts/a"), None, READ_REALM),
        ("PUT", in_realm("/accounts/a"), Some(account), CHANGE_REALM),
        ("DELETE", in_realm("/accounts/a"), None, CHANGE_REALM),
        ("GET", in_realm("/installations"), None, READ_REALM),
        ("GET", installation(""), None, READ_REALM),
        ("POST", installation("/request"), None, CHANGE_REALM),
        (
            "POST",
            installation("/install"),
            Some(json!({"revision": 1})),
            OPERATE_REALM,
        ),
        (
            "POST",
            installation("/reject"),
            Some(json!({"reason": "no"})),
            OPERATE_REALM,
        ),
        ("POST", installation("/remove"), None, CHANGE_REALM),
        ("GET", in_realm("/trust/prod"), None, READ_REALM),
        (
            "PUT",
            in_realm("/trust/prod"),
            Some(json!({"signatures": "strict"})),
            CHANGE_REALM,
        ),
        (
            "POST",
            in_realm("/test-certificate/prod"),
            Some(json!({"chain": pki::ca("Some CA").certificate.to_pem()})),
            READ_REALM,
        ),
        ("GET", in_realm("/crls/prod"), None, READ_REALM),
        (
            "POST",
            in_realm("/crls/prod"),
            Some(json!({"crls": []})),
            CHANGE_REALM,
        ),
        (
            "DELETE",
            in_realm(&format!("/crls/prod/{}", "0".repeat(64))),
            None,
            CHANGE_REALM,
        ),
        ("GET", in_realm("/pipelines"), None, READ_REALM),
        ("GET", in_realm("/pipelines/p/v1"), None, READ_REALM),
        (
            "PUT",
            in_realm("/pipelines/p/v1"),
            Some(pipeline),
            CHANGE_REALM,
        ),
        ("GET", in_realm("/deployments"), None, READ_REALM),
        (
            "PUT",
            in_realm("/deployments/prod/p/v1"),
            None,
            CHANGE_REALM,
        ),
        (
            "DELETE",
            in_realm("/deployments/prod/p/v1"),
            None,
            CHANGE_REALM,
        ),
        ("DELETE", in_realm("/pipelines/p/v1"), None, CHANGE_REALM),
        ("GET", in_realm("/connections"), None, READ_REALM),
        ("GET", in_realm("/connections/c"), None, READ_REALM),
        (
            "PUT",
            in_realm("/connections/c"),
            Some(connection),
            CHANGE_REALM,
        ),
        ("DELETE", in_realm("/connections/c"), None, CHANGE_REALM),
        ("GET", in_realm("/endpoints"), None, READ_REALM),
        ("GET", in_realm("/refusals"), None, READ_REALM),
        ("GET", in_realm("/refusals/groups"), None, READ_REALM),
        ("GET", in_realm("/refusals/1/chain"), None, READ_REALM),
        ("GET", "/audit?realm=acme".to_owned(), None, READ_REALM),
        ("POST", "/apply".to_owned(), Some(apply), CHANGE_REALM),
        ("GET", "/refusals".to_owned(), None, READ_APPLIANCE),
        ("GET", "/refusals/groups".to_owned(), None, READ_APPLIANCE),
        ("GET", "/refusals/1/chain".to_owned(), None, READ_APPLIANCE),
        ("GET", "/tokens".to_owned(), None, READ_APPLIANCE),
        ("POST", "/tokens".to_owned(), Some(token), OPERATE),
        ("DELETE", "/tokens/nobodys".to_owned(), None, OPERATE),
        ("GET", "/server-identities".to_owned(), None, READ_APPLIANCE),
        (
            "PUT",
            "/server-identities/admin".to_owned(),
            Some(identity()),
            OPERATE,
        ),
        (
            "DELETE",
            "/server-identities/admin".to_owned(),
            None,
            OPERATE,
        ),
        ("GET", in_realm("/server-identities"), None, READ_REALM),
        (
            "PUT",
            in_realm("/server-identities/prod"),
            Some(identity()),
            OPERATE_REALM,
        ),
        (
            "DELETE",
            in_realm("/server-identities/prod"),
            None,
            OPERATE_REALM,
        ),
        ("GET", "/server-ca".to_owned(), None, READ_ALL),
        ("POST", in_realm("/suspend"), None, OPERATE_REALM),
        ("POST", in_realm("/resume"), None, OPERATE_REALM),
        ("PUT", in_realm(""), None, OPERATE),
        ("DELETE", in_realm(""), None, OPERATE_REALM),
    ]
}

#[test]
fn each_role_may_do_what_it_may_and_nothing_else() {
    let server = Server::start();
    server.realm("acme");
    server.realm("globex");
    let admin = server.token("acme-people", "realm-admin", Some("acme"));
    let other_admin = server.token("globex-people", "realm-admin", Some("globex"));
    let auditor = server.token("auditor", "auditor", None);
    for (method, path, body, may) in calls() {
        // The operator last: it removes what the others ask about.
        for (who, token, expected) in [
            ("the auditor", &auditor, may.auditor),
            ("the other realm's admin", &other_admin, may.other_admin),
            ("the realm's admin", &admin, may.admin),
            ("the operator", &server.operator, Came::Allowed),
        ] {
            let reply = server.call_as(token, method, &path, body.as_ref());
            let came = match (reply.status, reply.code().as_str()) {
                (403, "forbidden") => Came::Forbidden,
                (404, "no-realm") => Came::NoRealm,
                (401 | 405 | 415 | 500.., _) | (404, "no-such-path") => {
                    panic!("{who}, {method} {path}: {reply:?}")
                }
                _ => Came::Allowed,
            };
            assert_eq!(came, expected, "{who}, {method} {path}: {reply:?}");
        }
    }
}

#[test]
fn another_realm_is_a_realm_that_does_not_exist() {
    let server = Server::start();
    server.realm("acme");
    server.realm("globex");
    let globex = server.token("globex-people", "realm-admin", Some("globex"));
    for (method, path, body, _) in calls() {
        if !path.contains("acme") {
            continue;
        }
        // A name of the same length, so that whole answers can be compared.
        let body = body.as_ref();
        let there = server.call_as(&globex, method, &path, body);
        let path = path.replace("acme", "nope");
        let nowhere = server.call_as(&globex, method, &path, body);
        // Making realms is the operators' alone, whichever realms there are.
        let makes_it = method == "PUT" && path == "/realms/nope";
        let expect = if makes_it { 403 } else { 404 };
        assert_eq!(there.status, expect, "{method} {path}");
        assert_eq!(
            without_number(&there).to_string().replace("acme", "nope"),
            without_number(&nowhere).to_string(),
            "{method} {path}"
        );
        let heads = [&there, &nowhere].map(|reply| {
            let mut headers = reply.headers.clone();
            headers.remove("x-request-id");
            headers
        });
        assert_eq!(heads[0], heads[1], "{method} {path}");
    }
    let seen = server.call_as(&globex, "GET", "/realms", None).json();
    let names: Vec<&Value> = seen["realms"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 1, "{seen}");
    assert_eq!(names[0]["name"], "globex");
    let status = server.call_as(&globex, "GET", "/status", None).json();
    assert_eq!(status["realms"], 1, "{status}");
}

#[test]
fn a_manifest_of_two_realms_is_not_a_realm_admins() {
    let server = Server::start();
    server.realm("acme");
    server.realm("globex");
    let globex = server.token("globex-people", "realm-admin", Some("globex"));
    let apply = |other: &str| {
        let realms = json!([{"name": "globex"}, {"name": other}]);
        let body = json!({"documents": [{ "realm": realms }]});
        server.call_as(&globex, "POST", "/apply", Some(&body))
    };
    apply("acme").refused(404, "no-realm");
    apply("nope").refused(404, "no-realm");
    let own = json!({"documents": [{"realm": [{"name": "globex"}]}]});
    server.call_as(&globex, "POST", "/apply", Some(&own)).ok();
}
