//! A realm's own mTLS host shows a server certificate of its own, and nobody else's host does.

use std::time::Duration;

use realmgate::clock::{Clock, Moment};
use realmgate::pki::authority::{Authority, AuthorityRequest, Leaf};
use realmgate::pki::key::KeyChoice;
use redb::ReadableTable;
use rustls::pki_types::CertificateDer;
use rustls::version;

use crate::support::clients::s_client;
use crate::support::demo::Demo;
use crate::support::tls::{Caller, Outcome};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn now() -> Moment {
    Clock::system().now()
}

fn public_ca() -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: "Public CA".to_owned(),
        organization: None,
        not_before: now().minus(DAY),
        not_after: now().plus(DAY),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

fn leaf(ca: &Authority, host: &str) -> Leaf {
    ca.issue_server(&[host.to_owned()], now().minus(DAY), now().plus(DAY))
        .unwrap()
}

/// Has a realm's host in `prod` show the certificate.
fn save(demo: &Demo, realm: &str, leaf: &Leaf) -> String {
    let chain = demo.file("own.pem", leaf.certificate.to_pem().as_bytes());
    let key = demo.file("own-key.pem", leaf.key.to_pkcs8_pem().expose());
    demo.cli_ok(&[
        "server-identity",
        "save",
        "mtls-prod",
        "--realm",
        realm,
        "--chain",
        chain.to_str().unwrap(),
        "--key-file",
        key.to_str().unwrap(),
    ])
}

/// Whether a host shows this certificate to openssl.
fn shows(demo: &Demo, host: &str, leaf: &Leaf) -> bool {
    let told = s_client(demo, "mtls", Some(host), &[], "");
    assert!(told.contains("BEGIN CERTIFICATE"), "{told}");
    told.contains(leaf.certificate.to_pem().trim())
}

#[test]
fn only_the_realms_own_host_shows_its_certificate_and_a_new_one_at_once() {
    let mut demo = Demo::start();
    let own = demo.text("acme", "prod", "mtlsHost");
    let others = [
        demo.text("acme", "test", "mtlsHost"),
        demo.text("acme", "prod", "sharedMtlsHost"),
        demo.text("globex", "prod", "mtlsHost"),
    ];
    let ca = public_ca();
    let first = leaf(&ca, &own);
    let told = save(&demo, "acme", &first);
    assert!(!told.contains("does not name"), "{told}");
    let only_there = |demo: &Demo, leaf: &Leaf| {
        assert!(shows(demo, &own, leaf));
        for other in &others {
            assert!(!shows(demo, other, leaf), "{other}");
        }
    };
    only_there(&demo, &first);
    let sheet = demo.api(
        "GET",
        "/api/v1/realms/acme/endpoints?environment=prod",
        None,
    );
    let sheet = sheet.text();
    assert!(
        sheet.contains(&first.certificate.fingerprint().to_string()),
        "{sheet}"
    );

    let second = leaf(&ca, &own);
    save(&demo, "acme", &second);
    assert!(!shows(&demo, &own, &first));
    only_there(&demo, &second);

    demo.kill_and_restart();
    only_there(&demo, &second);
    let listed = demo.cli_ok(&["server-identity", "list"]);
    assert!(
        listed.contains("mtls-prod      acme   provided"),
        "{listed}"
    );
    let show = ["server-identity", "show", "mtls-prod", "--realm", "acme"];
    assert!(demo.cli_ok(&show).contains(&own));

    let reset = ["server-identity", "reset", "mtls-prod", "--realm", "acme"];
    demo.cli_ok(&[&reset[..], &["--yes"]].concat());
    assert!(!shows(&demo, &own, &second));
    let wrong = demo.cli(&["server-identity", "reset", "admin", "--realm", "acme"]);
    assert!(!wrong.status.success());
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(told.contains("write mtls-test or mtls-prod"), "{told}");
}

#[test]
fn a_session_does_not_outlive_the_certificate_it_was_made_under() {
    let demo = Demo::start();
    let (host, path) = (
        demo.text("acme", "prod", "mtlsHost"),
        Demo::path("acme", "hello"),
    );
    let ca = public_ca();
    let root = CertificateDer::from(ca.certificate.der().to_vec());
    let client = demo.client("acme", "prod", "accepted");
    let callers = [&version::TLS12, &version::TLS13]
        .map(|version| Caller::trusting(&demo, version, &client, root.clone()));
    let reset = || {
        let words = ["server-identity", "reset", "mtls-prod", "--realm", "acme"];
        demo.cli_ok(&[&words[..], &["--yes"]].concat())
    };
    let changes: [&dyn Fn() -> String; 3] = [
        &|| save(&demo, "acme", &leaf(&ca, &host)),
        &|| save(&demo, "acme", &leaf(&ca, &host)),
        &reset,
    ];
    for change in changes {
        for caller in &callers {
            caller.get(&demo, "mtls", &host, &path);
            let again = caller.get(&demo, "mtls", &host, &path);
            assert_eq!(again, Outcome::Resumed(200));
        }
        change();
        for caller in &callers {
            let then = caller.get(&demo, "mtls", &host, &path);
            assert_eq!(then, Outcome::Full(200));
        }
    }
}

#[test]
fn a_realm_whose_own_certificate_was_damaged_is_closed_and_the_others_serve() {
    let mut demo = Demo::start();
    // Not one of the demo's own realms, which it sets up at each start.
    let made = demo.api("PUT", "/api/v1/realms/initech", None);
    assert_eq!(made.status, 200, "{made:?}");
    save(
        &demo,
        "initech",
        &leaf(&public_ca(), "initech.api2.gate.localhost"),
    );
    demo.kill_and_restart_after(|data| {
        let database = redb::Database::open(data.join("realmgate.redb")).unwrap();
        let transaction = database.begin_write().unwrap();
        let identities: redb::TableDefinition<'_, &str, &[u8]> =
            redb::TableDefinition::new("identities");
        let mut table = transaction.open_table(identities).unwrap();
        let key = "mtls/prod/initech";
        let mut row = table.get(key).unwrap().unwrap().value().to_vec();
        *row.last_mut().unwrap() ^= 1;
        table.insert(key, row.as_slice()).unwrap();
        drop(table);
        transaction.commit().unwrap();
    });
    let status = demo.api("GET", "/api/v1/status", None).json();
    assert_eq!(status["closedRealms"], serde_json::json!(["initech"]));
    let told = demo.api("GET", "/api/v1/realms/initech", None).text();
    assert!(told.contains("mtls/prod/initech of identities"), "{told}");
    let client = demo.client("acme", "prod", "accepted");
    let caller = Caller::new(&demo, &version::TLS13, Some(&client));
    let host = demo.text("acme", "prod", "mtlsHost");
    let came = caller.get(&demo, "mtls", &host, &Demo::path("acme", "hello"));
    assert_eq!(came, Outcome::Full(200));
}
