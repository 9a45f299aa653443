//! People are tokens: made, borne, ended, and replaced when the last one was lost.

use realmgate::control::recovery;
use realmgate::control::tokens;
use realmgate::domain::command::Command;
use realmgate::domain::name::TokenName;
use realmgate::domain::token::Role;

use crate::control::bench::{Bench, Place, days, now, operator, realm};

fn name(text: &str) -> TokenName {
    TokenName::parse(text).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

#[test]
fn a_token_is_borne_by_its_whole_secret_until_it_ends_or_is_revoked() {
    let (place, bench) = Bench::start();
    bench.create_realm("acme");
    let role = Role::RealmAdmin(realm("acme"));
    let end = Some(now().plus(days(2)));
    let made = bench
        .control
        .create_token(operator(), name("people"), role.clone(), end);
    let (done, secret) = runtime().block_on(made).unwrap();
    assert!(done.changed);
    let secret = secret.expose_str().unwrap().to_owned();
    assert!(
        secret.starts_with("rgt_") && secret.len() == 47,
        "{}",
        secret.len()
    );
    let address = "192.0.2.9".parse().unwrap();
    let actor = bench.control.authenticate(&secret, Some(address)).unwrap();
    assert_eq!(
        (actor.name.as_str(), actor.role, actor.address),
        ("people", role, Some(address))
    );
    let cut = &secret[..46];
    for wrong in [
        "",
        "rgt_",
        cut,
        &format!("{secret}A"),
        &secret[4..],
        &"rgt_x".repeat(1000),
    ] {
        assert!(bench.control.authenticate(wrong, None).is_none(), "{wrong}");
    }
    place.clock.set(now().plus(days(3)));
    assert!(bench.control.authenticate(&secret, None).is_none());
    assert!(bench.control.tokens(&operator()).unwrap()[0].expired);
    place.clock.set(now());
    bench
        .execute(&[Command::RevokeToken {
            name: name("people"),
        }])
        .unwrap();
    assert!(bench.control.authenticate(&secret, None).is_none());
}

#[test]
fn the_secret_is_kept_nowhere() {
    let place = Place::new();
    let bench = place.start();
    let (_, secret) = runtime()
        .block_on(
            bench
                .control
                .create_token(operator(), name("t"), Role::Operator, None),
        )
        .unwrap();
    let secret = secret.expose_str().unwrap().to_owned();
    let told = serde_json::to_string(&bench.control.tokens(&operator()).unwrap()).unwrap();
    let audited =
        serde_json::to_string(&bench.control.audit(&operator(), None, None, 100).unwrap()).unwrap();
    assert!(!told.contains(&secret) && !audited.contains(&secret));
    drop(bench);
    let file = std::fs::read(place.path()).unwrap();
    assert!(
        !file
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
    );
}

#[test]
fn the_first_operator_is_admitted_by_a_secret_that_was_kept_before() {
    let (_place, bench) = Bench::start();
    assert!(bench.control.needs_operator());
    let secret = tokens::generate().unwrap();
    bench
        .control
        .admit_operator(name("operator"), &secret)
        .unwrap();
    assert!(!bench.control.needs_operator());
    let actor = bench
        .control
        .authenticate(secret.expose_str().unwrap(), None)
        .unwrap();
    assert_eq!(actor.role, Role::Operator);
}

#[test]
fn a_lost_operators_token_is_replaced_with_the_server_stopped() {
    let place = Place::new();
    drop(place.start());
    let recover = || {
        let (name, secret) =
            recovery::new_operator_token(&place.store(), &place.rules(), now()).unwrap();
        (name.to_string(), secret)
    };
    let ((first, old), (second, new)) = (recover(), recover());
    assert_eq!(
        (first.as_str(), second.as_str()),
        ("recovered-operator", "recovered-operator-2")
    );
    let bench = place.start();
    for secret in [&old, &new] {
        let actor = bench
            .control
            .authenticate(secret.expose_str().unwrap(), None)
            .unwrap();
        assert_eq!(actor.role, Role::Operator);
    }
    let audit = bench.control.audit(&operator(), None, None, 1).unwrap();
    assert_eq!(
        (audit[0].action.as_str(), audit[0].actor.as_str()),
        ("token.create", "recovery")
    );
}
