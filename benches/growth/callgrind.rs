//! Measures an axis in a process of its own: under callgrind, which counts instructions, or without it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::figures::{self, Series};
use crate::meter;
use crate::options::{CHILD, Options};
use crate::reading::{self, Told};

/// Whether valgrind is there.
pub fn is_there() -> bool {
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--version").stdout(Stdio::null());
    valgrind.status().is_ok_and(|status| status.success())
}

/// The instructions of each operation of an axis.
pub fn run(axis: &str, directory: &Path, options: &Options) -> Vec<Series> {
    let out = directory.join(format!("callgrind.{axis}"));
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "-q", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={}", meter::COUNTED))
        .arg(format!("--dump-before={}", meter::MARK))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe().unwrap());
    let rounds = if options.quick { 4 } else { 10 };
    let told = finish(valgrind, axis, directory, rounds, options.most());
    let figures: Vec<f64> = told
        .iter()
        .enumerate()
        // Two dumps for each measurement: of its warm-up, and of itself.
        .map(|(place, one)| reading::instructions(&dump(&out, 2 * place + 2)) / one.rounds)
        .collect();
    series(&told, &figures)
}

/// The time of each operation of an axis, in nanoseconds.
pub fn without(axis: &str, directory: &Path, options: &Options) -> Vec<Series> {
    let child = Command::new(std::env::current_exe().unwrap());
    let rounds = if options.quick { 50 } else { 300 };
    let told = finish(child, axis, directory, rounds, options.most());
    let figures: Vec<f64> = told.iter().map(|one| one.nanos).collect();
    series(&told, &figures)
}

fn finish(mut child: Command, axis: &str, directory: &Path, rounds: u32, most: usize) -> Vec<Told> {
    child.args([CHILD, axis]).arg(directory);
    child.args([rounds.to_string(), most.to_string()]);
    let output = child.output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{axis}: {out}{err}");
    reading::told(out.trim())
}

/// One series for each thing that was measured.
fn series(told: &[Told], figures: &[f64]) -> Vec<Series> {
    let mut all = Vec::new();
    for (one, figure) in told.iter().zip(figures) {
        figures::add(&mut all, &one.what, one.number, *figure);
    }
    all
}

fn dump(out: &Path, number: usize) -> String {
    let path = PathBuf::from(format!("{}.{number}", out.display()));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
