//! Who may call whom, and for how long.

use std::sync::Arc;

use http::uri::PathAndQuery;

use super::*;
use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::pipeline::Handler;
use crate::gateway::testing::{House, Like, Visit, client_request, now, realm};

fn path(text: &'static str) -> CanonicalPath {
    CanonicalPath::of(&PathAndQuery::from_static(text)).unwrap()
}

fn ask(house: &House, visit: &Visit, text: &'static str) -> Result<Option<Arc<Client>>, Refusal> {
    let snapshot = house.worker.live.load();
    entitle(&snapshot, &visit.peer, &path(text), house.clock.now()).map(|entitled| entitled.client)
}

const ACME: &str = "/pipeline/acme/v1/orders";
const GLOBEX: &str = "/pipeline/globex/v1/orders";
const NOBODY: &str = "/pipeline/nobody/v1/orders";

fn is_upheld(house: &House, visit: &Visit) -> bool {
    let worker = &house.worker;
    still_entitled(&worker.live.load(), &visit.peer, worker.clock.now()).is_ok()
}

#[test]
fn on_its_own_host_a_realm_lets_its_clients_in_and_no_path_leads_elsewhere() {
    let house = House::new();
    let visit = house.acme_at_home();
    let client = ask(&house, &visit, ACME).unwrap().unwrap();
    assert_eq!(&*client.identity().account, "dgb-mtls-autocorp");
    for elsewhere in [
        GLOBEX,
        NOBODY,
        "/",
        "/pipeline/acme",
        "/pipeline/acmee/v1/x",
    ] {
        assert!(
            matches!(ask(&house, &visit, elsewhere), Err(Refusal::ForeignPath)),
            "{elsewhere}"
        );
    }
}

#[test]
fn on_the_shared_host_each_realm_lets_in_only_whom_it_trusts() {
    let house = House::new();
    let visit = house.at_the_shared_host(&house.acme);
    let client = ask(&house, &visit, ACME).unwrap().unwrap();
    assert_eq!(&*client.identity().account, "dgb-mtls-autocorp");
    let refused = ask(&house, &visit, GLOBEX).unwrap_err();
    assert!(matches!(&refused, Refusal::OtherRealm { realm, .. } if realm.as_str() == "globex"));
    assert_eq!(refused.reason(), Reason::OtherRealm);
    for nothing in [NOBODY, "/", "/pipeline/acme"] {
        assert!(
            matches!(ask(&house, &visit, nothing), Err(Refusal::NotFound)),
            "{nothing}"
        );
    }
}

#[test]
fn on_the_regular_gateways_the_path_alone_chooses_the_realm() {
    let house = House::new();
    let visit = house.outside();
    assert!(ask(&house, &visit, ACME).unwrap().is_none());
    assert!(ask(&house, &visit, GLOBEX).unwrap().is_none());
    assert!(matches!(
        ask(&house, &visit, NOBODY),
        Err(Refusal::NotFound)
    ));
}

#[test]
fn a_removed_anchor_ends_what_it_allowed_at_once() {
    let mut house = House::new();
    let (own, shared) = (house.acme_at_home(), house.at_the_shared_host(&house.acme));
    let other = house.at_home("globex", &house.globex, &house.globex.leaf);
    assert!(ask(&house, &own, ACME).is_ok());
    assert!(ask(&house, &shared, ACME).is_ok());
    house.uninstall("acme");
    let refused = ask(&house, &own, ACME).unwrap_err();
    assert_eq!(refused.reason(), Reason::AnchorRemoved);
    assert!(refused.ends_the_connection());
    assert!(matches!(ask(&house, &shared, ACME), Err(Refusal::NotFound)));
    assert!(!is_upheld(&house, &own));
    assert!(!is_upheld(&house, &shared));
    assert!(ask(&house, &other, GLOBEX).is_ok());
    assert!(is_upheld(&house, &other));
    // What is installed again serves again, on a connection that is still open.
    house.install("acme");
    assert!(ask(&house, &own, ACME).is_ok());
    assert!(is_upheld(&house, &own));
}

#[test]
fn a_suspended_realm_is_closed_to_everybody() {
    let mut house = House::new();
    let (own, shared, outside) = (
        house.acme_at_home(),
        house.at_the_shared_host(&house.acme),
        house.outside(),
    );
    house.change(&Command::SuspendRealm {
        realm: realm("acme"),
    });
    assert!(matches!(ask(&house, &own, ACME), Err(Refusal::RealmClosed)));
    assert!(matches!(ask(&house, &shared, ACME), Err(Refusal::NotFound)));
    assert!(matches!(
        ask(&house, &outside, ACME),
        Err(Refusal::NotFound)
    ));
    assert!(!is_upheld(&house, &own));
    assert!(!is_upheld(&house, &shared));
    assert!(is_upheld(&house, &outside));
    house.change(&Command::ResumeRealm {
        realm: realm("acme"),
    });
    assert!(ask(&house, &own, ACME).is_ok());
}

#[test]
fn a_realm_of_the_same_name_is_not_the_one_that_was_trusted() {
    let mut house = House::new();
    let shared = house.at_the_shared_host(&house.acme);
    let own = house.acme_at_home();
    assert!(ask(&house, &shared, ACME).is_ok());
    assert!(ask(&house, &own, ACME).is_ok());
    house.change(&Command::DeleteRealm {
        realm: realm("acme"),
    });
    assert!(matches!(ask(&house, &own, ACME), Err(Refusal::RealmClosed)));
    house.change(&Command::CreateRealm {
        realm: realm("acme"),
    });
    std::mem::swap(&mut house.acme, &mut house.globex);
    house.install("acme");
    assert!(matches!(
        ask(&house, &shared, ACME),
        Err(Refusal::OtherRealm { .. })
    ));
    assert_eq!(
        ask(&house, &own, ACME).unwrap_err().reason(),
        Reason::AnchorRemoved
    );
}

#[test]
fn a_certificate_ends_on_an_open_connection_too() {
    let house = House::new();
    let issuer = house.acme.intermediate.as_ref().unwrap();
    let leaf = issuer
        .issue_client(&client_request("2027-06-01T12:00:10Z"))
        .unwrap();
    let visit = house.at_home("acme", &house.acme, &leaf);
    assert!(ask(&house, &visit, ACME).is_ok());
    house.clock.set(now().plus(Duration::from_secs(10)));
    assert!(
        ask(&house, &visit, ACME).is_ok(),
        "the last second belongs to it"
    );
    house.clock.set(now().plus(Duration::from_secs(11)));
    assert_eq!(
        ask(&house, &visit, ACME).unwrap_err().reason(),
        Reason::Expired
    );
    assert!(!is_upheld(&house, &visit));
}

#[test]
fn a_standing_verdict_is_not_made_again() {
    let mut house = House::new();
    let visit = house.acme_at_home();
    let first = ask(&house, &visit, ACME).unwrap().unwrap();
    let second = ask(&house, &visit, ACME).unwrap().unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    // A change that leaves the trust as it is keeps what was made for the client, too.
    house.pipeline("acme", "orders", Like::everywhere(Handler::Echo));
    let third = ask(&house, &visit, ACME).unwrap().unwrap();
    assert!(Arc::ptr_eq(&first, &third));
}

#[test]
fn a_refusal_is_remembered_for_a_second_and_no_longer() {
    let mut house = House::new();
    let visit = house.at_the_shared_host(&house.acme);
    let why = |house: &House| match ask(house, &visit, GLOBEX) {
        Err(Refusal::OtherRealm { distrust, .. }) => distrust,
        other => panic!("{other:?}"),
    };
    let first = why(&house);
    assert!(Arc::ptr_eq(&first, &why(&house)));
    house.clock.set(now().plus(Duration::from_secs(1)));
    assert!(!Arc::ptr_eq(&first, &why(&house)));
    // New anchors are asked at once.
    house.uninstall("globex");
    std::mem::swap(&mut house.acme, &mut house.globex);
    house.change(&Command::DeleteAccount {
        realm: realm("globex"),
        name: crate::domain::name::AccountName::parse("dgb-mtls-autocorp").unwrap(),
    });
    house.install("globex");
    assert!(ask(&house, &visit, GLOBEX).is_ok());
}

#[test]
fn a_connection_is_remembered_by_a_bounded_number_of_realms() {
    let mut house = House::new();
    let names: Vec<String> = (0..12).map(|number| format!("realm-{number}")).collect();
    for name in &names {
        house.change(&Command::CreateRealm { realm: realm(name) });
    }
    let visit = house.at_the_shared_host(&house.acme);
    let snapshot = house.worker.live.load_full();
    let acme = snapshot.realm("acme", Environment::Prod).unwrap();
    let trust = &acme.mtls.as_ref().unwrap().trust;
    for name in &names {
        assert!(standing(&snapshot.verdicts, &visit.peer, &realm(name), trust, now()).is_ok());
    }
    assert_eq!(
        visit.peer.standings().lock().unwrap().of_realms.len(),
        REALMS_MAX
    );
    assert!(ask(&house, &visit, ACME).is_ok());
    assert_eq!(
        visit.peer.standings().lock().unwrap().of_realms.len(),
        REALMS_MAX
    );
}

#[test]
fn a_realm_learns_of_a_client_once_and_again_when_another_anchor_vouches_for_it() {
    let mut house = House::new();
    let (own, shared) = (house.acme_at_home(), house.at_the_shared_host(&house.acme));
    let news = |house: &House, visit: &Visit| {
        let snapshot = house.worker.live.load();
        entitle(&snapshot, &visit.peer, &path(ACME), house.clock.now())
            .unwrap()
            .news
    };
    assert_eq!(news(&house, &own), None, "its handshake told of it");
    assert_eq!(news(&house, &shared), Some(News::Came));
    for visit in [&own, &shared] {
        assert_eq!(news(&house, visit), None);
    }
    // A change that leaves the anchor in place is no news.
    let other = house.globex.root.certificate.clone();
    house.install_as("acme", "dgb-mtls-other", other);
    for visit in [&own, &shared] {
        assert_eq!(news(&house, visit), None);
    }
    let intermediate = house.acme.intermediate.as_ref().unwrap();
    let intermediate = intermediate.certificate.clone();
    house.install_as("acme", "dgb-mtls-nearer", intermediate);
    house.uninstall("acme");
    for visit in [&own, &shared] {
        assert_eq!(news(&house, visit), Some(News::Moved));
        assert_eq!(news(&house, visit), None);
    }
}
