//! What grows with the number of anchors, realms, namesakes and routes, and what does not.
//!
//! ```text
//! cargo bench --bench growth                      # all of it, about a minute
//! cargo bench --bench growth -- --quick           # fewer numbers and rounds, about 20 seconds
//! cargo bench --bench growth -- --server BIN      # starts another binary than the one just built
//! cargo bench --bench growth -- --plots DIR       # draws what grows, as SVG files
//! ```
//!
//! Instructions are counted by valgrind's callgrind, in a second process of this program: whatever is measured is run by
//! one function ([`meter::counted`]), and nothing outside of it is counted. Times are of a run without callgrind.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "what goes wrong in a measurement ends it"
)]

mod axes;
mod callgrind;
mod calls;
mod checks;
mod figures;
mod handshake;
mod meter;
mod options;
#[allow(dead_code, reason = "bars are for other benches")]
#[path = "../plot.rs"]
mod plot;
mod pool;
mod reading;
mod report;
mod server;
mod stores;
mod world;

use std::path::Path;

use crate::figures::Series;
use crate::options::Options;
use crate::report::Report;

fn main() {
    // Cargo adds `--bench`.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    if let [mark, axis, directory, rounds, most] = words.as_slice()
        && mark == options::CHILD
    {
        let (rounds, most) = (rounds.parse().unwrap(), most.parse().unwrap());
        axes::run(axis, Path::new(directory), rounds, most);
        return;
    }
    let options = match Options::parse(&words) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}");
            std::process::exit(2);
        }
    };
    let directory = tempfile::tempdir().unwrap();
    pool::make(directory.path(), options.most());
    let mut report = Report::new(options.quick);
    if callgrind::is_there() {
        report.instructions = instructions(&options, directory.path());
    } else {
        eprintln!(
            "valgrind is not there, so only times are measured: install the package `valgrind`"
        );
    }
    report.times = times(&options, directory.path());
    report.checks = checks::measure(directory.path(), options.quick);
    report.realms = server::measure(&options, directory.path());
    print!("{}", report.markdown());
    if let Some(path) = &options.json {
        std::fs::write(path, report.json()).unwrap();
    }
    if let Some(directory) = &options.plots {
        draw(&report, directory);
    }
}

/// Two axes at a time: a count does not depend on what else the machine does.
fn instructions(options: &Options, directory: &Path) -> Vec<Series> {
    let (left, right) = options.axes().split_at(2);
    std::thread::scope(|scope| {
        let run = |axes: &[&str]| -> Vec<Series> {
            let of_axis = axes.iter();
            of_axis
                .flat_map(|axis| callgrind::run(axis, directory, options))
                .collect()
        };
        let right = scope.spawn(move || run(right));
        let mut all = run(left);
        all.extend(right.join().unwrap());
        all
    })
}

fn times(options: &Options, directory: &Path) -> Vec<Series> {
    let of_axis = options.axes().iter();
    of_axis
        .flat_map(|axis| callgrind::without(axis, directory, options))
        .collect()
}

fn draw(report: &Report, directory: &Path) {
    std::fs::create_dir_all(directory).unwrap();
    for plot in report.plots() {
        let series: Vec<plot::Series> = plot.series.iter().map(line).collect();
        let svg = plot::lines(plot.title, plot.x, plot.y, &series);
        std::fs::write(directory.join(plot.file).with_extension("svg"), svg).unwrap();
    }
}

fn line(series: &Series) -> plot::Series {
    let points = series.points.iter();
    plot::Series {
        name: series.what.clone(),
        points: points
            .map(|(number, figure)| (*number as f64, *figure))
            .collect(),
    }
}
