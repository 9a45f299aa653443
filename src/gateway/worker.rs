//! What a worker holds: all that a connection or a call needs besides itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::{MissedTickBehavior, interval};

use crate::clock::Clock;
use crate::domain::network::NetworkRules;
use crate::gateway::bulk::BulkBudget;
use crate::gateway::gathered::Gathered;
use crate::gateway::limits::GatewayLimits;
use crate::gateway::request_body::RequestBody;
use crate::gateway::request_id::RequestIds;
use crate::outbound::pool::Pools;
use crate::snapshot::live::Live;
use crate::telemetry::access::AccessLog;
use crate::telemetry::counters::Counters;
use crate::telemetry::cuts::Cuts;
use crate::telemetry::journal::RefusalJournal;
use crate::telemetry::open::{OpenConnections, SWEEP_EVERY};
use crate::telemetry::seen::ClientsSeen;

/// What one worker's connections share. Each worker has its own; what the workers share is behind the `Arc`s.
pub struct Worker {
    /// The present snapshot.
    pub live: Arc<Live>,
    /// The time.
    pub clock: Clock,
    /// Takes one record per call.
    pub access: Arc<AccessLog>,
    /// Takes the refusals that a realm's people should read.
    pub journal: Arc<RefusalJournal>,
    /// Takes the clients that were let in.
    pub clients_seen: Arc<ClientsSeen>,
    /// The process-wide counters.
    pub counters: Arc<Counters>,
    /// The open connections of verified clients.
    pub open: Arc<OpenConnections>,
    /// Takes whom is cut, by cause.
    pub cuts: Arc<Cuts>,
    /// Connections to upstreams.
    pub pools: Pools<RequestBody>,
    /// The bounds.
    pub limits: GatewayLimits,
    /// Who may connect to which gateway, and who speaks for others.
    pub network: Arc<NetworkRules>,
    /// Names calls.
    pub ids: RequestIds,
    /// What the workers do and hold together.
    pub chores: Chores,
}

impl Worker {
    /// Starts what a worker does besides serving. To be called once, on the worker's runtime.
    pub fn upkeep(&self) {
        if self.chores.take() {
            tokio::spawn(self.pools.sweeper());
            tokio::spawn(sweep(Arc::clone(&self.open), self.clock.clone()));
        }
    }
}

/// Wakes connections when what let them in ends, for as long as the worker runs.
async fn sweep(open: Arc<OpenConnections>, clock: Clock) {
    let mut ticks = interval(SWEEP_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        open.sweep(clock.now());
    }
}

/// What the workers that share a clone of this have in common: the memory for gathered bodies, and work that only one of
/// them does.
#[derive(Clone, Debug, Default)]
pub struct Chores {
    taken: Arc<AtomicBool>,
    gathered: Gathered,
    bulk: BulkBudget,
}

impl Chores {
    /// The memory that gathered bodies take.
    pub const fn gathered(&self) -> &Gathered {
        &self.gathered
    }

    /// Whether the worker that asks is the one.
    /// What large answers may hold in memory beyond the usual.
    pub const fn bulk(&self) -> &BulkBudget {
        &self.bulk
    }

    fn take(&self) -> bool {
        !self.taken.swap(true, Ordering::Relaxed)
    }
}
