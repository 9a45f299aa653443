//! Whatever is done to a catalog, the store gives it back as it was.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use serde_json::json;

use crate::domain::account::AccountValues;
use crate::domain::address::BaseUrl;
use crate::domain::catalog::Catalog;
use crate::domain::command::{Command, ValueChange};
use crate::domain::connection::{ConnectionLimits, ServerTrust};
use crate::domain::crl_source::CrlUrl;
use crate::domain::deployment::DeploymentKey;
use crate::domain::environment::{Environment, Gateway, PerEnvironment};
use crate::domain::identity::{
    IdentityCertificate, IdentitySlot, Origin, ServerAuthority, ServerIdentity,
};
use crate::domain::media_type::MediaRange;
use crate::domain::name::{ConnectionName, CrlSourceName, PipelineName, TokenName};
use crate::domain::pipeline::{Handler, IdentityHeaders, PipelineKey};
use crate::domain::template::JsonTemplate;
use crate::domain::token::{Actor, Role};
use crate::domain::trigger::{
    ContentTypes, Method, MethodSet, Publication, RequestSizeMb, ResponseHeader, RoutePattern,
    TimeoutMs, Trigger, TriggerKind,
};
use crate::domain::trust_policy::{AnchorException, Hours, OutOfDate, Pin, TrustPolicy};
use crate::domain::trusting::Intake;
use crate::pki::crl::Crl;
use crate::pki::crl_testing::{self, CrlMade};
use crate::pki::fingerprint::Fingerprint;
use crate::pki::secret::Secret;
use crate::rule::client_rule::ClientRule;
use crate::store::db::Store;
use crate::store::error::StoreError;
use crate::store::reading::AuditFilter;
use crate::store::workshop::{
    AUTHORITIES, Draft, SERVER, SERVER_RSA, SimulatedDisk, account, assert_same, master_key, now,
    realm, save_account, trust_source,
};

const REALMS: [&str; 3] = ["acme", "globex", "initech"];
const ACCOUNTS: [&str; 4] = ["dgb-mtls-a", "dgb-mtls-b", "login", "keys"];

fn trigger(choice: usize) -> Trigger {
    let routes = ["/products", "/products/:id"].into_iter().take(choice % 3);
    Trigger {
        kind: match choice % 3 {
            0 => TriggerKind::Rest,
            _ => TriggerKind::Http(ContentTypes {
                requests: ["text/xml", "image/*"]
                    .into_iter()
                    .take(choice % 3)
                    .map(|text| MediaRange::parse(text).unwrap())
                    .collect(),
                responses: vec![MediaRange::parse("application/json").unwrap()],
            }),
        },
        methods: match choice % 2 {
            0 => MethodSet::ALL,
            _ => MethodSet::of([Method::Get, Method::Post]).unwrap(),
        },
        timeout: TimeoutMs::new(30_000).unwrap(),
        request_size: RequestSizeMb::new(5).unwrap(),
        response_headers: vec![
            ResponseHeader::parse("x-by", "{{ metadata.pipeline.name }}!").unwrap(),
        ],
        publication: Publication {
            external: choice.is_multiple_of(2),
            internal: false,
            mtls: true,
        },
        routes: routes
            .map(|route| RoutePattern::parse(route).unwrap())
            .collect(),
        client_rule: choice
            .is_multiple_of(5)
            .then(|| ClientRule::parse(&format!("size(client.cn) == {choice}")).unwrap()),
    }
}

fn handler(choice: usize) -> Handler {
    match choice % 3 {
        0 => Handler::Echo,
        1 => {
            let document =
                json!({"z": 1, "a": ["{{ message.body.x }}", 0.1, 1.7976931348623157e308, null]});
            Handler::Mock(JsonTemplate::parse(document).unwrap())
        }
        _ => Handler::Upstream {
            connection: ConnectionName::parse("backend").unwrap(),
            identity_headers: IdentityHeaders {
                readable: true,
                forwarded_client_cert: false,
            },
        },
    }
}

fn values(choice: usize) -> AccountValues {
    let secret = |text: &str| Secret::new(format!("{text}-{choice}"));
    match choice % 8 {
        0 => AccountValues::Basic {
            username: "u".to_owned(),
            password: secret("password"),
        },
        1 => AccountValues::CustomAuthHeader {
            header_name: "x-key".to_owned(),
            header_value: secret("value"),
        },
        2 => AccountValues::OauthBearer {
            token: secret("token"),
        },
        3 => AccountValues::ApiKey {
            url_param_name: "key".to_owned(),
            api_key: secret("key"),
        },
        4 => AccountValues::PrivateKey {
            key: secret("key"),
            passphrase: Secret::new(String::new()),
        },
        5 => AccountValues::PublicKey {
            key: "public".to_owned(),
        },
        6 => AccountValues::SecretKey {
            key: Secret::from_bytes(vec![0xff, 0, choice as u8]),
        },
        _ => AccountValues::CertificateChain {
            certificates: vec![
                SERVER.certificate.clone(),
                AUTHORITIES[0].certificate.clone(),
            ],
            helpers: Vec::new(),
            key: Some(SERVER.key.clone()),
        },
    }
}

fn account_command(of: &str, which: usize, choice: usize) -> Command {
    let name = ACCOUNTS[which % ACCOUNTS.len()];
    let given = match which % ACCOUNTS.len() {
        0 | 1 => AccountValues::CertificateChain {
            certificates: vec![AUTHORITIES[choice % 4].certificate.clone()],
            helpers: vec![AUTHORITIES[(choice / 4) % 4].certificate.clone()],
            key: None,
        },
        2 => values(0),
        _ => values(choice),
    };
    let account_type = given.account_type();
    let other = if choice.is_multiple_of(5) {
        ValueChange::Clear
    } else {
        ValueChange::Keep
    };
    let values = PerEnvironment {
        test: other,
        prod: ValueChange::Set(given),
    };
    Command::SaveAccount {
        realm: realm(of),
        name: account(name),
        account_type,
        values,
    }
}

/// Two editions of the lists of two authorities.
static LISTS: LazyLock<Vec<Crl>> = LazyLock::new(|| {
    let list = |number: usize| {
        let made = CrlMade {
            number: Some(1 + (number / 2) as u8),
            this_update: now(),
            ..CrlMade::default()
        };
        crl_testing::list(&AUTHORITIES[number % 2], &made)
    };
    (0..4).map(list).collect()
});

/// A trust policy, which is the default one at times.
fn policy(choice: usize) -> TrustPolicy {
    let pin = |number: usize| Pin::Key(Fingerprint::of(&number.to_le_bytes()));
    let hours = Hours::new(1 + choice as u32).unwrap();
    let exception = AnchorException {
        scope: None,
        out_of_date: Some(OutOfDate::AllowHours(hours)),
    };
    let exceptions = (0..choice / 4 % 3).map(|of| (Fingerprint::of(&[of as u8]), exception));
    TrustPolicy {
        pins: (0..choice / 2 % 5).map(pin).collect(),
        exceptions: exceptions.collect(),
        ca_names: choice % 2 == 1,
        ..TrustPolicy::default()
    }
}

/// One of all the commands there are; `which` and `choice` say with what.
fn command(kind: usize, of: usize, which: usize, choice: usize) -> Command {
    let (name, pipeline) = (REALMS[of % 3], PipelineName::parse("orders").unwrap());
    let realm = realm(name);
    let environment = Environment::ALL[which % 2];
    let account = account(ACCOUNTS[which / 2 % 2]);
    let key = PipelineKey {
        name: pipeline,
        major: 1 + (which % 2) as u16,
    };
    let deployment = DeploymentKey {
        environment: Environment::ALL[choice % 2],
        pipeline: key.clone(),
    };
    let backend = ConnectionName::parse("backend").unwrap();
    let token = TokenName::parse(["one", "two", "three"][which % 3]).unwrap();
    let slot = IdentitySlot::Public(Gateway::Mtls, environment);
    let shown = |leaf: &crate::pki::authority::Leaf| IdentityCertificate {
        chain: vec![leaf.certificate.clone(), AUTHORITIES[0].certificate.clone()],
        key: leaf.key.clone(),
    };
    match kind {
        0 | 1 => Command::CreateRealm { realm },
        2 => Command::SuspendRealm { realm },
        3 => Command::ResumeRealm { realm },
        4 => Command::DeleteRealm { realm },
        5..=9 => account_command(name, which, choice),
        10 => Command::DeleteAccount {
            realm,
            name: account,
        },
        11..=13 => Command::RequestInstallation {
            realm,
            environment: Environment::Prod,
            account,
        },
        14..=16 => Command::Install {
            realm,
            environment: Environment::Prod,
            account,
            revision: 1 + (choice % 3) as u64,
        },
        17 => Command::RejectInstallation {
            realm,
            environment: Environment::Prod,
            account,
            reason: "not this one".to_owned(),
        },
        18 => Command::RemoveInstallation {
            realm,
            environment: Environment::Prod,
            account,
        },
        19..=21 => Command::SavePipeline {
            realm,
            key,
            trigger: trigger(choice),
            handler: handler(choice),
        },
        22 => Command::DeletePipeline { realm, key },
        23 | 24 => Command::Deploy {
            realm,
            key: deployment,
        },
        25 => Command::Undeploy {
            realm,
            key: deployment,
        },
        26 | 27 => Command::SaveConnection {
            realm,
            name: backend,
            base_url: PerEnvironment {
                test: Some(BaseUrl::parse("http://[::1]:9000/base").unwrap()),
                prod: Some(BaseUrl::parse("https://a.example").unwrap()),
            },
            trust: match choice % 2 {
                0 => ServerTrust::SystemRoots,
                _ => ServerTrust::Account(account),
            },
            limits: ConnectionLimits {
                idle_connections_max: choice as u16,
                ..ConnectionLimits::default()
            },
        },
        28 => Command::DeleteConnection {
            realm,
            name: backend,
        },
        29 => Command::CreateToken {
            name: token,
            role: [Role::Operator, Role::RealmAdmin(realm), Role::Auditor][choice % 3].clone(),
            hash: Fingerprint::of(&[(which % 3) as u8, choice as u8]),
            expires: choice
                .is_multiple_of(2)
                .then(|| now().plus(std::time::Duration::from_secs(60))),
        },
        30 => Command::RevokeToken { name: token },
        31 => {
            let authority = &AUTHORITIES[choice % 4];
            Command::AdoptServerAuthority {
                authority: ServerAuthority {
                    certificate: authority.certificate.clone(),
                    key: authority.key.clone(),
                },
            }
        }
        32 => Command::AdoptServerIdentity {
            identity: ServerIdentity {
                slot: IdentitySlot::Admin,
                origin: Origin::Generated,
                certificates: vec![shown(&SERVER)],
                updated: now(),
            },
        },
        34 | 35 => Command::SaveTrustPolicy {
            realm,
            environment,
            policy: Arc::new(policy(choice)),
        },
        36 | 37 => Command::SaveCrl {
            realm,
            environment,
            crl: LISTS[choice % 4].clone(),
            intake: Intake::AmongOthers,
        },
        38 => Command::RemoveCrl {
            realm,
            environment,
            sha256: LISTS[choice % 4].fingerprint(),
        },
        39 => Command::SaveCrlSource {
            realm,
            environment,
            name: CrlSourceName::parse("root").unwrap(),
            url: CrlUrl::parse(&format!("http://pki.example/{}", choice % 4)).unwrap(),
        },
        40 => Command::DeleteCrlSource {
            realm,
            environment,
            name: CrlSourceName::parse("root").unwrap(),
        },
        41 => Command::RemoveServerIdentity { realm, environment },
        _ => Command::ProvideServerIdentity {
            slot: match which % 3 {
                0 => slot,
                _ => IdentitySlot::Realm(realm, environment),
            },
            certificate: shown(if choice.is_multiple_of(2) {
                &SERVER
            } else {
                &SERVER_RSA
            }),
        },
    }
}

fn step() -> impl Strategy<Value = (usize, usize, usize, usize)> {
    (0..44_usize, 0..3_usize, 0..8_usize, 0..60_usize)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn gives_back_any_catalog_as_it_was_committed(
        transactions in prop::collection::vec(prop::collection::vec(step(), 1..8), 1..30)
    ) {
        let disk = SimulatedDisk::default();
        let mut store = Store::open_with_backend(disk.clone(), &master_key(), now()).unwrap();
        let mut draft = Draft::of(Catalog::default());
        for name in REALMS {
            draft.apply(&Command::CreateRealm { realm: realm(name) });
        }
        let mut audited = 0_u64;
        for (number, transaction) in transactions.into_iter().enumerate() {
            for (kind, of, which, choice) in transaction {
                draft.try_apply(&command(kind, of, which, choice));
            }
            audited += draft.facts.len() as u64;
            draft.commit(&store).unwrap();
            if number.is_multiple_of(4) {
                drop(store);
                store = Store::open_with_backend(disk.clone(), &master_key(), now()).unwrap();
            }
            assert_same(&store.load().unwrap(), &draft.catalog);
        }
        let all = AuditFilter { realm: None, before: None, limit: usize::MAX };
        let sequences = store.audit(&all).unwrap().into_iter().rev().map(|record| record.sequence);
        prop_assert!(sequences.eq(1..=audited), "the audit has gaps");
    }
}

/// A catalog that has one of everything.
pub(super) fn everything() -> Draft {
    let mut draft = Draft::of(Catalog::default());
    draft.apply(&Command::CreateRealm {
        realm: realm("acme"),
    });
    draft.apply(&command(5, 0, 0, 5));
    draft.apply(&command(11, 0, 1, 0));
    draft.apply(&command(14, 0, 1, 0));
    for choice in 0..8 {
        draft.apply(&save_account(
            "acme",
            &format!("secret-{choice}"),
            values(choice),
        ));
    }
    for kind in [26, 29, 31, 32, 33] {
        draft.apply(&command(kind, 0, 0, 0));
    }
    draft.apply(&command(33, 0, 0, 1));
    // A realm's own, in both environments.
    draft.apply(&command(33, 0, 1, 0));
    draft.apply(&command(33, 0, 1, 1));
    draft.apply(&command(33, 0, 2, 0));
    for choice in 0..3 {
        draft.apply(&command(19, 0, choice, choice));
    }
    draft.apply(&command(23, 0, 0, 0));
    draft.apply(&command(23, 0, 1, 1));
    draft.apply(&command(34, 0, 1, 59));
    draft.apply(&command(36, 0, 1, 0));
    draft.apply(&command(36, 0, 1, 1));
    draft
}

#[test]
fn gives_back_one_of_everything_and_shares_what_is_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("realmgate.redb");
    let mut draft = everything();
    let store = Store::open(&path, &master_key(), now()).unwrap();
    draft.commit(&store).unwrap();
    drop(store);
    let store = Store::open(&path, &master_key(), now()).unwrap();
    let loaded = store.load().unwrap();
    assert_same(&loaded, &draft.catalog);
    let acme = loaded.realms.get(&realm("acme")).unwrap();
    let deployed = acme.deployments.values().next().unwrap();
    let saved = acme.pipelines.get(&deployed.key.pipeline).unwrap();
    assert!(std::sync::Arc::ptr_eq(&deployed.pipeline, saved));
}

#[test]
fn nothing_secret_lies_open_in_the_file() {
    let disk = SimulatedDisk::default();
    let store = Store::open_with_backend(disk.clone(), &master_key(), now()).unwrap();
    let mut draft = everything();
    let hidden = Secret::new("open-sesame-open-sesame".to_owned());
    let values = AccountValues::SecretKey {
        key: hidden.clone(),
    };
    draft.apply(&save_account("acme", "sesame", values));
    draft.commit(&store).unwrap();
    drop(store);
    let content = disk.content();
    let lies_open = |bytes: &[u8]| content.windows(bytes.len()).any(|window| window == bytes);
    assert!(!lies_open(hidden.expose()));
    // The private scalar of a P-256 key in PKCS#8 begins after 36 bytes.
    for key in [&SERVER.key, &AUTHORITIES[0].key] {
        assert!(!lies_open(&key.pkcs8()[36..68]));
    }
    assert!(!lies_open(master_key().expose()));
    assert!(
        lies_open(SERVER.certificate.der()),
        "certificates are public"
    );
}

#[test]
fn refuses_a_change_made_from_an_older_catalog() {
    let disk = SimulatedDisk::default();
    let store = Store::open_with_backend(disk, &master_key(), now()).unwrap();
    let mut draft = Draft::of(Catalog::default());
    draft.apply(&Command::CreateRealm {
        realm: realm("acme"),
    });
    draft.commit(&store).unwrap();
    let before = draft.catalog.clone();
    draft.apply(&Command::CreateRealm {
        realm: realm("globex"),
    });
    let mut late = draft.catalog.clone();
    late.revision = 1;
    let stale = store.commit(&late, &draft.touched, &draft.facts, &Actor::system(), now());
    assert!(matches!(
        stale,
        Err(StoreError::StaleRevision { stored: 1, next: 1 })
    ));
    assert_same(&store.load().unwrap(), &before);
    draft.commit(&store).unwrap();
    assert_same(&store.load().unwrap(), &draft.catalog);
}

#[test]
fn removes_every_row_of_a_realm_that_goes() {
    let disk = SimulatedDisk::default();
    let store = Store::open_with_backend(disk, &master_key(), now()).unwrap();
    let mut draft = everything();
    draft.commit(&store).unwrap();
    draft.apply(&Command::DeleteRealm {
        realm: realm("acme"),
    });
    draft.apply(&Command::CreateRealm {
        realm: realm("acme"),
    });
    draft.apply(&save_account(
        "acme",
        "dgb-mtls-a",
        trust_source(&[AUTHORITIES[3].certificate.clone()]),
    ));
    draft.commit(&store).unwrap();
    let loaded = store.load().unwrap();
    assert_same(&loaded, &draft.catalog);
    assert_eq!(loaded.realms.get(&realm("acme")).unwrap().accounts.len(), 1);
}
