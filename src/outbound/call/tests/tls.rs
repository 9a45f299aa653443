//! Upstreams behind TLS: whom we trust, who trusts us, and what is told when it fails.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    AlertDescription, ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use crate::clock::Moment;
use crate::outbound::error::{ConnectStep, OutboundError};
use crate::outbound::limits::OutboundLimits;
use crate::outbound::tls_failure::TlsFailure;
use crate::outbound::upstream::{
    CHUNK, Given, call, empty, fetch, listen, pools, read, request, serve, serve_on, target, text,
    until,
};
use crate::pki::authority::{Authority, AuthorityRequest, ClientRequest, Leaf};
use crate::pki::key::KeyChoice;
use crate::snapshot::client_tls::{Target, TargetTls};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

fn moment(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn authority(common_name: &str) -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: common_name.to_owned(),
        organization: None,
        not_before: moment("2020-01-01"),
        not_after: moment("2060-01-01"),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

fn server_leaf(authority: &Authority, from: &str, to: &str) -> Leaf {
    authority
        .issue_server(&["upstream.test".to_owned()], moment(from), moment(to))
        .unwrap()
}

fn good_leaf(authority: &Authority) -> Leaf {
    server_leaf(authority, "2020-01-01", "2060-01-01")
}

fn client_leaf(authority: &Authority) -> Leaf {
    authority
        .issue_client(&ClientRequest {
            common_name: "gateway".to_owned(),
            organization: None,
            sans: Vec::new(),
            not_before: moment("2020-01-01"),
            not_after: moment("2060-01-01"),
            key: KeyChoice::EcP256,
        })
        .unwrap()
}

fn der(leaf: &Leaf) -> Vec<CertificateDer<'static>> {
    vec![CertificateDer::from(leaf.certificate.der().to_vec())]
}

fn roots(authority: &Authority) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(authority.certificate.der().to_vec()))
        .unwrap();
    Arc::new(roots)
}

fn server_config(
    leaf: &Leaf,
    version: &'static SupportedProtocolVersion,
    clients: Option<&Authority>,
) -> Arc<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(&[version]).unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let roots = roots(clients);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    Arc::new(
        builder
            .with_single_cert(der(leaf), leaf.key.der().clone_key())
            .unwrap(),
    )
}

fn tls_target(address: SocketAddr, name: &str, trusted: &Authority, us: Option<&Leaf>) -> Target {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(&VERSIONS).unwrap();
    let verifier = WebPkiServerVerifier::builder_with_provider(roots(trusted), provider());
    let builder = builder.with_webpki_verifier(verifier.build().unwrap());
    let config = match us {
        None => builder.with_no_client_auth(),
        Some(us) => builder
            .with_client_auth_cert(der(us), us.key.der().clone_key())
            .unwrap(),
    };
    let mut target = target(address);
    let server_name = ServerName::try_from(name.to_owned()).unwrap();
    target.tls = Some(TargetTls {
        config: Arc::new(config),
        server_name,
    });
    target
}

/// An HTTPS upstream that answers `ok`.
async fn serve_tls(config: Arc<ServerConfig>) -> SocketAddr {
    let acceptor = TlsAcceptor::from(config);
    listen(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve_on(stream, |_| async { Response::new(text("ok")) }).await;
            }
        }
    })
    .await
}

async fn failure(target: &Target) -> TlsFailure {
    let pools = pools(OutboundLimits::default());
    let error = call(&pools, target, request("GET", "/", empty()))
        .await
        .err()
        .unwrap();
    until("the connection is closed", || pools.open() == 0).await;
    let OutboundError::Tls { failure, .. } = error else {
        panic!("not told as a failure of TLS: {error}")
    };
    failure
}

#[tokio::test]
async fn calls_over_tls_and_uses_the_connection_again() {
    let (servers, clients) = (authority("servers"), authority("clients"));
    for version in VERSIONS {
        let leaf = good_leaf(&servers);
        let address = serve_tls(server_config(&leaf, version, Some(&clients))).await;
        let us = client_leaf(&clients);
        let target = tls_target(address, "upstream.test", &servers, Some(&us));
        let pools = pools(OutboundLimits::default());
        for method in ["GET", "POST", "GET"] {
            let body = if method == "POST" {
                text("body")
            } else {
                empty()
            };
            assert_eq!(
                fetch(&pools, &target, request(method, "/", body)).await,
                "ok"
            );
        }
        assert_eq!((pools.open(), pools.idle()), (1, 1));
    }
}

#[tokio::test]
async fn streams_a_large_body_over_tls() {
    let servers = authority("servers");
    let config = server_config(&good_leaf(&servers), &rustls::version::TLS13, None);
    let acceptor = TlsAcceptor::from(config);
    let address = listen(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let stream = acceptor.accept(stream).await.unwrap();
            serve_on(stream, async |request: Request<Incoming>| {
                let sent = request.collect().await.unwrap().to_bytes();
                assert_eq!(sent.len(), 16 * CHUNK);
                Response::new(Given::Zeros(256, Arc::default()))
            })
            .await;
        }
    })
    .await;
    let target = tls_target(address, "upstream.test", &servers, None);
    let pools = pools(OutboundLimits::default());
    let upload = Given::Zeros(16, Arc::default());
    let answer = call(&pools, &target, request("POST", "/", upload))
        .await
        .unwrap();
    assert_eq!(read(answer).await.unwrap().len(), 256 * CHUNK);
}

#[tokio::test]
async fn tells_what_is_wrong_with_the_upstreams_certificate() {
    let (servers, strangers) = (authority("servers"), authority("strangers"));
    let good = good_leaf(&servers);
    let old = server_leaf(&servers, "2020-01-01", "2020-01-02");
    let early = server_leaf(&servers, "2058-01-01", "2059-01-01");
    let client = client_leaf(&servers);
    let names = vec!["upstream.test".to_owned()];
    let cases = [
        (
            &good,
            "upstream.test",
            &strangers,
            TlsFailure::UnknownIssuer,
        ),
        (
            &good,
            "other.test",
            &servers,
            TlsFailure::NameMismatch { presented: names },
        ),
        (
            &old,
            "upstream.test",
            &servers,
            TlsFailure::Expired {
                not_after: Some(moment("2020-01-02")),
            },
        ),
        (
            &early,
            "upstream.test",
            &servers,
            TlsFailure::NotYetValid {
                not_before: Some(moment("2058-01-01")),
            },
        ),
        (&client, "upstream.test", &servers, TlsFailure::WrongUsage),
    ];
    for version in VERSIONS {
        for (leaf, name, trusted, expect) in &cases {
            let address = serve_tls(server_config(leaf, version, None)).await;
            let target = tls_target(address, name, trusted, None);
            assert_eq!(&failure(&target).await, expect);
        }
    }
}

#[tokio::test]
async fn tells_that_the_upstream_refused_our_certificate() {
    let (servers, clients) = (authority("servers"), authority("clients"));
    let strangers = authority("strangers");
    let wrong = client_leaf(&strangers);
    for version in VERSIONS {
        let cases = [
            (None, AlertDescription::CertificateRequired),
            (Some(&wrong), AlertDescription::UnknownCA),
        ];
        for (us, alert) in cases {
            let leaf = good_leaf(&servers);
            let address = serve_tls(server_config(&leaf, version, Some(&clients))).await;
            let target = tls_target(address, "upstream.test", &servers, us);
            for _ in 0..20 {
                assert_eq!(failure(&target).await, TlsFailure::RefusedUs { alert });
            }
        }
    }
}

#[tokio::test]
async fn tells_a_server_that_speaks_no_tls() {
    let servers = authority("servers");
    let plain = serve(|_, _| async { Response::new(text("ok")) }).await;
    let target = tls_target(plain, "upstream.test", &servers, None);
    assert_eq!(failure(&target).await, TlsFailure::NotTls);
    let silent = listen(async |mut stream, _| {
        let _ = stream.read_u8().await;
    })
    .await;
    let target = tls_target(silent, "upstream.test", &servers, None);
    assert_eq!(failure(&target).await, TlsFailure::Closed);
}

#[tokio::test]
async fn gives_up_on_a_handshake_that_takes_too_long() {
    let address = listen(async |mut stream, _| {
        let mut hello = Vec::new();
        let _ = stream.read_to_end(&mut hello).await;
    })
    .await;
    let mut target = tls_target(address, "upstream.test", &authority("servers"), None);
    target.limits.connect_timeout_ms = 100;
    let pools = pools(OutboundLimits::default());
    let error = call(&pools, &target, request("GET", "/", empty()))
        .await
        .err()
        .unwrap();
    let expected = matches!(
        error,
        OutboundError::ConnectTimeout {
            after_ms: 100,
            step: ConnectStep::Handshake,
            ..
        }
    );
    assert!(expected, "{error}");
    assert_eq!(pools.open(), 0);
}

#[tokio::test]
async fn a_body_without_length_that_ends_without_goodbye_is_an_error() {
    // Only the close tells that it is complete, and anyone on the way could have made that.
    let servers = authority("servers");
    let config = server_config(&good_leaf(&servers), &rustls::version::TLS13, None);
    let acceptor = TlsAcceptor::from(config);
    let address = listen(move |stream, number| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf").await;
            let _ = stream.flush().await;
            if number > 0 {
                let _ = stream.shutdown().await;
            }
        }
    })
    .await;
    let target = tls_target(address, "upstream.test", &servers, None);
    let pools = pools(OutboundLimits::default());
    let answer = call(&pools, &target, request("GET", "/", empty()))
        .await
        .unwrap();
    let error = read(answer).await.unwrap_err();
    assert!(matches!(error, OutboundError::BodyBroke { .. }), "{error}");
    assert_eq!(
        fetch(&pools, &target, request("GET", "/", empty())).await,
        "half"
    );
}
