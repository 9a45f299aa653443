//! A resumed session is worth nothing by itself: it is its own host's, of its own epoch, and its chain is judged again.

use std::time::Duration;

use realmgate::clock::Clock;
use realmgate::pki::authority::{Authority, ClientRequest};
use realmgate::pki::certificate::Certificate;
use realmgate::pki::issued_crl::{self, CrlRequest};
use realmgate::pki::key::{KeyChoice, PrivateKey};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{SupportedProtocolVersion, version};

use crate::support::clients::{s_client, script};
use crate::support::demo::{Client, Demo};
use crate::support::server::Server;
use crate::support::tls::{self, Caller, Outcome};
use crate::support::wait;

const BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

/// A way in: gateway, host, and what acme's client of `prod` gets there.
struct Way {
    gateway: &'static str,
    host: String,
    path: String,
    answers: Answers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answers {
    Yes,
    UnknownIssuer,
}

fn ways(demo: &Demo) -> Vec<Way> {
    let hello = Demo::path("acme", "hello");
    let way = |gateway, realm: &str, environment: &str, host: &str, answers| Way {
        gateway,
        host: demo.text(realm, environment, host),
        path: hello.clone(),
        answers,
    };
    vec![
        way("mtls", "acme", "prod", "mtlsHost", Answers::Yes),
        way("mtls", "acme", "prod", "sharedMtlsHost", Answers::Yes),
        way("external", "acme", "prod", "externalHost", Answers::Yes),
        // The demo's realms have one CA for both environments.
        way("mtls", "acme", "test", "mtlsHost", Answers::Yes),
        way("mtls", "acme", "test", "sharedMtlsHost", Answers::Yes),
        way("external", "acme", "test", "externalHost", Answers::Yes),
        way("mtls", "globex", "prod", "mtlsHost", Answers::UnknownIssuer),
        way("mtls", "globex", "test", "mtlsHost", Answers::UnknownIssuer),
    ]
}

#[test]
fn a_session_is_resumed_where_it_was_made_and_at_no_other_realm_environment_or_gateway() {
    let demo = Demo::start();
    let acme = demo.client("acme", "prod", "accepted");
    let ways = ways(&demo);
    for version in BOTH {
        for from in ways.iter().filter(|way| way.answers == Answers::Yes) {
            for to in &ways {
                let caller = Caller::new(&demo, version, Some(&acme));
                let first = caller.get(&demo, from.gateway, &from.host, &from.path);
                assert_eq!(first, Outcome::Full(200), "{version:?} {}", from.host);
                assert!(caller.has_session());
                let then = caller.get(&demo, to.gateway, &to.host, &to.path);
                let told = format!("{version:?} from {} to {}: {then:?}", from.host, to.host);
                match to.answers {
                    Answers::Yes if from.host == to.host => {
                        assert_eq!(then, Outcome::Resumed(200), "{told}");
                    }
                    Answers::Yes => assert_eq!(then, Outcome::Full(200), "{told}"),
                    Answers::UnknownIssuer => assert!(then.is_alert("UnknownCA"), "{told}"),
                }
            }
        }
    }
}

#[test]
fn no_session_outlives_a_removal_a_suspension_or_a_restart() {
    let mut demo = Demo::start();
    let acme = demo.client("acme", "prod", "accepted");
    let account = demo.text("acme", "prod", "account");
    let path = Demo::path("acme", "hello");
    let hosts = |demo: &Demo| {
        [
            demo.text("acme", "prod", "mtlsHost"),
            demo.text("acme", "prod", "sharedMtlsHost"),
        ]
    };
    let installation = |verb: &str| {
        let mut words = vec![
            "installation",
            verb,
            "--realm",
            "acme",
            "--environment",
            "prod",
        ];
        words.extend(["--account", &account]);
        words.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    // Whoever holds a session from before is let in by a full handshake, or refused by one.
    let callers = |demo: &Demo| -> Vec<(String, Caller)> {
        let mut callers = Vec::new();
        for version in BOTH {
            for host in hosts(demo) {
                let caller = Caller::new(demo, version, Some(&acme));
                assert_eq!(caller.get(demo, "mtls", &host, &path), Outcome::Full(200));
                assert_eq!(
                    caller.get(demo, "mtls", &host, &path),
                    Outcome::Resumed(200)
                );
                assert!(caller.has_session());
                callers.push((host, caller));
            }
        }
        callers
    };
    let run = |demo: &Demo, words: &[String], more: &[&str]| {
        let words: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
            .collect();
        demo.cli_ok(&words)
    };

    let held = callers(&demo);
    run(&demo, &installation("remove"), &["--yes"]);
    for (host, caller) in &held {
        let told = caller.get(&demo, "mtls", host, &path);
        let alert = if host.starts_with("acme") {
            "UnrecognisedName"
        } else {
            "UnknownCA"
        };
        assert!(told.is_alert(alert), "{host}: {told:?}");
    }
    let held_by_the_other_environment = Caller::new(&demo, &version::TLS13, Some(&acme));
    let test_host = demo.text("acme", "test", "mtlsHost");
    let call = |caller: &Caller| caller.get(&demo, "mtls", &test_host, &path);
    assert_eq!(call(&held_by_the_other_environment), Outcome::Full(200));
    run(&demo, &installation("request"), &[]);
    let saved = demo.api(
        "GET",
        &format!("/api/v1/realms/acme/accounts/{account}"),
        None,
    );
    let revision = saved.json()["revision"].to_string();
    run(
        &demo,
        &installation("install"),
        &["--revision", &revision, "--yes"],
    );
    assert_eq!(call(&held_by_the_other_environment), Outcome::Resumed(200));
    for (host, caller) in &held {
        let told = caller.get(&demo, "mtls", host, &path);
        assert!(
            matches!(told, Outcome::Full(200)),
            "after the removal: {host}: {told:?}"
        );
    }

    let held = callers(&demo);
    demo.cli_ok(&["realm", "suspend", "acme", "--yes"]);
    demo.cli_ok(&["realm", "resume", "acme"]);
    for (host, caller) in &held {
        let told = caller.get(&demo, "mtls", host, &path);
        assert_eq!(told, Outcome::Full(200), "after the suspension: {host}");
    }

    let held = callers(&demo);
    demo.kill_and_restart();
    for (host, caller) in &held {
        let told = caller.get(&demo, "mtls", host, &path);
        assert_eq!(told, Outcome::Full(200), "after the restart: {host}");
    }
}

#[test]
fn one_ticket_serves_often_and_each_call_on_it_is_logged_as_resumed() {
    let demo = Demo::start();
    let acme = demo.client("acme", "prod", "accepted");
    let host = demo.text("acme", "prod", "mtlsHost");
    for version in ["TLSv1_2", "TLSv1_3"] {
        let python = format!(
            r#"
import socket, ssl
context = ssl.create_default_context(cafile={ca:?})
context.load_cert_chain({cert:?}, {key:?})
context.minimum_version = context.maximum_version = ssl.TLSVersion.{version}
def call(session):
    tls = context.wrap_socket(socket.create_connection(("127.0.0.1", {port})), server_hostname={host:?}, session=session)
    tls.sendall(b"GET /pipeline/acme/v1/hello HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    status = tls.recv(65536).split(b" ")[1].decode()
    return tls.session, tls.session_reused, status
session, reused, status = call(None)
again = [call(session)[1:] for _ in range(100)]
print(reused, status, set(again), len(again))
"#,
            ca = demo.server_ca(),
            cert = acme.chain,
            key = acme.key,
            port = demo.port("mtls"),
        );
        let told = script("python3", &["-"], &python);
        assert_eq!(told, "False 200 {(True, '200')} 100", "{version}");
    }
}

#[test]
fn a_session_of_tls_1_2_without_an_extended_master_secret_is_not_resumed() {
    let demo = Demo::start();
    let acme = demo.client("acme", "prod", "accepted");
    let host = demo.text("acme", "prod", "mtlsHost");
    for (options, expected) in [("0", "200 True"), ("1", "200 False")] {
        // 1 is SSL_OP_NO_EXTENDED_MASTER_SECRET.
        let python = format!(
            r#"
import socket, ssl
context = ssl.create_default_context(cafile={ca:?})
context.load_cert_chain({cert:?}, {key:?})
context.maximum_version = ssl.TLSVersion.TLSv1_2
context.options |= {options}
def call(session):
    tls = context.wrap_socket(socket.create_connection(("127.0.0.1", {port})), server_hostname={host:?}, session=session)
    tls.sendall(b"GET /pipeline/acme/v1/hello HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    return tls, tls.recv(65536).split(b" ")[1].decode()
first, _ = call(None)
then, status = call(first.session)
print(status, then.session_reused)
"#,
            ca = demo.server_ca(),
            cert = acme.chain,
            key = acme.key,
            port = demo.port("mtls"),
        );
        assert_eq!(
            script("python3", &["-"], &python),
            expected,
            "options {options}"
        );
    }
}

#[test]
fn openssl_resumes_and_no_session_allows_early_data() {
    let demo = Demo::start();
    let acme = demo.client("acme", "prod", "accepted");
    let host = demo.text("acme", "prod", "mtlsHost");
    let request = format!(
        "GET /pipeline/acme/v1/hello HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    );
    let session = demo.directory().join("session.pem").display().to_string();
    let early = demo.file("early", request.as_bytes()).display().to_string();
    for version in ["-tls1_2", "-tls1_3"] {
        let call = |more: &[&str]| {
            let mut arguments = vec![version, "-cert", &acme.cert, "-key", &acme.key];
            arguments.extend(["-cert_chain", &acme.chain]);
            arguments.extend(more);
            s_client(&demo, "mtls", Some(&host), &arguments, &request)
        };
        let first = call(&["-sess_out", &session]);
        assert!(
            first.contains("200 OK") && first.contains("New, "),
            "{first}"
        );
        let again = call(&["-sess_in", &session]);
        assert!(
            again.contains("200 OK") && again.contains("Reused, "),
            "{again}"
        );
        if version == "-tls1_3" {
            assert!(first.contains("Max Early Data: 0"), "{first}");
            let told = call(&["-sess_in", &session, "-early_data", &early]);
            assert!(!told.contains("Early data was accepted"), "{told}");
        }
    }
}

#[test]
fn a_session_ends_with_the_certificate_that_it_was_made_with() {
    let demo = Demo::start();
    let host = demo.text("acme", "prod", "mtlsHost");
    let path = Demo::path("acme", "hello");
    let client = short_lived(&demo, Duration::from_secs(6));
    let caller = Caller::new(&demo, &version::TLS13, Some(&client));
    assert_eq!(caller.get(&demo, "mtls", &host, &path), Outcome::Full(200));
    let mut resumed = 0;
    wait::until("a certificate to expire", 30, || {
        match caller.get(&demo, "mtls", &host, &path) {
            Outcome::Resumed(200) => {
                resumed += 1;
                false
            }
            // It ended between the handshake and the request.
            Outcome::Refused(why) if why == "closed without an answer" => false,
            other @ (Outcome::Full(_) | Outcome::Resumed(_) | Outcome::Refused(_)) => {
                assert!(other.is_alert("CertificateExpired"), "{other:?}");
                true
            }
        }
    });
    assert!(resumed > 0);
}

#[test]
fn no_session_outlives_the_revocation_of_its_certificate() {
    let demo = Demo::start();
    let client = short_lived(&demo, Duration::from_secs(3600));
    let leaf = Certificate::from_der(&tls::chain(&client.cert)[0]).unwrap();
    let now = Clock::system().now();
    let add = |number, revoked: &[&Certificate]| {
        let request = CrlRequest {
            number,
            this_update: now.minus(Duration::from_secs(60 - number)),
            next_update: now.plus(Duration::from_secs(3600)),
            revoked,
        };
        let list = issued_crl::issue(&authority(&demo), &request).unwrap();
        let file = demo.file("acme.crl", list.to_pem().as_bytes());
        let place = ["--realm", "acme", "--environment", "prod"];
        demo.cli_ok(&[&["crl", "add", file.to_str().unwrap()], &place[..]].concat());
        demo.cli_ok(&[&["trust", "set", "--revocation", "leaf"], &place[..]].concat());
    };
    add(1, &[]);
    let path = Demo::path("acme", "hello");
    let mut held = Vec::new();
    for version in BOTH {
        for host in ["mtlsHost", "sharedMtlsHost"] {
            let host = demo.text("acme", "prod", host);
            let caller = Caller::new(&demo, version, Some(&client));
            let call = || caller.get(&demo, "mtls", &host, &path);
            assert_eq!(
                [call(), call()],
                [Outcome::Full(200), Outcome::Resumed(200)]
            );
            held.push((host, caller));
        }
    }
    add(2, &[&leaf]);
    for (host, caller) in &held {
        let told = caller.get(&demo, "mtls", host, &path);
        assert!(told.is_alert("CertificateRevoked"), "{host}: {told:?}");
    }
}

#[test]
fn with_resumption_off_each_handshake_is_a_full_one() {
    let mut server = Server::start();
    let first = reused_at_the_external_gateway(&server);
    assert_eq!(first, "TLSv1_2 True\nTLSv1_3 True");
    server.stop();
    let configuration = std::fs::read_to_string(server.configuration()).unwrap();
    std::fs::write(
        server.configuration(),
        format!("{configuration}resumption_ms = 0\n"),
    )
    .unwrap();
    server.start_again();
    assert_eq!(
        reused_at_the_external_gateway(&server),
        "TLSv1_2 False\nTLSv1_3 False"
    );
}

/// The demo's CA of acme, with its key.
fn authority(demo: &Demo) -> Authority {
    let file = |key: &str| demo.text("acme", "prod", key);
    let certificate = Certificate::from_der(&tls::chain(&file("caCert"))[0]).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("caKey")).unwrap();
    let key = PrivateKey::from_der(key.secret_der()).unwrap();
    Authority::load(certificate, key).unwrap()
}

/// A client's certificate of acme's CA that ends soon.
fn short_lived(demo: &Demo, life: Duration) -> Client {
    let now = Clock::system().now();
    let request = ClientRequest {
        common_name: "short-lived".to_owned(),
        organization: None,
        sans: Vec::new(),
        not_before: now.minus(Duration::from_secs(60)),
        not_after: now.plus(life),
        key: KeyChoice::EcP256,
    };
    let leaf = authority(demo).issue_client(&request).unwrap();
    let write = |name: &str, content: &[u8]| demo.file(name, content).display().to_string();
    let chain = write("short.pem", leaf.certificate.to_pem().as_bytes());
    Client {
        cert: chain.clone(),
        key: write("short.key", leaf.key.to_pkcs8_pem().expose()),
        chain,
        p12: String::new(),
        p12_password: String::new(),
    }
}

/// Whether the external gateway resumes sessions, in either version of TLS.
fn reused_at_the_external_gateway(server: &Server) -> String {
    let address = server.ready["gateways"]["external"]["addr"]
        .as_str()
        .unwrap();
    let port = address.rsplit(':').next().unwrap();
    let python = format!(
        r#"
import socket, ssl
def call(context, session):
    tls = context.wrap_socket(socket.create_connection(("127.0.0.1", {port})), server_hostname="api.gate.localhost", session=session)
    tls.sendall(b"GET / HTTP/1.1\r\nHost: api.gate.localhost\r\nConnection: close\r\n\r\n")
    tls.recv(65536)
    return tls
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    context = ssl.create_default_context(cafile={ca:?})
    context.minimum_version = context.maximum_version = version
    print(version.name, call(context, call(context, None).session).session_reused)
"#,
        ca = server.data("server-ca.pem").display(),
    );
    script("python3", &["-"], &python)
}
