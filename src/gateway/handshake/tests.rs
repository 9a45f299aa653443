//! Resumed handshakes: what an earlier handshake is worth later.

use std::fmt;
use std::io::ErrorKind;
use std::sync::Mutex;
use std::time::Duration;

use rustls::client::{
    ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::server::ProducesTickets;
use rustls::{ClientConfig, NamedGroup, SupportedProtocolVersion, version};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::*;
use crate::domain::command::Command;
use crate::gateway::activity::Activity;
use crate::gateway::deadline;
use crate::gateway::testing::{House, Pki, client_request, now, realm, tls};
use crate::pki::authority::Leaf;
use crate::snapshot::state::SharedHosts;

const ACME: &str = "acme.api2.gate.localhost";
const SHARED: &str = "api2.gate.localhost";
const OUTSIDE: &str = "api.gate.localhost";
const BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];
const MINUTE: Duration = Duration::from_secs(60);

/// A client that keeps its last session, and offers it whatever name it calls.
struct Client {
    config: Arc<ClientConfig>,
    sessions: Arc<LastSession>,
}

#[derive(Default)]
struct LastSession {
    tls12: Mutex<Option<Tls12ClientSessionValue>>,
    tls13: Mutex<Vec<Tls13ClientSessionValue>>,
}

impl fmt::Debug for LastSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LastSession")
    }
}

impl ClientSessionStore for LastSession {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        *self.tls12.lock().unwrap() = Some(value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.tls12.lock().unwrap().clone()
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        *self.tls12.lock().unwrap() = None;
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.tls13.lock().unwrap().push(value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.tls13.lock().unwrap().pop()
    }
}

/// How a handshake went.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Full,
    Resumed,
    /// Both sides finished it, and then the gateway closed.
    Closed,
    /// By this alert.
    Refused(String),
}

impl Client {
    fn new(version: &'static SupportedProtocolVersion, pki: &Pki, leaf: &Leaf) -> Self {
        let sessions = Arc::new(LastSession::default());
        let mut config = tls::client(pki, leaf, version);
        config.resumption = Resumption::store(Arc::clone(&sessions) as _);
        Self {
            config: Arc::new(config),
            sessions,
        }
    }

    fn forget(&self) {
        *self.sessions.tls12.lock().unwrap() = None;
        self.sessions.tls13.lock().unwrap().clear();
    }

    /// Makes one connection.
    async fn calls(&self, house: &House, name: &'static str) -> Outcome {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let worker = &house.worker;
        let gateway = async {
            let (stream, address) = listener.accept().await.unwrap();
            let io = ClientIo::new(stream, Arc::new(Activity::new()), &worker.limits);
            let gateways = GatewaySet::of(Gateway::Mtls).with(Gateway::External);
            let handshake = Box::pin(handshake(
                worker,
                gateways,
                address,
                io,
                deadline::of_handshake(&worker.limits),
            ));
            let mut established = handshake.await?;
            let kind = established.peer.tls.handshake;
            established.stream.write_all(b"k").await.unwrap();
            established.stream.shutdown().await.unwrap();
            Some(kind)
        };
        let client = async {
            let stream = TcpStream::connect(address).await?;
            let connector = TlsConnector::from(Arc::clone(&self.config));
            let name = ServerName::try_from(name).unwrap();
            let mut stream = connector.connect(name, stream).await?;
            let mut told = Vec::new();
            stream.read_to_end(&mut told).await.map(|_| told)
        };
        match tokio::join!(gateway, client) {
            (Some(Handshake::Full), Ok(told)) if told == b"k" => Outcome::Full,
            (Some(Handshake::Resumed), Ok(told)) if told == b"k" => Outcome::Resumed,
            (None, Ok(told)) if told.is_empty() => Outcome::Closed,
            (None, Err(error)) if error.kind() == ErrorKind::UnexpectedEof => Outcome::Closed,
            (None, Err(error)) => Outcome::Refused(error.to_string()),
            other => panic!("{other:?}"),
        }
    }
}

fn acme(house: &House, version: &'static SupportedProtocolVersion) -> Client {
    Client::new(version, &house.acme, &house.acme.leaf)
}

#[tokio::test]
async fn a_session_is_resumed_within_the_hour_and_cannot_prolong_itself() {
    for version in BOTH {
        let house = House::new();
        let client = acme(&house, version);
        for (minutes, expected) in [
            (0, Outcome::Full),
            (0, Outcome::Resumed),
            (59, Outcome::Resumed),
            // With the ticket of the resumed handshake, which is a minute old.
            (60, Outcome::Full),
            (119, Outcome::Resumed),
        ] {
            house.clock.set(now().plus(MINUTE * minutes));
            let outcome = client.calls(&house, ACME).await;
            assert_eq!(outcome, expected, "{version:?} after {minutes} minutes");
        }
        let counters = house.worker.counters.snapshot();
        assert_eq!(
            (counters.handshakes_completed, counters.handshakes_resumed),
            (5, 3)
        );
    }
}

#[tokio::test]
async fn a_session_from_the_future_is_not_resumed() {
    for version in BOTH {
        let house = House::new();
        let client = acme(&house, version);
        assert_eq!(client.calls(&house, ACME).await, Outcome::Full);
        house.clock.set(now().minus(Duration::from_millis(1)));
        assert_eq!(
            client.calls(&house, ACME).await,
            Outcome::Full,
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn a_session_ends_with_the_certificate_that_it_was_made_with() {
    for version in BOTH {
        let house = House::new();
        let leaf = house
            .acme
            .intermediate
            .as_ref()
            .unwrap()
            .issue_client(&client_request("2027-06-01T12:10:00Z"))
            .unwrap();
        for name in [ACME, SHARED] {
            house.clock.set(now());
            let client = Client::new(version, &house.acme, &leaf);
            assert_eq!(client.calls(&house, name).await, Outcome::Full);
            // The last second of a certificate belongs to it.
            house
                .clock
                .set(now().plus(MINUTE * 10).plus(Duration::from_millis(999)));
            assert_eq!(
                client.calls(&house, name).await,
                Outcome::Resumed,
                "{version:?} {name}"
            );
            house
                .clock
                .set(now().plus(MINUTE * 10).plus(Duration::from_secs(1)));
            let Outcome::Refused(alert) = client.calls(&house, name).await else {
                panic!("{version:?} {name} let an expired client in");
            };
            assert!(alert.contains("CertificateExpired"), "{alert}");
        }
    }
}

#[tokio::test]
async fn no_session_outlives_a_change_of_trust() {
    for version in BOTH {
        let mut house = House::new();
        let client = acme(&house, version);
        let suspend = Command::SuspendRealm {
            realm: realm("acme"),
        };
        let resume = Command::ResumeRealm {
            realm: realm("acme"),
        };
        for name in [ACME, SHARED] {
            client.forget();
            assert_eq!(client.calls(&house, name).await, Outcome::Full);
            assert_eq!(client.calls(&house, name).await, Outcome::Resumed);
            house.change(&suspend);
            house.change(&resume);
            assert_eq!(
                client.calls(&house, name).await,
                Outcome::Full,
                "{version:?} {name}"
            );
            house.uninstall("acme");
            house.install("acme");
            assert_eq!(
                client.calls(&house, name).await,
                Outcome::Full,
                "{version:?} {name}"
            );
            assert_eq!(client.calls(&house, name).await, Outcome::Resumed);
        }
    }
}

#[tokio::test]
async fn what_changes_no_trust_ends_no_session() {
    let mut house = House::new();
    let client = acme(&house, &version::TLS13);
    assert_eq!(client.calls(&house, ACME).await, Outcome::Full);
    let other = Client::new(&version::TLS13, &house.acme, &house.acme.leaf);
    assert_eq!(other.calls(&house, OUTSIDE).await, Outcome::Full);
    // Another realm's change is nobody else's news, but on the shared host of the mtls gateway.
    house.uninstall("globex");
    house.change(&Command::CreateRealm {
        realm: realm("initech"),
    });
    assert_eq!(client.calls(&house, ACME).await, Outcome::Resumed);
    assert_eq!(other.calls(&house, OUTSIDE).await, Outcome::Resumed);
}

/// Puts another configuration to work on the shared host of the mtls gateway.
fn on_the_shared_host(house: &House, change: impl FnOnce(&mut ServerConfig)) {
    let mut snapshot = Snapshot::clone(&house.worker.live.load());
    let present = Arc::clone(&snapshot.shared.prod);
    snapshot.shared.prod = Arc::new(SharedHosts {
        external: Arc::clone(&present.external),
        internal: Arc::clone(&present.internal),
        mtls: present.mtls.changed(change),
        trust: Arc::clone(&present.trust),
        epoch: present.epoch.clone(),
    });
    house.worker.live.publish(Arc::new(snapshot), &[]);
}

#[tokio::test]
async fn the_chain_of_a_resumed_session_is_judged_again_before_anything_is_served() {
    for version in BOTH {
        let mut house = House::new();
        let client = acme(&house, version);
        assert_eq!(client.calls(&house, SHARED).await, Outcome::Full);
        let old = Arc::clone(&house.worker.live.load().shared.prod.mtls.config().ticketer);
        house.uninstall("acme");
        // As if the keys had not been changed with the epoch: the other line of defence must hold alone.
        on_the_shared_host(&house, |config| config.ticketer = old);
        assert_eq!(
            client.calls(&house, SHARED).await,
            Outcome::Closed,
            "{version:?}"
        );
        let refused = house.worker.counters.snapshot().refused;
        assert!(refused.contains(&(Reason::UnknownIssuer, 1)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_session_without_a_chain_is_never_served_on_the_mtls_gateway() {
    for version in BOTH {
        let house = House::new();
        let client = acme(&house, version);
        let keys: Arc<dyn ProducesTickets> = aws_lc_rs::Ticketer::new().unwrap();
        // As if one ticketer served two gateways, under one name.
        let mtls = Arc::clone(house.worker.live.load().shared.prod.mtls.config());
        let regular = Arc::clone(&house.worker.live.load().shared.prod.external);
        on_the_shared_host(&house, |config| config.clone_from(&regular));
        on_the_shared_host(&house, |config| config.ticketer = Arc::clone(&keys));
        let stream = client.calls(&house, SHARED).await;
        assert_eq!(
            stream,
            Outcome::Closed,
            "{version:?}: no certificate was asked for"
        );
        on_the_shared_host(&house, |config| config.clone_from(&mtls));
        on_the_shared_host(&house, |config| config.ticketer = keys);
        assert_eq!(
            client.calls(&house, SHARED).await,
            Outcome::Closed,
            "{version:?}"
        );
        let refused = house.worker.counters.snapshot().refused;
        assert!(refused.contains(&(Reason::ProtocolError, 2)), "{refused:?}");
    }
}
