//! Which connection a call gets, and what becomes of it.

use std::num::NonZeroUsize;
use std::sync::Arc;

use http::Response;
use http_body_util::BodyExt;
use tokio::io::AsyncReadExt;
use tokio::sync::{Barrier, Notify};
use tokio::time::timeout;

use crate::outbound::error::{Bound, OutboundError};
use crate::outbound::guard::{Forbidden, OutgoingGuard};
use crate::outbound::limits::OutboundLimits;
use crate::outbound::pool::Pools;
use crate::outbound::upstream::{
    ANSWER, Given, SOON, call, empty, fetch, listen, pools, read, read_head, request, serve,
    target, text, until, write,
};

fn answer(number: usize) -> Response<Given> {
    Response::new(text(["first", "second", "third", "later"][number.min(3)]))
}

#[tokio::test]
async fn uses_a_connection_again_once_its_answer_was_read() {
    let address = serve(|_, number| async move { answer(number) }).await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    for _ in 0..3 {
        assert_eq!(
            fetch(&pools, &target, request("GET", "/", empty())).await,
            "first"
        );
    }
    let posted = fetch(&pools, &target, request("POST", "/", text("body"))).await;
    assert_eq!(
        (posted.as_str(), pools.open(), pools.idle()),
        ("first", 1, 1)
    );
}

#[tokio::test]
async fn uses_a_connection_again_after_answers_without_body() {
    let address = listen(async |mut stream, number| {
        for status in ["204 No Content", "304 Not Modified", "200 OK"] {
            read_head(&mut stream).await;
            let length = if status.starts_with('2') { 0 } else { 7 };
            let length = if status == "200 OK" { 7 } else { length };
            let field = if length > 0 {
                "content-length: 7\r\n"
            } else {
                ""
            };
            write(
                &mut stream,
                &format!("HTTP/1.1 {status}\r\n{field}number: {number}\r\n\r\n"),
            )
            .await;
        }
        read_head(&mut stream).await;
        write(&mut stream, ANSWER).await;
    })
    .await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    for (method, status) in [("GET", 204), ("GET", 304), ("HEAD", 200)] {
        let answer = call(&pools, &target, request(method, "/", empty()))
            .await
            .unwrap();
        assert_eq!((answer.status().as_u16(), pools.idle()), (status, 1));
        assert_eq!(answer.headers()["number"], "0");
        assert_eq!(read(answer).await.unwrap(), "");
    }
    assert_eq!(
        fetch(&pools, &target, request("GET", "/", empty())).await,
        "ok"
    );
}

#[tokio::test]
async fn never_shares_a_connection_between_targets() {
    let address = serve(|_, number| async move { answer(number) }).await;
    let pools = pools(OutboundLimits::default());
    let (one, other) = (target(address), target(address));
    assert_eq!(
        fetch(&pools, &one, request("GET", "/", empty())).await,
        "first"
    );
    assert_eq!(
        fetch(&pools, &other, request("GET", "/", empty())).await,
        "second"
    );
    assert_eq!(
        fetch(&pools, &one, request("GET", "/", empty())).await,
        "first"
    );
}

#[tokio::test]
async fn does_not_keep_a_connection_that_the_upstream_closes() {
    for head in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nok",
        "HTTP/1.0 200 OK\r\n\r\nok",
    ] {
        let address = listen(async move |mut stream, _| {
            read_head(&mut stream).await;
            write(&mut stream, head).await;
        })
        .await;
        let (pools, target) = (pools(OutboundLimits::default()), target(address));
        assert_eq!(
            fetch(&pools, &target, request("GET", "/", empty())).await,
            "ok"
        );
        until("the connection is closed", || pools.open() == 0).await;
    }
}

#[tokio::test]
async fn keeps_no_more_idle_connections_than_allowed() {
    let together = Arc::new(Barrier::new(100));
    let address = serve({
        let together = Arc::clone(&together);
        move |_, _| {
            let together = Arc::clone(&together);
            async move {
                together.wait().await;
                Response::new(text("ok"))
            }
        }
    })
    .await;
    let mut target = target(address);
    target.limits.idle_connections_max = 7;
    let (pools, target) = (pools(OutboundLimits::default()), Arc::new(target));
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (pools, target) = (pools.clone(), Arc::clone(&target));
            tokio::spawn(async move { fetch(&pools, &target, request("GET", "/", empty())).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), "ok");
    }
    assert_eq!(pools.idle(), 7);
    until("the others are closed", || pools.open() == 7).await;
}

#[tokio::test]
async fn closes_what_was_idle_for_too_long() {
    let address = serve(|_, number| async move { answer(number) }).await;
    let mut target = target(address);
    target.limits.idle_timeout_ms = 1_500;
    let pools = pools(OutboundLimits::default());
    pools.shard().sweep(10);
    fetch(&pools, &target, request("GET", "/", empty())).await;
    for (second, idle) in [(11, 1), (12, 1), (13, 0)] {
        pools.shard().sweep(second);
        assert_eq!(pools.idle(), idle, "at second {second}");
    }
    until("the connection is closed", || pools.open() == 0).await;
    assert_eq!(
        fetch(&pools, &target, request("GET", "/", empty())).await,
        "second"
    );
}

#[tokio::test]
async fn sweeps_each_second_until_the_pools_are_gone() {
    let address = serve(|_, number| async move { answer(number) }).await;
    let mut target = target(address);
    target.limits.idle_timeout_ms = 1;
    let pools = pools(OutboundLimits::default());
    let sweeper = tokio::spawn(pools.sweeper());
    fetch(&pools, &target, request("GET", "/", empty())).await;
    until("the connection is swept", || {
        pools.idle() == 0 && pools.open() == 0
    })
    .await;
    drop(pools);
    timeout(SOON, sweeper)
        .await
        .expect("the sweeper goes on")
        .unwrap();
}

#[tokio::test]
async fn a_dropped_answer_cuts_its_connection() {
    let address = listen(async |mut stream, _| {
        read_head(&mut stream).await;
        write(
            &mut stream,
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok",
        )
        .await;
        // Until we are cut.
        let _ = stream.read_u8().await;
    })
    .await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    let answer = call(&pools, &target, request("GET", "/", empty()))
        .await
        .unwrap();
    assert_eq!(pools.open(), 1);
    let mut body = answer.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    until("the connection is cut", || pools.open() == 0).await;
    assert_eq!(pools.idle(), 0);
}

#[tokio::test]
async fn a_dropped_call_cuts_its_connection() {
    let asked = Arc::new(Notify::new());
    let address = listen({
        let asked = Arc::clone(&asked);
        move |mut stream, _| {
            let asked = Arc::clone(&asked);
            async move {
                read_head(&mut stream).await;
                asked.notify_one();
                let _ = stream.read_u8().await;
            }
        }
    })
    .await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    tokio::select! {
        _ = pools.call(&target, request("GET", "/", empty())) => panic!("nobody answers"),
        () = asked.notified() => {}
    }
    until("the connection is cut", || pools.open() == 0).await;
}

#[tokio::test]
async fn a_call_waits_for_a_connection_to_become_free() {
    let address = serve(|_, number| async move { answer(number) }).await;
    let limits = OutboundLimits {
        connections_per_target_max: 1,
        wait_timeout_ms: 10_000,
        ..OutboundLimits::default()
    };
    let (pools, target) = (pools(limits), target(address));
    let held = call(&pools, &target, request("GET", "/", empty()))
        .await
        .unwrap();
    let waiting = fetch(&pools, &target, request("GET", "/", empty()));
    let freeing = async { read(held).await.unwrap() };
    let (waited, held) = tokio::join!(waiting, freeing);
    assert_eq!((waited.as_str(), &held[..]), ("first", &b"first"[..]));
}

#[tokio::test]
async fn many_calls_take_turns_on_few_connections() {
    let address = serve(|_, _| async move { Response::new(text("ok")) }).await;
    let limits = OutboundLimits {
        connections_per_target_max: 3,
        wait_timeout_ms: 20_000,
        ..OutboundLimits::default()
    };
    let (pools, target) = (pools(limits), Arc::new(target(address)));
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let (pools, target) = (pools.clone(), Arc::clone(&target));
            tokio::spawn(async move { fetch(&pools, &target, request("GET", "/", empty())).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), "ok");
        assert!(pools.open() <= 3);
    }
}

#[tokio::test]
async fn refuses_a_call_when_nothing_becomes_free() {
    let address = serve(|_, number| async move { answer(number) }).await;
    let cases = [
        (1, 9, 9, Bound::Process { connections_max: 1 }),
        (9, 1, 9, Bound::Target { connections_max: 1 }),
        (9, 1, 0, Bound::Waiting { calls_max: 0 }),
    ];
    for (connections_max, connections_per_target_max, waiting_calls_max, expect) in cases {
        let (pools, target) = (
            pools(OutboundLimits {
                connections_max,
                connections_per_target_max,
                waiting_calls_max,
                wait_timeout_ms: 50,
                ..OutboundLimits::default()
            }),
            target(address),
        );
        let held = call(&pools, &target, request("GET", "/", empty()))
            .await
            .unwrap();
        let error = call(&pools, &target, request("GET", "/", empty()))
            .await
            .err()
            .unwrap();
        assert!(
            matches!(&error, OutboundError::Overload { bound } if *bound == expect),
            "{error}"
        );
        read(held).await.unwrap();
        fetch(&pools, &target, request("GET", "/", empty())).await;
    }
}

#[tokio::test]
async fn closes_another_targets_idle_connection_to_make_room() {
    let address = serve(|_, number| async move { answer(number) }).await;
    let limits = OutboundLimits {
        connections_max: 1,
        ..OutboundLimits::default()
    };
    let pools = pools(limits);
    let (one, other) = (target(address), target(address));
    for (target, expect) in [(&one, "first"), (&other, "second"), (&one, "third")] {
        assert_eq!(
            fetch(&pools, target, request("GET", "/", empty())).await,
            expect
        );
    }
    assert_eq!(pools.idle(), 1);
}

#[tokio::test]
async fn refuses_targets_that_may_not_be_called() {
    let address = serve(|_, number| async move { answer(number) }).await;
    let workers = NonZeroUsize::MIN;
    let pools = Pools::new(OutboundLimits::default(), OutgoingGuard::default(), workers);
    let error = call(&pools, &target(address), request("GET", "/", empty()))
        .await
        .err()
        .unwrap();
    let refused = matches!(
        error,
        OutboundError::NotAllowed {
            because: Forbidden::Loopback,
            ..
        }
    );
    assert!(refused, "{error}");
    assert_eq!(pools.open(), 0);
}

#[test]
fn works_on_many_threads() {
    let address = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let served = serve(|_, _| async move { Response::new(text("ok")) }).await;
            address.0.send(served).unwrap();
            std::future::pending::<()>().await;
        });
    });
    let target = Arc::new(target(address.1.recv().unwrap()));
    let guard = OutgoingGuard::new(vec!["127.0.0.0/8".parse().unwrap()], Vec::new());
    let pools: Pools<Given> = Pools::new(
        OutboundLimits::default(),
        guard,
        NonZeroUsize::new(3).unwrap(),
    );
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(3).enable_all().build().unwrap();
    runtime.block_on(async {
        let calls: Vec<_> = (0..30)
            .map(|_| {
                let (pools, target) = (pools.clone(), Arc::clone(&target));
                tokio::spawn(async move {
                    for _ in 0..50 {
                        assert_eq!(
                            fetch(&pools, &target, request("GET", "/", empty())).await,
                            "ok"
                        );
                    }
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
        assert!(
            (1..=90).contains(&pools.open()),
            "{} connections for 30 callers",
            pools.open()
        );
    });
}
