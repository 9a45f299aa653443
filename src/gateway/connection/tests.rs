//! Calls in flight while whom they were let in for changes.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

use super::*;
use crate::clock::Stopwatch;
use crate::domain::command::Command;
use crate::gateway::testing::{
    House, Like, Visit, client_request, fed, now, realm, service, upstream,
};

const TICKER: &str = "/pipeline/acme/v1/ticker";

/// A connection that the driver serves.
fn driven(visit: &Visit) -> (DuplexStream, JoinHandle<()>) {
    driven_through(visit, None)
}

/// The same, on a host whose epoch moves.
fn driven_through(
    visit: &Visit,
    epoch: Option<watch::Receiver<u64>>,
) -> (DuplexStream, JoinHandle<()>) {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let (worker, peer) = (Arc::clone(&visit.worker), Arc::clone(&visit.peer));
    let served = tokio::spawn(async move {
        let activity = Arc::new(Activity::new());
        activity.handshake_done();
        let (_stop, shutdown) = watch::channel(false);
        let mut watching = Watching {
            worker: &worker,
            peer: &peer,
            activity: &activity,
            epoch,
            held: Held::begin(&worker, &peer),
            shutdown,
        };
        serve(&mut watching, server).await;
    });
    (client, served)
}

/// A service whose answer never ends: `piece` again and again.
async fn ticker(piece: &'static [u8], every: Duration) -> String {
    service(move |_: Request<Incoming>| async move {
        let (feeder, body) = fed();
        tokio::spawn(async move {
            while feeder
                .send(Frame::data(Bytes::from_static(piece)))
                .await
                .is_ok()
            {
                tokio::time::sleep(every).await;
            }
        });
        Response::new(body)
    })
    .await
}

/// A house whose acme and globex stream from a service.
async fn house(limits: GatewayLimits, piece: &'static [u8], every: Duration) -> House {
    let mut house = House::with_limits(limits);
    let url = ticker(piece, every).await;
    for name in ["acme", "globex"] {
        house.target_of(name, &url);
        house.pipeline(name, "ticker", Like::everywhere(upstream()));
    }
    house
}

async fn over_http2(visit: &Visit, window: Option<u32>) -> SendRequest<Full<Bytes>> {
    let (client, _) = driven(visit);
    let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(window);
    let (sender, connection) = builder.handshake(TokioIo::new(client)).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    sender
}

async fn call(
    sender: &mut SendRequest<Full<Bytes>>,
    visit: &Visit,
    path: &str,
) -> Response<Incoming> {
    let uri = format!("https://{}{path}", visit.peer.host);
    sender
        .send_request(Request::get(uri).body(Full::default()).unwrap())
        .await
        .unwrap()
}

/// Reads until the answer breaks off; how long that took.
async fn broken_off(mut body: Incoming) -> Duration {
    let begun = Stopwatch::start();
    let limit = Duration::from_secs(10);
    while let Some(read) = tokio::time::timeout(limit, body.frame()).await.unwrap() {
        if read.is_err() {
            return begun.elapsed();
        }
    }
    panic!("the answer ended well");
}

const SOON: Duration = Duration::from_millis(1500);

#[tokio::test]
async fn on_the_shared_host_only_the_calls_of_the_realm_that_lost_its_anchor_are_cut() {
    let mut house = house(GatewayLimits::default(), b"tick", Duration::from_millis(20)).await;
    // One client that both realms trust.
    let root = house.acme.root.certificate.clone();
    house.install_as("globex", "dgb-mtls-partner", root);
    let visit = house.at_the_shared_host(&house.acme).over_http2();
    let mut sender = over_http2(&visit, None).await;
    let acme = call(&mut sender, &visit, TICKER).await;
    let globex = call(&mut sender, &visit, "/pipeline/globex/v1/ticker").await;
    assert_eq!(
        (acme.status().as_u16(), globex.status().as_u16()),
        (200, 200)
    );
    house.uninstall("acme");
    assert!(broken_off(acme.into_body()).await < SOON);
    let mut rest = globex.into_body();
    for _ in 0..10 {
        rest.frame().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn changes_of_other_realms_do_not_put_off_the_cut() {
    let mut house = house(GatewayLimits::default(), b"tick", Duration::from_millis(20)).await;
    let visit = house.at_the_shared_host(&house.acme);
    let (moves, epoch) = watch::channel(0);
    let (mut client, served) = driven_through(&visit, Some(epoch));
    let head = format!("GET {TICKER} HTTP/1.1\r\nHost: {}\r\n\r\n", visit.peer.host);
    client.write_all(head.as_bytes()).await.unwrap();
    assert!(client.read(&mut [0; 1024]).await.unwrap() > 0);
    house.uninstall("acme");
    let begun = Stopwatch::start();
    // As on a shared host, where the epoch moves with every realm's anchors.
    let changing = tokio::spawn(async move {
        loop {
            moves.send_modify(|epoch| *epoch += 1);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let reading = tokio::spawn(async move {
        let mut scratch = [0; 1024];
        while client.read(&mut scratch).await.is_ok_and(|read| read > 0) {}
    });
    tokio::time::timeout(Duration::from_secs(5), served)
        .await
        .unwrap()
        .unwrap();
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    changing.abort();
    reading.await.unwrap();
}

#[tokio::test]
async fn on_a_regular_gateway_the_calls_of_a_suspended_realm_are_cut() {
    for http2 in [false, true] {
        let mut house = house(GatewayLimits::default(), b"tick", Duration::from_millis(20)).await;
        let suspend = Command::SuspendRealm {
            realm: realm("acme"),
        };
        if http2 {
            let visit = house.outside().over_http2();
            let mut sender = over_http2(&visit, None).await;
            let answer = call(&mut sender, &visit, TICKER).await;
            house.change(&suspend);
            assert!(broken_off(answer.into_body()).await < SOON);
        } else {
            let (mut client, served) = driven(&house.outside());
            let head = format!("GET {TICKER} HTTP/1.1\r\nHost: api.gate.localhost\r\n\r\n");
            client.write_all(head.as_bytes()).await.unwrap();
            client.read_u8().await.unwrap();
            house.change(&suspend);
            let mut rest = Vec::new();
            tokio::time::timeout(SOON, client.read_to_end(&mut rest))
                .await
                .unwrap()
                .unwrap();
            assert!(!rest.ends_with(b"0\r\n\r\n"));
            served.await.unwrap();
        }
        assert_eq!(house.records()[0]["reason"], "not-found");
    }
}

#[tokio::test]
async fn a_call_that_still_waits_for_its_answer_is_refused() {
    let mut house = House::new();
    let silent = service(|_: Request<Incoming>| std::future::pending::<Response<Full<Bytes>>>());
    house.target(&silent.await);
    house.pipeline("acme", "ticker", Like::everywhere(upstream()));
    let visit = house.acme_at_home().over_http2();
    let mut sender = over_http2(&visit, None).await;
    let asked = sender.send_request(
        Request::get(format!("https://{}{TICKER}", visit.peer.host))
            .body(Full::default())
            .unwrap(),
    );
    let answer = tokio::spawn(asked);
    while visit.peer.in_flight().is_empty() {
        tokio::task::yield_now().await;
    }
    house.change(&Command::SuspendRealm {
        realm: realm("acme"),
    });
    let answer = tokio::time::timeout(SOON, answer).await.unwrap().unwrap();
    assert_eq!(answer.unwrap().status(), 403);
    assert_eq!(house.records()[0]["reason"], "realm-closed");
}

#[tokio::test]
async fn a_call_ends_with_the_certificate_of_its_client() {
    let house = house(GatewayLimits::default(), b"tick", Duration::from_millis(20)).await;
    let issuer = house.acme.intermediate.as_ref().unwrap();
    let leaf = issuer
        .issue_client(&client_request("2027-06-01T13:00:00Z"))
        .unwrap();
    let visit = house.at_home("acme", &house.acme, &leaf).over_http2();
    let mut sender = over_http2(&visit, None).await;
    let answer = call(&mut sender, &visit, TICKER).await;
    house.clock.set(now().plus(Duration::from_secs(3601)));
    assert!(broken_off(answer.into_body()).await < SOON);
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up_with_its_upstream_connection() {
    let limits = GatewayLimits {
        body_idle_timeout_ms: 300,
        ..GatewayLimits::default()
    };
    let house = house(limits, &[b'x'; 16_384], Duration::ZERO).await;
    let visit = house.acme_at_home().over_http2();
    for window in [Some(0), None] {
        let mut sender = over_http2(&visit, window).await;
        let answer = call(&mut sender, &visit, TICKER).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(house.worker.pools.open(), 1, "{window:?}");
        let given_back = async {
            while house.worker.pools.open() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(SOON, given_back).await.unwrap();
        assert!(visit.peer.in_flight().is_empty());
        drop(answer);
    }
    assert_eq!(house.records()[0]["reason"], "timeout");
}
