//! The task that asks sources and looks at the folder, until the server stops.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::clock::Moment;
use crate::control::engine::Control;
use crate::control::refreshing::{Outcome, SourceKey};
use crate::domain::crl_source::CrlUrl;
use crate::outbound::download::Downloader;
use crate::refresh::fetch::{self, Fetched, Validators};
use crate::refresh::folder::{self, Found, Told};
use crate::refresh::limits::RefreshLimits;
use crate::refresh::schedule;

/// How often it is looked at what is due.
const TICK: Duration = Duration::from_secs(1);
/// How many sources are asked at once.
const FETCHES_MAX: usize = 4;
/// How many of them may be such as failed last time: a server that hangs keeps no other realm waiting.
const FAILING_MAX: usize = 2;
/// How many of them may be one realm's.
const PER_REALM_MAX: usize = 2;
/// How often, at least, a whole document is asked for: servers have answered *not modified* by mistake.
const WHOLE_EVERY: Duration = Duration::from_secs(24 * 3_600);

/// A source that is looked after.
struct Source {
    url: CrlUrl,
    due: Moment,
    validators: Option<Validators>,
    /// When a whole document came last.
    whole: Option<Moment>,
    failures: u32,
}

/// What came of asking a source.
struct Came {
    key: SourceKey,
    url: CrlUrl,
    outcome: Outcome,
    lists: Option<Vec<crate::pki::fingerprint::Fingerprint>>,
    validators: Option<Validators>,
    is_whole: bool,
}

/// Keeps lists fresh until `stop` turns true or is dropped.
pub async fn run(
    control: Arc<Control>,
    downloader: Downloader,
    limits: RefreshLimits,
    mut stop: watch::Receiver<bool>,
) {
    let looking = look_after_folder(Arc::clone(&control), limits.clone());
    let mut fetching = Fetching {
        control,
        downloader: Arc::new(downloader),
        limits: Arc::new(limits),
        sources: BTreeMap::new(),
        revision: None,
        under_way: BTreeSet::new(),
        tasks: JoinSet::new(),
        dice: RandomState::new(),
        rolls: 0,
    };
    tokio::select! {
        () = looking => {}
        () = fetching.go() => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

struct Fetching {
    control: Arc<Control>,
    downloader: Arc<Downloader>,
    limits: Arc<RefreshLimits>,
    sources: BTreeMap<SourceKey, Source>,
    revision: Option<u64>,
    under_way: BTreeSet<SourceKey>,
    tasks: JoinSet<Came>,
    dice: RandomState,
    rolls: u64,
}

impl Fetching {
    async fn go(&mut self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let control = Arc::clone(&self.control);
            tokio::select! {
                _ = ticks.tick() => {}
                () = control.crl_work() => {}
                Some(came) = self.tasks.join_next() => match came {
                    Ok(came) => self.note(came),
                    // A fault in a fetch costs that fetch; it is asked again with the next revision.
                    Err(_) => self.revision = None,
                },
            }
            self.gather();
            self.start();
        }
    }

    /// Brings what is looked after to what is approved.
    fn gather(&mut self) {
        let (now, revision) = (self.control.now(), self.control.revision());
        for key in self.control.crls_wanted_now() {
            self.revision = None;
            if let Some(source) = self.sources.get_mut(&key) {
                source.due = now;
                source.validators = None;
            }
        }
        if self.tasks.is_empty() {
            self.under_way.clear();
        }
        if self.revision == Some(revision) {
            return;
        }
        self.revision = Some(revision);
        let approved: BTreeMap<SourceKey, CrlUrl> = self.control.crl_urls().into_iter().collect();
        self.sources.retain(|key, _| approved.contains_key(key));
        for (key, url) in approved {
            let state = self.control.crl_source_state(&key);
            let source = self.sources.entry(key.clone()).or_insert_with(|| Source {
                url: url.clone(),
                due: now,
                validators: None,
                whole: None,
                failures: 0,
            });
            if source.url != url {
                source.url = url;
                (source.due, source.validators, source.failures) = (now, None, 0);
            }
            // Somebody took away what it gave.
            let has_gone = source.failures == 0 && !self.control.still_has_crls(&key, &state.lists);
            if has_gone {
                (source.due, source.validators) = (now, None);
            }
        }
        let sources = &self.sources;
        self.control.keep_crl_states(|key| {
            matches!(key.origin, crate::control::refreshing::Origin::File(_))
                || sources.contains_key(key)
        });
    }

    /// Asks what is due, as far as there is room.
    fn start(&mut self) {
        let now = self.control.now();
        // A clock that was set back must not put everything off.
        let latest = now.plus(self.limits.every.max(Duration::from_secs(3_600)));
        let mut due: Vec<(Moment, SourceKey)> = self
            .sources
            .iter()
            .filter(|(key, source)| {
                (source.due <= now || source.due > latest) && !self.under_way.contains(*key)
            })
            .map(|(key, source)| (source.due, key.clone()))
            .collect();
        due.sort_unstable();
        for (_, key) in due {
            if self.under_way.len() >= FETCHES_MAX {
                return;
            }
            if self.has_room(&key) {
                self.ask(key, now);
            }
        }
    }

    fn has_room(&self, key: &SourceKey) -> bool {
        let is_failing = |key: &SourceKey| {
            let source = self.sources.get(key);
            source.is_some_and(|source| source.failures > 0)
        };
        let same_realm = |other: &&SourceKey| other.realm == key.realm;
        let failing = self
            .under_way
            .iter()
            .filter(|other| is_failing(other))
            .count();
        self.under_way.iter().filter(same_realm).count() < PER_REALM_MAX
            && (failing < FAILING_MAX || !is_failing(key))
    }

    fn ask(&mut self, key: SourceKey, now: Moment) {
        let Some(source) = self.sources.get(&key) else {
            return;
        };
        let state = self.control.crl_source_state(&key);
        let ends_soon = self
            .control
            .crls_life(&key, &state.lists)
            .is_none_or(|(_, end)| end.minus(self.limits.warn_before) <= now);
        let is_due_whole = source
            .whole
            .is_none_or(|whole| now < whole || now.since(whole) >= WHOLE_EVERY);
        let may_ask_by_condition =
            !ends_soon && !is_due_whole && self.control.still_has_crls(&key, &state.lists);
        let known = source.validators.clone().filter(|_| may_ask_by_condition);
        let (control, url) = (Arc::clone(&self.control), source.url.clone());
        let (downloader, limits) = (Arc::clone(&self.downloader), Arc::clone(&self.limits));
        self.under_way.insert(key.clone());
        self.tasks.spawn(async move {
            let fetched = Box::pin(fetch::fetch(&downloader, &limits, &url, known.as_ref())).await;
            Box::pin(came(control, key, url, known, fetched)).await
        });
    }

    fn note(&mut self, came: Came) {
        self.under_way.remove(&came.key);
        let now = self.control.now();
        self.rolls = self.rolls.wrapping_add(1);
        let roll = self.dice.hash_one(self.rolls);
        let lists = came
            .lists
            .clone()
            .unwrap_or_else(|| self.control.crl_source_state(&came.key).lists);
        let end = self
            .control
            .crls_life(&came.key, &lists)
            .map(|(_, end)| end);
        let Some(source) = self.sources.get_mut(&came.key) else {
            return;
        };
        if source.url != came.url {
            return;
        }
        let every = self.limits.every;
        if came.outcome.is_good {
            source.failures = 0;
            source.due = schedule::after_success(now, every, end, roll);
            source.validators = came.validators;
        } else {
            source.failures = source.failures.saturating_add(1);
            source.due = schedule::after_failure(now, every, source.failures, end, roll);
            source.validators = None;
        }
        if came.is_whole {
            source.whole = Some(now);
        }
        let due = source.due;
        self.control
            .note_crl_attempt(&came.key, &came.outcome, came.lists, Some(due));
    }
}

/// Hands in what came.
async fn came(
    control: Arc<Control>,
    key: SourceKey,
    url: CrlUrl,
    known: Option<Validators>,
    fetched: Result<Fetched, fetch::FetchError>,
) -> Came {
    let mut came = Came {
        key: key.clone(),
        url,
        outcome: Outcome {
            code: "not-modified",
            sentence: "the server says that nothing changed".to_owned(),
            is_good: true,
        },
        lists: None,
        validators: known,
        is_whole: false,
    };
    match fetched {
        Ok(Fetched::NotModified) => {}
        Ok(Fetched::Lists(lists, validators)) => {
            let taking = control.blocking(move |control| Ok(control.take_in(&key, &lists)));
            match taking.await {
                Ok(taken) => {
                    // Where nothing was taken, what it gave before is still its own.
                    came.lists = Some(taken.lists).filter(|lists| !lists.is_empty());
                    came.outcome = taken.outcome;
                    came.validators = validators;
                    came.is_whole = true;
                }
                Err(error) => came.outcome = failed("not-stored", &error),
            }
        }
        Err(error) => came.outcome = failed(error.code(), &error),
    }
    came
}

fn failed(code: &'static str, error: &impl std::fmt::Display) -> Outcome {
    Outcome {
        code,
        sentence: error.to_string(),
        is_good: false,
    }
}

/// What is known of a file.
struct Known {
    found: Found,
    due: Moment,
    failures: u32,
    /// The lists that it gave.
    lists: Vec<crate::pki::fingerprint::Fingerprint>,
}

/// Looks at the folder until it is dropped; for ever where there is none.
async fn look_after_folder(control: Arc<Control>, limits: RefreshLimits) {
    let Some(folder) = limits.folder.clone() else {
        return std::future::pending().await;
    };
    let mut ticks = interval(limits.folder_poll);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut known, mut told) = (BTreeMap::new(), Told::default());
    loop {
        ticks.tick().await;
        let (folder, limits) = (folder.clone(), limits.clone());
        let looking = control.blocking(move |control| {
            look(control, &folder, &limits, &mut known, &mut told);
            Ok((known, told))
        });
        (known, told) = looking.await.unwrap_or_default();
    }
}

fn look(
    control: &Control,
    folder: &std::path::Path,
    limits: &RefreshLimits,
    known: &mut BTreeMap<SourceKey, Known>,
    told: &mut Told,
) {
    let found = folder::look(folder, |realm| control.has_realm(realm), told);
    known.retain(|key, _| found.contains_key(key));
    control.keep_crl_states(|key| {
        matches!(key.origin, crate::control::refreshing::Origin::Url(_)) || found.contains_key(key)
    });
    for (key, found) in found {
        let now = control.now();
        let latest = now.plus(limits.every.max(Duration::from_secs(3_600)));
        let before = known.get(&key);
        let is_due = before.is_none_or(|before| {
            before.found != found
                || before.due <= now
                || before.due > latest
                || !control.still_has_crls(&key, &before.lists)
        });
        if is_due {
            let failures = before
                .filter(|before| before.found == found)
                .map_or(0, |before| before.failures);
            let noted = read_file(control, limits, &key, found, failures);
            known.insert(key, noted);
        }
    }
}

fn read_file(
    control: &Control,
    limits: &RefreshLimits,
    key: &SourceKey,
    found: Found,
    failures: u32,
) -> Known {
    let (outcome, lists) = match folder::read(&found, limits.bytes_max) {
        Ok(lists) => {
            let taken = control.take_in(key, &lists);
            (taken.outcome, taken.lists)
        }
        Err(error) => (failed(error.code(), &error), Vec::new()),
    };
    let now = control.now();
    let (failures, due) = if outcome.is_good {
        (0, now.plus(limits.every))
    } else if outcome.code == "being-written" {
        (failures, now)
    } else {
        let failures = failures.saturating_add(1);
        let due = schedule::after_failure(now, limits.every, failures, None, 0);
        (failures, due)
    };
    let given = Some(lists.clone()).filter(|lists| !lists.is_empty());
    control.note_crl_attempt(key, &outcome, given, Some(due));
    Known {
        found,
        due,
        failures,
        lists,
    }
}
