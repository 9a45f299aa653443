//! Network rules and PROXY headers, with the real binary and real sockets; behind the real haproxy, too.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use realmgate::clock::Clock;
use realmgate::pki::authority::{Authority, AuthorityRequest, ClientRequest};
use realmgate::pki::key::KeyChoice;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::support::server::Server;
use crate::support::tls::provider;
use crate::support::wait;

const OWN: &str = "acme.api2.gate.localhost";
const NOBODYS: &str = "nobody.api2.gate.localhost";
const EXTERNAL: &str = "api.gate.localhost";
const INTERNAL: &str = "api-internal.gate.localhost";
const CLOSED: &str = "/pipeline/acme/v1/closed";
const OPEN: &str = "/pipeline/acme/v1/open";

/// From outside, from the VPN, and the load balancer.
const OUTSIDE: [u8; 4] = [127, 0, 0, 1];
const INSIDE: [u8; 4] = [127, 1, 0, 1];
const PROXY: [u8; 4] = [127, 2, 0, 1];

/// A server with the realm `acme` and one client of its.
struct House {
    server: Server,
    config: Arc<ClientConfig>,
    /// The mtls gateway's own address.
    mtls: SocketAddr,
    /// The internal gateway's own address.
    internal: SocketAddr,
    /// The address that all gateways share.
    shared: SocketAddr,
    /// An address of the mtls gateway that takes IPv4 and IPv6, where the machine has both.
    both: Option<SocketAddr>,
}

impl House {
    fn new(settings: &str) -> Self {
        let both = free("[::]:0");
        let [mtls, internal, shared] = [(); 3].map(|()| free("127.0.0.1:0").unwrap());
        let on_both = both.map_or_else(String::new, |both| format!(", \"{both}\""));
        let server = Server::start_at(|_| {
            format!(
                "mtls_listen = [\"{mtls}\", \"{shared}\"{on_both}]\ninternal_listen = [\"{internal}\", \"{shared}\"]\n\
             external_listen = \"{shared}\"\naccess_log = \"access.log\"\nworkers = 1\nlinger_ms = 200\n{settings}"
            )
        });
        let now = Clock::system().now();
        let hours = Duration::from_secs(7200);
        let ca = Authority::self_signed(&AuthorityRequest {
            common_name: "Acme CA".to_owned(),
            organization: None,
            not_before: now.minus(hours),
            not_after: now.plus(hours),
            path_length: None,
            key: KeyChoice::EcP256,
        })
        .unwrap();
        let leaf = ca
            .issue_client(&ClientRequest {
                common_name: "good".to_owned(),
                organization: None,
                sans: Vec::new(),
                not_before: now.minus(hours),
                not_after: now.plus(hours),
                key: KeyChoice::EcP256,
            })
            .unwrap();
        server.write("acme.pem", ca.certificate.to_pem());
        let pem = leaf.certificate.to_pem() + leaf.key.to_pkcs8_pem().expose_str().unwrap();
        let pem = server.write("client.pem", pem);
        let manifest = server.write("acme.toml", MANIFEST);
        server.line(&format!("apply {manifest} --yes"));
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(server.data("server-ca.pem")).unwrap() {
            roots.add(root.unwrap()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_file(&pem).unwrap()],
                PrivateKeyDer::from_pem_file(&pem).unwrap(),
            )
            .unwrap();
        Self {
            server,
            config: Arc::new(config),
            mtls,
            internal,
            shared,
            both,
        }
    }

    /// Calls a gateway: from an address, with these bytes before TLS, by this name.
    fn call(&self, at: SocketAddr, from: [u8; 4], before: &[u8], name: &str) -> Came {
        self.call_in_pieces(at, from, &[before], name)
    }

    fn call_in_pieces(&self, at: SocketAddr, from: [u8; 4], before: &[&[u8]], name: &str) -> Came {
        self.call_on(socket(at, from.into()), before, name)
    }

    fn call_on(&self, mut stream: TcpStream, before: &[&[u8]], name: &str) -> Came {
        for piece in before {
            if stream.write_all(piece).is_err() {
                return Came::Nothing;
            }
        }
        let server = ServerName::try_from(name.to_owned()).unwrap();
        let mut tls = ClientConnection::new(Arc::clone(&self.config), server).unwrap();
        let mut counted = Counted { stream, came: 0 };
        let path = if name == OWN { CLOSED } else { OPEN };
        let mut answer = Vec::new();
        let mut stream = rustls::Stream::new(&mut tls, &mut counted);
        let request = format!("GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
        let outcome = stream
            .write_all(request.as_bytes())
            .and_then(|()| stream.read_to_end(&mut answer));
        let status = String::from_utf8_lossy(&answer)
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok());
        match (status, outcome) {
            (Some(status), _) => Came::Status(status),
            (None, Err(error)) if counted.came > 0 => Came::Broke(error.to_string()),
            (None, Ok(_) | Err(_)) => Came::Nothing,
        }
    }

    /// The last refusal, of a realm or of none: its reason, the client's address, and the sentence.
    fn last_refusal(&self, realm: Option<&str>) -> (String, String, String) {
        let realm = realm.map_or_else(String::new, |realm| format!(" --realm {realm}"));
        let told = self.server.json(&format!("refusals list{realm}"));
        let record = &told["refusals"][0];
        let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
        (text("reason"), text("address"), text("sentence"))
    }

    /// Waits until the last refusal has this reason and this address; answers with its sentence.
    fn is_refused(&self, realm: Option<&str>, reason: &str, address: &str) -> String {
        let mut last = (String::new(), String::new(), String::new());
        // A look takes longer than the pause between two of them.
        wait::until(&format!("{reason} of {address}"), 1, || {
            last = self.last_refusal(realm);
            (last.0.as_str(), last.1.as_str()) == (reason, address)
        });
        last.2
    }

    /// The client's address in the last line of the access log.
    fn last_access(&self) -> String {
        let log = std::fs::read_to_string(self.server.path("access.log")).unwrap();
        let last = log.trim_end().lines().last().unwrap_or("null");
        let last: Value = serde_json::from_str(last).unwrap_or_default();
        last["address"].as_str().unwrap_or_default().to_owned()
    }
}

const MANIFEST: &str = r#"
[[realm]]
name = "acme"
[[realm.account]]
name = "dgb-mtls-acme"
type = "certificate-chain"
prod.chain-file = "acme.pem"
[[realm.installation]]
account = "dgb-mtls-acme"
environment = "prod"
[[realm.pipeline]]
name = "closed"
major = 1
trigger = { type = "rest", mtls = true, external = false }
handler = { type = "echo" }
[[realm.deployment]]
pipeline = "closed"
major = 1
environments = ["prod"]
[[realm.pipeline]]
name = "open"
major = 1
trigger = { type = "rest", external = true, internal = true }
handler = { type = "echo" }
[[realm.deployment]]
pipeline = "open"
major = 1
environments = ["prod"]
"#;

const RULES: &str = "internal_networks = [\"127.1.0.0/16\", \"::ffff:10.0.0.0/104\", \"fd00::/8\"]\n\
     trusted_proxies = [\"127.2.0.0/16\", \"::1\"]\n";

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Came {
    /// An answer.
    Status(u16),
    /// The end of the connection, without a byte.
    Nothing,
    /// Something else.
    Broke(String),
}

/// Counts what comes.
struct Counted {
    stream: TcpStream,
    came: usize,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let came = self.stream.read(buffer)?;
        self.came += came;
        Ok(came)
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A free port of this address; `None` where the machine does not have the address.
fn free(address: &str) -> Option<SocketAddr> {
    TcpListener::bind(address).ok()?.local_addr().ok()
}

/// A connection from an address of this machine.
fn socket(at: SocketAddr, from: IpAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    socket.connect(&at.into()).unwrap();
    socket.set_tcp_nodelay(true).unwrap();
    let stream = TcpStream::from(socket);
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).unwrap();
    stream.set_write_timeout(patience).unwrap();
    stream
}

/// A header of version 1.
fn v1(source: &str) -> Vec<u8> {
    let family = if source.contains(':') { 6 } else { 4 };
    let target = if family == 6 { "::1" } else { "127.0.0.1" };
    format!("PROXY TCP{family} {source} {target} 4711 443\r\n").into_bytes()
}

/// A header of version 2, with fields about TLS that nobody believes.
fn v2(source: &str) -> Vec<u8> {
    let (kind, octets, other) = match source.parse().unwrap() {
        IpAddr::V4(source) => (0x11, source.octets().to_vec(), vec![0; 4]),
        IpAddr::V6(source) => (0x21, source.octets().to_vec(), vec![0; 16]),
    };
    let tls = b"\x20\x00\x0c\x07\x00\x00\x00\x00\x22\x00\x04good";
    let body = [&octets, &other, &[0x12, 0x67, 1, 0xbb][..], tls].concat();
    binary(0x21, kind, &body)
}

fn binary(command: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    let start = b"\r\n\r\n\0\r\nQUIT\n";
    [&start[..], &[command, kind], &length, body].concat()
}

#[test]
fn each_gateway_takes_its_own_side_alone_and_on_a_shared_address() {
    let house = House::new(RULES);
    let (own, shared) = (house.mtls, house.shared);
    let served = Came::Status(200);
    let none = Came::Nothing;
    let unknown = house.call(shared, OUTSIDE, b"", NOBODYS);
    assert!(matches!(unknown, Came::Broke(_)), "{unknown:?}");
    let cases = [
        (own, OUTSIDE, OWN, &served),
        (own, INSIDE, OWN, &none),
        (house.internal, OUTSIDE, INTERNAL, &none),
        (house.internal, INSIDE, INTERNAL, &served),
        (shared, OUTSIDE, OWN, &served),
        (shared, OUTSIDE, EXTERNAL, &served),
        (shared, OUTSIDE, INTERNAL, &none),
        (shared, INSIDE, OWN, &none),
        // A realm that is not there looks the same.
        (shared, INSIDE, NOBODYS, &none),
        (shared, INSIDE, EXTERNAL, &served),
        (shared, INSIDE, INTERNAL, &served),
    ];
    for (at, from, name, expect) in cases {
        let came = house.call(at, from, b"", name);
        assert_eq!(&came, expect, "{at} {from:?} {name}");
    }
    if let Some(both) = house.both {
        let at = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), both.port());
        assert_eq!(house.call(at, OUTSIDE, b"", OWN), served);
        assert_eq!(house.call(at, INSIDE, b"", OWN), none);
    }
    // Whom a realm's name leads to hears of it; before a name is known, the operator.
    house.call(shared, INSIDE, b"", OWN);
    house.is_refused(Some("acme"), "network-rule", "127.1.0.1");
    house.call(own, INSIDE, b"", OWN);
    let told = house.is_refused(None, "network-rule", "127.1.0.1");
    assert!(told.len() > 20, "{told}");
}

#[test]
fn a_trusted_proxy_tells_whose_its_connections_are() {
    let house = House::new(RULES);
    let (own, shared) = (house.mtls, house.shared);
    let (served, none) = (Came::Status(200), Came::Nothing);
    let outside = ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.8"];
    let inside = ["127.1.0.1", "10.7.7.7", "::ffff:10.7.7.7", "fd12::1"];
    for header in [v1, v2] {
        for source in outside {
            let header = header(source);
            assert_eq!(house.call(own, PROXY, &header, OWN), served, "{source}");
            let told = source.trim_start_matches("::ffff:");
            wait::until("the access log", 10, || house.last_access() == told);
            assert_eq!(
                house.call(shared, PROXY, &header, INTERNAL),
                none,
                "{source}"
            );
            house.is_refused(None, "network-rule", told);
        }
        for source in inside {
            let header = header(source);
            assert_eq!(house.call(own, PROXY, &header, OWN), none, "{source}");
            assert_eq!(house.call(shared, PROXY, &header, OWN), none, "{source}");
            assert_eq!(
                house.call(shared, PROXY, &header, INTERNAL),
                served,
                "{source}"
            );
            assert_eq!(
                house.call(shared, PROXY, &header, EXTERNAL),
                served,
                "{source}"
            );
        }
    }
    house.call(shared, PROXY, &v1("10.7.7.7"), OWN);
    house.is_refused(Some("acme"), "network-rule", "10.7.7.7");
    // The header arrives in pieces, the last of them together with the ClientHello.
    for header in [v1("192.0.2.7"), v2("2001:db8::7")] {
        for size in [1, 7] {
            let pieces: Vec<&[u8]> = header.chunks(size).collect();
            assert_eq!(
                house.call_in_pieces(own, PROXY, &pieces, OWN),
                served,
                "{size}"
            );
        }
    }
    // LOCAL: the proxy itself, which is outside here.
    assert_eq!(house.call(own, PROXY, &binary(0x20, 0, b""), OWN), served);
    wait::until("the access log", 10, || house.last_access() == "127.2.0.1");
    let local = binary(0x20, 0x11, b"anything");
    assert_eq!(house.call(shared, PROXY, &local, INTERNAL), none);
    if let Some(both) = house.both {
        let at = SocketAddr::new("::1".parse().unwrap(), both.port());
        let call = |header: &[u8]| {
            let stream = socket(at, "::1".parse().unwrap());
            house.call_on(stream, &[header], OWN)
        };
        assert_eq!(call(&v1("2001:db8::7")), served);
        assert_eq!(call(&v2("fd00::7")), none);
        assert_eq!(call(b""), none);
    }
}

#[test]
fn a_header_that_is_missing_or_cannot_be_read_ends_the_connection() {
    let house = House::new(RULES);
    let no_address = "a trusted proxy that does not tell the address";
    let unix = binary(0x21, 0x31, &[b'/'; 216]);
    let cases: [(&[u8], &str, &str); 8] = [
        (b"", "protocol-error", "does not begin with a PROXY header"),
        (
            b"GET / HTTP/1.1\r\n\r\n",
            "protocol-error",
            "does not begin",
        ),
        (
            b"PROXY TCP4 1.2.3.4\r\n",
            "protocol-error",
            "of version 1 cannot be read",
        ),
        (
            &binary(0x21, 0x11, b"short"),
            "protocol-error",
            "of version 2 cannot be read",
        ),
        (
            &binary(0x20, 0, &[0; 5000]),
            "protocol-error",
            "longer than",
        ),
        (b"PROXY UNKNOWN\r\n", "network-rule", no_address),
        (&binary(0x21, 0, b""), "network-rule", no_address),
        (&unix, "network-rule", no_address),
    ];
    for at in [house.mtls, house.shared] {
        for (header, reason, sentence) in &cases {
            assert_eq!(house.call(at, PROXY, header, OWN), Came::Nothing);
            let told = house.is_refused(None, reason, "127.2.0.1");
            let expect = if *sentence == no_address {
                "did not tell the address of its client"
            } else {
                sentence
            };
            assert!(told.contains(expect), "{told}");
        }
    }
    // Of anybody else no header is read: it is not TLS, and says nothing about an address.
    let plain = house.call(house.mtls, OUTSIDE, &v1("192.0.2.7"), OWN);
    assert!(matches!(plain, Came::Broke(_)), "{plain:?}");
    house.is_refused(None, "plain-http", "127.0.0.1");
    assert_eq!(
        house.call(house.mtls, OUTSIDE, &v2("192.0.2.7"), OWN),
        Came::Nothing
    );
    house.is_refused(None, "protocol-error", "127.0.0.1");
    for header in [v1("192.0.2.7"), v2("192.0.2.7")] {
        let came = house.call(house.mtls, INSIDE, &header, OWN);
        assert_eq!(came, Came::Nothing, "the rule comes first");
    }
    // After a header no second one is read.
    let twice = [v1("192.0.2.7"), v1("192.0.2.9")].concat();
    let came = house.call(house.mtls, PROXY, &twice, OWN);
    assert!(matches!(came, Came::Broke(_)), "{came:?}");
    house.is_refused(None, "plain-http", "192.0.2.7");
    // A health check that only connects is nobody's news.
    drop(socket(house.mtls, PROXY.into()));
    let half = socket(house.mtls, PROXY.into());
    (&half).write_all(b"PROXY TCP4 1.2").unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    let told = house.is_refused(None, "protocol-error", "127.2.0.1");
    assert!(told.contains("in the middle"), "{told}");
}

#[test]
fn a_header_takes_part_of_the_handshakes_time_and_its_client_a_place() {
    let house = House::new(
        "trusted_proxies = \"127.2.0.1\"\nhandshake_timeout_ms = 2000\nconnections_per_address_max = 2\n",
    );
    assert!(house.server.log().contains("'internal_networks' is empty"));
    let ends = |mut stream: &TcpStream| {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert_eq!(rest, b"");
    };
    let clock = Clock::system();
    let begun = clock.now().unix_millis();
    let elapsed =
        || Duration::from_millis(u64::try_from(clock.now().unix_millis() - begun).unwrap());
    let proxy = || socket(house.mtls, PROXY.into());
    let (slow, late) = (proxy(), proxy());
    let silent: Vec<TcpStream> = (0..5).map(|_| proxy()).collect();
    (&slow).write_all(b"PROXY TCP4 192.0.2.1").unwrap();
    // Meanwhile: the proxy has connections without number, and each of its clients two.
    let header = v1("192.0.2.7");
    let held: Vec<TcpStream> = (0..2)
        .map(|_| {
            let mut held = proxy();
            held.write_all(&header).unwrap();
            held
        })
        .collect();
    let refused = |house: &House| house.call(house.mtls, PROXY, &header, OWN) == Came::Nothing;
    wait::until("the client to have its share", 2, || refused(&house));
    house.is_refused(None, "limit", "192.0.2.7");
    let other = v2("192.0.2.8");
    assert_eq!(
        house.call(house.mtls, PROXY, &other, OWN),
        Came::Status(200)
    );
    drop((held, silent));
    wait::until("the client's places to be free", 2, || !refused(&house));
    // The budget is that of the handshake, header included.
    std::thread::sleep(Duration::from_millis(1500).saturating_sub(elapsed()));
    (&late).write_all(&v1("192.0.2.9")).unwrap();
    ends(&slow);
    house.is_refused(None, "handshake-timeout", "127.2.0.1");
    ends(&late);
    let took = elapsed();
    assert!(
        took > Duration::from_millis(1900) && took < Duration::from_millis(3300),
        "{took:?}"
    );
}

/// haproxy in front of a gateway, one port for each way to write the header.
struct Haproxy(Child);

impl Haproxy {
    fn start(house: &House, listeners: &[(u16, &str, &str)]) -> Self {
        let mut text = "global\n  maxconn 100\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 20s\n\
                        \x20 timeout server 20s\n"
            .to_owned();
        for (port, bind, server) in listeners {
            text += &format!(
                "listen to-{port}\n  bind 127.0.0.1:{port} {bind}\n  server gate {} source 127.2.0.1 {server}\n",
                house.shared
            );
        }
        let file = house.server.write("haproxy.cfg", text);
        let log = std::fs::File::create(house.server.path("haproxy.log")).unwrap();
        let child = Command::new("haproxy")
            .args(["-db", "-f", &file])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("haproxy is installed");
        let haproxy = Self(child);
        for (port, ..) in listeners {
            wait::until("haproxy to listen", 10, || {
                TcpStream::connect(("127.0.0.1", *port)).is_ok()
            });
        }
        haproxy
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn behind_haproxy_the_client_and_its_certificate_arrive() {
    let house = House::new(RULES);
    let port = || free("127.0.0.1:0").unwrap().port();
    let ports: [u16; 6] = std::array::from_fn(|_| port());
    let client = house.server.path("client.pem").display().to_string();
    let ca = house.server.path("acme.pem").display().to_string();
    let terminates = format!("ssl crt {client} ca-file {ca} verify optional");
    let reencrypts = format!("ssl verify none sni str({OWN}) check-sni {OWN} send-proxy-v2-ssl-cn");
    let _haproxy = Haproxy::start(
        &house,
        &[
            (ports[0], "", "send-proxy"),
            (ports[1], "", "send-proxy-v2"),
            (ports[2], "", "send-proxy-v2-ssl"),
            (
                ports[3],
                "",
                "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority",
            ),
            (ports[4], "", ""),
            (ports[5], &terminates, &reencrypts),
        ],
    );
    for port in &ports[..4] {
        let at = SocketAddr::from(([127, 0, 0, 1], *port));
        let from = [127, 0, 0, 7];
        assert_eq!(house.call(at, from, b"", OWN), Came::Status(200), "{port}");
        wait::until("the access log", 10, || house.last_access() == "127.0.0.7");
        assert_eq!(house.call(at, INSIDE, b"", OWN), Came::Nothing);
        house.is_refused(Some("acme"), "network-rule", "127.1.0.1");
        assert_eq!(
            house.call(at, INSIDE, b"", INTERNAL),
            Came::Status(200),
            "{port}"
        );
        // A client's own header is no header.
        let came = house.call(at, from, &v1("192.0.2.9"), OWN);
        assert!(matches!(came, Came::Broke(_)), "{came:?}");
        house.is_refused(None, "plain-http", "127.0.0.7");
    }
    // A load balancer that does not speak for its clients is nobody.
    let at = SocketAddr::from(([127, 0, 0, 1], ports[4]));
    assert_eq!(house.call(at, OUTSIDE, b"", OWN), Came::Nothing);
    house.is_refused(None, "protocol-error", "127.2.0.1");
    // What it says of a client's certificate, where it ends TLS itself, lets nobody in.
    let reply = crate::support::clients::curl(&[
        "-k".to_owned(),
        "--cert".to_owned(),
        client,
        "--interface".to_owned(),
        "127.0.0.7".to_owned(),
        format!("https://127.0.0.1:{}{CLOSED}", ports[5]),
    ]);
    assert_eq!(reply.status, 0, "{reply:?}");
    house.is_refused(Some("acme"), "no-certificate", "127.0.0.7");
}

#[test]
fn prove_comes_in_as_a_health_check_does_and_says_where_a_rule_keeps_it_out() {
    let house = House::new(
        "trusted_proxies = [\"127.0.0.1\", \"::1\"]\ninternal_networks = [\"10.0.0.0/8\"]\n",
    );
    let output = house.server.cli(&[
        "prove",
        "--class",
        "paths",
        "--class",
        "second-door",
        "--json",
    ]);
    let board: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(board["notHeld"], 0, "{board}");
    assert!(board["held"].as_u64().unwrap() > 10, "{board}");
    let rows = board["rows"].as_array().unwrap();
    let told = |row: &Value| row["cameBack"].as_str().unwrap().to_owned();
    let kept_out = rows.iter().map(told).find(|told| {
        told.contains("network rule keeps this machine out of the internal gateway")
            && told.contains("calls from 127.0.0.1")
    });
    assert!(kept_out.is_some(), "{board}");
}

#[test]
fn the_check_of_the_configuration_warns() {
    let house = House::new("");
    let file = house.server.configuration();
    let check = || {
        house
            .server
            .ok(&["config", "check", "--config", file.to_str().unwrap()])
    };
    assert!(check().contains("Warning: 'internal_networks' is empty"));
    let text = std::fs::read_to_string(&file).unwrap() + RULES;
    std::fs::write(&file, text).unwrap();
    assert!(!check().contains("Warning"));
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("fd00::/8", "fd00::/129")).unwrap();
    let told = house
        .server
        .refused(&format!("config check --config {}", file.display()));
    assert!(
        told.contains("'internal_networks'") && told.contains("fd00::/129"),
        "{told}"
    );
}
