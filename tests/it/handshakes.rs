//! What clients try that mean to be taken for somebody else: names, fragments, chains, proofs and other doors.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{SupportedProtocolVersion, version};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::clients::s_client;
use crate::support::demo::{Client, Demo};
use crate::support::tls::{self, Altered, Caller, Outcome};

const BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];
const UNRECOGNIZED_NAME: u8 = 112;

/// The hosts of the mtls gateway where acme's client of `prod` is let in.
fn hosts(demo: &Demo) -> [String; 2] {
    [
        demo.text("acme", "prod", "mtlsHost"),
        demo.text("acme", "prod", "sharedMtlsHost"),
    ]
}

fn good(demo: &Demo, realm: &str) -> Client {
    demo.client(realm, "prod", "accepted")
}

// --- The ClientHello, cut to pieces

/// Sends a ClientHello as `cut` says, then goes on as usual: the status of the answer.
fn call_in_pieces(
    demo: &Demo,
    caller: &Caller,
    (host, path): (&str, &str),
    cut: impl Fn(&[u8]) -> Vec<Vec<u8>>,
) -> u16 {
    let mut stream = caller.connect(demo, "mtls", host);
    let mut hello = Vec::new();
    stream.conn.write_tls(&mut hello).unwrap();
    for piece in cut(&hello) {
        stream.sock.write_all(&piece).unwrap();
    }
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The same handshake message in records of these many bytes each, and the rest in one.
fn in_records(hello: &[u8], sizes: &[usize]) -> Vec<u8> {
    let (head, mut rest) = hello.split_at(5);
    let mut records = Vec::new();
    let mut record = |piece: &[u8]| {
        records.extend_from_slice(&head[..3]);
        records.extend_from_slice(&u16::try_from(piece.len()).unwrap().to_be_bytes());
        records.extend_from_slice(piece);
    };
    for &size in sizes {
        let (piece, behind) = rest.split_at(size);
        record(piece);
        rest = behind;
    }
    if !rest.is_empty() {
        record(rest);
    }
    records
}

#[test]
fn a_client_hello_cut_at_any_byte_chooses_the_same_realm() {
    let demo = Demo::start();
    for realm in ["acme", "globex"] {
        let host = demo.text(realm, "prod", "mtlsHost");
        let path = Demo::path(realm, "hello");
        let client = good(&demo, realm);
        for version in BOTH {
            let call = |cut: &dyn Fn(&[u8]) -> Vec<Vec<u8>>| {
                let caller = Caller::new(&demo, version, Some(&client));
                call_in_pieces(&demo, &caller, (&host, &path), cut)
            };
            let mut length = 0;
            let told = call(&|hello| hello.chunks(1).map(<[u8]>::to_vec).collect());
            assert_eq!(told, 200, "{version:?} {host}: a segment for each byte");
            let told = call(&|hello| vec![in_records(hello, &vec![1; hello.len() - 5])]);
            assert_eq!(told, 200, "{version:?} {host}: a record for each byte");
            let stream = Caller::new(&demo, version, None).connect(&demo, "mtls", &host);
            let mut connection = stream.conn;
            length += connection.write_tls(&mut Vec::new()).unwrap();
            // The name lies somewhere in it, so that its every border is crossed.
            for cut in 1..length {
                let told = call(&|hello| {
                    let (first, second) = hello.split_at(cut);
                    vec![first.to_vec(), second.to_vec()]
                });
                assert_eq!(told, 200, "{version:?} {host}: segments cut at {cut}");
            }
            for cut in 1..length - 5 {
                let told = call(&|hello| vec![in_records(hello, &[cut])]);
                assert_eq!(told, 200, "{version:?} {host}: records cut at {cut}");
            }
        }
    }
}

#[test]
fn an_endless_client_hello_is_given_up() {
    let demo = Demo::start();
    for claimed in [0x01_00_00_usize, 0xff_ff_ff] {
        let mut socket = tls::socket(&demo, "mtls");
        let mut sent = 0_usize;
        let mut first = vec![1];
        first.extend_from_slice(&claimed.to_be_bytes()[5..]);
        first.resize(16_384, 0);
        let mut record = vec![22, 3, 1, 0x40, 0];
        record.extend_from_slice(&first);
        while sent < 16_000_000 && socket.write_all(&record).is_ok() {
            sent += record.len();
        }
        assert!(sent < 16_000_000, "{claimed} bytes were taken in");
    }
    assert_eq!(
        Caller::new(&demo, &version::TLS13, None).get(
            &demo,
            "external",
            &demo.text("acme", "prod", "externalHost"),
            &Demo::path("acme", "hello"),
        ),
        Outcome::Full(200)
    );
}

// --- Names

/// A ClientHello of TLS 1.2 with these server names, whatever they are made of.
fn hello_for(names: &[&[u8]]) -> Vec<u8> {
    let block = |bytes: &[u8]| {
        let mut block = u16::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
        block.extend_from_slice(bytes);
        block
    };
    let extension = |kind: u16, body: &[u8]| [&kind.to_be_bytes()[..], &block(body)].concat();
    let list: Vec<u8> = names
        .iter()
        .flat_map(|name| [&[0][..], &block(name)].concat())
        .collect();
    let mut extensions = Vec::new();
    if !names.is_empty() {
        extensions.extend(extension(0, &block(&list)));
    }
    extensions.extend(extension(10, &block(&[0, 29, 0, 23])));
    extensions.extend(extension(11, &[1, 0]));
    extensions.extend(extension(13, &block(&[4, 3, 8, 4, 4, 1])));
    extensions.extend(extension(23, &[]));
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0);
    body.extend(block(&[0xc0, 0x2b, 0xc0, 0x2f]));
    body.extend([1, 0]);
    body.extend(block(&extensions));
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[1][..], &length[1..], &body].concat();
    [&[22, 3, 1][..], &block(&message)].concat()
}

/// What the gateway says to a ClientHello: the type of its first record, and the alert where it is a fatal one.
fn answer_to(demo: &Demo, hello: &[u8]) -> (u8, Option<u8>) {
    let mut socket = tls::socket(demo, "mtls");
    socket.write_all(hello).unwrap();
    let mut head = [0; 7];
    socket.read_exact(&mut head).unwrap();
    let _ = socket.shutdown(Shutdown::Both);
    let alert = (head[0] == 21 && head[5] == 2).then_some(head[6]);
    (head[0], alert)
}

/// Whether the gateway's first flight, in TLS 1.2, holds a CertificateRequest.
fn asks_for_a_certificate(demo: &Demo, hello: &[u8]) -> bool {
    let mut socket = tls::socket(demo, "mtls");
    socket.write_all(hello).unwrap();
    let mut asked = false;
    loop {
        let mut head = [0; 5];
        socket.read_exact(&mut head).unwrap();
        let mut record = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        socket.read_exact(&mut record).unwrap();
        assert_eq!(head[0], 22, "{record:?}");
        let mut messages = &record[..];
        while let [kind, high, middle, low, rest @ ..] = messages {
            let length = u32::from_be_bytes([0, *high, *middle, *low]);
            match kind {
                13 => asked = true,
                14 => return asked,
                _ => {}
            }
            messages = &rest[usize::try_from(length).unwrap()..];
        }
    }
}

#[test]
fn a_name_is_known_in_capitals_and_no_other_spelling_leads_to_a_realm() {
    let demo = Demo::start();
    let host = demo.text("acme", "prod", "mtlsHost");
    assert_eq!(answer_to(&demo, &hello_for(&[host.as_bytes()])), (22, None));
    for version in BOTH {
        let caller = Caller::new(&demo, version, Some(&good(&demo, "acme")));
        let mut stream = caller.connect(&demo, "mtls", "ACME.Api2.gate.LOCALHOST");
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
            Demo::path("acme", "hello")
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{version:?}: {answer}");
    }
    // rustls takes one trailing dot off, as for Host: it is the same realm, which asks for the same certificate.
    let dotted = format!("{host}.");
    assert!(asks_for_a_certificate(
        &demo,
        &hello_for(&[dotted.as_bytes()])
    ));
    let unknown: [&[u8]; 11] = [
        b"nobody.api2.gate.localhost",
        b"acme.api2.gate.localhost.example",
        b"acme.api2.gate",
        b"x.acme.api2.gate.localhost",
        b"acme.api3.gate.localhost",
        b"acme-api2.gate.localhost",
        b"gate.localhost",
        b"localhost",
        b"127.0.0.1",
        b"::1",
        b"acme",
    ];
    for name in unknown {
        let told = answer_to(&demo, &hello_for(&[name]));
        assert_eq!(
            told,
            (21, Some(UNRECOGNIZED_NAME)),
            "{}",
            name.escape_ascii()
        );
    }
    assert_eq!(
        answer_to(&demo, &hello_for(&[])),
        (21, Some(UNRECOGNIZED_NAME)),
        "no name"
    );
    let long = vec![b'a'; 300];
    let malformed: [&[u8]; 13] = [
        b"*.api2.gate.localhost",
        b"acme.api2.gate.localhost\0",
        b"acme\0.api2.gate.localhost",
        b"acme.api2.gate.localhost\0.example.com",
        b"acme..api2.gate.localhost",
        b".acme.api2.gate.localhost",
        b"acme.api2.gate.localhost..",
        b"acme.api2.gate.localhost:443",
        b"acme.api2.gate.localhost/",
        b" acme.api2.gate.localhost",
        b"\xff\xfe",
        b"",
        &long,
    ];
    for name in malformed {
        let (_, alert) = answer_to(&demo, &hello_for(&[name]));
        assert!(
            alert.is_some(),
            "{} was taken for a name",
            name.escape_ascii()
        );
    }
    for two in [["acme", "globex"], ["acme", "acme"]] {
        let names = two.map(|realm| demo.text(realm, "prod", "mtlsHost"));
        let (_, alert) = answer_to(
            &demo,
            &hello_for(&[names[0].as_bytes(), names[1].as_bytes()]),
        );
        assert!(alert.is_some(), "two names: {names:?}");
    }
}

#[test]
fn a_request_is_served_under_the_name_of_its_handshake_and_under_no_other() {
    let demo = Demo::start();
    let [own, shared] = hosts(&demo);
    let globex = demo.text("globex", "prod", "mtlsHost");
    let test = demo.text("acme", "test", "mtlsHost");
    let outside = demo.text("acme", "prod", "externalHost");
    let client = good(&demo, "acme");
    let path = Demo::path("acme", "hello");
    let names = [&own, &shared, &globex, &test, &outside];
    for (gateway, sni) in [("mtls", &own), ("mtls", &shared), ("external", &outside)] {
        let caller = Caller::new(&demo, &version::TLS13, Some(&client));
        let ask = |target: &str, hosts: &[&str]| {
            let hosts: String = hosts
                .iter()
                .map(|host| format!("Host: {host}\r\n"))
                .collect();
            let request = format!("GET {target} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
            let (answer, _) = caller.ask(&demo, gateway, sni, &request).unwrap();
            answer.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
        };
        for host in names {
            let expected = if host == sni { 200 } else { 421 };
            let absolute = format!("https://{host}{path}");
            let told = [
                ask(&path, &[host]),
                ask(&path, &[&format!("{host}.")]),
                ask(&path, &[&host.to_uppercase()]),
                ask(&path, &[&format!("{host}:8443")]),
                ask(&absolute, &[host]),
            ];
            assert_eq!(told, [expected; 5], "{sni} {host}");
            // What can be read in two ways is not read at all.
            let doubtful = [
                ask(&path, &[]),
                ask(&path, &[sni, host]),
                ask(&path, &[host, sni]),
                ask(&path, &[&format!("{sni},{host}")]),
                ask(&path, &[&format!("{host}@{sni}")]),
                ask(&format!("https://{sni}@{host}{path}"), &[host]),
            ];
            assert_eq!(doubtful, [400; 6], "{sni} {host}");
            let told = ask(&absolute, &[sni]);
            assert_eq!(
                told,
                if host == sni { 200 } else { 400 },
                "{sni} {absolute}"
            );
            assert_ne!(ask(&path, &[&format!("{host}..")]), 200, "{sni} {host}..");
            let plain = format!("http://{host}{path}");
            assert_eq!(ask(&plain, &[host]), 421, "{sni} {plain}");
        }
    }
    for (gateway, sni) in [("mtls", &own), ("mtls", &shared), ("external", &outside)] {
        let caller = Caller::new(&demo, &version::TLS13, Some(&client));
        for authority in names {
            for host in std::iter::once(None).chain(names.map(Some)) {
                let told = over_http2(&demo, &caller, (gateway, sni), authority, host, &path);
                let expected = match host {
                    Some(host) if host != authority => 400,
                    _ if authority != sni => 421,
                    _ => 200,
                };
                assert_eq!(
                    told, expected,
                    "{sni}: :authority {authority}, host {host:?}"
                );
            }
        }
    }
}

/// Calls over HTTP/2: the status of the answer.
fn over_http2(
    demo: &Demo,
    caller: &Caller,
    (gateway, sni): (&str, &str),
    authority: &str,
    host: Option<&String>,
    path: &str,
) -> u16 {
    let mut config = rustls::ClientConfig::clone(&caller.config);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stream = TcpStream::connect(demo.address(gateway)).await.unwrap();
        let name = ServerName::try_from(sni.to_owned()).unwrap();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .unwrap();
        tokio::spawn(connection);
        let mut request = http::Request::get(format!("https://{authority}{path}"));
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let answer = sender
            .send_request(request.body(Empty::<Bytes>::new()).unwrap())
            .await;
        answer.unwrap().status().as_u16()
    })
}

// --- Chains and proofs

#[test]
fn a_proof_that_is_altered_or_made_with_another_key_lets_nobody_in() {
    let demo = Demo::start();
    let client = good(&demo, "acme");
    let chain = tls::chain(&client.chain);
    let own = tls::key(&client.key);
    let altered = |alter| -> Arc<dyn rustls::sign::SigningKey> {
        Arc::new(Altered {
            key: Arc::clone(&own),
            alter,
        })
    };
    let proofs = [
        (
            "of another key",
            tls::key(&demo.client("acme", "prod", "unknown-issuer").key),
        ),
        (
            "of another realm's client",
            tls::key(&good(&demo, "globex").key),
        ),
        (
            "with its last bit turned",
            altered(|mut signature| {
                *signature.last_mut().unwrap() ^= 1;
                signature
            }),
        ),
        ("of zeros", altered(|signature| vec![0; signature.len()])),
        ("of nothing", altered(|_| Vec::new())),
        (
            "one byte longer",
            altered(|mut signature| {
                signature.push(0);
                signature
            }),
        ),
    ];
    for version in BOTH {
        for host in hosts(&demo) {
            let path = Demo::path("acme", "hello");
            let proven = Caller::with(&demo, version, &chain, Arc::clone(&own));
            assert_eq!(proven.get(&demo, "mtls", &host, &path), Outcome::Full(200));
            for (what, key) in &proofs {
                let caller = Caller::with(&demo, version, &chain, Arc::clone(key));
                let told = caller.get(&demo, "mtls", &host, &path);
                let alert = told.is_alert("DecryptError");
                assert!(alert, "{version:?} {host}: a proof {what}: {told:?}");
                assert!(!caller.has_session(), "{version:?} {host}: a proof {what}");
            }
        }
    }
    let kept = demo.api("GET", "/api/v1/realms/acme/refusals", None).text();
    assert!(
        kept.contains("bad-signature") && kept.contains("did not prove"),
        "{kept}"
    );
}

#[test]
fn a_certificate_without_any_proof_lets_nobody_in() {
    let demo = Demo::start();
    let client = good(&demo, "acme");
    for host in hosts(&demo) {
        let caller = Caller::new(&demo, &version::TLS12, Some(&client));
        let mut stream = caller.connect(&demo, "mtls", &host);
        let (connection, socket) = (&mut stream.conn, &mut stream.sock);
        connection.write_tls(socket).unwrap();
        // In TLS 1.2 the client's flight is plain up to its Finished: its proof can be taken out.
        let mut flight = Vec::new();
        while flight.is_empty() {
            connection.read_tls(socket).unwrap();
            connection.process_new_packets().unwrap();
            while connection.wants_write() {
                connection.write_tls(&mut flight).unwrap();
            }
        }
        let (without, taken_out) = without_certificate_verify(&flight);
        assert_eq!(taken_out, 1);
        socket.write_all(&without).unwrap();
        let mut told = [0; 7];
        socket.read_exact(&mut told).unwrap();
        assert_eq!(
            (told[0], told[5], told[6]),
            (21, 2, 10),
            "unexpected_message, on {host}"
        );
    }
}

/// Drops the records that hold a CertificateVerify; how many there were.
fn without_certificate_verify(mut flight: &[u8]) -> (Vec<u8>, usize) {
    let (mut kept, mut taken_out) = (Vec::new(), 0);
    while !flight.is_empty() {
        let length = usize::from(u16::from_be_bytes([flight[3], flight[4]]));
        let (record, rest) = flight.split_at(5 + length);
        if record[0] == 22 && record[5] == 15 {
            taken_out += 1;
        } else {
            kept.extend_from_slice(record);
        }
        flight = rest;
    }
    (kept, taken_out)
}

#[test]
fn who_is_called_for_is_the_certificate_that_was_proven_and_no_other_of_the_chain() {
    let demo = Demo::start();
    let (client, stranger) = (
        good(&demo, "acme"),
        demo.client("acme", "prod", "unknown-issuer"),
    );
    let (own, forged) = (tls::chain(&client.chain), tls::chain(&stranger.chain));
    let path = Demo::path("acme", "echo");
    for version in BOTH {
        for host in hosts(&demo) {
            let chains = [
                own.clone(),
                [&own[..], &forged[..1]].concat(),
                [&own[..1], &forged[..1], &own[1..]].concat(),
            ];
            for chain in chains {
                let caller = Caller::with(&demo, version, &chain, tls::key(&client.key));
                let request =
                    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
                let (answer, _) = caller.ask(&demo, "mtls", &host, &request).unwrap();
                let (_, body) = answer.split_once("\r\n\r\n").unwrap();
                let shown = realmgate::pki::fingerprint::Fingerprint::of(&own[0]).to_string();
                assert!(body.contains(&shown), "{version:?} {host}: {answer}");
            }
            for chain in [[&forged[..1], &own[..]].concat(), forged.clone()] {
                for key in [&stranger.key, &client.key] {
                    let caller = Caller::with(&demo, version, &chain, tls::key(key));
                    let told = caller.get(&demo, "mtls", &host, &path);
                    assert!(told.is_alert("UnknownCA"), "{version:?} {host}: {told:?}");
                }
            }
        }
    }
}

// --- After the handshake

#[test]
fn there_is_no_renegotiation_and_no_later_request_for_a_certificate() {
    let demo = Demo::start();
    let [host, _] = hosts(&demo);
    let client = good(&demo, "acme");
    let told = s_client(
        &demo,
        "mtls",
        Some(&host),
        &[
            "-tls1_2",
            "-cert",
            &client.cert,
            "-key",
            &client.key,
            "-cert_chain",
            &client.chain,
            "-no_ign_eof",
        ],
        "R\n",
    );
    assert!(told.contains("RENEGOTIATING"), "{told}");
    assert!(told.contains("no renegotiation"), "{told}");
    let outside = demo.text("acme", "prod", "externalHost");
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {outside}\r\nConnection: close\r\n\r\n",
        Demo::path("acme", "hello")
    );
    let arguments = [
        "-tls1_3",
        "-enable_pha",
        "-msg",
        "-cert",
        &client.cert,
        "-key",
        &client.key,
    ];
    let told = s_client(&demo, "external", Some(&outside), &arguments, &request);
    assert!(
        told.contains("200 OK") && told.contains("NewSessionTicket"),
        "{told}"
    );
    assert!(!told.contains("CertificateRequest"), "{told}");
    let told = s_client(
        &demo,
        "mtls",
        Some(&host),
        &arguments,
        &request.replace(&outside, &host),
    );
    assert!(told.contains("200 OK"), "{told}");
    assert_eq!(told.matches("CertificateRequest").count(), 1, "{told}");
}

// --- Second doors

#[test]
fn a_pipeline_with_mutual_tls_alone_has_no_second_door() {
    let demo = Demo::start();
    let path = Demo::path("acme", "echo");
    let client = good(&demo, "acme");
    let hosts = ["mtlsHost", "sharedMtlsHost", "externalHost", "internalHost"];
    let mut doors = Vec::new();
    for realm in ["acme", "globex"] {
        for environment in ["prod", "test"] {
            doors.extend(hosts.map(|host| demo.text(realm, environment, host)));
        }
    }
    doors.sort();
    doors.dedup();
    let mut served = Vec::new();
    for gateway in ["mtls", "external", "internal"] {
        for host in &doors {
            for (who, shown) in [("stranger", None), ("client", Some(&client))] {
                for version in BOTH {
                    let caller = Caller::new(&demo, version, shown);
                    if let Outcome::Full(200) | Outcome::Resumed(200) =
                        caller.get(&demo, gateway, host, &path)
                    {
                        served.push(format!("{who} {gateway} {host}"));
                    }
                    // Under another name than that of the handshake.
                    for named in &doors {
                        let request = format!(
                            "GET {path} HTTP/1.1\r\nHost: {named}\r\nConnection: close\r\n\r\n"
                        );
                        let told = caller.ask(&demo, gateway, host, &request);
                        if named != host
                            && told.is_ok_and(|(answer, _)| answer.starts_with("HTTP/1.1 2"))
                        {
                            served.push(format!("{who} {gateway} {host} as {named}"));
                        }
                    }
                }
            }
        }
    }
    served.dedup();
    let expected = ["acme.api2", "acme.test2", "api2", "test2"]
        .map(|label| format!("client mtls {label}.gate.localhost"));
    assert_eq!(served, expected);
}
