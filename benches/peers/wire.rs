//! HTTP/1.1 heads and bodies, read with as little work as can be: both sides of it are this program's own.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A connection, and what was read of it beyond what was asked for.
pub struct Wire<S> {
    stream: S,
    buffer: BytesMut,
}

const ROOM: usize = 64 * 1024;

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Reads and writes a stream.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: BytesMut::with_capacity(4 * 1024),
        }
    }

    /// The next head, up to and with its empty line; `None` where the other side has closed before it.
    pub async fn head(&mut self) -> io::Result<Option<BytesMut>> {
        self.until(b"\r\n\r\n").await
    }

    /// Everything up to and with the next such bytes.
    pub async fn until(&mut self, end: &[u8]) -> io::Result<Option<BytesMut>> {
        loop {
            let found = self
                .buffer
                .windows(end.len())
                .position(|bytes| bytes == end);
            if let Some(at) = found {
                return Ok(Some(self.buffer.split_to(at + end.len())));
            }
            if self.more(4 * 1024).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// Reads so many bytes away, and tells of each part of them.
    pub async fn skip(&mut self, mut bytes: u64, mut tell: impl FnMut(&[u8])) -> io::Result<()> {
        loop {
            let part = usize::try_from(bytes)
                .map_or(self.buffer.len(), |bytes| bytes.min(self.buffer.len()));
            tell(&self.buffer[..part]);
            self.buffer.advance(part);
            bytes -= part as u64;
            if bytes == 0 {
                return Ok(());
            }
            if self.more(ROOM).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Writes all of it.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends what a stream holds back.
    pub async fn flush(&mut self) -> io::Result<()> {
        self.stream.flush().await
    }

    /// The stream itself.
    pub const fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Lets go of the buffer's room while nothing is in it.
    pub fn rest(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    async fn more(&mut self, room: usize) -> io::Result<usize> {
        self.buffer.reserve(room);
        self.stream.read_buf(&mut self.buffer).await
    }
}

/// The value of a header field.
pub fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let lines = head.split(|byte| *byte == b'\n');
    let value = |line: &'a [u8]| {
        let (own, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        let own = own.eq_ignore_ascii_case(name.as_bytes());
        own.then(|| str::from_utf8(value).ok().map(str::trim))?
    };
    lines.skip(1).find_map(value)
}

/// The length of a body by its head.
pub fn content_length(head: &[u8]) -> Option<u64> {
    field(head, "content-length")?.parse().ok()
}
