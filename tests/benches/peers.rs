//! Of `benches/peers`: what it reads, how it sums up rounds, and how it holds figures against the goals.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "the bench uses the rest, and what goes wrong in it ends it"
)]

use serde_json::Value;

use self::loads::{LOADS, Load};
use self::options::Options;
use self::report::{Figures, Report, Row, TargetNote};
use self::statistics::{Summary, ratios, summary};
use crate::plot;

#[path = "../../benches/peers/loads.rs"]
mod loads;
#[path = "../../benches/peers/options.rs"]
mod options;
#[path = "../../benches/peers/readings.rs"]
mod readings;
#[path = "../../benches/peers/report.rs"]
mod report;
#[path = "../../benches/peers/statistics.rs"]
mod statistics;

fn parsed(line: &str) -> Result<Options, String> {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    Options::parse(&words)
}

fn load(name: &str) -> &'static Load {
    LOADS.iter().find(|load| load.name == name).unwrap()
}

/// A report of one load against nginx, whose nginx36 was left out.
fn report(load: &'static Load, ours: &[Option<f64>], nginx: &[Option<f64>]) -> Report {
    let target = |name, left_out: Option<&str>| TargetNote {
        name,
        version: None,
        left_out: left_out.map(str::to_owned),
    };
    let figures = |target, rounds: &[Option<f64>]| Figures {
        target,
        rounds: rounds.to_vec(),
    };
    let mut report = Report::new(ours.len(), 1.0);
    report.targets = vec![
        target("nginx", None),
        target("nginx36", Some("needs OpenSSL 3.6")),
        target("realmgate", None),
    ];
    report.rows = vec![Row {
        load,
        figures: vec![figures("nginx", nginx), figures("realmgate", ours)],
    }];
    report
}

#[test]
fn the_command_line_is_read_and_what_is_wrong_with_it_is_said() {
    let options =
        parsed("--peers haproxy,nginx --loads upload,h1 --rounds 5 --seconds 0.5").unwrap();
    assert_eq!(options.peers, ["nginx", "haproxy"]);
    let loads: Vec<&str> = options.loads.iter().map(|load| load.name).collect();
    assert_eq!(loads, ["h1", "upload-1m", "upload-100m"]);
    assert_eq!((options.rounds, options.window.as_millis()), (5, 500));
    assert!(parsed("--peers none").unwrap().peers.is_empty());
    for (line, why) in [
        ("--peers caddy", "'caddy' is no peer"),
        ("--loads nothing", "'nothing' is no load"),
        ("--rounds 0", "--rounds wants a number"),
        ("--seconds -1", "--seconds wants seconds"),
        ("--json", "--json wants a value"),
        ("--fast", "'--fast' is not known"),
    ] {
        let said = parsed(line).unwrap_err();
        assert!(said.contains(why), "{line}: {said}");
    }
}

#[test]
fn medians_are_of_the_middle_and_ratios_of_one_round() {
    let of = |figures: &[f64]| summary(figures.iter().copied());
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[f64::NAN]), None);
    let expected = Summary {
        median: 2.5,
        least: 1.0,
        greatest: 9.0,
    };
    assert_eq!(of(&[9.0, 1.0, 2.0, 3.0]), Some(expected));
    assert_eq!(of(&[9.0, 1.0, 2.0]).unwrap().median, 2.0);
    let (ours, theirs) = (
        [Some(1.0), None, Some(6.0), Some(1.0)],
        [Some(2.0), Some(5.0), Some(3.0), Some(0.0)],
    );
    assert_eq!(ratios(&ours, &theirs), [0.5, 2.0]);
}

#[test]
fn what_linux_tells_of_processes_is_read_whatever_they_are_called() {
    let stat = "17 (a) b (c)) S 4 17 17 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 1 0 1 1 1";
    assert_eq!(readings::parent(stat), Some(4));
    assert_eq!(readings::ticks_ns(stat), Some(3_000_000_000));
    assert_eq!(readings::ran_ns("123456789 42 7\n"), Some(123_456_789));
    let smaps =
        "5581-7ffd ---p 00000000 00:00 0 [rollup]\nRss:  900 kB\nPss:   512 kB\nPss_Dirty: 3 kB\n";
    assert_eq!(readings::pss_kib(smaps), Some(512.0));
    assert_eq!(readings::pss_kib(""), None);
    assert_eq!(readings::parent(""), None);
}

#[test]
fn a_goal_is_met_by_the_median_of_paired_ratios_and_not_without_figures() {
    let met = |ours: &[Option<f64>], nginx: &[Option<f64>]| {
        let json: Value = serde_json::from_str(&report(load("h1"), ours, nginx).json()).unwrap();
        let goals = json["loads"][0]["goals"].as_array().unwrap().clone();
        assert_eq!(goals[0]["peer"], "nginx");
        // haproxy was not there.
        assert_eq!(goals[1]["met"], Value::Null);
        goals[0]["met"].as_bool()
    };
    let some = |figures: &[f64]| figures.iter().copied().map(Some).collect::<Vec<_>>();
    assert_eq!(
        met(&some(&[6.0, 6.0, 20.0]), &some(&[10.0, 10.0, 10.0])),
        Some(true)
    );
    assert_eq!(
        met(&some(&[7.0, 6.0, 20.0]), &some(&[10.0, 10.0, 10.0])),
        Some(false)
    );
    assert_eq!(met(&[None], &some(&[10.0])), None);
}

#[test]
fn the_table_says_what_was_met_and_what_was_left_out() {
    let idle = report(load("idle-2000"), &[Some(12.7)], &[Some(20.8)]).markdown();
    assert!(
        idle.contains("| 20.8 | 12.7 | 0.61 (0.61 to 0.61) | ≤ 12: **not met** |"),
        "{idle}"
    );
    assert!(
        idle.contains("Not measured: nginx36: needs OpenSSL 3.6"),
        "{idle}"
    );
    let h1 = report(load("h1"), &[Some(6.0)], &[Some(10.0)]);
    let table = h1.markdown();
    assert!(
        table.contains("≤ 0.65 nginx: met; ≤ 0.80 haproxy: not measured"),
        "{table}"
    );
    assert!(h1.svg().starts_with("<svg"));
}
