use std::time::Duration;

use super::*;
use crate::domain::account::AccountType;
use crate::domain::catalog::{Catalog, Rules};
use crate::domain::command::{Command, ValueChange};
use crate::domain::endpoint::{HostLabels, NamePlan};
use crate::domain::environment::PerEnvironment;
use crate::domain::name::RealmName;
use crate::domain::token::Actor;
use crate::pki::authority::{Authority, AuthorityRequest};
use crate::pki::certificate::Certificate;
use crate::pki::key::KeyChoice;

const TEST: Environment = Environment::Test;
const PROD: Environment = Environment::Prod;

fn ca(name: &str) -> Certificate {
    let start = Moment::from_unix_seconds(1_800_000_000);
    Authority::self_signed(&AuthorityRequest {
        common_name: name.to_owned(),
        organization: None,
        not_before: start.minus(Duration::from_secs(3600)),
        not_after: start.plus(Duration::from_secs(3600)),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap()
    .certificate
}

struct World {
    catalog: Catalog,
    rules: Rules,
    realm: RealmName,
    now: Moment,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            catalog: Catalog::default(),
            rules: Rules {
                trust_account_prefix: String::new(),
                request_mb_max: 100,
                names: NamePlan::new("gate.localhost", &HostLabels::default()).unwrap(),
                external_port: None,
            },
            realm: RealmName::parse("acme").unwrap(),
            now: Moment::from_unix_seconds(1_800_000_000),
        };
        let realm = world.realm.clone();
        world.change(&[Command::CreateRealm { realm }]).unwrap();
        world
    }

    /// A transaction, a second after the last one.
    fn change(&mut self, commands: &[Command]) -> Result<Vec<Change>, Rejection> {
        self.now = self.now.plus(Duration::from_secs(1));
        let mut next = self.catalog.clone();
        let actor = Actor::system();
        let around = Circumstances {
            actor: &actor,
            now: self.now,
            rules: &self.rules,
        };
        let changes = commands
            .iter()
            .map(|command| next.apply(command, around))
            .collect::<Result<_, _>>()?;
        self.catalog = next;
        Ok(changes)
    }

    fn install(&mut self, environment: Environment, account: &str, certificate: &Certificate) {
        let commands = self.installing(environment, account, certificate);
        self.change(&commands).unwrap();
    }

    fn installing(
        &self,
        environment: Environment,
        account: &str,
        certificate: &Certificate,
    ) -> Vec<Command> {
        let (realm, account) = (self.realm.clone(), name(account));
        let revision = self.catalog.realms[&realm]
            .accounts
            .get(&account)
            .map_or(1, |account| account.revision + 1);
        let mut values = PerEnvironment {
            test: ValueChange::Keep,
            prod: ValueChange::Keep,
        };
        *values.get_mut(environment) = ValueChange::Set(AccountValues::CertificateChain {
            certificates: vec![certificate.clone()],
            helpers: Vec::new(),
            key: None,
        });
        vec![
            Command::SaveAccount {
                realm: realm.clone(),
                name: account.clone(),
                account_type: AccountType::CertificateChain,
                values,
            },
            Command::RequestInstallation {
                realm: realm.clone(),
                environment,
                account: account.clone(),
            },
            Command::Install {
                realm,
                environment,
                account,
                revision,
            },
        ]
    }

    fn remove(&mut self, account: &str) {
        let command = Command::RemoveInstallation {
            realm: self.realm.clone(),
            environment: PROD,
            account: name(account),
        };
        self.change(&[command]).unwrap();
    }

    fn restore(&mut self, account: Option<&str>) -> Result<Change, Rejection> {
        let command = Command::RestoreInstallations {
            realm: self.realm.clone(),
            environment: PROD,
            account: account.map(name),
        };
        Ok(self.change(&[command])?.remove(0))
    }

    fn promote(&mut self, account: &str) -> Result<Change, Rejection> {
        let command = Command::PromoteInstallation {
            realm: self.realm.clone(),
            account: name(account),
        };
        Ok(self.change(&[command])?.remove(0))
    }

    /// What is trusted in `prod`: each account's first anchor.
    fn trusted(&self) -> Vec<String> {
        let mut told: Vec<String> = self.catalog.realms[&self.realm]
            .installed(PROD)
            .map(|of| format!("{} {}", of.account, of.certificates[0].facts().subject))
            .collect();
        told.sort();
        told
    }
}

fn name(account: &str) -> AccountName {
    AccountName::parse(account).unwrap()
}

#[test]
fn restoring_an_environment_undoes_the_latest_change_and_restoring_again_undoes_that() {
    let mut world = World::new();
    let none = world.restore(None).unwrap_err();
    assert_eq!(none.code(), "nothing-to-restore");
    world.install(PROD, "a", &ca("A1"));
    world.install(PROD, "b", &ca("B1"));
    // One transaction that supersedes, and one that removes.
    let mut both = world.installing(PROD, "a", &ca("A2"));
    both.extend(world.installing(PROD, "b", &ca("B2")));
    world.change(&both).unwrap();
    assert_eq!(world.trusted(), ["a CN=A2", "b CN=B2"]);
    let change = world.restore(None).unwrap();
    assert_eq!(world.trusted(), ["a CN=A1", "b CN=B1"]);
    let differs = change
        .warnings
        .iter()
        .filter(|warning| matches!(warning, Warning::AccountDiffers { .. }));
    assert_eq!(differs.count(), 2);
    let audit = change.audit.unwrap();
    assert_eq!(
        (audit.action, audit.object.as_str()),
        ("installation.restore", "acme")
    );
    let told = audit.detail.iter().filter(|(key, _)| *key == "restores");
    let told: Vec<&str> = told.map(|(_, text)| text.as_str()).collect();
    assert_eq!(told, ["1 of a as 5", "2 of b as 6"]);
    world.restore(None).unwrap();
    assert_eq!(world.trusted(), ["a CN=A2", "b CN=B2"]);
    world.remove("a");
    assert_eq!(world.trusted(), ["b CN=B2"]);
    world.restore(None).unwrap();
    assert_eq!(world.trusted(), ["a CN=A2", "b CN=B2"]);
    // What was new goes.
    world.install(PROD, "c", &ca("C1"));
    world.restore(None).unwrap();
    assert_eq!(world.trusted(), ["a CN=A2", "b CN=B2"]);
}

#[test]
fn restoring_one_account_leaves_the_others_alone() {
    let mut world = World::new();
    world.install(PROD, "a", &ca("A1"));
    world.install(PROD, "a", &ca("A2"));
    world.install(PROD, "b", &ca("B1"));
    world.restore(Some("a")).unwrap();
    assert_eq!(world.trusted(), ["a CN=A1", "b CN=B1"]);
    world.restore(Some("a")).unwrap();
    assert_eq!(world.trusted(), ["a CN=A2", "b CN=B1"]);
    world.remove("b");
    world.restore(Some("b")).unwrap();
    assert_eq!(world.trusted(), ["a CN=A2", "b CN=B1"]);
    let restored = world.catalog.realms[&world.realm]
        .installed_of(PROD, &name("b"))
        .unwrap();
    assert_eq!(
        restored.origin,
        InstallationOrigin::Restoration(InstallationId(3))
    );
}

#[test]
fn what_is_restored_has_to_be_fit_and_its_account_there() {
    let mut world = World::new();
    world.install(PROD, "a", &ca("A1"));
    world.remove("a");
    let (realm, account) = (world.realm.clone(), name("a"));
    let mut without = World {
        catalog: world.catalog.clone(),
        rules: world.rules.clone(),
        realm: realm.clone(),
        now: world.now,
    };
    let delete = Command::DeleteAccount {
        realm,
        name: account,
    };
    without.change(&[delete]).unwrap();
    assert_eq!(without.restore(None).unwrap_err().code(), "no-account");
    world.now = world.now.plus(Duration::from_secs(7200));
    assert_eq!(world.restore(None).unwrap_err().code(), "trust-source");
}

#[test]
fn requests_that_came_to_nothing_do_not_push_out_what_can_be_restored() {
    let mut world = World::new();
    world.install(PROD, "a", &ca("A1"));
    world.remove("a");
    let (realm, account) = (world.realm.clone(), name("a"));
    for _ in 0..60 {
        let request = Command::RequestInstallation {
            realm: realm.clone(),
            environment: PROD,
            account: account.clone(),
        };
        world.change(&[request]).unwrap();
        world.remove("a");
    }
    world.restore(Some("a")).unwrap();
    assert_eq!(world.trusted(), ["a CN=A1"]);
}

#[test]
fn what_is_promoted_is_exactly_what_is_installed_in_test() {
    let mut world = World::new();
    assert_eq!(world.promote("a").unwrap_err().code(), "no-account");
    let (first, second) = (ca("A1"), ca("A2"));
    world.install(TEST, "a", &first);
    // What is saved since then, and waits, is not promoted.
    let mut waiting = world.installing(TEST, "a", &second);
    waiting.pop();
    world.change(&waiting).unwrap();
    world.install(PROD, "a", &ca("Old"));
    let change = world.promote("a").unwrap();
    assert_eq!(world.trusted(), ["a CN=A1"]);
    let realm = &world.catalog.realms[&world.realm];
    let (saved, _) = realm.accounts.get(&name("a")).unwrap().chain(PROD).unwrap();
    assert!(same(saved, &[first]));
    let promoted = realm.installed_of(PROD, &name("a")).unwrap();
    assert_eq!(
        promoted.origin,
        InstallationOrigin::Promotion(InstallationId(1))
    );
    assert_eq!(
        promoted.account_revision,
        realm.accounts.get(&name("a")).unwrap().revision
    );
    let audit = change.audit.unwrap();
    assert_eq!(audit.action, "installation.promote");
    assert!(audit.detail.contains(&("supersedes", "3".to_owned())));
    assert!(realm.requested(TEST, &name("a")).is_some());
    let again = world.promote("a").unwrap();
    assert_eq!(again, Change::nothing());
    world.restore(None).unwrap();
    assert_eq!(world.trusted(), ["a CN=Old"]);
}

#[test]
fn what_retires_is_trusted_as_ever_until_it_is_removed() {
    let mut world = World::new();
    world.install(PROD, "a", &ca("A1"));
    let (realm, account) = (world.realm.clone(), name("a"));
    let until = world.now.plus(Duration::from_secs(600));
    let retire = |until| Command::RetireInstallation {
        realm: realm.clone(),
        environment: PROD,
        account: account.clone(),
        until,
    };
    let keep = Command::KeepInstallation {
        realm: realm.clone(),
        environment: PROD,
        account: account.clone(),
    };
    let past = world.change(&[retire(Some(Moment::from_unix_seconds(0)))]);
    assert_eq!(past.unwrap_err().code(), "retired-in-the-past");
    world.change(&[retire(Some(until))]).unwrap();
    assert_eq!(world.trusted(), ["a CN=A1"]);
    let of = |world: &World| {
        Arc::clone(
            world.catalog.realms[&world.realm]
                .installed_of(PROD, &name("a"))
                .unwrap(),
        )
    };
    let began = of(&world).installed_at();
    assert_eq!(of(&world).state.as_str(), "retiring");
    // Past its time nothing changes, and to say the same again is nothing new.
    world.now = until.plus(Duration::from_secs(60));
    assert_eq!(
        world.change(&[retire(Some(until))]).unwrap(),
        [Change::nothing()]
    );
    assert_eq!(world.trusted(), ["a CN=A1"]);
    world.change(std::slice::from_ref(&keep)).unwrap();
    assert_eq!(
        (of(&world).state.as_str(), of(&world).installed_at()),
        ("installed", began)
    );
    assert_eq!(world.change(&[keep]).unwrap(), [Change::nothing()]);
    world.change(&[retire(None)]).unwrap();
    world.install(PROD, "a", &ca("A2"));
    assert_eq!(world.trusted(), ["a CN=A2"]);
}
