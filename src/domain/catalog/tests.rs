use std::time::Duration;

use super::*;
use crate::domain::account::{AccountType, AccountValues};
use crate::domain::change::Warning;
use crate::domain::command::ValueChange;
use crate::domain::endpoint::HostLabels;
use crate::domain::environment::{Environment, PerEnvironment};
use crate::domain::installation::InstallationState;
use crate::domain::name::AccountName;
use crate::domain::token::Role;
use crate::domain::trust_policy::{AnchorException, RevocationScope, TrustPolicy};
use crate::pki::authority::{Authority, AuthorityRequest};
use crate::pki::certificate::Certificate;
use crate::pki::key::KeyChoice;

const NOW: Moment = Moment::from_unix_seconds(1_800_000_000);
const PROD: Environment = Environment::Prod;

struct World {
    catalog: Catalog,
    rules: Rules,
    realm: RealmName,
    account: AccountName,
}

impl World {
    fn new() -> Self {
        let rules = Rules {
            trust_account_prefix: "dgb-mtls-".into(),
            request_mb_max: 100,
            names: NamePlan::new("gate.localhost", &HostLabels::default()).unwrap(),
            external_port: None,
        };
        let mut world = Self {
            catalog: Catalog::default(),
            rules,
            realm: RealmName::parse("acme").unwrap(),
            account: AccountName::parse("dgb-mtls-partner").unwrap(),
        };
        let realm = world.realm.clone();
        world.apply(Command::CreateRealm { realm }).unwrap();
        world
    }

    #[expect(clippy::needless_pass_by_value, reason = "tests read better so")]
    fn apply(&mut self, command: Command) -> Result<Change, Rejection> {
        let mut next = self.catalog.clone();
        let actor = Actor::system();
        let around = Circumstances {
            actor: &actor,
            now: NOW,
            rules: &self.rules,
        };
        let change = next.apply(&command, around)?;
        self.catalog = next;
        Ok(change)
    }

    fn save(&mut self, certificates: Vec<Certificate>) -> Result<Change, Rejection> {
        let values = AccountValues::CertificateChain {
            certificates,
            helpers: Vec::new(),
            key: None,
        };
        self.apply(Command::SaveAccount {
            realm: self.realm.clone(),
            name: self.account.clone(),
            account_type: AccountType::CertificateChain,
            values: PerEnvironment {
                test: ValueChange::Keep,
                prod: ValueChange::Set(values),
            },
        })
    }

    fn request(&mut self) -> Result<Change, Rejection> {
        let (realm, account) = (self.realm.clone(), self.account.clone());
        self.apply(Command::RequestInstallation {
            realm,
            environment: PROD,
            account,
        })
    }

    fn install(&mut self, revision: u64) -> Result<Change, Rejection> {
        let (realm, account) = (self.realm.clone(), self.account.clone());
        self.apply(Command::Install {
            realm,
            environment: PROD,
            account,
            revision,
        })
    }

    fn remove(&mut self) -> Result<Change, Rejection> {
        let (realm, account) = (self.realm.clone(), self.account.clone());
        self.apply(Command::RemoveInstallation {
            realm,
            environment: PROD,
            account,
        })
    }

    fn trusted(&self) -> Vec<Fingerprint> {
        let realm = &self.catalog.realms[&self.realm];
        realm
            .installed(PROD)
            .flat_map(|one| one.certificates.iter().map(Certificate::fingerprint))
            .collect()
    }
}

fn ca(name: &str) -> Certificate {
    let request = AuthorityRequest {
        common_name: name.to_owned(),
        organization: None,
        not_before: NOW.minus(Duration::from_secs(3600)),
        not_after: NOW.plus(Duration::from_secs(400 * 24 * 3600)),
        path_length: None,
        key: KeyChoice::EcP256,
    };
    Authority::self_signed(&request).unwrap().certificate
}

#[test]
fn anchors_without_a_list_and_exceptions_without_an_anchor_are_told() {
    let mut world = World::new();
    let first = ca("first");
    let save = |policy: TrustPolicy| Command::SaveTrustPolicy {
        realm: RealmName::parse("acme").unwrap(),
        environment: PROD,
        policy: Arc::new(policy),
    };
    let mut policy = TrustPolicy::default();
    policy.revocation.scope = RevocationScope::Leaf;
    world.apply(save(policy.clone())).unwrap();
    let exception = AnchorException {
        scope: Some(RevocationScope::Off),
        out_of_date: None,
    };
    policy.exceptions.insert(first.fingerprint(), exception);
    let saved = world.apply(save(policy.clone())).unwrap();
    assert!(matches!(
        saved.warnings.as_slice(),
        [Warning::AnchorNotInstalled { sha256, .. }] if *sha256 == first.fingerprint()
    ));
    // What was told once is not told again, and nobody asks for a list of this anchor.
    policy.ca_names = true;
    assert_eq!(world.apply(save(policy)).unwrap().warnings, []);
    let told = |change: Change| {
        let warnings = change.warnings.into_iter();
        let mut told = warnings.filter(|warning| matches!(warning, Warning::NoCrlOfAnchor { .. }));
        told.next()
    };
    world.save(vec![first]).unwrap();
    world.request().unwrap();
    assert_eq!(told(world.install(1).unwrap()), None);
    world.save(vec![ca("second")]).unwrap();
    world.request().unwrap();
    let told = told(world.install(2).unwrap()).unwrap().to_string();
    assert!(told.contains("has none of CN=second"), "{told}");
}

#[test]
fn nothing_is_trusted_before_an_operator_installed_exactly_what_was_reviewed() {
    let mut world = World::new();
    let (first, second) = (ca("first"), ca("second"));
    assert!(matches!(world.install(1), Err(Rejection::NoAccount { .. })));
    world.save(vec![first.clone()]).unwrap();
    assert!(matches!(
        world.install(1),
        Err(Rejection::NothingRequested { .. })
    ));
    world.request().unwrap();
    assert!(world.trusted().is_empty());
    world.save(vec![second.clone()]).unwrap();
    assert!(matches!(
        world.install(1),
        Err(Rejection::RevisionChanged {
            reviewed: 1,
            requested: 2,
            ..
        })
    ));
    world.install(2).unwrap();
    assert_eq!(world.trusted(), [second.fingerprint()]);
    assert!(!world.trusted().contains(&first.fingerprint()));
}

#[test]
fn editing_an_installed_account_changes_no_trust_and_opens_a_request() {
    let mut world = World::new();
    let (first, second) = (ca("first"), ca("second"));
    world.save(vec![first.clone()]).unwrap();
    world.request().unwrap();
    world.install(1).unwrap();
    let change = world.save(vec![second.clone()]).unwrap();
    assert!(
        change
            .warnings
            .iter()
            .any(|warning| matches!(warning, Warning::TrustUnchanged { .. }))
    );
    assert_eq!(world.trusted(), [first.fingerprint()]);
    world.install(2).unwrap();
    assert_eq!(world.trusted(), [second.fingerprint()]);
    let realm = &world.catalog.realms[&world.realm];
    let superseded = realm.installations.values().next().unwrap();
    assert!(matches!(
        superseded.state,
        InstallationState::Removed {
            superseded_by: Some(_),
            ..
        }
    ));
}

#[test]
fn values_that_go_back_to_what_is_installed_leave_no_request_behind() {
    let mut world = World::new();
    let first = ca("first");
    world.save(vec![first.clone()]).unwrap();
    world.request().unwrap();
    world.install(1).unwrap();
    world.save(vec![ca("second")]).unwrap();
    world.save(vec![first]).unwrap();
    let realm = &world.catalog.realms[&world.realm];
    assert!(realm.requested(PROD, &world.account).is_none());
    assert!(matches!(
        world.request(),
        Err(Rejection::AlreadyInstalled { .. })
    ));
}

#[test]
fn an_account_in_use_cannot_be_deleted_and_a_new_one_of_its_name_takes_later_revisions() {
    let mut world = World::new();
    world.save(vec![ca("first")]).unwrap();
    world.request().unwrap();
    world.install(1).unwrap();
    let delete = Command::DeleteAccount {
        realm: world.realm.clone(),
        name: world.account.clone(),
    };
    assert!(matches!(
        world.apply(delete.clone()),
        Err(Rejection::AccountInUse { .. })
    ));
    world.remove().unwrap();
    assert!(world.trusted().is_empty());
    world.apply(delete).unwrap();
    world.save(vec![ca("other")]).unwrap();
    world.request().unwrap();
    assert!(
        matches!(world.install(1), Err(Rejection::RevisionChanged { .. })),
        "an old review is no review"
    );
    world.install(2).unwrap();
}

#[test]
fn saving_the_same_again_changes_nothing() {
    let mut world = World::new();
    let first = ca("first");
    world.save(vec![first.clone()]).unwrap();
    let again = world.save(vec![first]).unwrap();
    assert!(again.touched.is_empty() && again.audit.is_none());
}

#[test]
fn the_last_lasting_operator_token_stays() {
    let mut world = World::new();
    let token = |name: &str, expires| Command::CreateToken {
        name: TokenName::parse(name).unwrap(),
        role: Role::Operator,
        hash: Fingerprint::of(name.as_bytes()),
        expires,
    };
    let revoke = |name: &str| Command::RevokeToken {
        name: TokenName::parse(name).unwrap(),
    };
    world.apply(token("one", None)).unwrap();
    world
        .apply(token("passing", Some(NOW.plus(Duration::from_secs(60)))))
        .unwrap();
    assert!(matches!(
        world.apply(revoke("one")),
        Err(Rejection::LastOperator { .. })
    ));
    world.apply(token("two", None)).unwrap();
    world.apply(revoke("one")).unwrap();
    let hash = |name: &str| Fingerprint::of(name.as_bytes());
    assert!(world.catalog.token_by_hash(&hash("one"), NOW).is_none());
    assert!(world.catalog.token_by_hash(&hash("passing"), NOW).is_some());
    assert!(
        world
            .catalog
            .token_by_hash(&hash("passing"), NOW.plus(Duration::from_secs(60)))
            .is_none()
    );
}
