//! Changes: all of it or nothing, stored before it is published.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use realmgate::control::error::{ControlError, FailureKind};
use realmgate::control::executing::Run;
use realmgate::domain::catalog::Rules;
use realmgate::domain::command::Command;
use realmgate::domain::environment::Environment;
use realmgate::domain::rejection::Rejection;
use realmgate::domain::token::{Actor, Role};
use realmgate::store::db::Store;
use realmgate::store::master_key::MasterKey;
use redb::StorageBackend;
use redb::backends::InMemoryBackend;

use crate::control::bench::{Bench, Place, acme, actor, ca, now, operator, realm};

#[test]
fn a_change_is_stored_with_its_audit_and_published() {
    let place = Place::new();
    let bench = place.start();
    let before = bench.revision();
    let done = bench
        .execute(&[Command::CreateRealm {
            realm: realm("acme"),
        }])
        .unwrap();
    assert!(done.changed);
    assert_eq!((done.revision, bench.revision()), (before + 1, before + 1));
    assert!(bench.control.live().load().open_realm("acme").is_some());
    assert_eq!(bench.control.live().load().revision, done.revision);
    let audit = bench.control.audit(&operator(), None, None, 1).unwrap();
    let record = &audit[0];
    assert_eq!(
        (record.action.as_str(), record.revision),
        ("realm.create", done.revision)
    );
    assert_eq!(
        (record.actor.as_str(), record.role.as_str()),
        ("somebody", "operator")
    );
    assert_eq!(record.address.as_deref(), Some("192.0.2.7"));
    drop(bench);
    let again = place.start();
    assert_eq!(again.revision(), done.revision);
    assert!(again.control.live().load().open_realm("acme").is_some());
}

#[test]
fn the_audit_tells_for_whom_a_pipeline_is_open() {
    let (_place, bench) = Bench::start();
    bench.apply(&acme(&ca("Acme CA")));
    let audit = bench.control.audit(&operator(), None, None, 100).unwrap();
    for action in ["pipeline.save", "deployment.deploy"] {
        let record = audit.iter().find(|one| one.action == action).unwrap();
        let detail = &record.detail;
        let gateways = detail["gateways"].as_str().unwrap();
        assert_eq!(gateways, "external internal mtls", "{action}");
        assert_eq!(detail["routes"], "/of/:name", "{action}");
    }
}

#[test]
fn external_urls_name_the_port_where_it_is_not_the_usual_one() {
    let cases = [
        (None, "https://api.gate.localhost/x"),
        (Some(443), "https://api.gate.localhost/x"),
        (Some(20100), "https://api.gate.localhost:20100/x"),
    ];
    for (external_port, expect) in cases {
        let rules = Rules {
            external_port,
            ..Place::new().rules()
        };
        assert_eq!(rules.external_url(Environment::Prod, "/x"), expect);
    }
}

#[test]
fn commands_are_carried_out_all_or_none() {
    let (_place, bench) = Bench::start();
    let (before, actions) = (bench.revision(), bench.actions());
    let create = |name| Command::CreateRealm { realm: realm(name) };
    let error = bench
        .execute(&[create("acme"), create("globex"), create("acme")])
        .unwrap_err();
    assert!(
        matches!(error, ControlError::Rejected(Rejection::RealmExists { .. })),
        "{error}"
    );
    assert_eq!((bench.revision(), bench.actions()), (before, actions));
    assert!(bench.control.live().load().open_realm("globex").is_none());
    assert!(bench.control.realms(&operator()).is_empty());
}

#[test]
fn what_is_so_already_changes_nothing() {
    let (_place, bench) = Bench::start();
    bench.create_realm("acme");
    let (before, actions) = (bench.revision(), bench.actions());
    let done = bench
        .execute(&[Command::ResumeRealm {
            realm: realm("acme"),
        }])
        .unwrap();
    assert!(!done.changed);
    assert_eq!(
        (done.revision, bench.revision(), bench.actions()),
        (before, before, actions)
    );
}

#[test]
fn what_cannot_be_put_to_work_is_not_stored() {
    let (_place, bench) = Bench::start();
    bench.apply(&acme(&ca("Acme CA")));
    let before = bench.revision();
    // A URL that is well by its characters, with a host that TLS could never name.
    let manifest = "[[realm]]\nname = 'acme'\n[[realm.connection]]\nname = 'nowhere'\nbase-url = 'https://a..b'\n";
    let error = bench
        .apply_as(&operator(), manifest, Run::Apply)
        .unwrap_err();
    assert!(matches!(error, ControlError::Compile(_)), "{error}");
    assert_eq!(
        (error.kind(), error.code()),
        (FailureKind::Invalid, "invalid-connection")
    );
    assert!(
        error
            .to_string()
            .contains("realm acme: connection 'nowhere'"),
        "{error}"
    );
    assert_eq!(bench.revision(), before);
    assert_eq!(
        bench
            .control
            .connections(&operator(), &realm("acme"))
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn a_dry_run_tells_the_plan_and_changes_nothing() {
    let (_place, bench) = Bench::start();
    let (before, actions) = (bench.revision(), bench.actions());
    let planned = bench
        .apply_as(&operator(), &acme(&ca("Acme CA")), Run::Plan)
        .unwrap();
    assert!(!planned.applied);
    assert_eq!((planned.steps.len(), planned.revision), (5, before));
    assert_eq!((bench.revision(), bench.actions()), (before, actions));
}

#[test]
fn an_installation_is_published_and_its_removal_too() {
    let (_place, bench) = Bench::start();
    bench.apply(&acme(&ca("Acme CA")));
    let has_mtls = || {
        let snapshot = bench.control.live().load_full();
        let here = snapshot
            .realm("acme", Environment::Prod)
            .unwrap()
            .mtls
            .is_some();
        (
            here,
            snapshot.shared.get(Environment::Prod).trust.is_empty(),
        )
    };
    assert_eq!(has_mtls(), (true, false));
    let account = realmgate::domain::name::AccountName::parse("dgb-mtls-acme").unwrap();
    let environment = Environment::Prod;
    bench
        .execute(&[Command::RemoveInstallation {
            realm: realm("acme"),
            environment,
            account,
        }])
        .unwrap();
    assert_eq!(has_mtls(), (false, true));
}

#[test]
fn who_may_not_changes_nothing() {
    let (_place, bench) = Bench::start();
    bench.create_realm("acme");
    let before = bench.revision();
    let suspend = [Command::SuspendRealm {
        realm: realm("acme"),
    }];
    let by = |actor: &Actor| bench.control.execute_blocking(actor, &suspend).unwrap_err();
    for (role, expect) in [
        (Role::Auditor, FailureKind::Forbidden),
        (Role::RealmAdmin(realm("acme")), FailureKind::Forbidden),
        (Role::RealmAdmin(realm("globex")), FailureKind::NotFound),
    ] {
        assert_eq!(by(&actor(role)).kind(), expect);
    }
    let manifest = "[[realm]]\nname = 'acme'\n";
    for (role, expect) in [
        (Role::Auditor, FailureKind::Forbidden),
        (Role::RealmAdmin(realm("globex")), FailureKind::NotFound),
    ] {
        let error = bench
            .apply_as(&actor(role), manifest, Run::Plan)
            .unwrap_err();
        assert_eq!(error.kind(), expect);
    }
    assert_eq!(bench.revision(), before);
}

#[test]
fn changes_at_the_same_time_come_one_after_the_other() {
    let (_place, bench) = Bench::start();
    let before = bench.revision();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let bench = &bench;
            scope.spawn(move || {
                for number in 0..5 {
                    bench.create_realm(&format!("realm-{thread}-{number}"));
                }
            });
        }
    });
    assert_eq!(bench.revision(), before + 20);
    assert_eq!(bench.control.live().load().realms.len(), 20);
    let audit = bench.control.audit(&operator(), None, None, 1000).unwrap();
    let sequences: Vec<u64> = audit.iter().rev().map(|record| record.sequence).collect();
    assert_eq!(sequences, (1..=audit.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_full_disk_changes_nothing_and_is_over_when_there_is_room_again() {
    let full = Arc::new(AtomicBool::new(false));
    let backend = Disk {
        memory: Arc::new(InMemoryBackend::new()),
        full: Arc::clone(&full),
    };
    let store = Store::open_with_backend(backend, &MasterKey::generate().unwrap(), now()).unwrap();
    let bench = Bench::on(store, &Place::new());
    bench.create_realm("acme");
    let before = bench.revision();
    full.store(true, Ordering::SeqCst);
    let error = bench
        .execute(&[Command::CreateRealm {
            realm: realm("globex"),
        }])
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (FailureKind::Failed, "store-failed")
    );
    assert!(error.to_string().contains("free some space"), "{error}");
    assert_eq!(bench.revision(), before);
    assert!(bench.control.live().load().open_realm("globex").is_none());
    full.store(false, Ordering::SeqCst);
    bench.create_realm("globex");
    assert_eq!(bench.revision(), before + 1);
    assert!(bench.control.live().load().open_realm("globex").is_some());
}

/// A disk that can be full.
struct Disk {
    memory: Arc<InMemoryBackend>,
    full: Arc<AtomicBool>,
}

impl Disk {
    fn room(&self) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.memory.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.memory.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.room()?;
        self.memory.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.memory.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.room()?;
        self.memory.write(offset, data)
    }
}
