//! How many signatures are checked where anchors have one name and different keys.

use std::path::Path;
use std::sync::Arc;

use realmgate::trust::anchors::Anchors;
use realmgate::trust::judge;
use realmgate::trust::limits::TrustLimits;
use realmgate::trust::set::{TrustSet, TrustSource};
use realmgate::trust::shared::SharedTrust;
use realmgate::trust::signature::Proof;
use realmgate::trust::verdicts::Verdicts;
use rustls_pki_types::CertificateDer;

use crate::figures::{Checks, add};
use crate::pool::Pool;
use crate::world::World;

/// The most attempts that are made before a client is given up.
const ATTEMPTS_MAX: u32 = 2_000;

/// Counts them for one realm with so many anchors, and for so many realms on the shared host.
pub fn measure(directory: &Path, quick: bool) -> Checks {
    let world = World::read(directory, 0);
    let mut found = Checks::default();
    let numbers: &[usize] = if quick {
        &[1, 100, 1_000]
    } else {
        &[1, 10, 100, 1_000]
    };
    for number in numbers {
        let set = set_of(&world.pool, 0..*number);
        count(&world, (&set).into(), "one realm", *number, &mut found);
        let shared = (0..*number).fold(SharedTrust::default(), |shared, place| {
            let owner = Arc::from(format!("realm-{place}"));
            shared.with(&owner, None, Some(&set_of(&world.pool, place..place + 1)))
        });
        count(&world, (&shared).into(), "shared host", *number, &mut found);
    }
    found
}

fn set_of(pool: &Pool, places: std::ops::Range<usize>) -> Arc<TrustSet> {
    let anchors = pool.namesakes[places].iter();
    let source = TrustSource {
        anchors: anchors
            .map(|anchor| (anchor.clone(), Arc::from("account")))
            .collect(),
        ..TrustSource::default()
    };
    Arc::new(TrustSet::build(source).unwrap())
}

fn count(world: &World, anchors: Anchors<'_>, place: &str, number: usize, found: &mut Checks) {
    let pool = &world.pool;
    let known = [
        ("key identifier", &pool.identified),
        ("anchor presented", &pool.presenting),
    ];
    for (client, chain) in known {
        let checks = until_accepted(world, anchors, chain).expect("a valid client is let in");
        let what = format!("{place}, {client}");
        add(&mut found.checks, &what, number, f64::from(checks));
    }
    let unknown = [
        ("unknown, key identifier", &pool.stranger),
        ("unknown, no hint", &pool.bare_stranger),
    ];
    for (client, chain) in unknown {
        let checks = until_refused(world, anchors, chain);
        let what = format!("{place}, {client}");
        add(&mut found.checks, &what, number, f64::from(checks));
    }
    let attempts = attempts(world, anchors, &pool.bare);
    add(&mut found.attempts, place, number, f64::from(attempts));
}

/// The smallest budget with which a client is let in at its first attempt.
fn until_accepted(
    world: &World,
    anchors: Anchors<'_>,
    chain: &[CertificateDer<'_>],
) -> Option<u32> {
    (0..=TrustLimits::default().signature_checks_max).find(|budget| {
        let limits = TrustLimits {
            signature_checks_max: *budget,
            ..TrustLimits::default()
        };
        judge::judge(anchors, chain, world.now, &limits).is_ok()
    })
}

/// The signatures that were checked before a client was refused.
fn until_refused(world: &World, anchors: Anchors<'_>, chain: &[CertificateDer<'_>]) -> u32 {
    let limits = TrustLimits::default();
    let (verdict, trace) = judge::judge_telling(anchors, chain, world.now, &limits);
    assert!(verdict.is_err());
    let links = trace.links();
    let checked = links.iter().filter(|link| link.proof == Proof::NotSigned);
    u32::try_from(checked.count()).unwrap()
}

/// How often a client comes until it is let in.
fn attempts(world: &World, anchors: Anchors<'_>, chain: &[CertificateDer<'_>]) -> u32 {
    let limits = TrustLimits::default();
    let verdicts = Verdicts::new(limits.verdicts_max, limits.verdict_life_ms);
    let let_in =
        (1..=ATTEMPTS_MAX).find(|_| verdicts.judge(anchors, chain, world.now, &limits).is_ok());
    let_in.expect("it is let in after all")
}
