use std::net::Ipv4Addr;
use std::sync::atomic::AtomicUsize;
use std::task::Wake;

use super::*;
use crate::pki::authority::{Authority, AuthorityRequest, ClientRequest};
use crate::pki::key::KeyChoice;
use crate::trust::judge::judge;
use crate::trust::limits::TrustLimits;
use crate::trust::set::{TrustSet, TrustSource};

fn at(seconds: i64) -> Moment {
    Moment::from_unix_seconds(1_800_000_000 + seconds)
}

/// A client whose certificate is valid for so many seconds.
fn verified(seconds: i64) -> Arc<Verified> {
    let root = Authority::self_signed(&AuthorityRequest {
        common_name: "Root".to_owned(),
        organization: None,
        not_before: at(-10),
        not_after: at(1_000_000),
        path_length: None,
        key: KeyChoice::EcP256,
    })
    .unwrap();
    let leaf = root
        .issue_client(&ClientRequest {
            common_name: "client-1".to_owned(),
            organization: None,
            sans: vec![],
            not_before: at(-10),
            not_after: at(seconds),
            key: KeyChoice::EcP256,
        })
        .unwrap();
    let set = TrustSet::build(TrustSource {
        anchors: vec![(root.certificate, "dgb-mtls-acme".into())],
        ..TrustSource::default()
    })
    .unwrap();
    let chain = [leaf.certificate.der().to_vec().into()];
    Arc::new(judge(&set, &chain, at(0), &TrustLimits::default()).unwrap())
}

fn entry(realm: Option<&str>, verified: &Arc<Verified>) -> Entry {
    Entry {
        realm: realm.map(name),
        environment: Environment::Prod,
        address: Ipv4Addr::LOCALHOST.into(),
        since: at(0),
        protocol: "h2",
        verified: Arc::clone(verified),
    }
}

fn name(name: &str) -> RealmName {
    RealmName::parse(name).unwrap()
}

#[derive(Default)]
struct Rings(AtomicUsize);

impl Wake for Rings {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Whether a connection was woken since it was last asked, and by a ring.
fn is_woken(registered: &Registered, rings: &Arc<Rings>) -> bool {
    let rung = rings.0.swap(0, Ordering::SeqCst);
    let waker = Waker::from(Arc::clone(rings));
    let due = registered.client().poll_due(&Context::from_waker(&waker));
    assert!(rung == 0 || due.is_ready());
    due.is_ready()
}

#[test]
fn a_connection_counts_for_the_realm_of_its_host_or_once_it_called_it() {
    let (open, client) = (Arc::new(OpenConnections::default()), verified(60));
    let own = open.enter(entry(Some("acme"), &client));
    let shared = open.enter(entry(None, &client));
    let ids = |realm: &str, environment| -> Vec<u64> {
        let found = open.of_environment(&name(realm), environment);
        found.iter().map(|client| client.id).collect()
    };
    assert_eq!(ids("acme", Environment::Prod), [own.client().id]);
    assert_eq!(ids("acme", Environment::Test), [0; 0]);
    shared.client().calls(&name("globex"));
    shared.client().calls(&name("globex"));
    assert_eq!(ids("globex", Environment::Prod), [shared.client().id]);
    for number in 0..100 {
        shared.client().calls(&name(&format!("realm-{number}")));
    }
    assert_eq!(shared.client().called().len(), CALLED_MAX);
    assert!(shared.client().has_called(&name("realm-99")));
    assert_eq!(open.len(), 2);
    drop((own, shared));
    assert!(open.is_empty());
    assert_eq!(ids("acme", Environment::Prod), [0; 0]);
}

#[test]
fn only_those_whose_end_has_come_are_woken_and_once() {
    let open = Arc::new(OpenConnections::default());
    let (soon, late) = (verified(60), verified(3600));
    let rings = [(); 2].map(|()| Arc::new(Rings::default()));
    let soon = open.enter(entry(Some("acme"), &soon));
    let mut late = open.enter(entry(None, &late));
    assert!(!is_woken(&soon, &rings[0]) && !is_woken(&late, &rings[1]));
    assert_eq!(open.sweep(at(60)), 0, "the last second belongs to it");
    assert_eq!(open.sweep(at(61)), 1);
    assert!(is_woken(&soon, &rings[0]) && !is_woken(&late, &rings[1]));
    assert_eq!(open.sweep(at(61)), 0);
    late.ends_at(at(100));
    assert_eq!(open.sweep(at(100)), 1);
    assert!(is_woken(&late, &rings[1]));
    late.ends_at(at(200));
    drop(late);
    assert_eq!(open.sweep(at(100_000)), 0);
}

#[test]
fn a_clock_that_jumps_ahead_puts_no_end_off_and_one_set_back_has_everybody_asked() {
    let (open, client) = (Arc::new(OpenConnections::default()), verified(60));
    let registered: Vec<Registered> = (0..200)
        .map(|_| open.enter(entry(Some("acme"), &client)))
        .collect();
    assert_eq!(open.sweep(at(0)), 0);
    assert_eq!(open.sweep(at(-100)), 200);
    assert_eq!(open.sweep(at(-99)), 0);
    assert_eq!(open.sweep(at(1_000_000)), 200);
    drop(registered);
    assert!(open.is_empty());
}
