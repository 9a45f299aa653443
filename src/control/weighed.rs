//! Clients that were weighed by what is trusted before and after a change, sorted by what becomes of them.

use crate::clock::Moment;
use crate::domain::seen::SeenClient;
use crate::pki::fingerprint::Fingerprint;
use crate::telemetry::open::OpenClient;
use crate::trust::reason::Reason;
use crate::trust::scale::{Fate, Voucher};

/// How many clients of a kind are named at most; the others are counted.
pub const NAMED_MAX: usize = 1000;

/// Clients judged before and after a change.
#[derive(Default)]
pub struct Weighed {
    /// Those that are trusted before and not after it, connected ones first, then those seen last; at most
    /// [`NAMED_MAX`].
    pub cut: Vec<CutClient>,
    /// How many those are in all.
    pub cut_count: u64,
    /// Those that another anchor or account vouches for after it; at most [`NAMED_MAX`].
    pub moved: Vec<MovedClient>,
    /// How many those are in all.
    pub moved_count: u64,
    /// How many stay as they are.
    pub kept: u64,
    /// How many are not trusted before it either.
    pub already_refused: u64,
    /// How many cannot be judged, since they showed more certificates than are kept.
    pub unjudged: u64,
    /// How many open connections would end. On a shared host a connection may stay for other realms.
    pub connections_cut: u64,
    /// Whether the mTLS endpoint goes, since the last anchor does.
    pub endpoint_goes: bool,
}

/// A client that was seen or is connected.
#[derive(Clone, Debug)]
pub struct Weighable {
    /// SHA-256 of its certificate.
    pub fingerprint: Fingerprint,
    /// Its subject; empty where it is named in the alternative names only.
    pub subject: String,
    /// Its alternative names.
    pub sans: Vec<String>,
    /// Its serial number.
    pub serial: String,
    /// The end of its certificate.
    pub not_after: Moment,
    /// When it was last seen; `None` where it is only known to be connected.
    pub last: Option<Moment>,
    /// How many connections of it are open.
    pub connections: u64,
}

/// A client that would be cut.
#[derive(Clone, Debug)]
pub struct CutClient {
    /// Who.
    pub client: Weighable,
    /// Who vouches for it before the change.
    pub by: Voucher,
    /// Why it is not trusted after it.
    pub reason: Reason,
    /// The same in a sentence.
    pub sentence: String,
}

/// A client that another anchor or account would vouch for.
#[derive(Clone, Debug)]
pub struct MovedClient {
    /// Who.
    pub client: Weighable,
    /// Who vouches for it before the change.
    pub from: Voucher,
    /// Who does after it.
    pub to: Voucher,
}

impl Weighed {
    pub(crate) fn of(clients: Vec<(Weighable, Option<Fate>)>) -> Self {
        let mut weighed = Self::default();
        for (client, fate) in clients {
            let count = match fate {
                None => &mut weighed.unjudged,
                Some(Fate::Kept) => &mut weighed.kept,
                Some(Fate::Refused) => &mut weighed.already_refused,
                Some(Fate::Moved { from, to }) => {
                    weighed.moved.push(MovedClient { client, from, to });
                    &mut weighed.moved_count
                }
                Some(Fate::Cut {
                    by,
                    reason,
                    sentence,
                }) => {
                    weighed.cut.push(CutClient {
                        client,
                        by,
                        reason,
                        sentence,
                    });
                    &mut weighed.cut_count
                }
            };
            *count = count.saturating_add(1);
        }
        weighed.cut.sort_by_key(|cut| cut.client.connections == 0);
        weighed.cut.truncate(NAMED_MAX);
        weighed
            .moved
            .sort_by_key(|moved| moved.client.connections == 0);
        weighed.moved.truncate(NAMED_MAX);
        weighed
    }
}

impl Weighable {
    /// What people call it.
    pub fn name(&self) -> String {
        match (self.subject.as_str(), self.sans.first()) {
            ("", Some(name)) => name.clone(),
            ("", None) => format!("SHA-256 {}", self.fingerprint),
            (subject, _) => subject.to_owned(),
        }
    }

    pub(crate) fn seen(client: SeenClient) -> Self {
        Self {
            fingerprint: client.fingerprint,
            subject: client.subject,
            sans: client.sans,
            serial: client.serial,
            not_after: client.not_after,
            last: Some(client.last),
            connections: 0,
        }
    }

    pub(crate) fn open(open: &OpenClient) -> Self {
        let identity = &open.verified.identity;
        Self {
            fingerprint: identity.fingerprint,
            subject: identity.subject.clone(),
            sans: identity.sans.clone(),
            serial: identity.serial.clone(),
            not_after: identity.not_after,
            last: None,
            connections: 1,
        }
    }
}
