//! What the gateway passes calls on to: answers at once, late, bit by bit, or when all of the body is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A service and what has come to it.
pub(crate) struct Service {
    pub(crate) url: String,
    /// How many calls began to be served.
    pub(crate) begun: Arc<AtomicUsize>,
}

/// Starts one. Late answers come once `released`.
pub(crate) async fn start(released: watch::Receiver<bool>) -> Service {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let begun = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&begun);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, released.clone(), Arc::clone(&counter)));
        }
    });
    Service { url, begun }
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/// One call; whoever goes before its end is not missed.
async fn serve(
    mut stream: TcpStream,
    mut released: watch::Receiver<bool>,
    begun: Arc<AtomicUsize>,
) {
    let head = read_to(&mut stream, b"\r\n\r\n").await;
    begun.fetch_add(1, Ordering::SeqCst);
    let head = String::from_utf8_lossy(&head).into_owned();
    if head.contains("do=late") {
        let _ = released.wait_for(|released| *released).await;
        let _ = stream.write_all(OK).await;
    } else if head.contains("do=tick") {
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        while stream.write_all(b"4\r\ntick\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    } else if head.contains("do=upload") {
        if !head.ends_with("0\r\n\r\n") {
            read_to(&mut stream, b"\r\n0\r\n\r\n").await;
        }
        let _ = stream.write_all(OK).await;
    } else {
        let _ = stream.write_all(OK).await;
    }
}

/// Reads up to `end`, which nothing follows.
async fn read_to(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut read = Vec::new();
    let mut piece = [0; 4096];
    while !read.ends_with(end) {
        match stream.read(&mut piece).await {
            Ok(bytes) if bytes > 0 => read.extend_from_slice(&piece[..bytes]),
            _ => break,
        }
        // The beginning of a body may have come with the head.
        if end == b"\r\n\r\n" && read.windows(4).any(|window| window == end) {
            break;
        }
    }
    read
}
