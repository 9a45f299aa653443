//! The admin listener, over real TLS.

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use realmgate::admin::limits::AdminLimits;
use realmgate::admin::listener::{self, AdminParts};
use realmgate::api::limits::ApiLimits;
use realmgate::clock::{Clock, Stopwatch};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::api::pki;
use crate::api::server::Server;

/// How long anything may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(20);

struct Admin {
    server: Server,
    address: SocketAddr,
    shutdown: watch::Sender<bool>,
    served: Option<JoinHandle<io::Result<()>>>,
    directory: TempDir,
}

/// What curl got.
#[derive(Debug)]
struct Got {
    exit: i32,
    /// The version of HTTP and the status.
    line: String,
    body: String,
}

impl Got {
    #[track_caller]
    fn is(&self, line: &str) -> &Self {
        assert_eq!((self.exit, self.line.as_str()), (0, line), "{self:?}");
        self
    }

    fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

impl Admin {
    fn start(limits: AdminLimits) -> Self {
        let small = ApiLimits {
            apply_bytes_max: 1 << 20,
            ..ApiLimits::default()
        };
        let server = Server::with_clock(Clock::system(), small);
        let listener = listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, receiver) = watch::channel(false);
        let parts = AdminParts {
            live: Arc::clone(server.control.live()),
            router: server.router.clone(),
            limits,
        };
        let served = server
            .runtime
            .spawn(listener::serve(listener, parts, receiver));
        let directory = tempfile::tempdir().unwrap();
        let ca = server.control.server_ca_pem().unwrap();
        std::fs::write(directory.path().join("ca.pem"), ca).unwrap();
        Self {
            server,
            address,
            shutdown,
            served: Some(served),
            directory,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    fn curl(&self, arguments: &[&str]) -> Got {
        let body = self.directory.path().join("body");
        let output = Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "30",
                "--noproxy",
                "*",
            ])
            .args(["--write-out", "%{http_version} %{http_code}", "--ipv4"])
            .arg("--cacert")
            .arg(self.directory.path().join("ca.pem"))
            .arg("--output")
            .arg(&body)
            .args(arguments)
            .output()
            .unwrap();
        let text = std::fs::read(&body).unwrap_or_default();
        let _ = std::fs::remove_file(&body);
        Got {
            exit: output.status.code().unwrap(),
            line: String::from_utf8(output.stdout).unwrap(),
            body: String::from_utf8(text).unwrap(),
        }
    }

    fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.server.operator)
    }

    /// A TLS connection that trusts the server's own CA.
    async fn connect(&self, alpn: &[u8]) -> io::Result<TlsStream<TcpStream>> {
        let ca = std::fs::read(self.directory.path().join("ca.pem")).unwrap();
        connect(self.address, &ca, alpn).await
    }
}

async fn connect(address: SocketAddr, ca: &[u8], alpn: &[u8]) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// All that comes until the server closes; what broke the connection does not matter.
async fn read_all(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut all = Vec::new();
    let reading = stream.read_to_end(&mut all);
    let _ = tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("the server closes the connection");
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn answers_over_both_versions_of_http_and_of_tls() {
    let admin = Admin::start(AdminLimits::default());
    let url = admin.url("/healthz");
    assert_eq!(admin.curl(&[&url]).is("2 200").body, "ok\n");
    admin.curl(&["--http1.1", &url]).is("1.1 200");
    admin
        .curl(&["--tlsv1.2", "--tls-max", "1.2", &url])
        .is("2 200");
    admin
        .curl(&[
            "--http1.1",
            &admin.url("/healthz").replace("localhost", "127.0.0.1"),
        ])
        .is("1.1 200");
    let old = admin.curl(&["--tls-max", "1.1", &url]);
    assert_ne!(old.exit, 0, "{old:?}");
}

#[test]
fn a_call_that_the_api_refuses_gets_its_json_over_tls() {
    let admin = Admin::start(AdminLimits::default());
    let got = admin.curl(&["-X", "DELETE", &admin.url("/healthz")]);
    assert_eq!(got.is("2 405").code(), "method-not-allowed");
    let got = admin.curl(&["--http1.1", &admin.url("/api/v1/realms")]);
    assert_eq!(got.is("1.1 401").code(), "unauthorized");
}

#[test]
fn the_audit_tells_where_a_call_came_from() {
    let admin = Admin::start(AdminLimits::default());
    let url = admin.url("/api/v1/realms/acme");
    admin
        .curl(&["-X", "PUT", "-H", &admin.bearer(), &url])
        .is("2 200");
    let audit = admin.server.get("/audit?realm=acme").json();
    assert_eq!(audit["records"][0]["address"], "127.0.0.1", "{audit}");
}

#[test]
fn who_sends_too_much_is_told_so() {
    let admin = Admin::start(AdminLimits::default());
    let file = admin.directory.path().join("large");
    std::fs::write(&file, vec![b' '; 3 << 20]).unwrap();
    let data = format!("@{}", file.display());
    let url = admin.url("/api/v1/apply");
    let unannounced = "Transfer-Encoding: chunked";
    for more in [
        ["--http1.1", "-H", "Expect:"],
        ["--http1.1", "-H", unannounced],
        ["--http2", "-H", "Expect:"],
    ] {
        let bearer = admin.bearer();
        let mut arguments = vec!["-H", &bearer, "-H", "Content-Type: application/json"];
        arguments.extend(more);
        arguments.extend(["--data-binary", &data, &url]);
        let got = admin.curl(&arguments);
        assert_eq!(got.code(), "body-too-large", "{got:?}");
    }
}

/// Some clients read nothing before they have sent all: the answer must not be lost to a reset.
#[test]
fn the_answer_to_too_much_arrives_at_a_client_that_sends_all_first() {
    let admin = Admin::start(AdminLimits::default());
    let length = 3 << 20;
    let head = format!(
        "POST /api/v1/apply HTTP/1.1\r\nHost: localhost\r\n{}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
        admin.bearer()
    );
    admin.server.runtime.block_on(async {
        for _ in 0..20 {
            let mut stream = admin.connect(b"http/1.1").await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&vec![b' '; length]).await.unwrap();
            let answer = read_all(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
            assert!(answer.contains("body-too-large"), "{answer}");
        }
    });
}

#[test]
fn plain_http_is_told_to_use_https() {
    let admin = Admin::start(AdminLimits::default());
    let url = admin.url("/healthz").replace("https://", "http://");
    let got = admin.curl(&[&url]);
    assert!(got.is("1.1 400").body.contains("https://"), "{got:?}");
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let admin = Admin::start(AdminLimits::default());
    let header = format!("X-Large: {}", "x".repeat(100_000));
    let url = admin.url("/healthz");
    // What was read at once may go beyond the bound: four times as much surely does.
    let got = admin.curl(&[
        "--http1.1",
        "-H",
        &header,
        "-H",
        &header,
        "-H",
        &header,
        &url,
    ]);
    got.is("1.1 431");
}

#[test]
fn who_does_not_get_on_is_closed_in_time() {
    let limits = AdminLimits {
        handshake_timeout_ms: 300,
        header_timeout_ms: 300,
        idle_timeout_ms: 300,
        shutdown_grace_ms: 300,
        ..AdminLimits::default()
    };
    let admin = Admin::start(limits);
    let closed_in_time = |clock: Stopwatch, who: &str| {
        let took = clock.elapsed();
        assert!(took > Duration::from_millis(250), "{who}: {took:?}");
    };
    admin.server.runtime.block_on(async {
        let clock = Stopwatch::start();
        let mut silent = TcpStream::connect(admin.address).await.unwrap();
        assert_eq!(read_all(&mut silent).await, "");
        closed_in_time(clock, "says nothing");

        let clock = Stopwatch::start();
        let mut half = TcpStream::connect(admin.address).await.unwrap();
        half.write_all(&[22, 3, 1, 2, 0]).await.unwrap();
        read_all(&mut half).await;
        closed_in_time(clock, "half a ClientHello");

        for alpn in [&b"http/1.1"[..], b"h2"] {
            let clock = Stopwatch::start();
            let mut idle = admin.connect(alpn).await.unwrap();
            read_all(&mut idle).await;
            closed_in_time(clock, "no request");
        }

        let clock = Stopwatch::start();
        let mut slow = admin.connect(b"http/1.1").await.unwrap();
        slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: ")
            .await
            .unwrap();
        read_all(&mut slow).await;
        closed_in_time(clock, "half a head");

        let clock = Stopwatch::start();
        let mut kept = admin.connect(b"http/1.1").await.unwrap();
        kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await
            .unwrap();
        let answer = read_all(&mut kept).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        closed_in_time(clock, "one request and no other");
    });
}

#[test]
fn an_idle_http2_connection_ends_after_its_calls() {
    let limits = AdminLimits {
        header_timeout_ms: 300,
        idle_timeout_ms: 300,
        ..AdminLimits::default()
    };
    let admin = Admin::start(limits);
    admin.server.runtime.block_on(async {
        let stream = admin.connect(b"h2").await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let executor = hyper_util::rt::TokioExecutor::new();
        let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        let request = http::Request::get(admin.url("/healthz"))
            .body(String::new())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        drop(answer);
        let ended = tokio::time::timeout(PATIENCE, connection).await;
        ended
            .expect("the server ends the connection")
            .unwrap()
            .unwrap();
    });
}

#[test]
fn there_are_only_so_many_connections_and_those_that_end_make_room() {
    let limits = AdminLimits {
        connections_max: 2,
        ..AdminLimits::default()
    };
    let admin = Admin::start(limits);
    admin.server.runtime.block_on(async {
        let first = admin.connect(b"http/1.1").await.unwrap();
        let _second = admin.connect(b"http/1.1").await.unwrap();
        assert!(admin.connect(b"http/1.1").await.is_err());
        drop(first);
        let clock = Stopwatch::start();
        while admin.connect(b"http/1.1").await.is_err() {
            assert!(clock.elapsed() < PATIENCE, "no room was made");
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_new_identity_is_shown_from_the_next_handshake_on() {
    let admin = Admin::start(AdminLimits::default());
    let ca = pki::long_lived_ca("Public CA");
    let leaf = pki::long_lived_server(&ca, &["localhost", "127.0.0.1"]);
    let body = json!({"chain": leaf.certificate.to_pem(), "key": pki::key_pem(&leaf)});
    let runtime = &admin.server.runtime;
    let call = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut open = runtime.block_on(admin.connect(b"http/1.1")).unwrap();
    admin.server.put("/server-identities/admin", &body).ok();
    runtime.block_on(async {
        let old = admin.connect(b"http/1.1").await;
        assert!(old.is_err(), "the new handshake shows the old identity");
        let public = ca.certificate.to_pem();
        connect(admin.address, public.as_bytes(), b"http/1.1")
            .await
            .unwrap();
        open.write_all(call).await.unwrap();
        let answer = read_all(&mut open).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    });
}

#[test]
fn a_shutdown_lets_open_calls_end_and_takes_no_new_ones() {
    let mut admin = Admin::start(AdminLimits::default());
    let served = admin.served.take().unwrap();
    // The server asks for the body once the call is being carried out.
    let head = format!(
        "PUT /api/v1/realms/acme HTTP/1.1\r\nHost: localhost\r\n{}\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n",
        admin.bearer()
    );
    admin.server.runtime.block_on(async {
        let mut idle = admin.connect(b"http/1.1").await.unwrap();
        let mut open = admin.connect(b"http/1.1").await.unwrap();
        open.write_all(head.as_bytes()).await.unwrap();
        let mut asked = [0; 25];
        open.read_exact(&mut asked).await.unwrap();
        assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
        admin.shutdown.send(true).unwrap();
        read_all(&mut idle).await;
        let refused = admin.connect(b"http/1.1").await;
        assert!(refused.is_err(), "a new connection is served");
        open.write_all(b"{}").await.unwrap();
        let answer = read_all(&mut open).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains(r#""changed":true"#), "{answer}");
        let ended = tokio::time::timeout(PATIENCE, served).await;
        ended.expect("the listener ends").unwrap().unwrap();
    });
}

#[test]
fn an_address_in_use_is_an_error() {
    let admin = Admin::start(AdminLimits::default());
    let error = listener::bind(admin.address).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}
