//! What came of it, beside the goals: tables, JSON, and what is worth a plot.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::figures::{Checks, Realms, Series};

/// What does not grow by more than this is flat.
const FLAT: f64 = 1.03;
/// The most signature checks for a valid client.
const CHECKS_MAX: f64 = 4.0;
/// The search for a route, which is a small part of a call.
const ROUTE: &str = "route";
const READY_S_MAX: f64 = 0.5;
const KIB_EACH_MAX: f64 = 5.0;
const PUBLISH_MS_MAX: f64 = 1.0;

/// All results.
#[derive(Debug, Default)]
pub struct Report {
    /// Whether it was a quick run.
    pub quick: bool,
    /// Instructions of one operation; none where there is no valgrind.
    pub instructions: Vec<Series>,
    /// Nanoseconds of one operation.
    pub times: Vec<Series>,
    /// Signature checks among anchors of one name.
    pub checks: Checks,
    /// The server by its number of realms.
    pub realms: Vec<Realms>,
}

/// Lines to be drawn.
#[derive(Debug)]
pub struct Plot {
    /// The file's name, without its ending.
    pub file: &'static str,
    /// What stands above it.
    pub title: &'static str,
    /// What grows.
    pub x: &'static str,
    /// What is measured.
    pub y: &'static str,
    /// The lines.
    pub series: Vec<Series>,
}

/// One line of the table.
#[derive(Debug, PartialEq)]
struct Row {
    what: String,
    least: String,
    most: String,
    goal: &'static str,
    met: Option<bool>,
}

impl Report {
    /// Nothing measured yet.
    pub fn new(quick: bool) -> Self {
        Self {
            quick,
            ..Self::default()
        }
    }

    /// The tables.
    pub fn markdown(&self) -> String {
        let mut text =
            String::from("| | least | most | goal | |\n| --- | --- | --- | --- | --- |\n");
        for row in self.rows() {
            let met = match row.met {
                Some(true) => "met",
                Some(false) => "**not met**",
                None => "",
            };
            let Row {
                what,
                least,
                most,
                goal,
                ..
            } = row;
            writeln!(text, "| {what} | {least} | {most} | {goal} | {met} |").unwrap();
        }
        text.push('\n');
        let unit = |nanos: f64| {
            if nanos < 10_000.0 {
                format!("{nanos:.0} ns")
            } else {
                format!("{:.1} µs", nanos / 1e3)
            }
        };
        text += &points("instructions", &self.instructions, |count| {
            format!("{count:.0}")
        });
        text += &points("time, median", &self.times, unit);
        text += &points("signature checks", &self.checks.checks, |count| {
            format!("{count:.0}")
        });
        text += &points("attempts without a hint", &self.checks.attempts, |count| {
            format!("{count:.0}")
        });
        text += "\n| realms | ready, s | Pss, KiB | compiled and published, ms | with the commit, ms |\n\
                 | --- | --- | --- | --- | --- |\n";
        for of in &self.realms {
            writeln!(
                text,
                "| {} | {:.3} | {:.0} | {:.3} | {:.1} |",
                of.number, of.ready_s, of.pss_kib, of.publish_ms, of.change_ms
            )
            .unwrap();
        }
        text
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.instructions.iter().map(growth).collect();
        rows.extend(self.checks.checks.iter().map(few_checks));
        if let (Some(first), Some(last)) = (self.realms.first(), self.realms.last()) {
            let (one, many) = (first.number, last.number);
            let each = each_kib(first, last);
            rows.push(Row {
                what: format!("{many} realms: seconds until ready"),
                least: format!("{:.3} ({one})", first.ready_s),
                most: format!("{:.3} ({many})", last.ready_s),
                goal: "≤ 0.5 s",
                met: Some(last.ready_s <= READY_S_MAX),
            });
            rows.push(Row {
                what: format!("{many} realms: memory of each"),
                least: String::new(),
                most: format!("{each:.2} KiB"),
                goal: "≤ 5 KiB",
                met: Some(each <= KIB_EACH_MAX),
            });
            rows.push(Row {
                what: format!("{many} realms: one more, compiled and published"),
                least: format!("{:.3} ms ({one})", first.publish_ms),
                most: format!("{:.3} ms ({many})", last.publish_ms),
                goal: "≤ 1 ms",
                met: Some(last.publish_ms <= PUBLISH_MS_MAX),
            });
        }
        rows
    }

    /// All figures, for programs.
    pub fn json(&self) -> String {
        let series = |all: &[Series]| -> Value {
            let of = all.iter().map(|one| {
                json!({
                    "what": one.what,
                    "points": one.points,
                    "growth": growth_of(one),
                })
            });
            of.collect()
        };
        let realms: Value = self
            .realms
            .iter()
            .map(|of| {
                json!({
                    "realms": of.number,
                    "readySeconds": of.ready_s,
                    "pssKib": of.pss_kib,
                    "publishMs": of.publish_ms,
                    "changeMs": of.change_ms,
                })
            })
            .collect();
        let goals: Value = self
            .rows()
            .iter()
            .map(|row| json!({ "what": row.what, "goal": row.goal, "met": row.met }))
            .collect();
        let plots: Value = self
            .plots()
            .iter()
            .map(|plot| {
                json!({
                    "file": plot.file,
                    "title": plot.title,
                    "x": plot.x,
                    "y": plot.y,
                    "series": series(&plot.series),
                })
            })
            .collect();
        let all = json!({
            "quick": self.quick,
            "instructions": series(&self.instructions),
            "nanoseconds": series(&self.times),
            "signatureChecks": series(&self.checks.checks),
            "attemptsWithoutAHint": series(&self.checks.attempts),
            "realms": realms,
            "goals": goals,
            "plots": plots,
        });
        format!("{all:#}\n")
    }

    /// What is worth a plot: each by a growing number, which takes a logarithmic axis.
    pub fn plots(&self) -> Vec<Plot> {
        let of = |all: &[Series], chosen: &dyn Fn(&str) -> bool| -> Vec<Series> {
            let chosen = all.iter().filter(|series| chosen(&series.what));
            chosen.cloned().collect()
        };
        let of_realms = |what: &str, figure: &dyn Fn(&Realms) -> f64| {
            let points = self.realms.iter().map(|of| (of.number, figure(of)));
            vec![Series {
                what: what.to_owned(),
                points: points.collect(),
            }]
        };
        let instructions = &self.instructions;
        let plot = |file, title, x, y, series| Plot {
            file,
            title,
            x,
            y,
            series,
        };
        vec![
            plot(
                "handshake-by-anchors",
                "Handshake by the number of anchors",
                "anchors",
                "instructions",
                of(instructions, &|what| what == "handshake, anchors"),
            ),
            plot(
                "handshake-by-realms",
                "Handshake by the number of realms",
                "realms",
                "instructions",
                of(instructions, &|what| what.starts_with("handshake, realms")),
            ),
            plot(
                "signature-checks",
                "Signature checks by anchors of one name",
                "anchors of one name",
                "checks",
                of(&self.checks.checks, &|_| true),
            ),
            plot(
                "routes",
                "A call by the number of routes",
                "routes",
                "instructions",
                of(instructions, &|what| what == ROUTE || what == "call"),
            ),
            plot(
                "realms-ready",
                "Start of the server",
                "realms",
                "seconds until ready",
                of_realms("until ready", &|of| of.ready_s),
            ),
            plot(
                "realms-memory",
                "Memory of the server",
                "realms",
                "MiB (Pss)",
                of_realms("memory", &|of| of.pss_kib / 1024.0),
            ),
        ]
    }
}

/// How much the last figure is more than the first.
fn growth_of(series: &Series) -> Option<f64> {
    let ((_, first), (_, last)) = (series.points.first()?, series.points.last()?);
    Some(last / first)
}

fn each_kib(first: &Realms, last: &Realms) -> f64 {
    (last.pss_kib - first.pss_kib) / last.number as f64
}

/// What is to be flat: handshakes, judgements of clients that are let in, and calls. An unknown client is judged within a
/// bound, up to which each namesake costs a check; and what is a small part of these has no goal of its own.
fn is_to_be_flat(what: &str) -> bool {
    let is_part = what == ROUTE || what.starts_with("remembered");
    !is_part && !what.contains("unknown")
}

fn growth(series: &Series) -> Row {
    let (first, last) = (series.points[0], series.points[series.points.len() - 1]);
    let grown = last.1 / first.1;
    let goal = is_to_be_flat(&series.what);
    Row {
        what: format!("instructions: {}", series.what),
        least: format!("{:.0} ({})", first.1, first.0),
        most: format!(
            "{:.0} ({}), {:+.2} %",
            last.1,
            last.0,
            (grown - 1.0) * 100.0
        ),
        goal: if goal { "flat: within 3 %" } else { "" },
        met: goal.then_some(grown <= FLAT),
    }
}

fn few_checks(series: &Series) -> Row {
    let (first, last) = (series.points[0], series.points[series.points.len() - 1]);
    let most = series.points.iter().map(|(_, checks)| *checks);
    let most = most.fold(0.0, f64::max);
    let bounded = series.what.contains("unknown");
    Row {
        what: format!("signature checks: {}", series.what),
        least: format!("{:.0} ({})", first.1, first.0),
        most: format!("{:.0} ({})", last.1, last.0),
        goal: if bounded { "" } else { "≤ 4" },
        met: (!bounded).then_some(most <= CHECKS_MAX),
    }
}

/// A table with a column for each number.
fn points(title: &str, all: &[Series], written: impl Fn(f64) -> String) -> String {
    let mut numbers: Vec<usize> = all
        .iter()
        .flat_map(|series| series.points.iter().map(|(number, _)| *number))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut text = format!("\n| {title} |");
    for number in &numbers {
        write!(text, " {number} |").unwrap();
    }
    text += "\n| --- |";
    text += &" --- |".repeat(numbers.len());
    text.push('\n');
    for series in all {
        write!(text, "| {} |", series.what).unwrap();
        for number in &numbers {
            let found = series.points.iter().find(|(of, _)| of == number);
            let figure = found.map_or_else(String::new, |(_, figure)| written(*figure));
            write!(text, " {figure} |").unwrap();
        }
        text.push('\n');
    }
    text
}
