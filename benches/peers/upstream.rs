//! What stands behind all targets: plain HTTP/1.1 that answers with 256 bytes, with so many bytes, or with the head that
//! it was asked with. Bodies of requests are read and dropped.

use std::io;
use std::net::Ipv4Addr;

use tokio::net::{TcpListener, TcpStream};

use crate::wire::{Wire, content_length, field};

/// The word that makes this program the upstream.
pub const PROCESS: &str = "--be-the-upstream";

const SMALL_BYTES: usize = 256;
const BLOCK: usize = 256 * 1024;
const DOWNLOAD_MAX: u64 = 1 << 30;

/// Listens on a free port of the loopback address, writes it to standard output and answers until it is ended.
pub fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A connection that breaks off is the caller's to notice.
            tokio::spawn(async move {
                let _ = serve(stream).await;
            });
        }
    });
}

async fn serve(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let block = vec![0; BLOCK];
    let small = answer(&[b'x'; SMALL_BYTES]);
    let mut wire = Wire::new(stream);
    while let Some(head) = wire.head().await? {
        body(&mut wire, &head).await?;
        let line = head[..].split(|byte| *byte == b'\r').next();
        let path = line.and_then(|line| line.split(|byte| *byte == b' ').nth(1));
        let path = str::from_utf8(path.unwrap_or_default()).unwrap_or_default();
        if let Some(bytes) = path.strip_prefix("/bytes/") {
            let bytes: u64 = bytes.parse().unwrap_or(0);
            download(&mut wire, bytes.min(DOWNLOAD_MAX), &block).await?;
        } else if path == "/echo" {
            wire.write(&answer(&head)).await?;
        } else {
            wire.write(&small).await?;
        }
    }
    Ok(())
}

/// Reads a request's body away, however it is framed.
async fn body(wire: &mut Wire<TcpStream>, head: &[u8]) -> io::Result<()> {
    if field(head, "expect").is_some() {
        wire.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    if field(head, "transfer-encoding").is_none() {
        return wire.skip(content_length(head).unwrap_or(0), |_| ()).await;
    }
    loop {
        let Some(line) = wire.until(b"\r\n").await? else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        let bytes = str::from_utf8(&line).ok().map(str::trim);
        let bytes = bytes.and_then(|bytes| u64::from_str_radix(bytes, 16).ok());
        let bytes = bytes.ok_or(io::ErrorKind::InvalidData)?;
        wire.skip(bytes + 2, |_| ()).await?;
        if bytes == 0 {
            return Ok(());
        }
    }
}

async fn download(wire: &mut Wire<TcpStream>, bytes: u64, block: &[u8]) -> io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n");
    wire.write(head.as_bytes()).await?;
    let mut left = bytes;
    while left > 0 {
        let part = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
        wire.write(&block[..part]).await?;
        left -= part as u64;
    }
    Ok(())
}

fn answer(body: &[u8]) -> Vec<u8> {
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}
