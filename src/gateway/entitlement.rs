//! Whether a peer may call a realm now, by what that realm trusts now.
//!
//! The handshake's verdict is not the last word: anchors are removed, certificates expire, and on a shared host the
//! realm is known only from the path. Each request is held to the realm's present trust anchors; while they and the
//! moment leave the last verdict standing, that costs a comparison.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use crate::clock::Moment;
use crate::domain::environment::Gateway;
use crate::domain::name::RealmName;
use crate::gateway::client::Client;
use crate::gateway::path::CanonicalPath;
use crate::gateway::peer::{Peer, PeerPlace};
use crate::gateway::refusal::Refusal;
use crate::snapshot::realm::{RealmEnvironment, RealmSnapshot};
use crate::snapshot::state::Snapshot;
use crate::trust::judge::{Distrust, Verified};
use crate::trust::reason::Reason;
use crate::trust::set::TrustSet;
use crate::trust::verdicts::Verdicts;

/// How many realms one connection is remembered by. Beyond it the longest known one is asked anew.
const REALMS_MAX: usize = 8;
/// How long a realm's refusal is remembered, so that asking again and again costs nothing.
const REFUSAL_KEPT: Duration = Duration::from_secs(1);

/// A realm that the peer may call, as it is now.
pub struct Entitled<'s> {
    /// The realm.
    pub realm: &'s RealmName,
    /// What it has in the environment of the connection.
    pub environment: &'s RealmEnvironment,
    /// The client as that realm sees it; on the mtls gateway only, and always there.
    pub client: Option<Arc<Client>>,
    /// What the realm's people should learn of that, where they do not know it yet.
    pub news: Option<News>,
}

/// What a realm learns of a client by one of its calls, besides what its handshake told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The client came by a shared host, and the realm lets it in for the first time on this connection.
    Came,
    /// Another trust anchor vouches for the client now.
    Moved,
}

/// The realm that a call of `path` leads to, where the peer may call it.
///
/// # Errors
/// [`Refusal`]: of a realm's own host, why its client is not let in any more; else the same for a realm that does not
/// exist, that is closed, and that does not trust the client.
pub fn entitle<'s>(
    snapshot: &'s Snapshot,
    peer: &Peer,
    path: &CanonicalPath,
    now: Moment,
) -> Result<Entitled<'s>, Refusal> {
    match &peer.place {
        PeerPlace::Realm { realm, .. } => {
            let entitled = on_own_host(snapshot, peer, realm, now)?;
            if path.realm() == Some(realm.as_str()) {
                Ok(entitled)
            } else {
                Err(Refusal::ForeignPath)
            }
        }
        PeerPlace::Shared {
            gateway,
            environment,
        } => {
            let realm = path
                .realm()
                .and_then(|name| snapshot.open_realm(name))
                .ok_or(Refusal::NotFound)?;
            let environment = realm.environments.get(*environment);
            let (client, news) = match gateway {
                Gateway::External | Gateway::Internal => (None, None),
                Gateway::Mtls => {
                    let (client, news) =
                        on_shared_host(&snapshot.verdicts, realm, environment, peer, now)?;
                    (Some(client), news)
                }
            };
            Ok(Entitled {
                realm: &realm.name,
                environment,
                client,
                news,
            })
        }
    }
}

/// Whether the peer's client may still be on its connection: trusted by its realm on the realm's own host, by any realm
/// on a shared one. Answers up to when, as far as no change comes.
///
/// # Errors
/// [`Refusal`], as a new request would get.
pub fn still_entitled(snapshot: &Snapshot, peer: &Peer, now: Moment) -> Result<Moment, Refusal> {
    let environment = match &peer.place {
        PeerPlace::Realm { realm, .. } => {
            let entitled = on_own_host(snapshot, peer, realm, now)?;
            let client = entitled.client;
            return Ok(client.map_or(Moment::MAX, |client| {
                let verified = &**client.verified();
                remember(peer, verified, |latest| !latest.says_the_same_as(verified));
                verified.ends()
            }));
        }
        PeerPlace::Shared {
            gateway: Gateway::External | Gateway::Internal,
            ..
        } => return Ok(Moment::MAX),
        PeerPlace::Shared {
            gateway: Gateway::Mtls,
            environment,
        } => *environment,
    };
    let trust = &*snapshot.shared.get(environment).trust;
    let verified = latest(peer).ok_or_else(|| Refusal::Distrusted(Arc::new(no_certificate())))?;
    let again = snapshot.verdicts.rejudge(&verified, trust, now);
    let again = again.map_err(|distrust| Refusal::Distrusted(Arc::new(distrust)))?;
    // The next judgement begins with it, and is a comparison where it rests on the same.
    remember(peer, &again, |latest| {
        !latest.says_the_same_as(&again) || !latest.rests_on_the_same_as(&again)
    });
    Ok(again.ends())
}

/// The client as its host last saw it.
pub fn latest(peer: &Peer) -> Option<Arc<Verified>> {
    let standings = peer
        .standings()
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    standings.latest.clone().or_else(|| peer.client.clone())
}

/// Keeps how the host sees the client, where that is not as it was.
fn remember(peer: &Peer, verified: &Verified, is_news: impl Fn(&Verified) -> bool) {
    if latest(peer).is_none_or(|latest| is_news(&latest)) {
        let mut standings = peer
            .standings()
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        standings.latest = Some(Arc::new(verified.clone()));
    }
}

/// Whether a call that was let into `realm` may go on: what it was let in by holds still.
///
/// # Errors
/// [`Refusal`], as a new call of that realm would get.
pub fn may_go_on(
    snapshot: &Snapshot,
    peer: &Peer,
    realm: &RealmName,
    now: Moment,
) -> Result<(), Refusal> {
    match &peer.place {
        PeerPlace::Realm { realm, .. } => on_own_host(snapshot, peer, realm, now).map(drop),
        PeerPlace::Shared {
            gateway,
            environment,
        } => {
            let realm = snapshot
                .open_realm(realm.as_str())
                .ok_or(Refusal::NotFound)?;
            match gateway {
                Gateway::External | Gateway::Internal => Ok(()),
                Gateway::Mtls => on_shared_host(
                    &snapshot.verdicts,
                    realm,
                    realm.environments.get(*environment),
                    peer,
                    now,
                )
                .map(drop),
            }
        }
    }
}

fn on_own_host<'s>(
    snapshot: &'s Snapshot,
    peer: &Peer,
    name: &RealmName,
    now: Moment,
) -> Result<Entitled<'s>, Refusal> {
    let realm = snapshot
        .open_realm(name.as_str())
        .ok_or(Refusal::RealmClosed)?;
    let environment = realm.environments.get(peer.place.environment());
    let endpoint = environment
        .mtls
        .as_ref()
        .ok_or_else(|| Refusal::Distrusted(Arc::new(nothing_installed(peer))))?;
    let (client, news) = standing(&snapshot.verdicts, peer, &realm.name, &endpoint.trust, now)
        .map_err(Refusal::Distrusted)?;
    Ok(Entitled {
        realm: &realm.name,
        environment,
        client: Some(client),
        news,
    })
}

fn on_shared_host(
    verdicts: &Verdicts,
    realm: &RealmSnapshot,
    environment: &RealmEnvironment,
    peer: &Peer,
    now: Moment,
) -> Result<(Arc<Client>, Option<News>), Refusal> {
    let endpoint = environment.mtls.as_ref().ok_or(Refusal::NotFound)?;
    standing(verdicts, peer, &realm.name, &endpoint.trust, now).map_err(|distrust| {
        Refusal::OtherRealm {
            realm: realm.name.clone(),
            distrust,
        }
    })
}

/// The last installation went while the connection was open.
fn nothing_installed(peer: &Peer) -> Distrust {
    Distrust {
        reason: Reason::AnchorRemoved,
        detail: "No trust anchor is installed any more.".to_owned(),
        leaf: peer.client.as_ref().and_then(|verified| verified.leaf()),
    }
}

fn no_certificate() -> Distrust {
    Distrust {
        reason: Reason::NoCertificate,
        detail: "The client sent no certificate.".to_owned(),
        leaf: None,
    }
}

/// What realms thought of one connection's client when they were last asked.
#[derive(Debug, Default)]
pub struct Standings {
    of_realms: Vec<Standing>,
    /// How the host saw the client when it was judged again, where that was not as in the handshake.
    latest: Option<Arc<Verified>>,
}

#[derive(Debug)]
struct Standing {
    realm: RealmName,
    /// The anchors that were asked. Being held weakly, they cost no memory once replaced, and no later set can be
    /// mistaken for them.
    trust: Weak<TrustSet>,
    verdict: Verdict,
}

#[derive(Debug)]
enum Verdict {
    Trusted {
        verified: Arc<Verified>,
        /// It, in the forms that handlers hand on. Made anew when they are needed again after a rest.
        client: Option<Arc<Client>>,
    },
    Distrusted {
        since: Moment,
        why: Arc<Distrust>,
    },
}

impl Standings {
    /// Lets go of what is quickly made again.
    pub(crate) fn rest(&mut self) {
        for standing in &mut self.of_realms {
            if let Verdict::Trusted { client, .. } = &mut standing.verdict {
                *client = None;
            }
        }
    }
}

impl Standing {
    /// The verdict, where it still holds.
    fn present(
        &mut self,
        trust: &Arc<TrustSet>,
        now: Moment,
    ) -> Option<Result<Arc<Client>, Arc<Distrust>>> {
        if !std::ptr::eq(self.trust.as_ptr(), Arc::as_ptr(trust)) {
            return None;
        }
        match &mut self.verdict {
            Verdict::Trusted { verified, client } => verified.is_valid_at(now).then(|| {
                let make = || Arc::new(Client::new(Arc::clone(verified)));
                Ok(Arc::clone(client.get_or_insert_with(make)))
            }),
            Verdict::Distrusted { since, why } => {
                let holds = *since <= now && now < since.plus(REFUSAL_KEPT);
                holds.then(|| Err(Arc::clone(why)))
            }
        }
    }

    /// The client, where it was trusted when it was last asked.
    const fn trusted(&self) -> Option<&Arc<Verified>> {
        match &self.verdict {
            Verdict::Trusted { verified, .. } => Some(verified),
            Verdict::Distrusted { .. } => None,
        }
    }
}

/// What `realm`, whose present anchors are `trust`, thinks of the peer's client.
fn standing(
    verdicts: &Verdicts,
    peer: &Peer,
    realm: &RealmName,
    trust: &Arc<TrustSet>,
    now: Moment,
) -> Result<(Arc<Client>, Option<News>), Arc<Distrust>> {
    let mut standings = peer
        .standings()
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let place = standings
        .of_realms
        .iter()
        .position(|standing| standing.realm == *realm);
    let known = place.and_then(|place| standings.of_realms.get_mut(place));
    if let Some(verdict) = known.and_then(|standing| standing.present(trust, now)) {
        return verdict.map(|client| (client, None));
    }
    let known = place.and_then(|place| standings.of_realms.get(place));
    let judged = judge_again(verdicts, peer, known, trust, now);
    let news = judged
        .as_ref()
        .map_or(None, |client| news(peer, known, client));
    if let Some(place) = place {
        standings.of_realms.remove(place);
    } else if standings.of_realms.len() >= REALMS_MAX {
        standings.of_realms.remove(0);
    }
    let verdict = match &judged {
        Ok(client) => {
            if matches!(peer.place, PeerPlace::Shared { .. }) {
                peer.calls(realm);
            }
            Verdict::Trusted {
                verified: Arc::clone(client.verified()),
                client: Some(Arc::clone(client)),
            }
        }
        Err(why) => Verdict::Distrusted {
            since: now,
            why: Arc::clone(why),
        },
    };
    // Most clients call one realm.
    standings.of_realms.reserve_exact(1);
    standings.of_realms.push(Standing {
        realm: realm.clone(),
        trust: Arc::downgrade(trust),
        verdict,
    });
    judged.map(|client| (client, news))
}

/// What is new of a client that was just judged.
fn news(peer: &Peer, known: Option<&Standing>, judged: &Client) -> Option<News> {
    let former = match (known, &peer.place) {
        (Some(standing), _) => standing.trusted().map(|former| former.anchor),
        // Its handshake was told of by this anchor.
        (None, PeerPlace::Realm { .. }) => peer.client.as_ref().map(|verified| verified.anchor),
        (None, PeerPlace::Shared { .. }) => None,
    };
    match former {
        Some(anchor) => (anchor != judged.identity().anchor).then_some(News::Moved),
        None => Some(News::Came),
    }
}

fn judge_again(
    verdicts: &Verdicts,
    peer: &Peer,
    known: Option<&Standing>,
    trust: &TrustSet,
    now: Moment,
) -> Result<Arc<Client>, Arc<Distrust>> {
    let former = known.and_then(Standing::trusted);
    let Some(verified) = former.or(peer.client.as_ref()) else {
        // There is no such peer on the mtls gateway; were there one, it would not be let in.
        return Err(Arc::new(no_certificate()));
    };
    let judged = verdicts.rejudge(verified, trust, now).map_err(Arc::new)?;
    if let Some(Verdict::Trusted { verified, client }) = known.map(|standing| &standing.verdict)
        && verified.says_the_same_as(&judged)
    {
        // The headers that were made for it still tell the truth.
        let make = || Arc::new(Client::new(Arc::clone(verified)));
        return Ok(client.clone().unwrap_or_else(make));
    }
    let shown = peer
        .client
        .as_ref()
        .filter(|shown| shown.says_the_same_as(&judged) && shown.rests_on_the_same_as(&judged));
    let verified = shown.map_or_else(|| Arc::new(judged), Arc::clone);
    Ok(Arc::new(Client::new(verified)))
}

#[cfg(test)]
mod tests;
