//! Whom the gateway cut, gathered by cause until `control` writes it into the audit.
//!
//! A cause is a change of trust, or something that ended by itself. `control` tells of changes before they take hold
//! ([`Cuts::changed`]); the gateway tells of each cut from which revision to which it lost its right ([`Cuts::cut`]), and
//! the earliest change of its realm between them is the cause. All is bounded: what does not fit is counted.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Moment, Stopwatch};
use crate::domain::environment::Environment;
use crate::domain::name::RealmName;
use crate::pki::fingerprint::Fingerprint;
use crate::trust::identity::ClientIdentity;
use crate::trust::judge::Ended;
use crate::trust::reason::Reason;

/// The most clients that one record names.
pub const CLIENTS_MAX: usize = 1_000;
/// The most clients that wait to be named, over all causes.
const CLIENTS_WAITING_MAX: usize = 20_000;
/// The most causes that wait.
const CAUSES_MAX: usize = 1_024;
/// The latest changes that are remembered.
const CHANGES_MAX: usize = 1_024;
/// The most changes that one cause tells of.
const CHANGES_TOLD_MAX: usize = 5;
/// The longest subject that is kept, in bytes.
const SUBJECT_BYTES_MAX: usize = 256;

/// What was cut, by cause. One per process.
#[derive(Debug, Default)]
pub struct Cuts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    changes: VecDeque<Changed>,
    causes: HashMap<Key, Gathered>,
    clients: usize,
    lost: u64,
}

/// A change of whom a realm trusts.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The catalog's revision that it made.
    pub revision: u64,
    /// Whose trust.
    pub realm: RealmName,
    /// Where.
    pub environment: Environment,
    /// What was done, in a few words.
    pub what: Arc<str>,
}

/// Something that was cut.
#[derive(Clone, Copy, Debug)]
pub struct Cut<'a> {
    /// What it was.
    pub what: What,
    /// The realm; on a shared host those that may have let it in, the likeliest first.
    pub realms: &'a [RealmName],
    /// The environment.
    pub environment: Environment,
    /// Why.
    pub why: Why,
    /// The code of the refusal that a new call would get.
    pub reason: Reason,
    /// The client, where it showed a certificate.
    pub client: Option<&'a ClientIdentity>,
}

/// What can be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A connection, with all calls on it.
    Connection,
    /// A call on a connection that lives on.
    Call,
}

/// Why something is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// By a change: it still had its right by one revision (where that is known), and had it no more by a later one.
    Changed {
        /// The last revision that left it its right.
        after: Option<u64>,
        /// The revision that it was found to have lost it by.
        by: u64,
    },
    /// By itself.
    Ended {
        /// What ended.
        what: Ended,
        /// When.
        at: Moment,
    },
}

/// What tells causes apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    realm: Option<RealmName>,
    environment: Environment,
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Cause {
    Change(u64),
    End(Ended, Moment),
    /// Too many at once to be told apart.
    Several,
}

/// All that was cut by one cause.
#[derive(Debug)]
struct Gathered {
    begun: Stopwatch,
    cause: String,
    reasons: BTreeSet<&'static str>,
    connections: u64,
    calls: u64,
    clients: BTreeMap<Fingerprint, String>,
    left_out: u64,
}

/// One cause and whom it cut, for the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutRecord {
    /// The realm; `None` where it is not known which of a shared host's it was.
    pub realm: Option<RealmName>,
    /// The environment.
    pub environment: Environment,
    /// `revision 17`, or what ended.
    pub object: String,
    /// The cause, in words.
    pub cause: String,
    /// The codes of the refusals that those who were cut would get.
    pub reasons: Vec<&'static str>,
    /// How many connections were cut.
    pub connections: u64,
    /// How many calls were cut on connections that lived on.
    pub calls: u64,
    /// The clients: SHA-256 of the certificate, and subject.
    pub clients: Vec<(Fingerprint, String)>,
    /// How many cuts were of clients that are not named, because there were too many.
    pub left_out: u64,
}

impl Cuts {
    /// A change is about to take hold. To be told before anybody can be cut by it.
    pub fn changed(&self, change: Changed) {
        let mut state = self.lock();
        if state.changes.len() >= CHANGES_MAX {
            state.changes.pop_front();
        }
        state.changes.push_back(change);
    }

    /// Something is cut.
    pub fn cut(&self, cut: Cut<'_>) {
        let mut state = self.lock();
        let (mut key, mut cause) = state.cause(&cut);
        if !state.causes.contains_key(&key) && state.causes.len() >= CAUSES_MAX {
            key.cause = Cause::Several;
            "several causes at once".clone_into(&mut cause);
            if !state.causes.contains_key(&key)
                && state.causes.len() >= CAUSES_MAX.saturating_mul(2)
            {
                state.lost = state.lost.saturating_add(1);
                return;
            }
        }
        let State {
            causes, clients, ..
        } = &mut *state;
        let gathered = causes.entry(key).or_insert_with(|| Gathered::new(cause));
        if gathered.add(&cut, *clients < CLIENTS_WAITING_MAX) {
            *clients = clients.saturating_add(1);
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        let state = self.lock();
        state.causes.is_empty() && state.lost == 0
    }

    /// Takes out the causes that are known since `open_for`: nothing more belongs to them.
    pub fn take(&self, open_for: Duration) -> Vec<CutRecord> {
        let mut state = self.lock();
        let lost = std::mem::take(&mut state.lost);
        let ripe: Vec<(Key, Gathered)> = state
            .causes
            .extract_if(|_, gathered| gathered.begun.elapsed() >= open_for)
            .collect();
        let named: usize = ripe
            .iter()
            .map(|(_, gathered)| gathered.clients.len())
            .sum();
        state.clients = state.clients.saturating_sub(named);
        drop(state);
        if lost > 0 {
            tracing::warn!(
                lost,
                "so many connections and calls were cut at once that the audit does not tell of all"
            );
        }
        let mut records: Vec<CutRecord> = ripe
            .into_iter()
            .map(|(key, gathered)| gathered.record(key))
            .collect();
        records.sort_by(|a, b| {
            let place = |record: &CutRecord| (record.realm.clone(), record.object.clone());
            place(a).cmp(&place(b))
        });
        records
    }

    /// The state is whole between any two statements, so what a panicking thread left behind is used on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn cause(&self, cut: &Cut<'_>) -> (Key, String) {
        let key = |realm: Option<&RealmName>, cause| Key {
            realm: realm.cloned(),
            environment: cut.environment,
            cause,
        };
        // Of several realms that may have let it in nobody knows which, unless one of them changed.
        let only = match cut.realms {
            [only] => Some(only),
            _ => None,
        };
        let (after, by) = match cut.why {
            Why::Ended { what, at } => {
                return (key(only, Cause::End(what, at)), ended(what, at));
            }
            Why::Changed { after, by } => (after, by),
        };
        let concerns = |change: &&Changed| {
            change.environment == cut.environment
                && change.revision <= by
                && cut.realms.contains(&change.realm)
        };
        let all = || self.changes.iter().filter(concerns);
        let mut between: Vec<&Changed> = all()
            .filter(|change| after.is_some_and(|after| change.revision > after))
            .collect();
        if between.is_empty() {
            between = all().collect();
            // The latest, unless it may have been another realm's.
            let latest = between.len().saturating_sub(1);
            if between
                .iter()
                .all(|one| Some(&one.realm) == between.last().map(|it| &it.realm))
            {
                between.drain(..latest);
            }
        }
        match between.split_first() {
            // Where several of the realms changed, nobody knows whose change it was: none of them is told of the
            // others' clients.
            Some((first, later)) if later.iter().any(|one| one.realm != first.realm) => (
                key(None, Cause::Change(by)),
                format!("change: revision {by} or before, of one of several realms"),
            ),
            Some((first, later)) => (
                key(Some(&first.realm), Cause::Change(first.revision)),
                told(first, later),
            ),
            None => (
                key(only, Cause::Change(by)),
                format!("change: revision {by} or before"),
            ),
        }
    }
}

fn told(first: &Changed, later: &[&Changed]) -> String {
    let mut told = format!("change: revision {} {}", first.revision, first.what);
    for change in later.iter().take(CHANGES_TOLD_MAX) {
        // Writing to a string cannot fail.
        let _ = write!(told, "; revision {} {}", change.revision, change.what);
    }
    let more = later.len().saturating_sub(CHANGES_TOLD_MAX);
    if more > 0 {
        let _ = write!(told, "; and {more} more");
    }
    told
}

fn ended(what: Ended, at: Moment) -> String {
    match what {
        Ended::Client => format!("ended: the client's certificate, at {at}"),
        Ended::Intermediate(sha256) => {
            format!("ended: the intermediate certificate with SHA-256 {sha256}, at {at}")
        }
        Ended::Anchor(sha256) => {
            format!("ended: the trust anchor with SHA-256 {sha256}, at {at}")
        }
        Ended::RevocationList => {
            format!("ended: a revocation list, or what an earlier one said, at {at}")
        }
        Ended::NotYetValid => {
            format!(
                "the clock was set back to before {at}, when the certificates begin to be valid"
            )
        }
    }
}

impl Gathered {
    fn new(cause: String) -> Self {
        Self {
            begun: Stopwatch::start(),
            cause,
            reasons: BTreeSet::new(),
            connections: 0,
            calls: 0,
            clients: BTreeMap::new(),
            left_out: 0,
        }
    }

    /// Counts a cut. Answers whether its client takes room.
    fn add(&mut self, cut: &Cut<'_>, has_room: bool) -> bool {
        self.reasons.insert(cut.reason.as_str());
        let count = match cut.what {
            What::Connection => &mut self.connections,
            What::Call => &mut self.calls,
        };
        *count = count.saturating_add(1);
        let Some(client) = cut.client else {
            return false;
        };
        if self.clients.contains_key(&client.fingerprint) {
            return false;
        }
        if !has_room || self.clients.len() >= CLIENTS_MAX {
            self.left_out = self.left_out.saturating_add(1);
            return false;
        }
        let subject = shortened(&client.subject);
        self.clients.insert(client.fingerprint, subject);
        true
    }

    fn record(self, key: Key) -> CutRecord {
        let object = match key.cause {
            Cause::Change(revision) => format!("revision {revision}"),
            Cause::End(what, _) => match what {
                Ended::Client => "certificate".to_owned(),
                Ended::Intermediate(sha256) => format!("intermediate {sha256}"),
                Ended::Anchor(sha256) => format!("anchor {sha256}"),
                Ended::RevocationList => "revocation list".to_owned(),
                Ended::NotYetValid => "clock".to_owned(),
            },
            Cause::Several => "several".to_owned(),
        };
        CutRecord {
            realm: key.realm,
            environment: key.environment,
            object,
            cause: self.cause,
            reasons: self.reasons.into_iter().collect(),
            connections: self.connections,
            calls: self.calls,
            clients: self.clients.into_iter().collect(),
            left_out: self.left_out,
        }
    }
}

/// A subject, cut between two characters where it is too long.
fn shortened(subject: &str) -> String {
    if subject.len() <= SUBJECT_BYTES_MAX {
        return subject.to_owned();
    }
    let mut end = SUBJECT_BYTES_MAX;
    while !subject.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    format!("{}…", subject.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests;
