//! Runs what is measured, so that callgrind counts nothing else, and keeps how long it took.

use std::cell::{Cell, RefCell};

use realmgate::clock::Stopwatch;

/// How callgrind knows [`counted`].
pub const COUNTED: &str = "*::meter::counted";
/// How callgrind knows [`mark`].
pub const MARK: &str = "*::meter::mark";

thread_local! {
    static NANOS: Cell<u64> = const { Cell::new(0) };
    static TOLD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Runs a step of what is measured. All that callgrind counts is in here.
#[inline(never)]
pub fn counted(step: &mut dyn FnMut()) {
    step();
}

/// Runs a step of what is measured, and adds up the time.
pub fn step(mut step: impl FnMut()) {
    let begun = Stopwatch::start();
    counted(&mut step);
    let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
    NANOS.with(|all| all.set(all.get() + nanos));
}

/// Has callgrind write down what it counted since the last mark.
#[inline(never)]
pub fn mark() {
    std::hint::black_box(());
}

/// Measures an operation, which calls [`step`], so many times after a few that are not counted, and tells what came of
/// it: `what`, the number, the rounds and the median of the times in nanoseconds.
pub fn measure(what: &str, number: usize, rounds: u32, warm_ups: u32, mut operation: impl FnMut()) {
    (0..warm_ups).for_each(|_| operation());
    // What the warm-up took is not part of it.
    mark();
    let mut nanos = Vec::new();
    for _ in 0..rounds {
        NANOS.with(|all| all.set(0));
        operation();
        nanos.push(NANOS.with(Cell::get));
    }
    mark();
    nanos.sort_unstable();
    let median = nanos[nanos.len() / 2];
    TOLD.with_borrow_mut(|told| told.push(format!("{what}\t{number}\t{rounds}\t{median}")));
}

/// What was told so far, a line for each (see [`crate::reading::told`]).
pub fn told() -> String {
    TOLD.with_borrow(|told| told.join("\n"))
}
