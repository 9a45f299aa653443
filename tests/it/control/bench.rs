//! `control` over a store in a temporary directory, at a time that stands still until it is moved.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use realmgate::clock::{Clock, Moment};
use realmgate::control::engine::{Control, Parts};
use realmgate::control::error::ControlError;
use realmgate::control::executing::{Applied, Done, Run};
use realmgate::domain::catalog::Rules;
use realmgate::domain::command::Command;
use realmgate::domain::endpoint::{HostLabels, NamePlan};
use realmgate::domain::key_proof::IntakeRules;
use realmgate::domain::name::RealmName;
use realmgate::domain::seen::SeenLimits;
use realmgate::domain::token::{Actor, Role};
use realmgate::manifest::plan::Unnamed;
use realmgate::manifest::read;
use realmgate::pki::authority::{Authority, AuthorityRequest};
use realmgate::pki::key::KeyChoice;
use realmgate::snapshot::compile::Compiler;
use realmgate::store::db::Store;
use realmgate::store::master_key::MasterKey;
use realmgate::telemetry::journal::{JournalLimits, RefusalJournal};
use realmgate::trust::limits::TrustLimits;
use tempfile::TempDir;

/// The tests' first moment.
pub(crate) fn now() -> Moment {
    Moment::parse("2030-06-01T12:00:00Z").unwrap()
}

/// So many days.
pub(crate) fn days(count: u64) -> Duration {
    Duration::from_secs(count * 24 * 3600)
}

pub(crate) fn realm(name: &str) -> RealmName {
    RealmName::parse(name).unwrap()
}

/// Somebody in a role.
pub(crate) fn actor(role: Role) -> Actor {
    Actor {
        name: "somebody".to_owned(),
        role,
        address: Some("192.0.2.7".parse().unwrap()),
    }
}

pub(crate) fn operator() -> Actor {
    actor(Role::Operator)
}

/// The certificate of a CA, as PEM.
pub(crate) fn ca(name: &str) -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: name.to_owned(),
        organization: None,
        not_before: now().minus(days(1)),
        not_after: now().plus(days(3650)),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

/// A manifest of realm `acme` with an installed CA and a pipeline `hello` on every gateway in `prod`.
pub(crate) fn acme(ca: &Authority) -> String {
    format!(
        r#"
[[realm]]
name = "acme"
[[realm.account]]
name = "dgb-mtls-acme"
type = "certificate-chain"
prod.chain = '''
{pem}'''
[[realm.installation]]
account = "dgb-mtls-acme"
environment = "prod"
[[realm.pipeline]]
name = "hello"
major = 1
trigger = {{ type = "rest", mtls = true, external = true, internal = true, routes = ["/:never"] }}
handler = {{ type = "mock", document = {{ hello = "world" }} }}
[[realm.deployment]]
pipeline = "hello"
major = 1
environments = ["prod"]
"#,
        pem = ca.certificate.to_pem()
    )
    .replace("\"/:never\"", "\"/of/:name\"")
}

/// Where `control` keeps its store, over several starts.
pub(crate) struct Place {
    directory: TempDir,
    key: MasterKey,
    pub(crate) clock: Clock,
    pub(crate) domain: String,
    pub(crate) refusals_per_realm_max: u64,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            key: MasterKey::generate().unwrap(),
            clock: Clock::manual(now()),
            domain: "gate.localhost".to_owned(),
            refusals_per_realm_max: 1000,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("realmgate.redb")
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.path(), &self.key, self.clock.now()).unwrap()
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules {
            external_port: None,
            trust_account_prefix: "dgb-mtls-".to_owned(),
            request_mb_max: 1024,
            names: NamePlan::new(&self.domain, &HostLabels::default()).unwrap(),
        }
    }

    /// The same store as it is on the disk now, elsewhere: what a process finds that starts after a crash.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self {
            key: self.key.clone(),
            clock: self.clock.clone(),
            ..Self::new()
        };
        std::fs::copy(self.path(), copy.path()).unwrap();
        copy
    }

    pub(crate) fn start(&self) -> Bench {
        Bench::on(self.store(), self)
    }
}

/// A running `control`.
pub(crate) struct Bench {
    pub(crate) control: Arc<Control>,
    pub(crate) journal: Arc<RefusalJournal>,
}

impl Bench {
    /// One that is not started again.
    pub(crate) fn start() -> (Place, Self) {
        let place = Place::new();
        let bench = place.start();
        (place, bench)
    }

    pub(crate) fn on(store: Store, place: &Place) -> Self {
        let rules = place.rules();
        let clock = place.clock.clone();
        let journal = Arc::new(RefusalJournal::new(JournalLimits::default()));
        let control = Control::start(Parts {
            store,
            compiler: Compiler::new(
                rules.names.clone(),
                clock.clone(),
                TrustLimits::default(),
                Duration::ZERO,
            )
            .unwrap(),
            clock,
            journal: Arc::clone(&journal),
            open: Arc::default(),
            cuts: Arc::default(),
            rules,
            admin_names: vec!["admin.example".to_owned()],
            intake: IntakeRules::default(),
            refusals_per_realm_max: place.refusals_per_realm_max,
            clients_seen: Arc::default(),
            clients_seen_limits: SeenLimits::default(),
        });
        Self {
            control: control.unwrap(),
            journal,
        }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.control.catalog().revision
    }

    pub(crate) fn execute(&self, commands: &[Command]) -> Result<Done, ControlError> {
        self.control.execute_blocking(&operator(), commands)
    }

    pub(crate) fn create_realm(&self, name: &str) {
        self.execute(&[Command::CreateRealm { realm: realm(name) }])
            .unwrap();
    }

    pub(crate) fn apply(&self, manifest: &str) -> Applied {
        self.apply_as(&operator(), manifest, Run::ApplyConfirmed { seen: None })
            .unwrap()
    }

    pub(crate) fn apply_as(
        &self,
        actor: &Actor,
        manifest: &str,
        run: Run,
    ) -> Result<Applied, ControlError> {
        let document = read::toml(manifest).unwrap_or_else(|error| panic!("{error}\n{manifest}"));
        self.control
            .apply_blocking(actor, &[document], run, Unnamed::Stay)
    }

    /// The actions of the audit, newest first.
    pub(crate) fn actions(&self) -> Vec<String> {
        let audit = self.control.audit(&operator(), None, None, 1000).unwrap();
        audit.into_iter().map(|record| record.action).collect()
    }
}
