//! The present snapshot, swapped whole.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::flaw::{Flaw, planted};
use crate::snapshot::state::Snapshot;

/// Holds the present snapshot. Reading never waits for a writer.
pub struct Live {
    present: ArcSwap<Snapshot>,
}

impl Live {
    /// Begins with `snapshot`.
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            present: ArcSwap::from_pointee(snapshot),
        }
    }

    /// The present snapshot, for one decision: do not hold it across a wait that can be long.
    pub fn load(&self) -> Guard<Arc<Snapshot>> {
        self.present.load()
    }

    /// The present snapshot, to keep.
    pub fn load_full(&self) -> Arc<Snapshot> {
        self.present.load_full()
    }

    /// Puts `next` in place and wakes the connections of the realms in `touched`. Cannot fail. There is one
    /// publisher: `control`, which holds its writer's lock.
    pub fn publish(&self, next: Arc<Snapshot>, touched: &[RealmName]) {
        let before = self.present.swap(next);
        if planted(Flaw::Epoch) {
            return;
        }
        let next = self.present.load();
        for environment in Environment::ALL {
            next.shared.get(environment).epoch.announce();
            for name in touched {
                match (next.realms.get(name), before.realms.get(name)) {
                    (Some(realm), _) => realm.environments.get(environment).epoch.announce(),
                    (None, Some(gone)) => gone.environments.get(environment).epoch.announce_end(),
                    (None, None) => {}
                }
            }
        }
    }
}
