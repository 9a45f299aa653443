//! The access log as a whole: what is recorded arrives, what cannot arrive is counted and told.

use std::io::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex};

use serde_json::Value;

use super::*;
use crate::clock::{Moment, Stopwatch};
use crate::domain::environment::{Environment, Gateway};
use crate::domain::name::{PipelineName, RealmName};
use crate::domain::pipeline::PipelineKey;
use crate::pki::fingerprint::Fingerprint;
use crate::telemetry::access_record::Ending;
use crate::telemetry::counters::Handshake;
use crate::trust::identity::ClientIdentity;

/// What a test reads, and a gate that holds writes back or fails them.
#[derive(Clone, Default)]
struct Reader(Arc<(Mutex<Disk>, Condvar)>);

#[derive(Default)]
struct Disk {
    written: Vec<u8>,
    state: DiskState,
    writers_held: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum DiskState {
    #[default]
    Well,
    Full,
    Stuck,
}

impl Reader {
    fn set(&self, state: DiskState) {
        self.0.0.lock().unwrap().state = state;
        self.0.1.notify_all();
    }

    fn wait_until(&self, what: &str, met: impl Fn(&Disk) -> bool) {
        let disk = self.0.0.lock().unwrap();
        let waiting = |disk: &mut Disk| !met(disk);
        let patience = Duration::from_secs(20);
        let (_disk, timeout) = self
            .0
            .1
            .wait_timeout_while(disk, patience, waiting)
            .unwrap();
        assert!(!timeout.timed_out(), "waited in vain until {what}");
    }

    fn lines(&self) -> Vec<Value> {
        let written = self.0.0.lock().unwrap().written.clone();
        let text = String::from_utf8(written).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let (disk, changed) = &*self.0;
        let mut disk = disk.lock().unwrap();
        disk.writers_held += 1;
        changed.notify_all();
        let mut disk = changed
            .wait_while(disk, |disk| disk.state == DiskState::Stuck)
            .unwrap();
        disk.writers_held -= 1;
        if disk.state == DiskState::Full {
            return Err(Error::from_raw_os_error(28));
        }
        disk.written.extend_from_slice(bytes);
        changed.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Example {
    realm: RealmName,
    pipeline: PipelineKey,
    client: ClientIdentity,
}

impl Example {
    fn new() -> Self {
        let name = PipelineName::parse("orders").unwrap();
        Self {
            realm: RealmName::parse("acme").unwrap(),
            pipeline: PipelineKey { name, major: 1 },
            client: ClientIdentity {
                subject: "CN=client-1,O=Acme".to_owned(),
                sans: vec![],
                issuer: "CN=Acme Root".to_owned(),
                serial: "0a".to_owned(),
                fingerprint: Fingerprint::from_bytes([0xa5; 32]),
                anchor: Fingerprint::from_bytes([0; 32]),
                anchor_subject: "CN=Acme Root".to_owned(),
                account: Arc::from("dgb-mtls-autocorp"),
                not_before: Moment::EPOCH,
                not_after: Moment::MAX,
            },
        }
    }

    fn record(&self, number: u64) -> AccessRecord<'_> {
        AccessRecord {
            at: Moment::from_unix_seconds(1_800_000_000),
            request_id: "0192f1c8-5f0e-7b7e-9d39-6c1f2ad0a001",
            realm: Some(&self.realm),
            environment: Environment::Prod,
            gateway: Gateway::Mtls,
            pipeline: Some(&self.pipeline),
            method: "GET",
            path: "/pipeline/acme/v1/orders/products?id=1",
            status: Some(200),
            reason: None,
            bytes_in: number,
            bytes_out: 1234,
            duration: Duration::from_micros(1234),
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 17)),
            tls: "TLSv1.3",
            handshake: Handshake::Full,
            protocol: "h2",
            client: Some(&self.client),
            ending: Ending::Complete,
        }
    }
}

fn log(limits: AccessLimits) -> (AccessLog, Reader, Arc<Counters>) {
    let reader = Reader::default();
    let counters = Arc::new(Counters::new());
    let out = Box::new(reader.clone());
    let log = AccessLog::start_writing(out, limits, Arc::clone(&counters)).unwrap();
    (log, reader, counters)
}

/// Limits under which the writer writes only when told to, so that a test decides when.
fn patient() -> AccessLimits {
    AccessLimits {
        flush_interval_ms: 3_600_000,
        close_patience_ms: 20_000,
        ..AccessLimits::default()
    }
}

fn dropped(lines: &[Value]) -> u64 {
    lines
        .iter()
        .filter_map(|line| line["dropped"].as_u64())
        .sum()
}

fn calls(lines: &[Value]) -> u64 {
    lines
        .iter()
        .filter(|line| line["requestId"].is_string())
        .count() as u64
}

#[test]
fn closing_writes_every_record_of_every_thread_exactly_once() {
    let (log, reader, counters) = log(patient());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let log = &log;
            scope.spawn(move || {
                let example = Example::new();
                for number in 0..500 {
                    log.record(&example.record(thread * 1000 + number));
                }
            });
        }
    });
    assert!(log.close());
    let mut seen: Vec<_> = reader
        .lines()
        .iter()
        .map(|line| line["bytesIn"].as_u64())
        .collect();
    seen.sort();
    let expected =
        (0..4).flat_map(|thread| (0..500).map(move |number| Some(thread * 1000 + number)));
    assert_eq!(seen, expected.collect::<Vec<_>>());
    assert_eq!(counters.snapshot().access_records_dropped, 0);
}

#[test]
fn a_record_is_written_once_the_interval_is_over() {
    let limits = AccessLimits {
        flush_interval_ms: 1,
        ..patient()
    };
    let (log, reader, _) = log(limits);
    log.record(&Example::new().record(1));
    reader.wait_until("the line is there", |disk| disk.written.ends_with(b"}\n"));
    assert_eq!(calls(&reader.lines()), 1);
}

#[test]
fn a_buffer_that_fills_is_written_before_the_interval_is_over() {
    let limits = AccessLimits {
        flush_bytes: 1000,
        ..patient()
    };
    let (log, reader, _) = log(limits);
    for number in 0..10 {
        log.record(&Example::new().record(number));
    }
    reader.wait_until("lines are there", |disk| !disk.written.is_empty());
}

#[test]
fn what_a_slow_reader_leaves_no_room_for_is_dropped_counted_and_told() {
    let limits = AccessLimits {
        waiting_bytes_max: 64 * 1024,
        flush_bytes: 1000,
        ..patient()
    };
    let (log, reader, counters) = log(limits);
    reader.set(DiskState::Stuck);
    let example = Example::new();
    for number in 0..10 {
        log.record(&example.record(number));
    }
    reader.wait_until("the writer is stuck", |disk| disk.writers_held > 0);
    for number in 10..5000 {
        log.record(&example.record(number));
    }
    let lost = counters.snapshot().access_records_dropped;
    assert!(lost > 4000, "{lost}");
    reader.set(DiskState::Well);
    assert!(log.close());
    let lines = reader.lines();
    assert_eq!(dropped(&lines), lost);
    assert_eq!(calls(&lines) + lost, 5000);
    let bytes = reader.0.0.lock().unwrap().written.len();
    assert!(bytes < 2 * 64 * 1024 + 10_000, "{bytes} bytes waited");
}

#[test]
fn a_full_disk_costs_records_but_the_log_goes_on_when_there_is_room_again() {
    let limits = AccessLimits {
        flush_interval_ms: 1,
        ..patient()
    };
    let (log, reader, counters) = log(limits);
    let example = Example::new();
    reader.set(DiskState::Full);
    for number in 0..3 {
        log.record(&example.record(number));
    }
    let deadline = Stopwatch::start();
    while counters.snapshot().access_records_dropped < 3 {
        assert!(
            deadline.elapsed() < Duration::from_secs(20),
            "nothing was dropped"
        );
        std::thread::yield_now();
    }
    reader.set(DiskState::Well);
    log.record(&example.record(3));
    assert!(log.close());
    let lines = reader.lines();
    assert_eq!((calls(&lines), dropped(&lines)), (1, 3));
}

#[test]
fn closing_does_not_wait_for_ever_for_a_reader_that_does_not_read() {
    let limits = AccessLimits {
        close_patience_ms: 1,
        ..patient()
    };
    let (log, reader, _) = log(limits);
    reader.set(DiskState::Stuck);
    log.record(&Example::new().record(0));
    assert!(!log.close());
    reader.set(DiskState::Well);
    reader.wait_until("the line is there after all", |disk| {
        disk.written.ends_with(b"}\n")
    });
}

#[test]
fn a_file_grows_at_its_end_and_is_not_for_everybody_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("access.log");
    let target = AccessTarget::File(path.clone());
    for number in 0..2 {
        let counters = Arc::new(Counters::new());
        let log = AccessLog::start(&target, patient(), counters).unwrap();
        log.record(&Example::new().record(number));
        drop(log);
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let numbers: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["bytesIn"].clone())
        .collect();
    assert_eq!(numbers, [0, 1]);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o027, 0, "{mode:o}");
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("missing").join("access.log");
    let target = AccessTarget::File(path.clone());
    let started = AccessLog::start(&target, patient(), Arc::new(Counters::new()));
    let told = started.unwrap_err().to_string();
    assert!(told.contains(&path.display().to_string()), "{told}");
}

#[test]
fn a_log_that_is_off_takes_records_and_closes() {
    let log = AccessLog::off();
    log.record(&Example::new().record(0));
    assert!(log.close());
}

/// Tells the cost of a record, in bursts that leave the writer time. The bound holds for a debug build on a busy
/// machine: it catches a caller that waits for the writer rather than a slow day.
#[test]
fn a_record_costs_the_caller_little() {
    struct Counting(Sender<usize>);
    impl Write for Counting {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
            let _ = self.0.send(lines);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (lines, written) = channel();
    let limits = AccessLimits {
        flush_interval_ms: 1,
        ..AccessLimits::default()
    };
    let counters = Arc::new(Counters::new());
    let out = Box::new(Counting(lines));
    let log = AccessLog::start_writing(out, limits, counters).unwrap();
    let example = Example::new();
    let (bursts, burst) = (500, 100_u32);
    let (mut spent, mut best) = (Duration::ZERO, Duration::MAX);
    for _ in 0..bursts {
        let stopwatch = Stopwatch::start();
        for number in 0..burst {
            log.record(&example.record(u64::from(number)));
        }
        let elapsed = stopwatch.elapsed();
        spent += elapsed;
        best = best.min(elapsed);
        let mut seen = 0;
        while seen < burst as usize {
            seen += written.recv_timeout(Duration::from_secs(20)).unwrap();
        }
    }
    let each = spent / (bursts * burst);
    let best = best / burst;
    println!(
        "{} ns per record, {} ns in the best burst",
        each.as_nanos(),
        best.as_nanos()
    );
    assert!(each < Duration::from_micros(100), "{each:?}");
}
