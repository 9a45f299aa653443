//! The real server with so many realms: when it is ready, what memory it takes, and what one change costs.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use realmgate::clock::{Clock, Moment, Stopwatch};
use realmgate::domain::change::Touched;
use realmgate::domain::token::Actor;
use realmgate::snapshot::compile::Compiler;
use realmgate::snapshot::live::Live;
use realmgate::trust::limits::TrustLimits;

use crate::figures::Realms;
use crate::options::Options;
use crate::reading;
use crate::stores;
use crate::world::{names, realm_name};

/// How long a server has to become ready.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it has before its memory is looked at.
const SETTLING: Duration = Duration::from_millis(500);
const ONE_MORE: &str = "one-more";

/// Measures growing numbers of realms.
pub fn measure(options: &Options, directory: &Path) -> Vec<Realms> {
    let now = Clock::system().now();
    let numbers = [1, 10, 100, 1_000, 10_000];
    let rounds = if options.quick { 3 } else { 7 };
    let of_number = numbers
        .into_iter()
        .filter(|number| *number <= options.most());
    let of_number = of_number.map(|number| {
        let data = directory.join(format!("data-{number}"));
        stores::make(&data, number, now);
        let mut started: Vec<(f64, f64)> = (0..rounds)
            .map(|_| start(&options.server, directory, &data))
            .collect();
        started.sort_by(|(left, _), (right, _)| left.total_cmp(right));
        let (ready_s, _) = started[rounds / 2];
        let mut pss: Vec<f64> = started.into_iter().map(|(_, pss)| pss).collect();
        pss.sort_by(f64::total_cmp);
        let (publish_ms, change_ms) = change(&data, now);
        Realms {
            number,
            ready_s,
            pss_kib: pss[rounds / 2],
            publish_ms,
            change_ms,
        }
    });
    of_number.collect()
}

/// Starts the server once: seconds until it was ready, and its memory in KiB.
fn start(binary: &Path, directory: &Path, data: &Path) -> (f64, f64) {
    let (settings, ready) = (
        directory.join("realmgate.toml"),
        directory.join("ready.json"),
    );
    let text = format!(
        "data_dir = {data:?}\nadmin_listen = \"127.0.0.1:0\"\nmtls_listen = \"127.0.0.1:0\"\n\
         external_listen = \"127.0.0.1:0\"\ninternal_listen = []\naccess_log = \"off\"\n"
    );
    std::fs::write(&settings, text).unwrap();
    let _ = std::fs::remove_file(&ready);
    let begun = Stopwatch::start();
    let mut child = Command::new(binary)
        .args(["serve", "--config"])
        .arg(&settings)
        .arg("--ready-file")
        .arg(&ready)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
    while !ready.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it did not start");
        assert!(begun.elapsed() < PATIENCE, "it does not become ready");
        std::thread::sleep(Duration::from_millis(1));
    }
    let took = begun.elapsed().as_secs_f64();
    std::thread::sleep(SETTLING);
    let memory = pss(child.id());
    stop(&mut child);
    (took, memory)
}

/// As systemd does it, so that the store is closed.
fn stop(child: &mut Child) {
    let kill = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    child.wait().unwrap();
}

fn pss(process: u32) -> f64 {
    let path = format!("/proc/{process}/smaps_rollup");
    reading::pss_kib(&std::fs::read_to_string(path).unwrap())
}

/// What one more realm costs, in milliseconds: to compile and publish it, and with its durable commit.
fn change(data: &Path, now: Moment) -> (f64, f64) {
    const TRIES: usize = 5;
    let control = stores::open(data, now);
    let ca = stores::authority("Public CA", now);
    let commands = stores::realm(ONE_MORE, &ca, now);
    let before = control.catalog();
    let begun = Stopwatch::start();
    control
        .execute_blocking(&Actor::system(), &commands)
        .unwrap();
    let change = begun.elapsed();
    let after = control.catalog();
    let (clock, limits) = (Clock::manual(now), TrustLimits::default());
    let compiler = Compiler::new(names(), clock, limits, Duration::from_secs(3600)).unwrap();
    let live = Live::new(compiler.compile_all(&before).unwrap());
    let present = live.load_full();
    let touched = [Touched::Realm(realm_name(ONE_MORE))];
    let mut took: Vec<f64> = (0..TRIES)
        .map(|_| {
            live.publish(Arc::clone(&present), &[]);
            let begun = Stopwatch::start();
            let (snapshot, realms) = compiler.recompile(&present, &after, &touched).unwrap();
            live.publish(Arc::new(snapshot), &realms);
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    took.sort_by(f64::total_cmp);
    (took[TRIES / 2], change.as_secs_f64() * 1e3)
}
