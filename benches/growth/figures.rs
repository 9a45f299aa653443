//! What was found out, as plain figures.

/// What one operation takes, for growing numbers of something.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What is measured.
    pub what: String,
    /// Number and figure, in order of the numbers.
    pub points: Vec<(usize, f64)>,
}

/// What judgements among anchors of one name come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checks {
    /// Signature checks of one judgement.
    pub checks: Vec<Series>,
    /// How often a client without any hint at its anchor has to come before it is let in.
    pub attempts: Vec<Series>,
}

/// What a number of realms costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Realms {
    /// How many.
    pub number: usize,
    /// From the start of the process to its ready file, which it writes when all listeners are bound. Seconds.
    pub ready_s: f64,
    /// The proportional set size then, in KiB.
    pub pss_kib: f64,
    /// To compile and publish one more realm, in milliseconds.
    pub publish_ms: f64,
    /// To make one more realm, durable commit included, in milliseconds.
    pub change_ms: f64,
}

/// Adds a figure to the series of what was measured.
pub fn add(all: &mut Vec<Series>, what: &str, number: usize, figure: f64) {
    let point = (number, figure);
    match all.iter_mut().find(|series| series.what == what) {
        Some(series) => series.points.push(point),
        None => all.push(Series {
            what: what.to_owned(),
            points: vec![point],
        }),
    }
}
