//! What was asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use super::loads::{LOADS, Load};

/// All peers that there are; those with 36 run on another OpenSSL.
pub const PEERS: [&str; 4] = ["nginx", "haproxy", "nginx36", "haproxy36"];

const USAGE: &str = "there are --server BIN, --peers nginx,haproxy,nginx36,haproxy36 (or none), --openssl36 DIR, \
                     --rounds N, --seconds S, --warm-up S, --loads NAME,…, --json FILE and --svg FILE";

/// What is to be measured, and where the results go.
#[derive(Debug)]
pub struct Options {
    /// The realmgate under test.
    pub server: PathBuf,
    /// The peers, in the order of the table.
    pub peers: Vec<&'static str>,
    /// The directory that holds the `libssl.so.3` of OpenSSL 3.6.
    pub openssl36: Option<PathBuf>,
    /// How often each load is run against each target.
    pub rounds: usize,
    /// How long each time.
    pub window: Duration,
    /// How long the load runs before that.
    pub warm_up: Duration,
    /// What is measured.
    pub loads: Vec<&'static Load>,
    /// A file for the results.
    pub json: Option<PathBuf>,
    /// A file for a plot of the ratios.
    pub svg: Option<PathBuf>,
}

impl Options {
    /// Reads the command line.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let mut options = Self {
            server: PathBuf::from(env!("CARGO_BIN_EXE_realmgate")),
            peers: PEERS.to_vec(),
            openssl36: None,
            rounds: 3,
            window: Duration::from_secs(2),
            warm_up: Duration::from_millis(700),
            loads: LOADS.iter().collect(),
            json: None,
            svg: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                let value = words.next();
                value.ok_or_else(|| format!("{word} wants a value behind it"))
            };
            match word.as_str() {
                "--server" => options.server = PathBuf::from(value()?),
                "--peers" => options.peers = peers(value()?)?,
                "--openssl36" => options.openssl36 = Some(PathBuf::from(value()?)),
                "--rounds" => {
                    let rounds: Option<usize> = value()?.parse().ok();
                    let rounds = rounds.filter(|rounds| (1..=1_000).contains(rounds));
                    options.rounds = rounds.ok_or("--rounds wants a number from 1 to 1000")?;
                }
                "--seconds" => options.window = seconds(word, value()?)?,
                "--warm-up" => options.warm_up = seconds(word, value()?)?,
                "--loads" => options.loads = loads(value()?)?,
                "--json" => options.json = Some(PathBuf::from(value()?)),
                "--svg" => options.svg = Some(PathBuf::from(value()?)),
                _ => return Err(format!("'{word}' is not known: {USAGE}")),
            }
        }
        Ok(options)
    }
}

fn seconds(word: &str, value: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = value.parse().ok();
    let seconds = seconds.filter(|seconds| (0.1..=600.0).contains(seconds));
    let seconds = seconds.ok_or_else(|| format!("{word} wants seconds, from 0.1 to 600"))?;
    Ok(Duration::from_secs_f64(seconds))
}

/// Peers in the order of [`PEERS`], whatever the order of the words.
fn peers(value: &str) -> Result<Vec<&'static str>, String> {
    let named: Vec<&str> = value.split(',').filter(|word| *word != "none").collect();
    if let Some(unknown) = named.iter().find(|word| !PEERS.contains(word)) {
        return Err(format!("'{unknown}' is no peer: there are {PEERS:?}"));
    }
    let of_all = PEERS.into_iter();
    Ok(of_all.filter(|peer| named.contains(peer)).collect())
}

fn loads(value: &str) -> Result<Vec<&'static Load>, String> {
    let words: Vec<&str> = value.split(',').collect();
    let is_none = |word: &&&str| !LOADS.iter().any(|load| load.is_meant_by(word));
    if let Some(unknown) = words.iter().find(is_none) {
        let names: Vec<&str> = LOADS.iter().map(|load| load.name).collect();
        return Err(format!("'{unknown}' is no load: there are {names:?}"));
    }
    let is_meant = |load: &&Load| words.iter().any(|word| load.is_meant_by(word));
    Ok(LOADS.iter().filter(is_meant).collect())
}
