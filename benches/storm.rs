//! What a storm of changes in one realm costs another: CPU time of the gateway's threads per call, in windows with and
//! without the storm in turn, so that each pair has seen the same machine.
//!
//! ```text
//! cargo bench --bench storm -- own           # calls on the other realm's own host
//! cargo bench --bench storm -- shared        # calls on the shared host, whose epoch moves with each change
//! cargo bench --bench storm -- idle 5000     # so many idle connections of the other realm on the shared host
//! ```
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "what goes wrong in a measurement ends it; the tests' house has more than is needed here"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use realmgate::clock::Stopwatch;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::house::{HOUR, House, ca, client};
use crate::visitor::Ticket;

#[path = "../tests/it/trust_changes/account.rs"]
mod account;
#[path = "../tests/it/trust_changes/house.rs"]
mod house;
#[path = "../tests/it/trust_changes/service.rs"]
mod service;
#[path = "../tests/it/trust_changes/visitor.rs"]
mod visitor;

/// As the tests call them.
mod trust_changes {
    pub(crate) use crate::{house, service};
}

const WINDOW: Duration = Duration::from_secs(2);
const ROUNDS: usize = 12;
const CALLERS: usize = 16;
const CHANGE_EVERY: Duration = Duration::from_millis(10);
const YEAR: u32 = 24 * 365;

const QUIET: &str = r#"
[[realm]]
name = "quiet"
[[realm.pipeline]]
name = "relay"
major = 1
trigger = { type = "rest", mtls = true, external = false }
handler = { type = "mock", document = { quiet = true } }
[[realm.deployment]]
pipeline = "relay"
major = 1
environments = ["prod"]
"#;

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let what = words.first().map_or("own", String::as_str);
    let idle: usize = match what {
        "idle" => words.get(1).map_or(1_000, |count| count.parse().unwrap()),
        _ => 0,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let house = House::start(&runtime);
    let now = house.now();
    let end = now.plus(HOUR * YEAR);
    let root = ca("Quiet", now, end);
    let leaf = client(&root, "quiet", now, end);
    house.realm("quiet", &[("own", &[&root.certificate])]);
    house.apply(QUIET);
    let (lasting, fleeting) = (ca("Lasting", now, end), ca("Fleeting", now, end));
    house.realm(
        "stormy",
        &[
            ("lasting", &[&lasting.certificate]),
            ("theirs", &[&fleeting.certificate]),
        ],
    );
    let ticket = Ticket::new(&house, "quiet", what != "own", &leaf, false);
    let calls = Arc::new(AtomicU64::new(0));
    let mut kept = Vec::new();
    for _ in 0..idle {
        let mut stream = runtime.block_on(ticket.connect()).unwrap();
        runtime.block_on(one(&mut stream, &ticket));
        kept.push(stream);
    }
    if idle == 0 {
        for _ in 0..CALLERS {
            let (ticket, calls) = (ticket.clone(), Arc::clone(&calls));
            runtime.spawn(async move {
                let mut stream = ticket.connect().await.unwrap();
                loop {
                    one(&mut stream, &ticket).await;
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    }
    let storming = AtomicBool::new(false);
    let over = AtomicBool::new(false);
    let changes = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut installed = true;
            while !over.load(Ordering::SeqCst) {
                if !storming.load(Ordering::SeqCst) {
                    std::thread::sleep(CHANGE_EVERY);
                    continue;
                }
                let begun = Stopwatch::start();
                let commands = if installed {
                    account::remove("stormy", "theirs").to_vec()
                } else {
                    account::install(&house, "stormy", "theirs").to_vec()
                };
                installed = !installed;
                house.execute(&commands);
                changes.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(CHANGE_EVERY.saturating_sub(begun.elapsed()));
            }
        });
        let window = |storm: bool| {
            storming.store(storm, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(300));
            let (begun, cpu, done) = (Stopwatch::start(), cpu_ns(), calls.load(Ordering::Relaxed));
            std::thread::sleep(WINDOW);
            let spent = (cpu_ns() - cpu) as f64 / 1000.0;
            let done = calls.load(Ordering::Relaxed) - done;
            let per = if idle == 0 {
                done as f64
            } else {
                begun.elapsed().as_secs_f64()
            };
            spent / per
        };
        let (mut calm, mut stormy, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            // Each of the two is first as often as the other.
            let first = round % 2 == 1;
            let (a, b) = (window(first), window(!first));
            let (quiet, loud) = if first { (b, a) } else { (a, b) };
            calm.push(quiet);
            stormy.push(loud);
            ratios.push(loud / quiet);
        }
        storming.store(false, Ordering::SeqCst);
        over.store(true, Ordering::SeqCst);
        let unit = if idle == 0 {
            "µs per call"
        } else {
            "µs per second"
        };
        let rate =
            changes.load(Ordering::Relaxed) as f64 / ((WINDOW.as_secs_f64() + 0.3) * ROUNDS as f64);
        println!("{what} {idle}: {rate:.0} changes per second");
        println!("calm   {:.2} {unit}", median(&mut calm));
        println!("storm  {:.2} {unit}", median(&mut stormy));
        ratios.sort_by(f64::total_cmp);
        println!(
            "paired ratios {ratios:.3?}, median {:.3}",
            median(&mut ratios.clone())
        );
        println!("cut: {}", house.counters.snapshot().connections_cut);
    });
    // The callers go on for ever.
    std::process::exit(0);
}

async fn one(stream: &mut tokio_rustls::client::TlsStream<tokio::net::TcpStream>, ticket: &Ticket) {
    stream
        .write_all(ticket.head("now").as_bytes())
        .await
        .unwrap();
    let mut answer = [0; 2048];
    let bytes = stream.read(&mut answer).await.unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer[..bytes])
    );
    assert!(answer[..bytes].ends_with(b"}"), "it came in one piece");
}

/// The CPU time of the gateway's threads, in nanoseconds.
fn cpu_ns() -> u64 {
    let mut sum = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let path = task.unwrap().path();
        let name = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
        if name.starts_with("gateway-") {
            let stat = std::fs::read_to_string(path.join("schedstat")).unwrap();
            sum += stat.split(' ').next().unwrap().parse::<u64>().unwrap();
        }
    }
    sum
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    f64::midpoint(figures[middle], figures[(figures.len() - 1) / 2])
}
