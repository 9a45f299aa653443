//! What connections that do nothing take of the target's memory.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::client::TlsStream;

use crate::client::{Client, Offer, answer, odd};
use crate::generator::{Counts, Job, Outcome, SMALL};
use crate::process::{family, memory_kib};
use crate::wire::Wire;

/// Connections before the first look, so that what is made once is not counted.
const FIRST: usize = 8;
const AT_ONCE: usize = 16;
/// How long the target has to settle before each look.
const SETTLING: Duration = Duration::from_secs(2);
/// After so many failures it is no use to go on.
const FAILURES_MAX: usize = 50;
/// How many connections are asked at the end whether they are there still.
const ASKED: usize = 20;

type Connection = Wire<TlsStream<TcpStream>>;

/// Opens all connections, one call on each, and compares the target's memory with what it was before.
pub async fn measure(job: &Job, counts: &Arc<Counts>) -> Outcome {
    let client = Client::new(&job.aim, Offer::default());
    let mut open = VecDeque::new();
    grow(&mut open, FIRST, &client, counts).await;
    sleep(SETTLING).await;
    let before = memory_kib(&family(job.process));
    let complete = grow(&mut open, FIRST + job.connections, &client, counts).await;
    sleep(SETTLING).await;
    let after = memory_kib(&family(job.process));
    let step = (open.len() / ASKED).max(1);
    for connection in open.iter_mut().step_by(step) {
        let call = timeout(SETTLING, call(connection, &client));
        let over = Err(odd("an idle connection does not answer"));
        if let Err(error) = call.await.unwrap_or(over) {
            counts.failed(&error);
        }
    }
    Outcome {
        kib_each: complete.then(|| (after - before) / job.connections as f64),
        ..counts.since(&Outcome::default())
    }
}

/// Opens connections until there are so many; `false` where that cannot be done.
async fn grow(
    open: &mut VecDeque<Connection>,
    until: usize,
    client: &Client,
    counts: &Arc<Counts>,
) -> bool {
    let mut failures = 0;
    while open.len() < until && failures < FAILURES_MAX {
        let several = AT_ONCE.min(until - open.len());
        let opening: Vec<_> = (0..several)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move {
                    let mut wire = Wire::new(client.connect().await?);
                    call(&mut wire, &client).await?;
                    wire.rest();
                    Ok::<_, io::Error>(wire)
                })
            })
            .collect();
        for one in opening {
            match one.await.unwrap() {
                Ok(wire) => open.push_back(wire),
                Err(error) => {
                    counts.failed(&error);
                    failures += 1;
                }
            }
        }
    }
    open.len() == until
}

async fn call(wire: &mut Connection, client: &Client) -> io::Result<()> {
    wire.write(&client.get(SMALL)).await?;
    answer(wire, |_| ()).await
}
