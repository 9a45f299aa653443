//! What Linux tells of processes: CPU time, memory, children. And starting and ending them.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use realmgate::clock::Stopwatch;

use super::readings::{parent, pss_kib, ran_ns, ticks_ns};

/// The core of the servers.
pub const SERVERS: &str = "0";
/// The core of the generator and the upstream.
pub const CLIENTS: &str = "1";

/// How long a process has to end by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// CPU time that processes have taken so far.
pub struct CpuTime {
    /// Of each thread that there is, in nanoseconds.
    threads: HashMap<(u32, String), u64>,
    /// Of the processes, with their threads that have ended, in ticks of 10 ms.
    ticks_ns: u64,
}

/// A process and those it has started, and so on.
pub fn family(process: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let process = entry.file_name().to_string_lossy().parse::<u32>();
        if let (Ok(process), Ok(stat)) = (process, fs::read_to_string(entry.path().join("stat"))) {
            parents.extend(parent(&stat).map(|parent| (process, parent)));
        }
    }
    let mut family = vec![process];
    let mut next = 0;
    while let Some(process) = family.get(next).copied() {
        let of_it = parents.iter().filter(|(_, parent)| *parent == process);
        family.extend(of_it.map(|(child, _)| *child));
        next += 1;
    }
    family
}

impl CpuTime {
    /// Of such processes, up to now.
    pub fn now(processes: &[u32]) -> Self {
        let mut time = Self {
            threads: HashMap::new(),
            ticks_ns: 0,
        };
        for process in processes {
            let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            time.ticks_ns += ticks_ns(&stat).unwrap_or(0);
            let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
                continue;
            };
            for thread in threads.flatten() {
                let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
                let name = thread.file_name().to_string_lossy().into_owned();
                if let Some(ran) = ran_ns(&text) {
                    time.threads.insert((*process, name), ran);
                }
            }
        }
        time
    }

    /// What was taken since, in nanoseconds: exact, without threads that have ended; and by ticks, with them.
    pub fn since(&self, before: &Self) -> (u64, u64) {
        let of_thread = |(thread, ran): (&(u32, String), &u64)| {
            ran.saturating_sub(before.threads.get(thread).copied().unwrap_or(0))
        };
        let exact = self.threads.iter().map(of_thread).sum();
        (exact, self.ticks_ns.saturating_sub(before.ticks_ns))
    }
}

/// Their memory; what processes share is counted once.
pub fn memory_kib(processes: &[u32]) -> f64 {
    let of_one = |process: &u32| {
        let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup"));
        pss_kib(&text.unwrap_or_default()).unwrap_or(0.0)
    };
    processes.iter().map(of_one).sum()
}

/// A process that ends when this is dropped.
pub struct Running(Child);

impl Running {
    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether it runs still.
    pub fn lives(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let id = self.0.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let begun = Stopwatch::start();
        while self.lives() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command that runs on one core, with as many files open as the system lets it.
pub fn pinned(core: &str, program: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec taskset -c \"$@\""])
        .args(["sh", core])
        .arg(program)
        .stdin(Stdio::null());
    command
}

/// Starts it.
pub fn start(command: &mut Command) -> Running {
    let child = command.spawn();
    Running(child.unwrap_or_else(|error| panic!("{command:?}: {error}")))
}

/// Starts this program again as the upstream.
pub fn start_upstream() -> (Running, SocketAddr) {
    let program = std::env::current_exe().unwrap();
    let mut command = pinned(CLIENTS, &program);
    command.arg(super::upstream::PROCESS).stdout(Stdio::piped());
    let mut running = start(&mut command);
    let mut line = String::new();
    let mut output = BufReader::new(running.0.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let address = line.trim().parse();
    (running, address.expect("the upstream tells its address"))
}
