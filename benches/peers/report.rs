//! What came of it: a table with the goals, JSON, and a plot of the ratios.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::loads::{Goal, Load};
use super::plot::{Group, bars};
use super::statistics::{Summary, ratios, summary};

/// The target whose figures are compared with the others'.
const OURS: &str = "realmgate";
/// Of the JSON.
const FORMAT: u32 = 1;

/// All results.
#[derive(Debug)]
pub struct Report {
    /// How often each load was run against each target; once where memory is measured.
    pub rounds: usize,
    /// How long each time, in seconds.
    pub seconds: f64,
    /// What was measured, or why it was not.
    pub targets: Vec<TargetNote>,
    /// One for each load.
    pub rows: Vec<Row>,
    /// What else came up.
    pub notes: Vec<String>,
}

/// A target, measured or left out.
#[derive(Debug)]
pub struct TargetNote {
    /// Its name.
    pub name: &'static str,
    /// What it says of itself.
    pub version: Option<String>,
    /// Why it was not measured.
    pub left_out: Option<String>,
}

/// The results of one load.
#[derive(Debug)]
pub struct Row {
    /// What was done.
    pub load: &'static Load,
    /// Of each target.
    pub figures: Vec<Figures>,
}

/// The figures of one target under one load.
#[derive(Debug)]
pub struct Figures {
    /// The target's name.
    pub target: &'static str,
    /// One a round; `None` where a round came to nothing.
    pub rounds: Vec<Option<f64>>,
}

impl Row {
    fn rounds(&self, target: &str) -> &[Option<f64>] {
        let figures = self.figures.iter().find(|of| of.target == target);
        figures.map_or(&[], |of| &of.rounds)
    }

    fn summary(&self, target: &str) -> Option<Summary> {
        summary(self.rounds(target).iter().copied().flatten())
    }

    /// realmgate to a peer.
    fn ratio(&self, peer: &str) -> Option<Summary> {
        summary(ratios(self.rounds(OURS), self.rounds(peer)))
    }

    /// What is to be held against a goal's bound.
    fn reached(&self, goal: &Goal) -> Option<f64> {
        let of = match goal.peer {
            Some(peer) => self.ratio(peer),
            None => self.summary(OURS),
        };
        of.map(|of| of.median)
    }
}

impl Report {
    /// Nothing measured yet.
    pub const fn new(rounds: usize, seconds: f64) -> Self {
        Self {
            rounds,
            seconds,
            targets: Vec::new(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    fn measured(&self) -> Vec<&'static str> {
        let measured = self.targets.iter().filter(|one| one.left_out.is_none());
        measured.map(|one| one.name).collect()
    }

    fn peers(&self) -> Vec<&'static str> {
        let mut names = self.measured();
        names.retain(|name| *name != OURS);
        names
    }

    /// The table, and what was left out.
    pub fn markdown(&self) -> String {
        let (measured, peers) = (self.measured(), self.peers());
        let mut text = String::from("| load |");
        for name in &measured {
            write!(text, " {name} |").unwrap();
        }
        writeln!(text, " to {} | goals |", peers.join(" / ")).unwrap();
        writeln!(text, "|{}", " --- |".repeat(measured.len() + 3)).unwrap();
        for row in &self.rows {
            write!(text, "| {}, {} |", row.load.what, row.load.unit()).unwrap();
            for name in &measured {
                match row.summary(name) {
                    Some(of) => write!(text, " {} |", three_digits(of.median)).unwrap(),
                    None => text.push_str(" – |"),
                }
            }
            let to = peers.iter().map(|peer| match row.ratio(peer) {
                Some(of) => format!("{:.2} ({:.2} to {:.2})", of.median, of.least, of.greatest),
                None => "–".to_owned(),
            });
            write!(text, " {} |", to.collect::<Vec<_>>().join(" / ")).unwrap();
            let goals = row.load.goals.iter().map(|goal| verdict(row, goal));
            writeln!(text, " {} |", goals.collect::<Vec<_>>().join("; ")).unwrap();
        }
        for target in &self.targets {
            if let Some(why) = &target.left_out {
                writeln!(text, "\nNot measured: {}: {why}", target.name).unwrap();
            }
        }
        for note in &self.notes {
            writeln!(text, "\nNote: {note}").unwrap();
        }
        text
    }

    /// See the program's documentation for its keys.
    pub fn json(&self) -> String {
        let targets = self
            .targets
            .iter()
            .map(|one| json!({"name": one.name, "version": one.version, "leftOut": one.left_out}));
        let loads = self.rows.iter().map(|row| {
            let figures: Map<String, Value> = row
                .figures
                .iter()
                .map(|of| {
                    let mut value = summed(row.summary(of.target));
                    value["rounds"] = json!(of.rounds);
                    (of.target.to_owned(), value)
                })
                .collect();
            let ratios: Map<String, Value> = self
                .peers()
                .into_iter()
                .map(|peer| (peer.to_owned(), summed(row.ratio(peer))))
                .collect();
            let goals = row.load.goals.iter().map(|goal| {
                let reached = row.reached(goal);
                json!({
                    "peer": goal.peer,
                    "atMost": goal.at_most,
                    "reached": reached,
                    "met": reached.map(|reached| reached <= goal.at_most),
                })
            });
            json!({
                "name": row.load.name,
                "what": row.load.what,
                "unit": row.load.unit(),
                "figures": figures,
                "ratios": ratios,
                "goals": goals.collect::<Value>(),
            })
        });
        let all = json!({
            "format": FORMAT,
            "rounds": self.rounds,
            "seconds": self.seconds,
            "targets": targets.collect::<Value>(),
            "loads": loads.collect::<Value>(),
            "notes": self.notes,
        });
        format!("{all:#}\n")
    }

    /// realmgate's share of what each peer takes, by load.
    pub fn svg(&self) -> String {
        let peers = self.peers();
        let groups: Vec<Group> = self
            .rows
            .iter()
            .map(|row| Group {
                label: row.load.name.to_owned(),
                values: peers
                    .iter()
                    .map(|peer| row.ratio(peer).map(|of| of.median))
                    .collect(),
            })
            .collect();
        bars(
            "realmgate's cost as a part of each peer's",
            "ratio",
            &peers,
            &groups,
        )
    }
}

fn summed(of: Option<Summary>) -> Value {
    json!({
        "median": of.map(|of| of.median),
        "least": of.map(|of| of.least),
        "greatest": of.map(|of| of.greatest),
    })
}

fn verdict(row: &Row, goal: &Goal) -> String {
    let bound = match goal.peer {
        Some(peer) => format!("≤ {:.2} {peer}", goal.at_most),
        None => format!("≤ {}", goal.at_most),
    };
    match row.reached(goal) {
        Some(reached) if reached <= goal.at_most => format!("{bound}: met"),
        Some(_) => format!("{bound}: **not met**"),
        None => format!("{bound}: not measured"),
    }
}

fn three_digits(figure: f64) -> String {
    match figure {
        figure if figure >= 100.0 => format!("{figure:.0}"),
        figure if figure >= 10.0 => format!("{figure:.1}"),
        figure => format!("{figure:.2}"),
    }
}
