//! Ten thousand realms: made by one manifest, and one more made while they serve. In a debug build there are fewer of
//! them, and the clock is not looked at.

use std::sync::Arc;
use std::time::Duration;

use realmgate::clock::{Clock, Moment, Stopwatch};
use realmgate::control::engine::{Control, Parts};
use realmgate::control::executing::Run;
use realmgate::domain::catalog::{Catalog, Rules};
use realmgate::domain::change::Touched;
use realmgate::domain::endpoint::{HostLabels, NamePlan};
use realmgate::domain::environment::Environment;
use realmgate::domain::key_proof::IntakeRules;
use realmgate::domain::name::RealmName;
use realmgate::domain::seen::SeenLimits;
use realmgate::domain::token::Actor;
use realmgate::manifest::plan::Unnamed;
use realmgate::manifest::read;
use realmgate::manifest::step::Verb;
use realmgate::pki::authority::{Authority, AuthorityRequest};
use realmgate::pki::key::KeyChoice;
use realmgate::snapshot::compile::Compiler;
use realmgate::snapshot::live::Live;
use realmgate::store::db::Store;
use realmgate::store::master_key::MasterKey;
use realmgate::telemetry::journal::{JournalLimits, RefusalJournal};
use realmgate::trust::limits::TrustLimits;

const REALMS: usize = if cfg!(debug_assertions) { 100 } else { 10_000 };

fn now() -> Moment {
    Moment::parse("2030-06-01T12:00:00Z").unwrap()
}

fn control(store: Store) -> Arc<Control> {
    let clock = Clock::manual(now());
    let names = NamePlan::new("gate.localhost", &HostLabels::default()).unwrap();
    Control::start(Parts {
        store,
        compiler: Compiler::new(
            names.clone(),
            clock.clone(),
            TrustLimits::default(),
            Duration::ZERO,
        )
        .unwrap(),
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

fn realm(name: &str) -> String {
    let authority = Authority::self_signed(&AuthorityRequest {
        common_name: format!("{name} CA"),
        organization: None,
        not_before: now().minus(Duration::from_secs(3600)),
        not_after: now().plus(Duration::from_secs(365 * 24 * 3600)),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap();
    format!(
        r#"
[[realm]]
name = "{name}"
[[realm.account]]
name = "dgb-mtls-{name}"
type = "certificate-chain"
prod.chain = """
{pem}"""
[[realm.installation]]
account = "dgb-mtls-{name}"
environment = "prod"
[[realm.pipeline]]
name = "orders"
major = 1
[realm.pipeline.trigger]
type = "rest"
mtls = true
external = false
[realm.pipeline.handler]
type = "mock"
document = {{ realm = "{name}" }}
[[realm.deployment]]
pipeline = "orders"
major = 1
environments = ["prod"]
"#,
        pem = authority.certificate.to_pem()
    )
}

/// Says how long something took; where it matters, it must not take longer.
fn within(what: &str, most: Duration, took: Duration) {
    eprintln!("{REALMS} realms, {what}: {took:?}");
    assert!(
        cfg!(debug_assertions) || took <= most,
        "{what} took {took:?}, more than {most:?}"
    );
}

#[test]
fn ten_thousand_realms_are_made_by_one_manifest_and_one_more_is_published_in_an_instant() {
    let directory = tempfile::tempdir().unwrap();
    let key = MasterKey::generate().unwrap();
    let path = directory.path().join("realmgate.redb");
    let control_of_all = control(Store::open(&path, &key, now()).unwrap());
    let text: String = (0..REALMS)
        .map(|number| realm(&format!("realm-{number}")))
        .collect();
    let operator = Actor::system();

    let watch = Stopwatch::start();
    let document = read::toml(&text).unwrap();
    within(
        "reading the manifest",
        Duration::from_secs(3),
        watch.elapsed(),
    );
    let documents = [document];
    let watch = Stopwatch::start();
    let applied = control_of_all
        .apply_blocking(&operator, &documents, Run::Apply, Unnamed::Stay)
        .unwrap();
    within("applying it", Duration::from_secs(10), watch.elapsed());
    assert_eq!(applied.steps.len(), REALMS * 5);
    assert!(applied.applied);
    let watch = Stopwatch::start();
    let again = control_of_all
        .apply_blocking(&operator, &documents, Run::Apply, Unnamed::Go)
        .unwrap();
    within("applying it again", Duration::from_secs(5), watch.elapsed());
    assert!(again.steps.iter().all(|step| step.verb == Verb::Unchanged));
    assert_eq!(again.revision, applied.revision);

    let before = control_of_all.catalog();
    let one_more = [read::toml(&realm("one-more")).unwrap()];
    let watch = Stopwatch::start();
    let planned = control_of_all
        .apply_blocking(&operator, &one_more, Run::Plan, Unnamed::Stay)
        .unwrap();
    within(
        "planning one more",
        Duration::from_millis(5),
        watch.elapsed(),
    );
    assert_eq!(planned.steps.len(), 5);
    let watch = Stopwatch::start();
    control_of_all
        .apply_blocking(&operator, &one_more, Run::Apply, Unnamed::Stay)
        .unwrap();
    // With its durable commit, which waits for the disk.
    within(
        "making one more",
        Duration::from_millis(250),
        watch.elapsed(),
    );
    assert!(
        control_of_all
            .live()
            .load()
            .realm("one-more", Environment::Prod)
            .unwrap()
            .mtls
            .is_some()
    );
    compile_and_publish_one_more(&before, &control_of_all.catalog());

    drop(before);
    drop(control_of_all);
    let watch = Stopwatch::start();
    let started = control(Store::open(&path, &key, now()).unwrap());
    within("starting", Duration::from_secs(2), watch.elapsed());
    assert_eq!(started.catalog().realms.len(), REALMS + 1);
    assert!(
        started
            .live()
            .load()
            .realm("realm-7", Environment::Prod)
            .unwrap()
            .mtls
            .is_some()
    );
}

/// What a change costs the data plane, without the disk.
fn compile_and_publish_one_more(before: &Catalog, after: &Catalog) {
    let names = NamePlan::new("gate.localhost", &HostLabels::default()).unwrap();
    let compiler = Compiler::new(
        names,
        Clock::manual(now()),
        TrustLimits::default(),
        Duration::ZERO,
    )
    .unwrap();
    let live = Live::new(compiler.compile_all(before).unwrap());
    let touched = [Touched::Realm(RealmName::parse("one-more").unwrap())];
    let watch = Stopwatch::start();
    let (snapshot, realms) = compiler.recompile(&live.load(), after, &touched).unwrap();
    live.publish(Arc::new(snapshot), &realms);
    within(
        "compiling and publishing one more",
        Duration::from_millis(5),
        watch.elapsed(),
    );
    assert!(
        live.load()
            .realm("one-more", Environment::Prod)
            .unwrap()
            .mtls
            .is_some()
    );
}
