//! Whom a change of trust cuts, whatever they are in the middle of, when, and with which record: over real sockets, on a
//! realm's own host (TLS 1.3) and on the shared one (TLS 1.2). What ends by itself is a change, too.

mod account;
mod house;
mod service;
mod storm;
mod visitor;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};
use realmgate::clock::{Moment, Stopwatch};
use realmgate::domain::command::Command;
use realmgate::domain::denial::{DenialReason, Denied};
use realmgate::domain::environment::Environment;
use realmgate::domain::trust_policy::{OutOfDate, Pin, Revocation, RevocationScope, TrustPolicy};
use realmgate::domain::trusting::Intake;
use realmgate::pki::authority::{Authority, Leaf};
use realmgate::pki::certificate::Certificate;
use realmgate::pki::issued_crl::{self, CrlRequest};
use time::OffsetDateTime;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::trust_changes::house::{HOUR, House, ca, client, realm};
use crate::trust_changes::visitor::{Fate, Meeting, Stage, Stand, Ticket, call, visit};

/// How long a cut may take: a second, and the grace where something is in flight. The machine is given a while besides.
const JUDGED_WITHIN: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_millis(500);
const SLACK: Duration = Duration::from_millis(600);
const SETTLED_AFTER: Duration = Duration::from_millis(2_100);

/// A realm with two CAs: one of the client that is to leave, one of the client that stays.
struct Cast {
    realm: &'static str,
    now: Moment,
    theirs: Authority,
    others: Authority,
    leaver: Leaf,
    stayer: Leaf,
}

/// A change, what it needs before, and what it does to whom.
struct Case {
    /// Also the realm's name.
    name: &'static str,
    /// When the leaver's anchor and certificate end, in hours from now.
    ends: (u32, u32),
    prepare: fn(&House, &Cast),
    act: fn(&House, &Cast),
    whom: Whom,
    /// What new connections are refused by, on the own host and on the shared one.
    alerts: [&'static str; 2],
    /// What the record tells.
    cause: &'static str,
    reason: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    Nobody,
    TheLeaver,
    Everybody,
}

const YEAR: u32 = 24 * 365;
const NOTHING: fn(&House, &Cast) = |_, _| {};

/// A case that cuts nobody.
const HARMLESS: Case = Case {
    name: "",
    ends: (YEAR, YEAR),
    prepare: NOTHING,
    act: NOTHING,
    whom: Whom::Nobody,
    alerts: [""; 2],
    cause: "",
    reason: "",
};

fn policy(house: &House, cast: &Cast, policy: TrustPolicy) {
    house.execute(&[Command::SaveTrustPolicy {
        realm: realm(cast.realm),
        environment: Environment::Prod,
        policy: Arc::new(policy),
    }]);
}

fn wants_lists(house: &House, cast: &Cast) {
    let revocation = Revocation {
        scope: RevocationScope::Leaf,
        out_of_date: OutOfDate::Refuse,
    };
    policy(
        house,
        cast,
        TrustPolicy {
            revocation,
            ..TrustPolicy::default()
        },
    );
}

/// Adds a list of the leaver's CA that counts between these hours from now.
fn list(house: &House, cast: &Cast, number: u64, hours: (u32, u32), revoked: &[&Certificate]) {
    save_list(house, cast, &cast.theirs, number, hours, revoked);
}

fn save_list(
    house: &House,
    cast: &Cast,
    issuer: &Authority,
    number: u64,
    (from, to): (u32, u32),
    revoked: &[&Certificate],
) {
    let request = CrlRequest {
        number,
        this_update: cast.now.plus(HOUR * from),
        next_update: cast.now.plus(HOUR * to),
        revoked,
    };
    house.execute(&[Command::SaveCrl {
        realm: realm(cast.realm),
        environment: Environment::Prod,
        crl: issued_crl::issue(issuer, &request).unwrap(),
        intake: Intake::Alone,
    }]);
}

fn lists(house: &House, cast: &Cast, leavers_ends: u32) {
    wants_lists(house, cast);
    list(house, cast, 1, (0, leavers_ends), &[]);
    save_list(house, cast, &cast.others, 1, (0, YEAR), &[]);
}

fn remove(house: &House, cast: &Cast) {
    house.execute(&account::remove(cast.realm, "theirs"));
}

/// Installs a certificate of the leaver's CA that lasts longer.
fn install_renewed(house: &House, cast: &Cast) {
    let pem = cast.theirs.key.to_pkcs8_pem();
    let key = KeyPair::from_pem(pem.expose_str().unwrap()).unwrap();
    let at =
        |moment: Moment| OffsetDateTime::from_unix_timestamp(moment.unix_millis() / 1000).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let name = format!("{} theirs", cast.realm);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.not_before = at(cast.now.minus(HOUR));
    params.not_after = at(cast.now.plus(HOUR * YEAR));
    let renewed = params.self_signed(&key).unwrap();
    let renewed = Certificate::from_der(renewed.der()).unwrap();
    house.install(cast.realm, "renewed", &[&renewed]);
}

/// Time passes.
fn hours(house: &House, cast: &Cast, count: u32) {
    let end = cast.now.plus(HOUR * count);
    house.clock.set(end.plus(Duration::from_secs(2)));
}

const UNKNOWN: [&str; 2] = ["UnknownCA"; 2];

/// What somebody does.
const CHANGES: &[Case] = &[
    Case {
        name: "install-another",
        act: |house, cast| {
            let another = ca("Another", cast.now, cast.now.plus(HOUR * YEAR));
            house.install(cast.realm, "another", &[&another.certificate]);
        },
        ..HARMLESS
    },
    Case {
        name: "remove",
        act: remove,
        whom: Whom::TheLeaver,
        alerts: UNKNOWN,
        cause: "installation.remove dgb-mtls-theirs",
        reason: "anchor-removed",
        ..HARMLESS
    },
    Case {
        name: "remove-renewed",
        prepare: install_renewed,
        act: remove,
        ..HARMLESS
    },
    Case {
        name: "supersede",
        act: |house, cast| {
            let next = ca("Next", cast.now, cast.now.plus(HOUR * YEAR));
            house.install(cast.realm, "theirs", &[&next.certificate]);
        },
        whom: Whom::TheLeaver,
        alerts: UNKNOWN,
        cause: "installation.",
        reason: "anchor-removed",
        ..HARMLESS
    },
    Case {
        name: "revoke",
        prepare: |house, cast| lists(house, cast, YEAR),
        act: |house, cast| list(house, cast, 2, (0, YEAR), &[&cast.leaver.certificate]),
        whom: Whom::TheLeaver,
        alerts: ["CertificateRevoked"; 2],
        cause: "crl.save",
        reason: "revoked",
        ..HARMLESS
    },
    Case {
        name: "demand-lists",
        prepare: |house, cast| save_list(house, cast, &cast.others, 1, (0, YEAR), &[]),
        act: wants_lists,
        whom: Whom::TheLeaver,
        alerts: ["CertificateUnknown"; 2],
        cause: "trust.save",
        reason: "revocation-unknown",
        ..HARMLESS
    },
    Case {
        name: "pin",
        act: |house, cast| {
            let pin = Pin::Certificate(cast.stayer.certificate.fingerprint());
            let pins = [pin].into();
            policy(
                house,
                cast,
                TrustPolicy {
                    pins,
                    ..TrustPolicy::default()
                },
            );
        },
        whom: Whom::TheLeaver,
        alerts: ["AccessDenied"; 2],
        cause: "trust.save",
        reason: "not-pinned",
        ..HARMLESS
    },
    Case {
        name: "deny",
        act: |house, cast| {
            house.execute(&[Command::Deny {
                realm: realm(cast.realm),
                environment: Environment::Prod,
                what: Denied::Certificate(cast.leaver.certificate.fingerprint()),
                reason: DenialReason::parse("stolen").unwrap(),
                until: None,
            }]);
        },
        whom: Whom::TheLeaver,
        alerts: ["AccessDenied"; 2],
        cause: "denial.save",
        reason: "denied",
        ..HARMLESS
    },
    Case {
        name: "suspend",
        act: |house, cast| {
            let realm = realm(cast.realm);
            house.execute(&[Command::SuspendRealm { realm }]);
        },
        whom: Whom::Everybody,
        alerts: ["UnrecognisedName", "UnknownCA"],
        cause: "realm.suspend",
        // A suspended realm's anchors leave the shared host.
        reason: "anchor-removed, realm-closed",
        ..HARMLESS
    },
    Case {
        name: "delete",
        act: |house, cast| {
            let realm = realm(cast.realm);
            house.execute(&[Command::DeleteRealm { realm }]);
        },
        whom: Whom::Everybody,
        alerts: ["UnrecognisedName", "UnknownCA"],
        cause: "realm.delete",
        reason: "anchor-removed, realm-closed",
        ..HARMLESS
    },
];

/// What ends, or begins, by itself, one day after the other. Those of the later days are connected for days, and judged
/// again when their own day comes.
const ENDS: &[Case] = &[
    Case {
        name: "end-of-certificate",
        ends: (YEAR, 24),
        act: |house, cast| hours(house, cast, 24),
        whom: Whom::TheLeaver,
        alerts: ["CertificateExpired"; 2],
        cause: "ended: the client's certificate",
        reason: "expired",
        ..HARMLESS
    },
    Case {
        name: "end-of-list",
        prepare: |house, cast| lists(house, cast, 48),
        act: |house, cast| hours(house, cast, 48),
        whom: Whom::TheLeaver,
        alerts: ["CertificateUnknown"; 2],
        cause: "ended: a revocation list",
        reason: "crl-out-of-date",
        ..HARMLESS
    },
    Case {
        name: "end-of-anchor",
        ends: (72, YEAR),
        act: |house, cast| hours(house, cast, 72),
        whom: Whom::TheLeaver,
        alerts: ["CertificateExpired"; 2],
        cause: "ended: the trust anchor",
        reason: "expired",
        ..HARMLESS
    },
    Case {
        name: "end-of-renewed-anchor",
        ends: (96, YEAR),
        prepare: install_renewed,
        act: |house, cast| hours(house, cast, 96),
        ..HARMLESS
    },
    Case {
        name: "begin-of-list",
        prepare: |house, cast| {
            lists(house, cast, YEAR);
            let revoked = [&cast.leaver.certificate];
            list(house, cast, 2, (120, YEAR), &revoked);
        },
        act: |house, cast| hours(house, cast, 120),
        whom: Whom::TheLeaver,
        alerts: ["CertificateRevoked"; 2],
        cause: "ended: a revocation list, or what an earlier one said",
        reason: "revoked",
        ..HARMLESS
    },
];

fn cast(house: &House, case: &Case) -> Cast {
    let now = house.now();
    let (anchor, leaf) = case.ends;
    let theirs = ca(
        &format!("{} theirs", case.name),
        now,
        now.plus(HOUR * anchor),
    );
    let others = ca(&format!("{} others", case.name), now, now.plus(HOUR * YEAR));
    let cast = Cast {
        realm: case.name,
        now,
        leaver: client(&theirs, "leaver", now, now.plus(HOUR * leaf)),
        stayer: client(&others, "stayer", now, now.plus(HOUR * YEAR)),
        theirs,
        others,
    };
    house.realm(
        case.name,
        &[
            ("theirs", &[&cast.theirs.certificate]),
            ("others", &[&cast.others.certificate]),
        ],
    );
    (case.prepare)(house, &cast);
    cast
}

/// One client in the middle of something.
struct Guest {
    told: String,
    stand: Stand,
    on_shared: bool,
    leaves: bool,
    fate: JoinHandle<Fate>,
}

/// All clients of one case.
struct Party {
    stage: watch::Sender<Stage>,
    changed: Arc<Mutex<Option<Stopwatch>>>,
    ready: Arc<AtomicUsize>,
    guests: Vec<Guest>,
}

impl Party {
    fn gather(runtime: &Runtime, house: &House, case: &Case, cast: &Cast) -> Self {
        let (stage, _) = watch::channel(Stage::Before);
        let mut party = Self {
            stage,
            changed: Arc::default(),
            ready: Arc::default(),
            guests: Vec::new(),
        };
        for (leaf, is_leaver) in [(&cast.leaver, true), (&cast.stayer, false)] {
            for on_shared in [false, true] {
                for stand in Stand::ALL {
                    let ticket = Ticket::new(house, case.name, on_shared, leaf, stand.is_h2());
                    let meeting = Meeting {
                        stage: party.stage.subscribe(),
                        ready: Arc::clone(&party.ready),
                        changed: Arc::clone(&party.changed),
                        begun: Arc::clone(&house.service.begun),
                    };
                    party.guests.push(Guest {
                        told: format!("{} {stand:?} {} leaver {is_leaver}", case.name, ticket.host),
                        stand,
                        on_shared,
                        leaves: match case.whom {
                            Whom::Nobody => false,
                            Whom::TheLeaver => is_leaver,
                            Whom::Everybody => true,
                        },
                        fate: runtime.spawn(visit(stand, ticket, meeting)),
                    });
                }
            }
        }
        party
    }

    async fn is_ready(&self) {
        while self.ready.load(Ordering::SeqCst) < self.guests.len() {
            for guest in &self.guests {
                assert!(
                    !guest.fate.is_finished(),
                    "{} is over too early",
                    guest.told
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn change(&self, house: &House, case: &Case, cast: &Cast) {
        *self.changed.lock().unwrap() = Some(Stopwatch::start());
        (case.act)(house, cast);
        self.stage.send_replace(Stage::Changed);
    }

    async fn check(self, case: &Case) {
        for guest in self.guests {
            let limit = Duration::from_secs(10);
            let fate = tokio::time::timeout(limit, guest.fate).await;
            let fate = fate
                .unwrap_or_else(|_| panic!("{}: no end", guest.told))
                .unwrap_or_else(|error| panic!("{}: {error}", guest.told));
            let told = format!("{}: {fate:?}", guest.told);
            if !guest.leaves {
                assert_eq!(fate, Fate::Served, "{told}");
                continue;
            }
            match (guest.stand, fate) {
                (Stand::New | Stand::Resumed, Fate::Alert(alert)) => {
                    let expected = case.alerts[usize::from(guest.on_shared)];
                    assert!(alert.contains(expected), "{told}");
                }
                (Stand::CallsAtOnce, Fate::Status(403 | 404) | Fate::Cut { .. }) => {}
                (stand, Fate::Cut { after, goaway }) if stand.is_open() => {
                    let limit = if stand.is_in_flight() {
                        assert!(after >= GRACE, "{told}: it had no grace");
                        JUDGED_WITHIN + GRACE
                    } else {
                        JUDGED_WITHIN
                    };
                    assert!(after <= limit + SLACK, "{told}: too late");
                    assert_eq!(goaway, stand.is_h2(), "{told}");
                }
                _ => panic!("{told}"),
            }
        }
    }
}

/// Checks that a case has its one record, or none.
fn check_record(house: &House, case: &Case, cast: &Cast) {
    let expected = usize::from(case.whom != Whom::Nobody);
    let begun = Stopwatch::start();
    let mut records = house.cuts(case.name);
    while records.len() < expected && begun.elapsed() < Duration::from_secs(8) {
        std::thread::sleep(Duration::from_millis(100));
        records = house.cuts(case.name);
    }
    assert_eq!(records.len(), expected, "{}: {records:?}", case.name);
    let Some(record) = records.first() else {
        return;
    };
    let detail = |field: &str| record.detail[field].as_str().unwrap().to_owned();
    let told = format!("{}: {:?}", case.name, record.detail);
    assert!(detail("cause").contains(case.cause), "{told}");
    assert_eq!(detail("reason"), case.reason, "{told}");
    assert_eq!(record.actor, "system");
    assert_eq!(record.environment, Some("prod"));
    let open = Stand::ALL.into_iter().filter(|stand| stand.is_open());
    let leavers = if case.whom == Whom::Everybody { 2 } else { 1 };
    let connections = open.count() * 2 * leavers;
    assert_eq!(detail("connections"), connections.to_string(), "{told}");
    let clients = detail("clients");
    let names = |leaf: &Leaf| clients.contains(&leaf.certificate.fingerprint().to_string());
    assert!(names(&cast.leaver), "{told}");
    assert_eq!(names(&cast.stayer), leavers == 2, "{told}");
}

/// A client of a realm that nothing happens to: none of its calls may fail, and its connections stay open.
fn witness(runtime: &Runtime, house: &House, over: &Arc<AtomicBool>) -> Vec<JoinHandle<usize>> {
    let now = house.now();
    let root = ca("Witness", now, now.plus(HOUR * YEAR));
    let leaf = client(&root, "witness", now, now.plus(HOUR * YEAR));
    house.realm("witness", &[("own", &[&root.certificate])]);
    [false, true]
        .map(|on_shared| {
            let ticket = Ticket::new(house, "witness", on_shared, &leaf, false);
            let over = Arc::clone(over);
            runtime.spawn(async move {
                let mut kept = ticket.connect().await.unwrap();
                let mut calls = 0;
                while !over.load(Ordering::SeqCst) {
                    assert_eq!(call(&mut kept, &ticket).await.unwrap(), 200);
                    if calls % 10 == 0 {
                        assert_eq!(ticket.once().await.0, Fate::Served);
                    }
                    calls += 1;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                calls
            })
        })
        .into()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Has the changes of all cases made, `apart` from each other.
fn run(cases: &[Case], apart: Duration) {
    let runtime = runtime();
    let mut house = House::start(&runtime);
    let over = Arc::new(AtomicBool::new(false));
    let witnesses = witness(&runtime, &house, &over);
    let casts: Vec<Cast> = cases.iter().map(|case| cast(&house, case)).collect();
    let mut parties = Vec::new();
    for (case, cast) in cases.iter().zip(&casts) {
        let party = Party::gather(&runtime, &house, case, cast);
        let ready = runtime.block_on(async {
            tokio::time::timeout(Duration::from_secs(60), party.is_ready()).await
        });
        assert!(ready.is_ok(), "{} does not get ready", case.name);
        parties.push(party);
    }
    for ((case, cast), party) in cases.iter().zip(&casts).zip(&parties) {
        party.change(&house, case, cast);
        std::thread::sleep(apart);
    }
    std::thread::sleep(SETTLED_AFTER);
    house.released.send_replace(true);
    for party in &parties {
        party.stage.send_replace(Stage::Settled);
    }
    for (case, party) in cases.iter().zip(parties) {
        runtime.block_on(party.check(case));
    }
    over.store(true, Ordering::SeqCst);
    for witness in witnesses {
        assert!(runtime.block_on(witness).unwrap() > 20);
    }
    for (case, cast) in cases.iter().zip(&casts) {
        check_record(&house, case, cast);
    }
    house.stop();
    assert!(house.open.is_empty());
}

#[test]
fn a_change_cuts_whom_it_should_in_time_and_nobody_else() {
    run(CHANGES, Duration::ZERO);
}

#[test]
fn what_ends_by_itself_cuts_whom_it_should_in_time_and_nobody_else() {
    run(ENDS, SETTLED_AFTER);
}
