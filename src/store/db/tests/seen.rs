//! Clients that were seen: added up, bounded, read by when last, gone with their realm.

use std::net::{IpAddr, Ipv4Addr};

use crate::clock::Moment;
use crate::domain::catalog::Catalog;
use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::seen::SeenClient;
use crate::pki::fingerprint::Fingerprint;
use crate::store::db::Store;
use crate::store::seen::{SeenFilter, SeenPlace};
use crate::store::workshop::{Draft, SimulatedDisk, master_key, now, realm};

const EVERYBODY: SeenFilter = SeenFilter {
    environment: None,
    anchor: None,
    since: None,
    before: None,
    limit: usize::MAX,
};

fn sha256(of: &str) -> Fingerprint {
    Fingerprint::of(of.as_bytes())
}

fn at(second: i64) -> Moment {
    Moment::from_unix_seconds(second)
}

/// A full handshake of `client` of `anchor`.
fn sighting(of: &str, client: &str, anchor: &str, second: i64) -> SeenClient {
    SeenClient {
        realm: realm(of),
        environment: Environment::Prod,
        fingerprint: sha256(client),
        subject: client.to_owned(),
        sans: vec!["DNS:client.example".to_owned()],
        issuer: "CN=Root".to_owned(),
        serial: "0a".to_owned(),
        spki_sha256: sha256("key"),
        not_after: Moment::MAX,
        anchor: sha256(anchor),
        anchor_subject: "CN=Root".to_owned(),
        account: format!("dgb-mtls-{anchor}"),
        chain: vec![vec![1, 2, 3], vec![4]],
        chain_cut: false,
        first: at(second),
        last: at(second),
        handshakes: 1,
        full_handshakes: 1,
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        tls: "TLSv1.3".to_owned(),
        protocol: "h2".to_owned(),
    }
}

fn store(names: &[&str]) -> (Store, Draft) {
    let disk = SimulatedDisk::default();
    let store = Store::open_with_backend(disk, &master_key(), now()).unwrap();
    let mut draft = Draft::of(Catalog::default());
    for name in names {
        draft.apply(&Command::CreateRealm { realm: realm(name) });
    }
    draft.commit(&store).unwrap();
    (store, draft)
}

fn kept(store: &Store, of: &str, filter: &SeenFilter) -> Vec<String> {
    let clients = store.clients_seen(&realm(of), filter).unwrap();
    clients.into_iter().map(|client| client.subject).collect()
}

#[test]
fn sightings_add_up_and_the_latest_has_the_last_word() {
    let (store, _) = store(&["acme", "globex"]);
    let first = sighting("acme", "a", "old", 10);
    let resumed = SeenClient {
        full_handshakes: 0,
        handshakes: 3,
        address: "192.0.2.1".parse().unwrap(),
        ..sighting("acme", "a", "old", 20)
    };
    store.add_clients_seen(&[first, resumed], 10).unwrap();
    let moved = sighting("acme", "a", "new", 30);
    store
        .add_clients_seen(std::slice::from_ref(&moved), 10)
        .unwrap();
    let expect = SeenClient {
        first: at(10),
        handshakes: 5,
        full_handshakes: 2,
        ..moved
    };
    let read = store.clients_seen(&realm("acme"), &EVERYBODY).unwrap();
    assert_eq!(read, [expect]);
    assert!(kept(&store, "globex", &EVERYBODY).is_empty());

    let used = |anchor| {
        let found = store.anchor_use(&realm("acme"), Environment::Prod, &sha256(anchor));
        found
            .unwrap()
            .map(|used| (used.handshakes, used.first, used.last))
    };
    assert_eq!(used("old"), Some((1, at(10), at(20))));
    assert_eq!(used("new"), Some((1, at(30), at(30))));
    assert_eq!(used("other"), None);
    let elsewhere = store.anchor_use(&realm("acme"), Environment::Test, &sha256("old"));
    assert_eq!(elsewhere.unwrap(), None);
}

#[test]
fn a_client_that_is_only_there_still_is_written_once_a_minute() {
    let (store, _) = store(&["acme"]);
    let add = |second, handshakes| {
        let seen = SeenClient {
            handshakes,
            full_handshakes: 0,
            ..sighting("acme", "a", "old", second)
        };
        store.add_clients_seen(&[seen], 10).unwrap();
        store.clients_seen(&realm("acme"), &EVERYBODY).unwrap()[0].last
    };
    assert_eq!(add(0, 1), at(0));
    assert_eq!(add(59, 0), at(0));
    assert_eq!(add(60, 0), at(60));
    assert_eq!(add(61, 1), at(61));
}

#[test]
fn open_connections_keep_their_clients_and_anchors_present() {
    let (store, _) = store(&["acme"]);
    let seen = [
        sighting("acme", "a", "old", 0),
        sighting("acme", "b", "new", 5),
    ];
    store.add_clients_seen(&seen, 10).unwrap();
    let present = ["a", "nobody"].map(|client| (realm("acme"), Environment::Prod, sha256(client)));
    for (second, expect) in [(30, 0), (90, 90), (100, 90)] {
        store.touch_clients_seen(&present, at(second)).unwrap();
        let clients = store.clients_seen(&realm("acme"), &EVERYBODY).unwrap();
        let facts = |client: &SeenClient| (client.subject.clone(), client.last, client.handshakes);
        let mut facts: Vec<_> = clients.iter().map(facts).collect();
        facts.sort_unstable();
        let expect = [("a".to_owned(), at(expect), 1), ("b".to_owned(), at(5), 1)];
        assert_eq!(facts, expect, "{second}");
    }
    let used = store.anchor_use(&realm("acme"), Environment::Prod, &sha256("old"));
    let used = used.unwrap().unwrap();
    assert_eq!((used.handshakes, used.last), (1, at(100)));
}

#[test]
fn of_each_realm_the_clients_that_were_seen_last_are_kept() {
    let (store, _) = store(&["acme", "globex"]);
    let names: Vec<String> = (0..25).map(|number| format!("{number}")).collect();
    let seconds = || (0..).zip(&names);
    for (second, name) in seconds() {
        store
            .add_clients_seen(&[sighting("acme", name, "old", second)], 10)
            .unwrap();
        // The first one comes again and again.
        let seen = [
            sighting("acme", "0", "old", second),
            sighting("globex", "g", "old", 0),
        ];
        store.add_clients_seen(&seen, 10).unwrap();
    }
    let left = kept(&store, "acme", &EVERYBODY);
    assert_eq!(left.len(), 10);
    let mut expect: Vec<String> = (16..25).map(|number| number.to_string()).collect();
    expect.push("0".to_owned());
    expect.sort_unstable();
    let mut sorted = left;
    sorted.sort_unstable();
    assert_eq!(sorted, expect);
    assert_eq!(kept(&store, "globex", &EVERYBODY), ["g"]);
}

#[test]
fn clients_are_read_page_by_page_by_when_last_also_those_of_one_moment() {
    let (store, _) = store(&["acme"]);
    let mut seen: Vec<SeenClient> = ["a", "b", "c", "d", "e"]
        .map(|name| sighting("acme", name, "old", 5))
        .into();
    seen.push(sighting("acme", "late", "new", 9));
    let mut test = sighting("acme", "test", "old", 7);
    test.environment = Environment::Test;
    seen.push(test);
    store.add_clients_seen(&seen, 100).unwrap();

    let mut read = Vec::new();
    let mut before = None;
    loop {
        let page = SeenFilter {
            limit: 2,
            before,
            ..EVERYBODY
        };
        let page = store.clients_seen(&realm("acme"), &page).unwrap();
        let Some(last) = page.last() else { break };
        before = Some(SeenPlace {
            last: last.last,
            client: Some((last.environment, last.fingerprint)),
        });
        read.extend(page.into_iter().map(|client| client.subject));
    }
    assert_eq!(read[..2], ["late", "test"]);
    read[2..].sort_unstable();
    assert_eq!(read[2..], ["a", "b", "c", "d", "e"]);

    let with = |change: fn(&mut SeenFilter)| {
        let mut filter = EVERYBODY;
        change(&mut filter);
        kept(&store, "acme", &filter).len()
    };
    assert_eq!(with(|filter| filter.since = Some(at(6))), 2);
    assert_eq!(with(|filter| filter.since = Some(at(10))), 0);
    assert_eq!(with(|filter| filter.anchor = Some(sha256("new"))), 1);
    let test = |filter: &mut SeenFilter| filter.environment = Some(Environment::Test);
    assert_eq!(with(test), 1);
    let early = |filter: &mut SeenFilter| {
        filter.before = Some(SeenPlace {
            last: at(7),
            client: None,
        });
    };
    assert_eq!(with(early), 5);
}

#[test]
fn clients_go_with_their_realm_and_with_time() {
    let (store, mut draft) = store(&["acme", "globex"]);
    let seen = [
        sighting("acme", "a", "old", 5),
        sighting("globex", "early", "early", 5),
        sighting("globex", "late", "late", 50),
        sighting("nobody", "n", "old", 5),
    ];
    store.add_clients_seen(&seen, 100).unwrap();
    assert!(kept(&store, "nobody", &EVERYBODY).is_empty());
    draft.apply(&Command::DeleteRealm {
        realm: realm("acme"),
    });
    draft.apply(&Command::CreateRealm {
        realm: realm("acme"),
    });
    draft.commit(&store).unwrap();
    // The same name at once again: nobody noticed that it was gone.
    draft.apply(&Command::DeleteRealm {
        realm: realm("acme"),
    });
    draft.commit(&store).unwrap();
    assert!(kept(&store, "acme", &EVERYBODY).is_empty());
    let used = |of, anchor| {
        store
            .anchor_use(&realm(of), Environment::Prod, &sha256(anchor))
            .unwrap()
            .is_some()
    };
    assert!(!used("acme", "old"));

    store.forget_clients_seen(at(50)).unwrap();
    assert_eq!(kept(&store, "globex", &EVERYBODY), ["late"]);
    assert!(!used("globex", "early"));
    assert!(used("globex", "late"));
}
