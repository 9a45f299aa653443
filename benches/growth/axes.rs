//! What is measured over growing numbers, one axis to a process.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use realmgate::snapshot::live::Live;
use realmgate::trust::anchors::Anchors;
use realmgate::trust::limits::TrustLimits;
use realmgate::trust::set::TrustSet;
use realmgate::trust::verdicts::Verdicts;
use rustls_pki_types::CertificateDer;

use crate::handshake::{self, ENVIRONMENT};
use crate::pool::NAMESAKES;
use crate::world::{OURS, OWN_HOST, SHARED_HOST, World};
use crate::{calls, meter};

/// Routes grow to this number.
const ROUTES: [usize; 6] = [1, 10, 100, 1_000, 10_000, 50_000];
/// Cheap operations are repeated so much more often.
const CHEAP: u32 = 10;

/// Measures an axis, and prints what came of it.
pub fn run(axis: &str, directory: &Path, rounds: u32, most: usize) {
    let various = if matches!(axis, "anchors" | "realms") {
        most
    } else {
        0
    };
    let world = World::read(directory, various);
    let numbers = numbers_to(most);
    match axis {
        "anchors" => {
            for number in numbers {
                anchors(&world, number, rounds);
            }
        }
        "realms" => {
            for number in numbers {
                realms(&world, number, rounds);
            }
        }
        "same-name" => {
            for number in numbers_to(NAMESAKES) {
                same_name(&world, number, rounds);
            }
        }
        "same-name-realms" => {
            for number in numbers_to(NAMESAKES) {
                same_name_realms(&world, number, rounds);
            }
        }
        "routes" => {
            let most = most * 5;
            for number in ROUTES.into_iter().filter(|number| *number <= most) {
                calls::routes(&world, number, rounds);
            }
        }
        _ => panic!("no axis is called {axis}"),
    }
    println!("{}", meter::told());
}

fn numbers_to(most: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), |number| Some(number * 10))
        .take_while(move |number| *number <= most)
}

/// One realm with so many anchors of different names.
fn anchors(world: &World, number: usize, rounds: u32) {
    let live = world.live([world.realm(OURS, &world.pool.various[..number])]);
    let client = handshake::client(world);
    meter::measure("handshake, anchors", number, rounds, 2, || {
        handshake::full(&live, &client, OWN_HOST);
    });
    let (trust, chain) = (own(&live), &world.pool.client.chain);
    accepted(world, (&trust).into(), "anchors", number, rounds, chain);
    remembered(world, (&trust).into(), "anchors", number, rounds, chain);
}

/// So many realms with an anchor each, on our realm's own host and on the shared one.
fn realms(world: &World, number: usize, rounds: u32) {
    let live = world.live(world.realms(&world.pool.various[..number]));
    let client = handshake::client(world);
    let hosts = [
        ("handshake, realms, own host", OWN_HOST),
        ("handshake, realms, shared host", SHARED_HOST),
    ];
    for (what, host) in hosts {
        meter::measure(what, number, rounds, 2, || {
            handshake::full(&live, &client, host);
        });
    }
    let snapshot = live.load_full();
    let shared = Anchors::from(&*snapshot.shared.get(ENVIRONMENT).trust);
    let chain = &world.pool.client.chain;
    let what = "realms, shared host";
    accepted(world, shared, what, number, rounds, chain);
    remembered(world, shared, what, number, rounds, chain);
}

/// One realm with so many anchors of one name.
fn same_name(world: &World, number: usize, rounds: u32) {
    let live = world.live([world.realm(OURS, &world.pool.namesakes[..number])]);
    let trust = own(&live);
    namesakes(world, (&trust).into(), "namesakes", number, rounds);
}

/// So many realms with an anchor of one name each, on the shared host.
fn same_name_realms(world: &World, number: usize, rounds: u32) {
    let live = world.live(world.realms(&world.pool.namesakes[..number]));
    let snapshot = live.load_full();
    let shared = Anchors::from(&*snapshot.shared.get(ENVIRONMENT).trust);
    namesakes(world, shared, "realms of one CA name", number, rounds);
}

fn namesakes(world: &World, anchors: Anchors<'_>, what: &str, number: usize, rounds: u32) {
    let pool = &world.pool;
    let name = |client: &str| format!("{what}, {client}");
    let clients = [
        ("key identifier", &pool.identified),
        ("anchor presented", &pool.presenting),
    ];
    for (client, chain) in clients {
        accepted(world, anchors, &name(client), number, rounds, chain);
    }
    let strangers = [
        ("unknown, key identifier", &pool.stranger),
        ("unknown, none", &pool.bare_stranger),
    ];
    for (client, chain) in strangers {
        let verdicts = Verdicts::new(0, 0);
        let what = format!("judgement, {}", name(client));
        judged(
            world, anchors, &verdicts, &what, number, rounds, chain, false,
        );
    }
}

/// Judgements of a client as if it came for the first time.
fn accepted(
    world: &World,
    anchors: Anchors<'_>,
    what: &str,
    number: usize,
    rounds: u32,
    chain: &[CertificateDer<'_>],
) {
    let verdicts = Verdicts::new(0, 0);
    let what = format!("judgement, {what}");
    judged(
        world, anchors, &verdicts, &what, number, rounds, chain, true,
    );
}

/// Judgements of a client that came before.
fn remembered(
    world: &World,
    anchors: Anchors<'_>,
    what: &str,
    number: usize,
    rounds: u32,
    chain: &[CertificateDer<'_>],
) {
    let limits = TrustLimits::default();
    let verdicts = Verdicts::new(limits.verdicts_max, limits.verdict_life_ms);
    let what = format!("remembered judgement, {what}");
    judged(
        world,
        anchors,
        &verdicts,
        &what,
        number,
        rounds * CHEAP,
        chain,
        true,
    );
}

#[allow(
    clippy::too_many_arguments,
    reason = "they are all of one measurement, and named where it is made"
)]
fn judged(
    world: &World,
    anchors: Anchors<'_>,
    verdicts: &Verdicts,
    what: &str,
    number: usize,
    rounds: u32,
    chain: &[CertificateDer<'_>],
    expected: bool,
) {
    let limits = TrustLimits::default();
    meter::measure(what, number, rounds, 2, || {
        let mut verdict = None;
        meter::step(|| {
            verdict = Some(verdicts.judge(anchors, black_box(chain), world.now, &limits));
        });
        assert_eq!(verdict.unwrap().is_ok(), expected, "{what} {number}");
    });
}

fn own(live: &Live) -> Arc<TrustSet> {
    let snapshot = live.load_full();
    let realm = snapshot.realm(OURS, ENVIRONMENT).unwrap();
    Arc::clone(&realm.mtls.as_ref().unwrap().trust)
}
