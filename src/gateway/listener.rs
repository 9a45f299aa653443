//! Listening sockets: binding, accepting, admitting.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::domain::environment::Gateway;
use crate::gateway::activity::Activity;
use crate::gateway::admission::{Admission, Admitted};
use crate::gateway::client_io::ClientIo;
use crate::gateway::connection;
use crate::gateway::handshake;
use crate::gateway::refused::{self, Caller, Why};
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
                let open = worker.counters.connection_accepted();
                match admission.admit(address.ip()) {
                    Some(admitted) => {
                        let (worker, shutdown) = (Arc::clone(&worker), shutdown.clone());
                        tokio::spawn(serve(
                            worker,
                            gateways,
                            stream,
                            address,
                            (admitted, open),
                            shutdown,
                        ));
                    }
                    None => {
                        let gateway = gateways.first();
                        let caller = Caller {
                            address,
                            gateway,
                            environment: None,
                            realm: None,
                            server_name: None,
                        };
                        refused::record(&worker, caller, Why::plainly(Reason::Limit));
                    }
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

/// One connection, from its first byte to its last.
async fn serve(
    worker: Arc<Worker>,
    gateways: GatewaySet,
    stream: TcpStream,
    address: SocketAddr,
    counted: (Admitted, OpenConnection),
    shutdown: watch::Receiver<bool>,
) {
    let guard = PanicCounter { worker: &worker };
    let _ = stream.set_nodelay(true);
    let activity = Arc::new(Activity::new());
    let io = ClientIo::new(stream, activity, &worker.limits);
    // The handshake's state is large and short-lived: it must not stay part of an idle connection's memory.
    let established = Box::pin(handshake::handshake(&worker, gateways, address, io)).await;
    if let Some(established) = established {
        connection::drive(&worker, established, shutdown).await;
    }
    drop(guard);
    drop(counted);
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
