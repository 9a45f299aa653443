//! Which clients were let in, as the data plane tells it: at handshakes on a realm's own host, and on a shared host when a
//! realm first lets the client in on that connection.

use crate::clock::Moment;
use crate::domain::name::RealmName;
use crate::gateway::entitlement::{Entitled, News};
use crate::gateway::peer::{Peer, PeerPlace};
use crate::gateway::worker::Worker;
use crate::telemetry::counters::Handshake;
use crate::telemetry::seen::Seen;
use crate::trust::judge::Verified;

/// A handshake is done. On a shared host nobody knows yet whose client it is.
pub fn connected(worker: &Worker, peer: &Peer, now: Moment) {
    if let (PeerPlace::Realm { realm, .. }, Some(verified)) = (&peer.place, &peer.client) {
        tell(worker, peer, realm, verified, Some(peer.tls.handshake), now);
    }
}

/// A realm lets the client of a call in.
pub fn called(worker: &Worker, peer: &Peer, entitled: &Entitled<'_>, now: Moment) {
    let (Some(news), Some(client)) = (entitled.news, &entitled.client) else {
        return;
    };
    let handshake = match (news, &peer.place) {
        (News::Came, PeerPlace::Shared { .. }) => Some(peer.tls.handshake),
        // The handshake was told of.
        (News::Came, PeerPlace::Realm { .. }) | (News::Moved, _) => None,
    };
    tell(
        worker,
        peer,
        entitled.realm,
        client.verified(),
        handshake,
        now,
    );
}

fn tell(
    worker: &Worker,
    peer: &Peer,
    realm: &RealmName,
    verified: &Verified,
    handshake: Option<Handshake>,
    at: Moment,
) {
    worker.clients_seen.saw(Seen {
        at,
        realm,
        environment: peer.place.environment(),
        verified,
        handshake,
        address: peer.address.ip(),
        tls: peer.tls.version,
        protocol: peer.tls.protocol.as_str(),
    });
}
