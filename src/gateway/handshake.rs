//! The TLS handshake: which realm is this, and who is the client.
//!
//! The server name of rustls's own parse of the ClientHello chooses the one configuration that can answer. There is no
//! other: an unknown or missing name ends the handshake, so that nobody is let in on another name's evidence.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::server::{Acceptor, ServerConnection};
use rustls::{HandshakeKind, ServerConfig};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use crate::clock::Moment;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::name::RealmName;
use crate::domain::refusal::PresentedChain;
use crate::flaw::{Flaw, planted};
use crate::gateway::client_io::ClientIo;
use crate::gateway::explained::Explained;
use crate::gateway::listener::GatewaySet;
use crate::gateway::peer::{Peer, PeerPlace, Protocol, TlsFacts};
use crate::gateway::refused::{self, Caller, Why};
use crate::gateway::seen;
use crate::gateway::worker::Worker;
use crate::snapshot::realm::Standing;
use crate::snapshot::state::Snapshot;
use crate::snapshot::verifier::{self, Gatekeeper, Observed};
use crate::telemetry::counters::Handshake;
use crate::trust::judge::{Distrust, Verified};
use crate::trust::reason::Reason;

/// A fatal `unrecognized_name` alert (RFC 8446 §6.2), as a whole record.
const UNRECOGNIZED_NAME: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 0x70];

/// What a client gets that speaks plain HTTP to a TLS port.
const PLAIN_HTTP: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\
Content-Length: 56\r\n\r\nThis port speaks HTTPS: begin the address with https://\n";

/// A connection whose handshake is done.
pub(crate) struct Established {
    /// In a box of its own, since HTTP is made around it again and again.
    pub(crate) stream: Box<TlsStream<ClientIo>>,
    pub(crate) peer: Arc<Peer>,
    /// Wakes when whom the connection's host lets in changes; regular gateways have none.
    pub(crate) epoch: Option<watch::Receiver<u64>>,
}

/// What a server name leads to, at this moment.
struct Chosen {
    place: PeerPlace,
    tls: Arc<ServerConfig>,
    /// Who decides on its clients, on the mtls gateway.
    gatekeeper: Option<Arc<Gatekeeper>>,
    epoch: Option<(u64, watch::Receiver<u64>)>,
}

/// Takes a connection through its handshake. `None` where it was refused: the client was told by an alert, and the
/// refusal is recorded.
pub(crate) async fn handshake(
    worker: &Arc<Worker>,
    gateways: GatewaySet,
    address: SocketAddr,
    io: ClientIo,
    deadline: Instant,
) -> Option<Established> {
    let start = hello(worker, gateways, address, io, deadline).await?;
    let name = start
        .client_hello()
        .server_name()
        .map(|name| lower_case(name).into_owned());
    let Some(name) = name else {
        turn_away(
            worker,
            start,
            gateways.first(),
            address,
            None,
            Reason::NoName,
        )
        .await;
        return None;
    };
    if let Some(barred) = barred(worker, gateways, &name, address) {
        let reason = Reason::NetworkRule;
        turn_away(worker, start, barred, address, Some(&name), reason).await;
        return None;
    }
    // The snapshot is asked once, and not held while the client takes its time.
    let mut choice = choose(&worker.live.load(), gateways, &name);
    if (planted(Flaw::Names) && choice.is_err())
        || (planted(Flaw::SplitHello) && start.io.reads() > 1)
    {
        choice = Ok(unasked(&worker.live.load()));
    }
    let chosen = match choice {
        Ok(chosen) => chosen,
        Err(reason) => {
            let gateway = worker
                .live
                .load()
                .names
                .locate(&name)
                .map_or_else(|| gateways.first(), |place| place.gateway);
            turn_away(worker, start, gateway, address, Some(&name), reason).await;
            return None;
        }
    };
    finish(worker, start, chosen, address, name, deadline).await
}

/// Reads the ClientHello.
async fn hello(
    worker: &Worker,
    gateways: GatewaySet,
    address: SocketAddr,
    io: ClientIo,
    deadline: Instant,
) -> Option<StartHandshake<ClientIo>> {
    let mut acceptor = LazyConfigAcceptor::new(Acceptor::default(), io);
    let outcome = timeout_at(deadline, &mut acceptor).await;
    let io = acceptor.take_io();
    let why = match outcome {
        Ok(Ok(start)) => return Some(start),
        Ok(Err(error)) => match &io {
            Some(io) if io.speaks_text() => Some(Why::plainly(Reason::PlainHttp)),
            Some(_) | None => Why::of_handshake(&error, Observed::default()),
        },
        // A client that says nothing (a health check, a browser's spare connection) is nobody's news.
        Err(_) => io
            .as_ref()
            .is_some_and(ClientIo::said_something)
            .then(|| Why::plainly(Reason::HandshakeTimeout)),
    };
    if let Some(why) = why {
        let plain = why.reason == Reason::PlainHttp;
        refused::before_a_name(worker, gateways, address, why);
        if let Some(mut io) = io {
            if plain {
                let _ = io.write_plainly(PLAIN_HTTP).await;
            }
            let _ = io.shutdown().await;
        }
    }
    None
}

/// What `name` leads to. A realm without installation, and one that is not there, are unknown names alike.
fn choose(snapshot: &Snapshot, gateways: GatewaySet, name: &str) -> Result<Chosen, Reason> {
    let place = snapshot
        .names
        .locate(name)
        .filter(|place| gateways.has(place.gateway))
        .ok_or(Reason::UnknownName)?;
    let (gateway, environment) = (place.gateway, place.environment);
    let shared = snapshot.shared.get(environment);
    let Some(label) = place.realm else {
        let demands = gateway == Gateway::Mtls;
        return Ok(Chosen {
            place: PeerPlace::Shared {
                gateway,
                environment,
            },
            tls: Arc::clone(shared.tls(gateway)),
            gatekeeper: demands.then(|| Arc::clone(&shared.mtls.gatekeeper)),
            epoch: demands.then(|| (shared.epoch.number(), shared.epoch.watch())),
        });
    };
    let realm = snapshot.realms.get(label).ok_or(Reason::UnknownName)?;
    match realm.standing {
        Standing::Open => {}
        Standing::Suspended | Standing::Closed { .. } => return Err(Reason::RealmClosed),
    }
    let own = realm.environments.get(environment);
    let endpoint = own.mtls.as_ref().ok_or(Reason::UnknownName)?;
    Ok(Chosen {
        place: PeerPlace::Realm {
            environment,
            realm: realm.name.clone(),
        },
        tls: Arc::clone(endpoint.tls.config()),
        gatekeeper: Some(Arc::clone(&endpoint.tls.gatekeeper)),
        epoch: Some((own.epoch.number(), own.epoch.watch())),
    })
}

/// The gateway that `name` leads to, where its network rule keeps `address` out.
fn barred(
    worker: &Worker,
    gateways: GatewaySet,
    name: &str,
    address: SocketAddr,
) -> Option<Gateway> {
    let gateway = worker.live.load().names.locate(name)?.gateway;
    (gateways.has(gateway) && !worker.network.admits(gateway, address.ip())).then_some(gateway)
}

/// A configuration that asks for no certificate. Nothing but a flaw leads here.
fn unasked(snapshot: &Snapshot) -> Chosen {
    let (gateway, environment) = (Gateway::External, Environment::Prod);
    Chosen {
        place: PeerPlace::Shared {
            gateway,
            environment,
        },
        tls: Arc::clone(snapshot.shared.get(environment).tls(gateway)),
        gatekeeper: None,
        epoch: None,
    }
}

/// The second half: our certificate, the client's, the keys.
async fn finish(
    worker: &Worker,
    start: StartHandshake<ClientIo>,
    chosen: Chosen,
    address: SocketAddr,
    name: String,
    deadline: Instant,
) -> Option<Established> {
    let Chosen {
        place,
        tls,
        gatekeeper,
        epoch,
    } = chosen;
    let buffer = usize::try_from(worker.limits.tls_buffer_bytes_max).unwrap_or(usize::MAX);
    // All of it in the future: rustls opens a ticket as soon as it has the configuration.
    let accept = async move {
        start
            .into_stream_with(tls, |connection| connection.set_buffer_limit(Some(buffer)))
            .into_fallible()
            .await
    };
    let (outcome, observed) = verifier::observe(timeout_at(deadline, accept)).await;
    let (gateway, environment, realm) = match &place {
        PeerPlace::Shared {
            gateway,
            environment,
        } => (*gateway, *environment, None),
        PeerPlace::Realm { environment, realm } => {
            (Gateway::Mtls, *environment, Some(realm.clone()))
        }
    };
    let caller = |realm| Caller {
        address,
        gateway,
        environment: Some(environment),
        realm,
        server_name: Some(&name),
    };
    let mut stream = match outcome {
        Ok(Ok(stream)) => stream,
        Ok(Err((error, mut io))) => {
            if let Some(why) = Why::of_handshake(&error, observed) {
                refused::record(worker, caller(realm), why);
            }
            let _ = io.shutdown().await;
            return None;
        }
        Err(_) => {
            refused::record(
                worker,
                caller(realm),
                Why::plainly(Reason::HandshakeTimeout),
            );
            return None;
        }
    };
    let (_, connection) = stream.get_ref();
    let kind = kind(connection);
    let now = worker.clock.now();
    let judged = match evidence(gatekeeper.as_deref(), connection, observed, now) {
        Ok(judged) => judged,
        Err(why) => {
            refused::record(worker, caller(realm), why);
            let _ = stream.shutdown().await;
            return None;
        }
    };
    let protocol = if connection.alpn_protocol() == Some(b"h2") {
        Protocol::H2
    } else {
        Protocol::H1
    };
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
        Some(_) | None => "TLSv1.3",
    };
    let (number, epoch) = epoch.map_or((0, None), |(number, watch)| (number, Some(watch)));
    let tls = TlsFacts {
        version,
        protocol,
        handshake: kind,
    };
    let host: Arc<str> = name.as_str().into();
    let peer = match judged {
        Judged::LetIn(client) => {
            worker.counters.handshake_completed(kind);
            Peer::new(place, host, address, tls, client, number)
        }
        // Refused for all but the client's own eyes: no handshake that succeeded, and a record of its own.
        Judged::LetOn(distrust, chain) => {
            let explained = Explained::of(&distrust, now);
            refused::record(worker, caller(realm), Why::of_distrust(distrust, chain));
            Peer::refused(place, host, address, tls, explained, number)
        }
    };
    seen::connected(worker, &peer, now);
    Some(Established {
        stream: Box::new(stream),
        peer: Arc::new(peer),
        epoch,
    })
}

/// What a completed handshake is worth.
enum Judged {
    /// The client is served; who it is, on the mtls gateway.
    LetIn(Option<Arc<Verified>>),
    /// The client is told why it is not served.
    LetOn(Distrust, Option<PresentedChain>),
}

fn kind(connection: &ServerConnection) -> Handshake {
    match connection.handshake_kind() {
        Some(HandshakeKind::Resumed) => Handshake::Resumed,
        Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest) | None => {
            Handshake::Full
        }
    }
}

/// Who the client is. With a gatekeeper nobody is served without evidence, and without one nobody with it.
///
/// The verifier was not asked for a resumed session: its chain proves nothing before it is judged again.
fn evidence(
    gatekeeper: Option<&Gatekeeper>,
    connection: &ServerConnection,
    observed: Observed,
    now: Moment,
) -> Result<Judged, Why> {
    let chain = connection.peer_certificates();
    let explains = gatekeeper.is_some_and(Gatekeeper::explains);
    match (gatekeeper, kind(connection), observed.verdict, chain) {
        (Some(_), Handshake::Full, Some(Ok(verified)), Some(_)) => {
            Ok(Judged::LetIn(Some(Arc::new(verified))))
        }
        (Some(_), Handshake::Full, Some(Err(distrust)), Some(_)) if explains => {
            Ok(Judged::LetOn(distrust, observed.shown))
        }
        (Some(_), Handshake::Full, None, None) if explains => {
            Ok(Judged::LetOn(showed_nothing(), None))
        }
        (Some(gatekeeper), Handshake::Resumed, None, Some(chain)) => gatekeeper
            .judge(chain, now)
            .map(|verified| Judged::LetIn(Some(Arc::new(verified))))
            .map_err(|distrust| {
                let shown = PresentedChain::of(chain.iter().map(AsRef::as_ref));
                Why::of_distrust(distrust, shown)
            }),
        (None, Handshake::Full | Handshake::Resumed, None, None) => Ok(Judged::LetIn(None)),
        (Some(_) | None, Handshake::Full | Handshake::Resumed, _, _) => {
            Err(Why::plainly(Reason::ProtocolError))
        }
    }
}

fn showed_nothing() -> Distrust {
    Distrust {
        reason: Reason::NoCertificate,
        detail: "The client showed no certificate.".to_owned(),
        leaf: None,
    }
}

/// Ends a handshake whose name leads nowhere.
async fn turn_away(
    worker: &Worker,
    start: StartHandshake<ClientIo>,
    gateway: Gateway,
    address: SocketAddr,
    name: Option<&str>,
    reason: Reason,
) {
    let place = worker.live.load();
    let located = name.and_then(|name| place.names.locate(name));
    let environment: Option<Environment> = located.map(|located| located.environment);
    // Only a realm that is there gets a record of its own; made-up names would fill the journal.
    let known = |label: &str| place.realms.get(label).map(|realm| realm.name.clone());
    let realm: Option<RealmName> = located.and_then(|located| located.realm).and_then(known);
    drop(place);
    refused::record(
        worker,
        Caller {
            address,
            gateway,
            environment,
            realm,
            server_name: name,
        },
        Why::plainly(reason),
    );
    // Whom a network rule keeps out gets no answer at all.
    if reason == Reason::NetworkRule {
        return;
    }
    let mut io = start.io;
    let told: io::Result<()> = io.write_all(&UNRECOGNIZED_NAME).await;
    if told.is_ok() {
        let _ = io.shutdown().await;
    }
}

fn lower_case(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests;
