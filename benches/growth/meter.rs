//! Runs what is measured, so that callgrind counts nothing else, and keeps how long it took.

use std::cell::{Cell, RefCell};

use realmgate::clock::Stopwatch;

/// How callgrind knows [`counted`].
pub const COUNTED: &str = "*::meter::counted";
/// How callgrind knows [`mark`].
pub const MARK: &str = "*::meter::mark";

/// What one operation takes, for growing numbers of something.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What is measured.
    pub what: String,
    /// Number and figure, in order of the numbers.
    pub points: Vec<(usize, f64)>,
}

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

/// What was told so far, a line for each.
pub fn told() -> String {
    TOLD.with_borrow(|told| told.join("\n"))
}

/// A line of [`told`].
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What was measured.
    pub what: String,
    /// For which number.
    pub number: usize,
    /// How often.
    pub rounds: f64,
    /// The median of the times, in nanoseconds.
    pub nanos: f64,
}

/// Reads what was told.
pub fn read(text: &str) -> Vec<Told> {
    let line = |line: &str| {
        let words: Vec<&str> = line.split('\t').collect();
        let [what, number, rounds, nanos] = words.as_slice() else {
            panic!("a line of four words: {line}");
        };
        Told {
            what: (*what).to_owned(),
            number: number.parse().unwrap(),
            rounds: rounds.parse().unwrap(),
            nanos: nanos.parse().unwrap(),
        }
    };
    text.lines().map(line).collect()
}

/// One series for each thing that was measured, with these figures.
pub fn series(told: &[Told], figures: &[f64]) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    for (one, figure) in told.iter().zip(figures) {
        let point = (one.number, *figure);
        match all.iter_mut().find(|series| series.what == one.what) {
            Some(series) => series.points.push(point),
            None => all.push(Series {
                what: one.what.clone(),
                points: vec![point],
            }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_measurement_tells_can_be_read_and_is_put_in_series() {
        let told = read("a\t1\t2\t30\nb\t1\t2\t40\na\t10\t2\t50");
        assert_eq!((told[2].what.as_str(), told[2].number), ("a", 10));
        assert_eq!((told[1].rounds, told[1].nanos), (2.0, 40.0));
        let series = series(&told, &[1.0, 2.0, 3.0]);
        assert_eq!(series.len(), 2);
        assert_eq!(series[0].points, [(1, 1.0), (10, 3.0)]);
        assert_eq!(series[1].points, [(1, 2.0)]);
    }

    #[test]
    fn a_measurement_counts_its_steps_and_not_the_warm_up() {
        let mut calls = 0;
        measure("x", 7, 3, 2, || {
            calls += 1;
            step(|| ());
        });
        assert_eq!(calls, 5);
        let told = read(&told());
        assert_eq!((told[0].number, told[0].rounds), (7, 3.0));
    }
}
