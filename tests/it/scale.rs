//! Ten thousand realms: made by one manifest, and one more made while they serve. In a debug build there are fewer of
//! them, and the clock is not looked at.

use std::sync::Arc;
use std::time::Duration;

use realmgate::clock::{Clock, Moment, Stopwatch};
use realmgate::control::engine::{Control, Parts};
use realmgate::control::executing::Run;
use realmgate::domain::catalog::{Catalog, Rules};
use realmgate::domain::change::Touched;
use realmgate::domain::command::Command;
use realmgate::domain::denial::{DenialReason, Denied};
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
use realmgate::pki::fingerprint::Fingerprint;
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
    let account = anchor(name, &format!("dgb-mtls-{name}"));
    let pipeline = deployment(name, "orders");
    let of_the_same = |text: String| text.replacen(&of(name), "", 1);
    account + &of_the_same(pipeline)
}

fn of(name: &str) -> String {
    format!("\n[[realm]]\nname = \"{name}\"\n")
}

fn anchor(name: &str, account: &str) -> String {
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
        r#"{of}[[realm.account]]
name = "{account}"
type = "certificate-chain"
prod.chain = """
{pem}"""
[[realm.installation]]
account = "{account}"
environment = "prod"
"#,
        of = of(name),
        pem = authority.certificate.to_pem()
    )
}

fn deployment(name: &str, pipeline: &str) -> String {
    format!(
        r#"{of}[[realm.pipeline]]
name = "{pipeline}"
major = 1
[realm.pipeline.trigger]
type = "rest"
mtls = true
external = false
[realm.pipeline.handler]
type = "mock"
document = {{ realm = "{name}" }}
[[realm.deployment]]
pipeline = "{pipeline}"
major = 1
environments = ["prod"]
"#,
        of = of(name)
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
    let before = control_of_all.catalog();
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
    let mut changes = vec![("one more realm", control_of_all.catalog())];
    for (what, change) in changes_of_one_more() {
        match change {
            Change::Document(text) => {
                let documents = [read::toml(&text).unwrap()];
                control_of_all
                    .apply_blocking(&operator, &documents, Run::Apply, Unnamed::Stay)
                    .unwrap();
            }
            Change::Command(command) => {
                control_of_all
                    .execute_blocking(&operator, &[*command])
                    .unwrap();
            }
        }
        changes.push((what, control_of_all.catalog()));
    }
    let live = control_of_all.live().load_full();
    assert!(!live.realms["one-more"].is_open());
    compile_and_publish(&before, &changes);

    drop((before, changes, live));
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

/// One change of the realm that was made last.
enum Change {
    Document(String),
    Command(Box<Command>),
}

fn changes_of_one_more() -> [(&'static str, Change); 4] {
    let name = RealmName::parse("one-more").unwrap();
    [
        (
            "one more anchor",
            Change::Document(anchor("one-more", "dgb-mtls-second")),
        ),
        (
            "one more deployment",
            Change::Document(deployment("one-more", "invoices")),
        ),
        (
            "a denial",
            Change::Command(Box::new(Command::Deny {
                realm: name.clone(),
                environment: Environment::Prod,
                what: Denied::Certificate(Fingerprint::of(b"a certificate")),
                reason: DenialReason::parse("stolen").unwrap(),
                until: None,
            })),
        ),
        (
            "a suspension",
            Change::Command(Box::new(Command::SuspendRealm { realm: name })),
        ),
    ]
}

/// What changes cost the data plane, without the disk: each from the catalog before it. The best of a few tries counts,
/// because others may be at work on this machine.
fn compile_and_publish(before: &Catalog, changes: &[(&str, Arc<Catalog>)]) {
    let names = NamePlan::new("gate.localhost", &HostLabels::default()).unwrap();
    let compiler = Compiler::new(
        names,
        Clock::manual(now()),
        TrustLimits::default(),
        Duration::ZERO,
    )
    .unwrap();
    let watch = Stopwatch::start();
    let all = compiler.compile_all(before).unwrap();
    within("compiling all", Duration::from_secs(1), watch.elapsed());
    let live = Live::new(all);
    let touched = [Touched::Realm(RealmName::parse("one-more").unwrap())];
    for (what, after) in changes {
        let before = live.load_full();
        let tries = (0..5).map(|_| {
            live.publish(Arc::clone(&before), &[]);
            let watch = Stopwatch::start();
            let (snapshot, realms) = compiler.recompile(&before, after, &touched).unwrap();
            live.publish(Arc::new(snapshot), &realms);
            watch.elapsed()
        });
        let took = tries.min().unwrap();
        within(
            &format!("compiling and publishing {what}"),
            Duration::from_millis(1),
            took,
        );
        assert_eq!(live.load().revision, after.revision);
    }
}
