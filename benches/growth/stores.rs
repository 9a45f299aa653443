//! Data directories with so many realms, each with a CA, a pipeline and a server certificate of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use realmgate::clock::{Clock, Moment};
use realmgate::control::engine::{Control, Parts};
use realmgate::domain::account::{AccountType, AccountValues};
use realmgate::domain::catalog::Rules;
use realmgate::domain::command::{Command, ValueChange};
use realmgate::domain::deployment::DeploymentKey;
use realmgate::domain::environment::{Environment, PerEnvironment};
use realmgate::domain::identity::{IdentityCertificate, IdentitySlot};
use realmgate::domain::key_proof::IntakeRules;
use realmgate::domain::name::{AccountName, PipelineName};
use realmgate::domain::pipeline::{Handler, PipelineKey};
use realmgate::domain::seen::SeenLimits;
use realmgate::domain::template::JsonTemplate;
use realmgate::domain::token::Actor;
use realmgate::domain::trigger::{MethodSet, Publication, RequestSizeMb, TimeoutMs, Trigger};
use realmgate::pki::authority::{Authority, AuthorityRequest};
use realmgate::pki::key::KeyChoice;
use realmgate::snapshot::compile::Compiler;
use realmgate::store::db::{STORE_FILE, Store};
use realmgate::store::master_key::MasterKey;
use realmgate::telemetry::journal::{JournalLimits, RefusalJournal};
use realmgate::trust::limits::TrustLimits;

use crate::world::{self, realm_name};

const HOUR: Duration = Duration::from_secs(3600);
/// So many realms are made by one transaction.
const TOGETHER: usize = 500;

/// Opens the store of a data directory, or makes it.
pub fn open(directory: &Path, now: Moment) -> Arc<Control> {
    std::fs::create_dir_all(directory).unwrap();
    let key = MasterKey::load_or_create(&directory.join("master.key")).unwrap();
    let store = Store::open(&directory.join(STORE_FILE), &key, now).unwrap();
    let clock = Clock::manual(now);
    let names = world::names();
    let compiler = Compiler::new(names.clone(), clock.clone(), TrustLimits::default(), HOUR);
    Control::start(Parts {
        store,
        compiler: compiler.unwrap(),
        clock,
        journal: Arc::new(RefusalJournal::new(JournalLimits::default())),
        open: Arc::default(),
        cuts: Arc::default(),
        rules: Rules {
            external_port: None,
            trust_account_prefix: "dgb-mtls-".to_owned(),
            request_mb_max: 1024,
            names,
        },
        admin_names: Vec::new(),
        intake: IntakeRules::default(),
        refusals_per_realm_max: 1000,
        clients_seen: Arc::default(),
        clients_seen_limits: SeenLimits::default(),
    })
    .unwrap()
}

/// Makes a data directory with so many realms.
pub fn make(directory: &Path, realms: usize, now: Moment) {
    let control = open(directory, now);
    let ca = authority("Public CA", now);
    let all: Vec<usize> = (0..realms).collect();
    for some in all.chunks(TOGETHER) {
        let (left, right) = some.split_at(some.len() / 2);
        let of = |places: &[usize]| -> Vec<Command> {
            let names = places.iter().map(|place| format!("realm-{place}"));
            names.flat_map(|name| realm(&name, &ca, now)).collect()
        };
        let commands = std::thread::scope(|scope| {
            let left = scope.spawn(|| of(left));
            let right = of(right);
            let mut commands = left.join().unwrap();
            commands.extend(right);
            commands
        });
        control
            .execute_blocking(&Actor::system(), &commands)
            .unwrap();
    }
}

/// The commands that make a realm with all that it has.
pub fn realm(name: &str, ca: &Authority, now: Moment) -> Vec<Command> {
    let (realm, environment) = (realm_name(name), Environment::Prod);
    let account = AccountName::parse(&format!("dgb-mtls-{name}")).unwrap();
    let pipeline = PipelineKey {
        name: PipelineName::parse("orders").unwrap(),
        major: 1,
    };
    let host = format!("{name}.{}", world::SHARED_HOST);
    let shown = ca.issue_server(&[host], now.minus(HOUR), now.plus(HOUR * 24));
    let shown = shown.unwrap();
    vec![
        Command::CreateRealm {
            realm: realm.clone(),
        },
        Command::SaveAccount {
            realm: realm.clone(),
            name: account.clone(),
            account_type: AccountType::CertificateChain,
            values: PerEnvironment {
                test: ValueChange::Keep,
                prod: ValueChange::Set(AccountValues::CertificateChain {
                    certificates: vec![authority(&format!("{name} CA"), now).certificate],
                    helpers: Vec::new(),
                    key: None,
                }),
            },
        },
        Command::RequestInstallation {
            realm: realm.clone(),
            environment,
            account: account.clone(),
        },
        Command::Install {
            realm: realm.clone(),
            environment,
            account,
            revision: 1,
        },
        Command::SavePipeline {
            realm: realm.clone(),
            key: pipeline.clone(),
            trigger: Trigger {
                kind: realmgate::domain::trigger::TriggerKind::Rest,
                methods: MethodSet::ALL,
                timeout: TimeoutMs::new(30_000).unwrap(),
                request_size: RequestSizeMb::new(1).unwrap(),
                response_headers: Vec::new(),
                publication: Publication {
                    external: false,
                    internal: false,
                    mtls: true,
                },
                routes: Vec::new(),
                client_rule: None,
            },
            handler: Handler::Mock(JsonTemplate::parse(serde_json::json!({ "of": name })).unwrap()),
        },
        Command::Deploy {
            realm: realm.clone(),
            key: DeploymentKey {
                environment,
                pipeline,
            },
        },
        Command::ProvideServerIdentity {
            slot: IdentitySlot::Realm(realm, environment),
            certificate: IdentityCertificate {
                chain: vec![shown.certificate],
                key: shown.key,
            },
        },
    ]
}

/// A CA with a key of its own.
pub fn authority(name: &str, now: Moment) -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: name.to_owned(),
        organization: None,
        not_before: now.minus(HOUR),
        not_after: now.plus(HOUR * 24),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}
