//! Puts a load on a target, and tells what of its CPU time that took. One process for each measurement.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::HandshakeKind;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use crate::client::{Aim, Client, Offer, answer, odd};
use crate::idle;
use crate::loads::Work;
use crate::process::{CpuTime, family};
use crate::wire::Wire;

/// The word that makes this program the generator; behind it stands a [`Job`] as JSON.
pub const PROCESS: &str = "--be-the-generator";

/// What answers small calls.
pub const SMALL: &str = "/small";
const BLOCK: usize = 64 * 1024;
/// How long a job may take beyond its window.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a client waits after a failure.
const PAUSE: Duration = Duration::from_millis(5);

/// One measurement.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    /// Whom to call.
    pub aim: Aim,
    /// What to do.
    pub work: Work,
    /// How many connections at once.
    pub connections: usize,
    /// The target's process.
    pub process: u32,
    /// How long the load runs before the window.
    pub warm_up: Duration,
    /// How long it is looked at.
    pub window: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Calls that ended well within the window.
    pub operations: u64,
    /// Bytes of bodies within the window.
    pub bytes: u64,
    /// Calls that failed within the window.
    pub failures: u64,
    /// How the first of them did.
    pub first_failure: Option<String>,
    /// Handshakes that resumed a session.
    pub resumed: u64,
    /// CPU time of the target's threads, in nanoseconds.
    pub cpu_ns: u64,
    /// The same by ticks, threads that have ended included.
    pub ticks_ns: u64,
    /// Memory for each connection that is idle, in KiB.
    pub kib_each: Option<f64>,
    /// What the upstream was asked.
    pub asked: Option<String>,
}

/// What all clients count together.
#[derive(Default)]
pub struct Counts {
    operations: AtomicU64,
    bytes: AtomicU64,
    failures: AtomicU64,
    resumed: AtomicU64,
    first_failure: OnceCell<String>,
}

impl Counts {
    /// Something went wrong.
    pub fn failed(&self, error: &io::Error) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let _ = self.first_failure.set(error.to_string());
    }

    fn done(&self) {
        self.operations.fetch_add(1, Ordering::Relaxed);
    }

    fn moved(&self, bytes: &[u8]) {
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    }

    /// What was counted since.
    pub fn since(&self, before: &Outcome) -> Outcome {
        let of = |count: &AtomicU64, before: u64| count.load(Ordering::Relaxed) - before;
        Outcome {
            operations: of(&self.operations, before.operations),
            bytes: of(&self.bytes, before.bytes),
            failures: of(&self.failures, before.failures),
            resumed: of(&self.resumed, before.resumed),
            first_failure: self.first_failure.get().cloned(),
            ..Outcome::default()
        }
    }
}

/// Does the job and writes the outcome to standard output, as JSON.
pub fn run(job: &str) {
    let job: Job = serde_json::from_str(job).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let outcome = runtime.block_on(async {
        let patience = job.warm_up + job.window + PATIENCE;
        timeout(patience, perform(&job))
            .await
            .unwrap_or_else(|_| Outcome {
                failures: 1,
                first_failure: Some("it took too long".to_owned()),
                ..Outcome::default()
            })
    });
    println!("{}", serde_json::to_string(&outcome).unwrap());
    // The clients go on for ever.
    std::process::exit(0);
}

async fn perform(job: &Job) -> Outcome {
    let counts = Arc::new(Counts::default());
    match job.work {
        Work::Ask { has_certificate } => return ask(job, has_certificate, &counts).await,
        Work::Idle => return idle::measure(job, &counts).await,
        Work::Handshake { .. }
        | Work::Http1
        | Work::Http2 { .. }
        | Work::Download { .. }
        | Work::Upload { .. } => {}
    }
    for _ in 0..job.connections {
        let (aim, work, counts) = (job.aim.clone(), job.work, Arc::clone(&counts));
        tokio::spawn(async move { work_on(&aim, work, &counts).await });
    }
    sleep(job.warm_up).await;
    let processes = family(job.process);
    let begun = counts.since(&Outcome::default());
    let before = CpuTime::now(&processes);
    sleep(job.window).await;
    let after = CpuTime::now(&processes);
    let mut outcome = counts.since(&begun);
    (outcome.cpu_ns, outcome.ticks_ns) = after.since(&before);
    outcome
}

/// One client's part, for ever.
async fn work_on(aim: &Aim, work: Work, counts: &Arc<Counts>) {
    match work {
        Work::Handshake { hybrid, resumes } => {
            let client = Client::new(
                aim,
                Offer {
                    hybrid,
                    resumes,
                    ..Offer::default()
                },
            );
            again(counts, || handshake(&client, counts)).await;
        }
        Work::Http1 => {
            let client = Client::new(aim, Offer::default());
            let request = client.get(SMALL);
            again(counts, || calls(&client, &request, counts)).await;
        }
        Work::Download { bytes } => {
            let client = Client::new(aim, Offer::default());
            let request = client.get(&format!("/bytes/{bytes}"));
            again(counts, || calls(&client, &request, counts)).await;
        }
        Work::Upload { bytes } => {
            let client = Client::new(aim, Offer::default());
            again(counts, || uploads(&client, bytes, counts)).await;
        }
        Work::Http2 { streams } => {
            let offer = Offer {
                http2: true,
                ..Offer::default()
            };
            let client = Client::new(aim, offer);
            again(counts, || streams_of(&client, streams, counts)).await;
        }
        Work::Idle | Work::Ask { .. } => {}
    }
}

/// Begins anew whenever it ends, which is a failure unless it says otherwise.
async fn again<F>(counts: &Counts, once: impl Fn() -> F)
where
    F: Future<Output = io::Result<()>>,
{
    loop {
        if let Err(error) = once().await {
            counts.failed(&error);
            sleep(PAUSE).await;
        }
    }
}

async fn handshake(client: &Client, counts: &Counts) -> io::Result<()> {
    let mut wire = Wire::new(client.connect().await?);
    wire.write(&client.get(SMALL)).await?;
    answer(&mut wire, |_| ()).await?;
    if wire.stream().get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
        counts.resumed.fetch_add(1, Ordering::Relaxed);
    }
    counts.done();
    // The other side may have closed first.
    let _ = wire.stream().shutdown().await;
    Ok(())
}

async fn calls(client: &Client, request: &[u8], counts: &Counts) -> io::Result<()> {
    let mut wire = Wire::new(client.connect().await?);
    loop {
        wire.write(request).await?;
        answer(&mut wire, |part| counts.moved(part)).await?;
        counts.done();
    }
}

async fn uploads(client: &Client, bytes: u64, counts: &Counts) -> io::Result<()> {
    let block = vec![b'z'; BLOCK];
    let head = client.post("/upload", bytes);
    let mut wire = Wire::new(client.connect().await?);
    loop {
        wire.write(&head).await?;
        let mut left = bytes;
        while left > 0 {
            let part = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
            wire.write(&block[..part]).await?;
            counts.moved(&block[..part]);
            left -= part as u64;
        }
        wire.flush().await?;
        answer(&mut wire, |_| ()).await?;
        counts.done();
    }
}

async fn streams_of(client: &Client, streams: usize, counts: &Arc<Counts>) -> io::Result<()> {
    let stream = client.connect().await?;
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(odd("HTTP/2 was not agreed on"));
    }
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(1 << 24)
        .handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    for _ in 0..streams {
        let (mut sender, client) = (sender.clone(), client.clone());
        let counts = Arc::clone(counts);
        tokio::spawn(async move {
            while let Ok(()) = sender.ready().await {
                match stream_call(&mut sender, &client, &counts).await {
                    Ok(()) => counts.done(),
                    Err(error) => return counts.failed(&error),
                }
            }
        });
    }
    connection.await.map_err(io::Error::other)
}

async fn stream_call(
    sender: &mut http2::SendRequest<Empty<Bytes>>,
    client: &Client,
    counts: &Counts,
) -> io::Result<()> {
    let request = hyper::Request::get(client.url(SMALL))
        .header("user-agent", "bench")
        .header("accept", "*/*")
        .body(Empty::new())
        .map_err(io::Error::other)?;
    let response = sender.send_request(request).await;
    let mut response = response.map_err(io::Error::other)?;
    if response.status() != 200 {
        return Err(odd(&format!("status {}", response.status())));
    }
    while let Some(frame) = response.frame().await {
        if let Some(data) = frame.map_err(io::Error::other)?.data_ref() {
            counts.moved(data);
        }
    }
    Ok(())
}

async fn ask(job: &Job, has_certificate: bool, counts: &Counts) -> Outcome {
    let offer = Offer {
        nameless: !has_certificate,
        ..Offer::default()
    };
    let client = Client::new(&job.aim, offer);
    let mut asked = Vec::new();
    let call = async {
        let mut wire = Wire::new(client.connect().await?);
        wire.write(&client.get("/echo")).await?;
        answer(&mut wire, |part| asked.extend_from_slice(part)).await
    };
    match call.await {
        Ok(()) => counts.done(),
        Err(error) => counts.failed(&error),
    }
    Outcome {
        asked: Some(String::from_utf8_lossy(&asked).into_owned()),
        ..counts.since(&Outcome::default())
    }
}
