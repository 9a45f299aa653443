//! How long ten thousand realms take. Measured in release builds; others only show that it works.

use std::time::Duration;

use crate::clock::Stopwatch;
use crate::domain::catalog::Catalog;
use crate::domain::command::Command;
use crate::domain::deployment::DeploymentKey;
use crate::domain::environment::Environment;
use crate::domain::identity::{IdentityCertificate, IdentitySlot};
use crate::domain::name::PipelineName;
use crate::domain::pipeline::{Handler, PipelineKey};
use crate::domain::trigger::{
    MethodSet, Publication, RequestSizeMb, TimeoutMs, Trigger, TriggerKind,
};
use crate::store::db::{STORE_FILE, Store};
use crate::store::workshop::{
    AUTHORITIES, Draft, SERVER, account, assert_same, authority, master_key, now, realm,
    save_account, trust_source,
};

const REALMS: usize = if cfg!(debug_assertions) { 200 } else { 10_000 };

/// A realm with an account, an installation, a pipeline, a deployment and a server certificate of its own.
fn add_realm(draft: &mut Draft, number: usize) {
    let name = format!("realm-{number}");
    let (environment, trust) = (Environment::Prod, account("dgb-mtls-a"));
    let key = PipelineKey {
        name: PipelineName::parse("orders").unwrap(),
        major: 1,
    };
    let trigger = Trigger {
        kind: TriggerKind::Rest,
        methods: MethodSet::ALL,
        timeout: TimeoutMs::new(30_000).unwrap(),
        request_size: RequestSizeMb::new(5).unwrap(),
        response_headers: Vec::new(),
        publication: Publication {
            external: false,
            internal: false,
            mtls: true,
        },
        routes: Vec::new(),
        client_rule: None,
    };
    let of = || realm(&name);
    let anchor = authority(&format!("Root of {name}")).certificate;
    draft.apply(&Command::CreateRealm { realm: of() });
    draft.apply(&save_account(&name, "dgb-mtls-a", trust_source(&[anchor])));
    draft.apply(&Command::RequestInstallation {
        realm: of(),
        environment,
        account: trust.clone(),
    });
    draft.apply(&Command::Install {
        realm: of(),
        environment,
        account: trust,
        revision: 1,
    });
    draft.apply(&Command::SavePipeline {
        realm: of(),
        key: key.clone(),
        trigger,
        handler: Handler::Echo,
    });
    let key = DeploymentKey {
        environment,
        pipeline: key,
    };
    draft.apply(&Command::Deploy { realm: of(), key });
    draft.apply(&Command::ProvideServerIdentity {
        slot: IdentitySlot::Realm(of(), environment),
        certificate: IdentityCertificate {
            chain: vec![
                SERVER.certificate.clone(),
                AUTHORITIES[0].certificate.clone(),
            ],
            key: SERVER.key.clone(),
        },
    });
}

#[test]
fn ten_thousand_realms_are_loaded_in_well_under_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(STORE_FILE);
    let mut draft = Draft::of(Catalog::default());
    for number in 0..REALMS {
        add_realm(&mut draft, number);
    }
    let store = Store::open(&path, &master_key(), now()).unwrap();
    let watch = Stopwatch::start();
    draft.commit(&store).unwrap();
    println!("committed {REALMS} realms at once in {:?}", watch.elapsed());
    let watch = Stopwatch::start();
    drop(store);
    println!("closed in {:?}", watch.elapsed());

    let watch = Stopwatch::start();
    let store = Store::open(&path, &master_key(), now()).unwrap();
    println!("opened in {:?}", watch.elapsed());
    let watch = Stopwatch::start();
    let loaded = store.load().unwrap();
    let elapsed = watch.elapsed();
    println!("loaded in {elapsed:?}");
    assert_same(&loaded, &draft.catalog);
    if !cfg!(debug_assertions) {
        assert!(
            elapsed < Duration::from_millis(800),
            "loading took {elapsed:?}"
        );
    }

    let watch = Stopwatch::start();
    for number in 0..50 {
        draft.apply(&Command::SuspendRealm {
            realm: realm(&format!("realm-{number}")),
        });
        draft.commit(&store).unwrap();
    }
    println!(
        "one more change was committed in {:?}",
        watch.elapsed() / 50
    );

    // As after kill -9: the file is as it is, and was not closed.
    let copy = directory.path().join("copy.redb");
    std::fs::copy(&path, &copy).unwrap();
    let size = std::fs::metadata(&copy).unwrap().len() >> 20;
    let watch = Stopwatch::start();
    let recovered = Store::open(&copy, &master_key(), now()).unwrap();
    println!("recovered {size} MiB in {:?}", watch.elapsed());
    assert_same(&recovered.load().unwrap(), &draft.catalog);
}
