//! What an open connection is let in by, and the telling of whom is cut when that is gone.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::clock::Moment;
use crate::domain::environment::Gateway;
use crate::domain::name::RealmName;
use crate::gateway::entitlement;
use crate::gateway::peer::{Peer, PeerPlace};
use crate::gateway::refusal::Refusal;
use crate::gateway::worker::Worker;
use crate::snapshot::state::Snapshot;
use crate::telemetry::cuts::{Cut, What, Why};
use crate::telemetry::open::{Entry, Registered};
use crate::trust::judge::Verified;
use crate::trust::shared::SharedTrust;

/// How many owners of an anchor are asked whether a change of theirs cut a client.
const OWNERS_MAX: usize = 64;

/// What an open connection was last let in by.
pub(crate) struct Held {
    /// Its place among the open connections; connections without client have none.
    registered: Option<Registered>,
    /// The last revision that is known to let it in.
    revision: u64,
    /// On a shared host, whom realms trusted then: it tells whose client this is when nobody trusts it any more.
    trust: Option<Arc<SharedTrust>>,
}

impl Held {
    /// A connection whose handshake is done: it comes in among the open ones.
    pub(crate) fn begin(worker: &Worker, peer: &Peer) -> Self {
        let snapshot = worker.live.load();
        let registered = peer.client.as_ref().map(|verified| {
            let realm = match &peer.place {
                PeerPlace::Realm { realm, .. } => Some(realm.clone()),
                PeerPlace::Shared { .. } => None,
            };
            worker.open.enter(Entry {
                realm,
                environment: peer.place.environment(),
                address: peer.address.ip().to_canonical(),
                since: worker.clock.now(),
                protocol: peer.tls.protocol.as_str(),
                verified: Arc::clone(verified),
            })
        });
        if let Some(registered) = &registered {
            peer.is_open_as(registered.client());
        }
        Self {
            registered,
            revision: snapshot.revision,
            trust: shared_trust(&snapshot, peer),
        }
    }

    /// Ready once what lets it in has come to its end.
    pub(crate) fn poll_due(&self, cx: &Context<'_>) -> Poll<()> {
        match &self.registered {
            Some(registered) => registered.client().poll_due(cx),
            None => Poll::Pending,
        }
    }

    /// Judges the client again, by what its host trusts now. Answers why it may not be on its connection any more.
    /// Requests are each held to their realm besides; this is for connections that make none.
    pub(crate) fn look_again(&mut self, worker: &Worker, peer: &Peer) -> Option<Lost> {
        let snapshot = worker.live.load();
        let now = worker.clock.now();
        match entitlement::still_entitled(&snapshot, peer, now) {
            Ok(ends) => {
                self.revision = snapshot.revision;
                self.trust = shared_trust(&snapshot, peer);
                if let Some(registered) = &mut self.registered {
                    registered.ends_at(ends);
                }
                None
            }
            Err(refusal) => Some(Lost {
                refusal,
                by: snapshot.revision,
                now,
            }),
        }
    }

    /// Tells that the connection is cut. One that was explained a refusal had no right to lose.
    pub(crate) fn tell(&self, worker: &Worker, peer: &Peer, lost: &Lost) {
        if peer.explained().is_some() {
            return;
        }
        let latest = entitlement::latest(peer);
        let realms = match &peer.place {
            PeerPlace::Realm { realm, .. } => vec![realm.clone()],
            PeerPlace::Shared { .. } => self.realms(peer, latest.as_deref()),
        };
        let ended = latest.and_then(|verified| verified.what_ended(lost.now));
        let changed = Why::Changed {
            after: Some(self.revision),
            by: lost.by,
        };
        worker.counters.connection_cut();
        worker.cuts.cut(Cut {
            what: What::Connection,
            realms: &realms,
            environment: peer.place.environment(),
            why: ended.map_or(changed, |(what, at)| Why::Ended { what, at }),
            reason: lost.refusal.reason(),
            client: peer.client.as_ref().map(|client| &*client.identity),
        });
    }

    /// The realms that may have let a client in on a shared host: those that it called, or, where it called none, who
    /// brought its anchor. Who merely trusts the CA as well is not told of a client that never came to them.
    fn realms(&self, peer: &Peer, latest: Option<&Verified>) -> Vec<RealmName> {
        let mut realms = peer.called();
        if !realms.is_empty() {
            return realms;
        }
        let owners = latest
            .zip(self.trust.as_ref())
            .map(|(verified, trust)| trust.owners_of_anchor(&verified.anchor, OWNERS_MAX));
        for owner in owners.into_iter().flatten() {
            if let Ok(realm) = RealmName::parse(&owner)
                && !realms.contains(&realm)
            {
                realms.push(realm);
            }
        }
        realms
    }
}

/// Why a connection's client may not be on it any more.
pub(crate) struct Lost {
    refusal: Refusal,
    /// The revision that says so.
    by: u64,
    now: Moment,
}

/// Tells that a call is cut on a connection that lives on; on a realm's own host the connection tells.
///
/// It had its right by the revision `after`, and no more by the revision `by`.
pub(crate) fn tell_call(
    worker: &Worker,
    peer: &Peer,
    realm: &RealmName,
    refusal: &Refusal,
    (after, by): (Option<u64>, u64),
) {
    if matches!(peer.place, PeerPlace::Realm { .. }) {
        return;
    }
    let latest = entitlement::latest(peer);
    let ended = latest.and_then(|verified| verified.what_ended(worker.clock.now()));
    worker.cuts.cut(Cut {
        what: What::Call,
        realms: std::slice::from_ref(realm),
        environment: peer.place.environment(),
        why: ended.map_or(Why::Changed { after, by }, |(what, at)| Why::Ended {
            what,
            at,
        }),
        reason: refusal.reason(),
        client: peer.client.as_ref().map(|client| &*client.identity),
    });
}

fn shared_trust(snapshot: &Snapshot, peer: &Peer) -> Option<Arc<SharedTrust>> {
    match &peer.place {
        PeerPlace::Shared {
            gateway: Gateway::Mtls,
            environment,
        } => Some(Arc::clone(&snapshot.shared.get(*environment).trust)),
        PeerPlace::Shared { .. } | PeerPlace::Realm { .. } => None,
    }
}
