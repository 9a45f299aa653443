//! Of `benches/growth`: what it reads, and how it weighs figures by the goals.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "the bench uses the rest, and what goes wrong in it ends it"
)]

use std::path::PathBuf;

use serde_json::Value;

use self::figures::{Checks, Realms, Series};
use self::options::Options;
use self::report::Report;

#[path = "../../benches/growth/figures.rs"]
mod figures;
#[path = "../../benches/growth/options.rs"]
mod options;
#[path = "../../benches/growth/reading.rs"]
mod reading;
#[path = "../../benches/growth/report.rs"]
mod report;

fn parsed(line: &str) -> Result<Options, String> {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    Options::parse(&words)
}

fn series(what: &str, points: &[(usize, f64)]) -> Series {
    Series {
        what: what.to_owned(),
        points: points.to_vec(),
    }
}

fn realms(number: usize, pss_kib: f64) -> Realms {
    Realms {
        number,
        ready_s: 0.1,
        pss_kib,
        publish_ms: 0.1,
        change_ms: 1.0,
    }
}

/// Whether each goal of a report is met, where there is one.
fn met(report: &Report) -> Vec<Option<bool>> {
    let json: Value = serde_json::from_str(&report.json()).unwrap();
    let goals = json["goals"].as_array().unwrap().iter();
    goals.map(|goal| goal["met"].as_bool()).collect()
}

#[test]
fn each_word_is_understood_and_a_wrong_one_is_named() {
    let options = parsed("--quick --server s --json j --plots p").unwrap();
    assert!(options.quick);
    assert_eq!(options.server, PathBuf::from("s"));
    assert_eq!(options.json, Some(PathBuf::from("j")));
    assert_eq!(options.plots, Some(PathBuf::from("p")));
    assert!(parsed("--fast").unwrap_err().contains("'--fast'"));
    assert!(parsed("--json").unwrap_err().contains("--json wants"));
}

#[test]
fn a_quick_run_measures_fewer_realms() {
    assert!(parsed("--quick").unwrap().most() < parsed("").unwrap().most());
}

#[test]
fn what_a_measuring_process_tells_is_read() {
    let told = reading::told("a\t1\t2\t30\nb, c\t10\t2\t40");
    assert_eq!((told[0].what.as_str(), told[0].number), ("a", 1));
    assert_eq!((told[1].what.as_str(), told[1].number), ("b, c", 10));
    assert_eq!((told[1].rounds, told[1].nanos), (2.0, 40.0));
}

#[test]
fn figures_of_one_thing_are_one_series() {
    let mut all = Vec::new();
    for (what, number, figure) in [("a", 1, 1.0), ("b", 1, 2.0), ("a", 10, 3.0)] {
        figures::add(&mut all, what, number, figure);
    }
    assert_eq!(
        all,
        [
            series("a", &[(1, 1.0), (10, 3.0)]),
            series("b", &[(1, 2.0)])
        ]
    );
}

#[test]
fn the_instructions_of_a_dump_are_found_by_either_name() {
    let of = reading::instructions;
    assert_eq!(of("events: Ir\nsummary: 12\nfn=(1)\n"), 12.0);
    assert_eq!(of("fn=(1)\n0 5\n\ntotals: 345\n"), 345.0);
}

#[test]
fn the_memory_is_the_proportional_set_size_as_a_whole() {
    let text = "00400000-7ffd [rollup]\nRss:  9000 kB\nPss:   1234 kB\nPss_Dirty: 99 kB\n";
    assert_eq!(reading::pss_kib(text), 1234.0);
}

#[test]
fn pieces_that_are_written_are_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pieces");
    reading::write_pieces(&path, [&b"one"[..], b"", b"three"]);
    assert_eq!(reading::pieces(&path), [&b"one"[..], b"", b"three"]);
}

#[test]
fn within_three_percent_is_flat_where_that_is_the_goal() {
    let cases = [
        ("handshake, anchors", 103.0, Some(true)),
        ("handshake, anchors", 103.1, Some(false)),
        ("call", 50.0, Some(true)),
        ("judgement, namesakes, unknown", 900.0, None),
        ("route", 150.0, None),
        ("remembered judgement, anchors", 150.0, None),
    ];
    for (what, last, expected) in cases {
        let report = Report {
            instructions: vec![series(what, &[(1, 100.0), (10, last)])],
            ..Report::new(true)
        };
        assert_eq!(met(&report), [expected], "{what}: {last}");
    }
}

#[test]
fn the_most_checks_count_wherever_they_are() {
    for (middle, expected) in [(4.0, true), (5.0, false)] {
        let report = Report {
            checks: Checks {
                checks: vec![series("x", &[(1, 1.0), (10, middle), (100, 1.0)])],
                ..Checks::default()
            },
            ..Report::new(true)
        };
        assert_eq!(met(&report), [Some(expected)], "{middle}");
    }
}

#[test]
fn memory_of_each_realm_is_what_the_first_one_has_not() {
    for (last, expected) in [(59_995.0, true), (60_005.0, false)] {
        let report = Report {
            realms: vec![realms(1, 10_000.0), realms(10_000, last)],
            ..Report::new(true)
        };
        assert_eq!(met(&report), [Some(true), Some(expected), Some(true)]);
        assert_eq!(report.markdown().contains("**not met**"), !expected);
    }
}

#[test]
fn a_table_leaves_empty_what_was_not_measured() {
    let report = Report {
        instructions: vec![
            series("a", &[(1, 1.0), (10, 2.0)]),
            series("b", &[(10, 3.0)]),
        ],
        ..Report::new(true)
    };
    let text = report.markdown();
    assert!(text.contains("| instructions | 1 | 10 |\n"), "{text}");
    assert!(text.contains("| b |  | 3 |\n"), "{text}");
}

#[test]
fn each_plot_shows_what_its_name_says() {
    let report = Report {
        instructions: vec![
            series("handshake, anchors", &[(1, 1.0)]),
            series("handshake, realms, own host", &[(1, 2.0)]),
            series("handshake, realms, shared host", &[(1, 3.0)]),
            series("route", &[(1, 4.0)]),
            series("call", &[(1, 5.0)]),
            series("judgement, anchors", &[(1, 6.0)]),
        ],
        checks: Checks {
            checks: vec![series("one realm", &[(1, 7.0)])],
            ..Checks::default()
        },
        realms: vec![realms(1, 2_048.0)],
        ..Report::new(true)
    };
    let shown: Vec<(&str, Vec<f64>)> = report
        .plots()
        .iter()
        .map(|plot| {
            let points = plot.series.iter().flat_map(|series| &series.points);
            (plot.file, points.map(|(_, figure)| *figure).collect())
        })
        .collect();
    let expected = [
        ("handshake-by-anchors", vec![1.0]),
        ("handshake-by-realms", vec![2.0, 3.0]),
        ("signature-checks", vec![7.0]),
        ("routes", vec![4.0, 5.0]),
        ("realms-ready", vec![0.1]),
        ("realms-memory", vec![2.0]),
    ];
    assert_eq!(shown, expected);
}
