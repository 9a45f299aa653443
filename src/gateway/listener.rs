//! Listening sockets: binding, accepting, admitting.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::domain::environment::Gateway;
use crate::domain::network::NetworkRules;
use crate::gateway::activity::Activity;
use crate::gateway::admission::{Admission, Admitted};
use crate::gateway::client_io::ClientIo;
use crate::gateway::connection;
use crate::gateway::deadline;
use crate::gateway::handshake::{self, Established};
use crate::gateway::proxy_protocol::{self, HeaderError, Source};
use crate::gateway::refused::{self, Why};
use crate::gateway::worker::Worker;
use crate::telemetry::counters::OpenConnection;
use crate::trust::reason::Reason;

/// The gateways that one address serves; the server name tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewaySet {
    first: Gateway,
    bits: u8,
}

impl GatewaySet {
    /// One gateway alone.
    pub const fn of(gateway: Gateway) -> Self {
        Self {
            first: gateway,
            bits: 1 << gateway as u8,
        }
    }

    /// The same with another gateway.
    #[must_use]
    pub const fn with(self, gateway: Gateway) -> Self {
        Self {
            first: self.first,
            bits: self.bits | 1 << gateway as u8,
        }
    }

    /// Whether the address serves `gateway`.
    pub const fn has(self, gateway: Gateway) -> bool {
        self.bits & (1 << gateway as u8) != 0
    }

    /// Whether one of the gateways takes connections from `address`. Where there are several, the server name has to tell
    /// which.
    fn admit(self, rules: &NetworkRules, address: SocketAddr) -> bool {
        Gateway::ALL
            .into_iter()
            .any(|gateway| self.has(gateway) && rules.admits(gateway, address.ip()))
    }

    /// The gateway that a client without a name is counted for: mtls where the address serves it.
    pub const fn first(self) -> Gateway {
        if self.has(Gateway::Mtls) {
            Gateway::Mtls
        } else {
            self.first
        }
    }
}

/// Whether other sockets of this process share the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// This socket alone.
    Alone,
    /// One socket per worker (`SO_REUSEPORT`): the kernel spreads connections over them.
    PerWorker,
}

/// Binds a listening socket, not yet accepting.
///
/// # Errors
/// What the system says: the address in use, not ours, or not permitted.
pub fn bind(address: SocketAddr, sharing: Sharing) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    if sharing == Sharing::PerWorker {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Accepts connections until `shutdown` says so.
pub(crate) async fn accept(
    worker: Arc<Worker>,
    admission: Arc<Admission>,
    listener: TcpListener,
    gateways: GatewaySet,
    mut shutdown: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = shutdown.wait_for(|down| *down) => return,
        };
        match accepted {
            Ok((stream, address)) => {
                let address = SocketAddr::new(address.ip().to_canonical(), address.port());
                let open = worker.counters.connection_accepted();
                let relayed = worker.network.is_proxy(address.ip());
                let admitted = if relayed {
                    admission.admit_relayed()
                } else {
                    admission.admit(address.ip())
                };
                match admitted {
                    Some(admitted) => {
                        let accepted = Box::new(Accepted {
                            stream,
                            address,
                            relayed,
                            deadline: deadline::of_handshake(&worker.limits),
                            admitted,
                            _open: open,
                        });
                        let (worker, shutdown) = (Arc::clone(&worker), shutdown.clone());
                        tokio::spawn(serve(worker, gateways, accepted, shutdown));
                    }
                    None => refused::before_a_name(
                        &worker,
                        gateways,
                        address,
                        Why::plainly(Reason::Limit),
                    ),
                }
            }
            // Out of file descriptors, or the client left in the queue: neither ends the listener.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

/// A connection that was let in, and what it counts for as long as it is open.
struct Accepted {
    stream: TcpStream,
    /// Who connected, in canonical form.
    address: SocketAddr,
    /// Whether that is a trusted proxy, which tells first who the client is.
    relayed: bool,
    /// When the handshake has to be done.
    deadline: Instant,
    admitted: Admitted,
    _open: OpenConnection,
}

/// What a connection counts for, until this is dropped.
struct Counted {
    _admitted: Admitted,
    _open: OpenConnection,
}

/// One connection, from its first byte to its last.
async fn serve(
    worker: Arc<Worker>,
    gateways: GatewaySet,
    accepted: Box<Accepted>,
    shutdown: watch::Receiver<bool>,
) {
    let guard = PanicCounter { worker: &worker };
    // The state of what comes before HTTP is large and short-lived: it must not stay part of an idle connection's
    // memory.
    let Some((established, counted)) = Box::pin(begin(&worker, gateways, accepted)).await else {
        return;
    };
    connection::drive(&worker, established, shutdown).await;
    drop(counted);
    drop(guard);
}

/// Who calls, and the handshake. `None` where the connection was refused.
async fn begin(
    worker: &Arc<Worker>,
    gateways: GatewaySet,
    mut accepted: Box<Accepted>,
) -> Option<(Established, Counted)> {
    let address = if accepted.relayed {
        client_of(worker, gateways, &mut accepted).await?
    } else {
        accepted.address
    };
    if !gateways.admit(&worker.network, address) {
        let why = Why::plainly(Reason::NetworkRule);
        refused::before_a_name(worker, gateways, address, why);
        return None;
    }
    let Accepted {
        stream,
        deadline,
        admitted,
        _open,
        ..
    } = *accepted;
    let _ = stream.set_nodelay(true);
    let activity = Arc::new(Activity::new());
    let io = ClientIo::new(stream, activity, &worker.limits);
    let established = handshake::handshake(worker, gateways, address, io, deadline).await?;
    let counted = Counted {
        _admitted: admitted,
        _open,
    };
    Some((established, counted))
}

/// Where the client of a trusted proxy comes from. `None` where the connection has to be closed: that is recorded, unless
/// the proxy only looked whether somebody listens.
async fn client_of(
    worker: &Worker,
    gateways: GatewaySet,
    accepted: &mut Accepted,
) -> Option<SocketAddr> {
    let mut begun = false;
    let header = proxy_protocol::read(&mut accepted.stream, &mut begun);
    let why = match timeout_at(accepted.deadline, header).await {
        Ok(Ok(Source::Client(client))) => {
            if accepted.admitted.count_for(client.ip()) {
                return Some(client);
            }
            refused::before_a_name(worker, gateways, client, Why::plainly(Reason::Limit));
            return None;
        }
        Ok(Ok(Source::Proxy)) => return Some(accepted.address),
        Ok(Ok(Source::Untold)) => Why {
            reason: Reason::NetworkRule,
            sentence: Some(
                "A trusted proxy did not tell the address of its client, so that no network rule can let it in."
                    .to_owned(),
            ),
            certificate: None,
            chain: None,
        },
        Ok(Err(error @ (HeaderError::Malformed(_) | HeaderError::Truncated))) => Why {
            reason: Reason::ProtocolError,
            sentence: Some(format!(
                "The connection comes from a trusted proxy, and {error}."
            )),
            certificate: None,
            chain: None,
        },
        Ok(Err(HeaderError::Silent | HeaderError::Io(_))) => return None,
        Err(_) if begun => Why::plainly(Reason::HandshakeTimeout),
        Err(_) => return None,
    };
    refused::before_a_name(worker, gateways, accepted.address, why);
    None
}

/// A panic costs one connection, and is counted.
struct PanicCounter<'a> {
    worker: &'a Worker,
}

impl Drop for PanicCounter<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.worker.counters.panic_caught();
        }
    }
}
