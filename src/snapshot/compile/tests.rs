use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Moment};
use crate::domain::account::{AccountType, AccountValues};
use crate::domain::catalog::{Catalog, Circumstances, Rules};
use crate::domain::change::Touched;
use crate::domain::command::{Command, ValueChange};
use crate::domain::deployment::DeploymentKey;
use crate::domain::endpoint::{HostLabels, NamePlan};
use crate::domain::environment::{Environment, PerEnvironment};
use crate::domain::identity::{IdentityCertificate, IdentitySlot, Origin, ServerIdentity};
use crate::domain::name::{AccountName, PipelineName, RealmName};
use crate::domain::pipeline::{Handler, PipelineKey};
use crate::domain::token::Actor;
use crate::domain::trigger::{
    MethodSet, Publication, RequestSizeMb, TimeoutMs, Trigger, TriggerKind,
};
use crate::domain::trust_policy::{
    HandshakePolicy, RecordBytes, Revocation, RevocationScope, TrustPolicy,
};
use crate::domain::trusting::Intake;
use crate::pki::authority::{Authority, AuthorityRequest};
use crate::pki::crl_testing::{self, CrlMade};
use crate::pki::key::{KeptKey, KeyChoice};
use crate::snapshot::compile::Compiler;
use crate::snapshot::live::Live;
use crate::snapshot::realm::Standing;
use crate::trust::limits::TrustLimits;

const NOW: Moment = Moment::from_unix_seconds(1_800_000_000);
const END: Moment = Moment::from_unix_seconds(1_900_000_000);

fn authority(common_name: &str) -> Authority {
    Authority::self_signed(&AuthorityRequest {
        common_name: common_name.to_owned(),
        organization: None,
        not_before: Moment::from_unix_seconds(1_700_000_000),
        not_after: END,
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
}

/// A catalog, the compiler, and what is live: as `control` holds them, without a store.
struct World {
    catalog: Catalog,
    compiler: Compiler,
    live: Live,
    rules: Rules,
}

impl World {
    fn new() -> Self {
        let names = NamePlan::new("gate.localhost", &HostLabels::default()).unwrap();
        let rules = Rules {
            external_port: None,
            trust_account_prefix: "dgb-mtls-".into(),
            request_mb_max: 100,
            names: names.clone(),
        };
        let compiler = Compiler::new(
            names,
            Clock::manual(NOW),
            TrustLimits::default(),
            Duration::from_secs(3600),
        )
        .unwrap();
        let mut catalog = Catalog::default();
        let server = authority("server");
        let leaf = server
            .issue_server(&["localhost".to_owned()], NOW, END)
            .unwrap();
        for slot in IdentitySlot::all() {
            let certificate = IdentityCertificate {
                chain: vec![leaf.certificate.clone()],
                key: leaf.key.clone(),
            };
            let identity = ServerIdentity {
                slot: slot.clone(),
                origin: Origin::Generated,
                certificates: vec![certificate],
                updated: NOW,
            };
            catalog.server_identities.insert(slot, Arc::new(identity));
        }
        let live = Live::new(compiler.compile_all(&catalog).unwrap());
        Self {
            catalog,
            compiler,
            live,
            rules,
        }
    }

    fn apply(&mut self, commands: &[Command]) {
        let actor = Actor::system();
        let mut touched: Vec<Touched> = Vec::new();
        for command in commands {
            let around = Circumstances {
                actor: &actor,
                now: NOW,
                rules: &self.rules,
            };
            touched.extend(self.catalog.apply(command, around).unwrap().touched);
        }
        self.catalog.revision += 1;
        let (next, names) = self
            .compiler
            .recompile(&self.live.load(), &self.catalog, &touched)
            .unwrap();
        self.live.publish(Arc::new(next), &names);
    }

    fn install(&mut self, realm: &RealmName, authority: &Authority) {
        let account = AccountName::parse("dgb-mtls-x").unwrap();
        let certificates = vec![authority.certificate.clone()];
        let values = AccountValues::CertificateChain {
            certificates,
            helpers: Vec::new(),
            key: None,
        };
        let environment = Environment::Prod;
        self.apply(&[
            Command::SaveAccount {
                realm: realm.clone(),
                name: account.clone(),
                account_type: AccountType::CertificateChain,
                values: PerEnvironment {
                    test: ValueChange::Keep,
                    prod: ValueChange::Set(values),
                },
            },
            Command::RequestInstallation {
                realm: realm.clone(),
                environment,
                account: account.clone(),
            },
        ]);
        let revision = self.catalog.realms[realm]
            .accounts
            .get(&account)
            .unwrap()
            .revision;
        self.apply(&[Command::Install {
            realm: realm.clone(),
            environment,
            account,
            revision,
        }]);
    }
}

fn name(text: &str) -> RealmName {
    RealmName::parse(text).unwrap()
}

fn two_realms() -> World {
    let mut world = World::new();
    for realm in ["acme", "globex"] {
        world.apply(&[Command::CreateRealm { realm: name(realm) }]);
        world.install(&name(realm), &authority(realm));
    }
    world
}

fn deploy_echo(world: &mut World, realm: &RealmName) {
    let key = PipelineKey {
        name: PipelineName::parse("echo").unwrap(),
        major: 1,
    };
    let trigger = Trigger {
        kind: TriggerKind::Rest,
        methods: MethodSet::ALL,
        timeout: TimeoutMs::new(1000).unwrap(),
        request_size: RequestSizeMb::new(1).unwrap(),
        response_headers: Vec::new(),
        publication: Publication {
            external: false,
            internal: false,
            mtls: true,
        },
        routes: Vec::new(),
        client_rule: None,
    };
    world.apply(&[
        Command::SavePipeline {
            realm: realm.clone(),
            key: key.clone(),
            trigger,
            handler: Handler::Echo,
        },
        Command::Deploy {
            realm: realm.clone(),
            key: DeploymentKey {
                environment: Environment::Prod,
                pipeline: key,
            },
        },
    ]);
}

#[test]
fn a_change_of_trust_wakes_its_realm_and_no_other() {
    let mut world = two_realms();
    let epoch = |world: &World, realm| {
        world
            .live
            .load()
            .realm(realm, Environment::Prod)
            .unwrap()
            .epoch
            .clone()
    };
    let (mut acme, mut globex) = (
        epoch(&world, "acme").watch(),
        epoch(&world, "globex").watch(),
    );
    world.install(&name("acme"), &authority("another"));
    assert!(acme.has_changed().unwrap());
    assert!(!globex.has_changed().unwrap());
    acme.mark_unchanged();
    globex.mark_unchanged();
    deploy_echo(&mut world, &name("acme"));
    assert!(
        !acme.has_changed().unwrap(),
        "a deployment changes no trust"
    );
}

#[test]
fn what_a_change_does_not_touch_is_shared_with_the_snapshot_before() {
    let mut world = two_realms();
    let before = world.live.load_full();
    deploy_echo(&mut world, &name("acme"));
    let after = world.live.load_full();
    assert!(Arc::ptr_eq(
        &before.realms["globex"],
        &after.realms["globex"]
    ));
    assert!(!Arc::ptr_eq(&before.realms["acme"], &after.realms["acme"]));
    let mtls = |snapshot: &crate::snapshot::state::Snapshot| {
        snapshot
            .realm("acme", Environment::Prod)
            .unwrap()
            .mtls
            .clone()
            .unwrap()
    };
    assert!(Arc::ptr_eq(&mtls(&before).trust, &mtls(&after).trust));
    assert!(Arc::ptr_eq(
        mtls(&before).tls.config(),
        mtls(&after).tls.config()
    ));
    assert!(Arc::ptr_eq(
        before.shared.get(Environment::Prod),
        after.shared.get(Environment::Prod)
    ));
}

#[test]
fn a_suspended_realm_leaves_the_shared_hosts_and_wakes_its_connections() {
    let mut world = two_realms();
    let anchor = |world: &World| {
        let snapshot = world.live.load();
        let realm = &snapshot.realms["acme"];
        realm
            .environments
            .prod
            .mtls
            .as_ref()
            .unwrap()
            .trust
            .anchors()[0]
            .certificate
            .fingerprint()
    };
    let acme = anchor(&world);
    let watch = world.live.load().realms["acme"]
        .environments
        .prod
        .epoch
        .watch();
    let shared = world.live.load().shared.prod.epoch.watch();
    assert!(world.live.load().shared.prod.trust.has_anchor(&acme));
    world.apply(&[Command::SuspendRealm {
        realm: name("acme"),
    }]);
    assert!(watch.has_changed().unwrap() && shared.has_changed().unwrap());
    assert!(!world.live.load().shared.prod.trust.has_anchor(&acme));
    assert!(world.live.load().realm("acme", Environment::Prod).is_none());
    world.apply(&[Command::ResumeRealm {
        realm: name("acme"),
    }]);
    assert!(world.live.load().shared.prod.trust.has_anchor(&acme));
}

#[test]
fn a_deleted_realm_wakes_its_connections_for_the_last_time() {
    let mut world = two_realms();
    let watch = world.live.load().realms["acme"]
        .environments
        .prod
        .epoch
        .watch();
    world.apply(&[Command::DeleteRealm {
        realm: name("acme"),
    }]);
    assert_eq!(*watch.borrow(), u64::MAX);
    assert!(world.live.load().open_realm("acme").is_none());
    assert!(
        world
            .live
            .load()
            .realm("globex", Environment::Prod)
            .unwrap()
            .mtls
            .is_some()
    );
}

#[test]
fn a_new_server_identity_is_shown_by_every_realm_and_changes_no_trust() {
    let mut world = two_realms();
    let before = world.live.load_full();
    let watch = before.realms["acme"].environments.prod.epoch.watch();
    let leaf = authority("real")
        .issue_server(&["*.api2.gate.localhost".to_owned()], NOW, END)
        .unwrap();
    let certificate = IdentityCertificate {
        chain: vec![leaf.certificate],
        key: leaf.key,
    };
    let slot = IdentitySlot::Public(crate::domain::environment::Gateway::Mtls, Environment::Prod);
    world.apply(&[Command::ProvideServerIdentity { slot, certificate }]);
    let after = world.live.load_full();
    let mtls = |snapshot: &crate::snapshot::state::Snapshot| {
        snapshot
            .realm("acme", Environment::Prod)
            .unwrap()
            .mtls
            .clone()
            .unwrap()
    };
    assert!(!Arc::ptr_eq(
        mtls(&before).tls.config(),
        mtls(&after).tls.config()
    ));
    assert!(Arc::ptr_eq(&mtls(&before).trust, &mtls(&after).trust));
    assert!(!watch.has_changed().unwrap());
}

fn own_identity(realm: &RealmName) -> Command {
    let leaf = authority("real")
        .issue_server(&["acme.api2.gate.localhost".to_owned()], NOW, END)
        .unwrap();
    Command::ProvideServerIdentity {
        slot: IdentitySlot::Realm(realm.clone(), Environment::Prod),
        certificate: IdentityCertificate {
            chain: vec![leaf.certificate],
            key: leaf.key,
        },
    }
}

#[test]
fn a_realms_own_server_identity_is_compiled_for_that_realm_alone() {
    let mut world = two_realms();
    let acme = name("acme");
    let before = world.live.load_full();
    let watch = before.realms["acme"].environments.prod.epoch.watch();
    let config = |snapshot: &crate::snapshot::state::Snapshot, realm: &str, environment| {
        let realm = snapshot.realm(realm, environment).unwrap();
        realm.mtls.as_ref().map(|of| Arc::clone(of.tls.config()))
    };
    let same = |was: Option<Arc<rustls::ServerConfig>>, is| match (was, is) {
        (Some(was), Some(is)) => Arc::ptr_eq(&was, &is),
        (was, is) => was.is_none() && is.is_none(),
    };
    let steps = [
        own_identity(&acme),
        own_identity(&acme),
        Command::RemoveServerIdentity {
            realm: acme.clone(),
            environment: Environment::Prod,
        },
    ];
    let (mut was, prod, test) = (Arc::clone(&before), Environment::Prod, Environment::Test);
    for step in steps {
        world.apply(&[step]);
        let is = world.live.load_full();
        assert!(!same(config(&was, "acme", prod), config(&is, "acme", prod)));
        assert!(same(config(&was, "acme", test), config(&is, "acme", test)));
        assert!(Arc::ptr_eq(&was.realms["globex"], &is.realms["globex"]));
        assert!(Arc::ptr_eq(&was.shared.prod, &is.shared.prod));
        assert!(Arc::ptr_eq(&was.admin_tls, &is.admin_tls));
        assert!(!watch.has_changed().unwrap(), "nobody is judged again");
        was = is;
    }
    world.apply(&[own_identity(&acme)]);
    let was = world.live.load_full();
    let key = IdentitySlot::Public(crate::domain::environment::Gateway::Mtls, prod);
    let Command::ProvideServerIdentity { certificate, .. } = own_identity(&acme) else {
        unreachable!()
    };
    world.apply(&[Command::ProvideServerIdentity {
        slot: key,
        certificate,
    }]);
    let is = world.live.load_full();
    assert!(same(config(&was, "acme", prod), config(&is, "acme", prod)));
    assert!(!same(
        config(&was, "globex", prod),
        config(&is, "globex", prod)
    ));
}

#[test]
fn a_realm_whose_own_key_cannot_be_used_is_closed_at_the_start_and_the_others_are_not() {
    let mut world = two_realms();
    world.apply(&[own_identity(&name("acme"))]);
    let realm = Arc::make_mut(world.catalog.realms.get_mut(&name("acme")).unwrap());
    let own = realm.server_identities.prod.as_mut().unwrap();
    Arc::make_mut(own).certificates[0].key = KeptKey::kept(b"no key".to_vec().into());
    let snapshot = world.compiler.compile_all(&world.catalog).unwrap();
    let Standing::Closed { why } = &snapshot.realms["acme"].standing else {
        panic!("it is not closed")
    };
    assert!(why.contains("the server key for mtls/prod/acme"), "{why}");
    assert!(snapshot.realms["globex"].is_open());
    let touched = [Touched::ServerIdentity(IdentitySlot::Realm(
        name("acme"),
        Environment::Prod,
    ))];
    let before = world.live.load_full();
    let refused = world.compiler.recompile(&before, &world.catalog, &touched);
    assert!(refused.is_err(), "what cannot be shown is not stored");
}

#[test]
fn a_trust_policy_and_a_revocation_list_wake_the_realm_and_the_shared_host() {
    let mut world = two_realms();
    let acme = name("acme");
    let policy = |scope, ca_names| TrustPolicy {
        revocation: Revocation {
            scope,
            ..Revocation::default()
        },
        ca_names,
        ..TrustPolicy::default()
    };
    let (realm, environment) = (|| acme.clone(), Environment::Prod);
    let save = |policy| Command::SaveTrustPolicy {
        realm: realm(),
        environment,
        policy: Arc::new(policy),
    };
    let crl = crl_testing::list(&authority("acme"), &CrlMade::default());
    let sha256 = crl.fingerprint();
    let (off, leaf) = (RevocationScope::Off, RevocationScope::Leaf);
    let changes = [
        (save(policy(leaf, false)), true),
        (save(policy(leaf, true)), false),
        (
            Command::SaveCrl {
                realm: realm(),
                environment,
                crl,
                intake: Intake::AmongOthers,
            },
            true,
        ),
        (
            Command::RemoveCrl {
                realm: realm(),
                environment,
                sha256,
            },
            true,
        ),
        (save(policy(off, true)), true),
    ];
    for (command, moves) in changes {
        let before = world.live.load_full();
        let own = before.realms["acme"].environments.prod.epoch.watch();
        let shared = before.shared.prod.epoch.watch();
        let others = before.realms["globex"].environments.prod.epoch.watch();
        world.apply(std::slice::from_ref(&command));
        let woken = [&own, &shared].map(|watch| watch.has_changed().unwrap());
        assert_eq!(woken, [moves, moves], "{command:?}");
        assert!(!others.has_changed().unwrap());
        let after = world.live.load_full();
        let mtls = |snapshot: &crate::snapshot::state::Snapshot| {
            let realm = snapshot.realm("acme", Environment::Prod).unwrap();
            realm.mtls.clone().unwrap()
        };
        let same = Arc::ptr_eq(&mtls(&before).trust, &mtls(&after).trust);
        assert_eq!(same, !moves, "{command:?}");
        assert!(!Arc::ptr_eq(
            mtls(&before).tls.config(),
            mtls(&after).tls.config()
        ));
    }
    let snapshot = world.live.load();
    let realm = snapshot.realm("acme", Environment::Prod).unwrap();
    assert!(realm.mtls.as_ref().unwrap().trust.crls().is_empty());
}

#[test]
fn who_was_let_on_to_be_told_is_woken_when_refusals_are_strict_again_and_nobody_by_the_records() {
    let mut world = two_realms();
    let (explain, strict) = (HandshakePolicy::Explain, HandshakePolicy::Strict);
    let small = RecordBytes::new(512).ok();
    for (handshake, record_bytes, moves) in [
        (explain, None, false),
        (explain, small, false),
        (strict, small, true),
        (strict, None, false),
    ] {
        let policy = TrustPolicy {
            handshake,
            record_bytes,
            ..TrustPolicy::default()
        };
        let before = world.live.load_full();
        let own = before.realms["acme"].environments.prod.epoch.watch();
        let test = before.realms["acme"].environments.test.epoch.watch();
        let shared = before.shared.prod.epoch.watch();
        world.apply(&[Command::SaveTrustPolicy {
            realm: name("acme"),
            environment: Environment::Prod,
            policy: Arc::new(policy),
        }]);
        let woken = [&own, &test, &shared].map(|watch| watch.has_changed().unwrap());
        assert_eq!(woken, [moves, false, false], "{handshake} {record_bytes:?}");
        let after = world.live.load();
        let realm = after.realm("acme", Environment::Prod).unwrap();
        let tls = &realm.mtls.as_ref().unwrap().tls;
        assert_eq!(tls.gatekeeper.explains(), handshake == explain);
        let fragment = record_bytes.map(|bytes| usize::from(bytes.get()) + 5);
        assert_eq!(tls.config().max_fragment_size, fragment);
        assert!(!after.shared.prod.mtls.gatekeeper.explains());
    }
}
