//! Starting a server.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::admin::listener::{self as admin_listener, AdminParts};
use crate::api::router;
use crate::app::error::StartError;
use crate::app::files;
use crate::app::handout;
use crate::app::master_key::{self, MissingKey};
use crate::app::running::{Running, Stopping};
use crate::clock::Clock;
use crate::control::address::{Addresses, Listener, Reach};
use crate::control::engine::{Control, Parts};
use crate::domain::catalog::Rules;
use crate::domain::environment::Gateway;
use crate::domain::network::NetworkRules;
use crate::gateway::listener::GatewaySet;
use crate::gateway::request_id::RequestIds;
use crate::gateway::server::{self, GatewayError, GatewayParts, RunningGateway};
use crate::gateway::worker::{Chores, Worker};
use crate::outbound::download::Downloader;
use crate::outbound::guard::OutgoingGuard;
use crate::outbound::pool::Pools;
use crate::refresh::run as refresh;
use crate::settings::settled::{AccessLogTarget, Listeners, LogSettings, Settings};
use crate::snapshot::compile::Compiler;
use crate::store::db::{STORE_FILE, Store};
use crate::telemetry::access::{AccessLimits, AccessLog};
use crate::telemetry::counters::Counters;
use crate::telemetry::cuts::Cuts;
use crate::telemetry::journal::{JournalLimits, RefusalJournal};
use crate::telemetry::log;
use crate::telemetry::open::OpenConnections;
use crate::telemetry::seen::{ClientsSeen, ClientsSeenLimits};

/// How many threads the admin API and the upkeep have, apart from those of the gateways.
const ADMIN_THREADS: usize = 2;

/// Begins to log, for the whole process.
///
/// # Errors
/// [`StartError::Log`].
pub fn start_log(settings: &LogSettings, clock: &Clock) -> Result<(), StartError> {
    Ok(log::start(
        settings.format,
        settings.filter.clone(),
        clock.clone(),
    )?)
}

/// Logs what is configured, can be used, and is probably not meant.
pub fn warn(warnings: &[String]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// Starts a server: opens the store, or makes it, compiles everything, and listens. It serves when this returns.
///
/// # Errors
/// [`StartError`]; nothing serves then.
pub fn start(mut settings: Settings, clock: &Clock) -> Result<Running, StartError> {
    let admin_socket = bind_admin(settings.listeners.admin)?;
    let admin_address = local_address(&admin_socket, settings.listeners.admin)?;
    probe(&settings.listeners)?;
    let directory = &settings.data_dir;
    files::make_directory(directory).map_err(|source| StartError::DataDirectory {
        path: directory.clone(),
        source,
    })?;
    // What is told of it must mean the same in another working directory.
    settings.data_dir = std::path::absolute(&settings.data_dir).unwrap_or(settings.data_dir);
    let store_file = settings.data_file(STORE_FILE);
    let is_first_start = !store_file.exists();
    let key = master_key::of(&settings, MissingKey::IsMade)?;
    let store = Store::open(&store_file, &key, clock.now())?;
    let counters = Arc::new(Counters::new());
    let journal = Arc::new(RefusalJournal::new(JournalLimits::default()));
    let (open, cuts) = (
        Arc::new(OpenConnections::default()),
        Arc::new(Cuts::default()),
    );
    let clients_seen = Arc::new(ClientsSeen::new(ClientsSeenLimits::default()));
    let access = Arc::new(access_log(&settings.access_log, &counters)?);
    let control = Control::start(Parts {
        store,
        compiler: Compiler::new(
            settings.rules.names.clone(),
            clock.clone(),
            settings.trust,
            settings.resumption,
        )
        .map_err(|source| StartError::Tls { source })?,
        clock: clock.clone(),
        journal: Arc::clone(&journal),
        open: Arc::clone(&open),
        cuts: Arc::clone(&cuts),
        rules: Rules {
            external_port: told_port(&settings.listeners.external),
            ..settings.rules.clone()
        },
        intake: settings.intake,
        admin_names: settings.admin_names.clone(),
        refusals_per_realm_max: settings.refusals_per_realm_max,
        clients_seen: Arc::clone(&clients_seen),
        clients_seen_limits: settings.clients_seen,
    })?;
    let handed_out = handout::write(&settings, &control, admin_address)?;
    let gateway = start_gateway(&settings, admin_address, |pools, chores| Worker {
        live: Arc::clone(control.live()),
        clock: clock.clone(),
        access: Arc::clone(&access),
        journal: Arc::clone(&journal),
        clients_seen: Arc::clone(&clients_seen),
        counters: Arc::clone(&counters),
        open: Arc::clone(&open),
        cuts: Arc::clone(&cuts),
        pools: pools.clone(),
        limits: settings.gateway,
        network: Arc::clone(&settings.network),
        ids: RequestIds::default(),
        chores: chores.clone(),
    })?;
    control.announce(addresses(&gateway));
    control.announce_listeners(listeners(&gateway, &settings.network));
    control.announce_cut_grace(settings.gateway.cut_grace_ms);
    control.announce_crl_warning(
        u64::try_from(settings.refresh.warn_before.as_millis()).unwrap_or(u64::MAX),
    );
    let (stop, stopped) = watch::channel(false);
    let admin = start_admin(&settings, &control, admin_socket, &stopped)?;
    start_refresh(
        &settings,
        &control,
        &admin,
        &gateway,
        admin_address,
        &stopped,
    );
    Ok(Running {
        settings,
        store_file,
        is_first_start,
        handed_out,
        admin_address,
        bound: gateway.bound().to_vec(),
        stopping: Stopping {
            gateway,
            admin,
            stop,
            access,
            control,
        },
    })
}

fn bind_admin(address: SocketAddr) -> Result<std::net::TcpListener, StartError> {
    admin_listener::bind(address)
        .map_err(|source| StartError::listen("admin_listen", address, source))
}

fn local_address(
    socket: &std::net::TcpListener,
    told: SocketAddr,
) -> Result<SocketAddr, StartError> {
    socket
        .local_addr()
        .map_err(|source| StartError::listen("admin_listen", told, source))
}

/// Finds out early, before anything is made or changed, that an address cannot be listened on.
fn probe(listeners: &Listeners) -> Result<(), StartError> {
    for (address, _) in grouped(listeners)
        .into_iter()
        .filter(|(address, _)| address.port() != 0)
    {
        crate::gateway::listener::bind(address, crate::gateway::listener::Sharing::Alone)
            .map_err(|source| StartError::listen(key_of(listeners, address), address, source))?;
    }
    Ok(())
}

/// Every address once, with the gateways that it serves. Any free port (0) is a port of its own for each.
fn grouped(listeners: &Listeners) -> Vec<(SocketAddr, GatewaySet)> {
    let mut grouped: Vec<(SocketAddr, GatewaySet)> = Vec::new();
    for gateway in [Gateway::Mtls, Gateway::External, Gateway::Internal] {
        for address in of_gateway(listeners, gateway) {
            match grouped
                .iter_mut()
                .find(|(other, _)| other == address && address.port() != 0)
            {
                Some((_, gateways)) => *gateways = gateways.with(gateway),
                None => grouped.push((*address, GatewaySet::of(gateway))),
            }
        }
    }
    grouped
}

fn of_gateway(listeners: &Listeners, gateway: Gateway) -> &[SocketAddr] {
    match gateway {
        Gateway::External => &listeners.external,
        Gateway::Internal => &listeners.internal,
        Gateway::Mtls => &listeners.mtls,
    }
}

/// The port that URLs name: none where it is the usual one, or any free one.
fn told_port(addresses: &[SocketAddr]) -> Option<u16> {
    let port = addresses.first()?.port();
    (port != 0 && port != 443).then_some(port)
}

fn key_of(listeners: &Listeners, address: SocketAddr) -> &'static str {
    if listeners.mtls.contains(&address) {
        "mtls_listen"
    } else if listeners.external.contains(&address) {
        "external_listen"
    } else {
        "internal_listen"
    }
}

fn access_log(target: &AccessLogTarget, counters: &Arc<Counters>) -> Result<AccessLog, StartError> {
    match target {
        AccessLogTarget::Off => Ok(AccessLog::off()),
        AccessLogTarget::To(target) => Ok(AccessLog::start(
            target,
            AccessLimits::default(),
            Arc::clone(counters),
        )?),
    }
}

fn start_gateway(
    settings: &Settings,
    admin_address: SocketAddr,
    worker: impl Fn(&Pools<crate::gateway::request_body::RequestBody>, &Chores) -> Worker,
) -> Result<RunningGateway, StartError> {
    let listeners = grouped(&settings.listeners);
    let present = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let workers = NonZeroUsize::new(settings.workers).unwrap_or(present);
    let own = listeners
        .iter()
        .map(|(address, _)| *address)
        .chain([admin_address])
        .collect();
    let guard = OutgoingGuard::new(settings.outgoing_networks_allowed.clone(), own);
    let pools = Pools::new(settings.outbound, guard, workers);
    let chores = Chores::default();
    let parts = GatewayParts {
        listeners,
        model: settings.worker_model,
        workers: workers.get(),
        limits: settings.gateway,
    };
    server::start(&parts, || worker(&pools, &chores)).map_err(|error| match error {
        GatewayError::Bind { address, source } => {
            StartError::listen(key_of(&settings.listeners, address), address, source)
        }
        GatewayError::Runtime { source } => StartError::Runtime { source },
    })
}

fn addresses(gateway: &RunningGateway) -> Addresses {
    let reach = |wanted: Gateway| {
        let (address, _) = gateway
            .bound()
            .iter()
            .find(|(_, gateways)| gateways.has(wanted))?;
        Some(Reach {
            address: address.ip(),
            port: address.port(),
        })
    };
    Addresses {
        external: reach(Gateway::External),
        internal: reach(Gateway::Internal),
        mtls: reach(Gateway::Mtls),
    }
}

fn listeners(gateway: &RunningGateway, network: &Arc<NetworkRules>) -> Vec<Listener> {
    let told = |(address, set): &(SocketAddr, GatewaySet)| Listener {
        address: *address,
        gateways: Gateway::ALL
            .into_iter()
            .filter(|gateway| set.has(*gateway))
            .collect(),
        network: Arc::clone(network),
    };
    gateway.bound().iter().map(told).collect()
}

/// The admin API and the upkeep, on threads of their own: they never share one with the data plane.
fn start_admin(
    settings: &Settings,
    control: &Arc<Control>,
    socket: std::net::TcpListener,
    stopped: &watch::Receiver<bool>,
) -> Result<Runtime, StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(ADMIN_THREADS)
        .thread_name("admin")
        .enable_all()
        .build()
        .map_err(|source| StartError::Runtime { source })?;
    let parts = AdminParts {
        live: Arc::clone(control.live()),
        router: router::router(Arc::clone(control), settings.api),
        limits: settings.admin,
    };
    let shutdown = stopped.clone();
    runtime.spawn(async move {
        if let Err(error) = admin_listener::serve(socket, parts, shutdown).await {
            tracing::error!(%error, "the admin API does not listen any more");
        }
    });
    runtime.spawn(Arc::clone(control).upkeep(stopped.clone()));
    Ok(runtime)
}

/// What keeps revocation lists fresh, beside the upkeep. It may call what connections may.
fn start_refresh(
    settings: &Settings,
    control: &Arc<Control>,
    runtime: &Runtime,
    gateway: &RunningGateway,
    admin_address: SocketAddr,
    stopped: &watch::Receiver<bool>,
) {
    let bound = gateway.bound().iter().map(|(address, _)| *address);
    let own = bound.chain([admin_address]).collect();
    let guard = OutgoingGuard::new(settings.outgoing_networks_allowed.clone(), own);
    let downloader = Downloader::new(guard, settings.refresh.proxy.clone());
    let (control, limits) = (Arc::clone(control), settings.refresh.clone());
    runtime.spawn(refresh::run(control, downloader, limits, stopped.clone()));
}
