use super::*;

fn name(name: &str) -> RealmName {
    RealmName::parse(name).unwrap()
}

fn client(number: u32) -> ClientIdentity {
    let mut fingerprint = [0; 32];
    fingerprint[..4].copy_from_slice(&number.to_be_bytes());
    ClientIdentity {
        subject: format!("CN=client-{number}"),
        sans: vec![],
        issuer: "CN=Acme Root".to_owned(),
        serial: "0a".to_owned(),
        fingerprint: Fingerprint::from_bytes(fingerprint),
        anchor: Fingerprint::from_bytes([0; 32]),
        anchor_subject: "CN=Acme Root".to_owned(),
        account: Arc::from("dgb-mtls-acme"),
        not_before: Moment::EPOCH,
        not_after: Moment::MAX,
    }
}

fn changed(cuts: &Cuts, revision: u64, realm: &str, what: &str) {
    cuts.changed(Changed {
        revision,
        realm: name(realm),
        environment: Environment::Prod,
        what: what.into(),
    });
}

fn cut(cuts: &Cuts, realms: &[&str], why: Why, client: &ClientIdentity) {
    let realms: Vec<RealmName> = realms.iter().copied().map(name).collect();
    cuts.cut(Cut {
        what: What::Connection,
        realms: &realms,
        environment: Environment::Prod,
        why,
        reason: Reason::AnchorRemoved,
        client: Some(client),
    });
}

const fn between(after: u64, by: u64) -> Why {
    Why::Changed {
        after: Some(after),
        by,
    }
}

fn told(cuts: &Cuts) -> Vec<(String, String, u64)> {
    let records = cuts.take(Duration::ZERO).into_iter();
    records
        .map(|record| {
            let realm = record
                .realm
                .map_or_else(String::new, |realm| realm.to_string());
            (realm, record.cause, record.connections)
        })
        .collect()
}

#[test]
fn a_change_is_one_cause_however_late_its_cuts_are_seen() {
    let cuts = Cuts::default();
    changed(&cuts, 6, "acme", "before");
    changed(&cuts, 7, "acme", "installation.remove one");
    changed(&cuts, 8, "globex", "installation.remove two");
    changed(&cuts, 9, "acme", "installation.install three");
    cut(&cuts, &["acme"], between(6, 7), &client(1));
    cut(&cuts, &["acme"], between(6, 8), &client(2));
    // On a shared host, where either may have let it in.
    cut(&cuts, &["initech", "acme"], between(6, 8), &client(3));
    cut(&cuts, &["globex"], between(7, 9), &client(1));
    cut(&cuts, &["acme"], between(8, 9), &client(4));
    let own = |text: &str| format!("change: revision {text}");
    let expected = [
        ("acme".to_owned(), own("7 installation.remove one"), 3),
        ("acme".to_owned(), own("9 installation.install three"), 1),
        ("globex".to_owned(), own("8 installation.remove two"), 1),
    ];
    assert_eq!(told(&cuts), expected);
    assert!(cuts.is_empty());
    cut(&cuts, &["acme"], between(6, 9), &client(1));
    let both = own("7 installation.remove one; revision 9 installation.install three");
    assert_eq!(told(&cuts), [("acme".to_owned(), both, 1)]);
}

#[test]
fn what_no_realm_can_be_told_of_is_told_of_none() {
    let cuts = Cuts::default();
    cut(&cuts, &["acme", "globex"], between(1, 2), &client(1));
    cut(&cuts, &["acme"], between(1, 3), &client(1));
    let expected = [
        (String::new(), "change: revision 2 or before".to_owned(), 1),
        (
            "acme".to_owned(),
            "change: revision 3 or before".to_owned(),
            1,
        ),
    ];
    assert_eq!(told(&cuts), expected);
}

#[test]
fn ends_are_causes_of_their_own() {
    let cuts = Cuts::default();
    let ends = |what| Why::Ended {
        what,
        at: Moment::EPOCH,
    };
    let anchor = Ended::Anchor(Fingerprint::from_bytes([7; 32]));
    cut(&cuts, &["acme"], ends(anchor), &client(1));
    cut(&cuts, &["acme"], ends(anchor), &client(2));
    cut(&cuts, &["acme"], ends(Ended::Client), &client(3));
    cut(&cuts, &["acme"], ends(Ended::RevocationList), &client(3));
    let causes: Vec<(String, u64)> = told(&cuts)
        .into_iter()
        .map(|(_, cause, count)| (cause.split([',', ':']).nth(1).unwrap().to_owned(), count))
        .collect();
    let anchor = format!(" the trust anchor with SHA-256 {}", "07".repeat(32));
    assert_eq!(
        causes,
        [
            (anchor, 2),
            (" the client's certificate".to_owned(), 1),
            (" a revocation list".to_owned(), 1),
        ]
    );
}

#[test]
fn a_cause_is_kept_open_for_a_while() {
    let cuts = Cuts::default();
    cut(&cuts, &["acme"], between(1, 2), &client(1));
    assert_eq!(cuts.take(Duration::from_secs(60)), []);
    assert!(!cuts.is_empty());
    assert_eq!(cuts.take(Duration::ZERO).len(), 1);
}

#[test]
fn clients_beyond_the_bound_are_counted() {
    let cuts = Cuts::default();
    let one = client(0);
    for _ in 0..3 {
        cut(&cuts, &["acme"], between(1, 2), &one);
    }
    for number in 1..1_500 {
        cut(&cuts, &["acme"], between(1, 2), &client(number));
    }
    cuts.cut(Cut {
        what: What::Call,
        realms: &[name("acme")],
        environment: Environment::Prod,
        why: between(1, 2),
        reason: Reason::NotFound,
        client: None,
    });
    let records = cuts.take(Duration::ZERO);
    let [record] = records.as_slice() else {
        panic!("{} records", records.len());
    };
    let figures = (record.connections, record.calls, record.left_out);
    assert_eq!(figures, (1_502, 1, 500));
    assert_eq!(record.clients.len(), CLIENTS_MAX);
    assert_eq!(record.reasons, ["anchor-removed", "not-found"]);
}

#[test]
fn a_flood_of_causes_is_told_together_and_then_counted() {
    let cuts = Cuts::default();
    for revision in 0..2 * CAUSES_MAX as u64 {
        cut(&cuts, &["acme"], between(0, revision), &client(1));
    }
    let records = cuts.take(Duration::ZERO);
    assert_eq!(records.len(), CAUSES_MAX + 1);
    let told: u64 = records.iter().map(|record| record.connections).sum();
    assert_eq!(told, 2 * CAUSES_MAX as u64);
    assert_eq!(
        records.iter().filter(|one| one.object == "several").count(),
        1
    );
}

#[test]
fn long_subjects_are_cut_between_characters() {
    let mut long = client(1);
    long.subject = format!("{}x", "ä".repeat(200));
    let cuts = Cuts::default();
    cut(&cuts, &["acme"], between(1, 2), &long);
    let records = cuts.take(Duration::ZERO);
    assert_eq!(records[0].clients[0].1, format!("{}…", "ä".repeat(128)));
}

#[test]
fn a_realm_that_changes_at_the_same_time_is_not_told_of_anothers_clients() {
    let cuts = Cuts::default();
    changed(&cuts, 7, "acme", "denial.save nothing");
    changed(&cuts, 8, "globex", "denial.save client");
    cut(&cuts, &["acme", "globex"], between(6, 8), &client(1));
    // Nor where only what was before is known.
    cut(&cuts, &["acme", "globex"], between(8, 9), &client(2));
    let told: Vec<(String, u64)> = told(&cuts)
        .into_iter()
        .map(|(realm, _, count)| (realm, count))
        .collect();
    assert_eq!(told, [(String::new(), 1), (String::new(), 1)]);
}
