//! After a power cut exactly the acknowledged commits are there, audit included.

use crate::domain::catalog::Catalog;
use crate::domain::command::Command;
use crate::store::db::Store;
use crate::store::reading::AuditFilter;
use crate::store::workshop::{
    AUTHORITIES, Chance, Draft, Misbehaviour, SimulatedDisk, assert_same, master_key, now, realm,
    save_account, trust_source,
};

const COMMITS: usize = 14;

/// The commits of one life: realms with an account each; one goes again, and a big one makes the file grow.
fn change(draft: &mut Draft, number: usize) {
    let name = format!("realm-{number}");
    draft.apply(&Command::CreateRealm {
        realm: realm(&name),
    });
    let anchor = AUTHORITIES[number % 4].certificate.clone();
    draft.apply(&save_account(&name, "dgb-mtls-a", trust_source(&[anchor])));
    if number == 5 {
        draft.apply(&Command::DeleteRealm {
            realm: realm("realm-3"),
        });
    }
    if number == 8 {
        for more in 0..60 {
            draft.apply(&Command::CreateRealm {
                realm: realm(&format!("more-{more}")),
            });
        }
    }
}

/// Lives until the power goes. Answers with what was acknowledged, and what was under way.
fn live(disk: &SimulatedDisk) -> (Draft, Draft) {
    let mut acknowledged = Draft::of(Catalog::default());
    let mut under_way = acknowledged.clone();
    let Ok(store) = Store::open_with_backend(disk.clone(), &master_key(), now()) else {
        return (acknowledged, under_way);
    };
    for number in 0..COMMITS {
        change(&mut under_way, number);
        let attempt = under_way.clone();
        if under_way.commit(&store).is_err() {
            under_way = attempt;
            under_way.catalog.revision += 1;
            return (acknowledged, under_way);
        }
        acknowledged = under_way.clone();
    }
    (acknowledged, under_way)
}

fn audit_actions(store: &Store) -> Vec<(u64, u64, String)> {
    let all = AuditFilter {
        realm: None,
        before: None,
        limit: usize::MAX,
    };
    let records = store.audit(&all).unwrap().into_iter().rev();
    records
        .map(|record| (record.sequence, record.revision, record.object))
        .collect()
}

/// What the audit has to tell after so many commits.
fn expected_audit(revision: u64) -> Vec<(u64, u64, String)> {
    let mut draft = Draft::of(Catalog::default());
    let mut told = Vec::new();
    for (number, revision) in (0..COMMITS).zip(1..=revision) {
        change(&mut draft, number);
        for fact in draft.facts.drain(..) {
            told.push((told.len() as u64 + 1, revision, fact.object));
        }
    }
    told
}

#[test]
fn exactly_the_acknowledged_commits_survive_a_power_cut_at_any_moment() {
    // Making a store is not under test here: a file gets its place when it is whole.
    let made = SimulatedDisk::default();
    drop(Store::open_with_backend(made.clone(), &master_key(), now()).unwrap());
    let whole = SimulatedDisk::of(made.content());
    let (finished, _) = live(&whole);
    assert_eq!(finished.catalog.revision, COMMITS as u64);
    let last = whole.accesses();
    let (mut old, mut new) = (0, 0);
    for round in 0..400_u64 {
        let mut chance = Chance(round);
        let disk = SimulatedDisk::of(made.content());
        disk.misbehave(Misbehaviour::PowerCut(1 + chance.below(last)));
        let (acknowledged, under_way) = live(&disk);
        let disk = disk.after_power_cut(&mut chance);

        let store = Store::open_with_backend(disk, &master_key(), now()).unwrap();
        let loaded = store.load().unwrap();
        let mut survivor = if loaded.revision == acknowledged.catalog.revision {
            old += 1;
            acknowledged
        } else {
            new += 1;
            under_way
        };
        assert_same(&loaded, &survivor.catalog);
        assert_eq!(
            audit_actions(&store),
            expected_audit(loaded.revision),
            "round {round}"
        );

        survivor.touched.clear();
        survivor.facts.clear();
        survivor.apply(&Command::CreateRealm {
            realm: realm("afterwards"),
        });
        survivor.commit(&store).unwrap();
        assert_same(&store.load().unwrap(), &survivor.catalog);
    }
    assert!(old > 100, "cuts that lost an unacknowledged commit: {old}");
    assert!(new > 5, "cuts just before an acknowledgement: {new}");
}
