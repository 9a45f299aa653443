//! One call, from its head to the end of its answer, and the one access record that tells of it.

use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Method, Request};

use crate::clock::{Moment, Stopwatch};
use crate::domain::name::RealmName;
use crate::domain::refusal::RefusalRecord;
use crate::gateway::client::Client;
use crate::gateway::entitlement;
use crate::gateway::in_flight::Flight;
use crate::gateway::meter::{BodyState, Meter};
use crate::gateway::path::CanonicalPath;
use crate::gateway::peer::{Peer, PeerPlace};
use crate::gateway::refusal::Refusal;
use crate::gateway::refused;
use crate::gateway::request_id::RequestId;
use crate::gateway::worker::Worker;
use crate::pki::certificate::Certificate;
use crate::snapshot::route::Deployed;
use crate::telemetry::access_record::{AccessRecord, Ending};
use crate::trust::judge::Distrust;
use crate::trust::reason::Reason;

/// How much of a path a refusal tells, in characters.
const JOURNAL_PATH_MAX: usize = 200;

/// A call. Wherever it is dropped, its record is written, once.
pub struct Call {
    worker: Arc<Worker>,
    peer: Arc<Peer>,
    id: RequestId,
    at: Moment,
    watch: Stopwatch,
    method: Method,
    sent: Option<PathAndQuery>,
    path: Option<CanonicalPath>,
    realm: Option<RealmName>,
    deployed: Option<Arc<Deployed>>,
    client: Option<Arc<Client>>,
    flight: Option<Arc<Flight>>,
    meter: Option<Arc<Meter>>,
    status: Option<u16>,
    reason: Option<Reason>,
    bytes_out: u64,
    told: bool,
}

impl Call {
    /// A call whose head has just arrived.
    pub fn begin<B>(worker: &Arc<Worker>, peer: &Arc<Peer>, request: &Request<B>) -> Self {
        let realm = match &peer.place {
            PeerPlace::Realm { realm, .. } => Some(realm.clone()),
            PeerPlace::Shared { .. } => None,
        };
        Self {
            worker: Arc::clone(worker),
            peer: Arc::clone(peer),
            id: worker.ids.next(),
            at: worker.clock.now(),
            watch: Stopwatch::start(),
            method: request.method().clone(),
            sent: request.uri().path_and_query().cloned(),
            path: None,
            realm,
            deployed: None,
            client: None,
            flight: None,
            meter: None,
            status: None,
            reason: None,
            bytes_out: 0,
            told: false,
        }
    }

    /// The worker that serves it.
    pub const fn worker(&self) -> &Arc<Worker> {
        &self.worker
    }

    /// The connection that it came on.
    pub const fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }

    /// Its identifier.
    pub const fn id(&self) -> RequestId {
        self.id
    }

    /// When its head had arrived.
    pub const fn at(&self) -> Moment {
        self.at
    }

    /// Whether only the answer's head is asked for.
    pub fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }

    /// Its canonical path is known.
    pub fn leads_to(&mut self, path: CanonicalPath) {
        self.path = Some(path);
    }

    /// Its realm is known, and lets the client in.
    pub fn enters(&mut self, realm: &RealmName, client: Option<&Arc<Client>>) {
        if self.realm.is_none() {
            self.realm = Some(realm.clone());
        }
        self.client = client.cloned();
        if self.flight.is_none() {
            self.flight = Some(self.peer.in_flight().enters(realm));
        }
    }

    /// Its flight, once it has entered a realm.
    pub const fn flight(&self) -> Option<&Arc<Flight>> {
        self.flight.as_ref()
    }

    /// Asks its realm again, at this moment, whether it may go on.
    ///
    /// # Errors
    /// [`Refusal`], as a new call would get.
    pub fn may_go_on(&self) -> Result<(), Refusal> {
        match &self.realm {
            Some(realm) => entitlement::may_go_on(
                &self.worker.live.load(),
                &self.peer,
                realm,
                self.worker.clock.now(),
            ),
            None => Ok(()),
        }
    }

    /// Its pipeline is known.
    pub fn calls(&mut self, deployed: &Arc<Deployed>) {
        self.deployed = Some(Arc::clone(deployed));
    }

    /// Its body is measured by `meter`.
    pub fn brings(&mut self, meter: Option<&Arc<Meter>>) {
        self.meter = meter.cloned();
    }

    /// How long its body has stood still; `None` where it is over, or there is none.
    pub fn still_for(&self) -> Option<Duration> {
        let meter = self
            .meter
            .as_ref()
            .filter(|meter| meter.state() == BodyState::Flowing)?;
        Some(meter.still_for())
    }

    /// Whether its body was not handed on to its end.
    pub fn leaves_a_body(&self) -> bool {
        let state = self.meter.as_ref().map(|meter| meter.state());
        state.is_some_and(|state| state != BodyState::Complete)
    }

    /// It was refused. Where that is its realm's affair, the realm's people will read of it.
    pub fn refused(&mut self, refusal: &Refusal) {
        let reason = refusal.reason();
        self.reason = Some(reason);
        if matches!(refusal, Refusal::Explained(_)) {
            // Counted, and written to the journal, with the handshake.
            return;
        }
        self.worker.counters.refused(reason);
        match refusal {
            Refusal::OtherRealm { realm, distrust } => {
                self.journal(realm.clone(), reason, distrust)
            }
            Refusal::Distrusted(distrust) => {
                if let Some(realm) = self.realm.clone() {
                    self.journal(realm, reason, distrust);
                }
            }
            Refusal::ForeignPath | Refusal::RealmClosed => {
                if let Some(realm) = self.realm.clone() {
                    let distrust = Distrust {
                        reason,
                        detail: reason.advice().to_owned(),
                        leaf: self.shown_leaf(),
                    };
                    self.journal(realm, reason, &distrust);
                }
            }
            Refusal::ClientRule { detail } => {
                if let Some(realm) = self.realm.clone() {
                    let distrust = Distrust {
                        reason,
                        detail: detail.to_string(),
                        leaf: self.shown_leaf(),
                    };
                    self.journal(realm, reason, &distrust);
                }
            }
            Refusal::Explained(_)
            | Refusal::Authority(_)
            | Refusal::Path(_)
            | Refusal::NotFound
            | Refusal::MethodNotAllowed { .. }
            | Refusal::UnsupportedMediaType { .. }
            | Refusal::BodyTooLarge
            | Refusal::HeadTooLarge
            | Refusal::BodyStalled
            | Refusal::BodyBroken
            | Refusal::Timeout
            | Refusal::UpstreamConnectTimeout
            | Refusal::UpstreamConnect
            | Refusal::UpstreamTls
            | Refusal::UpstreamBroke
            | Refusal::Overload
            | Refusal::Answer(_) => {}
        }
    }

    /// The certificate that the client showed in the handshake, decoded.
    fn shown_leaf(&self) -> Option<Certificate> {
        self.peer.client.as_ref()?.leaf()
    }

    fn journal(&self, realm: RealmName, reason: Reason, distrust: &Distrust) {
        self.worker.journal.record(RefusalRecord {
            at: self.at,
            realm: Some(realm),
            gateway: self.peer.place.gateway(),
            environment: Some(self.peer.place.environment()),
            address: self.peer.address.ip().to_canonical(),
            server_name: Some(self.peer.host.to_string()),
            reason: reason.as_str().into(),
            sentence: if reason == Reason::OtherRealm {
                // The number is all that the caller has: it stands in their answer.
                let path: String = self.told_path().chars().take(JOURNAL_PATH_MAX).collect();
                format!(
                    "The client's certificate was issued for another realm: no trust anchor of this one leads to it. Call {} of {path}.",
                    self.id.as_str(),
                )
            } else {
                distrust.detail.clone()
            },
            certificate: distrust.leaf.as_ref().map(refused::shown),
            chain: self.peer.client.as_deref().and_then(refused::chain_of),
            left_out: 0,
        });
    }

    /// Its canonical path, where it has one, else the one that was sent.
    fn told_path(&self) -> &str {
        self.path
            .as_ref()
            .map(CanonicalPath::as_str)
            .or_else(|| self.sent.as_ref().map(PathAndQuery::path))
            .unwrap_or_default()
    }

    /// Its answer has this status.
    pub fn answered(&mut self, status: u16) {
        self.status = Some(status);
        if let Some(deployed) = &self.deployed {
            deployed.counters.count(status);
        }
    }

    /// So many bytes of the answer's body were handed to the connection.
    pub fn sent(&mut self, bytes: usize) {
        self.bytes_out = self
            .bytes_out
            .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// The answer's body broke off; the story goes to the log.
    pub fn broke(&mut self, reason: Reason, story: &dyn std::fmt::Display) {
        if let Some(deployed) = &self.deployed {
            tracing::warn!(
                realm = %deployed.realm,
                environment = %deployed.environment,
                pipeline = %deployed.key,
                revision = deployed.revision,
                requestId = self.id.as_str(),
                reason = reason.as_str(),
                "an answer broke off: {story}"
            );
        }
        self.reason = Some(reason);
        self.worker.counters.refused(reason);
        self.finish(Ending::Aborted);
    }

    /// It is over: writes its record, unless that was done before.
    pub fn finish(&mut self, ending: Ending) {
        if self.told {
            return;
        }
        self.told = true;
        let deployed = self.deployed.as_deref();
        self.worker.access.record(&AccessRecord {
            at: self.at,
            request_id: self.id.as_str(),
            realm: self.realm.as_ref(),
            environment: self.peer.place.environment(),
            gateway: self.peer.place.gateway(),
            pipeline: deployed.map(|deployed| &deployed.key),
            method: self.method.as_str(),
            path: self.told_path(),
            status: self.status,
            reason: self.reason,
            bytes_in: self.meter.as_ref().map_or(0, |meter| meter.bytes()),
            bytes_out: self.bytes_out,
            duration: self.watch.elapsed(),
            address: self.peer.address.ip(),
            tls: self.peer.tls.version,
            handshake: self.peer.tls.handshake,
            protocol: self.peer.tls.protocol.as_str(),
            client: self.identity(),
            ending,
        });
    }

    /// Who calls: as the realm sees it, or, before a realm is known, as the handshake did.
    fn identity(&self) -> Option<&crate::trust::identity::ClientIdentity> {
        match &self.client {
            Some(client) => Some(client.identity()),
            None => self
                .peer
                .client
                .as_ref()
                .map(|verified| &*verified.identity),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(flight) = self.flight.take() {
            self.peer.in_flight().leaves(&flight);
            // Cut while nobody asked for more of the answer.
            if let (false, None, Some(why)) = (self.told, self.reason, flight.why_cut()) {
                self.reason = Some(why.reason());
                self.worker.counters.refused(why.reason());
            }
        }
        self.finish(Ending::Aborted);
    }
}
