//! Bodies, both ways.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::outbound::error::OutboundError;
use crate::outbound::limits::OutboundLimits;
use crate::outbound::upstream::{
    ANSWER, CHUNK, Given, SOON, call, empty, fetch, listen, pools, read, read_head, request, serve,
    target, text, until, write,
};

/// Sends back what comes.
async fn echo() -> std::net::SocketAddr {
    serve(|request, _| async move {
        let (frames, body) = mpsc::channel(1);
        let mut incoming = request.into_body();
        tokio::spawn(async move {
            while let Some(frame) = incoming.frame().await {
                let frame = frame.map_err(io::Error::other);
                if frames.send(frame).await.is_err() {
                    return;
                }
            }
        });
        let answer = Response::builder().header("trailer", "x-sum");
        answer.body(Given::Channel(body)).unwrap()
    })
    .await
}

#[tokio::test]
async fn streams_both_ways_and_holds_little_of_either() {
    let (pools, target) = (pools(OutboundLimits::default()), target(echo().await));
    const CHUNKS: usize = 4_096;
    let taken = Arc::new(AtomicUsize::new(0));
    let body = Given::Zeros(CHUNKS, Arc::clone(&taken));
    let answer = call(&pools, &target, request("POST", "/", body))
        .await
        .unwrap();
    // Nobody reads yet: the upload runs until what lies between is full, mostly the kernel's buffers, and stops.
    let mut stalled_at = 0;
    while stalled_at != taken.load(Ordering::SeqCst) || stalled_at == 0 {
        stalled_at = taken.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(
        stalled_at * CHUNK < 48 << 20,
        "{stalled_at} chunks are on their way"
    );
    let mut body = answer.into_body();
    let (mut read, mut lead) = (0, 0);
    while let Some(frame) = timeout(SOON, body.frame()).await.expect("it hangs") {
        read += frame.unwrap().into_data().unwrap().len();
        lead = lead.max(taken.load(Ordering::SeqCst) * CHUNK - read);
    }
    assert_eq!(read, CHUNKS * CHUNK);
    assert!(lead < 48 << 20, "{lead} bytes were on their way");
    assert_eq!(pools.idle(), 1);
}

#[tokio::test]
async fn passes_each_piece_on_when_it_comes() {
    let (pools, target) = (pools(OutboundLimits::default()), target(echo().await));
    let (frames, body) = mpsc::channel(1);
    let body = Given::Channel(body);
    let mut answer = call(&pools, &target, request("POST", "/", body))
        .await
        .unwrap();
    for piece in ["one", "two", "three"] {
        frames
            .send(Ok(Frame::data(Bytes::from(piece))))
            .await
            .unwrap();
        let frame = timeout(SOON, answer.frame())
            .await
            .expect("it is held back");
        assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), piece);
    }
    drop(frames);
    assert!(
        timeout(SOON, answer.frame())
            .await
            .expect("no end")
            .is_none()
    );
    assert_eq!(pools.idle(), 1);
}

#[tokio::test]
async fn carries_trailers_both_ways() {
    let (pools, target) = (pools(OutboundLimits::default()), target(echo().await));
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "42".parse().unwrap());
    for round in 0..2 {
        let frames = [
            Frame::data(Bytes::from("body")),
            Frame::trailers(trailers.clone()),
        ];
        let mut posted = request("POST", "/", Given::Frames(frames.into(), None));
        posted
            .headers_mut()
            .insert("trailer", "x-sum".parse().unwrap());
        posted
            .headers_mut()
            .insert("te", "trailers".parse().unwrap());
        let answer = call(&pools, &target, posted).await.unwrap();
        let mut body = answer.into_body();
        let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let last = body
            .frame()
            .await
            .unwrap()
            .unwrap()
            .into_trailers()
            .unwrap();
        assert_eq!((&data[..], &last), (&b"body"[..], &trailers));
        // The connection is free as soon as the trailers are read: nobody asks for more.
        assert_eq!((pools.open(), pools.idle()), (1, 1), "round {round}");
    }
}

#[tokio::test]
async fn tells_the_length_and_the_end_of_a_body() {
    let address = serve(|_, _| async { Response::new(text("12345")) }).await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    let mut answer = call(&pools, &target, request("GET", "/", empty()))
        .await
        .unwrap();
    assert_eq!(answer.body().size_hint().exact(), Some(5));
    assert!(!answer.body().is_end_stream());
    answer.frame().await.unwrap().unwrap();
    assert!(answer.body().is_end_stream());
    assert_eq!(pools.idle(), 1);
}

const TOO_LARGE: &str = "HTTP/1.1 413 Content Too Large\r\ncontent-length: 4\r\n\r\nmuch";

#[tokio::test]
async fn delivers_an_early_answer_from_an_upstream_that_hangs_up() {
    // It closes with our body unread, so that our writes fail while its answer lies in our buffer.
    let address = listen(async |mut stream, _| {
        read_head(&mut stream).await;
        write(&mut stream, TOO_LARGE).await;
    })
    .await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    for _ in 0..300 {
        let body = Given::Zeros(1_000, Arc::default());
        let answer = call(&pools, &target, request("POST", "/", body))
            .await
            .unwrap();
        assert_eq!(answer.status(), 413);
        assert_eq!(read(answer).await.unwrap(), "much");
    }
    assert_eq!(pools.idle(), 0);
    until("the connections are closed", || pools.open() == 0).await;
}

#[tokio::test]
async fn delivers_an_answer_that_lies_unread_when_a_write_fails() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = target(listener.local_addr().unwrap());
    let (asked, is_asked) = std::sync::mpsc::channel();
    let (go, may_go) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut part = [0; 32];
        stream.read_exact(&mut part).unwrap();
        asked.send(()).unwrap();
        may_go.recv().unwrap();
        stream.write_all(TOO_LARGE.as_bytes()).unwrap();
        // The rest of the request is unread, so this resets the connection.
    });
    let pools = pools(OutboundLimits::default());
    let (frames, body) = mpsc::channel(2);
    let frame = || Ok(Frame::data(Bytes::from_static(&[0; 4_096])));
    frames.send(frame()).await.unwrap();
    let calling = call(&pools, &target, request("POST", "/", Given::Channel(body)));
    let hanging_up = async {
        while is_asked.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        // This thread stands still until the server is gone: what it said is noticed only after the next write.
        go.send(()).unwrap();
        server.join().unwrap();
        frames.send(frame()).await.unwrap();
    };
    let (answer, ()) = tokio::join!(calling, hanging_up);
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 413);
    assert_eq!(read(answer).await.unwrap(), "much");
}

#[tokio::test]
async fn delivers_an_early_answer_and_stops_the_upload() {
    // It keeps its connection open and reads nothing more.
    let address = listen(async |mut stream, _| {
        read_head(&mut stream).await;
        write(&mut stream, TOO_LARGE).await;
        std::future::pending::<()>().await;
    })
    .await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    let body = Given::Zeros(usize::MAX / CHUNK, Arc::default());
    let answer = call(&pools, &target, request("POST", "/", body))
        .await
        .unwrap();
    assert_eq!((answer.status().as_u16(), pools.open()), (413, 1));
    assert_eq!(read(answer).await.unwrap(), "much");
    until("the upload is cut", || pools.open() == 0).await;
    assert_eq!(pools.idle(), 0);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let parts = [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
    ];
    for part in parts {
        let address = listen(async move |mut stream, _| {
            read_head(&mut stream).await;
            write(&mut stream, part).await;
        })
        .await;
        let (pools, target) = (pools(OutboundLimits::default()), target(address));
        let mut answer = call(&pools, &target, request("GET", "/", empty()))
            .await
            .unwrap();
        let data = answer.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(data, "half");
        let error = timeout(SOON, answer.frame())
            .await
            .unwrap()
            .unwrap()
            .unwrap_err();
        assert!(matches!(error, OutboundError::BodyBroke { .. }), "{error}");
        drop(answer);
        until("the connection is closed", || pools.open() == 0).await;
        assert_eq!(pools.idle(), 0);
    }
}

#[tokio::test]
async fn a_request_body_that_breaks_off_is_not_the_upstreams_fault() {
    let address = listen(async |mut stream, _| {
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
        assert!(
            !all.ends_with(b"0\r\n\r\n"),
            "a broken body must not look complete"
        );
    })
    .await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    let (frames, body) = mpsc::channel(2);
    frames
        .send(Ok(Frame::data(Bytes::from("half"))))
        .await
        .unwrap();
    frames
        .send(Err(io::Error::from(io::ErrorKind::ConnectionReset)))
        .await
        .unwrap();
    let posted = request("POST", "/", Given::Channel(body));
    let error = call(&pools, &target, posted).await.err().unwrap();
    assert!(
        matches!(error, OutboundError::RequestBody { .. }),
        "{error}"
    );
    until("the connection is closed", || pools.open() == 0).await;
}

#[tokio::test]
async fn passes_over_informational_answers() {
    let address = listen(async |mut stream, _| {
        read_head(&mut stream).await;
        write(
            &mut stream,
            "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
        )
        .await;
        write(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
        write(&mut stream, ANSWER).await;
        let _ = stream.read_u8().await;
    })
    .await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    assert_eq!(
        fetch(&pools, &target, request("GET", "/", empty())).await,
        "ok"
    );
    assert_eq!(pools.idle(), 1);
}

#[tokio::test]
async fn refuses_a_protocol_that_nobody_asked_for() {
    let address = listen(async |mut stream, _| {
        read_head(&mut stream).await;
        let upgrade =
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: chat\r\nconnection: upgrade\r\n";
        write(&mut stream, &format!("{upgrade}\r\n")).await;
        let _ = stream.read_u8().await;
    })
    .await;
    let (pools, target) = (pools(OutboundLimits::default()), target(address));
    let error = call(&pools, &target, request("GET", "/", empty()))
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, OutboundError::SwitchedProtocols { .. }),
        "{error}"
    );
    until("the connection is closed", || pools.open() == 0).await;
}

#[tokio::test]
async fn refuses_answers_that_are_no_http() {
    for nonsense in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header: y\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: b\r\n folded\r\ncontent-length: 0\r\n\r\n",
    ] {
        let address = listen(async move |mut stream, _| {
            read_head(&mut stream).await;
            write(&mut stream, nonsense).await;
        })
        .await;
        let (pools, target) = (pools(OutboundLimits::default()), target(address));
        let error = call(&pools, &target, request("GET", "/", empty()))
            .await
            .err()
            .unwrap();
        assert!(
            matches!(error, OutboundError::Broke { .. }),
            "{nonsense}: {error}"
        );
    }
}
