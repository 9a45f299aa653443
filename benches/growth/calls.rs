//! Calls over a growing number of routes: the search for the route alone, and whole calls over a stream in memory.

use std::convert::Infallible;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use realmgate::gateway::exchange;
use realmgate::gateway::limits::GatewayLimits;
use realmgate::gateway::peer::{Peer, PeerPlace, Protocol, TlsFacts};
use realmgate::gateway::request_id::RequestIds;
use realmgate::gateway::worker::{Chores, Worker};
use realmgate::outbound::guard::OutgoingGuard;
use realmgate::outbound::limits::OutboundLimits;
use realmgate::outbound::pool::Pools;
use realmgate::snapshot::live::Live;
use realmgate::telemetry::access::AccessLog;
use realmgate::telemetry::counters::Handshake;
use realmgate::trust::judge;
use realmgate::trust::limits::TrustLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::handshake::ENVIRONMENT;
use crate::meter;
use crate::world::{self, OURS, OWN_HOST, World};

/// Calls are cheap, and no two take quite the same number of instructions: so many more are made.
const MORE: u32 = 100;

/// Measures our realm's pipelines with so many routes.
pub fn routes(world: &World, number: usize, rounds: u32) {
    let (pool, rounds) = (&world.pool, rounds * MORE);
    let mut realm = world.realm(OURS, &pool.namesakes[..1]);
    world.deploy(&mut realm, number);
    let live = Arc::new(world.live([realm]));
    let deployed = number.div_ceil(10);
    // The one in the middle, by its own path.
    let path = format!("/pipeline/{OURS}/v1/{}", world::pipeline(deployed / 2));
    meter::measure("route", number, rounds, 2, || {
        meter::step(|| {
            let snapshot = live.load();
            let realm = snapshot.realm(black_box(OURS), ENVIRONMENT).unwrap();
            assert!(black_box(realm.routes.find(&path)).is_some());
        });
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // All calls are one step of the runtime, which would have them yield.
    let calls = whole_calls(world, &live, &path, number, rounds);
    runtime.block_on(tokio::task::unconstrained(calls));
}

async fn whole_calls(world: &World, live: &Arc<Live>, path: &str, number: usize, rounds: u32) {
    let head = format!("GET {path} HTTP/1.1\r\nhost: {OWN_HOST}\r\naccept: */*\r\n\r\n");
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let mut connection = connection(&worker(world, live), &peer(world, live), server);
    let mut connection = Pin::new(&mut connection);
    let mut waker = Context::from_waker(std::task::Waker::noop());
    let mut answer = [0; 4096];
    // One reading and one writing each: nothing in it waits for anything but the client.
    meter::measure("call", number, rounds, 10, || {
        let written = block_ready(client.write_all(head.as_bytes()));
        written.unwrap();
        meter::step(|| assert!(connection.as_mut().poll(&mut waker).is_pending()));
        let bytes = block_ready(client.read(&mut answer)).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{number} routes");
        assert!(answer[..bytes].ends_with(b"}"), "it came in one piece");
    });
}

/// What is ready at once.
fn block_ready<T>(future: impl Future<Output = T>) -> T {
    let future = std::pin::pin!(future);
    match future.poll(&mut Context::from_waker(std::task::Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the other side was to be ready"),
    }
}

type Connection = Pin<Box<dyn Future<Output = ()>>>;

/// Serves HTTP/1.1 by the gateway's own `exchange`.
fn connection(worker: &Arc<Worker>, peer: &Arc<Peer>, stream: DuplexStream) -> Connection {
    let (worker, peer) = (Arc::clone(worker), Arc::clone(peer));
    let service = service_fn(move |request: Request<Incoming>| {
        let (worker, peer) = (Arc::clone(&worker), Arc::clone(&peer));
        async move { Ok::<_, Infallible>(exchange::serve(&worker, &peer, request).await) }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    Box::pin(async move { connection.await.unwrap() })
}

fn worker(world: &World, live: &Arc<Live>) -> Arc<Worker> {
    let guard = OutgoingGuard::new(Vec::new(), Vec::new());
    Arc::new(Worker {
        live: Arc::clone(live),
        clock: world.clock.clone(),
        access: Arc::new(AccessLog::off()),
        journal: Arc::default(),
        clients_seen: Arc::default(),
        counters: Arc::default(),
        open: Arc::default(),
        cuts: Arc::default(),
        pools: Pools::new(OutboundLimits::default(), guard, NonZeroUsize::MIN),
        limits: GatewayLimits::default(),
        network: Arc::default(),
        ids: RequestIds::default(),
        chores: Chores::default(),
    })
}

/// A connection of our realm's client to its own host, after the handshake.
fn peer(world: &World, live: &Live) -> Arc<Peer> {
    let snapshot = live.load();
    let ours = snapshot.realm(OURS, ENVIRONMENT).unwrap();
    let trust = &ours.mtls.as_ref().unwrap().trust;
    let chain = &world.pool.identified;
    let client = judge::judge(trust, chain, world.now, &TrustLimits::default()).unwrap();
    let place = PeerPlace::Realm {
        environment: ENVIRONMENT,
        realm: world::realm_name(OURS),
    };
    let tls = TlsFacts {
        version: "TLSv1.3",
        protocol: Protocol::H1,
        handshake: Handshake::Full,
    };
    let address = "192.0.2.7:40000".parse().unwrap();
    let (client, epoch) = (Some(Arc::new(client)), ours.epoch.number());
    Arc::new(Peer::new(
        place,
        OWN_HOST.into(),
        address,
        tls,
        client,
        epoch,
    ))
}
