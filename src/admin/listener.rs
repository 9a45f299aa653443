//! The listening socket: binding, accepting, admitting.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::admin::connection;
use crate::admin::limits::AdminLimits;
use crate::snapshot::live::Live;

/// What the listener serves, and how.
#[derive(Clone)]
pub struct AdminParts {
    /// Where the TLS configuration comes from, anew for each connection: a new identity is shown from the next
    /// handshake on.
    pub live: Arc<Live>,
    /// The API's router.
    pub router: Router,
    /// The bounds.
    pub limits: AdminLimits,
}

/// Binds the listening socket, not yet accepting.
///
/// # Errors
/// What the system says: the address in use, not ours, or not permitted.
pub fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(256)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Serves until `shutdown` says so, then lets open calls end within their grace. Runs on the admin runtime.
///
/// # Errors
/// Where the socket cannot be handed to the runtime.
pub async fn serve(
    listener: std::net::TcpListener,
    parts: AdminParts,
    mut shutdown: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let permits = Arc::new(Semaphore::new(parts.limits.connections_max));
    let parts = Arc::new(parts);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = shutdown.wait_for(|down| *down) => break,
            Some(ended) = connections.join_next() => {
                if ended.is_err_and(|error| error.is_panic()) {
                    tracing::error!("a connection to the admin API ended in a panic");
                }
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
                    tracing::warn!(%address, "a connection to the admin API was refused: there are too many (admin_connections_max)");
                    continue;
                };
                let (parts, shutdown) = (Arc::clone(&parts), shutdown.clone());
                connections.spawn(async move {
                    connection::serve(&parts, stream, address, shutdown).await;
                    drop(permit);
                });
            }
            // Out of file descriptors, or the client left in the queue: neither ends the listener.
            Err(error) => {
                tracing::warn!(%error, "a connection to the admin API could not be accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    Ok(())
}
