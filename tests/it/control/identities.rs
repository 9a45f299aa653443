//! Our own server identity: made at the first start, made anew in time, never over a provided one.

use realmgate::control::view::server_identity::{ServerIdentityView, slot_text};
use realmgate::domain::command::Command;
use realmgate::domain::environment::{Environment, Gateway};
use realmgate::domain::identity::IdentitySlot;
use realmgate::domain::name::RealmName;
use realmgate::pki::certificate::signed_by;
use realmgate::pki::secret::Secret;
use redb::ReadableDatabase;

use crate::control::bench::{Bench, Place, acme, ca, days, now, operator};

fn shown(bench: &Bench, slot: &IdentitySlot) -> ServerIdentityView {
    let all = bench.control.server_identities(&operator()).unwrap();
    all.into_iter()
        .find(|identity| identity.slot == slot_text(slot))
        .unwrap()
}

fn fingerprints(bench: &Bench) -> Vec<String> {
    let all = bench.control.server_identities(&operator()).unwrap();
    all.into_iter()
        .map(|identity| identity.fingerprint)
        .collect()
}

fn server_ca(bench: &Bench) -> String {
    bench.control.server_ca(&operator()).unwrap().unwrap()
}

const MTLS_PROD: IdentitySlot = IdentitySlot::Public(Gateway::Mtls, Environment::Prod);

#[test]
fn the_first_start_makes_an_authority_and_an_identity_for_each_listener() {
    let place = Place::new();
    let bench = place.start();
    let catalog = bench.control.catalog();
    let authority = catalog.server_authority.as_ref().unwrap();
    assert_eq!(catalog.server_identities.len(), 7);
    for identity in catalog.server_identities.values() {
        assert!(signed_by(
            &identity.certificates[0].chain[0],
            &authority.certificate
        ));
    }
    let sans = |slot| shown(&bench, &slot).certificates[0].sans.clone();
    assert_eq!(
        sans(MTLS_PROD),
        ["DNS:api2.gate.localhost", "DNS:*.api2.gate.localhost"]
    );
    let external = IdentitySlot::Public(Gateway::External, Environment::Test);
    assert_eq!(sans(external), ["DNS:test.gate.localhost"]);
    assert_eq!(
        sans(IdentitySlot::Admin),
        [
            "DNS:localhost",
            "IP:127.0.0.1",
            "IP:::1",
            "DNS:admin.example"
        ]
    );
    let (made, authority, revision) = (fingerprints(&bench), server_ca(&bench), bench.revision());
    drop((catalog, bench));
    let again = place.start();
    assert_eq!(
        (fingerprints(&again), server_ca(&again), again.revision()),
        (made, authority, revision)
    );
}

#[test]
fn another_domain_makes_the_identities_anew_but_not_the_authority() {
    let mut place = Place::new();
    let bench = place.start();
    let (before, authority) = (fingerprints(&bench), server_ca(&bench));
    drop(bench);
    place.domain = "gate.example".to_owned();
    let bench = place.start();
    assert_eq!(server_ca(&bench), authority);
    let after = fingerprints(&bench);
    let same = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before == after)
        .count();
    assert_eq!(same, 1, "the admin listener's alone stays");
    assert!(
        shown(&bench, &MTLS_PROD).certificates[0]
            .sans
            .contains(&"DNS:api2.gate.example".to_owned())
    );
}

#[test]
fn identities_are_renewed_when_less_than_a_third_of_their_life_is_left() {
    let (place, bench) = Bench::start();
    let before = fingerprints(&bench);
    place.clock.set(now().plus(days(250)));
    assert!(!bench.control.renew_identities().unwrap());
    assert_eq!(fingerprints(&bench), before);
    place.clock.set(now().plus(days(280)));
    let snapshot = bench.control.live().load_full();
    assert!(bench.control.renew_identities().unwrap());
    let after = fingerprints(&bench);
    assert!(
        before
            .iter()
            .zip(&after)
            .all(|(before, after)| before != after)
    );
    assert!(!std::sync::Arc::ptr_eq(
        &snapshot.admin_tls,
        &bench.control.live().load().admin_tls
    ));
    assert!(!bench.control.renew_identities().unwrap());
}

#[test]
fn a_provided_identity_is_shown_and_left_alone() {
    let (place, bench) = Bench::start();
    let theirs = ca("Their CA");
    let names = ["api2.gate.localhost".to_owned()];
    let leaf = theirs
        .issue_server(&names, now().minus(days(1)), now().plus(days(90)))
        .unwrap();
    let chain = format!(
        "{}{}",
        leaf.certificate.to_pem(),
        theirs.certificate.to_pem()
    );
    let provide = |chain: &str, key: &Secret| {
        bench
            .control
            .provide_server_identity(&operator(), MTLS_PROD, chain, key)
    };
    let key = leaf.key.to_pkcs8_pem();
    assert!(provide(&chain, &key).unwrap().changed);
    let told = shown(&bench, &MTLS_PROD);
    assert_eq!(
        (told.origin, told.fingerprint),
        ("provided", leaf.certificate.fingerprint().to_string())
    );
    assert_eq!(told.certificates.len(), 2);
    place.clock.set(now().plus(days(280)));
    assert!(bench.control.renew_identities().unwrap());
    assert_eq!(
        shown(&bench, &MTLS_PROD).fingerprint,
        leaf.certificate.fingerprint().to_string()
    );
    let refused = [
        (provide("hello", &key), "'chain': this is neither PEM"),
        (
            provide(&chain, &Secret::new(theirs.certificate.to_pem())),
            "'key' holds no private key",
        ),
        (
            provide(&chain, &theirs.key.to_pkcs8_pem()),
            "does not belong",
        ),
    ];
    for (outcome, expect) in refused {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }
}

#[test]
fn a_realms_own_identity_goes_with_its_realm_and_its_row_with_it() {
    let place = Place::new();
    let bench = place.start();
    bench.apply(&acme(&ca("Acme CA")));
    let realm = RealmName::parse("acme").unwrap();
    for environment in Environment::ALL {
        let (from, to) = (now().minus(days(1)), now().plus(days(90)));
        let leaf = ca("Their CA")
            .issue_server(&["acme.api2.gate.localhost".to_owned()], from, to)
            .unwrap();
        let slot = IdentitySlot::Realm(realm.clone(), environment);
        let (chain, key) = (leaf.certificate.to_pem(), leaf.key.to_pkcs8_pem());
        bench
            .control
            .provide_server_identity(&operator(), slot, &chain, &key)
            .unwrap();
        assert_eq!(bench.actions()[0], "server-identity.provide");
    }
    let own = |bench: &Bench| {
        let all = bench.control.server_identities(&operator()).unwrap();
        let own = all.into_iter().filter_map(|identity| identity.realm);
        own.collect::<Vec<_>>()
    };
    drop(bench);
    let bench = place.start();
    assert_eq!(own(&bench), ["acme", "acme"]);
    let revision = bench.revision();
    bench
        .execute(&[Command::DeleteRealm {
            realm: realm.clone(),
        }])
        .unwrap();
    assert_eq!(bench.revision(), revision + 1, "in one transaction");
    assert!(own(&bench).is_empty());
    drop(bench);
    let database = redb::Database::open(place.path()).unwrap();
    let transaction = database.begin_read().unwrap();
    let rows: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("identities");
    let rows = transaction.open_table(rows).unwrap();
    let keys = rows.range::<&str>(..).unwrap();
    let keys = keys.map(|row| row.unwrap().0.value().to_owned());
    assert!(keys.filter(|key| key.contains("acme")).count() == 0);
    drop((rows, transaction, database));
    let bench = place.start();
    bench.execute(&[Command::CreateRealm { realm }]).unwrap();
    assert!(own(&bench).is_empty());
}

#[test]
fn a_clock_that_woke_up_in_the_past_does_not_cost_the_authority() {
    let place = Place::new();
    let bench = place.start();
    let authority = server_ca(&bench);
    drop(bench);
    place
        .clock
        .set(realmgate::clock::Moment::parse("1970-01-01").unwrap());
    let bench = place.start();
    assert_eq!(server_ca(&bench), authority);
}

#[test]
fn an_authority_that_has_ended_is_replaced_together_with_what_it_issued() {
    let place = Place::new();
    let bench = place.start();
    let authority = server_ca(&bench);
    drop(bench);
    place.clock.set(now().plus(days(21 * 365)));
    let bench = place.start();
    assert_ne!(server_ca(&bench), authority);
    let catalog = bench.control.catalog();
    let authority = &catalog.server_authority.as_ref().unwrap().certificate;
    assert!(
        catalog
            .server_identities
            .values()
            .all(|of| signed_by(&of.certificates[0].chain[0], authority))
    );
}

#[test]
fn a_provided_identity_gives_way_to_a_generated_one_again() {
    let (_place, bench) = Bench::start();
    let reset = || {
        let control = &bench.control;
        control.reset_server_identity(&operator(), &IdentitySlot::Admin)
    };
    assert!(!reset().unwrap().changed, "a generated one stays");
    let cases = [("gate-admin.example", true), ("admin.example", false)];
    for (name, locked_out) in cases {
        let (from, to) = (now().minus(days(1)), now().plus(days(90)));
        let leaf = ca("Their CA")
            .issue_server(&[name.to_owned()], from, to)
            .unwrap();
        let done = bench
            .control
            .provide_server_identity(
                &operator(),
                IdentitySlot::Admin,
                &leaf.certificate.to_pem(),
                &leaf.key.to_pkcs8_pem(),
            )
            .unwrap();
        let told: Vec<String> = done.warnings.iter().map(ToString::to_string).collect();
        let warned = told
            .iter()
            .any(|one| one.contains("names none of localhost"));
        assert_eq!(warned, locked_out, "{told:?}");
        assert_eq!(shown(&bench, &IdentitySlot::Admin).origin, "provided");
        assert!(reset().unwrap().changed);
        let back = shown(&bench, &IdentitySlot::Admin);
        assert_eq!(back.origin, "generated");
        assert!(
            back.certificates[0]
                .sans
                .contains(&"IP:127.0.0.1".to_owned())
        );
        assert_eq!(bench.actions()[0], "server-identity.reset");
    }
}
