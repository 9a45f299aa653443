//! Starts everything, checks it, and measures: each load in rounds, in each round each target.

use std::process::Stdio;

use crate::generator::{Job, Outcome, PROCESS};
use crate::loads::{Load, Work};
use crate::options::Options;
use crate::pki::{CLIENT, Pki};
use crate::process::{CLIENTS, pinned, start_upstream};
use crate::report::{Figures, Report, Row, TargetNote};
use crate::servers::{OURS, Surroundings, Target};

/// Exact figures leave out threads that have ended. Where they differ from ticks by more than this part, it is told.
const APART: f64 = 0.10;
/// Ticks are too coarse to say anything of less than this, in nanoseconds.
const COARSE_NS: f64 = 300e6;

/// Measures all that was asked for.
pub fn run(options: &Options) -> Report {
    let directory = tempfile::tempdir().unwrap();
    let pki = directory.path().join("pki");
    std::fs::create_dir(&pki).unwrap();
    let (_upstream, address) = start_upstream();
    let around = Surroundings {
        pki: Pki::make(&pki),
        upstream: address,
        directory: directory.path().to_owned(),
    };
    let mut report = Report::new(options.rounds, options.window.as_secs_f64());
    let mut targets = Vec::new();
    for name in options.peers.iter().copied().chain([OURS]) {
        let (version, left_out) = match begin(name, options, &around) {
            Ok(target) => {
                let version = target.version.clone();
                targets.push(target);
                (Some(version), None)
            }
            Err(why) => (None, Some(why)),
        };
        match &left_out {
            Some(why) => println!("{name}: left out: {why}"),
            None => println!(
                "{name}: tells the upstream who calls, and refuses a client without a certificate ({})",
                version.as_deref().unwrap_or_default()
            ),
        }
        report.targets.push(TargetNote {
            name,
            version,
            left_out,
        });
    }
    for load in &options.loads {
        eprintln!("{}: {}", load.name, load.what);
        let mut figures: Vec<Figures> = targets
            .iter()
            .map(|target| Figures {
                target: target.name,
                rounds: Vec::new(),
            })
            .collect();
        // Memory does not differ from round to round.
        let rounds = if load.work == Work::Idle {
            1
        } else {
            options.rounds
        };
        for round in 1..=rounds {
            for (target, figures) in targets.iter_mut().zip(&mut figures) {
                if load.work == Work::Idle {
                    // What other loads left behind in its heap would be used again, and not be seen.
                    match Target::start(target.name, options, &around) {
                        Ok(fresh) => *target = fresh,
                        Err(why) => report.notes.push(format!("{}: {why}", target.name)),
                    }
                }
                let outcome = ask(&job(target, load.work, load.connections, options));
                let figure = figure(load, &outcome);
                let notes = odd(load, &outcome).into_iter();
                report.notes.extend(
                    notes.map(|what| {
                        format!("{}, {}, round {round}: {what}", load.name, target.name)
                    }),
                );
                figures.rounds.push(figure);
            }
        }
        report.rows.push(Row { load, figures });
    }
    report
}

/// Starts a target and has it show that it does its job.
fn begin(name: &'static str, options: &Options, around: &Surroundings) -> Result<Target, String> {
    let target = Target::start(name, options, around)?;
    let as_client = |has_certificate| ask(&job(&target, Work::Ask { has_certificate }, 1, options));
    let known = as_client(true);
    if let Some(why) = known.first_failure {
        return Err(format!("does not answer: {why}"));
    }
    let asked = known.asked.unwrap_or_default();
    if !asked.contains(CLIENT) {
        return Err(format!("does not tell the upstream who calls: {asked}"));
    }
    if as_client(false).operations > 0 {
        return Err("serves a client without a certificate".to_owned());
    }
    Ok(target)
}

fn job(target: &Target, work: Work, connections: usize, options: &Options) -> Job {
    Job {
        aim: target.aim.clone(),
        work,
        connections,
        process: target.running.id(),
        warm_up: options.warm_up,
        window: options.window,
    }
}

/// Has a generator of its own do the job.
fn ask(job: &Job) -> Outcome {
    let program = std::env::current_exe().unwrap();
    let output = pinned(CLIENTS, &program)
        .arg(PROCESS)
        .arg(serde_json::to_string(job).unwrap())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| Outcome {
        failures: 1,
        first_failure: Some(format!("the generator said nothing: {error}")),
        ..Outcome::default()
    })
}

/// In the load's unit; `None` where nothing came of it.
fn figure(load: &Load, outcome: &Outcome) -> Option<f64> {
    let nanos = outcome.cpu_ns as f64;
    let of = |count: u64| (count > 0).then_some(count as f64);
    match load.work {
        Work::Idle => outcome.kib_each,
        // Seconds for a GB are nanoseconds for a byte.
        Work::Download { .. } | Work::Upload { .. } => Some(nanos / of(outcome.bytes)?),
        Work::Handshake { resumes: true, .. } if outcome.resumed < outcome.operations / 10 * 9 => {
            None
        }
        Work::Handshake { .. } | Work::Http1 | Work::Http2 { .. } | Work::Ask { .. } => {
            Some(nanos / 1e3 / of(outcome.operations)?)
        }
    }
}

fn odd(load: &Load, outcome: &Outcome) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(why) = &outcome.first_failure {
        notes.push(format!("{} calls failed: {why}", outcome.failures));
    }
    if matches!(load.work, Work::Handshake { resumes: true, .. }) {
        let full = outcome.operations.saturating_sub(outcome.resumed);
        if full > outcome.operations / 100 {
            notes.push(format!(
                "{full} of {} handshakes were full ones",
                outcome.operations
            ));
        }
    }
    let (exact, ticks) = (outcome.cpu_ns as f64, outcome.ticks_ns as f64);
    if ticks > COARSE_NS && (exact / ticks - 1.0).abs() > APART {
        notes.push(format!(
            "threads took {:.0} ms of CPU, all of the process {:.0} ms",
            exact / 1e6,
            ticks / 1e6
        ));
    }
    notes
}
