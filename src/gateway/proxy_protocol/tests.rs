use std::net::SocketAddrV4;

use proptest::prelude::*;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::*;

/// A header of version 2 as a sender writes it.
fn v2(command: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[command, kind], &length, body].concat()
}

fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    [&[kind], &length[..], value].concat()
}

/// 192.168.0.1:56324 to 192.168.0.11:443, the addresses of the specification's example.
const INET: [u8; 12] = [192, 168, 0, 1, 192, 168, 0, 11, 0xdc, 0x04, 0x01, 0xbb];

fn inet6(source: &str, port: u16) -> Vec<u8> {
    let source: Ipv6Addr = source.parse().unwrap();
    [
        &source.octets()[..],
        &[0; 16],
        &port.to_be_bytes(),
        &[1, 187],
    ]
    .concat()
}

fn from(address: &str) -> Source {
    Source::Client(address.parse().unwrap())
}

/// The header is read, behind it the client's bytes are left alone, and each part of it is waited for.
fn reads(header: &[u8], expect: Source) {
    let shown = String::from_utf8_lossy(header).into_owned();
    let complete = Progress::Complete {
        length: header.len(),
        source: expect,
    };
    assert_eq!(parse(header), complete, "{shown}");
    let followed = [header, b"\x16\x03\x01\nPROXY "].concat();
    assert_eq!(parse(&followed), complete, "{shown}");
    for end in 0..header.len() {
        assert_eq!(parse(&header[..end]), Progress::Incomplete, "{shown} {end}");
    }
}

#[test]
fn lines_are_read() {
    let cases = [
        (
            "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
            from("192.168.0.1:56324"),
        ),
        (
            "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
            from("255.255.255.255:65535"),
        ),
        (
            "PROXY TCP6 2001:db8::1 ::1 0 443\r\n",
            from("[2001:db8::1]:0"),
        ),
        (
            "PROXY TCP6 ::ffff:10.0.0.1 ::1 1 443\r\n",
            from("10.0.0.1:1"),
        ),
        (
            "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            from("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
        ),
        ("PROXY UNKNOWN\r\n", Source::Untold),
        (
            "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            Source::Untold,
        ),
        ("PROXY UNKNOWN TCP4 10.0.0.1\r\n", Source::Untold),
    ];
    for (line, expect) in cases {
        reads(line.as_bytes(), expect);
    }
}

#[test]
fn lines_that_can_be_read_in_two_ways_are_not_read() {
    let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(92));
    assert_eq!(long.len(), 108);
    let cases = [
        "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\n",
        "PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n",
        "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 \r\n",
        "PROXY TCP4  192.168.0.1 192.168.0.11 56324 443\r\n",
        "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 7\r\n",
        "PROXY TCP4 192.168.0.01 192.168.0.11 56324 443\r\n",
        "PROXY TCP4 192.168.1 192.168.0.11 56324 443\r\n",
        "PROXY TCP4 ::1 ::1 56324 443\r\n",
        "PROXY TCP4 ::ffff:1.2.3.4 1.2.3.4 56324 443\r\n",
        "PROXY TCP6 1.2.3.4 1.2.3.4 56324 443\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 56324 443\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 056324 443\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 +56324 443\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 65536 443\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 -1\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n",
        "PROXY TCP4\t1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY UNKNOWNX\r\n",
        "PROXY \r\n",
        &long,
    ];
    for line in cases {
        assert_eq!(
            parse(line.as_bytes()),
            Progress::Malformed(Malformed::Line),
            "{line:?}"
        );
    }
    // Nobody waits for the end of a line that is too long already.
    let endless = &long.as_bytes()[..LINE_BYTES_MAX];
    assert_eq!(parse(endless), Progress::Malformed(Malformed::Line));
    assert_eq!(parse(&endless[..106]), Progress::Incomplete);
}

#[test]
fn what_begins_otherwise_is_no_header() {
    let cases: [&[u8]; 8] = [
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\n",
        b"proxy TCP4",
        b"PROXY\t",
        b" PROXY",
        b"\r\n\r\n\0\r\nQUIT\r",
        b"\r\n\r\n\r\n",
        b"\n",
    ];
    for bytes in cases {
        assert_eq!(
            parse(bytes),
            Progress::Malformed(Malformed::Missing),
            "{bytes:?}"
        );
    }
}

#[test]
fn binary_headers_are_read() {
    let tls = tlv(
        0x20,
        &[&[7, 0, 0, 0, 0][..], &tlv(0x22, b"mallory")].concat(),
    );
    let cases = [
        (v2(0x21, 0x11, &INET), from("192.168.0.1:56324")),
        (
            v2(0x21, 0x11, &[&INET[..], &tls, &tlv(4, &[])].concat()),
            from("192.168.0.1:56324"),
        ),
        (
            v2(0x21, 0x21, &inet6("2001:db8::1", 7)),
            from("[2001:db8::1]:7"),
        ),
        (
            v2(0x21, 0x21, &inet6("::ffff:10.0.0.1", 7)),
            from("10.0.0.1:7"),
        ),
        (v2(0x20, 0x00, &[]), Source::Proxy),
        // Whatever stands in a LOCAL header means nothing.
        (v2(0x20, 0x11, &INET), Source::Proxy),
        (v2(0x20, 0xff, &[1, 2, 3]), Source::Proxy),
        (v2(0x21, 0x00, &[]), Source::Untold),
        (v2(0x21, 0x00, &tlv(0xe0, b"own")), Source::Untold),
        (v2(0x21, 0x12, &INET), Source::Untold),
        (v2(0x21, 0x10, &INET), Source::Untold),
        (v2(0x21, 0x22, &inet6("::1", 7)), Source::Untold),
        (v2(0x21, 0x31, &[b'/'; 216]), Source::Untold),
        (v2(0x21, 0x32, &[0; 216]), Source::Untold),
    ];
    for (header, expect) in cases {
        reads(&header, expect);
    }
}

#[test]
fn binary_headers_that_do_not_fit_are_not_read() {
    let cases = [
        v2(0x22, 0x11, &INET),
        v2(0x11, 0x11, &INET),
        v2(0x01, 0x11, &INET),
        v2(0x21, 0x13, &INET),
        v2(0x21, 0x41, &INET),
        v2(0x21, 0x11, &INET[..11]),
        v2(0x21, 0x11, &[]),
        v2(0x21, 0x21, &INET),
        v2(0x21, 0x31, &[0; 215]),
        v2(0x21, 0x11, &[&INET[..], &[4]].concat()),
        v2(0x21, 0x11, &[&INET[..], &[4, 0, 1]].concat()),
        v2(0x21, 0x11, &[&INET[..], &[4, 0xff, 0xff, 0]].concat()),
        v2(0x21, 0x11, &[&INET[..], &tlv(3, &[0; 3])].concat()),
    ];
    for header in cases {
        assert_eq!(
            parse(&header),
            Progress::Malformed(Malformed::Binary),
            "{header:?}"
        );
    }
    // The version is refused as soon as it is there.
    let early = &v2(0x31, 0x11, &INET)[..13];
    assert_eq!(parse(early), Progress::Malformed(Malformed::Binary));
}

#[test]
fn no_more_is_read_than_a_bound() {
    let longest = v2(0x20, 0, &vec![0; HEADER_BYTES_MAX - FIXED_BYTES]);
    reads(&longest, Source::Proxy);
    let longer = v2(0x20, 0, &vec![0; HEADER_BYTES_MAX - FIXED_BYTES + 1]);
    assert_eq!(
        parse(&longer[..FIXED_BYTES]),
        Progress::Malformed(Malformed::TooLong)
    );
}

#[test]
fn a_checksum_has_to_be_right() {
    // The check value of CRC-32C.
    assert_eq!(crc32c(b"123456789", 0..0), 0xe306_9283);
    let mut header = v2(0x21, 0x11, &[&INET[..], &tlv(3, &[0; 4])].concat());
    let sum = header.len() - 4;
    let value = crc32c(&header, 0..0).to_be_bytes();
    header[sum..].copy_from_slice(&value);
    reads(&header, from("192.168.0.1:56324"));
    for place in FIXED_BYTES..FIXED_BYTES + 12 {
        let mut other = header.clone();
        other[place] ^= 1;
        assert_eq!(
            parse(&other),
            Progress::Malformed(Malformed::Checksum),
            "{place}"
        );
    }
    let twice = v2(
        0x21,
        0x11,
        &[&INET[..], &tlv(3, &[0; 4]), &tlv(3, &[0; 4])].concat(),
    );
    assert!(matches!(parse(&twice), Progress::Malformed(_)));
}

proptest! {
    #[test]
    fn what_is_written_is_read(address: SocketAddr, target: SocketAddr, fields: Vec<u8>) {
        let (ip, port) = (address.ip(), address.port());
        let expect = Source::Client(SocketAddr::new(ip.to_canonical(), port));
        let (line, body, kind) = match (ip, target.ip()) {
            (IpAddr::V4(ip), target_ip) => {
                let other = SocketAddrV4::new(Ipv4Addr::BROADCAST, target.port());
                let body = [&ip.octets()[..], &other.ip().octets(), &port.to_be_bytes(), &[0, 1]].concat();
                let _ = target_ip;
                (format!("PROXY TCP4 {ip} {} {port} {}\r\n", other.ip(), other.port()), body, 0x11)
            }
            (IpAddr::V6(ip), _) => {
                let body = [&ip.octets()[..], &[7; 16], &port.to_be_bytes(), &[0, 1]].concat();
                (format!("PROXY TCP6 {ip} ::1 {port} {}\r\n", target.port()), body, 0x21)
            }
        };
        reads(line.as_bytes(), expect);
        let body = [body, tlv(0xe0, &fields)].concat();
        reads(&v2(0x21, kind, &body), expect);
    }
}

/// Sends pieces one after another, then reads the header and what is behind it.
async fn sent(pieces: Vec<Vec<u8>>) -> (Result<Source, HeaderError>, bool, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    client.set_nodelay(true).unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let sending = async move {
        for piece in pieces {
            client.write_all(&piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        drop(client);
    };
    let reading = async move {
        let mut begun = false;
        let outcome = read(&mut stream, &mut begun).await;
        let mut rest = Vec::new();
        if outcome.is_ok() {
            stream.read_to_end(&mut rest).await.unwrap();
        }
        (outcome, begun, rest)
    };
    tokio::join!(sending, reading).1
}

#[tokio::test]
async fn the_clients_bytes_are_left_to_the_client() {
    let fields = [&INET[..], &tlv(0xe0, &[7; 700])].concat();
    let headers = [
        (
            b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n".to_vec(),
            from("192.168.0.1:56324"),
        ),
        (v2(0x21, 0x11, &fields), from("192.168.0.1:56324")),
        (v2(0x20, 0, &[]), Source::Proxy),
    ];
    let hello = b"\x16\x03\x01 hello \r\n PROXY TCP4".repeat(40);
    for (header, expect) in headers {
        let whole = [header.as_slice(), &hello].concat();
        for size in [1, 2, 3, 16, 255, 256, 257, whole.len()] {
            let pieces = whole.chunks(size).map(<[u8]>::to_vec).collect();
            let (outcome, begun, rest) = sent(pieces).await;
            assert_eq!(outcome.unwrap(), expect, "{size}");
            assert!(begun);
            assert_eq!(rest, hello, "{size}");
        }
    }
}

#[tokio::test]
async fn an_end_before_the_header_is_told_from_one_inside_of_it() {
    let (outcome, begun, _) = sent(vec![]).await;
    assert!(matches!(outcome, Err(HeaderError::Silent)) && !begun);
    let (outcome, begun, _) = sent(vec![b"PROXY TCP4 1.2".to_vec()]).await;
    assert!(matches!(outcome, Err(HeaderError::Truncated)) && begun);
    let (outcome, _, _) = sent(vec![b"\x16\x03\x01".to_vec()]).await;
    assert!(matches!(
        outcome,
        Err(HeaderError::Malformed(Malformed::Missing))
    ));
}
