//! Full, broken and slow disks.

use crate::domain::catalog::Catalog;
use crate::domain::command::Command;
use crate::store::db::Store;
use crate::store::error::StoreError;
use crate::store::reading::AuditFilter;
use crate::store::workshop::{
    Draft, Misbehaviour, SimulatedDisk, assert_same, master_key, now, realm,
};

const ALL: AuditFilter = AuditFilter {
    realm: None,
    before: None,
    limit: usize::MAX,
};

fn open(disk: &SimulatedDisk) -> Store {
    Store::open_with_backend(disk.clone(), &master_key(), now()).unwrap()
}

/// A store with one realm in it.
fn begun(disk: &SimulatedDisk) -> (Store, Draft) {
    let store = open(disk);
    let mut draft = Draft::of(Catalog::default());
    draft.apply(&Command::CreateRealm {
        realm: realm("acme"),
    });
    draft.commit(&store).unwrap();
    (store, draft)
}

fn create(draft: &mut Draft, names: impl IntoIterator<Item = String>) {
    for name in names {
        draft.apply(&Command::CreateRealm {
            realm: realm(&name),
        });
    }
}

#[test]
fn a_commit_is_synced_once_and_once_more_where_the_file_grows() {
    let disk = SimulatedDisk::default();
    let (store, mut draft) = begun(&disk);
    let (mut plain, mut growing) = (0, 0);
    for number in 0..300 {
        create(&mut draft, [format!("realm-{number}")]);
        let (syncs, growths) = (disk.syncs(), disk.growths());
        draft.commit(&store).unwrap();
        let grown = disk.growths() - growths;
        assert_eq!(disk.syncs() - syncs, 1 + grown, "commit {number}");
        if grown == 0 { plain += 1 } else { growing += 1 }
    }
    assert!(
        plain >= 290 && growing >= 1,
        "{plain} plain, {growing} growing"
    );
}

#[test]
fn a_read_needs_no_sync() {
    let disk = SimulatedDisk::default();
    let (store, draft) = begun(&disk);
    let syncs = disk.syncs();
    assert_same(&store.load().unwrap(), &draft.catalog);
    assert_eq!(store.audit(&ALL).unwrap().len(), 1);
    assert_eq!(disk.syncs(), syncs);
}

#[test]
fn a_full_disk_changes_nothing_and_reading_goes_on_until_there_is_space_again() {
    let disk = SimulatedDisk::default();
    let (store, mut draft) = begun(&disk);
    let before = draft.catalog.clone();
    disk.misbehave(Misbehaviour::Full(disk.content().len() as u64));
    create(
        &mut draft,
        (0..2000).map(|number| format!("realm-{number}")),
    );
    for _ in 0..3 {
        let error = draft.commit(&store).unwrap_err();
        assert!(matches!(error, StoreError::Write { .. }), "{error}");
        assert!(error.to_string().contains("nothing was changed"), "{error}");
        assert_same(&store.load().unwrap(), &before);
        assert_eq!(store.audit(&ALL).unwrap().len(), 1);
    }
    disk.misbehave(Misbehaviour::None);
    draft.commit(&store).unwrap();
    assert_same(&store.load().unwrap(), &draft.catalog);
    drop(store);
    assert_same(&open(&disk).load().unwrap(), &draft.catalog);
}

#[test]
fn a_disk_that_became_read_only_is_still_read() {
    let disk = SimulatedDisk::default();
    let (store, mut draft) = begun(&disk);
    let before = draft.catalog.clone();
    disk.misbehave(Misbehaviour::ReadOnly);
    create(&mut draft, ["globex".to_owned()]);
    for _ in 0..3 {
        let error = draft.commit(&store).unwrap_err();
        assert!(matches!(error, StoreError::Write { .. }), "{error}");
        assert_same(&store.load().unwrap(), &before);
        assert_eq!(store.audit(&ALL).unwrap().len(), 1);
    }
    disk.misbehave(Misbehaviour::None);
    draft.commit(&store).unwrap();
    drop(store);
    assert_same(&open(&disk).load().unwrap(), &draft.catalog);
}

#[test]
fn a_disk_that_failed_for_a_while_is_read_and_written_again() {
    let disk = SimulatedDisk::default();
    let (store, mut draft) = begun(&disk);
    let before = draft.catalog.clone();
    create(&mut draft, ["globex".to_owned()]);
    disk.misbehave(Misbehaviour::Broken);
    let error = draft.commit(&store).unwrap_err();
    assert!(matches!(error, StoreError::Write { .. }), "{error}");
    for _ in 0..3 {
        let error = store.load().unwrap_err();
        assert!(matches!(error, StoreError::Read { .. }), "{error}");
        let error = draft.commit(&store).unwrap_err();
        assert!(matches!(error, StoreError::Write { .. }), "{error}");
    }
    disk.misbehave(Misbehaviour::None);
    assert_same(&store.load().unwrap(), &before);
    draft.commit(&store).unwrap();
    assert_same(&store.load().unwrap(), &draft.catalog);
}

#[test]
fn reads_and_writes_from_several_threads_see_whole_commits() {
    let disk = SimulatedDisk::default();
    let (store, mut draft) = begun(&disk);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                let loaded = store.load().unwrap();
                assert_eq!(loaded.realms.len() as u64, loaded.revision);
                let newest = AuditFilter { limit: 1, ..ALL };
                assert!(store.audit(&newest).unwrap()[0].sequence >= loaded.revision);
            }
        });
        for number in 0..100 {
            create(&mut draft, [format!("realm-{number}")]);
            draft.commit(&store).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Release);
    });
    assert_same(&store.load().unwrap(), &draft.catalog);
}

#[test]
fn after_a_sync_that_failed_no_more_changes_are_taken() {
    let disk = SimulatedDisk::default();
    let (store, mut draft) = begun(&disk);
    let before = draft.catalog.clone();
    create(&mut draft, ["globex".to_owned()]);
    disk.misbehave(Misbehaviour::NoSync);
    let error = draft.clone().commit(&store).unwrap_err();
    assert!(matches!(error, StoreError::Unsynced { .. }), "{error}");
    disk.misbehave(Misbehaviour::None);
    let error = draft.clone().commit(&store).unwrap_err();
    assert!(matches!(error, StoreError::Stopped { .. }), "{error}");
    store.load().unwrap();
    drop(store);
    let loaded = open(&disk).load().unwrap();
    if loaded.revision == before.revision {
        assert_same(&loaded, &before);
    } else {
        draft.catalog.revision += 1;
        assert_same(&loaded, &draft.catalog);
    }
}

#[test]
fn a_commit_that_only_could_not_give_space_back_is_acknowledged() {
    let disk = SimulatedDisk::default();
    let (store, mut draft) = begun(&disk);
    let names: Vec<String> = (0..6000).map(|number| format!("realm-{number}")).collect();
    create(&mut draft, names.clone());
    draft.facts.clear();
    draft.commit(&store).unwrap();
    for name in &names {
        draft.apply(&Command::DeleteRealm { realm: realm(name) });
    }
    draft.facts.clear();
    draft.commit(&store).unwrap();
    disk.misbehave(Misbehaviour::NoShrinking);
    for number in 0..10 {
        create(&mut draft, [format!("late-{number}")]);
        draft.commit(&store).unwrap();
        assert_same(&store.load().unwrap(), &draft.catalog);
    }
}
