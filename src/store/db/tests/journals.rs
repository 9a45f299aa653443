//! The audit and the refusal journals: order, paging, bounds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::clock::Moment;
use crate::domain::audit::AuditFact;
use crate::domain::catalog::Catalog;
use crate::domain::command::Command;
use crate::domain::environment::{Environment, Gateway};
use crate::domain::name::RealmName;
use crate::domain::refusal::{PresentedChain, RefusalRecord, ShownCertificate};
use crate::domain::token::{Actor, Role};
use crate::store::db::Store;
use crate::store::reading::AuditFilter;
use crate::store::workshop::{Draft, SimulatedDisk, master_key, now, realm};

fn with_realms(disk: &SimulatedDisk, names: &[&str]) -> (Store, Draft) {
    let store = Store::open_with_backend(disk.clone(), &master_key(), now()).unwrap();
    let mut draft = Draft::of(Catalog::default());
    for name in names {
        draft.apply(&Command::CreateRealm { realm: realm(name) });
    }
    draft.commit(&store).unwrap();
    (store, draft)
}

fn refusal(of: Option<&str>, number: u64) -> RefusalRecord {
    RefusalRecord {
        at: Moment::from_unix_millis(number as i64),
        realm: of.map(realm),
        gateway: Gateway::Mtls,
        environment: Some(Environment::Prod),
        address: IpAddr::V6(Ipv6Addr::LOCALHOST),
        server_name: Some("acme.api2.gate.localhost".to_owned()),
        reason: "expired".into(),
        sentence: "The certificate CN=client-1 has expired.".to_owned(),
        certificate: number.is_multiple_of(2).then(|| ShownCertificate {
            subject: "CN=client-1".to_owned(),
            issuer: "CN=root".to_owned(),
            serial: "0a".to_owned(),
            fingerprint: "00".repeat(32),
            not_before: Moment::EPOCH,
            not_after: Moment::MAX,
        }),
        chain: None,
        left_out: number / 3,
    }
}

fn refusals(of: Option<&str>, numbers: std::ops::Range<u64>) -> Vec<RefusalRecord> {
    numbers.map(|number| refusal(of, number)).collect()
}

/// The sequences and numbers kept, newest first.
fn kept(store: &Store, of: Option<&str>) -> Vec<(u64, i64)> {
    let records = store
        .refusals(of.map(realm).as_ref(), None, usize::MAX)
        .unwrap();
    records
        .into_iter()
        .map(|(sequence, record)| (sequence, record.at.unix_millis()))
        .collect()
}

#[test]
fn an_audit_record_is_given_back_with_all_its_facts() {
    let store = with_realms(&SimulatedDisk::default(), &["acme"]).0;
    let actor = Actor {
        name: "ada".to_owned(),
        role: Role::RealmAdmin(realm("acme")),
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))),
    };
    let fact = AuditFact {
        action: "installation.install",
        realm: Some(realm("acme")),
        environment: Some(Environment::Test),
        object: "dgb-mtls-a".to_owned(),
        detail: vec![
            ("fingerprints", "00 ff".to_owned()),
            ("reason", "ä\n".to_owned()),
        ],
    };
    let at = Moment::from_unix_millis(-5);
    let next = Catalog {
        revision: 7,
        ..store.load().unwrap()
    };
    let made = store
        .commit(&next, &[], &[fact.clone(), fact], &actor, at)
        .unwrap();
    assert_eq!(
        made.iter()
            .map(|record| record.sequence)
            .collect::<Vec<_>>(),
        [2, 3]
    );
    let filter = AuditFilter {
        realm: None,
        before: None,
        limit: 2,
    };
    let mut read = store.audit(&filter).unwrap();
    read.reverse();
    assert_eq!(read, made);
    let record = &read[0];
    assert_eq!(
        (record.revision, record.at, record.actor.as_str()),
        (7, at, "ada")
    );
    assert_eq!(
        (record.role.as_str(), record.address),
        ("realm-admin", actor.address)
    );
    assert_eq!(
        (&record.realm, record.environment),
        (&Some(realm("acme")), Some(Environment::Test))
    );
    assert_eq!(
        (record.action.as_str(), record.object.as_str()),
        ("installation.install", "dgb-mtls-a")
    );
    assert_eq!(record.detail[1], ("reason".to_owned(), "ä\n".to_owned()));
    assert_eq!(store.last_audit_moment().unwrap(), Some(at));
}

#[test]
fn the_audit_is_read_newest_first_page_by_page_and_by_realm() {
    let (store, mut draft) = with_realms(&SimulatedDisk::default(), &["acme", "acme-2", "b"]);
    for round in 0..10_u8 {
        for name in ["acme", "acme-2", "b"] {
            let (realm, suspend) = (realm(name), round.is_multiple_of(2));
            draft.apply(&match suspend {
                true => Command::SuspendRealm { realm },
                false => Command::ResumeRealm { realm },
            });
        }
        draft.commit(&store).unwrap();
    }
    let page = |of: Option<&str>, before, limit| {
        let filter = AuditFilter {
            realm: of.map(realm),
            before,
            limit,
        };
        let records = store.audit(&filter).unwrap();
        for record in &records {
            assert!(of.is_none() || record.realm.as_ref().map(RealmName::as_str) == of);
        }
        records
            .into_iter()
            .map(|record| record.sequence)
            .collect::<Vec<_>>()
    };
    assert_eq!(page(None, None, 3), [33, 32, 31]);
    assert_eq!(page(None, Some(31), 2), [30, 29]);
    assert_eq!(page(None, Some(2), 9), [1]);
    assert_eq!(page(None, Some(1), 9), Vec::<u64>::new());
    assert_eq!(page(None, None, 0), Vec::<u64>::new());
    assert_eq!(page(Some("acme"), None, 2), [31, 28]);
    assert_eq!(page(Some("acme"), Some(28), 2), [25, 22]);
    assert_eq!(page(Some("acme-2"), Some(6), 9), [5, 2]);
    assert_eq!(page(Some("acme"), None, 99).len(), 11);
    assert_eq!(page(Some("nobody"), None, 99), Vec::<u64>::new());
}

#[test]
fn a_refusal_is_given_back_with_all_its_facts() {
    let disk = SimulatedDisk::default();
    let store = with_realms(&disk, &["acme"]).0;
    let mut bare = refusal(None, 1);
    (bare.environment, bare.server_name) = (None, None);
    let given = [refusal(Some("acme"), 2), bare];
    store.add_refusals(&given, 10).unwrap();
    drop(store);
    let store = Store::open_with_backend(disk, &master_key(), now()).unwrap();
    assert_eq!(
        store.refusals(Some(&realm("acme")), None, 10).unwrap(),
        [(1, given[0].clone())]
    );
    assert_eq!(
        store.refusals(None, None, 10).unwrap(),
        [(1, given[1].clone())]
    );
}

#[test]
fn a_journal_keeps_the_latest_and_a_flood_pushes_out_nobody_elses() {
    let (store, _) = with_realms(&SimulatedDisk::default(), &["acme", "globex"]);
    store
        .add_refusals(&refusals(Some("globex"), 0..3), 5)
        .unwrap();
    store.add_refusals(&refusals(None, 0..1), 5).unwrap();
    for round in 0..20 {
        store
            .add_refusals(&refusals(Some("acme"), round * 3..round * 3 + 3), 5)
            .unwrap();
    }
    let newest = [(60, 59), (59, 58), (58, 57), (57, 56), (56, 55)];
    assert_eq!(kept(&store, Some("acme")), newest);
    assert_eq!(kept(&store, Some("globex")), [(3, 2), (2, 1), (1, 0)]);
    assert_eq!(kept(&store, None), [(1, 0)]);
    let page = store.refusals(Some(&realm("acme")), Some(58), 1).unwrap();
    assert_eq!(
        page.iter()
            .map(|(sequence, _)| *sequence)
            .collect::<Vec<_>>(),
        [57]
    );
}

#[test]
fn more_than_a_journal_holds_at_once_leaves_the_last_of_them() {
    let (store, _) = with_realms(&SimulatedDisk::default(), &["acme"]);
    store
        .add_refusals(&refusals(Some("acme"), 0..2), 3)
        .unwrap();
    store
        .add_refusals(&refusals(Some("acme"), 2..12), 3)
        .unwrap();
    assert_eq!(kept(&store, Some("acme")), [(12, 11), (11, 10), (10, 9)]);
    store
        .add_refusals(&refusals(Some("acme"), 12..13), 2)
        .unwrap();
    assert_eq!(kept(&store, Some("acme")), [(13, 12), (12, 11)]);
    store
        .add_refusals(&refusals(Some("acme"), 13..14), 4)
        .unwrap();
    assert_eq!(kept(&store, Some("acme")), [(14, 13), (13, 12), (12, 11)]);
    store.add_refusals(&[], 4).unwrap();
}

#[test]
fn refusals_of_a_realm_go_with_it_and_what_comes_late_is_the_operators() {
    let (store, mut draft) = with_realms(&SimulatedDisk::default(), &["acme"]);
    store
        .add_refusals(&refusals(Some("acme"), 0..2), 5)
        .unwrap();
    draft.apply(&Command::DeleteRealm {
        realm: realm("acme"),
    });
    draft.commit(&store).unwrap();
    store
        .add_refusals(&refusals(Some("acme"), 2..3), 5)
        .unwrap();
    draft.apply(&Command::CreateRealm {
        realm: realm("acme"),
    });
    draft.commit(&store).unwrap();
    assert_eq!(kept(&store, Some("acme")), []);
    let operators = store.refusals(None, None, 5).unwrap();
    assert_eq!(operators.len(), 1);
    assert_eq!(operators[0].1.realm, None);
}

#[test]
fn only_the_latest_refusals_of_a_journal_keep_their_chains() {
    let (store, _) = with_realms(&SimulatedDisk::default(), &["acme"]);
    let with_chain = |number: u64| RefusalRecord {
        chain: PresentedChain::of([&number.to_be_bytes()[..]]),
        ..refusal(Some("acme"), number)
    };
    let with_chains = || -> Vec<u64> {
        let records = store.refusals(Some(&realm("acme")), None, 1000).unwrap();
        for (sequence, record) in &records {
            let expect = with_chain(*sequence - 1);
            let chain = record.chain.clone();
            assert_eq!(*record, RefusalRecord { chain, ..expect });
        }
        let kept = records.iter().filter(|(_, record)| record.chain.is_some());
        kept.map(|(sequence, _)| *sequence).collect()
    };
    for (numbers, most, expect) in [
        (0..10, 1000, (1, 10)),
        (10..600, 1000, (345, 600)),
        (600..601, 1000, (346, 601)),
        (601..602, 1000, (347, 602)),
        (602..603, 20, (584, 603)),
    ] {
        let records: Vec<RefusalRecord> = numbers.map(with_chain).collect();
        store.add_refusals(&records, most).unwrap();
        let kept = with_chains();
        assert_eq!((kept[kept.len() - 1], kept[0]), expect);
        assert_eq!(kept.len() as u64, expect.1 - expect.0 + 1);
    }
}
