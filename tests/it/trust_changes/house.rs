//! A gateway and its `control` in this process, with a clock that stands still until it is moved.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use realmgate::clock::{Clock, Moment};
use realmgate::control::engine::{Control, Parts};
use realmgate::control::error::ControlError;
use realmgate::control::executing::Run;
use realmgate::control::impact::Cutting;
use realmgate::control::view::audit::AuditView;
use realmgate::domain::catalog::{Catalog, Rules};
use realmgate::domain::command::Command;
use realmgate::domain::endpoint::{HostLabels, NamePlan};
use realmgate::domain::environment::Gateway;
use realmgate::domain::key_proof::IntakeRules;
use realmgate::domain::name::RealmName;
use realmgate::domain::seen::SeenLimits;
use realmgate::domain::token::{Actor, Role};
use realmgate::gateway::limits::GatewayLimits;
use realmgate::gateway::listener::GatewaySet;
use realmgate::gateway::request_id::RequestIds;
use realmgate::gateway::server::{self, GatewayParts, RunningGateway, WorkerModel};
use realmgate::gateway::worker::{Chores, Worker};
use realmgate::manifest::plan::Unnamed;
use realmgate::manifest::read;
use realmgate::outbound::guard::OutgoingGuard;
use realmgate::outbound::limits::OutboundLimits;
use realmgate::outbound::pool::Pools;
use realmgate::pki::authority::{Authority, AuthorityRequest, ClientRequest, Leaf};
use realmgate::pki::certificate::Certificate;
use realmgate::pki::key::KeyChoice;
use realmgate::snapshot::compile::Compiler;
use realmgate::store::db::Store;
use realmgate::store::master_key::MasterKey;
use realmgate::telemetry::access::AccessLog;
use realmgate::telemetry::counters::Counters;
use realmgate::telemetry::cuts::Cuts;
use realmgate::telemetry::journal::RefusalJournal;
use realmgate::telemetry::open::OpenConnections;
use realmgate::telemetry::seen::{ClientsSeen, ClientsSeenLimits};
use realmgate::trust::limits::TrustLimits;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::trust_changes::service::{self, Service};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const SHARED: &str = "api2.gate.localhost";

pub(crate) fn realm(name: &str) -> RealmName {
    RealmName::parse(name).unwrap()
}

pub(crate) fn operator() -> Actor {
    Actor {
        name: "somebody".to_owned(),
        role: Role::Operator,
        address: None,
    }
}

/// A CA that is valid up to a moment.
pub(crate) fn ca(name: &str, now: Moment, not_after: Moment) -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: name.to_owned(),
        organization: None,
        not_before: now.minus(HOUR * 48),
        not_after,
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

pub(crate) fn client(of: &Authority, name: &str, now: Moment, not_after: Moment) -> Leaf {
    let request = ClientRequest {
        common_name: name.to_owned(),
        organization: None,
        sans: Vec::new(),
        not_before: now.minus(HOUR * 48),
        not_after,
        key: KeyChoice::EcP256,
    };
    of.issue_client(&request).unwrap()
}

pub(crate) struct House {
    pub(crate) control: Arc<Control>,
    pub(crate) clock: Clock,
    pub(crate) counters: Arc<Counters>,
    pub(crate) open: Arc<OpenConnections>,
    pub(crate) service: Service,
    pub(crate) released: watch::Sender<bool>,
    pub(crate) address: SocketAddr,
    pub(crate) roots: RootCertStore,
    gateway: Option<RunningGateway>,
    stop: watch::Sender<bool>,
    _directory: TempDir,
}

impl House {
    pub(crate) fn start(runtime: &Runtime) -> Self {
        // Our clients look at the machine's clock.
        let clock = Clock::manual(Clock::system().now());
        let directory = tempfile::tempdir().unwrap();
        let names = NamePlan::new("gate.localhost", &HostLabels::default()).unwrap();
        let key = MasterKey::generate().unwrap();
        let store = Store::open(&directory.path().join("store"), &key, clock.now()).unwrap();
        let clients_seen = Arc::new(ClientsSeen::new(ClientsSeenLimits::default()));
        let (journal, open, cuts, counters) = (
            Arc::new(RefusalJournal::default()),
            Arc::new(OpenConnections::default()),
            Arc::new(Cuts::default()),
            Arc::new(Counters::new()),
        );
        let control = Control::start(Parts {
            store,
            compiler: Compiler::new(names.clone(), clock.clone(), TrustLimits::default(), HOUR)
                .unwrap(),
            clock: clock.clone(),
            journal: Arc::clone(&journal),
            open: Arc::clone(&open),
            cuts: Arc::clone(&cuts),
            rules: Rules {
                external_port: None,
                trust_account_prefix: "dgb-mtls-".to_owned(),
                request_mb_max: 1024,
                names,
            },
            admin_names: Vec::new(),
            refusals_per_realm_max: 1000,
            intake: IntakeRules::default(),
            clients_seen: Arc::clone(&clients_seen),
            clients_seen_limits: SeenLimits::default(),
        })
        .unwrap();
        let limits = GatewayLimits::default();
        let guard = OutgoingGuard::new(vec!["127.0.0.0/8".parse().unwrap()], vec![]);
        let pools = Pools::new(OutboundLimits::default(), guard, NonZeroUsize::MIN);
        let (access, chores) = (Arc::new(AccessLog::off()), Chores::default());
        let gateway = server::start(
            &GatewayParts {
                listeners: vec![(
                    "127.0.0.1:0".parse().unwrap(),
                    GatewaySet::of(Gateway::Mtls),
                )],
                model: WorkerModel::PerCore,
                workers: 2,
                limits,
            },
            || Worker {
                live: Arc::clone(control.live()),
                clock: clock.clone(),
                access: Arc::clone(&access),
                journal: Arc::clone(&journal),
                counters: Arc::clone(&counters),
                open: Arc::clone(&open),
                cuts: Arc::clone(&cuts),
                clients_seen: Arc::clone(&clients_seen),
                network: Arc::default(),
                pools: pools.clone(),
                limits,
                ids: RequestIds::default(),
                chores: chores.clone(),
            },
        )
        .unwrap();
        control.announce_cut_grace(limits.cut_grace_ms);
        let (stop, stopped) = watch::channel(false);
        runtime.spawn(Arc::clone(&control).upkeep(stopped));
        let (released, receiver) = watch::channel(false);
        let authority = control.catalog().server_authority.clone().unwrap();
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(authority.certificate.der().to_vec()))
            .unwrap();
        Self {
            service: runtime.block_on(service::start(receiver)),
            address: gateway.bound()[0].0,
            control,
            clock,
            counters,
            open,
            released,
            roots,
            gateway: Some(gateway),
            stop,
            _directory: directory,
        }
    }

    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    pub(crate) fn execute(&self, commands: &[Command]) -> u64 {
        let all = |_: &Catalog, _| Ok::<_, ControlError>(commands.to_vec());
        let done = self
            .control
            .change_cutting(&operator(), Cutting::Confirmed, all);
        done.unwrap().revision
    }

    pub(crate) fn apply(&self, manifest: &str) -> u64 {
        let document = read::toml(manifest).unwrap_or_else(|error| panic!("{error}\n{manifest}"));
        let run = Run::ApplyConfirmed { seen: None };
        self.control
            .apply_blocking(&operator(), &[document], run, Unnamed::Stay)
            .unwrap()
            .revision
    }

    /// A realm that passes calls on to the service, with these accounts installed.
    pub(crate) fn realm(&self, name: &str, accounts: &[(&str, &[&Certificate])]) {
        let mut manifest = format!(
            r#"
[[realm]]
name = "{name}"
[[realm.connection]]
name = "service"
base-url = "{url}"
[[realm.pipeline]]
name = "relay"
major = 1
trigger = {{ type = "rest", mtls = true, external = false }}
handler = {{ type = "upstream", connection = "service" }}
[[realm.deployment]]
pipeline = "relay"
major = 1
environments = ["prod"]
"#,
            url = self.service.url
        );
        for (account, certificates) in accounts {
            manifest += &installed(account, certificates);
        }
        self.apply(&manifest);
    }

    /// Installs an account, or what it is saved as now.
    pub(crate) fn install(&self, name: &str, account: &str, certificates: &[&Certificate]) -> u64 {
        let account = installed(account, certificates);
        self.apply(&format!("[[realm]]\nname = \"{name}\"\n{account}"))
    }

    /// The records of a realm that tell of cuts.
    pub(crate) fn cuts(&self, name: &str) -> Vec<AuditView> {
        let audit = self
            .control
            .audit(&operator(), Some(realm(name)), None, 1000)
            .unwrap();
        audit
            .into_iter()
            .filter(|record| record.action == "connections.cut")
            .collect()
    }

    /// Stops serving, and writes what waits to be written.
    pub(crate) fn stop(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.shut_down();
            self.stop.send_replace(true);
            self.control.store_last_cuts().unwrap();
        }
    }
}

fn installed(account: &str, certificates: &[&Certificate]) -> String {
    let pem: String = certificates.iter().map(|one| one.to_pem()).collect();
    format!(
        "[[realm.account]]\nname = \"dgb-mtls-{account}\"\ntype = \"certificate-chain\"\n\
         prod.chain = '''\n{pem}'''\n[[realm.installation]]\naccount = \"dgb-mtls-{account}\"\n\
         environment = \"prod\"\n"
    )
}
