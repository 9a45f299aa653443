//! Explained refusals, chains to download, records of a chosen size: what real clients see of them.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use realmgate::clock::Clock;
use realmgate::pki::authority::{Authority, ClientRequest, Leaf};
use realmgate::pki::certificate::Certificate;
use realmgate::pki::key::{KeyChoice, PrivateKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::SigningKey;
use rustls::{SupportedProtocolVersion, version};
use serde_json::{Value, json};

use crate::support::clients::{Call, s_client};
use crate::support::demo::{Client, Demo};
use crate::support::tls::{self, Altered, Caller, Outcome};

const BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];
const HOUR: Duration = Duration::from_secs(3600);
const PLACE: [&str; 4] = ["--realm", "acme", "--environment", "prod"];

fn set(demo: &Demo, flags: &[&str]) {
    demo.cli_ok(&[&["trust", "set"], &PLACE[..], flags, &["--yes"]].concat());
}

/// The demo's CA of acme, with its key.
fn authority(demo: &Demo) -> Authority {
    let file = |key: &str| demo.text("acme", "prod", key);
    let certificate = Certificate::from_der(&tls::chain(&file("caCert"))[0]).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("caKey")).unwrap();
    let key = PrivateKey::from_der(key.secret_der()).unwrap();
    Authority::load(certificate, key).unwrap()
}

/// Somebody, by the chain that it shows.
struct Somebody {
    reason: &'static str,
    /// A word of the message, which only this certificate's bearer can expect.
    word: String,
    chain: Vec<CertificateDer<'static>>,
    key: Option<Arc<dyn SigningKey>>,
}

impl Somebody {
    fn of(reason: &'static str, word: &str, client: &Client) -> Self {
        Self {
            reason,
            word: word.to_owned(),
            chain: tls::chain(&client.chain),
            key: Some(tls::key(&client.key)),
        }
    }

    fn with(reason: &'static str, word: &str, leaf: &Leaf) -> Self {
        let key = PrivateKeyDer::try_from(leaf.key.der().secret_der().to_vec()).unwrap();
        let key = tls::provider().key_provider.load_private_key(key).unwrap();
        Self {
            reason,
            word: word.to_owned(),
            chain: vec![CertificateDer::from(leaf.certificate.der().to_vec())],
            key: Some(key),
        }
    }

    fn calls(&self, demo: &Demo, version: &'static SupportedProtocolVersion) -> Caller {
        match &self.key {
            Some(key) => Caller::with(demo, version, &self.chain, Arc::clone(key)),
            None => Caller::new(demo, version, None),
        }
    }
}

/// Everybody that a strict host refuses, and whose certificate can be decoded.
fn refused(demo: &Demo) -> Vec<Somebody> {
    let ca = authority(demo);
    let now = Clock::system().now();
    let request = |from, until| ClientRequest {
        common_name: "odd-one".to_owned(),
        organization: None,
        sans: Vec::new(),
        not_before: from,
        not_after: until,
        key: KeyChoice::EcP256,
    };
    let early = request(now.plus(HOUR), now.plus(HOUR * 2));
    let early = ca.issue_client(&early).unwrap();
    let server = ca
        .issue_server(&["odd.example".to_owned()], now.minus(HOUR), now.plus(HOUR))
        .unwrap();
    let good = demo.client("acme", "prod", "accepted");
    let mut many = Somebody::of("certificate-too-large", "", &good);
    let own_ca = CertificateDer::from(ca.certificate.der().to_vec());
    many.chain.extend(std::iter::repeat_n(own_ca, 20));
    let of_demo = |expect: &str| demo.client("acme", "prod", expect);
    vec![
        Somebody {
            reason: "no-certificate",
            word: "no client certificate".to_owned(),
            chain: Vec::new(),
            key: None,
        },
        Somebody::of("expired", "it is now 20", &of_demo("expired")),
        Somebody::of(
            "unknown-issuer",
            "which was issued by",
            &of_demo("unknown-issuer"),
        ),
        Somebody::with("not-yet-valid", "CN=odd-one", &early),
        Somebody::with("wrong-usage", "serverAuth", &server),
        many,
    ]
}

fn get(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn refusals(demo: &Demo, realm: &str) -> Vec<Value> {
    let path = format!("/api/v1/realms/{realm}/refusals");
    demo.api("GET", &path, None).json()["refusals"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn refused_clients_are_told_why_on_each_request_and_reach_nothing() {
    let demo = Demo::start();
    let host = demo.text("acme", "prod", "mtlsHost");
    let shared = demo.text("acme", "prod", "sharedMtlsHost");
    let path = Demo::path("acme", "echo");
    let everybody = refused(&demo);
    let good = demo.client("acme", "prod", "accepted");
    for version in BOTH {
        for one in &everybody {
            let told = one.calls(&demo, version).get(&demo, "mtls", &host, &path);
            assert!(
                matches!(told, Outcome::Refused(_)),
                "{}: {told:?}",
                one.reason
            );
        }
    }
    let before = refusals(&demo, "acme").len();
    assert_eq!(before, everybody.len() * 2);
    set(&demo, &["--handshake", "explain"]);
    for version in BOTH {
        for one in &everybody {
            let caller = one.calls(&demo, version);
            // A second time: no session may have come of the first.
            for _ in 0..2 {
                let (answer, outcome) = caller
                    .ask(&demo, "mtls", &host, &get(&host, &path))
                    .unwrap();
                assert_eq!(outcome, Outcome::Full(403), "{}: {answer}", one.reason);
                let told = body(&answer);
                assert_eq!(told["reason"], one.reason, "{told}");
                assert!(told["requestId"].as_str().is_some_and(|id| !id.is_empty()));
                let message = told["message"].as_str().unwrap();
                assert!(message.contains(&one.word), "{}: {message}", one.reason);
                assert!(!caller.has_session(), "{}", one.reason);
            }
            let told = caller.get(&demo, "mtls", &shared, &path);
            assert!(matches!(told, Outcome::Refused(_)), "shared: {told:?}");
        }
        let caller = Caller::new(&demo, version, Some(&good));
        let calls = || caller.get(&demo, "mtls", &host, &path);
        assert_eq!(
            [calls(), calls()],
            [Outcome::Full(200), Outcome::Resumed(200)]
        );
    }
    // One record for each connection, as a strict host makes them; of the shared host those are the operators'.
    let after = refusals(&demo, "acme");
    assert_eq!(after.len(), before + everybody.len() * 4, "{after:?}");
    assert!(
        after
            .iter()
            .all(|one| one["sentence"].as_str().unwrap().ends_with('.'))
    );
}

#[test]
fn whatever_a_refused_client_asks_for_the_answer_is_the_same() {
    let demo = Demo::start();
    let host = demo.text("acme", "prod", "mtlsHost");
    let path = Demo::path("acme", "echo");
    set(&demo, &["--handshake", "explain"]);
    let stranger = demo.client("acme", "prod", "unknown-issuer");
    let caller = Caller::new(&demo, &version::TLS13, Some(&stranger));
    let before = refusals(&demo, "acme").len();
    let close = "Connection: close\r\n\r\n";
    let odd = [
        get(&host, "/"),
        get(&host, "/nothing"),
        get(&host, "/pipeline/globex/v1/echo"),
        get(&host, "/pipeline/acme/v1/x/..%2fecho"),
        get("globex.api2.gate.localhost", &path),
        get("", &path),
        format!("GET https://{host}{path} HTTP/1.1\r\nHost: {host}\r\n{close}"),
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nHost: other\r\n{close}"),
        format!("OPTIONS * HTTP/1.1\r\nHost: {host}\r\n{close}"),
        format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}\r\n{close}"),
        format!("BREW {path} HTTP/1.1\r\nHost: {host}\r\n{close}"),
        format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nX: {}\r\n{close}",
            "x".repeat(70_000)
        ),
        format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n{close}{{}}"),
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: gzip, chunked\r\n{close}0\r\n\r\n"
        ),
        format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\n\r\n"
        ),
    ];
    for request in &odd {
        let (answer, outcome) = caller.ask(&demo, "mtls", &host, request).unwrap();
        assert_eq!(outcome, Outcome::Full(403), "{request}: {answer}");
        assert_eq!(
            body(&answer)["reason"],
            "unknown-issuer",
            "{request}: {answer}"
        );
    }
    let mut open = caller.connect(&demo, "mtls", &host);
    for _ in 0..3 {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(answered(&mut open, &request), 403);
    }
    // With a body that nobody reads, a connection of HTTP/1.1 ends.
    for protocol in ["--http1.1", "--http2"] {
        let urls = format!("https://{host}:{}{path}", demo.port("mtls"));
        let reply = Call::new(&demo, "mtls", &host, &path)
            .by(&stranger)
            .with(&[protocol, "--data", "much", &urls])
            .send();
        assert_eq!(reply.exit, 0, "{reply:?}");
        let count = |text: &str| reply.head.matches(text).count();
        // Not just "403": a request's identifier can have that in it.
        assert_eq!((count(" 403 "), count("application/json")), (2, 2));
    }
    let arguments = ["-cert", &stranger.cert, "-key", &stranger.key];
    let told = s_client(&demo, "mtls", Some(&host), &arguments, &get(&host, &path));
    assert!(
        told.contains("403 Forbidden") && told.contains("unknown-issuer"),
        "{told}"
    );
    let after = refusals(&demo, "acme");
    assert_eq!(
        after.len(),
        before + odd.len() + 1 + (2 + 1) + 1,
        "{after:?}"
    );
}

/// Sends a request and reads one answer with a length; its status.
fn answered(stream: &mut (impl Read + Write), request: &str) -> u16 {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    let head = String::from_utf8(answer).unwrap().to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    stream.read_exact(&mut vec![0; length]).unwrap();
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn what_cannot_be_decoded_or_is_not_proven_fails_the_handshake_all_the_same() {
    let demo = Demo::start();
    let host = demo.text("acme", "prod", "mtlsHost");
    let path = Demo::path("acme", "echo");
    set(&demo, &["--handshake", "explain"]);
    let stranger = demo.client("acme", "prod", "unknown-issuer");
    let (chain, key) = (tls::chain(&stranger.chain), tls::key(&stranger.key));
    let junk = CertificateDer::from(b"junk".to_vec());
    let altered = Arc::new(Altered {
        key: Arc::clone(&key),
        alter: |mut signature| {
            *signature.last_mut().unwrap() ^= 1;
            signature
        },
    });
    let good = tls::chain(&demo.client("acme", "prod", "accepted").chain);
    for version in BOTH {
        for (what, chain, key, alert) in [
            (
                "junk",
                vec![junk.clone()],
                Arc::clone(&key),
                "BadCertificate",
            ),
            (
                "altered",
                chain.clone(),
                altered.clone() as Arc<dyn SigningKey>,
                "DecryptError",
            ),
            ("another's", good.clone(), Arc::clone(&key), "DecryptError"),
        ] {
            let caller = Caller::with(&demo, version, &chain, key);
            let told = caller.get(&demo, "mtls", &host, &path);
            assert!(told.is_alert(alert), "{what}: {told:?}");
        }
    }
    let mut reasons: Vec<String> = refusals(&demo, "acme")
        .iter()
        .map(|one| one["reason"].as_str().unwrap().to_owned())
        .collect();
    reasons.sort();
    let expect = ["bad-signature"; 4]
        .into_iter()
        .chain(["malformed-certificate"; 2]);
    assert_eq!(reasons, expect.collect::<Vec<_>>());
}

#[test]
fn refused_connections_end_when_trust_moves_or_the_host_is_strict_again_and_others_do_not() {
    let demo = Demo::start();
    let host = demo.text("acme", "prod", "mtlsHost");
    let path = Demo::path("acme", "echo");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    set(&demo, &["--handshake", "explain"]);
    let good = demo.client("acme", "prod", "accepted");
    let leaf = Certificate::from_der(&tls::chain(&good.chain)[0]).unwrap();
    let stranger = demo.client("acme", "prod", "unknown-issuer");
    let open = |client: &Client, version, status| {
        let mut open = Caller::new(&demo, version, Some(client)).connect(&demo, "mtls", &host);
        assert_eq!(answered(&mut open, &request), status);
        open
    };
    let is_cut = |stream: &mut dyn Read| stream.read(&mut [0; 16]).is_ok_and(|read| read == 0);
    let all_refused = |client: &Client| BOTH.map(|version| open(client, version, 403));

    // Somebody else is pinned: who was good is refused, and is told so.
    let mut served = open(&good, &version::TLS13, 200);
    let pin = format!("certificate:{}", "ab".repeat(32));
    set(&demo, &["--pin", &pin]);
    assert!(is_cut(&mut served));
    let refused = all_refused(&good);
    let told = Caller::new(&demo, &version::TLS13, Some(&good));
    let (answer, _) = told.ask(&demo, "mtls", &host, &get(&host, &path)).unwrap();
    let fingerprint = leaf.fingerprint().to_string();
    assert!(
        answer.contains("not-pinned") && answer.contains(&fingerprint),
        "{answer}"
    );
    assert!(!answer.contains(&"ab".repeat(32)), "{answer}");
    // What it is refused for goes: it may come again at once.
    set(&demo, &["--clear-pins"]);
    for mut stream in refused {
        assert!(is_cut(&mut stream));
    }
    let mut served = BOTH.map(|version| open(&good, version, 200));

    // What trusts nobody else leaves everybody alone.
    let mut refused = all_refused(&stranger);
    set(&demo, &["--record-bytes", "1024", "--ca-names", "true"]);
    for stream in &mut refused {
        assert_eq!(answered(stream, &request), 403);
    }
    set(&demo, &["--handshake", "strict"]);
    for stream in &mut refused {
        assert!(is_cut(stream));
    }
    let told =
        Caller::new(&demo, &version::TLS13, Some(&stranger)).get(&demo, "mtls", &host, &path);
    assert!(told.is_alert("UnknownCA"), "{told:?}");
    for stream in &mut served {
        assert_eq!(answered(stream, &request), 200);
    }
}

#[test]
fn a_refused_client_that_says_nothing_more_is_not_waited_for_long() {
    let demo = Demo::start();
    let host = demo.text("acme", "prod", "mtlsHost");
    set(&demo, &["--handshake", "explain"]);
    let path = Demo::path("acme", "echo");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let mut open = Caller::new(&demo, &version::TLS13, None).connect(&demo, "mtls", &host);
    assert_eq!(answered(&mut open, &request), 403);
    // Its socket gives up after 20 s, and a client that is served may be idle for a minute.
    assert_eq!(open.read(&mut [0; 16]).unwrap(), 0);
}

#[test]
fn a_chain_that_was_refused_is_kept_as_it_came_and_grouped() {
    let demo = Demo::start();
    let host = demo.text("acme", "prod", "mtlsHost");
    let path = Demo::path("acme", "echo");
    let stranger = demo.client("acme", "prod", "unknown-issuer");
    let sent = tls::chain(&stranger.chain);
    let junk = vec![CertificateDer::from(b"junk".to_vec())];
    let key = tls::key(&stranger.key);
    set(&demo, &["--handshake", "explain"]);
    for version in BOTH {
        for chain in [&sent, &junk] {
            Caller::with(&demo, version, chain, Arc::clone(&key)).get(&demo, "mtls", &host, &path);
        }
    }
    set(&demo, &["--handshake", "strict"]);
    Caller::with(&demo, &version::TLS13, &sent, Arc::clone(&key)).get(&demo, "mtls", &host, &path);
    Caller::new(&demo, &version::TLS13, None).get(&demo, "mtls", &host, &path);

    let groups = demo
        .api("GET", "/api/v1/realms/acme/refusals/groups", None)
        .json();
    let groups = groups["groups"].as_array().unwrap().clone();
    let told: Vec<(&str, u64)> = groups
        .iter()
        .map(|one| {
            (
                one["reason"].as_str().unwrap(),
                one["count"].as_u64().unwrap(),
            )
        })
        .collect();
    let expect = [
        ("no-certificate", 1),
        ("unknown-issuer", 3),
        ("malformed-certificate", 2),
    ];
    assert_eq!(told, expect, "{groups:?}");
    assert_eq!(groups[0]["chainSequence"], Value::Null);
    assert!(
        groups[1]["issuer"].as_str().unwrap().contains("CN="),
        "{groups:?}"
    );
    assert!(groups[1]["advice"].as_str().unwrap().len() > 20);
    let none = demo.api(
        "GET",
        "/api/v1/realms/acme/refusals/groups?since=2999-01-01",
        None,
    );
    assert_eq!(none.json()["groups"], json!([]));

    for (group, sent) in [(1, &sent), (2, &junk)] {
        let number = groups[group]["chainSequence"].to_string();
        let api = format!("/api/v1/realms/acme/refusals/{number}/chain");
        let reply = demo.api("GET", &api, None);
        assert_eq!(
            reply.header("content-type"),
            Some("application/pem-certificate-chain")
        );
        let file = demo.directory().join(format!("{number}.pem"));
        let out = file.display().to_string();
        demo.cli_ok(&[
            "refusals", "chain", &number, "--realm", "acme", "--out", &out,
        ]);
        assert_eq!(std::fs::read(&file).unwrap(), reply.body);
        assert_eq!(
            demo.cli_ok(&["refusals", "chain", &number, "--realm", "acme"]),
            reply.text()
        );
        assert_eq!(&tls::chain(&out), sent);
        for other in ["/api/v1/realms/globex/refusals", "/api/v1/refusals"] {
            let reply = demo.api("GET", &format!("{other}/{number}/chain"), None);
            assert_eq!(reply.status, 404, "{other}");
        }
    }
    let told = demo.cli_ok(&["refusals", "groups", "--realm", "acme"]);
    assert!(
        told.contains("unknown-issuer  3×") && told.contains("refusals chain"),
        "{told}"
    );
    let without = groups[0]["lastSequence"].to_string();
    let output = demo.cli(&["refusals", "chain", &without, "--realm", "acme"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && told.contains("no chain is kept"),
        "{told}"
    );

    // Of a client that a shared host refuses, the operators have the chain.
    let shared = demo.text("acme", "prod", "sharedMtlsHost");
    Caller::with(&demo, &version::TLS13, &sent, key).get(&demo, "mtls", &shared, &path);
    let groups = demo.api("GET", "/api/v1/refusals/groups", None).json();
    let number = groups["groups"][0]["chainSequence"].to_string();
    let pem = demo.cli_ok(&["refusals", "chain", &number]);
    assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), sent.len());
}

#[test]
fn records_are_as_small_as_the_realm_wants_them() {
    let demo = Demo::start();
    let path = Demo::path("acme", "echo");
    let acme = demo.client("acme", "prod", "accepted");
    let globex = demo.client("globex", "prod", "accepted");
    let most = |realm: &str, host: &str, version| {
        let client = if realm == "acme" { &acme } else { &globex };
        let host = demo.text(realm, "prod", host);
        let path = path.replace("acme", realm);
        let text = "x".repeat(40_000);
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        );
        let caller = Caller::new(&demo, version, Some(client));
        largest_record(&demo, &caller, &host, &request)
    };
    // In TLS 1.3 a record has 17 bytes more than its content, in TLS 1.2 24 at most.
    for version in BOTH {
        assert!(most("acme", "mtlsHost", version) > 8_000);
    }
    for bytes in [512, 1024] {
        set(&demo, &["--record-bytes", &bytes.to_string()]);
        for version in BOTH {
            let largest = most("acme", "mtlsHost", version);
            assert!(
                largest > bytes && largest <= bytes + 24,
                "{bytes}: {largest}"
            );
        }
    }
    for version in BOTH {
        assert!(most("acme", "sharedMtlsHost", version) > 8_000);
        assert!(most("globex", "mtlsHost", version) > 8_000);
    }
    set(&demo, &["--record-bytes", "default"]);
    assert!(most("acme", "mtlsHost", &version::TLS13) > 8_000);
    for bad in ["511", "16385", "0", "small"] {
        let flags = [&["trust", "set"], &PLACE[..], &["--record-bytes", bad]].concat();
        assert!(!demo.cli(&flags).status.success(), "{bad}");
    }
}

/// How long the largest record is that the gateway sends in a call, without its header.
fn largest_record(demo: &Demo, caller: &Caller, host: &str, request: &str) -> usize {
    let mut stream = caller.connect(demo, "mtls", host);
    let (tls, socket) = (&mut stream.conn, &mut stream.sock);
    tls.set_buffer_limit(None);
    tls.writer().write_all(request.as_bytes()).unwrap();
    let mut came = Vec::new();
    let mut answer = Vec::new();
    loop {
        while tls.wants_write() {
            tls.write_tls(socket).unwrap();
        }
        let mut piece = [0; 4096];
        let read = socket.read(&mut piece).unwrap();
        if read == 0 {
            break;
        }
        came.extend_from_slice(&piece[..read]);
        let mut rest = &piece[..read];
        while !rest.is_empty() {
            tls.read_tls(&mut rest).unwrap();
            tls.process_new_packets().unwrap();
            let _ = tls.reader().read_to_end(&mut answer);
        }
    }
    assert!(answer.starts_with(b"HTTP/1.1 200") && answer.len() > 40_000);
    let (mut largest, mut rest) = (0, came.as_slice());
    while let [_, 3, _, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        largest = largest.max(length);
        rest = &after[length..];
    }
    assert!(rest.is_empty());
    largest
}
