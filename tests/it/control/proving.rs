//! The reserved realm: one at a time, seen by nobody, gone however a run ends.

use realmgate::control::error::ControlError;
use realmgate::control::proving::Proof;
use realmgate::domain::command::{Command, ProofOutcome};
use realmgate::domain::name::RealmName;
use realmgate::domain::rejection::Rejection;
use tokio::runtime::Runtime;

use crate::control::bench::{Bench, Place, operator};
use crate::support::wait;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap()
}

fn begun(bench: &Bench) -> Result<Proof, ControlError> {
    runtime().block_on(bench.control.begin_proof(operator(), Vec::new()))
}

fn is_there(bench: &Bench) -> bool {
    let catalog = bench.control.catalog();
    catalog.realms.contains_key(&RealmName::reserved())
}

/// The actions in the reserved realm with their details, oldest first.
fn audited(bench: &Bench) -> Vec<String> {
    let records = bench
        .control
        .audit(&operator(), Some(RealmName::reserved()), None, 100)
        .unwrap();
    let told = records.iter().rev().map(|record| {
        let detail = record.detail.values().map(|value| value.as_str().unwrap());
        std::iter::once(record.action.as_str())
            .chain(detail)
            .collect::<Vec<_>>()
            .join(" ")
    });
    told.collect()
}

#[test]
fn it_is_made_hidden_and_removed_with_what_came_of_it_in_the_audit() {
    let (_place, bench) = Bench::start();
    let proof = begun(&bench).unwrap();
    assert!(is_there(&bench));
    assert!(bench.control.realms(&operator()).is_empty());
    assert_eq!(bench.control.status(&operator()).unwrap().realms, 0);
    let realm = RealmName::reserved();
    let seen = bench.control.realm(&operator(), &realm);
    assert!(matches!(seen, Err(Rejection::NoRealm { .. })), "{seen:?}");
    let touched = bench
        .control
        .execute_blocking(&operator(), &[Command::DeleteRealm { realm }]);
    assert!(
        matches!(
            touched,
            Err(ControlError::Rejected(Rejection::RealmReserved { .. }))
        ),
        "{touched:?}"
    );
    let outcome = ProofOutcome::Complete {
        held: 7,
        not_held: 1,
        not_tried: 2,
    };
    runtime().block_on(proof.end(outcome)).unwrap();
    assert!(!is_there(&bench));
    assert_eq!(audited(&bench), ["proof.begin", "proof.end 7 1 2"]);
}

#[test]
fn there_is_one_at_a_time() {
    let (_place, bench) = Bench::start();
    let first = begun(&bench).unwrap();
    let second = begun(&bench);
    assert!(matches!(second, Err(ControlError::ProofRunning)));
    runtime()
        .block_on(first.end(ProofOutcome::Interrupted))
        .unwrap();
    let third = begun(&bench).unwrap();
    drop(third);
}

#[test]
fn a_run_that_is_given_up_is_cleared_away() {
    let (_place, bench) = Bench::start();
    drop(begun(&bench).unwrap());
    wait::until("the reserved realm to go", 10, || !is_there(&bench));
    assert_eq!(audited(&bench), ["proof.begin", "proof.end interrupted"]);
    wait::until("the next run to be allowed", 10, || begun(&bench).is_ok());
}

#[test]
fn what_cannot_be_set_up_leaves_nothing_and_bars_nobody() {
    let (_place, bench) = Bench::start();
    let wrong = Command::ResumeRealm {
        realm: RealmName::parse("nobody").unwrap(),
    };
    let failed = runtime().block_on(bench.control.begin_proof(operator(), vec![wrong]));
    assert!(matches!(failed, Err(ControlError::Rejected(_))));
    assert!(!is_there(&bench));
    assert!(begun(&bench).is_ok());
}

#[test]
fn what_a_crash_left_over_is_removed_at_the_next_start() {
    let place = Place::new();
    let bench = place.start();
    std::mem::forget(begun(&bench).unwrap());
    // The process ends here: the forgotten hold keeps `control` alive, and with it the lock on the file.
    let copy = place.copy();
    let again = copy.start();
    assert!(!is_there(&again));
    assert_eq!(
        audited(&again),
        ["proof.begin", "proof.end left over, removed at the start"]
    );
}
