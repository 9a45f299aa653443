use super::*;
use crate::domain::command::ValueChange;
use crate::domain::environment::PerEnvironment;
use crate::manifest::testing::{authority, carried_out, lines, plan, plan_as};

fn applied(catalog: &Catalog, manifest: &str, unnamed: Unnamed) -> Catalog {
    carried_out(catalog, plan(catalog, manifest, unnamed).unwrap())
}

fn account(name: &str, pem: &str) -> String {
    format!(
        "[[realm.account]]\nname = '{name}'\ntype = 'certificate-chain'\nprod.chain = '''\n{pem}'''\n"
    )
}

const REALM: &str = "[[realm]]\nname = 'acme'\n";
const INSTALLATION: &str = "[[realm.installation]]\naccount = 'dgb-mtls-a'\nenvironment = 'prod'\n";
const CONNECTION: &str =
    "[[realm.connection]]\nname = 'backend'\nbase-url = 'http://127.0.0.1:9000'\n";
const PIPELINE: &str = "[[realm.pipeline]]\nname = 'orders'\nmajor = 1\n\
    trigger = { type = 'rest', mtls = true, external = false }\nhandler = { type = 'upstream', connection = 'backend' }\n";
const DEPLOYMENT: &str =
    "[[realm.deployment]]\npipeline = 'orders'\nmajor = 1\nenvironments = ['test', 'prod']\n";

fn everything(pem: &str) -> String {
    // The other way round than it has to be carried out.
    format!(
        "{REALM}{DEPLOYMENT}{PIPELINE}{CONNECTION}{INSTALLATION}{}",
        account("dgb-mtls-a", pem)
    )
}

#[test]
fn plans_in_an_order_that_can_be_carried_out_and_then_nothing_more() {
    let manifest = everything(&authority("Acme CA").certificate.to_pem());
    let planned = plan(&Catalog::default(), &manifest, Unnamed::Stay).unwrap();
    assert_eq!(
        lines(&planned),
        [
            "create realm acme",
            "create account dgb-mtls-a",
            "create installation dgb-mtls-a in prod",
            "create connection backend",
            "create pipeline orders v1",
            "create deployment orders v1 in test",
            "create deployment orders v1 in prod",
        ]
    );
    let catalog = carried_out(&Catalog::default(), planned);
    let realm = &catalog.realms["acme"];
    assert!(realm.has_mtls(Environment::Prod) && !realm.has_mtls(Environment::Test));
    for unnamed in [Unnamed::Stay, Unnamed::Go] {
        let again = plan(&catalog, &manifest, unnamed).unwrap();
        assert!(again.is_empty(), "{:?}", lines(&again));
        assert_eq!(again.steps.len(), 7);
        assert!(
            lines(&again)
                .iter()
                .all(|line| line.starts_with("unchanged "))
        );
    }
}

#[test]
fn what_a_manifest_does_not_name_stays_unless_it_is_pruned() {
    let manifest = everything(&authority("Acme CA").certificate.to_pem());
    let other = "[[realm]]\nname = 'globex'\n[[realm.pipeline]]\nname = 'p'\nmajor = 1\n\
        trigger.type = 'rest'\nhandler.type = 'echo'\n";
    let catalog = applied(
        &Catalog::default(),
        &format!("{manifest}{other}"),
        Unnamed::Stay,
    );
    assert!(plan(&catalog, REALM, Unnamed::Stay).unwrap().is_empty());
    let pruned = plan(&catalog, REALM, Unnamed::Go).unwrap();
    assert_eq!(
        lines(&pruned),
        [
            "unchanged realm acme",
            "delete deployment orders v1 in test",
            "delete deployment orders v1 in prod",
            "delete pipeline orders v1",
            "delete connection backend",
            "delete installation dgb-mtls-a in prod",
            "delete account dgb-mtls-a",
        ]
    );
    let catalog = carried_out(&catalog, pruned);
    let realm = &catalog.realms["acme"];
    assert!(
        realm.accounts.is_empty() && realm.pipelines.is_empty() && realm.connections.is_empty()
    );
    assert_eq!(catalog.realms["globex"].pipelines.len(), 1);
}

#[test]
fn pruning_keeps_what_something_named_needs() {
    let manifest = everything(&authority("Acme CA").certificate.to_pem());
    let catalog = applied(&Catalog::default(), &manifest, Unnamed::Stay);
    let planned = plan(
        &catalog,
        &format!("{REALM}{INSTALLATION}{CONNECTION}{DEPLOYMENT}"),
        Unnamed::Go,
    )
    .unwrap();
    assert!(planned.is_empty(), "{:?}", lines(&planned));
}

#[test]
fn pruning_takes_values_of_a_named_account_away_where_none_are_named() {
    let account = |environments: &str| {
        format!("{REALM}[[realm.account]]\nname = 'a'\ntype = 'oauth-bearer'\n{environments}")
    };
    let catalog = applied(
        &Catalog::default(),
        &account("test.token = 't'\nprod.token = 'p'\n"),
        Unnamed::Stay,
    );
    let only_prod = account("prod.token = 'keep'\n");
    assert!(
        plan(&catalog, &only_prod, Unnamed::Stay)
            .unwrap()
            .is_empty()
    );
    let catalog = applied(&catalog, &only_prod, Unnamed::Go);
    let values = &catalog.realms["acme"]
        .accounts
        .get(&AccountName::parse("a").unwrap())
        .unwrap()
        .values;
    assert!(values.test.is_none() && values.prod.is_some());
}

#[test]
fn a_handler_can_change_its_connection_while_the_former_one_goes() {
    let manifest = everything(&authority("Acme CA").certificate.to_pem());
    let catalog = applied(&Catalog::default(), &manifest, Unnamed::Stay);
    let moved = manifest.replace("backend", "other");
    let planned = plan(&catalog, &moved, Unnamed::Go).unwrap();
    let steps = lines(&planned);
    assert!(
        steps.contains(&"create connection other".to_owned()),
        "{steps:?}"
    );
    assert!(
        steps.contains(&"change pipeline orders v1".to_owned()),
        "{steps:?}"
    );
    assert!(
        steps.contains(&"delete connection backend".to_owned()),
        "{steps:?}"
    );
    assert_eq!(
        carried_out(&catalog, planned).realms["acme"]
            .connections
            .len(),
        1
    );
}

#[test]
fn another_ca_is_installed_in_place_of_the_former_one() {
    let of = |name: &str| {
        format!(
            "{REALM}{INSTALLATION}{}",
            account("dgb-mtls-a", &authority(name).certificate.to_pem())
        )
    };
    let catalog = applied(&Catalog::default(), &of("Acme CA"), Unnamed::Stay);
    let second = of("Acme CA 2");
    let planned = plan(&catalog, &second, Unnamed::Stay).unwrap();
    assert_eq!(
        lines(&planned),
        [
            "unchanged realm acme",
            "change account dgb-mtls-a",
            "change installation dgb-mtls-a in prod"
        ]
    );
    let catalog = carried_out(&catalog, planned);
    let realm = &catalog.realms["acme"];
    let installed: Vec<_> = realm.installed(Environment::Prod).collect();
    assert_eq!(installed.len(), 1);
    assert_eq!(installed[0].certificates[0].facts().subject, "CN=Acme CA 2");
    assert!(plan(&catalog, &second, Unnamed::Stay).unwrap().is_empty());
}

#[test]
fn a_realm_admins_manifest_only_asks_for_installation() {
    let role = Role::RealmAdmin(RealmName::parse("acme").unwrap());
    let manifest = format!(
        "{REALM}{INSTALLATION}{}",
        account("dgb-mtls-a", &authority("Acme CA").certificate.to_pem())
    );
    let catalog = applied(&Catalog::default(), REALM, Unnamed::Stay);
    let planned = plan_as(&role, &catalog, &manifest, Unnamed::Stay).unwrap();
    assert_eq!(lines(&planned)[2], "create installation dgb-mtls-a in prod");
    assert_eq!(planned.steps[2].detail, "requested: waits for an operator");
    let catalog = carried_out(&catalog, planned);
    assert!(!catalog.realms["acme"].has_mtls(Environment::Prod));
    let again = plan_as(&role, &catalog, &manifest, Unnamed::Stay).unwrap();
    assert!(again.is_empty(), "{:?}", lines(&again));
    // What waits is installed by an operator's manifest of the same text.
    let catalog = applied(&catalog, &manifest, Unnamed::Stay);
    assert!(catalog.realms["acme"].has_mtls(Environment::Prod));
    assert!(
        plan_as(&role, &catalog, &manifest, Unnamed::Stay)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn an_installation_that_is_to_be_requested_only_waits() {
    let manifest = format!(
        "{REALM}{INSTALLATION}state = 'requested'\n{}",
        account("dgb-mtls-a", &authority("Acme CA").certificate.to_pem())
    );
    let catalog = applied(&Catalog::default(), &manifest, Unnamed::Stay);
    assert!(!catalog.realms["acme"].has_mtls(Environment::Prod));
    assert!(plan(&catalog, &manifest, Unnamed::Stay).unwrap().is_empty());
}

#[test]
fn a_realm_is_suspended_and_resumed_by_its_state_and_left_alone_without_one() {
    let state = |state: &str| format!("{REALM}state = '{state}'\n");
    let catalog = applied(&Catalog::default(), &state("suspended"), Unnamed::Stay);
    assert_eq!(catalog.realms["acme"].state, RealmState::Suspended);
    assert!(plan(&catalog, REALM, Unnamed::Go).unwrap().is_empty());
    assert!(
        plan(&catalog, &state("suspended"), Unnamed::Stay)
            .unwrap()
            .is_empty()
    );
    let catalog = applied(&catalog, &state("active"), Unnamed::Stay);
    assert_eq!(catalog.realms["acme"].state, RealmState::Active);
}

#[test]
fn several_documents_may_tell_of_one_realm_but_not_of_one_thing() {
    let catalog = Catalog::default();
    let two = |first: &str, second: &str| {
        plan(
            &catalog,
            &format!("{REALM}{first}{REALM}{second}"),
            Unnamed::Stay,
        )
    };
    assert!(two(CONNECTION, PIPELINE).is_ok());
    let cases = [
        (
            two(CONNECTION, CONNECTION),
            "realm acme: connection 'backend' is there twice",
        ),
        (
            two(PIPELINE, PIPELINE),
            "pipeline 'orders v1' is there twice",
        ),
        (
            two(DEPLOYMENT, DEPLOYMENT),
            "deployment 'orders v1 in test' is there twice",
        ),
        (
            two(INSTALLATION, INSTALLATION),
            "installation 'dgb-mtls-a in prod' is there twice",
        ),
        (
            two("state = 'active'\n", "state = 'suspended'\n"),
            "its state is given twice, and differs",
        ),
    ];
    for (outcome, expect) in cases {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }
}

#[test]
fn says_what_is_wrong_and_where() {
    let leaf = crate::manifest::testing::leaf(&authority("Acme CA"))
        .certificate
        .to_pem();
    let cases = [
        (
            format!("{REALM}{PIPELINE}"),
            "realm acme, pipeline 'orders v1': realm acme has no connection 'backend'",
        ),
        (
            format!("{REALM}{DEPLOYMENT}"),
            "realm acme, deployment 'orders v1': realm acme has no pipeline orders v1",
        ),
        (
            format!("{REALM}{INSTALLATION}"),
            "realm acme, installation 'dgb-mtls-a': realm acme has no account",
        ),
        (
            format!("{REALM}{}", account("dgb-mtls-a", &leaf)),
            "is not a CA certificate",
        ),
        (
            format!("{REALM}{}", account("dgb-mtls-a", "")),
            "realm acme, account 'dgb-mtls-a', prod: 'chain' is empty",
        ),
        (
            format!("{REALM}{}", PIPELINE.replace(", external = false", "")),
            "pipeline orders v1: 'trigger.external' must",
        ),
        (
            format!("{REALM}{CONNECTION}connect-timeout-ms = 0\n"),
            "connection 'backend': 'connect-timeout-ms' is 0",
        ),
        (
            format!("{REALM}[[realm.connection]]\nname = 'c'\nbase-url = {{}}\n"),
            "connection 'c': 'base-url' names no environment",
        ),
    ];
    for (manifest, expect) in cases {
        let error = plan(&Catalog::default(), &manifest, Unnamed::Stay)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expect), "{manifest}\n→ {error}");
    }
}

#[test]
fn warnings_of_a_plan_are_told_once() {
    let open = PIPELINE.replace("external = false", "external = true");
    let manifest = format!("{REALM}{CONNECTION}{open}{DEPLOYMENT}");
    let warnings = plan(&Catalog::default(), &manifest, Unnamed::Stay)
        .unwrap()
        .warnings;
    let mut told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let count = told.len();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), count, "{told:?}");
    assert!(
        told.iter()
            .any(|one| one.contains("has no effect in prod yet")),
        "{told:?}"
    );
}

#[test]
fn the_commands_of_an_account_change_only_what_is_named() {
    let manifest =
        format!("{REALM}[[realm.account]]\nname = 'a'\ntype = 'oauth-bearer'\nprod.token = 't'\n");
    let mut planned = plan(&Catalog::default(), &manifest, Unnamed::Stay).unwrap();
    let commands = planned.take_commands();
    let Some(Command::SaveAccount { values, .. }) = commands.last() else {
        panic!("{commands:?}")
    };
    assert!(matches!(
        values,
        PerEnvironment {
            test: ValueChange::Keep,
            prod: ValueChange::Set(_)
        }
    ));
}

/// The catalog with an account's certificates installed, and then others saved by the realm's own people.
fn swapped() -> (Catalog, String, String) {
    let (first, second) = (authority("First CA"), authority("Second CA"));
    let manifest = |ca: &crate::pki::authority::Authority, more: &str| {
        let account = account("dgb-mtls-a", &ca.certificate.to_pem());
        format!("{REALM}{account}{more}")
    };
    let catalog = applied(
        &Catalog::default(),
        &manifest(&first, INSTALLATION),
        Unnamed::Stay,
    );
    let catalog = applied(&catalog, &manifest(&second, ""), Unnamed::Stay);
    let print = |ca: &crate::pki::authority::Authority| ca.certificate.fingerprint().to_string();
    (catalog, print(&first), print(&second))
}

#[test]
fn what_is_installed_without_its_chain_in_hand_is_told_and_to_be_confirmed() {
    let (catalog, first, second) = swapped();
    let planned = plan(&catalog, &format!("{REALM}{INSTALLATION}"), Unnamed::Stay).unwrap();
    let step = planned
        .steps
        .iter()
        .find(|step| step.noun == Noun::Installation)
        .unwrap();
    assert!(step.needs_confirmation);
    assert_eq!(
        step.detail,
        format!(
            "installs CN=Second CA (SHA-256 {second}); takes out of work CN=First CA (SHA-256 {first})"
        )
    );
    let again = carried_out(&catalog, planned);
    let planned = plan(&again, &format!("{REALM}{INSTALLATION}"), Unnamed::Stay).unwrap();
    assert!(planned.steps.iter().all(|step| !step.needs_confirmation));
}

#[test]
fn a_chain_in_the_manifest_itself_needs_no_confirmation_and_a_kept_one_does() {
    let (catalog, ..) = swapped();
    let cases = [
        (authority("Third CA").certificate.to_pem(), false),
        ("keep".to_owned(), true),
    ];
    for (chain, expect) in cases {
        let account = format!(
            "[[realm.account]]\nname = 'dgb-mtls-a'\ntype = 'certificate-chain'\nprod.chain = \"\"\"{chain}\"\"\"\n"
        );
        let manifest = format!("{REALM}{account}{INSTALLATION}");
        let planned = plan(&catalog, &manifest, Unnamed::Stay).unwrap();
        let asked = planned.steps.iter().any(|step| step.needs_confirmation);
        assert_eq!(asked, expect, "{:?}", lines(&planned));
    }
}

#[test]
fn suspending_and_removing_are_to_be_confirmed() {
    let (catalog, ..) = swapped();
    let suspended = format!("{REALM}state = 'suspended'\n");
    let cases = [
        (suspended.as_str(), Unnamed::Stay, 1),
        (REALM, Unnamed::Go, 2),
        (REALM, Unnamed::Stay, 0),
    ];
    for (manifest, unnamed, expect) in cases {
        let planned = plan(&catalog, manifest, unnamed).unwrap();
        let asked = planned.steps.iter().filter(|step| step.needs_confirmation);
        assert_eq!(asked.count(), expect, "{:?}", lines(&planned));
    }
    let new = plan(&Catalog::default(), &suspended, Unnamed::Stay).unwrap();
    assert!(new.steps.iter().all(|step| !step.needs_confirmation));
}

#[test]
fn a_pinned_revision_that_is_not_the_stored_one_is_not_installed() {
    let (catalog, ..) = swapped();
    let pinned = |revision: u64| {
        let manifest = format!("{REALM}{INSTALLATION}revision = {revision}\n");
        plan(&catalog, &manifest, Unnamed::Stay)
    };
    assert!(pinned(2).is_ok());
    for wrong in [1, 3] {
        assert!(matches!(
            pinned(wrong),
            Err(InvalidManifest::Rejected {
                source: Rejection::RevisionChanged { reviewed, requested: 2, .. },
                ..
            }) if reviewed == wrong
        ));
    }
}

#[test]
fn a_gateway_that_a_manifest_switches_on_is_told_and_a_former_form_only_where_it_stays() {
    let told = |catalog: &Catalog, manifest: &str| -> Vec<String> {
        let planned = plan(catalog, manifest, Unnamed::Stay).unwrap();
        planned.warnings.iter().map(ToString::to_string).collect()
    };
    let closed = format!("{REALM}{CONNECTION}{PIPELINE}");
    let catalog = applied(
        &Catalog::default(),
        &format!("{closed}{DEPLOYMENT}"),
        Unnamed::Stay,
    );
    let open = closed.replace("external = false", "external = true");
    let saved = told(&catalog, &open);
    let has = |told: &[String], text: &str| told.iter().any(|one| one.contains(text));
    let url = "open to everybody at https://api.gate.localhost/pipeline/acme/v1/orders (prod)";
    assert!(has(&saved, url) && has(&saved, "former form"), "{saved:?}");
    let deployed = told(&catalog, &format!("{open}{DEPLOYMENT}"));
    assert!(
        has(&deployed, url) && !has(&deployed, "former form"),
        "{deployed:?}"
    );
    let again = told(&catalog, &format!("{closed}{DEPLOYMENT}"));
    assert!(again.is_empty(), "{again:?}");
}

#[test]
fn an_identity_is_no_anchor_and_its_order_is_checked() {
    let ca = authority("Acme CA");
    let leaf = crate::manifest::testing::leaf(&ca);
    let key = leaf.key.to_pkcs8_pem();
    let told = |certificates: &[&crate::pki::certificate::Certificate]| -> Vec<String> {
        let pems: String = certificates.iter().map(|one| one.to_pem()).collect();
        let pem = format!("{pems}{}", key.expose_str().unwrap());
        let manifest = format!("{REALM}{}", account("our-identity", &pem));
        let planned = plan(&Catalog::default(), &manifest, Unnamed::Stay).unwrap();
        let told = planned.warnings.iter().map(ToString::to_string);
        told.filter(|one| !one.contains(" ends at ")).collect()
    };
    assert_eq!(
        told(&[&leaf.certificate, &ca.certificate]),
        Vec::<String>::new()
    );
    let other = authority("Other CA").certificate;
    let wrong = told(&[&leaf.certificate, &other, &ca.certificate]);
    assert!(
        wrong.len() == 1 && wrong[0].contains("out of order: certificate 2, CN=Other CA"),
        "{wrong:?}"
    );
}
