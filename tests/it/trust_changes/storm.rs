//! One realm's anchors change as fast as they can be stored, and another realm does not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use realmgate::clock::Stopwatch;

use crate::trust_changes::house::{HOUR, House, ca, client};
use crate::trust_changes::visitor::{Fate, Ticket, call};
use crate::trust_changes::{YEAR, account, runtime, witness};

const LASTS: Duration = Duration::from_secs(3);
const EVERY: Duration = Duration::from_millis(10);

#[test]
fn a_storm_of_changes_in_one_realm_cuts_nobody_and_fails_no_call_of_another() {
    let runtime = runtime();
    let mut house = House::start(&runtime);
    let over = Arc::new(AtomicBool::new(false));
    let witnesses = witness(&runtime, &house, &over);
    let now = house.now();
    let end = now.plus(HOUR * YEAR);
    let (lasting, fleeting) = (ca("Lasting", now, end), ca("Fleeting", now, end));
    house.realm(
        "stormy",
        &[
            ("lasting", &[&lasting.certificate]),
            ("theirs", &[&fleeting.certificate]),
        ],
    );
    // Of the stormy realm itself, whoever is not meant is not cut either, on the shared host as on its own.
    let stays = client(&lasting, "stays", now, end);
    let mut kept: Vec<_> = [false, true]
        .map(|on_shared| {
            let ticket = Ticket::new(&house, "stormy", on_shared, &stays, false);
            let mut stream = runtime.block_on(ticket.connect()).unwrap();
            let status = runtime.block_on(call(&mut stream, &ticket));
            assert_eq!(status.unwrap(), 200);
            (ticket, stream)
        })
        .into();
    let leaves = client(&fleeting, "leaves", now, end);
    let leaver = Ticket::new(&house, "stormy", true, &leaves, false);
    let mut cut = runtime.block_on(leaver.connect()).unwrap();
    assert_eq!(runtime.block_on(call(&mut cut, &leaver)).unwrap(), 200);
    let open = house.open.len();
    let (storm, mut changes) = (Stopwatch::start(), 0_u32);
    while storm.elapsed() < LASTS {
        let command = if changes.is_multiple_of(2) {
            account::remove("stormy", "theirs").to_vec()
        } else {
            account::install(&house, "stormy", "theirs").to_vec()
        };
        house.execute(&command);
        changes += 1;
        std::thread::sleep((EVERY * changes).saturating_sub(storm.elapsed()));
    }
    assert!(changes > 30, "{changes} changes only");
    for (ticket, stream) in &mut kept {
        assert_eq!(runtime.block_on(call(stream, ticket)).unwrap(), 200);
    }
    over.store(true, Ordering::SeqCst);
    for witness in witnesses {
        assert!(runtime.block_on(witness).unwrap() > 20);
    }
    let ours = house.counters.snapshot().connections_cut;
    assert!(ours <= 1, "{ours} connections were cut of {open}");
    let fate = runtime.block_on(leaver.once()).0;
    assert!(matches!(fate, Fate::Served | Fate::Alert(_)), "{fate:?}");
    house.stop();
}
