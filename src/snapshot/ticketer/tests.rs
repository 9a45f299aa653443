use std::sync::Mutex;

use rustls::pki_types::ServerName;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion, version,
};

use super::*;
use crate::pki::authority::{Authority, AuthorityRequest};
use crate::pki::key::KeyChoice;
use crate::snapshot::server_tls;

const NOW: Moment = Moment::from_unix_seconds(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);

fn regular(realm: Option<&RealmName>) -> Host<'_> {
    Host {
        gateway: Gateway::External,
        environment: Environment::Prod,
        realm,
    }
}

fn ticketer(clock: &Clock) -> Ticketer {
    Ticketer::new(regular(None), clock.clone(), HOUR)
}

/// The head of a session as rustls writes it, without a client's certificate.
fn session(version: u8, flag: u8) -> Vec<u8> {
    let mut session = b"\x01\x03abc\x03".to_vec();
    session.extend([version, 0x13, 0x01, 2, 7, 7, flag, 0]);
    session
}

fn is_bound(session: &[u8]) -> bool {
    Head::read(session).is_some_and(|head| head.is_bound)
}

async fn seal(ticketer: &Ticketer, session: &[u8]) -> Option<Vec<u8>> {
    verifier::observe(async { ticketer.encrypt(session) })
        .await
        .0
}

async fn open(ticketer: &Ticketer, ticket: &[u8]) -> Option<Vec<u8>> {
    verifier::observe(async { ticketer.decrypt(ticket) })
        .await
        .0
}

#[tokio::test]
async fn a_ticket_is_opened_by_the_ticketer_that_sealed_it_and_by_no_other() {
    let clock = Clock::manual(NOW);
    let own = ticketer(&clock);
    let sealed = seal(&own, &session(4, 0)).await.unwrap();
    assert_eq!(open(&own, &sealed).await, Some(session(4, 0)));
    assert_eq!(open(&ticketer(&clock), &sealed).await, None);
    for place in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[place] ^= 1;
        assert_eq!(open(&own, &damaged).await, None, "byte {place}");
    }
}

#[tokio::test]
async fn a_ticket_of_another_host_is_not_opened_though_the_keys_were_the_same() {
    let clock = Clock::manual(NOW);
    let own = ticketer(&clock);
    let sealed = seal(&own, &session(4, 0)).await.unwrap();
    let (acme, globex) = (
        RealmName::parse("acme").unwrap(),
        RealmName::parse("globex").unwrap(),
    );
    let mut hosts = Vec::new();
    for gateway in [Gateway::External, Gateway::Internal, Gateway::Mtls] {
        for environment in Environment::ALL {
            for realm in [None, Some(&acme), Some(&globex)] {
                hosts.push(Host {
                    gateway,
                    environment,
                    realm,
                });
            }
        }
    }
    let mut opened = 0;
    for host in hosts {
        let other = Ticketer {
            keys: own.keys.clone(),
            ..Ticketer::new(host, clock.clone(), HOUR)
        };
        opened += usize::from(open(&other, &sealed).await.is_some());
    }
    assert_eq!(opened, 1);
}

#[tokio::test]
async fn a_ticket_is_opened_from_its_proof_to_its_end() {
    let clock = Clock::manual(NOW);
    let own = ticketer(&clock);
    let sealed = seal(&own, &session(4, 0)).await.unwrap();
    let milli = Duration::from_millis(1);
    for (moment, opens) in [
        (NOW.minus(milli), false),
        (NOW, true),
        (NOW.plus(HOUR).minus(milli), true),
        (NOW.plus(HOUR), false),
    ] {
        clock.set(moment);
        assert_eq!(open(&own, &sealed).await.is_some(), opens, "{moment}");
    }
}

#[tokio::test]
async fn nothing_is_sealed_or_opened_outside_of_a_handshake_or_without_a_certificate() {
    let clock = Clock::manual(NOW);
    let own = ticketer(&clock);
    assert_eq!(own.encrypt(&session(4, 0)), None);
    let sealed = seal(&own, &session(4, 0)).await.unwrap();
    assert_eq!(own.decrypt(&sealed), None);
    let host = Host {
        gateway: Gateway::Mtls,
        ..regular(None)
    };
    let mutual = Ticketer::new(host, clock, HOUR);
    assert_eq!(seal(&mutual, &session(4, 0)).await, None);
}

#[tokio::test]
async fn a_good_ticket_that_was_shown_does_not_seal_a_session_without_a_certificate() {
    let host = Host {
        gateway: Gateway::Mtls,
        ..regular(None)
    };
    let own = Ticketer::new(host, Clock::manual(NOW), HOUR);
    let shown = Proof {
        at: NOW,
        until: NOW.plus(HOUR),
    };
    for (certificate, seals) in [(0, false), (1, true), (2, false)] {
        let mut session = session(4, 0);
        *session.last_mut().unwrap() = certificate;
        let sealed = verifier::observe(async {
            assert!(verifier::shown_ticket(shown));
            own.encrypt(&session)
        });
        assert_eq!(sealed.await.0.is_some(), seals, "{certificate}");
    }
}

#[tokio::test]
async fn a_session_too_large_for_a_client_hello_is_not_sealed() {
    let own = ticketer(&Clock::manual(NOW));
    let mut large = session(4, 0);
    large.resize(SESSION_BYTES_MAX, 0);
    assert!(seal(&own, &large).await.is_some());
    large.push(0);
    assert_eq!(seal(&own, &large).await, None);
}

#[tokio::test]
async fn a_session_that_is_not_bound_to_its_handshake_is_not_sealed() {
    let own = ticketer(&Clock::manual(NOW));
    for (version, flag, sealed) in [
        (4, 0, true),
        (3, 1, true),
        (3, 0, false),
        (3, 2, false),
        (2, 1, false),
        (5, 1, false),
    ] {
        let session = session(version, flag);
        assert_eq!(
            seal(&own, &session).await.is_some(),
            sealed,
            "{version} {flag}"
        );
    }
    let whole = session(3, 1);
    for end in 0..whole.len() {
        assert!(!is_bound(&whole[..end]), "{end} bytes");
    }
}

/// Keeps what rustls wants to have sealed.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<u8>>);

impl ProducesTickets for Recorder {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        60
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        session.clone_into(&mut self.0.lock().unwrap());
        None
    }

    fn decrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// A session as this version of rustls writes it.
fn real_session(version: &'static SupportedProtocolVersion) -> Vec<u8> {
    let root = Authority::self_signed(&AuthorityRequest {
        common_name: "Root".to_owned(),
        organization: None,
        not_before: Moment::from_unix_seconds(1_000_000_000),
        not_after: Moment::from_unix_seconds(4_000_000_000),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap();
    let (begin, end) = (
        Moment::from_unix_seconds(1_000_000_000),
        Moment::from_unix_seconds(4_000_000_000),
    );
    let leaf = root
        .issue_server(&["gate.localhost".to_owned()], begin, end)
        .unwrap();
    let provider = Arc::new(server_tls::provider());
    let recorder = Arc::new(Recorder::default());
    let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.certificate.der().to_vec().into()],
            leaf.key.der().clone_key(),
        )
        .unwrap();
    server.ticketer = Arc::clone(&recorder) as _;
    let mut roots = RootCertStore::empty();
    roots.add(root.certificate.der().to_vec().into()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("gate.localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut flight = Vec::new();
        client.write_tls(&mut flight).unwrap();
        server.read_tls(&mut flight.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        flight.clear();
        server.write_tls(&mut flight).unwrap();
        client.read_tls(&mut flight.as_slice()).unwrap();
        client.process_new_packets().unwrap();
    }
    let session = recorder.0.lock().unwrap().clone();
    assert!(!session.is_empty());
    session
}

#[test]
fn the_flag_of_an_extended_master_secret_is_where_rustls_writes_it() {
    assert!(is_bound(&real_session(&version::TLS13)));
    let mut session = real_session(&version::TLS12);
    assert!(is_bound(&session));
    // Server name, version, suite, secret of 48 bytes.
    let flag = 2 + "gate.localhost".len() + 2 + 2 + 1 + 48;
    assert_eq!(session[flag], 1);
    session[flag] = 0;
    assert!(!is_bound(&session));
}
