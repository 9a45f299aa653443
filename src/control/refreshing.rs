//! Lists that keep themselves fresh: what is to be fetched, what came of it, and what ends soon.
//!
//! Whoever fetches (or reads a folder) asks here what there is to do, hands in what came, and tells how it went. A list
//! that comes so is taken in by the same way as any other change, as an actor of its own; one that does not hold is
//! refused, and the last good one stays. How each source is, is kept in memory only: after a restart all are asked anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::clock::Moment;
use crate::control::authorise;
use crate::control::engine::Control;
use crate::control::error::ControlError;
use crate::domain::catalog::Catalog;
use crate::domain::command::Command;
use crate::domain::crl_source::CrlUrl;
use crate::domain::environment::Environment;
use crate::domain::name::{CrlSourceName, RealmName};
use crate::domain::realm::Realm;
use crate::domain::rejection::Rejection;
use crate::domain::revocation::{self, Currency};
use crate::domain::token::{Actor, Role};
use crate::domain::trusting::Intake;
use crate::pki::crl::Crl;
use crate::pki::fingerprint::Fingerprint;

/// How many sources and files are remembered; of more, only the lists are taken in.
const STATES_MAX: usize = 50_000;
/// How long whoever asks to fetch at once waits for what comes of it.
const FETCH_WAIT: Duration = Duration::from_secs(300);

/// Where lists come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A URL that was approved under this name.
    Url(CrlSourceName),
    /// A file of this name in the realm's folder.
    File(String),
}

/// A source of lists: whose, where, and which.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceKey {
    /// Whose.
    pub realm: RealmName,
    /// Where.
    pub environment: Environment,
    /// Which.
    pub origin: Origin,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// A stable kebab-case code.
    pub code: &'static str,
    /// The same as a sentence that says what to do.
    pub sentence: String,
    /// Whether there is nothing to do for anybody.
    pub is_good: bool,
}

/// How a source is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceState {
    /// When it was asked last.
    pub last_attempt: Option<Moment>,
    /// When it last gave what is in force, or said that nothing changed.
    pub last_success: Option<Moment>,
    /// What came of the last attempt.
    pub outcome: Option<Outcome>,
    /// When it is asked next.
    pub next_attempt: Option<Moment>,
    /// How many attempts failed since the last good one.
    pub failures: u32,
    /// The SHA-256 of the lists that it gave last.
    pub lists: Vec<Fingerprint>,
    /// Counts the attempts.
    pub attempts: u64,
}

/// What came of handing lists in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What to tell of it.
    pub outcome: Outcome,
    /// The lists that are on the shelf now, of those that were handed in.
    pub lists: Vec<Fingerprint>,
}

/// What keeps lists fresh, as far as it is remembered.
pub(crate) struct Freshness {
    states: Mutex<BTreeMap<SourceKey, SourceState>>,
    wanted: Mutex<BTreeSet<SourceKey>>,
    told: Mutex<BTreeMap<(RealmName, Environment, Fingerprint), Ending>>,
    wake: Notify,
    attempts: watch::Sender<u64>,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            states: Mutex::default(),
            wanted: Mutex::default(),
            told: Mutex::default(),
            wake: Notify::new(),
            attempts: watch::Sender::new(0),
        }
    }
}

impl Freshness {
    pub(crate) fn states(&self) -> MutexGuard<'_, BTreeMap<SourceKey, SourceState>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanted(&self) -> MutexGuard<'_, BTreeSet<SourceKey>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many lists were told to end soon, or to be over.
    pub(crate) fn endings(&self, sees: impl Fn(&RealmName) -> bool) -> usize {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.keys().filter(|(realm, _, _)| sees(realm)).count()
    }

    /// Has whoever fetches look at what there is to do.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }
}

/// A list in use that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Soon.
    Soon,
    /// It is over.
    Over,
}

impl Ending {
    /// Where a list stands that the next one has not come for.
    pub(crate) fn of(list: &Crl, now: Moment, warn_before: Duration) -> Option<Self> {
        let facts = list.facts();
        match Currency::of(facts, now) {
            Currency::NotYet => None,
            Currency::OutOfDate => Some(Self::Over),
            Currency::Current => facts
                .next_update
                .is_some_and(|end| end.minus(warn_before) <= now)
                .then_some(Self::Soon),
        }
    }
}

/// Who takes in what was fetched.
fn refresher(origin: &Origin) -> Actor {
    let name = match origin {
        Origin::Url(_) => "crl-refresh",
        Origin::File(_) => "crl-folder",
    };
    Actor {
        name: name.to_owned(),
        role: Role::Operator,
        address: None,
    }
}

impl Control {
    /// Every approved source, with its URL.
    pub fn crl_urls(&self) -> Vec<(SourceKey, CrlUrl)> {
        let catalog = self.catalog.load();
        let mut found = Vec::new();
        for realm in catalog.realms.values() {
            for (environment, sources) in realm.crl_sources.iter() {
                found.extend(sources.values().map(|source| {
                    let key = SourceKey {
                        realm: realm.name.clone(),
                        environment,
                        origin: Origin::Url(source.name.clone()),
                    };
                    (key, source.url.clone())
                }));
            }
        }
        found
    }

    /// Whether there is such a realm, for folders to be read.
    pub fn has_realm(&self, realm: &RealmName) -> bool {
        !realm.is_reserved() && self.catalog.load().realms.contains_key(realm)
    }

    /// The catalog's revision: what [`Control::crl_urls`] answers is the same as long as it is.
    pub fn revision(&self) -> u64 {
        self.catalog.load().revision
    }

    /// Waits until there may be something to fetch at once.
    pub async fn crl_work(&self) {
        self.freshness.wake.notified().await;
    }

    /// The sources that somebody wants to be asked at once. Each is told once.
    pub fn crls_wanted_now(&self) -> BTreeSet<SourceKey> {
        std::mem::take(&mut *self.freshness.wanted())
    }

    /// How a source is.
    pub fn crl_source_state(&self, key: &SourceKey) -> SourceState {
        self.freshness
            .states()
            .get(key)
            .cloned()
            .unwrap_or_default()
    }

    /// Of lists that a source gave: whether all of them are still there.
    pub fn still_has_crls(&self, key: &SourceKey, lists: &[Fingerprint]) -> bool {
        let catalog = self.catalog.load();
        let realm = catalog.realms.get(&key.realm);
        realm.is_some_and(|realm| {
            let shelf = realm.crls.get(key.environment);
            lists.iter().all(|list| shelf.contains_key(list))
        })
    }

    /// The earliest begin and end of lists that are there; `None` where there is none with an end.
    pub fn crls_life(&self, key: &SourceKey, lists: &[Fingerprint]) -> Option<(Moment, Moment)> {
        let catalog = self.catalog.load();
        let shelf = catalog.realms.get(&key.realm)?.crls.get(key.environment);
        let lives = lists.iter().filter_map(|list| {
            let list = shelf.get(list)?;
            Some((list.crl.facts().next_update?, list.crl.facts().this_update))
        });
        lives.min().map(|(end, begin)| (begin, end))
    }

    /// Takes lists in that nobody looked at: each by itself, so that one that does not hold keeps out no other. What is
    /// there already makes no audit record. Blocks.
    pub fn take_in(&self, key: &SourceKey, lists: &[Crl]) -> Taken {
        let actor = refresher(&key.origin);
        let mut taken = Taken {
            outcome: Outcome {
                code: "unchanged",
                sentence: "it is what is there already".to_owned(),
                is_good: true,
            },
            lists: Vec::new(),
        };
        for list in lists {
            match self.take_one_in(&actor, key, list) {
                Ok(changed) => {
                    taken.lists.push(list.fingerprint());
                    if taken.outcome.is_good {
                        taken.outcome = taken_in(list, changed, self.now(), taken.outcome);
                    }
                }
                Err(error) if taken.outcome.is_good => taken.outcome = not_taken(&error),
                Err(_) => {}
            }
        }
        // A copy of what is there, signed anew, is not put there itself.
        let held = self.catalog.load().realms.get(&key.realm).cloned();
        if let Some(realm) = held {
            let shelf = realm.crls.get(key.environment);
            taken.lists.retain(|list| shelf.contains_key(list));
        }
        taken
    }

    fn take_one_in(
        &self,
        actor: &Actor,
        key: &SourceKey,
        list: &Crl,
    ) -> Result<bool, ControlError> {
        let catalog = self.catalog.load_full();
        let realm = catalog.realm(&key.realm)?;
        if realm
            .crls
            .get(key.environment)
            .contains_key(&list.fingerprint())
        {
            return Ok(false);
        }
        // The list remembers the check, so that nobody waits for it while this is the one who writes.
        let prefix = &self.rules.trust_account_prefix;
        let _ = revocation::signed(realm, key.environment, list, prefix);
        let done = self.change(actor, |catalog, _| {
            still_approved(catalog, key)?;
            Ok::<_, Rejection>(vec![Command::SaveCrl {
                realm: key.realm.clone(),
                environment: key.environment,
                crl: list.clone(),
                intake: Intake::ByItself,
            }])
        })?;
        Ok(done.changed)
    }

    /// Notes what came of an attempt, and when the next one is. `lists` is what it gave, where it gave any.
    pub fn note_crl_attempt(
        &self,
        key: &SourceKey,
        outcome: &Outcome,
        lists: Option<Vec<Fingerprint>>,
        next_attempt: Option<Moment>,
    ) {
        let now = self.now();
        let mut states = self.freshness.states();
        if states.len() >= STATES_MAX && !states.contains_key(key) {
            return;
        }
        let state = states.entry(key.clone()).or_default();
        state.last_attempt = Some(now);
        state.next_attempt = next_attempt;
        state.attempts = state.attempts.saturating_add(1);
        if outcome.is_good {
            state.last_success = Some(now);
            state.failures = 0;
        } else {
            state.failures = state.failures.saturating_add(1);
        }
        if let Some(lists) = lists {
            state.lists = lists;
        }
        let before = state.outcome.replace(outcome.clone());
        drop(states);
        self.freshness
            .attempts
            .send_modify(|count| *count = count.wrapping_add(1));
        tell(key, before.as_ref(), outcome);
    }

    /// Forgets sources and files that are there no more.
    pub fn keep_crl_states(&self, is_there: impl Fn(&SourceKey) -> bool) {
        self.freshness.states().retain(|key, _| is_there(key));
    }

    /// Has a source asked at once, and waits for what comes of it.
    ///
    /// # Errors
    /// [`ControlError`].
    pub async fn fetch_crl_now(
        &self,
        actor: &Actor,
        realm: &RealmName,
        environment: Environment,
        name: &CrlSourceName,
    ) -> Result<(), ControlError> {
        authorise::inside(actor, realm, "crl-source.fetch")?;
        let key = SourceKey {
            realm: realm.clone(),
            environment,
            origin: Origin::Url(name.clone()),
        };
        still_approved(&self.catalog.load(), &key)?;
        let mut attempts = self.freshness.attempts.subscribe();
        let before = self.crl_source_state(&key).attempts;
        self.freshness.wanted().insert(key.clone());
        self.freshness.wake();
        let done = async {
            while self.crl_source_state(&key).attempts == before {
                if attempts.changed().await.is_err() {
                    break;
                }
            }
        };
        tokio::time::timeout(FETCH_WAIT, done)
            .await
            .map_err(|_| ControlError::Interrupted)
    }

    /// Tells of lists in use that end within `warn_before`, or are over: in the log once, and in the status as long as
    /// it is so. Blocks for as long as it takes to look at every list.
    pub fn warn_of_ending_crls(&self, warn_before: Duration) {
        let (catalog, now) = (self.catalog.load_full(), self.now());
        let mut ending = BTreeMap::new();
        for realm in catalog.realms.values() {
            for environment in Environment::ALL {
                for (list, how) in endings(realm, environment, now, warn_before) {
                    ending.insert(
                        (realm.name.clone(), environment, list.fingerprint()),
                        (how, list.clone()),
                    );
                }
            }
        }
        let mut told = self
            .freshness
            .told
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (place, (how, list)) in &ending {
            if told.get(place) != Some(how) {
                tell_of_ending(&place.0, place.1, list, *how);
            }
        }
        *told = ending
            .into_iter()
            .map(|(place, (how, _))| (place, how))
            .collect();
    }
}

/// The lists that clients of `realm` are judged by and whose end is near or over.
pub(crate) fn endings(
    realm: &Realm,
    environment: Environment,
    now: Moment,
    warn_before: Duration,
) -> Vec<(&Crl, Ending)> {
    let shelf = realm.crls.get(environment);
    let asked_for = realm.trust_policies.get(environment).asks_for_lists();
    if !asked_for || !realm.has_mtls(environment) {
        return Vec::new();
    }
    let ends = shelf.values().filter_map(|list| {
        let how = Ending::of(&list.crl, now, warn_before)?;
        Some((&list.crl, how))
    });
    let has_later = |crl: &Crl| {
        shelf.values().any(|other| {
            let later = revocation::compare(other.crl.facts(), crl.facts());
            later == Some(std::cmp::Ordering::Greater)
                && Currency::of(other.crl.facts(), now) == Currency::Current
        })
    };
    ends.filter(|(crl, _)| !has_later(crl)).collect()
}

/// What somebody fetched is not taken in where the source was removed meanwhile.
fn still_approved(catalog: &Catalog, key: &SourceKey) -> Result<(), Rejection> {
    let realm = catalog.realm(&key.realm)?;
    match &key.origin {
        Origin::Url(name) if !realm.crl_sources.get(key.environment).contains_key(name) => {
            Err(Rejection::NoCrlSource {
                realm: key.realm.clone(),
                environment: key.environment,
                source_name: name.clone(),
            })
        }
        Origin::Url(_) | Origin::File(_) => Ok(()),
    }
}

/// What to tell of a list that is there now.
fn taken_in(list: &Crl, changed: bool, now: Moment, before: Outcome) -> Outcome {
    let facts = list.facts();
    let number = revocation::number(facts);
    if Currency::of(facts, now) == Currency::OutOfDate {
        return Outcome {
            code: "stale",
            sentence: format!(
                "the latest revocation list of {} (number {number}) is over since {}: ask its CA to issue the next one",
                facts.issuer,
                revocation::end(facts)
            ),
            is_good: false,
        };
    }
    if !changed {
        return before;
    }
    Outcome {
        code: "taken-in",
        sentence: format!(
            "the revocation list of {} (number {number}) was taken in",
            facts.issuer
        ),
        is_good: true,
    }
}

fn not_taken(error: &ControlError) -> Outcome {
    let code = if let ControlError::Rejected(rejection) = error {
        code(rejection)
    } else {
        "not-stored"
    };
    Outcome {
        code,
        sentence: error.to_string(),
        is_good: false,
    }
}

fn code(rejection: &Rejection) -> &'static str {
    if let Rejection::CrlIssuerUnknown { .. } = rejection {
        "wrong-issuer"
    } else if let Rejection::CrlNotSigned { .. } = rejection {
        "bad-signature"
    } else if let Rejection::CrlOlder { .. } = rejection {
        "older"
    } else if let Rejection::CrlOver { .. } = rejection {
        "stale"
    } else if let Rejection::TooMany { .. } | Rejection::CrlsTooLarge { .. } = rejection {
        "no-room"
    } else {
        rejection.code()
    }
}

/// One line for each change of what is so; a source that fails for a week does not fill the log.
fn tell(key: &SourceKey, before: Option<&Outcome>, now: &Outcome) {
    let was_good = before.is_none_or(|before| before.is_good);
    let source = match &key.origin {
        Origin::Url(name) => name.as_str(),
        Origin::File(name) => name.as_str(),
    };
    let (realm, environment) = (&key.realm, key.environment);
    if !now.is_good && before.map(|before| before.code) != Some(now.code) {
        tracing::warn!(
            %realm, %environment, source, reason = now.code,
            "revocation lists are not kept fresh, and the last good one stays: {}", now.sentence
        );
    } else if now.is_good && !was_good {
        tracing::info!(%realm, %environment, source, "revocation lists are kept fresh again");
    }
}

fn tell_of_ending(realm: &RealmName, environment: Environment, list: &Crl, how: Ending) {
    let facts = list.facts();
    let (issuer, end) = (&facts.issuer, revocation::end(facts));
    match how {
        Ending::Soon => tracing::warn!(
            %realm, %environment, issuer, end,
            "a revocation list that is in use ends soon, and the next one has not come"
        ),
        Ending::Over => tracing::warn!(
            %realm, %environment, issuer, end,
            "a revocation list that is in use is out of date: what that is worth is said by 'crl-out-of-date' of the \
             trust policy"
        ),
    }
}
