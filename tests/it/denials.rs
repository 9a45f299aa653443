//! The deny list, with the real binary: who is refused, who is cut, who goes on, and what stays.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use realmgate::clock::Clock;
use realmgate::pki::authority::{Authority, ClientRequest, Leaf};
use realmgate::pki::certificate::Certificate;
use realmgate::pki::key::{KeyChoice, PrivateKey};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{SupportedProtocolVersion, version};
use serde_json::{Value, json};

use crate::support::clients::{Call, s_client};
use crate::support::demo::{Client, Demo};
use crate::support::tls::{self, Caller, Outcome};
use crate::support::wait;

const BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];
const PLACE: [&str; 4] = ["--realm", "acme", "--environment", "prod"];
const REASON: &str = "laptop-lost-in-May";

/// Somebody with a certificate of acme's CA.
struct Person {
    leaf: Leaf,
    client: Client,
}

fn person(demo: &Demo, name: &str) -> Person {
    let file = |key: &str| demo.text("acme", "prod", key);
    let certificate = Certificate::from_der(&tls::chain(&file("caCert"))[0]).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("caKey")).unwrap();
    let key = PrivateKey::from_der(key.secret_der()).unwrap();
    let now = Clock::system().now();
    let request = ClientRequest {
        common_name: name.to_owned(),
        organization: Some("Acme, Inc. + Söhne".to_owned()),
        sans: Vec::new(),
        not_before: now.minus(Duration::from_secs(60)),
        not_after: now.plus(Duration::from_secs(3600)),
        key: KeyChoice::EcP256,
    };
    let authority = Authority::load(certificate, key).unwrap();
    let leaf = authority.issue_client(&request).unwrap();
    let write = |end: &str, content: &[u8]| {
        demo.file(&format!("{name}.{end}"), content)
            .display()
            .to_string()
    };
    let cert = write("pem", leaf.certificate.to_pem().as_bytes());
    let client = Client {
        chain: cert.clone(),
        key: write("key", leaf.key.to_pkcs8_pem().expose()),
        cert,
        p12: String::new(),
        p12_password: String::new(),
    };
    Person { leaf, client }
}

fn hosts(demo: &Demo) -> [String; 2] {
    ["mtlsHost", "sharedMtlsHost"].map(|host| demo.text("acme", "prod", host))
}

fn deny(demo: &Demo, flags: &[&str]) -> String {
    demo.cli_ok(&[&["deny", "add", "--reason", REASON], &PLACE[..], flags].concat())
}

fn list(demo: &Demo) -> Vec<Value> {
    let told = demo.cli_ok(&[&["deny", "list", "--json"], &PLACE[..]].concat());
    let told: Value = serde_json::from_str(&told).unwrap();
    told["denials"].as_array().unwrap().clone()
}

/// Takes everything off the list.
fn allow_all(demo: &Demo) {
    for denial in list(demo) {
        let id = denial["id"].as_str().unwrap();
        demo.cli_ok(&[&["deny", "remove", "--yes", "--id", id], &PLACE[..]].concat());
    }
}

/// What new handshakes come to, on each host and in each version.
fn outcomes(demo: &Demo, person: &Person) -> Vec<Outcome> {
    let path = Demo::path("acme", "hello");
    let each = |version| hosts(demo).map(|host| (version, host));
    let places = BOTH.into_iter().flat_map(each);
    places
        .map(|(version, host)| {
            Caller::new(demo, version, Some(&person.client)).get(demo, "mtls", &host, &path)
        })
        .collect()
}

fn is_served(demo: &Demo, person: &Person) {
    for outcome in outcomes(demo, person) {
        assert_eq!(outcome, Outcome::Full(200));
    }
}

fn is_denied(demo: &Demo, person: &Person) {
    for outcome in outcomes(demo, person) {
        assert!(outcome.is_alert("AccessDenied"), "{outcome:?}");
    }
}

#[test]
fn a_client_is_denied_by_each_kind_and_what_is_printed_can_be_given_back() {
    let mut demo = Demo::start();
    let (bad, good) = (person(&demo, "bad"), person(&demo, "good"));
    is_served(&demo, &bad);
    let facts = bad.leaf.certificate.facts();
    let (sha256, key) = (
        bad.leaf.certificate.fingerprint().to_string(),
        facts.spki_sha256.to_string(),
    );
    deny(&demo, &["--certificate-sha256", &sha256]);
    is_denied(&demo, &bad);
    // What the journal shows of a refused client is what the others go by.
    let own = demo.text("acme", "prod", "mtlsHost");
    let mut shown = Value::Null;
    wait::until("the refusal to be journalled", 5, || {
        let told = demo.cli_ok(&["refusals", "--realm", "acme", "--json"]);
        let told: Value = serde_json::from_str(&told).unwrap();
        let refusals = told["refusals"].as_array().unwrap().clone();
        let found = refusals
            .into_iter()
            .find(|it| it["reason"] == "denied" && it["serverName"] == own.as_str());
        shown = found.unwrap_or_default();
        !shown.is_null()
    });
    assert!(shown.to_string().contains(REASON), "{shown}");
    let certificate = &shown["certificate"];
    let text = |field: &str| certificate[field].as_str().unwrap().to_owned();
    let (serial, issuer, subject) = (text("serial"), text("issuer"), text("subject"));
    assert_eq!(subject, "CN=bad,O=Acme\\, Inc. \\+ Söhne");
    // The client is told the alert alone.
    let told = s_client(
        &demo,
        "mtls",
        Some(&own),
        &["-cert", &bad.client.cert, "-key", &bad.client.key],
        "",
    );
    assert!(
        told.contains("access denied") && !told.contains(REASON),
        "{told}"
    );
    allow_all(&demo);
    is_served(&demo, &bad);
    let by_file = |by| ["--certificate-file", bad.client.cert.as_str(), "--by", by];
    let ways: [&[&str]; 8] = [
        &["--key-sha256", &key],
        &["--serial", &serial],
        &["--serial", &serial, "--issuer", &issuer],
        &["--subject", &subject],
        &by_file("certificate"),
        &by_file("key"),
        &by_file("serial"),
        &by_file("subject"),
    ];
    for way in ways {
        deny(&demo, way);
        let own = Call::new(&demo, "mtls", &own, &Demo::path("acme", "hello")).by(&bad.client);
        assert_eq!(own.send().status, 0, "{way:?}");
        let id = list(&demo)[0]["id"].as_str().unwrap().to_owned();
        if way[0] == "--subject" {
            // The same name from the file is the same entry.
            let told = deny(&demo, &by_file("subject"));
            assert!(told.starts_with("Nothing to do"), "{told}");
        }
        demo.cli_ok(&[&["deny", "remove", "--yes", "--id", &id], &PLACE[..]].concat());
    }
    is_served(&demo, &bad);
    // Nothing that was acknowledged is lost.
    deny(&demo, &by_file("key"));
    let before = list(&demo);
    demo.kill_and_restart();
    assert_eq!(list(&demo), before);
    is_denied(&demo, &bad);
    is_served(&demo, &good);
    let path = format!(
        "/api/v1/realms/acme/denials/prod/{}",
        before[0]["id"].as_str().unwrap()
    );
    assert_eq!(demo.api("DELETE", &path, None).status, 200);
    assert_eq!(demo.api("DELETE", &path, None).status, 404);
    is_served(&demo, &bad);
}

/// An open connection that was served once.
struct Open {
    child: Child,
    answers: BufReader<ChildStdout>,
    host: String,
}

impl Open {
    fn new(demo: &Demo, host: &str, version: &str, client: &Client) -> Self {
        let mut child = Command::new("openssl")
            .args(["s_client", "-quiet", "-connect", &demo.address("mtls")])
            .args(["-servername", host, version, "-cert", &client.cert])
            .args(["-key", &client.key, "-CAfile", &demo.server_ca()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut open = Self {
            child,
            answers,
            host: host.to_owned(),
        };
        open.is_served();
        open
    }

    fn send(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    fn is_served(&mut self) {
        let path = Demo::path("acme", "hello");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.send(&request);
        let mut line = String::new();
        while !line.contains("HTTP/1.1 200") {
            line.clear();
            assert_ne!(self.answers.read_line(&mut line).unwrap(), 0, "it was cut");
        }
    }

    /// Begins a call whose body never comes.
    fn begin(&mut self) {
        let path = Demo::path("acme", "hello");
        let host = self.host.clone();
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\nx"
        ));
    }

    fn is_cut(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_denial_cuts_sessions_and_connections_of_whom_it_is_about_and_ends_at_its_end() {
    let demo = Demo::start();
    let (bad, good) = (person(&demo, "bad"), person(&demo, "good"));
    let open = |person: &Person| -> Vec<Open> {
        let places = hosts(&demo).map(|host| ["-tls1_2", "-tls1_3"].map(|of| (host.clone(), of)));
        let places = places.into_iter().flatten();
        places
            .map(|(host, version)| Open::new(&demo, &host, version, &person.client))
            .collect()
    };
    let (mut idle, mut busy, mut ours) = (open(&bad), open(&bad), open(&good));
    busy.iter_mut().for_each(Open::begin);
    let path = Demo::path("acme", "hello");
    let sessions: Vec<(String, Caller)> = hosts(&demo)
        .into_iter()
        .flat_map(|host| BOTH.map(|version| (host.clone(), version)))
        .map(|(host, version)| {
            let caller = Caller::new(&demo, version, Some(&bad.client));
            let call = || caller.get(&demo, "mtls", &host, &path);
            assert_eq!(
                [call(), call()],
                [Outcome::Full(200), Outcome::Resumed(200)]
            );
            (host, caller)
        })
        .collect();
    let begun = Clock::system().now();
    let end = begun.plus(Duration::from_secs(6)).to_string();
    let key = bad.leaf.certificate.facts().spki_sha256.to_string();
    deny(&demo, &["--key-sha256", &key, "--until", &end]);
    // Half a second of grace for what is in flight.
    wait::until("the denied client's connections to be cut", 2, || {
        idle.iter_mut().chain(&mut busy).all(Open::is_cut)
    });
    for (host, caller) in &sessions {
        let told = caller.get(&demo, "mtls", host, &path);
        assert!(told.is_alert("AccessDenied"), "{host}: {told:?}");
    }
    for connection in &mut ours {
        assert!(!connection.is_cut());
        connection.is_served();
    }
    is_served(&demo, &good);
    assert!(
        Clock::system().now() < begun.plus(Duration::from_secs(6)),
        "the machine is too slow"
    );
    let own = demo.text("acme", "prod", "mtlsHost");
    let call = || Call::new(&demo, "mtls", &own, &path).by(&bad.client).send();
    wait::until("the denial to end", 10, || call().status == 200);
    is_served(&demo, &bad);
    assert_eq!(list(&demo)[0]["state"], "ended");
}

#[test]
fn what_cannot_be_is_refused_and_loosening_asks_first() {
    let demo = Demo::start();
    let refused = |flags: &[&str]| {
        let words = [&["deny"], flags, &PLACE[..]].concat();
        let output = demo.cli(&words);
        assert!(!output.status.success(), "{flags:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let (root, key) = (demo.text("acme", "prod", "caCert"), "ab".repeat(32));
    let both = [&root, &demo.text("globex", "prod", "caCert")];
    let both = both.map(|file| std::fs::read(file).unwrap()).concat();
    let several = demo.file("several.pem", &both);
    let several = several.to_str().unwrap();
    let add = ["add", "--reason", REASON];
    let cases: [(&[&str], &str); 4] = [
        (
            &["--subject", "C=US, O=Acme, CN=a"],
            "most specific part first",
        ),
        (
            &["--certificate-file", several, "--by", "key"],
            "it holds 2 certificates",
        ),
        (
            &["--key-sha256", &key, "--until", "2020-01-01"],
            "lies ahead",
        ),
        (
            &["--key-sha256", &key, "--until", "soon"],
            "--until 'soon' is not a time",
        ),
    ];
    for (flags, expect) in cases {
        let told = refused(&[&add[..], flags].concat());
        assert!(told.contains(expect), "{told}");
    }
    let told = deny(&demo, &["--certificate-file", &root, "--by", "certificate"]);
    assert!(told.contains("the installed anchor"), "{told}");
    deny(&demo, &["--key-sha256", &key]);
    let shorter = ["--key-sha256", key.as_str(), "--until", "30d"];
    let told = refused(&[&add[..], &shorter].concat());
    assert!(
        told.contains("shorten a denial") && told.contains("--yes"),
        "{told}"
    );
    deny(&demo, &[&shorter[..], &["--yes"]].concat());
    let id = list(&demo)[0]["id"].as_str().unwrap().to_owned();
    let told = refused(&["remove", "--id", &id]);
    assert!(told.contains("--yes"), "{told}");
    let body = json!({"key-sha256": key, "serial": "01", "reason": "both"});
    let path = "/api/v1/realms/acme/denials/prod";
    let reply = demo.api("POST", path, Some(&body));
    assert_eq!(reply.status, 422, "{}", reply.text());
    let body = json!({"subject": "CN=a, O=b", "reason": "spaces"});
    let reply = demo.api("POST", path, Some(&body));
    assert!(
        reply.status == 400 && reply.text().contains("subject"),
        "{}",
        reply.text()
    );
    let audit = demo.cli_ok(&["audit", "--realm", "acme", "--json"]);
    assert!(
        audit.contains("denial.save") && audit.contains(REASON),
        "{audit}"
    );
    assert!(
        demo.cli_ok(&[&["trust", "show"], &PLACE[..]].concat())
            .contains("deny list")
    );
}
