//! The gateway as a whole: its sockets and its workers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::gateway::admission::Admission;
use crate::gateway::limits::GatewayLimits;
use crate::gateway::listener::{self, GatewaySet, Sharing};
use crate::gateway::worker::Worker;

/// How work is spread over cores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerModel {
    /// A single-threaded runtime per worker, each with sockets of its own (`SO_REUSEPORT`).
    PerCore,
    /// One runtime whose threads share all connections.
    Shared,
}

/// What the gateway is started with.
pub struct GatewayParts {
    /// The addresses, and which gateways each of them serves.
    pub listeners: Vec<(SocketAddr, GatewaySet)>,
    /// How work is spread.
    pub model: WorkerModel,
    /// How many workers; at least one.
    pub workers: usize,
    /// The bounds.
    pub limits: GatewayLimits,
}

/// A gateway that serves.
pub struct RunningGateway {
    bound: Vec<(SocketAddr, GatewaySet)>,
    admission: Arc<Admission>,
    shutdown: watch::Sender<bool>,
    threads: Vec<JoinHandle<()>>,
}

/// Binds every address, then starts to serve. `worker` makes what each worker holds.
///
/// # Errors
/// [`GatewayError`], which names the address; nothing serves then.
pub fn start(
    parts: &GatewayParts,
    mut worker: impl FnMut() -> Worker,
) -> Result<RunningGateway, GatewayError> {
    let workers = parts.workers.max(1);
    let (runtimes, sharing) = match parts.model {
        WorkerModel::PerCore => (workers, Sharing::PerWorker),
        WorkerModel::Shared => (1, Sharing::Alone),
    };
    let mut bound = Vec::new();
    let mut sockets: Vec<Vec<(std::net::TcpListener, GatewaySet)>> =
        (0..runtimes).map(|_| Vec::new()).collect();
    for (address, gateways) in &parts.listeners {
        // A port of 0 is chosen by the first socket; the others join it.
        let mut address = *address;
        probe(address)?;
        for of_runtime in &mut sockets {
            let failed = |source| GatewayError::Bind { address, source };
            let socket = listener::bind(address, sharing).map_err(failed)?;
            address = socket.local_addr().map_err(failed)?;
            of_runtime.push((socket, *gateways));
        }
        bound.push((address, *gateways));
    }
    let admission = Arc::new(Admission::new(&parts.limits));
    let (shutdown, receiver) = watch::channel(false);
    let mut threads = Vec::new();
    for (position, sockets) in sockets.into_iter().enumerate() {
        let runtime =
            runtime(parts.model, workers).map_err(|source| GatewayError::Runtime { source })?;
        let (worker, admission, receiver) =
            (Arc::new(worker()), Arc::clone(&admission), receiver.clone());
        let thread = std::thread::Builder::new().name(format!("gateway-{position}"));
        let spawned =
            thread.spawn(move || runtime.block_on(work(worker, admission, sockets, receiver)));
        threads.push(spawned.map_err(|source| GatewayError::Runtime { source })?);
    }
    Ok(RunningGateway {
        bound,
        admission,
        shutdown,
        threads,
    })
}

/// With `SO_REUSEPORT` a second process of the same user could join an address unnoticed: bind it once without.
fn probe(address: SocketAddr) -> Result<(), GatewayError> {
    if address.port() == 0 {
        return Ok(());
    }
    listener::bind(address, Sharing::Alone)
        .map(drop)
        .map_err(|source| GatewayError::Bind { address, source })
}

fn runtime(model: WorkerModel, workers: usize) -> io::Result<Runtime> {
    match model {
        WorkerModel::PerCore => Builder::new_current_thread().enable_all().build(),
        WorkerModel::Shared => Builder::new_multi_thread()
            .worker_threads(workers)
            .thread_name("gateway-worker")
            .enable_all()
            .build(),
    }
}

async fn work(
    worker: Arc<Worker>,
    admission: Arc<Admission>,
    sockets: Vec<(std::net::TcpListener, GatewaySet)>,
    mut shutdown: watch::Receiver<bool>,
) {
    for (socket, gateways) in sockets {
        match TcpListener::from_std(socket) {
            Ok(socket) => {
                let (worker, admission) = (Arc::clone(&worker), Arc::clone(&admission));
                tokio::spawn(listener::accept(
                    worker,
                    admission,
                    socket,
                    gateways,
                    shutdown.clone(),
                ));
            }
            Err(error) => tracing::error!(%error, "a listening socket could not be used"),
        }
    }
    worker.upkeep();
    let _ = shutdown.wait_for(|down| *down).await;
    let grace = std::time::Duration::from_millis(u64::from(worker.limits.shutdown_grace_ms));
    let _ = tokio::time::timeout(grace, all_gone(&admission)).await;
}

async fn all_gone(admission: &Admission) {
    while admission.open() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

impl RunningGateway {
    /// The addresses that are served, ports filled in.
    pub fn bound(&self) -> &[(SocketAddr, GatewaySet)] {
        &self.bound
    }

    /// How many connections are open.
    pub fn connections(&self) -> u32 {
        self.admission.open()
    }

    /// Accepts no more, lets calls in flight end within the grace, and returns when all workers have stopped.
    pub fn shut_down(self) {
        self.shutdown.send_replace(true);
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A worker cannot be started.
    #[error("a gateway worker cannot be started: {source}")]
    Runtime {
        /// What the system says.
        source: io::Error,
    },
}
