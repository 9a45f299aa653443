//! From a target's host to an open TCP connection: resolve, check every address, connect.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::domain::address::BaseUrl;
use crate::outbound::error::{ConnectStep, OutboundError};
use crate::outbound::guard::{Forbidden, OutgoingGuard};
use crate::outbound::limits::OutboundLimits;

/// How long one address has for itself before the next is tried beside it (RFC 8305 §5).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// Opens a TCP connection to `url`. `step` tells how far it came, for whoever gives up waiting.
///
/// # Errors
/// [`OutboundError`]: the name has no address, none of its addresses may be called, or none of them answers.
pub async fn open(
    url: &BaseUrl,
    guard: &OutgoingGuard,
    limits: &OutboundLimits,
    step: &mut ConnectStep,
) -> Result<TcpStream, OutboundError> {
    *step = ConnectStep::Resolve;
    let mut addresses = resolve(url).await?;
    *step = ConnectStep::Connect;
    let refused = drop_refused(&mut addresses, guard);
    addresses.truncate(limits.addresses_max.max(1));
    match (refused, addresses.as_slice()) {
        (Some((address, because)), []) => Err(OutboundError::NotAllowed {
            host: url.host().into(),
            address,
            because,
        }),
        (None, []) => Err(OutboundError::NoAddress {
            host: url.host().into(),
        }),
        (_, addresses) => {
            let stream = connect(addresses)
                .await
                .map_err(|failed| OutboundError::Connect {
                    host: url.host().into(),
                    address: failed.address,
                    source: failed.source,
                })?;
            // Without it the last part of a request waits for the acknowledgement of the first. A socket that does
            // not take the option is slower, not wrong.
            let _ = stream.set_nodelay(true);
            Ok(stream)
        }
    }
}

/// The addresses of the host, in the resolver's order.
async fn resolve(url: &BaseUrl) -> Result<Vec<SocketAddr>, OutboundError> {
    let host = url.host().trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, url.port())]);
    }
    let found = lookup_host((host, url.port())).await;
    let found = found.map_err(|source| OutboundError::Resolve {
        host: host.into(),
        source,
    })?;
    Ok(found.collect())
}

/// Takes away the addresses that may not be called, and returns the first of them.
fn drop_refused(
    addresses: &mut Vec<SocketAddr>,
    guard: &OutgoingGuard,
) -> Option<(IpAddr, Forbidden)> {
    let mut first = None;
    addresses.retain(|address| match guard.check(*address, is_ours) {
        Ok(()) => true,
        Err(because) => {
            first.get_or_insert((address.ip(), because));
            false
        }
    });
    first
}

/// Whether an address is one of this host's: then the kernel would call it from that very address. Connecting a
/// datagram socket asks the routing table and sends nothing.
fn is_ours(ip: IpAddr) -> bool {
    let any: IpAddr = match ip {
        IpAddr::V4(_) => IpAddr::from([0_u8; 4]),
        IpAddr::V6(_) => IpAddr::from([0_u16; 8]),
    };
    let source = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((ip, 9))?;
        socket.local_addr()
    });
    source.is_ok_and(|source| source.ip() == ip)
}

struct Failed {
    address: SocketAddr,
    source: io::Error,
}

/// Connects to the first address that answers: each is tried in turn, the next one when the one before failed or has
/// had its time.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Failed> {
    if let [address] = *addresses {
        return connect_one(address).await;
    }
    let mut next = addresses.iter().copied();
    let mut attempts = JoinSet::new();
    let mut first_failure = None;
    loop {
        if let Some(address) = next.next() {
            attempts.spawn(connect_one(address));
        }
        let more = next.len() > 0;
        tokio::select! {
            Some(done) = attempts.join_next() => match done {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(failed)) => {
                    first_failure.get_or_insert(failed);
                }
                // The runtime is shutting down.
                Err(_) => {}
            },
            () = sleep(NEXT_ADDRESS_AFTER), if more => {}
            else => {}
        }
        if attempts.is_empty() && !more {
            return Err(first_failure.unwrap_or_else(|| Failed {
                address: addresses
                    .first()
                    .copied()
                    .unwrap_or(([0, 0, 0, 0], 0).into()),
                source: io::ErrorKind::Interrupted.into(),
            }));
        }
    }
}

async fn connect_one(address: SocketAddr) -> Result<TcpStream, Failed> {
    TcpStream::connect(address)
        .await
        .map_err(|source| Failed { address, source })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    fn allow_loopback() -> OutgoingGuard {
        OutgoingGuard::new(vec!["127.0.0.0/8".parse().unwrap()], Vec::new())
    }

    async fn open_url(url: &str, guard: &OutgoingGuard) -> Result<TcpStream, OutboundError> {
        let mut step = ConnectStep::Resolve;
        let url = BaseUrl::parse(url).unwrap();
        open(&url, guard, &OutboundLimits::default(), &mut step).await
    }

    /// An address where nothing listens: it was bound a moment ago.
    async fn closed_port() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    }

    #[tokio::test]
    async fn refuses_addresses_and_names_of_this_host() {
        let guard = OutgoingGuard::default();
        for url in [
            "http://127.0.0.1:1",
            "http://[::1]:1",
            "http://localhost:1",
            "http://127.1:1",
        ] {
            let error = open_url(url, &guard).await.unwrap_err();
            let refused = matches!(
                error,
                OutboundError::NotAllowed {
                    because: Forbidden::Loopback,
                    ..
                }
            );
            assert!(refused, "{url}: {error}");
        }
    }

    #[tokio::test]
    async fn tells_of_a_name_without_address() {
        let error = open_url("http://nowhere.invalid", &allow_loopback())
            .await
            .unwrap_err();
        assert!(matches!(error, OutboundError::Resolve { .. }), "{error}");
    }

    #[tokio::test]
    async fn tells_of_a_refused_connection() {
        let url = format!("http://{}", closed_port().await);
        let error = open_url(&url, &allow_loopback()).await.unwrap_err();
        assert!(matches!(error, OutboundError::Connect { .. }), "{error}");
    }

    #[tokio::test]
    async fn tries_the_next_address_when_one_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let addresses = [closed_port().await, closed_port().await, good];
        let stream = connect(&addresses)
            .await
            .map_err(|failed| failed.source)
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
    }

    /// A listener that takes no more connections: whoever calls it waits.
    async fn full_listener() -> (socket2::Socket, Vec<TcpStream>, SocketAddr) {
        let kind = (socket2::Domain::IPV4, socket2::Type::STREAM);
        let listener = socket2::Socket::new(kind.0, kind.1, None).unwrap();
        listener
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let mut held = Vec::new();
        for _ in 0..16 {
            match timeout(Duration::from_millis(500), TcpStream::connect(address)).await {
                Ok(stream) => held.push(stream.unwrap()),
                Err(_) => return (listener, held, address),
            }
        }
        panic!("a full listener still takes connections");
    }

    #[tokio::test]
    async fn tries_the_next_address_when_one_does_not_answer() {
        let (_full, _held, silent) = full_listener().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let addresses = [silent, good];
        let connecting = timeout(Duration::from_secs(20), connect(&addresses));
        let stream = connecting
            .await
            .unwrap()
            .map_err(|failed| failed.source)
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
    }

    #[tokio::test]
    async fn tells_of_the_first_address_when_all_refuse() {
        let addresses = [closed_port().await, closed_port().await];
        let failed = connect(&addresses).await.err().unwrap();
        assert_eq!(failed.address, addresses[0]);
        assert_eq!(failed.source.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn skips_refused_addresses_and_keeps_the_others() {
        let mut addresses: Vec<SocketAddr> = ["169.254.169.254:80", "192.0.2.1:80", "[::1]:80"]
            .map(|a| a.parse().unwrap())
            .into();
        let refused = drop_refused(&mut addresses, &OutgoingGuard::default());
        assert_eq!(addresses, ["192.0.2.1:80".parse().unwrap()]);
        assert_eq!(
            refused,
            Some(([169, 254, 169, 254].into(), Forbidden::LinkLocal))
        );
    }

    #[test]
    fn knows_its_own_addresses() {
        assert!(is_ours([127, 0, 0, 1].into()));
        assert!(!is_ours([192, 0, 2, 1].into()));
    }
}
