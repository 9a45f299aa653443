//! What a worker holds: all that a connection or a call needs besides itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::clock::Clock;
use crate::gateway::limits::GatewayLimits;
use crate::gateway::request_body::RequestBody;
use crate::gateway::request_id::RequestIds;
use crate::outbound::pool::Pools;
use crate::snapshot::live::Live;
use crate::telemetry::access::AccessLog;
use crate::telemetry::counters::Counters;
use crate::telemetry::journal::RefusalJournal;

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
    /// The process-wide counters.
    pub counters: Arc<Counters>,
    /// Connections to upstreams.
    pub pools: Pools<RequestBody>,
    /// The bounds.
    pub limits: GatewayLimits,
    /// Names calls.
    pub ids: RequestIds,
    /// Work that one of the workers does for all.
    pub chores: Chores,
}

impl Worker {
    /// Starts what a worker does besides serving. To be called once, on the worker's runtime.
    pub fn upkeep(&self) {
        if self.chores.take() {
            tokio::spawn(self.pools.sweeper());
        }
    }
}

/// Work that only one of the workers that share a clone of this does.
#[derive(Clone, Debug, Default)]
pub struct Chores(Arc<AtomicBool>);

impl Chores {
    /// Whether the worker that asks is the one.
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }
}
