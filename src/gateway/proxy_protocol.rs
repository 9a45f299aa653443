//! The PROXY protocol, versions 1 and 2: what a TCP load balancer says before the client's first byte about where the
//! client comes from (haproxy's `doc/proxy-protocol.txt`).
//!
//! Whether a header is read at all is decided by who connects, never by what the bytes look like. What has to begin
//! with one and does not is malformed: nobody is served on an address that was not understood.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// The longest header that is read, in bytes. A header of version 2 may have 65,551; those that are sent have hundreds.
pub const HEADER_BYTES_MAX: usize = 4096;

/// The longest line of version 1, its end included.
const LINE_BYTES_MAX: usize = 107;
const LINE_START: &[u8] = b"PROXY ";
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family and transport, length of the rest.
const FIXED_BYTES: usize = 16;
/// `PP2_TYPE_CRC32C`.
const TYPE_CRC32C: u8 = 3;
/// How many bytes are looked at ahead, before those of the header among them are taken.
const LOOK_AHEAD: usize = 256;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The connection is relayed for this client, whose address is in canonical form.
    Client(SocketAddr),
    /// The proxy itself connects, to see whether we are there (`LOCAL`).
    Proxy,
    /// The connection is relayed for a client that has no TCP address, or whose address is not told (`UNKNOWN`,
    /// `UNSPEC`, sockets of a file system, datagrams).
    Untold,
}

/// What the bytes so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The beginning of a header, all of them: more bytes are needed.
    Incomplete,
    /// A header of `length` bytes. What follows is the client's.
    Complete {
        /// How many of the bytes are the header.
        length: usize,
        /// What it says.
        source: Source,
    },
    /// No header, whatever follows.
    Malformed(Malformed),
}

/// Why bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They begin as neither version does.
    #[error("it does not begin with a PROXY header")]
    Missing,
    /// A line of version 1 that cannot be read.
    #[error("its PROXY header of version 1 cannot be read")]
    Line,
    /// Something in a header of version 2 that has no meaning, or does not fit.
    #[error("its PROXY header of version 2 cannot be read")]
    Binary,
    /// The header says that it is longer than any that is read.
    #[error("its PROXY header is longer than {HEADER_BYTES_MAX} bytes")]
    TooLong,
    /// The header's checksum is another one.
    #[error("the checksum of its PROXY header is wrong")]
    Checksum,
}

/// Why there is no header.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// The bytes are none.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The connection ended inside of the header.
    #[error("it ended in the middle of its PROXY header")]
    Truncated,
    /// The connection ended before it began: a health check that only connects.
    #[error("it ended without a byte")]
    Silent,
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Takes the header off the beginning of a connection, and not a byte more. `begun` is set once its first byte came.
///
/// # Errors
/// [`HeaderError`].
pub async fn read(stream: &mut TcpStream, begun: &mut bool) -> Result<Source, HeaderError> {
    let mut header = Vec::new();
    loop {
        let mut ahead = [0; LOOK_AHEAD];
        let came = stream.peek(&mut ahead).await?;
        if came == 0 {
            return Err(if *begun {
                HeaderError::Truncated
            } else {
                HeaderError::Silent
            });
        }
        *begun = true;
        let before = header.len();
        header.extend_from_slice(ahead.get(..came).unwrap_or_default());
        let (taken, source) = match parse(&header) {
            Progress::Incomplete => (came, None),
            Progress::Complete { length, source } => (length.saturating_sub(before), Some(source)),
            Progress::Malformed(why) => return Err(why.into()),
        };
        // They were seen, so this never waits.
        let taken = ahead.get_mut(..taken).unwrap_or_default();
        stream.read_exact(taken).await?;
        if let Some(source) = source {
            return Ok(source);
        }
    }
}

/// Reads the header that `bytes` begin with.
pub fn parse(bytes: &[u8]) -> Progress {
    let parsed = if begins(bytes, SIGNATURE) {
        binary(bytes)
    } else if begins(bytes, LINE_START) {
        line(bytes)
    } else {
        Err(Malformed::Missing)
    };
    match parsed {
        Ok(Some((length, source))) => Progress::Complete { length, source },
        Ok(None) => Progress::Incomplete,
        Err(why) => Progress::Malformed(why),
    }
}

/// Whether one is the other's beginning.
fn begins(bytes: &[u8], with: &[u8]) -> bool {
    bytes.iter().zip(with).all(|(byte, wanted)| byte == wanted)
}

/// Version 1: one line.
fn line(bytes: &[u8]) -> Result<Option<(usize, Source)>, Malformed> {
    let seen = bytes.get(..LINE_BYTES_MAX).unwrap_or(bytes);
    let Some(end) = seen.iter().position(|byte| *byte == b'\n') else {
        return if seen.len() < LINE_BYTES_MAX {
            Ok(None)
        } else {
            Err(Malformed::Line)
        };
    };
    let line = seen.get(..end).unwrap_or_default();
    let text = line
        .strip_suffix(b"\r")
        .and_then(|line| line.strip_prefix(LINE_START))
        .and_then(|text| std::str::from_utf8(text).ok())
        .ok_or(Malformed::Line)?;
    let source = told(text).ok_or(Malformed::Line)?;
    Ok(Some((end.saturating_add(1), source)))
}

/// What a line says behind `PROXY `.
fn told(text: &str) -> Option<Source> {
    // Whatever follows UNKNOWN means nothing.
    if text == "UNKNOWN" || text.starts_with("UNKNOWN ") {
        return Some(Source::Untold);
    }
    let mut words = text.split(' ');
    let (family, source, target) = (words.next()?, words.next()?, words.next()?);
    let (source_port, _) = (port(words.next()?)?, port(words.next()?)?);
    let address = |text: &str| -> Option<IpAddr> {
        match family {
            "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    let (source, _) = (address(source)?, address(target)?);
    words.next().is_none().then(|| client(source, source_port))
}

/// A port as digits alone, without leading zeros.
fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let padded = text.len() > 1 && text.starts_with('0');
    (digits && !padded).then(|| text.parse().ok()).flatten()
}

/// Version 2: a fixed part, addresses, and further fields.
fn binary(bytes: &[u8]) -> Result<Option<(usize, Source)>, Malformed> {
    let rest = bytes.get(SIGNATURE.len()..).unwrap_or_default();
    let (command, rest) = match rest.split_first() {
        None => return Ok(None),
        Some((0x20, rest)) => (Command::Local, rest),
        Some((0x21, rest)) => (Command::Proxy, rest),
        Some(_) => return Err(Malformed::Binary),
    };
    let [kind, high, low, ..] = rest else {
        return Ok(None);
    };
    let behind = usize::from(u16::from_be_bytes([*high, *low]));
    let length = FIXED_BYTES.saturating_add(behind);
    if length > HEADER_BYTES_MAX {
        return Err(Malformed::TooLong);
    }
    let Some(header) = bytes.get(..length) else {
        return Ok(None);
    };
    let body = header.get(FIXED_BYTES..).unwrap_or_default();
    let source = match command {
        // The receiver discards what is behind it, the family included.
        Command::Local => Source::Proxy,
        Command::Proxy => {
            let (source, addresses) = addresses(*kind, body)?;
            fields(header, FIXED_BYTES.saturating_add(addresses))?;
            source
        }
    };
    Ok(Some((length, source)))
}

#[derive(Clone, Copy)]
enum Command {
    Local,
    Proxy,
}

/// The source by family and transport, and how many bytes the addresses take.
fn addresses(kind: u8, body: &[u8]) -> Result<(Source, usize), Malformed> {
    let (family, transport) = (kind >> 4, kind & 0xf);
    if transport > 2 {
        return Err(Malformed::Binary);
    }
    let size = match family {
        0 => 0,
        1 => 12,
        2 => 36,
        3 => 216,
        _ => return Err(Malformed::Binary),
    };
    let block = body.get(..size).ok_or(Malformed::Binary)?;
    let source = match (kind, block) {
        (0x11, [a, b, c, d, _, _, _, _, high, low, _, _]) => client(
            Ipv4Addr::new(*a, *b, *c, *d).into(),
            u16::from_be_bytes([*high, *low]),
        ),
        (0x21, block) => {
            let wrong = |_| Malformed::Binary;
            let address: [u8; 16] = part(block, 0, 16)?.try_into().map_err(wrong)?;
            let port: [u8; 2] = part(block, 32, 34)?.try_into().map_err(wrong)?;
            client(Ipv6Addr::from(address).into(), u16::from_be_bytes(port))
        }
        _ => Source::Untold,
    };
    Ok((source, size))
}

fn part(bytes: &[u8], from: usize, to: usize) -> Result<&[u8], Malformed> {
    bytes.get(from..to).ok_or(Malformed::Binary)
}

fn client(address: IpAddr, port: u16) -> Source {
    Source::Client(SocketAddr::new(address.to_canonical(), port))
}

/// Walks over the further fields, which lie from `at` on: each has to end where its length says. None of them is used,
/// those about TLS least of all; a checksum has to be right where there is one.
fn fields(header: &[u8], mut at: usize) -> Result<(), Malformed> {
    let mut checked = false;
    while at < header.len() {
        let head = part(header, at, at.saturating_add(3))?;
        let [kind, high, low] = head else {
            return Err(Malformed::Binary);
        };
        let start = at.saturating_add(3);
        let end = start.saturating_add(usize::from(u16::from_be_bytes([*high, *low])));
        let value = part(header, start, end)?;
        if *kind == TYPE_CRC32C {
            let value: [u8; 4] = value.try_into().map_err(|_| Malformed::Binary)?;
            if checked {
                return Err(Malformed::Binary);
            }
            checked = true;
            if crc32c(header, start..end) != u32::from_be_bytes(value) {
                return Err(Malformed::Checksum);
            }
        }
        at = end;
    }
    Ok(())
}

/// CRC-32C (RFC 4960, appendix B) of a header, of which the bytes in `zeroed` count as zero.
fn crc32c(header: &[u8], zeroed: std::ops::Range<usize>) -> u32 {
    /// The polynomial 0x1EDC6F41, its bits reversed.
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let bytes = header.iter().enumerate();
    let sum = bytes.fold(u32::MAX, |sum, (place, byte)| {
        let byte = if zeroed.contains(&place) { 0 } else { *byte };
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            let shifted = sum >> 1;
            if sum & 1 == 1 {
                shifted ^ POLYNOMIAL
            } else {
                shifted
            }
        })
    });
    !sum
}

#[cfg(test)]
mod tests;
