//! Session tickets: what a client may show to be spared the certificates of a full handshake.
//!
//! A ticket is worth nothing by itself. Its keys are random, belong to one configuration of one host, and go with it:
//! a configuration is made anew with every trust epoch. Sealed in front of rustls's session stand the moment of the full
//! handshake, since when the client has not proven to hold its key, and the end of what let it in. A ticket that is made
//! in a resumed handshake keeps both, so that no session prolongs itself.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::server::ProducesTickets;

use crate::clock::{Clock, Moment};
use crate::domain::environment::{Environment, Gateway};
use crate::domain::name::RealmName;
use crate::pki::fingerprint::Fingerprint;
use crate::snapshot::verifier::{self, Evidence, Proof};

/// The longest that tickets can be honoured: rustls changes their keys every six hours, and keeps the former ones as
/// long again.
pub const RESUMPTION_MAX: Duration = Duration::from_secs(6 * 60 * 60);

/// The largest session that is sealed, in bytes: it holds the client's chain, and comes back in each ClientHello.
const SESSION_BYTES_MAX: usize = 12 * 1024;

/// The host that a ticketer works for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host<'a> {
    pub(crate) gateway: Gateway,
    pub(crate) environment: Environment,
    /// Of a realm's own host.
    pub(crate) realm: Option<&'a RealmName>,
}

impl Host<'_> {
    fn evidence(self) -> Evidence {
        match self.gateway {
            Gateway::Mtls => Evidence::Certificate,
            Gateway::External | Gateway::Internal => Evidence::Nothing,
        }
    }

    /// No label of the three can hold a slash, so no two hosts share a digest.
    fn digest(self) -> Fingerprint {
        let (gateway, environment) = (self.gateway.as_str(), self.environment.as_str());
        let realm = self.realm.map_or("", RealmName::as_str);
        Fingerprint::of(format!("{gateway}/{environment}/{realm}").as_bytes())
    }
}

/// Seals the sessions of one configuration of one host.
pub(crate) struct Ticketer {
    /// Made for the first ticket: they take 2 KiB, and many a host never sees a client. A ticket that is shown before is
    /// none of this ticketer's. `None` where the system gave no random numbers: then there are no tickets.
    keys: OnceLock<Option<Arc<dyn ProducesTickets>>>,
    host: Fingerprint,
    evidence: Evidence,
    clock: Clock,
    life: Duration,
}

impl Ticketer {
    /// A ticketer with keys of its own, whose tickets are honoured for `life` after the full handshake.
    pub(crate) fn new(host: Host<'_>, clock: Clock, life: Duration) -> Self {
        Self {
            keys: OnceLock::new(),
            host: host.digest(),
            evidence: host.evidence(),
            clock,
            life: life.min(RESUMPTION_MAX),
        }
    }

    fn keys_to_seal(&self) -> Option<&Arc<dyn ProducesTickets>> {
        self.keys
            .get_or_init(|| aws_lc_rs::Ticketer::new().ok())
            .as_ref()
    }

    /// Without a certificate there is nothing to be judged when a session comes back. The proof alone does not say it: a
    /// host that explains refusals completes handshakes without one, also where a good ticket was shown and not taken.
    fn may_be_sealed(&self, session: Head) -> bool {
        let shows_enough = match self.evidence {
            Evidence::Certificate => session.has_certificate,
            Evidence::Nothing => true,
        };
        session.is_bound && shows_enough
    }

    /// Whether what was proven then still spares a full handshake. A moment before the proof means that the clock was
    /// moved back, and that nobody knows how old the proof is.
    fn holds(&self, proof: Proof) -> bool {
        let now = self.clock.now();
        proof.at <= now && now < proof.at.plus(self.life) && now < proof.until
    }
}

impl fmt::Debug for Ticketer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticketer")
    }
}

impl ProducesTickets for Ticketer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(self.life.as_secs()).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        if session.len() > SESSION_BYTES_MAX || !self.may_be_sealed(Head::read(session)?) {
            return None;
        }
        let proof = verifier::proof(self.evidence, self.clock.now())?;
        let mut sealed = Vec::with_capacity(HEAD_BYTES.saturating_add(session.len()));
        sealed.extend_from_slice(self.host.as_bytes());
        sealed.extend_from_slice(&proof.at.unix_millis().to_be_bytes());
        sealed.extend_from_slice(&proof.until.unix_millis().to_be_bytes());
        sealed.extend_from_slice(session);
        self.keys_to_seal()?.encrypt(&sealed)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let opened = self.keys.get()?.as_ref()?.decrypt(ticket)?;
        let (host, rest) = opened.split_first_chunk::<32>()?;
        let (at, rest) = rest.split_first_chunk::<8>()?;
        let (until, session) = rest.split_first_chunk::<8>()?;
        let proof = Proof {
            at: Moment::from_unix_millis(i64::from_be_bytes(*at)),
            until: Moment::from_unix_millis(i64::from_be_bytes(*until)),
        };
        if host != self.host.as_bytes() || !self.holds(proof) {
            return None;
        }
        verifier::shown_ticket(proof).then(|| session.to_vec())
    }
}

/// Digest, moment of the proof, its end.
const HEAD_BYTES: usize = 32 + 8 + 8;

/// The head of rustls's encoding of a session: server name, version, suite, secret, flag, certificates. What looks
/// different is not sealed.
#[derive(Clone, Copy)]
struct Head {
    /// Whether the session's secret is bound to the handshake that made it: always in TLS 1.3, in TLS 1.2 with an
    /// extended master secret only (RFC 7627 §5.3). Without that, a man in the middle can have two sessions share one
    /// secret, and a client's certificate vouch for the wrong one (the triple handshake attack).
    is_bound: bool,
    /// Whether the client showed a certificate.
    has_certificate: bool,
}

impl Head {
    fn read(session: &[u8]) -> Option<Self> {
        let rest = after_name(session)?;
        let (version, rest) = rest.split_first_chunk::<2>()?;
        let (_suite, rest) = rest.split_first_chunk::<2>()?;
        let (&length, rest) = rest.split_first()?;
        let [extended, certificates, ..] = *rest.get(usize::from(length)..)? else {
            return None;
        };
        Some(Self {
            is_bound: match *version {
                [3, 4] => true,
                [3, 3] => extended == 1,
                _ => false,
            },
            has_certificate: certificates == 1,
        })
    }
}

fn after_name(session: &[u8]) -> Option<&[u8]> {
    let (&has_name, rest) = session.split_first()?;
    match has_name {
        0 => Some(rest),
        1 => {
            let (&length, rest) = rest.split_first()?;
            rest.get(usize::from(length)..)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
