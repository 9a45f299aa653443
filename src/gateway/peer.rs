//! What the handshake proved: one per connection, shared by its requests.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

use crate::domain::environment::{Environment, Gateway};
use crate::domain::name::RealmName;
use crate::gateway::client_rule::Answers;
use crate::gateway::entitlement::Standings;
use crate::gateway::explained::Explained;
use crate::gateway::forwarding::Forwarding;
use crate::gateway::in_flight::InFlight;
use crate::telemetry::counters::Handshake;
use crate::telemetry::open::OpenClient;
use crate::trust::judge::Verified;

/// A connection whose handshake is done.
#[derive(Debug)]
pub struct Peer {
    /// What the server name of the handshake leads to.
    pub place: PeerPlace,
    /// The server name of the handshake, in lower case, without trailing dot.
    pub host: Arc<str>,
    /// Where the client calls from.
    pub address: SocketAddr,
    /// How the two sides speak.
    pub tls: TlsFacts,
    /// The client, as verified in the handshake; there on the mtls gateway only, and always where the client was not
    /// refused.
    pub client: Option<Arc<Verified>>,
    /// The trust epoch that the handshake was made in; 0 on the regular gateways.
    pub epoch: u64,
    /// Why the client was refused, on a host that explains it. [`Peer::refused`] makes such peers, without a client.
    explained: Option<Arc<Explained>>,
    standings: Mutex<Standings>,
    answers: Mutex<Answers>,
    /// Made when it is first needed, and kept for as long as the connection is busy.
    forwarding: Mutex<Option<Box<Forwarding>>>,
    in_flight: InFlight,
    dismissed: AtomicBool,
    dismissal: Notify,
    open: OnceLock<Arc<OpenClient>>,
}

/// What a server name leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerPlace {
    /// A gateway's host that all realms share.
    Shared {
        /// The gateway.
        gateway: Gateway,
        /// The environment.
        environment: Environment,
    },
    /// A realm's own mTLS host.
    Realm {
        /// The environment.
        environment: Environment,
        /// The realm.
        realm: RealmName,
    },
}

impl PeerPlace {
    /// The gateway.
    pub const fn gateway(&self) -> Gateway {
        match self {
            Self::Shared { gateway, .. } => *gateway,
            Self::Realm { .. } => Gateway::Mtls,
        }
    }

    /// The environment.
    pub const fn environment(&self) -> Environment {
        match self {
            Self::Shared { environment, .. } | Self::Realm { environment, .. } => *environment,
        }
    }
}

/// What was agreed on in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: &'static str,
    /// The protocol that is spoken over it.
    pub protocol: Protocol,
    /// Whether the client proved itself anew or resumed a session.
    pub handshake: Handshake,
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, and 1.0.
    H1,
    /// HTTP/2.
    H2,
}

impl Protocol {
    /// As ALPN names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::H1 => "http/1.1",
            Self::H2 => "h2",
        }
    }
}

impl Peer {
    /// A peer that has made no request yet.
    pub fn new(
        place: PeerPlace,
        host: Arc<str>,
        address: SocketAddr,
        tls: TlsFacts,
        client: Option<Arc<Verified>>,
        epoch: u64,
    ) -> Self {
        Self {
            place,
            host,
            address,
            tls,
            client,
            epoch,
            explained: None,
            standings: Mutex::new(Standings::default()),
            answers: Mutex::new(Answers::default()),
            forwarding: Mutex::new(None),
            in_flight: InFlight::default(),
            dismissed: AtomicBool::new(false),
            dismissal: Notify::new(),
            open: OnceLock::new(),
        }
    }

    /// A peer that is told on each request why it is refused, and nothing else.
    pub fn refused(
        place: PeerPlace,
        host: Arc<str>,
        address: SocketAddr,
        tls: TlsFacts,
        explained: Explained,
        epoch: u64,
    ) -> Self {
        Self {
            explained: Some(Arc::new(explained)),
            ..Self::new(place, host, address, tls, None, epoch)
        }
    }

    /// What the client is told instead of being served.
    pub const fn explained(&self) -> Option<&Arc<Explained>> {
        self.explained.as_ref()
    }

    /// Asks for the connection's end: what is being answered is finished, and nothing more is accepted.
    pub fn dismiss(&self) {
        self.dismissed.store(true, Ordering::Release);
        self.dismissal.notify_waiters();
    }

    /// Whether somebody asked for the connection's end.
    pub fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::Acquire)
    }

    /// Waits until somebody asks for the connection's end.
    pub async fn dismissed(&self) {
        let notified = self.dismissal.notified();
        let mut notified = std::pin::pin!(notified);
        // Registered before the look, so that a dismissal in between is not missed.
        notified.as_mut().enable();
        if !self.dismissed.load(Ordering::Acquire) {
            notified.await;
        }
    }

    /// What realms thought of this client when they were last asked. Only requests of this connection take the lock,
    /// and none across a wait.
    pub(crate) const fn standings(&self) -> &Mutex<Standings> {
        &self.standings
    }

    /// Nobody has called for a while: lets go of what is quickly made again.
    pub(crate) fn rest(&self) {
        locked(&self.standings).rest();
        // What is deployed remembers the answers as well.
        *locked(&self.answers) = Answers::default();
        *locked(&self.forwarding) = None;
    }

    /// What client rules said of this client when they were last asked; as [`Peer::standings`].
    pub(crate) const fn answers(&self) -> &Mutex<Answers> {
        &self.answers
    }

    /// The calls that are being served on it.
    pub(crate) const fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }

    /// Its connection has come in among the open ones.
    pub(crate) fn is_open_as(&self, open: &Arc<OpenClient>) {
        let _ = self.open.set(Arc::clone(open));
    }

    /// A realm has let it in, on a shared host.
    pub(crate) fn calls(&self, realm: &RealmName) {
        if let Some(open) = self.open.get() {
            open.calls(realm);
        }
    }

    /// The realms that have let it in, on a shared host.
    pub(crate) fn called(&self) -> Vec<RealmName> {
        self.open.get().map_or_else(Vec::new, |open| open.called())
    }

    /// Has an upstream told where a call that names `port` comes from.
    pub(crate) fn tell_forwarding(&self, port: Option<u16>, headers: &mut http::HeaderMap) {
        let make = || Forwarding::new(self.address, &self.host, port);
        let mut usual = locked(&self.forwarding);
        let usual = usual.get_or_insert_with(|| Box::new(make()));
        if usual.is_of(port) {
            usual.tell(headers);
        } else {
            make().tell(headers);
        }
    }
}

/// Only the calls and the driver of one connection lock these, and none across a wait.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn peer() -> Peer {
        let place = PeerPlace::Shared {
            gateway: Gateway::External,
            environment: Environment::Prod,
        };
        let tls = TlsFacts {
            version: "TLSv1.3",
            protocol: Protocol::H1,
            handshake: Handshake::Full,
        };
        Peer::new(
            place,
            "api.gate.localhost".into(),
            "192.0.2.7:5000".parse().unwrap(),
            tls,
            None,
            0,
        )
    }

    #[tokio::test]
    async fn a_dismissal_is_seen_before_and_after_it() {
        let peer = Arc::new(peer());
        let waiting = tokio::spawn({
            let peer = Arc::clone(&peer);
            async move { peer.dismissed().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        peer.dismiss();
        tokio::time::timeout(Duration::from_secs(5), waiting)
            .await
            .unwrap()
            .unwrap();
        tokio::time::timeout(Duration::from_secs(5), peer.dismissed())
            .await
            .unwrap();
    }

    #[test]
    fn each_call_is_told_by_the_port_that_it_named() {
        let peer = peer();
        for (port, host) in [
            (None, "api.gate.localhost"),
            (Some(8443), "api.gate.localhost:8443"),
            (None, "api.gate.localhost"),
        ] {
            let mut headers = http::HeaderMap::new();
            peer.tell_forwarding(port, &mut headers);
            assert_eq!(headers["x-forwarded-host"], host);
        }
    }
}
