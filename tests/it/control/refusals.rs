//! Refused clients: on their way from the journal to those who may read of them.

use std::borrow::Cow;

use realmgate::control::error::FailureKind;
use realmgate::domain::environment::{Environment, Gateway};
use realmgate::domain::refusal::RefusalRecord;
use realmgate::domain::token::Role;

use crate::control::bench::{Bench, Place, actor, now, operator, realm};

fn refusal(of: Option<&str>, sentence: &str) -> RefusalRecord {
    RefusalRecord {
        at: now(),
        realm: of.map(realm),
        gateway: Gateway::Mtls,
        environment: Some(Environment::Prod),
        address: "192.0.2.9".parse().unwrap(),
        server_name: Some("acme.api2.gate.localhost".to_owned()),
        reason: Cow::Borrowed("expired"),
        sentence: sentence.to_owned(),
        certificate: None,
        chain: None,
        left_out: 0,
    }
}

fn sentences(bench: &Bench, of: Option<&str>) -> Vec<String> {
    let of = of.map(realm);
    let read = bench
        .control
        .refusals(&operator(), of.as_ref(), None, 10_000)
        .unwrap();
    read.into_iter().map(|record| record.sentence).collect()
}

#[test]
fn what_is_read_is_complete_up_to_the_moment() {
    let (_place, bench) = Bench::start();
    bench.create_realm("acme");
    bench.journal.record(refusal(Some("acme"), "first"));
    bench.journal.record(refusal(Some("acme"), "second"));
    bench.journal.record(refusal(None, "of nobody"));
    assert_eq!(sentences(&bench, Some("acme")), ["second", "first"]);
    assert_eq!(sentences(&bench, None), ["of nobody"]);
    let read = bench
        .control
        .refusals(&operator(), Some(&realm("acme")), None, 1)
        .unwrap();
    let told = serde_json::to_value(&read[0]).unwrap();
    assert_eq!(told["reason"], "expired");
    assert!(told["advice"].as_str().unwrap().len() > 20, "{told}");
    let older = bench
        .control
        .refusals(
            &operator(),
            Some(&realm("acme")),
            Some(read[0].sequence),
            10,
        )
        .unwrap();
    assert_eq!(older.len(), 1);
}

#[test]
fn a_realm_keeps_its_latest_and_no_other_realm_pays_for_it() {
    let mut place = Place::new();
    place.refusals_per_realm_max = 10;
    let bench = place.start();
    bench.create_realm("acme");
    bench.create_realm("globex");
    bench.journal.record(refusal(Some("globex"), "alone"));
    for number in 0..50 {
        bench
            .journal
            .record(refusal(Some("acme"), &format!("{number}")));
        bench.control.drain_refusals().unwrap();
    }
    let kept = sentences(&bench, Some("acme"));
    assert_eq!(
        kept,
        (40..50)
            .rev()
            .map(|number| number.to_string())
            .collect::<Vec<_>>()
    );
    assert_eq!(sentences(&bench, Some("globex")), ["alone"]);
}

#[test]
fn refusals_are_read_by_those_whose_they_are() {
    let (_place, bench) = Bench::start();
    bench.create_realm("acme");
    bench.create_realm("globex");
    bench.journal.record(refusal(Some("acme"), "of acme"));
    let (acme, nobody) = (realm("acme"), realm("nobody"));
    let read = |role, of| {
        bench
            .control
            .refusals(&actor(role), of, None, 10)
            .map(|records| records.len())
    };
    assert_eq!(
        read(Role::RealmAdmin(acme.clone()), Some(&acme)).unwrap(),
        1
    );
    assert_eq!(read(Role::Auditor, Some(&acme)).unwrap(), 1);
    assert_eq!(read(Role::Auditor, None).unwrap(), 0);
    let foreign = read(Role::RealmAdmin(realm("globex")), Some(&acme)).unwrap_err();
    let missing = read(Role::Operator, Some(&nobody)).unwrap_err();
    assert_eq!(
        (foreign.kind(), missing.kind()),
        (FailureKind::NotFound, FailureKind::NotFound)
    );
    assert_eq!(
        foreign.to_string().replace("acme", "nobody"),
        missing.to_string()
    );
    let own = read(Role::RealmAdmin(realm("acme")), None).unwrap_err();
    assert_eq!(own.kind(), FailureKind::Forbidden);
}

#[test]
fn upkeep_stores_what_waits_each_second_and_a_last_time_at_the_end() {
    let place = Place::new();
    let bench = place.start();
    bench.create_realm("acme");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let upkeep = runtime.spawn(std::sync::Arc::clone(&bench.control).upkeep(stopped));
    bench.journal.record(refusal(Some("acme"), "first"));
    let deadline = realmgate::clock::Stopwatch::start();
    while bench.journal.waiting() > 0 {
        assert!(deadline.elapsed().as_secs() < 20, "nothing was stored");
        std::thread::yield_now();
    }
    bench.journal.record(refusal(Some("acme"), "last"));
    stop.send(true).unwrap();
    runtime.block_on(upkeep).unwrap();
    assert_eq!(bench.journal.waiting(), 0);
    drop((runtime, bench));
    assert_eq!(sentences(&place.start(), Some("acme")), ["last", "first"]);
}
