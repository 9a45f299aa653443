//! The engine: what `control` is made of, and how it starts.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::clock::{Clock, Moment, Stopwatch};
use crate::control::address::{Addresses, Listener};
use crate::control::error::ControlError;
use crate::control::executing::{self, Prepared};
use crate::control::identities;
use crate::control::refreshing::Freshness;
use crate::control::turns::Turns;
use crate::domain::catalog::{Catalog, Circumstances, Rules};
use crate::domain::command::{Command, ProofOutcome};
use crate::domain::endpoint::NamePlan;
use crate::domain::key_proof::IntakeRules;
use crate::domain::name::RealmName;
use crate::domain::seen::SeenLimits;
use crate::domain::token::{Actor, Role};
use crate::snapshot::compile::Compiler;
use crate::snapshot::live::Live;
use crate::store::db::Store;
use crate::telemetry::cuts::Cuts;
use crate::telemetry::journal::RefusalJournal;
use crate::telemetry::open::OpenConnections;
use crate::telemetry::seen::ClientsSeen;

/// What `control` is put together from.
pub struct Parts {
    /// Where changes are kept.
    pub store: Store,
    /// What compiles them.
    pub compiler: Compiler,
    /// The time.
    pub clock: Clock,
    /// Where the data plane tells of refused clients.
    pub journal: Arc<RefusalJournal>,
    /// The open connections of verified clients.
    pub open: Arc<OpenConnections>,
    /// Where the data plane tells of whom it cut.
    pub cuts: Arc<Cuts>,
    /// The appliance's rules.
    pub rules: Rules,
    /// What is asked of certificates before they become anchors.
    pub intake: IntakeRules,
    /// Names and addresses of the admin listener, besides those of this machine itself.
    pub admin_names: Vec<String>,
    /// How many refusals are kept for each realm, and in the operator's own journal.
    pub refusals_per_realm_max: u64,
    /// Where the data plane tells of clients that were let in.
    pub clients_seen: Arc<ClientsSeen>,
    /// How many of them are kept, and how long.
    pub clients_seen_limits: SeenLimits,
}

/// The single way to change anything. One per process.
pub struct Control {
    pub(crate) store: Store,
    pub(crate) compiler: Compiler,
    pub(crate) clock: Clock,
    pub(crate) journal: Arc<RefusalJournal>,
    pub(crate) open: Arc<OpenConnections>,
    pub(crate) cuts: Arc<Cuts>,
    pub(crate) rules: Rules,
    pub(crate) intake: IntakeRules,
    pub(crate) admin_names: Vec<String>,
    pub(crate) refusals_per_realm_max: u64,
    pub(crate) clients_seen: Arc<ClientsSeen>,
    pub(crate) clients_seen_limits: SeenLimits,
    pub(crate) live: Arc<Live>,
    pub(crate) catalog: ArcSwap<Catalog>,
    pub(crate) addresses: ArcSwap<Addresses>,
    pub(crate) listeners: ArcSwap<Vec<Listener>>,
    pub(crate) cut_grace_ms: AtomicU32,
    /// Held by whoever changes something.
    pub(crate) writer: Mutex<()>,
    /// Held while refusals are on their way from the journal to the store, so that a reader waits for them.
    pub(crate) draining: Mutex<()>,
    /// The same for clients that were seen.
    pub(crate) noting: Mutex<()>,
    /// Whether an attack on ourselves is going on.
    pub(crate) proving: AtomicBool,
    /// The realms whose admins have changes weighed just now.
    pub(crate) weighing: Turns,
    /// How long before the end of a list in use people are warned, in milliseconds.
    pub(crate) crl_warn_ms: AtomicU64,
    /// What keeps revocation lists fresh.
    pub(crate) freshness: Freshness,
    pub(crate) started: Stopwatch,
}

impl Control {
    /// Loads the catalog, makes the server identity where it is missing or out of date, and compiles everything. Blocks.
    ///
    /// # Errors
    /// [`ControlError`] where the store cannot be read or written, or the server identity cannot be made or shown. A
    /// realm that does not compile is no error: it is closed.
    pub fn start(parts: Parts) -> Result<Arc<Self>, ControlError> {
        let now = parts.clock.now();
        let loaded = parts.store.load()?;
        warn_of_an_early_clock(parts.store.last_audit_moment()?, now);
        let catalog = made_ready(&parts, loaded, now)?;
        let snapshot = parts.compiler.compile_all(&catalog)?;
        Ok(Arc::new(Self {
            store: parts.store,
            compiler: parts.compiler,
            clock: parts.clock,
            journal: parts.journal,
            open: parts.open,
            cuts: parts.cuts,
            rules: parts.rules,
            intake: parts.intake,
            admin_names: parts.admin_names,
            refusals_per_realm_max: parts.refusals_per_realm_max,
            clients_seen: parts.clients_seen,
            clients_seen_limits: parts.clients_seen_limits,
            live: Arc::new(Live::new(snapshot)),
            catalog: ArcSwap::from_pointee(catalog),
            addresses: ArcSwap::from_pointee(Addresses::default()),
            listeners: ArcSwap::from_pointee(Vec::new()),
            cut_grace_ms: AtomicU32::new(0),
            writer: Mutex::new(()),
            draining: Mutex::new(()),
            noting: Mutex::new(()),
            proving: AtomicBool::new(false),
            weighing: Turns::default(),
            crl_warn_ms: AtomicU64::new(24 * 3_600_000),
            freshness: Freshness::default(),
            started: Stopwatch::start(),
        }))
    }

    /// What the data plane serves by.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The open connections of verified clients.
    pub const fn open_connections(&self) -> &Arc<OpenConnections> {
        &self.open
    }

    /// The present catalog, to keep.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Tells where the gateways listen, once they do.
    pub fn announce(&self, addresses: Addresses) {
        self.addresses.store(Arc::new(addresses));
    }

    /// Tells every address that is listened on, once it is.
    pub fn announce_listeners(&self, listeners: Vec<Listener>) {
        self.listeners.store(Arc::new(listeners));
    }

    /// Tells how long a connection that lost its right to be there may finish what it is doing, in milliseconds.
    pub fn announce_cut_grace(&self, ms: u32) {
        self.cut_grace_ms.store(ms, Ordering::Release);
    }

    /// How long a connection that lost its right to be there may finish what it is doing.
    pub fn cut_grace(&self) -> Duration {
        Duration::from_millis(u64::from(self.cut_grace_ms.load(Ordering::Acquire)))
    }

    /// Tells how long before the end of a revocation list that is in use people are warned, in milliseconds.
    pub fn announce_crl_warning(&self, ms: u64) {
        self.crl_warn_ms.store(ms, Ordering::Release);
    }

    /// How long before the end of a revocation list that is in use people are warned.
    pub fn crl_warn_before(&self) -> Duration {
        Duration::from_millis(self.crl_warn_ms.load(Ordering::Acquire))
    }

    /// Every address that is listened on.
    pub fn listeners(&self) -> Arc<Vec<Listener>> {
        self.listeners.load_full()
    }

    /// The host names.
    pub const fn names(&self) -> &NamePlan {
        &self.rules.names
    }

    /// What the name of a trust source begins with.
    pub fn trust_account_prefix(&self) -> &str {
        &self.rules.trust_account_prefix
    }

    /// Whether nobody holds an operator's token, as on the first start.
    pub fn needs_operator(&self) -> bool {
        !self
            .catalog
            .load()
            .tokens
            .values()
            .any(|token| token.role == Role::Operator)
    }

    /// Runs something that blocks on a thread of its own.
    ///
    /// # Errors
    /// [`ControlError::Interrupted`] where it did not come to its end.
    pub async fn blocking<T, F>(self: &Arc<Self>, act: F) -> Result<T, ControlError>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> Result<T, ControlError> + Send + 'static,
    {
        let control = Arc::clone(self);
        tokio::task::spawn_blocking(move || act(&control))
            .await
            .map_err(|_| ControlError::Interrupted)?
    }
}

/// A machine without a clock battery wakes up in the past: certificates seem not yet valid, tokens live on.
fn warn_of_an_early_clock(last: Option<Moment>, now: Moment) {
    if let Some(last) = last.filter(|last| now < *last) {
        tracing::error!(
            clock = %now,
            last_change = %last,
            "THE CLOCK IS WRONG: it tells a time before the last recorded change. Certificates and tokens are judged by \
             it. Set the clock (for example with NTP) and restart realmgate"
        );
    }
}

/// The server identity is there, and nothing is left of an attack on ourselves that the last process did not end.
fn made_ready(parts: &Parts, catalog: Catalog, now: Moment) -> Result<Catalog, ControlError> {
    let mut commands = identities::due(&catalog, &parts.rules.names, &parts.admin_names, now)?;
    if catalog.realms.contains_key(&RealmName::reserved()) {
        let outcome = ProofOutcome::LeftOver;
        commands.push(Command::EndProof { outcome });
    }
    if commands.is_empty() {
        return Ok(catalog);
    }
    let actor = Actor::system();
    let around = Circumstances {
        actor: &actor,
        now,
        rules: &parts.rules,
    };
    let Prepared {
        next,
        touched,
        audit,
        ..
    } = executing::prepare(&catalog, &commands, around)?;
    parts.store.commit(&next, &touched, &audit, &actor, now)?;
    Ok(next)
}
